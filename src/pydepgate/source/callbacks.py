"""Functions that are handed to others, which call them: threads, executors, servers and their decorators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pydepgate.source import folding
from pydepgate.source.hooks import registered
from pydepgate.source.objects import parts_of
from pydepgate.source.passing import REGISTERS
from pydepgate.source.values import GIVEN, Scope, Value, derive

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite
    from pydepgate.source.interpreter import Interpreter

_WRAPPERS: Final = frozenset(
    """functools.wraps functools.update_wrapper functools.lru_cache functools.cache functools.cached_property
    functools.singledispatch functools.total_ordering contextlib.contextmanager contextlib.asynccontextmanager
    builtins.staticmethod builtins.classmethod builtins.property builtins.callable builtins.isinstance builtins.hasattr
    builtins.id builtins.repr inspect.signature inspect.iscoroutinefunction inspect.isgeneratorfunction
    inspect.getsource inspect.getdoc inspect.unwrap asyncio.iscoroutinefunction typing.cast weakref.ref""".split()
)
"""Functions that look at a function or wrap it, and do not call it."""


def call_back(run: Interpreter, site: CallSite, scope: Scope, /) -> None:
    """A function that is handed to one that is not of this file is taken to be called: one of this file wherever it is
    handed, one of a library where that is all the call is for."""
    if site.name in _WRAPPERS or registered(run, site):
        return
    method = site.name.rpartition(".")[2]
    position = _FUNCTION_AT.get(method, -1)
    given = (*site.args, *site.keywords.values())
    if position < 0 and "target" not in site.keywords and not any(value.function for value in given):
        return
    for number, value in enumerate(given):
        is_target = number == position or site.keywords.get("target") is value
        if is_target and value.function is None and not value.name and GIVEN in value.taints:
            run.callers.add(site.function)
        if value.function is None and not (is_target and value.name and not folding.is_builtin(value.name)):
            continue
        handed: Sequence[Value] = ()
        by_name = _handed_by_name(site, method)
        if "args" in site.keywords:
            handed = parts_of(site.keywords["args"])
        elif number == position:
            handed = site.args[position + 1 :]
            handed = parts_of(handed[0]) if method in _TAKES_TUPLE and handed else handed
        elif method in _HANDS_OVER:
            handed = (derive(*(other for other in given if other is not value)),)
        if value.function is not None:
            if is_target or method in _CALLERS:
                run.call_local(value.function, handed, by_name)
                continue
            # what is only registered (a command, an option's check) is called later, on its own behalf; modules
            # register more than they have called, functions have more called than they register
            place = number if number < len(site.args) else list(site.keywords)[number - len(site.args)]
            called = bool(run.trace.qualname) and not REGISTERS.match(method)
            run.note_passed(site.name, place, value.function, otherwise=called)
            with run.on_its_own_behalf(value.function):
                run.call_local(value.function, handed, by_name)
        else:
            run.apply(site, value, tuple(handed), scope, keywords=by_name)


def _handed_by_name(site: CallSite, method: str) -> Mapping[str, Value]:
    """Return the keyword arguments that a function is called with by what it is handed to."""
    if method in _PASSES_KEYWORDS:
        return site.keywords
    given = site.keywords.get("kwargs")
    return {str(key): value for key, value in (given.mapping or {}).items()} if given is not None else {}


_PASSES_KEYWORDS: Final = frozenset(("submit", "to_thread", "register"))


_CALLERS: Final = frozenset(
    """map filter reduce starmap imap imap_unordered map_async sorted min max submit apply apply_async run run_sync
    run_until_complete create_task ensure_future gather run_coroutine_threadsafe Thread Process Timer do after hook
    settrace setprofile call iter sub subn""".split()
)
"""Functions that call what they are handed, or have it called by itself later."""

_HANDS_OVER: Final = frozenset("sub subn sorted min max".split())
"""Functions that call what they are handed with parts of their other arguments."""

_FUNCTION_AT: Final[Mapping[str, int]] = {
    **dict.fromkeys("submit to_thread apply_async start_new_thread call_soon register".split(), 0),
    **dict.fromkeys("run_in_executor call_later Timer signal".split(), 1),
}
"""Functions that call a function later, and which of their arguments it is; what follows are its arguments."""
_TAKES_TUPLE: Final = frozenset(("apply_async", "start_new_thread", "Timer"))


def serve(run: Interpreter, name: str, /) -> None:
    """Follow the functions that decorators gave to an object (a server, a bot) where its main loop is started."""
    owner, _, method = name.rpartition(".")
    if method in _MAIN_LOOPS and owner:
        for decorator, function in run.handlers[:_MAX_HANDLERS]:
            if decorator.startswith(f"{owner}."):
                run.call_local(function, (), {})


_MAX_HANDLERS: Final = 256
_MAIN_LOOPS: Final = frozenset(
    """run start run_forever serve_forever polling infinity_polling run_polling start_polling run_until_disconnected
    listen mainloop""".split()
)
"""Methods that run an object's main loop: of web servers, of chat bots, of windows."""
