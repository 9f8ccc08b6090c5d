"""What calls do with secrets: which ones read them, capture them, and put them into files that are read later."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from pydepgate.regex import regex
from pydepgate.source.network import is_network_call
from pydepgate.source.secrets import CAPTURE, PATH, SECRET, path_taints
from pydepgate.source.texts import shape_of
from pydepgate.source.values import NOTHING, Value, content_taints

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite
    from pydepgate.source.interpreter import Interpreter

READERS: Final = frozenset(
    """builtins.open io.open codecs.open os.open aiofiles.open sqlite3.connect aiosqlite.connect os.listdir os.scandir
    os.walk glob.glob glob.iglob shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move
    shutil.make_archive os.rename os.replace os.link os.symlink zipfile.ZipFile zipfile.ZipFile().write
    tarfile.open().add tarfile.TarFile().add plyvel.DB dotenv.dotenv_values dotenv.load_dotenv
    configparser.ConfigParser().read configparser.RawConfigParser().read linecache.getlines fileinput.input
    winreg.OpenKey winreg.OpenKeyEx _winreg.OpenKey
    win32file.CopyFile win32api.CopyFile ctypes.windll.kernel32.CopyFileW ctypes.windll.kernel32.CopyFileA""".split()
)
"""Functions that read a file, or list or copy a folder, given its path."""
_READER_TAILS: Final = frozenset("read_text read_bytes iterdir glob rglob open walk".split())
"""Methods of a path that do."""
_COPIES: Final = frozenset(
    """shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move os.rename os.replace win32file.CopyFile
    win32api.CopyFile""".split()
)
_WRITE_TAILS: Final = frozenset("write writelines writestr writerow writerows add write_text write_bytes dump".split())
_SAVE_TAILS: Final = frozenset("save imwrite output to_png shot".split())
_COMMANDS: Final = (
    "subprocess.",
    "os.popen",
    "os.system",
    "commands.",
    "asyncio.create_subprocess",
    "asyncio.subprocess.",
)
_READING_COMMAND: Final = regex(
    r"(?i)\b(?:cat|type|tar|zip|7z|cp|scp|copy|xcopy|robocopy|base64|xxd|strings|sqlite3|reg(?:\.exe)?\s+(?:save|query|export)"
    r"|find|grep|head|tail|more|gc|get-content|get-credential|get-childitem|netsh|security|vaultcmd|cmdkey|osascript"
    r"|zenity|kdialog|curl|wget|rsync|gpg|powershell)\b"
)

UNPROTECT: Final = frozenset(
    """win32crypt.CryptUnprotectData ctypes.windll.crypt32.CryptUnprotectData ctypes.WinDLL().CryptUnprotectData
    ctypes.cdll.crypt32.CryptUnprotectData dpapi.CryptUnprotectData""".split()
)
"""Functions that undo the encryption of Windows for its user (DPAPI), which protects browsers' passwords."""

_KEYRINGS: Final = frozenset(
    """keyring.get_password keyring.get_credential secretstorage.get_all_items win32cred.CredEnumerate
    win32cred.CredRead""".split()
)
_FRAMES: Final = frozenset(("inspect.stack", "inspect.currentframe", "sys._getframe", "inspect.getouterframes"))
"""What leads to the file of whoever called."""
_BROWSER_LIBRARIES: Final = ("browser_cookie3.", "browsercookie.", "pycookiecheat.", "rookiepy.", "browser_history.")

CAPTURES: Final = {
    **dict.fromkeys(
        """PIL.ImageGrab.grab ImageGrab.grab PIL.ImageGrab.grabclipboard pyscreenshot.grab pyautogui.screenshot
        pyscreeze.screenshot mss.mss().grab mss.mss().shot mss.mss().save mss.MSS().grab mss.MSS().shot d3dshot.create
        dxcam.create pygetwindow.screenshot autopy.bitmap.capture_screen""".split(),
        "screen",
    ),
    **dict.fromkeys("cv2.VideoCapture pygame.camera.Camera imageio.get_reader().get_data".split(), "camera"),
    **dict.fromkeys(
        """pyaudio.PyAudio().open sounddevice.rec sounddevice.InputStream sounddevice.RawInputStream
        speech_recognition.Microphone soundcard.default_microphone""".split(),
        "microphone",
    ),
    **dict.fromkeys(
        """pynput.keyboard.Listener keyboard.on_press keyboard.on_release keyboard.hook keyboard.record
        keyboard.start_recording keyboard.read_event keyboard.read_key pyHook.HookManager pyxhook.HookManager
        PyHook3.HookManager ctypes.windll.user32.GetAsyncKeyState win32api.GetAsyncKeyState
        ctypes.windll.user32.SetWindowsHookExA ctypes.windll.user32.SetWindowsHookExW""".split(),
        "keyboard",
    ),
    **dict.fromkeys(
        """pyperclip.paste clipboard.paste xerox.paste win32clipboard.GetClipboardData pandas.read_clipboard
        ctypes.windll.user32.GetClipboardData tkinter.Tk().clipboard_get Tkinter.Tk().clipboard_get
        pyperclip.waitForNewPaste""".split(),
        "clipboard",
    ),
}
"""Functions that record what the user sees, says, types or copies."""


@lru_cache(maxsize=4096)
def might_bring(name: str, /) -> bool:
    """Whether `brought` may find something for a call of that resolved name; quick, and right where it says no."""
    tail = name.rpartition(".")[2]
    return (
        name in CAPTURES
        or name in UNPROTECT
        or tail in ("CryptUnprotectData", "PK11SDR_Decrypt")
        or name in _KEYRINGS
        or name.startswith((*_BROWSER_LIBRARIES, *_COMMANDS))
        or name == "getpass.getpass"
        or name in _FRAMES
        or name in READERS
        or is_network_call(name)
        or tail in _READER_TAILS
    )


def brought(site: CallSite, /) -> frozenset[str]:
    """Return the taints of what a call brings in: secrets it reads, by their kinds, and what it captures."""
    name = site.name
    if not might_bring(name):
        return _NONE
    if name in CAPTURES:
        return frozenset((CAPTURE + CAPTURES[name],))
    if name in UNPROTECT or name.endswith((".CryptUnprotectData", ".PK11SDR_Decrypt")):
        return frozenset((SECRET + "unprotected",))
    if name in _KEYRINGS:
        return frozenset((SECRET + "keyring",))
    if name.startswith(_BROWSER_LIBRARIES):
        return frozenset((SECRET + "browser",))
    if name == "getpass.getpass" or _asks_for_password(site):
        return frozenset((SECRET + "typed",))
    if name in _FRAMES:
        return frozenset((PATH + SECRET + "caller",))
    return frozenset(taint.removeprefix(PATH) for taint in _paths_read(site) if taint.startswith(PATH))


def _asks_for_password(site: CallSite) -> bool:
    """Whether a prompt does not show what is typed."""
    if not site.keywords or not site.name.endswith(_PROMPTS):
        return False
    hidden = next((site.keywords[key] for key in _HIDES_INPUT if key in site.keywords), None)
    return hidden is not None and (hidden.const is True or not hidden.known)


_PROMPTS: Final = (".input", ".prompt", ".ask", ".prompt_async", ".text")
_HIDES_INPUT: Final = ("password", "hide_input", "is_password", "hidden")

_NONE: Final[frozenset[str]] = frozenset()


def _paths_read(site: CallSite) -> frozenset[str]:
    """Return the taints of the path that a call reads."""
    name = site.name
    if name in READERS:
        if _writes(site):
            return _NONE
        index = _PATH_INDEX.get(name, 0)
        paths = site.args[index : index + 1]
        return _taints_of_paths(*paths, *(site.keywords[key] for key in _PATH_KEYWORDS if key in site.keywords))
    if name.startswith(_COMMANDS):
        return _command_taints(site)
    if is_network_call(name):
        return frozenset(t for t in _taints_of_paths(*site.args[:2]) if t == f"{PATH}{SECRET}metadata")
    tail = name.rpartition(".")[2]
    if tail in _READER_TAILS and site.receiver is not None and not (tail == "open" and _writes(site, first=0)):
        return site.receiver.taints
    return _NONE


_PATH_INDEX: Final = {"shutil.make_archive": 2, "winreg.OpenKey": 1, "winreg.OpenKeyEx": 1, "_winreg.OpenKey": 1}
_PATH_KEYWORDS: Final = ("file", "path", "database", "src", "root_dir", "top", "filename", "name")


def _taints_of_paths(*paths: Value) -> frozenset[str]:
    return _NONE.union(*(path.taints | path_taints(shape_of(path)) for path in paths))


def _command_taints(site: CallSite) -> frozenset[str]:
    command = site.argument(0, "args")
    taints = content_taints(command)
    if any(taint.startswith(PATH) for taint in taints) and _READING_COMMAND.search(_text_of(command)):
        return taints
    return _NONE


def _text_of(command: Value) -> str:
    """Return what is known of a command line, without its order."""
    if isinstance(command.const, list | tuple):
        return " ".join(word for word in command.const[:_MAX_WORDS] if isinstance(word, str))
    return " ".join(map(shape_of, command.items[:_MAX_WORDS])) if command.items is not None else shape_of(command)


_MAX_WORDS: Final = 64


def _writes(site: CallSite, *, first: int = 1) -> bool:
    """Whether a file is opened to be written alone."""
    if site.name.rpartition(".")[2] not in ("open", "ZipFile"):
        return False
    mode = site.argument(first, "mode").text
    return bool(mode) and mode[0] in "wax" and "+" not in mode


@lru_cache(maxsize=4096)
def might_keep(name: str, /) -> bool:
    """Whether `follow` may have to note something for a call of that resolved name, besides what it brings in."""
    tail = name.rpartition(".")[2]
    return name in _COPIES or name in _OPENS or name == "shutil.make_archive" or tail in _SAVE_TAILS | _WRITE_TAILS


_OPENS: Final = frozenset(("builtins.open", "io.open", "codecs.open", "zipfile.ZipFile", "tarfile.open"))


def follow(run: Interpreter, site: CallSite, /) -> frozenset[str]:
    """Return the taints that a call adds to its result, and note which files it puts secrets into."""
    if run.private_files:
        _recall(run, site)
    taints = brought(site)
    name, tail = site.name, site.name.rpartition(".")[2]
    if not might_keep(name):
        return taints
    if name in _COPIES:
        _note(run, site, 1, taints)
    elif name == "shutil.make_archive":
        _note(run, site, 0, taints)
    elif tail in _SAVE_TAILS:
        held = _held(*([site.receiver] if site.receiver else ()), *site.args) | taints
        _note(run, site, 0, held)
        if held and site.args and site.args[0].name == "io.BytesIO()":
            site.args[0].taints |= held
    elif tail in _WRITE_TAILS:
        _note_written(run, site, taints | _held(*site.args, *site.keywords.values()))
    elif name in _OPENS and _writes(site):
        path = site.argument(0)
        key = file_key(path, site.node.args[0] if site.node.args else None)
        if path is not NOTHING and key:
            run.private_paths[id(path)] = (path, key)
    return taints


def _held(*values: Value) -> frozenset[str]:
    return frozenset(
        taint for value in values for taint in content_taints(value) if taint.startswith((SECRET, CAPTURE))
    )


def _note(run: Interpreter, site: CallSite, index: int, taints: frozenset[str]) -> None:
    """Note that the file named by an argument holds what has those taints."""
    if taints and index < len(site.args):
        node = site.node.args[index] if index < len(site.node.args) else None
        _mark(run, site.args[index], file_key(site.args[index], node), taints)


def _note_written(run: Interpreter, site: CallSite, taints: frozenset[str]) -> None:
    """Note what is written to an open file or archive, by the path that it was opened with."""
    if not taints:
        return
    handles = [site.receiver, *site.args[1:2]]
    for handle in handles:
        held = (handle.made_with or {}) if handle is not None else {}
        for value in (held.get("fileobj"), held.get(0)):
            if value is not None and value.name in ("io.BytesIO()", "tempfile.TemporaryFile()"):
                value.taints = value.taints | taints
    for handle in handles:
        made = (handle.made_with or {}) if handle is not None else {}
        path = made.get(0) or made.get("fileobj") or made.get("file")
        if path is not None:
            key = run.private_paths.get(id(path), (path, file_key(path, None)))[1]
            _mark(run, path, key, taints)
            return


def _mark(run: Interpreter, path: Value, key: str, taints: frozenset[str]) -> None:
    if path.name in _IN_MEMORY:
        path.taints = path.taints | taints
    elif path is not NOTHING:
        # in place: whoever has the path has the path of a secret from now on
        path.taints = path.taints | {PATH + taint for taint in taints}
    if key and (key in run.private_files or len(run.private_files) < _MAX_FILES):
        run.private_files[key] = run.private_files.get(key, _NONE) | taints


_IN_MEMORY: Final = frozenset(("io.BytesIO()", "io.StringIO()", "tempfile.SpooledTemporaryFile()"))
_MAX_FILES: Final = 256


def _recall(run: Interpreter, site: CallSite) -> None:
    """Mark the paths among the arguments that name a file which secrets were put into."""
    for index, (value, node) in enumerate(zip(site.args[:4], site.node.args, strict=False)):
        if index > 3 or value is NOTHING:
            return
        taints = run.private_files.get(file_key(value, node))
        if taints:
            value.taints = value.taints | {PATH + taint for taint in taints}


def file_key(value: Value, node: ast.expr | None, /) -> str:
    """Return by what a file that the program itself makes is known again: the last part of its path, if written out."""
    if value.text:
        return _file_name(value.text)
    if node is None or isinstance(node, ast.Name):
        return ""
    texts = [
        child.value for child in _children(node) if isinstance(child, ast.Constant) and isinstance(child.value, str)
    ]
    return _file_name(texts[-1]) if texts else ""


def _children(node: ast.expr) -> Iterator[ast.AST]:
    for number, child in enumerate(ast.walk(node)):
        if number >= _MAX_WORDS:
            return
        yield child


def _file_name(text: str) -> str:
    name = PurePosixPath(text[-_MAX_NAME:].replace("\\", "/")).name
    return name if len(name) >= _MIN_NAME and "." in name else ""


_MAX_NAME: Final = 200
_MIN_NAME: Final = 4
