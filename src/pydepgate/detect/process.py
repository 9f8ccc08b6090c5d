"""Processes started: what is run, where the command came from, and what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View, path_of, words_of
from pydepgate.model import Literal
from pydepgate.source.calls import CallSite
from pydepgate.source.values import DECODED, NETWORK, OPAQUE, Value, content_taints

_STARTS: Final = frozenset(
    """os.system os.popen os.popen2 os.popen3 os.startfile os.posix_spawn os.posix_spawnp
    os.execl os.execle os.execlp os.execlpe os.execv os.execve os.execvp os.execvpe
    os.spawnl os.spawnle os.spawnlp os.spawnlpe os.spawnv os.spawnve os.spawnvp os.spawnvpe
    subprocess.Popen subprocess.run subprocess.call subprocess.check_call subprocess.check_output
    subprocess.getoutput subprocess.getstatusoutput commands.getoutput commands.getstatusoutput pty.spawn
    asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.subprocess.create_subprocess_exec
    asyncio.subprocess.create_subprocess_shell platform.popen popen2.popen3 nt.system posix.system
    distutils.spawn.spawn pexpect.spawn pexpect.run sh.Command
    ctypes.windll.shell32.ShellExecuteW ctypes.windll.shell32.ShellExecuteA ctypes.windll.kernel32.WinExec
    ctypes.windll.kernel32.CreateProcessW ctypes.windll.kernel32.CreateProcessA win32api.ShellExecute
    win32com.client.Dispatch().Run win32com.client.Dispatch().ShellExecute""".split()
)

_SHELL_DOWNLOAD: Final = re.compile(
    r"""(?ix)
    \b(?:curl|wget|fetch)\b[^|;&\n]{1,400}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b
    | \b(?:curl|wget)\b.{1,400}?(?:&&|;|\n)\s*(?:chmod\s+\S+|(?:ba|z)?sh|python3?|\./)\s*
    | \b(?:ba|z)?sh\s+-c\s+["']?\$\((?:curl|wget)
    | \b(?:iex|invoke-expression)\b.{0,200}\b(?:downloadstring|iwr|invoke-webrequest|invoke-restmethod|irm)\b
    | \b(?:downloadstring|iwr|invoke-webrequest|invoke-restmethod|irm)\b.{0,400}
      \b(?:iex|invoke-expression|start-process)\b
    | \bdownloadfile\s*\(.{1,600}\b(?:start-process|invoke-item|start)\b
    | \b(?:mshta|regsvr32)\b.{0,40}https?://
    | \bcertutil\b.{0,80}-urlcache\b | \bbitsadmin\b.{0,80}/transfer\b
    """
)
_ENCODED_POWERSHELL: Final = re.compile(
    r"(?i)\b(?:powershell|pwsh)(?:\.exe)?\b.{0,200}?\s-e(?:n?c?|nc\w*)\s+[A-Za-z0-9+/=]{16,}"
)
_REVERSE_SHELL: Final = re.compile(
    r"(?i)/dev/(?:tcp|udp)/|\bn(?:c|cat|etcat)\b.{0,60}\s-\w*[ec]\w*\s+\S*sh\b|\bbash\s+-i\b.{0,40}>&"
)
_PYTHON_C: Final = re.compile(
    r"(?:^|[\s/\\\"'])(?:python[\d.]*(?:\.exe)?|\{sys\.executable\})[\"']?\s+(?:-\w+\s+)*-c\s+(.+)", re.S | re.I
)

SIGNALS: Final = {
    "process.start": "a process is started",
    "process.shell": "a command is given to a shell",
    "process.python-code": "another Python is started with code on its command line",
    "process.download-and-run": "a command downloads something and runs it",
    "process.encoded-powershell": "PowerShell is started with an encoded command",
    "process.reverse-shell": "a command opens a shell to another machine",
    "process.disguised": "a process is started through a function reached by another name",
    "flow.decode-to-process": "a decoded or rebuilt command is run",
    "flow.network-to-process": "a command or path from the network is run",
    "flow.opaque-to-process": "a command made from an unreadable literal is run",
}


def starts_process(name: str, /) -> bool:
    """Whether a call of that resolved name starts a process."""
    return name in _STARTS


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    if site.name not in _STARTS or not (site.args or site.keywords):
        return
    command = site.argument(0, "args")
    words = [word for value in site.args[:8] for word in words_of(value)] or words_of(command)
    text = " ".join(words)
    shown = f"{site.name}: {text}" if text.strip("? ") else site.name
    yield view.at_call("process.start", site, shown)
    if _takes_shell(site):
        yield view.at_call("process.shell", site)
    if site.disguised:
        yield view.at_call("process.disguised", site, f"calls {site.name} by another name")
    yield from _by_origin(site, command, view)
    if _SHELL_DOWNLOAD.search(text):
        yield view.at_call("process.download-and-run", site, shown, literal=_raw(text, site, command, view))
    if _REVERSE_SHELL.search(text):
        yield view.at_call("process.reverse-shell", site, shown)
    if _ENCODED_POWERSHELL.search(text):
        yield view.at_call("process.encoded-powershell", site, literal=_raw(text, site, command, view))
    code = _python_code(site, command, words, view)
    if code is not None:
        yield view.at_call("process.python-code", site, literal=code)


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


def _by_origin(site: CallSite, command: Value, view: View) -> Iterator[Sighting]:
    taints = content_taints(command)
    way = path_of(command, site.name)
    if NETWORK in taints:
        yield view.at_call("flow.network-to-process", site, way)
    if DECODED in taints or command.layers or "xor" in command.pending:
        yield view.at_call("flow.decode-to-process", site, way, literal=view.literal_of(command, site))
    elif OPAQUE in taints and not command.known:
        yield view.at_call("flow.opaque-to-process", site, way)


def _raw(text: str, site: CallSite, command: Value, view: View) -> Literal:
    line, column = view.place(site.node)
    if command.origin is not None and command.origin.line and not command.layers:
        line, column = command.origin.line, command.origin.column
    return Literal(text, "raw", line, column, len(text))


def _python_code(site: CallSite, command: Value, words: list[str], view: View) -> Literal | None:
    """Return the code of `python -c CODE`, be it an element of a list or part of a command line."""
    for position, word in enumerate(words[:-1]):
        if (
            word == "-c"
            and position
            and ("python" in words[position - 1].lower() or words[0] in ("sys.executable", "?"))
        ):
            code = words[position + 1]
            part = _part(command, position + 1)
            if code in ("?", ""):
                return None
            found = view.literal_of(part, site) if part is not None else None
            return found or _raw(code, site, command, view)
    if len(words) == 1 and (match := _PYTHON_C.search(words[0])):
        return _raw(match[1].strip().strip("\"'"), site, command, view)
    return None


def _part(command: Value, index: int) -> Value | None:
    return command.items[index] if command.items is not None and index < len(command.items) else None


DETECTOR: Final = Detector(
    signals=SIGNALS,
    needles=(
        b"system",
        b"popen",
        b"Popen",
        b"startfile",
        b"spawn",
        b"os.exec",
        b"exec",
        b"subprocess",
        b"getoutput",
        b"getstatusoutput",
        b"ShellExecute",
        b"WinExec",
        b"CreateProcess",
        b"Dispatch",
        b"pexpect",
        b"getattr",
        b"__import__",
        b"import_module",
        b"__dict__",
        b"vars",
        b"globals",
    ),
    look_at_call=_look,
)
