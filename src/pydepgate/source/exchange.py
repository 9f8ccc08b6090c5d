"""What a file has for others that import it, and what of others it uses where that matters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydepgate.model import Given
from pydepgate.source.files import Files, might_write
from pydepgate.source.host import OUTPUT, PROCESSES, SOFTWARE, TELLING
from pydepgate.source.network import is_network_call, might_request, request_of
from pydepgate.source.secrets import CAPTURE, SECRET
from pydepgate.source.values import (
    DECODED,
    ENVIRON,
    FILE,
    GIVEN,
    NETWORK,
    OPAQUE,
    REBUILT,
    Scope,
    Value,
    content_taints,
)

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite
    from pydepgate.source.interpreter import Interpreter

HIDDEN: Final = frozenset((DECODED, OPAQUE, REBUILT))
PRIVATE: Final = frozenset((ENVIRON, OUTPUT, PROCESSES, SOFTWARE, *TELLING))
ADDRESS: Final = "address"
"""An address of the network that is written in the source."""
LITERAL: Final = "literal"
"""A text, or bytes or numbers, long enough to hide code: what they are decoded to tells."""
WRITTEN: Final = "written"
"""The function writes what was downloaded or decoded to a file; or it is the path of such a file."""
_TELLING: Final = HIDDEN | PRIVATE | {NETWORK, FILE}

EXECUTED: Final = "executed"
STARTED: Final = "started"
SENT: Final = "sent"
"""Uses that matter."""
FITTING: Final[Mapping[str, frozenset[str]]] = {
    EXECUTED: HIDDEN | {NETWORK, LITERAL},
    STARTED: HIDDEN | {NETWORK, LITERAL, ADDRESS, WRITTEN},
    SENT: HIDDEN | PRIVATE | {FILE, ADDRESS},
}
"""For each use what has to be followed into another file; secrets and captures besides, where they are sent."""

_EXECUTES: Final = frozenset(
    """builtins.exec builtins.eval builtins.execfile builtins.compile builtins.__import__ importlib.import_module
    types.FunctionType types.LambdaType runpy.run_path pickle.loads pickle.load cPickle.loads dill.loads
    cloudpickle.loads marshal.loads code.InteractiveInterpreter().runsource
    code.InteractiveInterpreter().runcode""".split()
)
STARTS_PROCESS: Final = tuple(
    """subprocess. os.system os.popen os.exec os.spawn os.posix_spawn os.startfile asyncio.create_subprocess_
    asyncio.subprocess.create_subprocess_ pty.spawn commands.get multiprocessing.Popen""".split()
)
"""What the names of functions that start processes begin with."""
_STARTS: Final = (
    *STARTS_PROCESS,
    *"""ctypes.CDLL ctypes.WinDLL ctypes.windll ctypes.cdll imp.load importlib.util.spec_from_file_location
    importlib.machinery. win32api.ShellExecute webbrowser.open winreg.SetValueEx""".split(),
)
_SENDING_TAILS: Final = frozenset(
    "post put send sendall sendto sendmail send_message upload upload_file urlopen".split()
)
_NO_KINDS: Final[frozenset[str]] = frozenset()
_MAX_PARTS: Final = 48
"""Parts of a value that are asked for names."""
_MIN_LITERAL: Final = 24
_MAX_NAMES: Final = 16
"""Names that are kept for one use, about."""
_MAX_GIVEN: Final = 2_048
_MAX_USES: Final = 256
"""Names that give something, and functions that are passed something, in one file."""
_RUNS_ANYTHING: Final = frozenset(
    "builtins.exec builtins.eval types.FunctionType types.LambdaType pickle.loads marshal.loads".split()
)


def gives_of(run: Interpreter, scope: Scope, modules: Collection[str], /) -> dict[str, Given]:
    """Return what the names of a module hold, and its functions and methods return, where that tells something."""
    found: dict[str, Given] = {}
    writers = _writers(run)
    for function in run.functions:
        known = run.remembered.get(function.node)
        extra = writers.get(function.qualname, frozenset())
        _add(found, function.qualname, known.result if known is not None else Value(), run.files, modules, extra)
    for cls in run.classes:
        for name, value in {**cls.scope.names, **cls.attributes}.items():
            if name.isidentifier() and value.function is None:
                _add(found, f"{cls.qualname}.{name}", value, run.files, modules)
    for name, value in scope.names.items():
        # what is only imported is found by its own name
        only_imported = value.name and not value.taints and value.made_with is None
        if name.isidentifier() and not only_imported and value.function is None and value.cls is None:
            _add(found, name, value, run.files, modules)
    return found


def _add(
    found: dict[str, Given],
    name: str,
    value: Value,
    files: Files,
    modules: Collection[str],
    extra: frozenset[str] = frozenset(),
) -> None:
    kinds = extra | _kinds(value, files)
    names = frozenset(foreign(value, modules))
    if (kinds or names) and len(found) < _MAX_GIVEN:
        found[name] = Given(kinds, names)


def _kinds(value: Value, files: Files) -> frozenset[str]:
    taints = content_taints(value)
    kinds = {taint for taint in taints if taint in _TELLING or taint.startswith((SECRET, CAPTURE))}
    if value.layers or value.pending:
        kinds.add(DECODED)
    if isinstance(value.const, str) and "://" in value.const[:12]:
        kinds.add(ADDRESS)
    if isinstance(value.const, str | bytes | list | tuple) and len(value.const) >= _MIN_LITERAL:
        kinds.add(LITERAL)
    if files.written and (value.known or value.name or value.pieces):
        written = files.written.get(files.key(value))
        if written is not None and not written.content.taints.isdisjoint(_FROM_ELSEWHERE):
            kinds.add(WRITTEN)
    return frozenset(kinds)


_FROM_ELSEWHERE: Final = HIDDEN | {NETWORK}


def _writers(run: Interpreter) -> dict[str, frozenset[str]]:
    """Return the functions that write downloaded or decoded content to files."""
    if not run.files.written:
        return {}
    found: dict[str, frozenset[str]] = {}
    for sites in run.sites.values():
        for site in sites:
            if site.function and might_write(site.name):
                for write in run.files.writes_of(site):
                    if write.content.layers or not content_taints(write.content).isdisjoint(_FROM_ELSEWHERE):
                        found[site.function] = frozenset((WRITTEN,))
    return found


def takes_of(run: Interpreter, sites: Sequence[CallSite], modules: Collection[str], /) -> dict[str, Given]:
    """Return, for each use that matters, the names of what may be another file's and is used so."""
    names: dict[str, set[str]] = {}
    kinds: dict[str, set[str]] = {}
    for site in sites:
        given = (*site.args, *site.keywords.values())
        if given and is_own(site.name, modules) and len(names) < _MAX_USES:
            use = f"to {site.name}"
            found = _NO_KINDS.union(*(_passed(value) for value in given if value.taints or value.layers))
            if found:
                kinds.setdefault(use, set()).update(found)
        elif not (use := use_of(site)):
            continue
        known = names.setdefault(use, set())
        for value in given:
            if not value.known and len(known) < _MAX_NAMES:
                known.update(foreign(value, modules))
        if site.name in _RUNS_ANYTHING and not site.argument(0).known:
            # code is made in so many ways that what it was made of cannot be told; but it is made seldom
            known.update(name for name, _ in list(run.imports)[:_MAX_NAMES] if is_own(name, modules))
    return {
        use: Given(frozenset(kinds.get(use, ())), frozenset(found))
        for use, found in sorted(names.items())
        if found or use == STARTED or use in kinds
    }


def _passed(value: Value) -> frozenset[str]:
    found = content_taints(value) & _FROM_ELSEWHERE
    return found | {DECODED} if value.layers else found


def sinks_of(sites: Sequence[CallSite], /) -> dict[str, frozenset[str]]:
    """Return which uses that matter functions make of what they are given."""
    found: dict[str, set[str]] = {}
    for site in sites:
        given = (*site.args, *site.keywords.values())
        if site.function and (use := use_of(site)) and any(GIVEN in content_taints(value) for value in given):
            found.setdefault(site.function, set()).add(use)
    return {function: frozenset(uses) for function, uses in found.items()}


def use_of(site: CallSite, /) -> str:
    """Return how a call uses what it is given, if that matters; else an empty text."""
    use = _use_by_name(site.name)
    if use != _MAYBE_SENT:
        return use
    return SENT if request_of(site) is not None else ""


@lru_cache(maxsize=4096)
def _use_by_name(name: str) -> str:
    if name in _EXECUTES:
        return EXECUTED
    if name.startswith(_STARTS):
        return STARTED
    if name.rpartition(".")[2] in _SENDING_TAILS or is_network_call(name):
        return SENT
    return _MAYBE_SENT if might_request(name) else ""


_MAYBE_SENT: Final = "perhaps sent"


def foreign(value: Value, modules: Collection[str], /) -> Iterator[str]:
    """Yield names of what a value was made of that may be another file's of the same artifact, up to a bound."""
    waiting = [value]
    seen = 0
    while waiting and seen < _MAX_PARTS:
        part = waiting.pop()
        seen += 1
        if is_own(part.name, modules):
            yield part.name
        if not part.known:
            waiting += [*(part.made_with or {}).values(), *part.pieces, *(part.items or ())]
            waiting += [*(part.mapping or {}).values(), *part.bound]


def is_own(name: str, modules: Collection[str], /) -> bool:
    """Whether a name may be of another file of the artifact: it is relative, or of one of these modules."""
    return name.startswith(".") or name.partition(".")[0] in modules
