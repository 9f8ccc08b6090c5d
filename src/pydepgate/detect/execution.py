"""Code made at run time and executed: `exec`, `eval` and what does the same, by what reaches them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View, path_of, words_of
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.values import DECODED, FILE, INPUT, NETWORK, NOTHING, OPAQUE, PACKAGED, REBUILT, UNMASKED, Value

_EXECUTES: Final = {
    "builtins.exec": 0,
    "builtins.eval": 0,
    "builtins.execfile": 0,
    "code.InteractiveInterpreter().runsource": 0,
    "code.InteractiveInterpreter().runcode": 0,
    "code.InteractiveConsole().push": 0,
    "types.FunctionType": 0,
    "types.LambdaType": 0,
    "runpy.run_path": 0,
    "runpy._run_code": 0,
    "importlib.util._run_code": 0,
    "timeit.timeit": 0,
    "cProfile.run": 0,
    "pdb.run": 0,
    "js2py.eval_js": 0,
    "bdb.Bdb().run": 0,
    "trace.Trace().run": 0,
    "profile.run": 0,
    "doctest.run_docstring_examples": 0,
    "ctypes.pythonapi.PyRun_SimpleString": 0,
    "_xxsubinterpreters.run_string": 1,
    "_interpreters.run_string": 1,
    "_interpreters.exec": 1,
    "builtins.get_ipython().run_cell": 0,
    "get_ipython().run_cell": 0,
    "IPython.get_ipython().run_cell": 0,
}
"""Functions that run the code in one of their arguments, and the position of that argument."""

_UNPICKLES: Final = frozenset(
    """pickle.loads pickle.load cPickle.loads dill.loads cloudpickle.loads joblib.load torch.load shelve.open
    yaml.unsafe_load""".split()
)

_RUNS_CODE: Final = frozenset(("builtins.exec", "builtins.eval"))
_IMPORTS: Final = frozenset(("builtins.__import__", "importlib.import_module"))

SIGNALS: Final = {
    "flow.decode-to-exec": "a literal that is decoded, decrypted or rebuilt is executed as code",
    "flow.decoded-data-to-exec": "data from elsewhere is decoded and executed as code",
    "flow.unmasked-data-to-exec": "data from elsewhere is combined with a key (XOR) and executed as code",
    "flow.network-to-exec": "data from the network is executed as code",
    "flow.file-to-exec": "the content of a file is executed as code",
    "flow.input-to-exec": "what the user or the command line gives is executed as code",
    "flow.opaque-to-exec": "code made from an unreadable literal is executed",
    "flow.decode-to-unpickle": "decoded data is unpickled, which can run any code",
    "flow.network-to-unpickle": "data from the network is unpickled, which can run any code",
    "exec.constant": "a readable constant is executed as code",
    "exec.dynamic": "code that is not constant is executed",
    "exec.disguised": "exec, eval or the like is reached by another name",
    "exec.handed": "exec or eval is handed to a function of the package, to be called there",
    "import.decoded": "the name of an imported module is decoded or rebuilt",
}


def _concerns(name: str) -> bool:
    known = name in _EXECUTES or name in _UNPICKLES or name in _IMPORTS or name in _FEEDS
    return known or name == "builtins.compile" or name.startswith(".")


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    position = _EXECUTES.get(site.name)
    if site.name.startswith(".") and any(value.name in _RUNS_CODE for value in (*site.args, *site.keywords.values())):
        yield view.at_call("exec.handed", site, f"hands exec or eval to {site.name}")
    if position is not None:
        if site.disguised:
            yield view.at_call("exec.disguised", site, f"calls {site.name.removeprefix('builtins.')} by another name")
        yield from _executed(site, site.argument(position, "source"), view)
    elif site.name == "builtins.compile" or site.name in _FEEDS:
        # of what is only compiled, or only given to a process, nothing is said but that it was hidden
        fed = _fed(site) if site.name in _FEEDS else site.argument(0, "source")
        yield from (found for found in _executed(site, fed, view) if found.name in _OF_HIDDEN)
    elif site.name in _UNPICKLES:
        yield from _unpickled(site, site.argument(0), view)
    elif site.name in _IMPORTS:
        name = site.argument(0, "name")
        if name.layers or name.pending or DECODED in name.taints:
            yield view.at_call(
                "import.decoded", site, path_of(name, site.name), f"module {name.text!r}" if name.text else ""
            )


_FEEDS: Final = frozenset(
    """subprocess.run subprocess.check_output subprocess.Popen().communicate subprocess.Popen().stdin.write""".split()
)
_OF_HIDDEN: Final = frozenset(
    ("flow.decode-to-exec", "flow.decoded-data-to-exec", "flow.unmasked-data-to-exec", "flow.network-to-exec")
)
_INTERPRETER: Final = regex(
    r"(?:^|[\\/ ])(?:python[\d.]*w?|(?:ba|z|da)?sh|cmd|powershell|pwsh)(?:\.exe)?(?: |$)|executable"
)


def _fed(site: CallSite) -> Value:
    """Return what an interpreter that runs as a process is given on its standard input."""
    made = (site.receiver.made_with or {}) if site.receiver is not None else {}
    command = site.argument(0, "args") if "Popen" not in site.name else made.get(0) or made.get("args") or NOTHING
    if not _INTERPRETER.search((words_of(command) or [""])[0]):
        return NOTHING
    return site.argument(0, "input") if "Popen" in site.name else site.keywords.get("input", NOTHING)


def _executed(site: CallSite, code: Value, view: View) -> Iterator[Sighting]:
    way = path_of(code, site.name)
    literal = view.literal_of(code, site)
    hidden = bool(code.layers or _is_rebuilt(code) or code.taints >= _HIDDEN)
    decoded = hidden or not code.taints.isdisjoint((DECODED, REBUILT))
    if NETWORK in code.taints:
        yield view.at_call("flow.network-to-exec", site, way)
    if decoded:
        yield view.at_call("flow.decode-to-exec" if hidden else "flow.decoded-data-to-exec", site, way, literal=literal)
        if UNMASKED in code.taints and not hidden:
            yield view.at_call("flow.unmasked-data-to-exec", site, way)
    elif code.known and isinstance(code.const, str | bytes):
        yield view.at_call("exec.constant", site, literal=literal)
    if OPAQUE in code.taints and not code.known and not hidden:
        yield view.at_call("flow.opaque-to-exec", site, way)
    if not code.taints.isdisjoint((FILE, PACKAGED)):
        yield view.at_call("flow.file-to-exec", site, way)
    if INPUT in code.taints:
        yield view.at_call("flow.input-to-exec", site, way)
    if not code.known and not decoded:
        yield view.at_call("exec.dynamic", site, way)


def _is_rebuilt(code: Value) -> bool:
    """Whether code was put together of the parts of a literal; the sum of two numbers on its way is not that."""
    written = code.origin.length if code.origin is not None else 0
    return bool(code.pending & _REBUILT) and (code.known or written >= _MIN_REBUILT)


_MIN_REBUILT: Final = 8
_HIDDEN: Final = frozenset((DECODED, OPAQUE))
"""Taints of a literal that nobody can read, and of what a decoder that could not be followed made of it."""
_REBUILT: Final = frozenset(("xor", "shift", "alphabet", "reverse", "int-list", "char-list", "utf-16"))


def _unpickled(site: CallSite, data: Value, view: View) -> Iterator[Sighting]:
    if NETWORK in data.taints:
        yield view.at_call("flow.network-to-unpickle", site, path_of(data, site.name))
    if data.layers or DECODED in data.taints or (data.known and isinstance(data.const, bytes)):
        literal = view.literal_of(data, site)
        yield view.at_call("flow.decode-to-unpickle", site, path_of(data, site.name), literal=literal)


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
)
