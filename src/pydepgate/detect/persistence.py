"""Staying on a machine: what is made to run again by itself, at log-in, at a set time or with other programs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View
from pydepgate.detect.texts import argument_text, is_itself, shown, text_of
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite

SIGNALS: Final = {
    "persist.startup-folder": "a file is put where Windows starts it at log-in",
    "persist.launch-agents": "a file is put where macOS starts it at log-in",
    "persist.autostart-desktop": "a file is put where a Linux desktop starts it at log-in",
    "persist.systemd-unit": "a unit of systemd is written",
    "persist.cron-file": "a file of cron is written",
    "persist.shell-profile": "a shell's start file is opened for writing",
    "persist.ssh-keys": "the file of keys that may log in over SSH is opened for writing",
    "persist.python-startup": "a file that Python runs at every start is written",
    "persist.site-packages": "a file in the folder of installed packages is written",
    "persist.git-hook": "a git hook is written",
    "persist.app-code": "the code of a desktop program is overwritten",
    "persist.system-folder": "a file in a folder of the system is written",
    "persist.registry-write": "the registry of Windows is written",
    "persist.registry-run": "a Run key of the registry is written",
    "persist.registry-command": "what Windows runs for a kind of file or question is changed in the registry",
    "persist.registry-policy": "a policy or the virus protection is changed in the registry",
    "persist.shortcut": "a Windows shortcut is made or changed",
    "persist.copies-itself": "a program copies its own file",
    "persist.hides-file": "a file is given the hidden attribute",
    "system.hosts-file": "the file of host names is opened for writing",
}

_WRITES: Final = {
    "builtins.open": 0,
    "io.open": 0,
    "codecs.open": 0,
    "aiofiles.open": 0,
    "shutil.copy": 1,
    "shutil.copy2": 1,
    "shutil.copyfile": 1,
    "shutil.copytree": 1,
    "shutil.move": 1,
    "os.rename": 1,
    "os.replace": 1,
    "os.symlink": 1,
    "os.link": 1,
    "os.makedirs": 0,
    "os.mkdir": 0,
    "urllib.request.urlretrieve": 1,
    "wget.download": 1,
    "zipfile.ZipFile().extractall": 0,
    "win32com.client.Dispatch().CreateShortCut": 0,
    "win32com.client.Dispatch().CreateShortcut": 0,
}
"""Functions that write a file or folder, and the position of its path."""
_PATH_WRITES: Final = frozenset(("pathlib.Path().write_text", "pathlib.Path().write_bytes", "pathlib.Path().open"))

_PLACES: Final = (
    ("persist.startup-folder", r"start menu[\\/]+programs[\\/]+startup"),
    ("persist.launch-agents", r"/launch(?:agents|daemons)\b"),
    ("persist.autostart-desktop", r"\.config/autostart\b"),
    ("persist.systemd-unit", r"/systemd/(?:system|user)\b"),
    ("persist.cron-file", r"/etc/cron|/var/spool/cron|/var/spool/at"),
    (
        "persist.shell-profile",
        r"(?:^|/)\.(?:bashrc|bash_profile|bash_login|profile|zshrc|zprofile|zshenv|kshrc)$|/etc/(?:profile|rc\.local|bash\.bashrc)",
    ),
    ("persist.ssh-keys", r"authorized_keys"),
    ("persist.python-startup", r"(?:site|user)customize\.py$|[^/\\*]\.pth$"),
    ("persist.site-packages", r"(?:site|dist)-packages\b"),
    ("persist.git-hook", r"\.git/hooks\b"),
    ("persist.app-code", r"discord_desktop_core|app\.asar|resources[\\/]+app[\\/]"),
    (
        "persist.system-folder",
        r"^(?:c:)?[\\/]+(?:windows|programdata)[\\/]|^/(?:etc|usr/(?:local/)?s?bin|s?bin|lib)/"
        r"|%(?:systemroot|windir|programdata)%",
    ),
    ("system.hosts-file", r"drivers[\\/]+etc[\\/]+hosts|^/etc/hosts$"),
)
_COMPILED: Final = tuple((name, regex(pattern, re.I)) for name, pattern in _PLACES)

_REGISTRY_WRITES: Final = frozenset(
    ("SetValueEx", "SetValue", "CreateKey", "CreateKeyEx", "RegSetValueEx", "RegCreateKey", "RegSetValue")
)
_SETS_ATTRIBUTES: Final = frozenset(("SetFileAttributesW", "SetFileAttributesA", "SetFileAttributes"))
_REGISTRY: Final = ("winreg.", "_winreg.", "win32api.", "win32con.", "win32com.client.Dispatch().RegWrite")


def _concerns(name: str) -> bool:
    tail = name.rpartition(".")[2]
    return (
        name in _WRITES
        or name in _PATH_WRITES
        or name.startswith(_REGISTRY)
        or tail.lower() == "createshortcut"
        or tail in _SETS_ATTRIBUTES
    )


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    yield from _written(site, view)
    yield from _registry(site, view)
    tail = site.name.rpartition(".")[2]
    if tail.lower() == "createshortcut" and ("Dispatch" in site.name or site.name.startswith((".", "?"))):
        yield view.at_call("persist.shortcut", site, shown(argument_text(site, 0)))
    if tail in _SETS_ATTRIBUTES and _hides(site):
        yield view.at_call("persist.hides-file", site, site.name)
    if site.name in ("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.move") and is_itself(site.argument(0)):
        yield view.at_call("persist.copies-itself", site, shown(argument_text(site, 1)))


def _hides(site: CallSite) -> bool:
    flags = site.argument(1)
    return not isinstance(flags.const, int) or bool(flags.const & _HIDDEN_OR_SYSTEM)


_HIDDEN_OR_SYSTEM: Final = 2 | 4


def _written(site: CallSite, view: View) -> Iterator[Sighting]:
    """A file that is written, by where it is."""
    if site.name in _WRITES:
        if site.name.endswith("open") and not _opens_for_writing(site, 1):
            return
        path = argument_text(site, _WRITES[site.name], "dst")
    elif site.name in _PATH_WRITES and site.receiver is not None:
        if site.name.endswith("open") and not _opens_for_writing(site, 0):
            return
        path = text_of(site.receiver)
    else:
        return
    for name, pattern in _COMPILED:
        if pattern.search(path):
            yield view.at_call(name, site, f"{site.name}: {shown(path)}")


def _opens_for_writing(site: CallSite, index: int) -> bool:
    return any(mark in site.argument(index, "mode").text for mark in "wax+")


def _registry(site: CallSite, view: View) -> Iterator[Sighting]:
    if not site.name.startswith(_REGISTRY):
        return
    tail = site.name.rpartition(".")[2]
    if tail in ("OpenKey", "OpenKeyEx", "RegOpenKeyEx") and not _opens_key_for_writing(site):
        return
    if tail not in _REGISTRY_WRITES and not tail.startswith(("OpenKey", "RegOpenKey", "RegWrite")):
        return
    key = argument_text(site, 0 if tail == "RegWrite" else 1)
    opened = site.argument(0).made_with or {}
    if tail in ("SetValueEx", "SetValue", "RegSetValueEx") and 1 in opened:
        key = f"{text_of(opened[1])}\\{key}"
    evidence = f"{site.name}: {shown(key)}"
    yield view.at_call("persist.registry-write", site, evidence)
    for name, pattern in _KEYS:
        if pattern.search(key):
            yield view.at_call(name, site, evidence)


_KEYS: Final = (
    (
        "persist.registry-run",
        regex(
            r"(?i)currentversion\\+(?:policies\\+explorer\\+)?run(?:once|services)?(?![a-z])"
            r"|winlogon|image file execution"
        ),
    ),
    ("persist.registry-command", regex(r"(?i)shell\\+open\\+command|ms-settings|mscfile|\\exefile\\")),
    (
        "persist.registry-policy",
        regex(r"(?i)windows defender|policies\\+system|currentversion\\+policies|securityhealth"),
    ),
)


def _opens_key_for_writing(site: CallSite) -> bool:
    node = site.node.args[3] if len(site.node.args) > 3 else None
    for keyword in site.node.keywords:
        node = keyword.value if keyword.arg == "access" else node
    if node is None:
        return False
    names = {
        child.attr if isinstance(child, ast.Attribute) else child.id
        for child in ast.walk(node)
        if isinstance(child, ast.Attribute | ast.Name)
    }
    return not names.isdisjoint(("KEY_SET_VALUE", "KEY_ALL_ACCESS", "KEY_WRITE", "KEY_CREATE_SUB_KEY"))


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
)
