"""Not being seen: looking for virtual machines, debuggers and analysts, waiting, hiding windows, deleting oneself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View
from pydepgate.detect.texts import argument_text, is_itself, shown
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.values import NOTHING

SIGNALS: Final = {
    "evasion.debugger-check": "Windows is asked whether a debugger is attached",
    "evasion.tracer-check": "Python is asked whether a tracer is attached",
    "evasion.long-sleep": "the program waits for a minute or longer",
    "evasion.hides-window": "the console window is hidden",
    "evasion.console-window": "the console window is asked for",
    "evasion.deletes-own-file": "a program deletes its own file",
    "evasion.locale-check": "Windows is asked for its language or keyboard",
    "evasion.user-activity": "Windows is asked how long it runs, or whether the mouse moves",
    "evasion.process-list": "the running processes are listed",
    "evasion.kills-process": "a running process is ended",
    "privilege.admin-check": "the program asks whether it has administrator rights",
}

_LONG: Final = 60
_WINDOWS_CALLS: Final = {
    "IsDebuggerPresent": "evasion.debugger-check",
    "CheckRemoteDebuggerPresent": "evasion.debugger-check",
    "NtQueryInformationProcess": "evasion.debugger-check",
    "OutputDebugStringW": "evasion.debugger-check",
    "GetConsoleWindow": "evasion.console-window",
    "FreeConsole": "evasion.hides-window",
    "GetUserDefaultUILanguage": "evasion.locale-check",
    "GetSystemDefaultUILanguage": "evasion.locale-check",
    "GetKeyboardLayout": "evasion.locale-check",
    "GetKeyboardLayoutList": "evasion.locale-check",
    "GetTickCount": "evasion.user-activity",
    "GetTickCount64": "evasion.user-activity",
    "GetLastInputInfo": "evasion.user-activity",
    "GetCursorPos": "evasion.user-activity",
    "IsUserAnAdmin": "privilege.admin-check",
}
_SLEEPS: Final = frozenset(("time.sleep", "asyncio.sleep"))
_DELETES: Final = frozenset(("os.remove", "os.unlink", "os.rename", "pathlib.Path().unlink"))
_LISTS: Final = frozenset(
    "psutil.process_iter psutil.pids win32com.client.GetObject().ExecQuery wmi.WMI().Win32_Process".split()
)
_NAMES: Final = _SLEEPS | _DELETES | _LISTS | {"sys.gettrace"}
_TAILS: Final = frozenset(("ShowWindow", "ShowWindowAsync", "kill", "terminate", "TerminateProcess"))
_FROM_WINDOWS: Final = regex(r"ctypes\.|windll|win32|kernel32|user32|shell32|ntdll|pyautogui", re.I)


def _concerns(name: str) -> bool:
    tail = name.rpartition(".")[2]
    return name in _NAMES or tail in _WINDOWS_CALLS or tail in _TAILS


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    tail = site.name.rpartition(".")[2]
    if tail in _WINDOWS_CALLS and _FROM_WINDOWS.search(site.name):
        yield view.at_call(_WINDOWS_CALLS[tail], site, site.name)
    if tail in ("ShowWindow", "ShowWindowAsync") and _hides(site):
        yield view.at_call("evasion.hides-window", site, site.name)
    if site.name in _SLEEPS:
        seconds = site.argument(0).const
        if isinstance(seconds, int | float) and seconds >= _LONG:
            yield view.at_call("evasion.long-sleep", site, f"{seconds:g} seconds")
    if site.name in _DELETES and _deletes_itself(site):
        yield view.at_call("evasion.deletes-own-file", site, shown(argument_text(site, 0)))
    if site.name == "sys.gettrace":
        yield view.at_call("evasion.tracer-check", site)
    if site.name in _LISTS:
        yield view.at_call("evasion.process-list", site, site.name)
    if (tail in ("kill", "terminate") and site.name.startswith("psutil.")) or tail == "TerminateProcess":
        yield view.at_call("evasion.kills-process", site, site.name)


def _hides(site: CallSite) -> bool:
    state = site.argument(1)
    return state.const == 0 or state.name.endswith("SW_HIDE")


def _deletes_itself(site: CallSite) -> bool:
    return is_itself(site.args[0] if site.args else site.receiver or NOTHING)


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
)
