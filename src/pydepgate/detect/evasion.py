"""Not being seen: looking for virtual machines, debuggers and analysts, waiting, hiding windows, deleting oneself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View
from pydepgate.detect.texts import argument_text, is_itself, shown
from pydepgate.source.calls import CallSite
from pydepgate.source.values import NOTHING

SIGNALS: Final = {
    "evasion.analysis-tool": "a string names a program of virtual machines or analysts",
    "evasion.analysis-tools": "a list names several programs of virtual machines or analysts",
    "evasion.machine-list": "a list holds several hardware or network addresses, or machine identifiers",
    "evasion.sandbox-mark": "a string names a file or registry key that tells a virtual machine",
    "evasion.debugger-check": "Windows is asked whether a debugger is attached",
    "evasion.tracer-check": "Python is asked whether a tracer is attached",
    "evasion.long-sleep": "the program waits for a minute or longer",
    "evasion.hides-window": "the console window is hidden",
    "evasion.console-window": "the console window is asked for",
    "evasion.deletes-own-file": "a program deletes its own file",
    "evasion.locale-check": "Windows is asked for its language or keyboard",
    "evasion.user-activity": "Windows is asked how long it runs, or whether the mouse moves",
    "evasion.security-patch": "Windows' interface for virus scanners or event tracing is named",
    "evasion.process-list": "the running processes are listed",
    "evasion.kills-process": "a running process is ended",
    "privilege.admin-check": "the program asks whether it has administrator rights",
    "privilege.mentions-uac-bypass": "a string names a known way around Windows' question for elevation",
    "privilege.mentions-defender": "a string names a switch of Windows' virus protection",
}

_TOOLS: Final = re.compile(
    r"""(?ix)\b(?:
    httpdebugger(?:ui)?|wireshark|fiddler|processhacker|procmon|procexp|ollydbg|x32dbg|x64dbg|x96dbg|windbg|ida64|idaq(?:64)?|
    immunitydebugger|pestudio|dumpcap|tcpview|regmon|filemon|sandboxie|sbiesvc|sbiectrl|sbiedll|joeboxcontrol|
    joeboxserver|cuckoomon|vboxservice|vboxtray|vboxguest|vboxmouse|vboxsf|vmtoolsd|vmwaretray|vmwareuser|vmwareservice|
    vmsrvc|vmusrvc|vmacthlp|vgauthservice|df5serv|qemu-ga|prl_cc|prl_tools|xenservice|ksdumper(?:client)?|
    cheatengine|dnspy|de4dot|ghidra|burpsuite|api_monitor|
    wdagutilityaccount|hybrid-analysis|malwarebytes|
    avastui|avgui|kaspersky|bitdefender|eset_?nod32|mcafee|msmpeng
    )(?![\w-])"""
)
_MARKS: Final = re.compile(
    r"""(?i)drivers[\\/]+vm(?:mouse|hgfs|ci)\.sys|vbox(?:mouse|guest|sf|video)\.sys|sbiedll\.dll|vboxhook\.dll|vmcheck\.dll
    |HARDWARE\\+(?:ACPI|DEVICEMAP|Description).{0,80}|SOFTWARE\\+(?:VMware|Oracle\\+VirtualBox)|Disk\\+Enum
    |/sys/class/dmi/id/|/proc/scsi/scsi|GenuineIntel.{0,5}VMXh|\bKVMKVMKVM\b""".replace("\n    ", "")
)
_MACHINE: Final = re.compile(
    r"(?i)(?:[0-9a-f]{2}[:-]){2,5}[0-9a-f]{2}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\d{1,3}(?:\.\d{1,3}){3}|(?:DESKTOP|WIN|LAPTOP)-[A-Z0-9]{6,}"
)
_BYPASS: Final = re.compile(
    r"(?i)ms-settings\\+shell\\+open\\+command|mscfile\\+shell\\+open|fodhelper|computerdefaults\.exe|DelegateExecute"
)
_DEFENDER: Final = re.compile(
    r"(?i)\b(?:Set|Add)-MpPreference\b|DisableRealtimeMonitoring|DisableAntiSpyware|ExclusionPath|TamperProtection"
)
_SECURITY: Final = re.compile(r"(?i)\bAmsiScanBuffer\b|\bamsiInitFailed\b|\bamsi\.dll\b|\bEtwEventWrite\b")
_MAX_TEXT: Final = 2_000
_MIN_TOOLS: Final = 3
_MIN_MACHINES: Final = 8
"""Entries from which a list is one of things to be recognised by."""

_STRINGS: Final = (
    ("evasion.analysis-tool", _TOOLS),
    ("evasion.sandbox-mark", _MARKS),
    ("evasion.security-patch", _SECURITY),
    ("privilege.mentions-uac-bypass", _BYPASS),
    ("privilege.mentions-defender", _DEFENDER),
)

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
_FROM_WINDOWS: Final = re.compile(r"ctypes\.|windll|win32|kernel32|user32|shell32|ntdll|pyautogui", re.I)


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    tail = site.name.rpartition(".")[2]
    if tail in _WINDOWS_CALLS and _FROM_WINDOWS.search(site.name):
        yield view.at_call(_WINDOWS_CALLS[tail], site, site.name)
    if tail in ("ShowWindow", "ShowWindowAsync") and _hides(site):
        yield view.at_call("evasion.hides-window", site, site.name)
    if site.name in ("time.sleep", "asyncio.sleep"):
        seconds = site.argument(0).const
        if isinstance(seconds, int | float) and seconds >= _LONG:
            yield view.at_call("evasion.long-sleep", site, f"{seconds:g} seconds")
    if site.name in ("os.remove", "os.unlink", "os.rename", "pathlib.Path().unlink") and _deletes_itself(site):
        yield view.at_call("evasion.deletes-own-file", site, shown(argument_text(site, 0)))
    if site.name == "sys.gettrace":
        yield view.at_call("evasion.tracer-check", site)
    if site.name in (
        "psutil.process_iter",
        "psutil.pids",
        "win32com.client.GetObject().ExecQuery",
        "wmi.WMI().Win32_Process",
    ):
        yield view.at_call("evasion.process-list", site, site.name)
    if (tail in ("kill", "terminate") and site.name.startswith("psutil.")) or tail == "TerminateProcess":
        yield view.at_call("evasion.kills-process", site, site.name)


def _hides(site: CallSite) -> bool:
    state = site.argument(1)
    return state.const == 0 or state.name.endswith("SW_HIDE")


def _deletes_itself(site: CallSite) -> bool:
    return is_itself(site.args[0] if site.args else site.receiver or NOTHING)


def _look_at_node(node: ast.expr, function: str, view: View) -> Iterator[Sighting]:
    roots = view.roots_of(function)
    if isinstance(node, ast.Constant):
        text = node.value
        if isinstance(text, str) and 2 < len(text) <= _MAX_TEXT and "\n" not in text:
            for name, pattern in _STRINGS:
                if found := pattern.search(text):
                    yield Sighting(name, *view.place(node), function, roots, (found[0][:80],))
        return
    elements = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []
    texts = [each.value for each in elements if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    tools = [text for text in texts if len(text) <= _MAX_TOOL and _TOOLS.search(text)]
    if len(tools) >= _MIN_TOOLS:
        yield Sighting("evasion.analysis-tools", *view.place(node), function, roots, tuple(tools[:6]))
    machines = [text for text in texts if len(text) <= _MAX_TOOL and _MACHINE.fullmatch(text)]
    if len(machines) >= _MIN_MACHINES:
        yield Sighting("evasion.machine-list", *view.place(node), function, roots, tuple(machines[:3]))


_MAX_TOOL: Final = 60

DETECTOR: Final = Detector(
    signals=SIGNALS,
    needles=(),
    look_at_call=_look,
    nodes=(ast.Constant, ast.List, ast.Tuple, ast.Set),
    look_at_node=_look_at_node,
)
