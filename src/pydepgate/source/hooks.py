"""Functions that are put where others call them: in the place of a library's own, or to be told of what comes in."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from pydepgate.regex import regex
from pydepgate.source.host import CHAT_MESSAGE
from pydepgate.source.objects import method_of, parts_of
from pydepgate.source.secrets import HOOKED
from pydepgate.source.values import NETWORK, LocalFunction, Value

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite
    from pydepgate.source.interpreter import Interpreter

_MAX_ARGUMENTS: Final = 8
"""Arguments of a hook that are taken to come from its caller."""
_MAX_FOLLOWED: Final = 4
"""Places that one function is followed in."""
_MAX_HOOKS: Final = 64

_HOOKED: Final = frozenset((HOOKED,))
_MESSAGE: Final = frozenset((NETWORK, CHAT_MESSAGE))

_TAKES_MESSAGES: Final = regex(r"^on_?(?:message|msg|data|text|receive|command)$|^(?:message|data)_callback$", re.I)
"""Attributes and arguments of clients of brokers and sockets that are called with what comes in."""
_BROKERS: Final = (
    """paho. websocket. websockets. pika. aio_pika. nats. stomp. kafka. aiokafka. redis. zmq. socketio. pusher. slixmpp.
    gmqtt. hbmqtt. asyncio_mqtt. aiomqtt. azure.servicebus. google.cloud.pubsub autobahn. sleekxmpp. irc. ably."""
).split()
_CALLBACKS: Final = regex(r"^(?:cb|callback|handler|listener|func|on_\w+|\w+_callback)$")
_MEANT_TO_BE_SET: Final = ("sys.", "threading.", "warnings.", "logging.", "signal.", "types.", "os.environ")
"""Where Python itself asks programs to put functions of their own."""
_TRACERS: Final = frozenset("sys.settrace sys.setprofile threading.settrace threading.setprofile".split())
_WRAPPERS: Final = frozenset(("wrapt.wrap_function_wrapper", "wrapt.wrap_object", "wrapt.patch_function_wrapper"))
_CELL_EVENTS: Final = frozenset("pre_run_cell post_run_cell pre_execute post_execute".split())


def replaced(run: Interpreter, owner: Value, name: str, value: Value, /) -> None:
    """Follow a function of the file that is assigned to an attribute of something that is not of the file."""
    function = value.function or method_of(value, "__call__")
    if function is None or not owner.name:
        return
    if _TAKES_MESSAGES.match(name):
        _follow(run, function, Value(taints=_MESSAGE), mark_receiver=True)
    elif is_foreign(owner.name) and ("." in owner.name or not name.startswith("_") or name.startswith("__")):
        # what a whole package is given under a private name is new there: nothing calls it
        _follow(run, function, Value(name=f"{owner.name}()", taints=_HOOKED))


def is_foreign(name: str, /) -> bool:
    """Whether a dotted name is of a module or class that is not the file's own, and not an instance of one."""
    if name == "?module":
        return True  # one that is imported by a name that is not known
    return "(" not in name and not name.startswith((".", "?", "<", *_MEANT_TO_BE_SET))


def registered(run: Interpreter, site: CallSite, /) -> bool:
    """Follow functions that a call puts where a library calls them; return whether it was such a call."""
    name = site.name
    tail = name.rpartition(".")[2]
    if name in _WRAPPERS and len(site.args) > 2 and (wrapper := site.args[2].function) is not None:
        held = Value(taints=_HOOKED)
        given = (Value(name="?wrapped"), held, Value(items=[held], taints=_HOOKED), Value(taints=_HOOKED))
        _call(run, wrapper, given, {})
        return True
    if name in _TRACERS and site.args and (tracer := site.args[0].function) is not None:
        run.call_local(tracer, *arguments_of(tracer, Value(taints=_HOOKED), given=bool(tracer.bound)))
        return True
    if tail == "register" and site.argument(0).text in _CELL_EVENTS and (cell := site.argument(1).function) is not None:
        _follow(run, cell, Value(taints=_HOOKED))
        return True
    is_broker = name.startswith(tuple(_BROKERS))
    found = False
    for key, value in site.keywords.items():
        if value.function is not None and (_TAKES_MESSAGES.match(key) or (is_broker and _CALLBACKS.match(key))):
            _follow(run, value.function, Value(taints=_MESSAGE), mark_receiver=True)
            found = True
    return found


def _follow(run: Interpreter, function: LocalFunction, argument: Value, *, mark_receiver: bool = False) -> None:
    if mark_receiver:
        run.receivers.add(function.node)
    _call(run, function, *arguments_of(function, argument, given=bool(function.bound)))


def _call(run: Interpreter, function: LocalFunction, args: tuple[Value, ...], keywords: dict[str, Value]) -> None:
    times = run.hooks_followed.get(function.node, 0)
    if times >= _MAX_FOLLOWED or len(run.hooks_followed) >= _MAX_HOOKS:
        return
    run.hooks_followed[function.node] = times + 1
    # it is called later, on its own behalf
    root, run.root = run.root, function.qualname
    try:
        run.call_local(function, args, keywords)
    finally:
        run.root = root


def arguments_of(
    function: LocalFunction, argument: Value, /, *, given: bool
) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """Return arguments for a function that is called from elsewhere, all of one value; `given`: its first is bound.

    Parameters with a default other than a constant keep it: it is how functions in loops remember what they replaced.
    """
    parameters = function.node.args
    positional = (*parameters.posonlyargs, *parameters.args)
    without = positional[: len(positional) - len(parameters.defaults)]
    with_constant = [
        parameter.arg
        for parameter, default in zip(positional[len(without) :], parameters.defaults, strict=True)
        if isinstance(default, ast.Constant)
    ]
    keyword_only = [
        parameter.arg
        for parameter, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
        if default is None or isinstance(default, ast.Constant)
    ]
    count = min(max(len(without) - given, 0), _MAX_ARGUMENTS)
    keywords = dict.fromkeys((*with_constant, *keyword_only)[:_MAX_ARGUMENTS], argument)
    if parameters.vararg and len(without) == len(positional):
        count += 1
    if parameters.kwarg:
        keywords["**"] = argument
    return (argument,) * count, keywords


def note_queue(run: Interpreter, site: CallSite, /) -> None:
    """Let what is put into a queue come out of it, also where the taking was followed before the putting."""
    queue = site.receiver
    tail = site.name.rpartition(".")[2]
    if queue is None or not queue.name.endswith(_QUEUES):
        return
    if tail in _TAKES and run.running:
        known = run.readers.setdefault(id(queue), (queue, {}))[1]
        known[run.running[-1].node] = run.running[-1]
    elif tail in _PUTS and site.args:
        added = frozenset().union(*(value.taints for value in (site.args[0], *parts_of(site.args[0]))))
        added = added.union(*(part.taints for part in (site.args[0].mapping or {}).values()))
        if not added <= queue.taints:
            queue.taints = queue.taints | added
            for node, function in run.readers.get(id(queue), (queue, {}))[1].items():
                if len(run.stale) < _MAX_STALE:
                    run.stale[node, run.root] = (run.root, function)


_QUEUES: Final = ("Queue()", "deque()")
_TAKES: Final = frozenset("get get_nowait popleft pop".split())
_PUTS: Final = frozenset("put put_nowait append appendleft".split())
_MAX_STALE: Final = 32
