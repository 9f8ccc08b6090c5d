"""Runs the command line under an audit hook, then tries what the hook forbids; run by `test_promises.py`.

`python audited.py PLANTED < ARGUMENT-LISTS` reads one JSON list of argument lists, hands each to the command line, and
then does each of `MISDEEDS` once, so that the hook is seen to notice. `PLANTED` is a folder with a module `planted`,
which must never be imported. A JSON object goes to standard output: the exit statuses, what was written to standard
error, the events that were allowed and those that were not, and for each misdeed the events it raised.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from types import FrameType, FunctionType
from typing import Any

STDLIB = sysconfig.get_paths()["stdlib"]
OWN = (STDLIB, os.path.dirname(find_spec("pydepgate").origin), "<frozen ")  # type: ignore  # noqa: PTH120
"""Beginnings of the file names of code that may run: the standard library's and the program's own."""

IMPORTERS = frozenset(("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>"))
"""File names of the import system's own frames."""

BUILDERS = frozenset(("annotationlib", "collections", "dataclasses", "typing"))
"""Modules of the standard library that compile text: of the classes they build, or of annotations."""

FORBIDDEN = (
    *("ctypes.", "ftplib.", "http.", "imaplib.", "msvcrt.", "nntplib.", "os.exec", "os.fork"),
    *("os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pickle.", "poplib.", "pty.", "shutil.", "smtplib."),
    *("socket.", "sqlite3.", "subprocess.", "tempfile.", "urllib.", "webbrowser.", "winreg.", "_winapi."),
    *("os.chmod", "os.chown", "os.link", "os.mkdir", "os.putenv", "os.remove", "os.rename", "os.rmdir"),
    *("os.setxattr", "os.symlink", "os.truncate", "os.unsetenv", "os.utime", "fcntl.", "signal."),
)
"""Beginnings of the names of audit events that a scan has no use for, whatever their arguments."""

SERVE = """\
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from pydepgate.elsewhere import serve
serve()
"""
PREPARE = b"import sys; sys.path[:] = path; import pydepgate.analyse"
"""All that a worker process, or an interpreter, is told to run."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def violation(event: str, arguments: tuple[Any, ...], caller: FrameType) -> bool | None:
    """Say whether an audit event, raised by code in the frame `caller`, breaks the promise; None: of no interest."""
    if _is_own_worker(event, arguments, caller):
        return False
    if event.startswith(FORBIDDEN):
        return True
    match event:
        case "open":
            return _writes(*arguments[1:3])
        case "compile":
            return not (_importing(caller) or _builds(caller) or _parses(caller))
        case "exec":
            return not (arguments[0].co_filename.startswith(OWN) if _importing(caller) else _builds(caller))
        case "marshal.loads" | "marshal.load":
            return not _importing(caller)
        case "code.__new__" | "function.__new__":
            return not _builds(caller)
        case "import":
            return str(arguments[0]).partition(".")[0] == "planted"
    return None


def _writes(mode: str | None, flags: int | None) -> bool:
    return bool(set(mode or "") & set("wax+")) or bool((flags or 0) & WRITING)


def _is_own_worker(event: str, arguments: tuple[Any, ...], caller: FrameType) -> bool:
    """Whether the scan starts a worker that runs nothing but pydepgate, or reads its answers."""
    module = caller.f_globals.get("__name__")
    if event == "subprocess.Popen":
        return list(arguments[1]) == [sys.executable, "-I", "-B", "-c", SERVE]
    if event == "pickle.find_class":
        return bool(module == "pydepgate.elsewhere")
    if event == "compile":
        return module == "concurrent.interpreters" and arguments[0] == PREPARE
    # what starting a process does before that: pipes, and the null device
    return event == "open" and module == "subprocess" and (isinstance(arguments[0], int) or arguments[0] == os.devnull)


def _importing(frame: FrameType) -> bool:
    return frame.f_code.co_filename in IMPORTERS


def _builds(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__") in BUILDERS and frame.f_code.co_filename.startswith(STDLIB)


def _parses(frame: FrameType) -> bool:
    """Whether the frame is that of `ast.parse`, which stops at the tree."""
    return frame.f_code.co_name == "parse" and frame.f_code.co_filename == os.path.join(STDLIB, "ast.py")  # noqa: PTH118


class Recorder:
    """An audit hook that counts what is allowed, and notes and refuses what is not."""

    def __init__(self) -> None:
        self.allowed: Counter[str] = Counter()
        self.forbidden: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "sys._getframe":  # that of the next line
            return
        caller = sys._getframe(1)
        broken = violation(event, arguments, caller)
        if broken is False:
            self.allowed[event] += 1
        elif broken:
            place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
            self.forbidden.append(f"{event} {ascii(arguments)[:200]} at {place}")
            raise PermissionError(f"{event} is forbidden")


def _import_planted() -> None:
    import planted  # type: ignore[import-not-found]  # noqa: F401


def _import_planted_unseen() -> None:
    """Run the file by the import system, under a name that the hook does not know."""
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    loader = SourceFileLoader("harmless", f"{sys.path[0]}/planted.py")
    spec = spec_from_loader("harmless", loader)
    assert spec is not None
    loader.exec_module(module_from_spec(spec))


def _unpickle() -> None:
    import pickle

    pickle.loads(b"cos\ngetcwd\n.")


def _unmarshal() -> None:
    import marshal

    marshal.loads(b"N")


def _start_process() -> None:
    import subprocess

    subprocess.run([sys.executable, "-c", ""], check=True)


def _open_socket() -> None:
    import socket

    socket.socket().close()


def _load_library() -> None:
    import ctypes

    ctypes.CDLL(None)


def _write_file() -> None:
    with open(os.devnull, "w"):  # noqa: PTH123
        pass


def _write_with_flags() -> None:
    os.close(os.open(os.devnull, os.O_WRONLY))


MISDEEDS: Mapping[str, Callable[[], object]] = {
    "exec": lambda: exec("1"),
    "eval": lambda: eval("1"),
    "compile": lambda: compile("1", "x", "exec"),
    "exec of code": lambda: exec((lambda: None).__code__),
    "new function": lambda: FunctionType(_write_file.__code__, {}),
    "new code": lambda: _write_file.__code__.replace(co_name="x"),
    "import": _import_planted,
    "import by path": _import_planted_unseen,
    "unpickle": _unpickle,
    "unmarshal": _unmarshal,
    "process": _start_process,
    "os.system": lambda: os.system("exit"),
    "posix_spawn": lambda: os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {}),
    "exec process": lambda: os.execv("/nonexistent", ["x"]),
    "socket": _open_socket,
    "library": _load_library,
    "write": _write_file,
    "write with flags": _write_with_flags,
    "remove": lambda: os.remove("/nonexistent"),  # noqa: PTH107
    "folder": lambda: os.mkdir("/nonexistent/x"),  # noqa: PTH102
}
"""What the hook has to notice, each done for real (and refused before it has any effect)."""


def _tried(recorder: Recorder) -> Iterator[tuple[str, list[str]]]:
    for name, misdeed in MISDEEDS.items():
        recorder.forbidden = []
        with contextlib.suppress(Exception):
            misdeed()
        yield name, recorder.forbidden


def main() -> None:
    """Run the argument lists, then the misdeeds; print what happened."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, sys.argv[1])
    runs = json.load(sys.stdin)
    recorder = Recorder()
    sys.addaudithook(recorder)

    from pydepgate.cli import main as command_line

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        statuses = [command_line(run) for run in runs]
    result = {
        "statuses": statuses,
        "written": len(out.getvalue()),
        "errors": err.getvalue(),
        "allowed": dict(recorder.allowed),
        "forbidden": list(recorder.forbidden),
    }
    result["misdeeds"] = dict(_tried(recorder))
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
