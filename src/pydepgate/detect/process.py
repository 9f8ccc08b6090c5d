"""Processes started: what is run, where the command came from, and what it says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydepgate.detect import command_kinds, command_patterns
from pydepgate.detect.base import Detector, Sighting, View, path_of
from pydepgate.detect.command_lines import POWERSHELLS, SHELLS, Command, command_of, commands_in
from pydepgate.detect.texts import HOLE, argument_text, list_texts, shown, text_of
from pydepgate.model import Literal
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.values import DECODED, NETWORK, NOTHING, OPAQUE, Value, content_taints

_SHELL_LINES: Final = frozenset(
    """os.system os.popen os.popen2 os.popen3 subprocess.getoutput subprocess.getstatusoutput commands.getoutput
    commands.getstatusoutput asyncio.create_subprocess_shell asyncio.subprocess.create_subprocess_shell
    platform.popen popen2.popen3 nt.system posix.system pexpect.spawn pexpect.run ctypes.windll.kernel32.WinExec
    win32com.client.Dispatch().Run win32com.client.Dispatch().Exec anyio.run_process""".split()
)
"""Functions that are given a whole line."""
_VECTORS: Final = frozenset(
    """subprocess.Popen subprocess.run subprocess.call subprocess.check_call subprocess.check_output pty.spawn
    distutils.spawn.spawn setuptools._distutils.spawn.spawn invoke.run plumbum.local fabric.api.local""".split()
)
"""Functions that are given a list of words or a line."""
_WORDS: Final = frozenset(
    """asyncio.create_subprocess_exec asyncio.subprocess.create_subprocess_exec os.execl os.execle os.execlp os.execlpe
    sh.Command os.startfile""".split()
)
"""Functions that are given each word as an argument of its own."""
_LATER_VECTOR: Final = {
    "os.execv": 1,
    "os.execve": 1,
    "os.execvp": 1,
    "os.execvpe": 1,
    "os.posix_spawn": 1,
    "os.posix_spawnp": 1,
    "os.spawnv": 2,
    "os.spawnve": 2,
    "os.spawnvp": 2,
    "os.spawnvpe": 2,
}
"""Functions that are given a program, then its words as a list, and the position of that list."""
_LATER_WORDS: Final = {
    "os.spawnl": 1,
    "os.spawnle": 1,
    "os.spawnlp": 1,
    "os.spawnlpe": 1,
    "ctypes.windll.shell32.ShellExecuteW": 2,
    "ctypes.windll.shell32.ShellExecuteA": 2,
    "ctypes.windll.kernel32.CreateProcessW": 0,
    "ctypes.windll.kernel32.CreateProcessA": 0,
    "win32api.ShellExecute": 2,
    "win32com.client.Dispatch().ShellExecute": 0,
    "win32com.shell.shell.ShellExecuteEx": 0,
    "win32process.CreateProcess": 0,
}
_HIDDEN: Final = frozenset((DECODED, OPAQUE))
"""Taints of an unreadable literal, and of what a decoder that could not be followed made of it."""
_MAX_PARTS: Final = 64
_WEB_REQUEST: Final = ("flask.request.", "bottle.request.", "flask.globals.request.", "quart.request.")
"""Where web frameworks keep what a visitor sends."""
_BUILD_SPAWN: Final = regex(r"(?:setuptools|distutils|wheel)\..*\(\)\.spawn")
"""The method `spawn` of setuptools' commands."""

_STARTS: Final = _SHELL_LINES | _VECTORS | _WORDS | _LATER_VECTOR.keys() | _LATER_WORDS.keys()

_ENCODED_POWERSHELL: Final = regex(
    r"(?i)\b(?:powershell|pwsh)(?:\.exe)?\b.{0,200}?\s-e(?:n?c?|nc\w*)\s+[A-Za-z0-9+/=]{16,}"
)
_PYTHON_C: Final = regex(r"(?:^|[\s/\\\"'])python[\d.]*(?:\.exe)?[\"']?\s+(?:-\w+\s+)*-c\s+(.+)", re.S | re.I)
_HIDDEN_FLAGS: Final = 0x08000000
_BACKGROUND_FLAGS: Final = 0x00000008

SIGNALS: Final = {
    "process.start": "a process is started",
    "process.shell": "a command is given to a shell",
    "process.python-code": "another Python is started with code on its command line",
    "process.encoded-powershell": "PowerShell is started with an encoded command",
    "process.disguised": "a process is started through a function reached by another name",
    "process.opens-file": "a file is opened with the program that is registered for it",
    "process.hidden-window": "a process is started without a window",
    "process.detached": "a process is started that outlives the one that starts it",
    "process.silenced": "a process is started whose output goes nowhere",
    "flow.decode-to-process": "a decoded or rebuilt command is run",
    "flow.decoded-data-to-process": "a command made of data that was read and decoded is run",
    "flow.network-to-process": "a command or path from the network is run",
    "flow.network-is-command": "a whole command line comes from the network",
    "flow.web-to-process": "what a visitor of a web server sends is run as a command",
    "flow.opaque-to-process": "a command made from an unreadable literal is run",
    **command_kinds.SIGNALS,
    **command_patterns.SIGNALS,
}


@dataclass(frozen=True, slots=True)
class _Line:
    """What a process is started with: the value that says so, its text and the commands in it."""

    value: Value
    text: str
    commands: tuple[Command, ...]
    words: tuple[str, ...]


def starts_process(name: str, /) -> bool:
    """Whether a call of that resolved name starts a process."""
    return name in _STARTS


def _concerns(name: str) -> bool:
    return name in _STARTS or _BUILD_SPAWN.fullmatch(name) is not None


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    if not _concerns(site.name) or not (site.args or site.keywords):
        return
    line = _line(site)
    seen = shown(line.text)
    evidence = f"{site.name}: {seen}" if seen.strip("? ") else site.name
    yield view.at_call("process.start", site, evidence)
    if _takes_shell(site):
        yield view.at_call("process.shell", site)
    if site.disguised:
        yield view.at_call("process.disguised", site, f"calls {site.name} by another name")
    if site.name == "os.startfile":
        yield view.at_call("process.opens-file", site, evidence)
    for name in _manner(site):
        yield view.at_call(name, site, evidence)
    yield from _by_origin(site, line.value, view)
    said: set[str] = set()
    for name, command in command_kinds.signals_of(line.commands):
        if name not in said:
            said.add(name)
            yield view.at_call(name, site, shown(command))
    if not line.commands:
        yield view.at_call("process.unknown", site, evidence)
    if any("null" in target.lower() for command in line.commands for target in command.writes):
        yield view.at_call("process.silenced", site, evidence)
    for name in command_patterns.text_signals(line.text):
        yield view.at_call(name, site, evidence, literal=_raw(line.text, site, line.value, view))
    if _ENCODED_POWERSHELL.search(line.text):
        yield view.at_call("process.encoded-powershell", site, literal=_raw(line.text, site, line.value, view))
    code = _python_code(site, line, view)
    if code is not None:
        yield view.at_call("process.python-code", site, literal=code)
    if any(command.program in _READ_INPUT for command in line.commands) and (
        fed := text_of(site.keywords.get("input", NOTHING))
    ):
        # a shell runs what it is given on its standard input
        for name in sorted({name for name, _ in command_kinds.signals_of(commands_in(fed))} - said):
            yield view.at_call(name, site, shown(fed))
        for name in command_patterns.text_signals(fed):
            yield view.at_call(name, site, shown(fed), literal=_raw(fed, site, line.value, view))


_READ_INPUT: Final = SHELLS | POWERSHELLS | {"cmd"}


def _line(site: CallSite) -> _Line:
    """Return the command line of a call, whichever way its function takes it."""
    name = site.name
    if name in _LATER_VECTOR:
        return _of_vector(site.argument(_LATER_VECTOR[name]))
    if name in _LATER_WORDS or name in _WORDS:
        first = _LATER_WORDS.get(name, 0)
        words = tuple(argument_text(site, at) for at in range(first, len(site.args)))
        words = words[1:] if name.startswith(("os.exec", "os.spawn")) and len(words) > 1 else words
        return _of_words(site.argument(first), words)
    value = site.argument(0, "args")
    if name not in _SHELL_LINES and (value.items is not None or isinstance(value.const, list | tuple)):
        return _of_vector(value)
    text = text_of(value)
    return _Line(value, text, commands_in(text), (text,))


def _of_vector(value: Value) -> _Line:
    return _of_words(value, list_texts(value))


def _of_words(value: Value, words: tuple[str, ...]) -> _Line:
    if len(words) == 1 and " " in words[0]:
        return _Line(value, words[0], commands_in(words[0]), words)
    return _Line(value, " ".join(words), command_of(words) if words else (), words)


def _takes_shell(site: CallSite) -> bool:
    shell = site.keywords.get("shell")
    by_name = site.name.rpartition(".")[2] in (
        "system",
        "popen",
        "getoutput",
        "getstatusoutput",
        "create_subprocess_shell",
    )
    return by_name or (shell is not None and shell.const is not False and shell.const != 0)


def _manner(site: CallSite) -> Iterator[str]:
    """Yield how a process is started: unseen, left alone, silent."""
    flags = _flags(site, "creationflags")
    if isinstance(flags, int):
        hidden, detached = bool(flags & _HIDDEN_FLAGS), bool(flags & _BACKGROUND_FLAGS)
    else:
        hidden, detached = "CREATE_NO_WINDOW" in flags, "DETACHED_PROCESS" in flags
    started = _flags(site, "startupinfo")
    if hidden or (started and started != "None"):
        yield "process.hidden-window"
    group = site.keywords.get("start_new_session", NOTHING).const is True
    preexec = site.keywords.get("preexec_fn", NOTHING).name in ("os.setsid", "os.setpgrp", "os.setpgid")
    if detached or group or preexec:
        yield "process.detached"
    silent = [site.keywords.get(stream, NOTHING).name for stream in ("stdout", "stderr")]
    if all(name == "subprocess.DEVNULL" for name in silent):
        yield "process.silenced"
    if site.name.endswith(("ShellExecuteW", "ShellExecuteA", "ShellExecute")):
        if argument_text(site, 1).lower() == "runas":
            yield "privilege.elevation"
        if site.argument(5).const == 0:
            yield "process.hidden-window"


def _flags(site: CallSite, keyword: str) -> int | str:
    """Return a keyword argument: its number, else the names that it is made of."""
    const = site.keywords.get(keyword, NOTHING).const
    if isinstance(const, int):
        return const
    node = next((each.value for each in site.node.keywords if each.arg == keyword), None)
    if node is None:
        return ""
    names = [
        child.attr if isinstance(child, ast.Attribute) else child.id
        for child in ast.walk(node)
        if isinstance(child, ast.Attribute | ast.Name)
    ]
    return " ".join(names) or ast.dump(node)[:40].replace("Constant(value=None)", "")


def _by_origin(site: CallSite, command: Value, view: View) -> Iterator[Sighting]:
    taints = content_taints(command)
    way = path_of(command, site.name)
    if NETWORK in taints:
        yield view.at_call("flow.network-to-process", site, way)
        if not re.search(r"\w{2}", text_of(command).replace(HOLE, "")) and command.items is None:
            yield view.at_call("flow.network-is-command", site, way)
    if any(value.name.startswith(_WEB_REQUEST) for value in (command, *command.pieces, *(command.items or ())[:8])):
        yield view.at_call("flow.web-to-process", site, way)
    parts = (command, *command.pieces, *(command.items or ())[:_MAX_PARTS])
    if any(part.layers or "xor" in part.pending or part.taints >= _HIDDEN for part in parts):
        yield view.at_call("flow.decode-to-process", site, way, literal=view.literal_of(command, site))
    elif DECODED in taints:
        yield view.at_call("flow.decoded-data-to-process", site, way)
    elif OPAQUE in taints and not command.known:
        yield view.at_call("flow.opaque-to-process", site, way)


def _raw(text: str, site: CallSite, command: Value, view: View) -> Literal:
    line, column = view.place(site.node)
    if command.origin is not None and command.origin.line and not command.layers:
        line, column = command.origin.line, command.origin.column
    return Literal(text, "raw", line, column, len(text))


def _python_code(site: CallSite, line: _Line, view: View) -> Literal | None:
    """Return the code of `python -c CODE`, be it an element of a list or part of a command line."""
    words = line.words
    for position, word in enumerate(words[:-1]):
        if word == "-c" and position and ("py" in words[position - 1].lower() or words[0] in ("python", HOLE)):
            code = words[position + 1]
            part = _part(line.value, position + 1)
            found = view.literal_of(part, site) if part is not None else None
            if found is None and code.strip(HOLE):
                # what is filled in is data; a name keeps the rest a program
                found = _raw(code.replace(HOLE, "_"), site, line.value, view)
            return found
    if len(words) == 1 and (match := _PYTHON_C.search(words[0])):
        return _raw(match[1].strip().strip("\"'").replace(HOLE, "_"), site, line.value, view)
    return None


def _part(command: Value, index: int) -> Value | None:
    return command.items[index] if command.items is not None and index < len(command.items) else None


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
)
