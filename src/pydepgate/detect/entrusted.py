"""What callers entrust to a library: keys, passwords, sessions, what other libraries are told; and where it is sent."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from pydepgate.detect import destinations
from pydepgate.detect.base import Detector, Sighting, View, path_of
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.network import CHAT, DNS, HTTP, MAIL, SOCKET, Request, address_text, is_url, request_of
from pydepgate.source.secrets import CREDENTIAL, SECRET, SHARED, SPOKEN, TOKEN
from pydepgate.source.texts import HOLE
from pydepgate.source.values import GIVEN, Value, content_taints

_KINDS_TOLD: Final = {
    "key": "a wallet's key",
    "hooked": "what another library is given",
    "inherited": "what a class of another library keeps secret for one derived from it",
    "credential": "the password or session that a caller passes",
    "token": "the token that a caller passes",
    "given": "what a caller passes",
}
SIGNALS: Final = {
    **{
        f"flow.{kind}-to-fixed-host": f"{what} is sent to a host that is written in the source"
        for kind, what in _KINDS_TOLD.items()
    },
    **{
        f"flow.{kind}-by-odd-channel": f"{what} is sent by mail, by a look-up, or to a chat room or a bare address"
        for kind, what in _KINDS_TOLD.items()
    },
    "flow.credential-to-second-host": "the password or session that a caller passes is sent to two hosts",
    "flow.credential-aside": "what a caller passes as a password or token is sent, and the answer is thrown away",
    "flow.credential-to-library": "the password or token that a caller passes is passed on to another library",
    "flow.given-to-dns": "what a caller passes is looked up as a name below a zone that is written in the source",
    "flow.given-to-network": "what a caller passes is sent over the network",
}

_KINDS: Final = {**SPOKEN, GIVEN: "given"}
_SHARED: Final = frozenset(SECRET + kind for kind in SHARED)
"""Credentials that programs read to send them: only the odd channel tells."""

_LOCAL_HOST: Final = regex(
    r"^(?:localhost|127\.|0\.0\.0\.0|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|\[?::1)"
)
_ZONE: Final = regex(r"[A-Za-z0-9-]{2,}\.[A-Za-z]{2,}\.?$")
_MADE_WITH: Final = ("cookies", "headers", "auth", "params", "json", "data", 1)


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    request = request_of(site) or _by_client(site)
    if (request is None or not request.opens or request.kind in (SOCKET, CHAT)) and _logs_in(site):
        yield view.at_call("flow.credential-to-library", site, site.name)
    if request is None:
        return
    found: dict[str, Value] = {}
    for value in _sent(site, request):
        for taint in content_taints(value):
            if taint in _KINDS:
                found.setdefault(taint, value)
    if not found:
        return
    where = _fixed(site, request)
    if where is None:
        if GIVEN in found:
            yield view.at_call("flow.given-to-network", site, path_of(found[GIVEN], site.name))
        return
    host, odd = where
    how = "by-odd-channel" if odd else "to-fixed-host"
    if request.kind == DNS and GIVEN in found:
        yield view.at_call("flow.given-to-dns", site, host)
    for taint in sorted(found):
        if odd or taint not in _SHARED:
            yield view.at_call(f"flow.{_KINDS[taint]}-{how}", site, f"{host}: {path_of(found[taint], site.name)}")


def _look_at_statement(node: ast.Expr, function: str, view: View) -> Iterator[Sighting]:
    """A request whose answer is thrown away."""
    call = node.value.value if isinstance(node.value, ast.Await) else node.value
    if not isinstance(call, ast.Call):
        return
    for site in view.evaluation.calls.get(call, ()):
        if any(sighting.name in _ASIDE for sighting in _look(site, view)):
            yield view.at_call("flow.credential-aside", site, site.name)


def _logs_in(site: CallSite) -> bool:
    """Whether a call gives the library that it is for what a caller passes as a password or token."""
    return (
        _LIBRARY.match(site.name) is not None
        and _LOGS_IN.search(site.name) is not None
        and any(content_taints(value) & _FOR_LIBRARIES for value in (*site.args, *site.keywords.values()))
    )


_ASIDE: Final = frozenset(("flow.credential-to-fixed-host", "flow.token-to-fixed-host"))

_FOR_LIBRARIES: Final = frozenset((CREDENTIAL, TOKEN))
_LIBRARY: Final = regex(
    r"(?!(?:os|sys|re|json|logging|str|bytes|builtins|base64|hashlib|hmac|urllib|http|socket|time|datetime|collections|functools"
    r"|itertools|requests|httpx|aiohttp|typing|copy|threading|asyncio|queue|io|email|ssl|uuid|secrets|string|dict|list)\.)[A-Za-z_]"
)
_LOGS_IN: Final = regex(r"\.(?:connect\w*|log_?in|start|run|open|auth\w*|sign_in|__init__|[A-Z]\w*)$")
"""Functions, and classes, of libraries that need a password or token themselves."""
_SENDS: Final = regex(
    r"^(?:send|post|publish|push|emit|upload|report|submit|notify|track|capture|insert|put)(?:_|$|[A-Z])"
)


def _by_client(site: CallSite) -> Request | None:
    """A method that sends, of a library's object that was made with an address which is written in the source."""
    made = site.receiver.made_with if site.receiver is not None else None
    if not made or not site.name or not _SENDS.match(site.name.rpartition(".")[2]):
        return None
    target = next((value for value in list(made.values())[:_MAX_MADE_WITH] if is_url(value)), None)
    return Request(HTTP, target, (*site.args, *site.keywords.values())) if target is not None else None


_MAX_MADE_WITH: Final = 8


def _sent(site: CallSite, request: Request) -> Iterator[Value]:
    """Yield what goes out with a request: what its client or the request itself was made with included."""
    for value in request.sent:
        if value is not request.target or request.kind in (HTTP, DNS):
            yield value
        made = value.made_with or {}
        if value.name.endswith("Request()"):
            yield from (made[key] for key in _MADE_WITH if key in made)
    if site.receiver is not None and request.kind == HTTP:
        made = site.receiver.made_with or {}
        yield from (made[key] for key in _MADE_WITH[:4] if key in made)


def _fixed(site: CallSite, request: Request) -> tuple[str, bool] | None:
    """Return the host that is written in the source, and whether the way there is an odd one for credentials."""
    text = address_text(request.target)
    if request.kind == DNS:
        zone = _ZONE.search(text)
        return (zone.group(), True) if zone and request.target.pieces else None
    address = destinations.parse(text) if text else None
    if address is None or HOLE in address.host or "." not in address.host or _LOCAL_HOST.match(address.host):
        return None
    if request.kind == CHAT:
        return None
    odd = not _ODD_HOSTS.isdisjoint(destinations.classify(address)) and HOLE not in address.path
    if request.kind in (HTTP, MAIL):
        return address.host, odd or request.kind == MAIL
    broker = site.name.startswith("paho.") or site.name.endswith(".sendto")
    return (address.host, broker or odd) if request.kind == SOCKET else None


_ODD_HOSTS: Final = frozenset(
    """network.webhook network.bot-api network.out-of-band network.dynamic-dns network.raw-ip network.onion
    network.random-host""".split()
)


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    nodes=(ast.Expr,),
    look_at_node=_look_at_statement,
)
