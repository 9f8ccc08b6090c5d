"""Breaking things: deleting, encrypting, shutting down, crashing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View
from pydepgate.detect.texts import HOLE, argument_text, shown, text_of
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.values import FILE, NOTHING, content_taints

SIGNALS: Final = {
    "damage.deletes-tree": "a whole directory is deleted",
    "damage.deletes-home": "a home, system or root directory is deleted",
    "damage.encrypts-file": "what was read from a file is encrypted",
    "damage.walks-home": "all files below a home or root directory are gone through",
    "damage.lists-home": "what is in a whole home or root directory is listed",
    "damage.removes-listed": "a file whose path is nowhere written in the source is deleted or emptied",
    "damage.crashes-system": "Windows is told to crash, or to crash when the program ends",
    "damage.ends-session": "Windows is told to shut down or to log out",
    "damage.raw-disk": "a disk is opened for writing, past its file system",
    "damage.wallpaper": "the desktop background is changed",
    "damage.blocks-input": "mouse and keyboard are blocked",
    "damage.endless-processes": "processes are started in an endless loop",
}

_ROOTS: Final = regex(
    r"""(?ix)^(?:/|~/?|/\*|[a-z]:[\\/]*|[a-z]:[\\/]+(?:windows|users|program\ files)[\\/]*(?:system32[\\/]*)?
    |/home/?|/root/?|/etc/?|/usr/?|/var/?|/bin/?|/boot/?|/lib/?|/Users/?|%(?:HOME|USERPROFILE|SystemRoot|SystemDrive|APPDATA|LOCALAPPDATA|windir)%[\\/]?
    |~[\\/](?:Desktop|Documents|Pictures|Downloads)[\\/]?)$"""
)
_HOME_WALK: Final = regex(
    r"(?i)^(?:/|~/?|[a-z]:[\\/]*|/home/?|/Users/?|C:[\\/]+Users.*|%(?:HOME|USERPROFILE)%.*"
    r"|~[\\/](?:Desktop|Documents|Pictures|Downloads).*)$"
)
_CRASHES: Final = frozenset(
    """NtRaiseHardError ZwRaiseHardError RtlSetProcessIsCritical NtSetInformationProcess RtlAdjustPrivilege
    KeBugCheckEx""".split()
)
_ENDS: Final = frozenset(
    """ExitWindowsEx ExitWindows InitiateSystemShutdown InitiateSystemShutdownW InitiateSystemShutdownExW
    NtShutdownSystem LockWorkStation""".split()
)
_DELETES: Final = frozenset(("shutil.rmtree", "os.removedirs", "send2trash.send2trash"))
_WALKS: Final = frozenset(("os.walk", "pathlib.Path().rglob", "os.scandir", "glob.glob"))
_LISTS: Final = frozenset(("os.walk", "os.scandir", "os.listdir", "glob.glob", "glob.iglob"))
_LISTS_ITSELF: Final = frozenset(f"pathlib.Path().{method}" for method in ("rglob", "glob", "iterdir", "walk"))
_REMOVES: Final = frozenset(("os.remove", "os.unlink", "shutil.rmtree", "send2trash.send2trash"))
_REMOVES_ITSELF: Final = frozenset(("unlink", "write_bytes", "write_text"))
_WHOLE_HOME: Final = regex(
    rf"(?i)^(?:/|~|[a-z]:|/(?:home|Users)(?:/(?:{HOLE}|%USER(?:NAME)?%))?|/root|%(?:HOME|USERPROFILE)%)(?:[\\/]+\**)*$"
)
_OPENS: Final = frozenset(("builtins.open", "io.open", "os.open", "win32file.CreateFile"))
_OPENS_IN_WINDOWS: Final = frozenset(("CreateFileW", "CreateFileA"))
_SETS_PARAMETERS: Final = frozenset(("SystemParametersInfoW", "SystemParametersInfoA", "SystemParametersInfo"))
_NAMES: Final = _DELETES | _WALKS | _OPENS | _LISTS | _LISTS_ITSELF | _REMOVES
_TAILS: Final = (
    _OPENS_IN_WINDOWS | _SETS_PARAMETERS | {"encrypt", "encrypt_and_digest", "update", "BlockInput"} | _REMOVES_ITSELF
)
_DISK: Final = regex(r"(?i)^\\\\\.\\(?:PhysicalDrive\d|[a-z]:)$|^/dev/(?:sd[a-z]|nvme\d|hd[a-z]|vd[a-z]|disk\d|mem)")


def _concerns(name: str) -> bool:
    tail = name.rpartition(".")[2]
    return name in _NAMES or tail in _TAILS or tail in _CRASHES or tail in _ENDS


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    tail = site.name.rpartition(".")[2]
    if site.name in _DELETES:
        path = argument_text(site, 0, "path")
        yield view.at_call("damage.deletes-tree", site, f"{site.name}: {shown(path)}")
        if _ROOTS.match(path):
            yield view.at_call("damage.deletes-home", site, f"{site.name}: {shown(path)}")
    if _encrypts(site, tail) and FILE in content_taints(site.argument(0)):
        yield view.at_call("damage.encrypts-file", site, site.name)
    if site.name in _WALKS:
        path = argument_text(site, 0, "top")
        if _HOME_WALK.match(path):
            yield view.at_call("damage.walks-home", site, f"{site.name}: {shown(path)}")
    if site.name in _LISTS or site.name in _LISTS_ITSELF:
        path = argument_text(site, 0, "top") if site.name in _LISTS else text_of(site.receiver or NOTHING)
        if _WHOLE_HOME.match(path):
            yield view.at_call("damage.lists-home", site, f"{site.name}: {shown(path)}")
    if _removes(site, tail):
        yield view.at_call("damage.removes-listed", site, site.name)
    if tail in _CRASHES:
        yield view.at_call("damage.crashes-system", site, site.name)
    if tail in _ENDS:
        yield view.at_call("damage.ends-session", site, site.name)
    if tail == "BlockInput":
        yield view.at_call("damage.blocks-input", site, site.name)
    if tail in _SETS_PARAMETERS and _sets_wallpaper(site):
        yield view.at_call("damage.wallpaper", site, site.name)
    if site.name in _OPENS or tail in _OPENS_IN_WINDOWS:
        path = argument_text(site, 0)
        reads = site.name.endswith(".open") and not any(mark in site.argument(1, "mode").text for mark in "wa+")
        if _DISK.match(path) and not (reads and site.name != "os.open"):
            yield view.at_call("damage.raw-disk", site, shown(path))


def _removes(site: CallSite, tail: str) -> bool:
    """Whether a call deletes or empties a file of which not even a part of the path is known."""
    if site.name in _OPENS:
        if "w" not in site.argument(1, "mode").text:
            return False
        path = site.argument(0, "file")
        if not path.name.startswith(_FOUND):  # files of all kinds are opened to be written
            return False
    elif site.name in _REMOVES:
        path = site.argument(0, "path")
    elif tail in _REMOVES_ITSELF and site.receiver is not None:
        path = site.receiver
    else:
        return False
    return path.text == "" and _NOTHING_KNOWN.match(text_of(path)) is not None


_FOUND: Final = ("os.path.join(", *(f"{name}(" for name in sorted(_LISTS | _LISTS_ITSELF)))
_NOTHING_KNOWN: Final = regex(rf"^(?:~|%(?:HOME|USERPROFILE)%|/home)?(?:[\\/]*{HOLE})+$")


def _encrypts(site: CallSite, tail: str) -> bool:
    return tail in ("encrypt", "encrypt_and_digest") or (tail == "update" and "encryptor" in site.name)


def _sets_wallpaper(site: CallSite) -> bool:
    action = site.argument(0)
    return action.const == _SET_WALLPAPER or action.name.endswith("SPI_SETDESKWALLPAPER")


_SET_WALLPAPER: Final = 20


def _look_at_node(node: ast.While, function: str, view: View) -> Iterator[Sighting]:
    if _is_endless(node) and (call := _only_starts(node)):
        yield Sighting("damage.endless-processes", *view.place(node), function, view.roots_of(function), (call,))


def _is_endless(node: ast.While) -> bool:
    return isinstance(node.test, ast.Constant) and bool(node.test.value)


def _only_starts(node: ast.While) -> str:
    """Return the call by which a loop does nothing but start processes, or the empty string."""
    for statement in node.body:
        call = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
        if not isinstance(call, ast.Call):
            return ""
        name = ast.unparse(call.func)[:60]
        if name.rpartition(".")[2] not in ("fork", "Popen", "startfile", "system", "popen"):
            return ""
    return name if node.body else ""


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
    nodes=(ast.While,),
    look_at_node=_look_at_node,
)
