"""Remote control: a shell or interpreter whose input and output are a connection to another machine."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View, path_of
from pydepgate.detect.process import starts_process
from pydepgate.source.calls import CallSite
from pydepgate.source.host import CHAT_MESSAGE, LISTENER, OUTPUT
from pydepgate.source.network import plain_name, request_of
from pydepgate.source.values import NETWORK, Value, content_taints

SIGNALS: Final = {
    "shell.socket-to-stdio": "a connection is made the standard input or output of this process",
    "shell.process-on-socket": "a process is started whose input or output is a connection",
    "shell.terminal": "a terminal with a shell is opened",
    "shell.command-loop": "what comes from a connection is run, and what it prints is sent back",
    "shell.listener": "connections from other machines are accepted",
    "shell.tunnel": "a tunnel into this machine is opened",
    "flow.network-to-stdin": "what comes from the network is typed into a running process",
    "flow.listener-to-process": "what comes in on an accepted connection is run",
    "flow.listener-to-exec": "what comes in on an accepted connection is executed as code",
    "flow.chat-to-process": "the text of a chat message is run",
    "flow.chat-to-exec": "the text of a chat message is executed as code",
}

_COPIES: Final = frozenset(("os.dup2", "os.dup3"))
_EXECUTES: Final = frozenset(("builtins.exec", "builtins.eval"))
_CONNECTIONS: Final = ("socket.socket()", "socket.create_connection()", "ssl.")
_LISTENS: Final = frozenset(
    """socket.socket().accept socket.socket().listen socket.create_server socketserver.TCPServer
    socketserver.ThreadingTCPServer asyncio.start_server""".split()
)
_TUNNELS: Final = frozenset(
    """pyngrok.ngrok.connect ngrok.connect ngrok.forward
    flask_cloudflared.run_with_cloudflared flask_ngrok.run_with_ngrok
    paramiko.Transport().request_port_forward paramiko.SSHClient().get_transport().request_port_forward
    sshtunnel.SSHTunnelForwarder localtunnel.connect pycloudflared.try_cloudflare""".split()
)
_WRITES: Final = frozenset(
    """subprocess.Popen().stdin.write subprocess.Popen().communicate pexpect.spawn().sendline
    asyncio.create_subprocess_shell().stdin.write asyncio.create_subprocess_exec().stdin.write""".split()
)
_MAX_WALKED: Final = 4_000


def _concerns(name: str) -> bool:
    name = plain_name(name)
    return starts_process(name) or any(name in each for each in (_COPIES, _EXECUTES, _WRITES, _LISTENS, _TUNNELS))


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    name = plain_name(site.name)
    if name in _COPIES and len(site.args) > 1 and _is_connection(site.args[0]):
        yield view.at_call("shell.socket-to-stdio", site, path_of(site.args[0], name))
    elif starts_process(name):
        yield from _started(site, name, view)
    elif name in _EXECUTES and site.args and LISTENER in content_taints(site.args[0]):
        yield view.at_call("flow.listener-to-exec", site, path_of(site.args[0], name))
    elif name in _EXECUTES and site.args and CHAT_MESSAGE in content_taints(site.args[0]):
        yield view.at_call("flow.chat-to-exec", site, path_of(site.args[0], name))
    elif name in _WRITES and any(NETWORK in content_taints(value) for value in (*site.args, *site.keywords.values())):
        yield view.at_call("flow.network-to-stdin", site, name)
    elif name in _LISTENS:
        yield view.at_call("shell.listener", site, name)
    elif name in _TUNNELS:
        yield view.at_call("shell.tunnel", site, name)


def _started(site: CallSite, name: str, view: View) -> Iterator[Sighting]:
    if name == "pty.spawn":
        yield view.at_call("shell.terminal", site, site.args[0].text if site.args else "")
    if any(_is_connection(site.keywords[key]) for key in ("stdin", "stdout", "stderr") if key in site.keywords):
        yield view.at_call("shell.process-on-socket", site, name)
    for value in site.args[:1] or tuple(site.keywords.values())[:1]:
        taints = content_taints(value)
        if LISTENER in taints:
            yield view.at_call("flow.listener-to-process", site, path_of(value, name))
        if CHAT_MESSAGE in taints:
            yield view.at_call("flow.chat-to-process", site, path_of(value, name))


def _is_connection(value: Value) -> bool:
    """Whether a value is a socket, or the number of its descriptor."""
    owner = value.name.removesuffix(".fileno()").removesuffix(".makefile()")
    if owner.endswith(_CONNECTIONS[:2]) or (owner.startswith(_CONNECTIONS[2]) and owner.endswith("wrap_socket()")):
        return True
    return value.name.endswith((".fileno", "fileno()")) and bool(value.taints & {NETWORK, LISTENER})


def _look_at_loop(
    node: ast.While | ast.FunctionDef | ast.AsyncFunctionDef, function: str, view: View
) -> Iterator[Sighting]:
    """A loop that runs what the network says and sends what that prints: the heart of every remote shell."""
    ran: CallSite | None = None
    told = False
    waiting: list[ast.AST] = [node]
    for _ in range(_MAX_WALKED):
        if not waiting:
            break
        here = waiting.pop()
        if isinstance(here, ast.Call):
            for site in view.evaluation.calls.get(here, ())[:1]:
                if starts_process(plain_name(site.name)) and any(NETWORK in content_taints(v) for v in site.args):
                    ran = ran or site
                elif (request := request_of(site)) is not None:
                    told = told or any(OUTPUT in content_taints(v) for v in request.sent)
        waiting.extend(ast.iter_child_nodes(here))
    if ran is not None and told:
        yield view.at_call("shell.command-loop", ran)


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
    nodes=(ast.While,),
    look_at_node=_look_at_loop,
)
