"""Files that are written and then started: where what is in them came from, and how they are started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View, path_of
from pydepgate.detect.process import starts_process
from pydepgate.model import Literal
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.files import Write, Written, might_write
from pydepgate.source.texts import shape_of
from pydepgate.source.values import DECODED, FILE, FIXED, NETWORK, OPAQUE, PACKAGED, Value

SIGNALS: Final = {
    "flow.network-to-file": "data from the network is written to a file",
    "flow.decode-to-file": "decoded or rebuilt data is written to a file",
    "flow.opaque-to-file": "an unreadable literal is written to a file",
    "file.program-written": "a file with the suffix of a program or script is written",
    "file.python-written": "Python code that stands in the source is written to a file",
    "file.script-written": "a script for a shell that stands in the source is written to a file",
    "file.made-executable": "a file that the code itself wrote is made executable",
    "flow.network-to-start": "a downloaded file is started, loaded or put where it starts by itself",
    "flow.decode-to-start": "a literal is decoded and written to a file that is started",
    "flow.decoded-data-to-start": "data from elsewhere is decoded and written to a file that is started",
    "flow.opaque-to-start": "an unreadable literal is written to a file that is started",
    "flow.literal-to-start": "text that stands in the source is written to a file that is started",
    "flow.file-to-start": "a copied or unpacked file is started",
    "start.constant-url": "what is started was downloaded from an address written in the source",
    "start.executable-suffix": "what is started was given the suffix of a program or script",
    "start.native-suffix": "what is started was given the suffix of a compiled program",
    "start.from-temp": "what is started lies in a folder for temporary files or application data",
    "start.unpacked": "what is started was unpacked from an archive",
    "start.decoded": "what is started was downloaded, and then decoded or decrypted, not just unpacked",
    "start.autostart": "a file is put where it starts by itself: with the session, the shell, the system or Python",
    "start.hidden": "a process is started without a window",
    "start.detached": "a process is started apart from this one, or with its output thrown away",
}

_NATIVE: Final = ("exe", "scr", "com", "dll", "msi", "pif", "cpl", "elf", "so", "dylib", "bin", "app")
_SCRIPTS: Final = tuple("bat cmd ps1 psm1 vbs vbe js jse wsf hta sh py pyw pyc jar lnk".split())
_PYTHON: Final = (".py", ".pyw", ".pth")
_SHELL: Final = (".bat", ".cmd", ".ps1", ".vbs", ".js", ".sh", ".hta", ".command")
_SUFFIX: Final = regex(r"\.(\w{1,8})$")
_TEMPORARY: Final = regex(
    r"(?ix) \{tempfile\.|\{os\.environ\[(?:te?mp|(?:local)?appdata|programdata|public|allusersprofile)\]\}"
    r"|appdata/|/te?mp/|^/tmp\b|programdata/|%te?mp%|%(?:local)?appdata%|\$env:(?:te?mp|appdata)|/dev/shm/|/var/tmp/"
    r"|users/public/|/\.[a-z][\w-]*/"
)
_AUTOSTART: Final = regex(
    r"(?i)start menu/programs/startup|/\.config/autostart/|/launch(?:agents|daemons)/|/etc/(?:cron|init\.d|systemd)"
    r"|/\.config/systemd/|/\.(?:bashrc|bash_profile|profile|zshrc|zprofile)$|site-packages.*\.pth$|sitecustomize\.py$"
)

_LAUNCHERS: Final = regex(
    r"""(?x)(?:python[\d.]*w?|pyw?|(?:ba|z|da|k|c|tc)?sh|cmd|powershell|pwsh|start|wscript|cscript|mshta|rundll32|regsvr32
    |msiexec|node|java|javaw|perl|ruby|php|sudo|doas|nohup|setsid|env|explorer|open|xdg-open|forfiles|wine|exec|source
    |call|schtasks|reg|at|crontab|launchctl|osascript|timeout|nice|screen|tmux|runas|psexec|wmic|start-process
    |invoke-item|saps|su|conhost|\.|&)(?:\.exe)?"""
)
_SEPARATORS: Final = regex(r"&&|\|\||[;|&\n(`]")
_LOADERS: Final = {
    "ctypes.CDLL": 0,
    "ctypes.WinDLL": 0,
    "ctypes.windll.LoadLibrary": 0,
    "ctypes.cdll.LoadLibrary": 0,
    "ctypes.windll.kernel32.LoadLibraryW": 0,
    "ctypes.windll.kernel32.LoadLibraryA": 0,
    "runpy.run_path": 0,
    "imp.load_source": 1,
    "imp.load_dynamic": 1,
    "importlib.util.spec_from_file_location": 1,
    "importlib.machinery.SourceFileLoader": 1,
    "importlib.machinery.SourcelessFileLoader": 1,
    "importlib.machinery.ExtensionFileLoader": 1,
    "builtins.execfile": 0,
    "winreg.SetValueEx": 4,
    "webbrowser.open": 0,
    "os.startfile": 0,
}
"""Functions that run a file, or have it run, other than with a command; and the position of the path."""
_IMPORTS: Final = frozenset(("builtins.__import__", "importlib.import_module"))
_REBUILT: Final = frozenset(("xor", "shift", "alphabet", "reverse", "int-list", "char-list"))
_MAX_TEXT: Final = 8_192
_READ: Final = (FILE, PACKAGED)


def _concerns(name: str) -> bool:
    return name in _LOADERS or name in _IMPORTS or name == "os.chmod" or starts_process(name) or might_write(name)


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    files = view.evaluation.files
    command = _command(site, view)
    for write in files.writes_of(site):
        yield from _written(site, write, write.key or files.key(write.path), view)
    if command:
        yield from _manner(site, command, view)
    if not files.written:
        return
    if site.name == "os.chmod":
        key = files.key(site.argument(0, "path"))
        if key in files.written:
            yield view.at_call("file.made-executable", site, f"chmod {key}")
    for written in _started(site, command, view):
        yield from _origins(site, written, view)


def _command(site: CallSite, view: View) -> str:
    """Return the command or path that a call starts, as a key."""
    files = view.evaluation.files
    if site.name in _LOADERS:
        position = _LOADERS[site.name]
        return files.key(site.argument(position)) if len(site.args) > position else ""
    if not starts_process(site.name):
        return ""
    method = site.name.rpartition(".")[2]
    if method.startswith("spawn") and site.name.startswith("os."):
        parts = site.args[1:2]
    elif method.startswith(("ShellExecute", "CreateProcess", "Run")):
        return " ; ".join(files.key(part) for part in site.args[:6])
    elif method == "create_subprocess_exec" or method.startswith("exec"):
        return " ".join(files.key(part) for part in site.args[:16])[:_MAX_TEXT]
    else:
        parts = (site.argument(0, "args"),)
    return " ".join(word for part in parts for word in files.words(part))[:_MAX_TEXT]


def _started(site: CallSite, command: str, view: View) -> Iterator[Written]:
    """Yield the written files that a call starts."""
    written = view.evaluation.files.written
    if command:
        for each in written.values():
            if _runs(command, each):
                yield each
    if site.name in _IMPORTS and (module := site.argument(0, "name").text):
        for each in written.values():
            if each.key.rpartition("/")[2] == f"{module.lower()}.py":
                yield each


def _runs(command: str, file: Written) -> bool:
    """Whether a command starts a file: it comes first, or after a program that starts what it is given."""
    key = file.key
    bare = key.rpartition("/")[2]
    # in its own folder a program is started by its name alone
    if "/" in key and "/" not in command and _suffix(bare) and _stands_alone(command, bare, tree=False):
        return True
    return _stands_alone(command, key, tree=file.tree)


def _stands_alone(command: str, key: str, *, tree: bool) -> bool:
    if not key:
        return False
    at = command.find(key)
    while at >= 0:
        before, after = command[:at], command[at + len(key) :]
        relative = key[0] not in "/{" and key[1:2] != ":"
        whole = not before or before[-1] in " ,=(;&|:" or (relative and before[-1] == "/")
        ends = after.startswith("/") if tree else not after or after[0] in " ,);&|:>"
        if whole and ends and _is_first(before, key):
            return True
        at = command.find(key, at + 1)
    return False


def _is_first(before: str, key: str) -> bool:
    words = _SEPARATORS.split(before.replace("()", ""))[-1].split()
    if words and before[-1] == "/":
        words = words[:-1]
    if not words:
        return True
    first = words[0].rpartition("/")[2]
    if "-m" in words and first.startswith(("py", "{")):
        return False
    if words[0].startswith("{"):
        return words[0].startswith("{sys.executable") or key.endswith((".py", ".pyw"))
    return bool(_LAUNCHERS.fullmatch(first))


def _suffix(key: str) -> str:
    match = _SUFFIX.search(key)
    return match[1] if match is not None and match[1] in (*_NATIVE, *_SCRIPTS) else ""


def _written(site: CallSite, write: Write, key: str, view: View) -> Iterator[Sighting]:
    content = write.content
    way = f"{path_of(content, site.name)} {_readable(key)}"
    program = _suffix(key)
    if NETWORK in content.taints:
        yield view.at_call("flow.network-to-file", site, way)
    if _is_decoded(content):
        yield view.at_call("flow.decode-to-file", site, way, literal=view.literal_of(content, site))
    elif OPAQUE in content.taints:
        yield view.at_call("flow.opaque-to-file", site, way)
    if program:
        yield view.at_call("file.program-written", site, _readable(key))
    if content.taints.isdisjoint((NETWORK, *_READ)) and (literal := _literal(content, site, view)) is not None:
        if key.endswith(_PYTHON):
            yield view.at_call("file.python-written", site, _readable(key), literal=literal)
        elif key.endswith(_SHELL):
            yield view.at_call("file.script-written", site, _readable(key), literal=literal)
    if _AUTOSTART.search(key):
        yield view.at_call("start.autostart", site, _readable(key))
        yield from _origins(site, Written(key, write.path, content, site.name, site.node.lineno), view)


def _origins(site: CallSite, written: Written, view: View) -> Iterator[Sighting]:
    """Yield where what a started file holds came from, and how telling its path is."""
    content, key = written.content, written.key
    way = f"{path_of(content, site.name)} {_readable(key)}"
    if NETWORK in content.taints:
        yield view.at_call("flow.network-to-start", site, way)
        if FIXED in content.taints:
            yield view.at_call("start.constant-url", site)
        if any(step.name.endswith(_UNSCRAMBLES) for step in content.trail):
            yield view.at_call("start.decoded", site)
    elif _is_decoded(content) and content.taints.isdisjoint(_READ):
        name = "flow.decode-to-start" if _is_hidden(content) else "flow.decoded-data-to-start"
        yield view.at_call(name, site, way, literal=_literal(content, site, view))
    elif OPAQUE in content.taints:
        yield view.at_call("flow.opaque-to-start", site, way, literal=_literal(content, site, view))
    elif not content.taints.isdisjoint(_READ):
        yield view.at_call("flow.file-to-start", site, way)
    elif (literal := _literal(content, site, view)) is not None:
        yield view.at_call("flow.literal-to-start", site, way, literal=literal)
    if written.tree:
        yield view.at_call("start.unpacked", site)
    suffix = _suffix(key)
    if suffix:
        yield view.at_call("start.executable-suffix", site, _readable(key))
    if suffix in _NATIVE:
        yield view.at_call("start.native-suffix", site)


_UNSCRAMBLES: Final = ("b64decode", "b32decode", "b85decode", "unhexlify", "fromhex", "decrypt", "deobfuscate")


def _is_decoded(content: Value) -> bool:
    return bool(DECODED in content.taints or content.layers or content.pending & _REBUILT)


def _is_hidden(content: Value) -> bool:
    """Whether what is decoded stands in the source, or was taken apart there; else it comes from elsewhere."""
    return bool(content.layers or content.pending & _REBUILT or OPAQUE in content.taints or content.known)


def _literal(content: Value, site: CallSite, view: View) -> Literal | None:
    """Return the text of a file that stands in the source, if need be with holes, for the peeler to look at."""
    if content.known:
        return view.literal_of(content, site)
    text = shape_of(content) if content.pieces else ""
    line, column = view.place(site.node)
    return Literal(text, "raw", line, column, len(text)) if len(text) >= _MIN_TEXT else None


_MIN_TEXT: Final = 8
_HOLE: Final = regex(r"\{#\d+\}")


def _readable(key: str) -> str:
    return _HOLE.sub("{}", key)


_HIDING: Final = regex(
    r"-w(?:indowstyle)?[ :]+h(?:idden)?\b|-w 1\b|\bstart (?:/\w+ )*/(?:b|min)\b|/pythonw|^pythonw|\bpythonw\.exe|mshta"
)
_DETACHING: Final = regex(r"\bnohup\b|\bsetsid\b|&\s*$|>\s*/dev/null|>\s*nul\b|\bdisown\b")
_NO_WINDOW: Final = 0x08000000
_DETACHED: Final = 0x00000008


def _manner(site: CallSite, command: str, view: View) -> Iterator[Sighting]:
    """Yield how a process is started, whatever it is."""
    flags = site.keywords.get("creationflags")
    number = flags.const if flags is not None and isinstance(flags.const, int) else 0
    name = flags.name if flags is not None else ""
    if number & _NO_WINDOW or "NO_WINDOW" in name or _HIDING.search(command) or _hides(site):
        yield view.at_call("start.hidden", site)
    if number & _DETACHED or "DETACHED" in name or _DETACHING.search(command) or _detaches(site):
        yield view.at_call("start.detached", site)
    if _TEMPORARY.search(command):
        yield view.at_call("start.from-temp", site, _readable(command))


def _hides(site: CallSite) -> bool:
    if "startupinfo" in site.keywords:
        return site.keywords["startupinfo"].const is not None
    shell = site.name.rpartition(".")[2].startswith("ShellExecute")
    return shell and len(site.args) > _SHOW and site.args[_SHOW].const == 0


_SHOW: Final = 5
"""Position of the argument of `ShellExecute` that says how the window shows."""


def _detaches(site: CallSite) -> bool:
    keywords = site.keywords
    if any(name in keywords and keywords[name].const is True for name in ("start_new_session", "detached")):
        return True
    silent = [name for name in ("stdout", "stderr") if name in keywords and keywords[name].name.endswith("DEVNULL")]
    return len(silent) > 1 or ("preexec_fn" in keywords and keywords["preexec_fn"].name.startswith("os.set"))


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
)
