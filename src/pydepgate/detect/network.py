"""Talking to other machines: requests and connections, and what is sent."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from pydepgate.detect import destinations
from pydepgate.detect.base import MAX_EVIDENCE, Detector, Sighting, View, path_of, words_of
from pydepgate.model import MODULE_ROOT
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.host import (
    ADDRESS,
    ALL_FACTS,
    LISTING,
    OUTPUT,
    PIPELINE,
    PLATFORM,
    PROCESSES,
    SOFTWARE,
    TELLING,
    is_own_lookup,
)
from pydepgate.source.network import (
    CHAT,
    DNS,
    HTTP,
    SOCKET,
    Request,
    address_text,
    is_url,
    might_request,
    port_of,
    request_of,
)
from pydepgate.source.values import DECODED, ENVIRON, FILE, INPUT, NETWORK, OPAQUE, Value, content_taints

SIGNALS: Final = {
    "network.request": "a request is made or a connection opened",
    "network.download-to-file": "a file is downloaded",
    "network.opens-browser": "a page with a constant address is opened in the user's browser",
    "network.disguised": "the network is reached through a function reached by another name",
    "network.on-load": "a request is made as soon as the module is loaded, whoever loads it",
    "network.unverified": "a request does not check the certificate of the other end",
    "network.ping-only": "the answer to a request is thrown away",
    "network.sends-data": "a request carries data",
    "network.errors-hidden": "whether a request fails is kept quiet",
    "network.beacon-loop": "a request is made again and again, without end",
    "network.in-thread": "a request is made in a thread of its own",
    "network.odd-client": "a request pretends to come from a browser",
    "network.raw-ip-connection": "a connection is opened to a bare public IP address",
    "network.webhook-literal": "a string is the address of a webhook or the token of a bot, its secret included",
    "network.encoded-address": "the address of a request is written in the source, encoded",
    "network.bot": "a bot of a chat service is run with a token that is written in the source",
    "host.facts": "this machine, its user or its surroundings are looked up",
    "flow.environ-to-network": "environment variables are sent over the network",
    "flow.decode-to-network": "the address of a request is decoded or rebuilt",
    "flow.host-to-network": "the name, user, address or hardware of this machine is sent over the network",
    "flow.host-facts-many": "three or more kinds of facts about this machine are sent in one request",
    "flow.host-to-dns": "a fact about this machine is made part of a name that is looked up",
    "flow.host-to-address": "a fact about this machine is made part of an address",
    "flow.platform-to-network": "the operating system or version of this machine is sent over the network",
    "flow.file-to-network": "the content of a file is sent over the network",
    "flow.listing-to-network": "the names of files are sent over the network",
    "flow.process-output-to-network": "the output of a command is sent over the network",
    "flow.processes-to-network": "the list of running processes or installed packages is sent over the network",
    "flow.pipeline-to-network": "what a build service tells of itself is sent over the network",
    "flow.input-to-network": "what the user or the command line gives is sent over the network",
    "flow.network-to-network": "what came from the network is sent on",
    **destinations.SIGNALS,
}

_BROWSERS: Final = frozenset(("webbrowser.open", "webbrowser.open_new", "webbrowser.open_new_tab"))
_DOWNLOADS: Final = frozenset(("urllib.request.urlretrieve", "urllib.urlretrieve", "wget.download"))
_HIDDEN: Final = frozenset((DECODED, OPAQUE))
"""Taints of an address that an unreadable literal is decoded to, in a way that could not be followed."""
_MANY: Final = 3
_MAX_WALKED: Final = 2_000
"""Nodes below one `try`, loop or thread that are looked at."""

_BY_TAINT: Final = {
    PLATFORM: "flow.platform-to-network",
    LISTING: "flow.listing-to-network",
    OUTPUT: "flow.process-output-to-network",
    PROCESSES: "flow.processes-to-network",
    SOFTWARE: "flow.processes-to-network",
    PIPELINE: "flow.pipeline-to-network",
    FILE: "flow.file-to-network",
    INPUT: "flow.input-to-network",
    NETWORK: "flow.network-to-network",
    ENVIRON: "flow.environ-to-network",
}


def _concerns(name: str) -> bool:
    return name in _LOOKUPS or name in _THREADS or name in _BROWSERS or might_request(name)


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    if site.name in _LOOKUPS:
        yield view.at_call("host.facts", site, site.name)
    if site.name in _THREADS:
        yield from _in_thread(site, view)
    if site.name in _BROWSERS and (address := destinations.parse(address_text(site.argument(0, "url")))) is not None:
        yield view.at_call("network.opens-browser", site, address_text(site.argument(0, "url")))
        for signal in destinations.classify(address):
            yield view.at_call(signal, site, address.host)
    request = request_of(site)
    if request is None or (request.kind == DNS and is_own_lookup(site)):
        return
    if request.opens:
        yield from _opened(site, request, view)
    yield from _flows(site, request, view)


def _opened(site: CallSite, request: Request, view: View) -> Iterator[Sighting]:
    words = " ".join(word for value in site.args[:2] for word in words_of(value) if word != "?")
    yield view.at_call("network.request", site, f"{site.name}: {words}" if words else site.name)
    if site.name in _DOWNLOADS:
        yield view.at_call("network.download-to-file", site)
    if site.disguised and site.receiver is None:
        yield view.at_call("network.disguised", site)
    if MODULE_ROOT in site.roots:
        yield view.at_call("network.on-load", site)
    if request.kind == HTTP and _has_body(site):
        yield view.at_call("network.sends-data", site)
    verify = site.keywords.get("verify")
    if verify is not None and verify.const is False:
        yield view.at_call("network.unverified", site)
    if any("mozilla/" in text.lower() for value in site.keywords.values() for text in words_of(value)):
        yield view.at_call("network.odd-client", site)
    target = request.target
    if target.layers or target.taints >= _HIDDEN:
        yield view.at_call(
            "flow.decode-to-network", site, path_of(target, site.name), literal=view.literal_of(target, site)
        )
        if target.layers and "." in address_text(target):
            yield view.at_call("network.encoded-address", site, address_text(target))
    yield from _destination(site, request, view)


def _has_body(site: CallSite) -> bool:
    verb = site.name.rpartition(".")[2]
    made = next((value.made_with for value in site.args[:1] if value.name.endswith("Request()")), None) or {}
    return (
        verb in ("post", "put", "patch")
        or any(key in site.keywords or key in made for key in ("data", "json", "files", "content", "body"))
        or (verb == "urlopen" and len(site.args) > 1)
        or 1 in made
    )


def _destination(site: CallSite, request: Request, view: View) -> Iterator[Sighting]:
    text = address_text(request.target)
    if not text:
        return
    if request.kind == CHAT and destinations.is_bot_token(text):
        yield view.at_call("network.bot", site, site.name)
    address = destinations.parse(text)
    if address is None or (request.kind == CHAT and not address.scheme):
        return
    for signal in destinations.classify(address):
        # connecting to a bare address is how programs learn which of their own addresses they use
        bare = signal == "network.raw-ip" and request.kind in (SOCKET, DNS)
        yield view.at_call("network.raw-ip-connection" if bare else signal, site, text)
    port = port_of(request.target) if request.kind == SOCKET else None
    if port is not None and port not in destinations.USUAL_PORTS and "." in address.host:
        yield view.at_call("network.odd-port", site, f"{address.host}:{port}")


def _flows(site: CallSite, request: Request, view: View) -> Iterator[Sighting]:
    # whom to connect to is not what is sent, but for a name or URL that is made to carry something
    is_address = request.opens and request.kind != HTTP
    sent = tuple(value for value in request.sent if not is_address or value is not request.target)
    if is_address and _is_composed(request.target):
        sent = (request.target, *sent)
    if request.kind == HTTP and not is_url(request.target):
        # an address that is read from somewhere is where to go, not what to say
        sent = tuple(value for value in sent if value is not request.target)
    taints = [content_taints(value) for value in sent]
    together: frozenset[str] = frozenset().union(*taints)
    told = together & ALL_FACTS
    if not together:
        return
    for taint, signal in _BY_TAINT.items():
        if taint in together:
            yield view.at_call(signal, site, path_of(_carrier(sent, taint, taints), site.name))
    if request.kind == DNS:
        if told - {ADDRESS, PLATFORM}:
            yield view.at_call("flow.host-to-dns", site, path_of(request.target, site.name))
    elif told & TELLING:
        first = _carrier(sent, min(told & TELLING), taints)
        yield view.at_call("flow.host-to-network", site, path_of(first, site.name), ", ".join(sorted(told)))
        if len(told) >= _MANY:
            yield view.at_call("flow.host-facts-many", site, ", ".join(sorted(told)))
        if content_taints(request.target) & TELLING:
            yield view.at_call("flow.host-to-address", site, address_text(request.target))


def _carrier(sent: tuple[Value, ...], taint: str, taints: list[frozenset[str]]) -> Value:
    return next(value for value, found in zip(sent, taints, strict=True) if taint in found)


def _is_composed(target: Value) -> bool:
    """Whether a name is put together with a domain that is written in the source."""
    composed = bool(target.pieces or target.items)
    return composed and _DOMAIN.search(address_text(target)) is not None


_DOMAIN: Final = regex(r"[A-Za-z0-9-]{2,}\.[A-Za-z]{2,}$")

_LOOKUPS: Final = frozenset(
    """socket.gethostname socket.getfqdn platform.node getpass.getuser os.getlogin uuid.getnode os.uname
    netifaces.interfaces psutil.net_if_addrs pwd.getpwuid platform.uname""".split()
)
_THREADS: Final = frozenset(
    """threading.Thread threading.Timer multiprocessing.Process _thread.start_new_thread
    concurrent.futures.ThreadPoolExecutor().submit""".split()
)


def _in_thread(site: CallSite, view: View) -> Iterator[Sighting]:
    for value in (*site.args, *site.keywords.values()):
        if value.function is not None:
            yield from _requests_below(value.function.node, "network.in-thread", view)


def _requests_below(node: ast.AST, signal: str, view: View) -> Iterator[Sighting]:
    for site in _sites_below((node,), view):
        yield view.at_call(signal, site)


def _sites_below(nodes: tuple[ast.AST, ...], view: View) -> Iterator[CallSite]:
    """Yield the calls below a node that make requests, of the first so many nodes."""
    waiting = list(nodes)
    for _ in range(_MAX_WALKED):
        if not waiting:
            return
        node = waiting.pop()
        if isinstance(node, ast.Call):
            for site in view.evaluation.calls.get(node, ())[:1]:
                if (request := request_of(site)) is not None and request.opens:
                    yield site
        waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def _look_around(node: ast.Try | ast.While | ast.Expr | ast.Constant, function: str, view: View) -> Iterable[Sighting]:
    if isinstance(node, ast.Constant):
        text = node.value
        if not isinstance(text, str) or not destinations.is_secret_address(text):
            return ()
        evidence = (text[:MAX_EVIDENCE],)
        return (Sighting("network.webhook-literal", *view.place(node), function, view.roots_of(function), evidence),)
    return _of_statement(node, view)


def _of_statement(node: ast.Try | ast.While | ast.Expr, view: View) -> Iterator[Sighting]:
    match node:
        case ast.Try(handlers=[_, *_]) if all(_is_silent(handler) for handler in node.handlers):
            for site in _sites_below(tuple(reversed(node.body)), view):
                yield view.at_call("network.errors-hidden", site)
        case ast.While(test=ast.Constant(value=value)) if value:
            if any(_is_pause(call, view) for call in _calls_below(node)):
                yield from _requests_below(node, "network.beacon-loop", view)
        case ast.Expr(value=ast.Call() as call) | ast.Expr(value=ast.Await(value=ast.Call() as call)):
            for site in view.evaluation.calls.get(call, ())[:1]:
                if (request := request_of(site)) is not None and request.opens and request.kind not in (SOCKET, CHAT):
                    yield view.at_call("network.ping-only", site)


def _calls_below(node: ast.AST) -> Iterator[ast.Call]:
    waiting = [node]
    for _ in range(_MAX_WALKED):
        if not waiting:
            return
        here = waiting.pop()
        if isinstance(here, ast.Call):
            yield here
        waiting.extend(ast.iter_child_nodes(here))


def _is_pause(call: ast.Call, view: View) -> bool:
    return any(site.name in ("time.sleep", "asyncio.sleep") for site in view.evaluation.calls.get(call, ()))


def _is_silent(handler: ast.ExceptHandler) -> bool:
    """Whether an error is dropped: nothing is done, or the same as if nothing had been asked."""
    return all(map(_does_nothing, handler.body))


def _does_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Continue() | ast.Break() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Return(value=value):
            return value is None or isinstance(value, ast.Constant)
    return False


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
    nodes=(ast.Try, ast.While, ast.Expr, ast.Constant),
    look_at_node=_look_around,
)
