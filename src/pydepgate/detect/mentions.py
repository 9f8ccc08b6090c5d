"""What strings name that honest code has little reason to know: places to start from, analysts' tools, mining pools."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View
from pydepgate.regex import regex

SIGNALS: Final = {
    "persist.mentions-startup-folder": "a string names the folder whose programs Windows starts at log-in",
    "persist.mentions-run-key": "a string names a Run key of the registry",
    "persist.mentions-launch-agents": "a string names the folder of macOS's launch agents",
    "persist.mentions-app-code": "a string names the code of a desktop program that is often tampered with",
    "persist.mentions-browser-extension": "a string tells a browser to load an extension from a folder",
    "evasion.analysis-tool": "a string names a program of virtual machines or analysts",
    "evasion.analysis-tools": "a list names several programs of virtual machines or analysts",
    "evasion.machine-list": "a list holds several hardware addresses or identifiers or names of machines",
    "evasion.sandbox-mark": "a string names a file or registry key that tells a virtual machine",
    "evasion.security-patch": "a string names Windows' interface for virus scanners or event tracing",
    "privilege.mentions-uac-bypass": "a string names a known way around Windows' question for elevation",
    "privilege.mentions-defender": "a string names a switch of Windows' virus protection",
    "damage.ransom-note": "a string speaks of encrypted files and payment",
    "miner.pool": "a string is the address of a mining pool, or an option of a miner",
}

_TOOLS: Final = regex(
    r"""(?ix)\b(?:
    httpdebugger(?:ui)?|wireshark|fiddler|processhacker|procmon|procexp|ollydbg|x32dbg|x64dbg|x96dbg|windbg|ida64|idaq(?:64)?|
    immunitydebugger|pestudio|dumpcap|tcpview|regmon|filemon|sandboxie|sbiesvc|sbiectrl|sbiedll|joeboxcontrol|
    joeboxserver|cuckoomon|vboxservice|vboxtray|vboxguest|vboxmouse|vboxsf|vmtoolsd|vmwaretray|vmwareuser|vmwareservice|
    vmsrvc|vmusrvc|vmacthlp|vgauthservice|df5serv|qemu-ga|prl_cc|prl_tools|xenservice|ksdumper(?:client)?|
    cheatengine|dnspy|de4dot|ghidra|burpsuite|api_monitor|wdagutilityaccount|hybrid-analysis|malwarebytes|
    avastui|avgui|kaspersky|bitdefender|eset_?nod32|mcafee|msmpeng
    )(?![\w-])"""
)
"""Processes and user names by which programs tell that somebody looks at them, as lists of such checks have them."""

_STRINGS: Final = (
    ("persist.mentions-startup-folder", regex(r"(?i)start menu[\\/]+programs[\\/]+startup")),
    ("persist.mentions-run-key", regex(r"(?i)currentversion\\+run(?:once)?(?![a-z])")),
    ("persist.mentions-launch-agents", regex(r"Library/Launch(?:Agents|Daemons)\b|^Launch(?:Agents|Daemons)$")),
    ("persist.mentions-app-code", regex(r"discord_desktop_core|(?i:[\\/]app\.asar\b)")),
    ("persist.mentions-browser-extension", regex(r"--load-extension\b")),
    ("evasion.analysis-tool", _TOOLS),
    (
        "evasion.sandbox-mark",
        regex(
            r"""(?ix)drivers[\\/]+vm(?:mouse|hgfs|ci)\.sys | vbox(?:mouse|guest|sf|video)\.sys | sbiedll\.dll
            | vboxhook\.dll | vmcheck\.dll | HARDWARE\\+(?:ACPI|DEVICEMAP|Description)
            | SOFTWARE\\+(?:VMware|Oracle\\+VirtualBox) | Disk\\+Enum | /sys/class/dmi/id/ | /proc/scsi/scsi"""
        ),
    ),
    (
        "evasion.security-patch",
        regex(r"(?i)\bAmsiScanBuffer\b|\bamsiInitFailed\b|\bamsi\.dll\b|\bEtwEventWrite\b"),
    ),
    (
        "privilege.mentions-uac-bypass",
        regex(
            r"(?i)ms-settings\\+shell\\+open\\+command|mscfile\\+shell\\+open|fodhelper|computerdefaults\.exe|DelegateExecute"
        ),
    ),
    (
        "privilege.mentions-defender",
        regex(
            r"(?i)\b(?:Set|Add)-MpPreference\b|DisableRealtimeMonitoring|DisableAntiSpyware|ExclusionPath|TamperProtection"
        ),
    ),
    (
        "damage.ransom-note",
        regex(
            r"(?i)\byour (?:personal |important )?files (?:have been|are|were) (?:\w+ )?encrypted"
            r"|\bto (?:decrypt|recover|restore|unlock) your files\b"
            r"|\bpay(?:ment)? .{0,60}\b(?:bitcoin|btc|monero|xmr)\b.{0,80}\b(?:decrypt|files|unlock)"
        ),
    ),
    (
        "miner.pool",
        regex(
            r"(?i)stratum\+(?:tcp|ssl)://|\bxmrig\b|--donate-level\b|\bcryptonight\b|\brandomx\b"
            r"|\b(?:nanopool|minexmr|supportxmr|hashvault|moneroocean|nicehash|2miners|f2pool|ethermine|herominers)\b"
        ),
    ),
)
_WORD: Final = regex(r"\w+")
_WORDS: Final = frozenset(
    """httpdebugger httpdebuggerui wireshark fiddler processhacker procmon procexp ollydbg x32dbg x64dbg x96dbg windbg
    ida64 idaq idaq64 immunitydebugger pestudio dumpcap tcpview regmon filemon sandboxie sbiesvc sbiectrl sbiedll
    joeboxcontrol joeboxserver cuckoomon vmtoolsd vmwaretray vmwareuser vmwareservice vmsrvc vmusrvc vmacthlp
    vgauthservice df5serv qemu prl_cc prl_tools xenservice ksdumper ksdumperclient cheatengine dnspy de4dot ghidra
    burpsuite api_monitor wdagutilityaccount hybrid malwarebytes avastui avgui kaspersky bitdefender eset_nod32
    esetnod32 mcafee msmpeng programs launchagents launchdaemons asar extension vmmouse vmhgfs vmci dmi scsi
    amsiscanbuffer amsiinitfailed amsi etweventwrite mppreference your bitcoin btc monero xmr xmrig donate cryptonight
    randomx nanopool minexmr supportxmr hashvault moneroocean nicehash 2miners f2pool ethermine herominers""".split()
)
"""Of every pattern a whole word, or in `_PARTS` a part of one, that it cannot do without."""
_PARTS: Final = tuple(
    """currentversion discord_desktop_core vbox sbiedll vmcheck hardware\\ software\\ disk\\ ms-settings mscfile
    fodhelper computerdefaults delegateexecute disablerealtimemonitoring disableantispyware exclusionpath
    tamperprotection stratum+""".split()
)
_MACHINE: Final = regex(
    r"""(?ix)(?:[0-9a-f]{2}[:-]){2,5}[0-9a-f]{2} | [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
    | (?:DESKTOP|WIN|LAPTOP)-[A-Z0-9]{6,}"""
)
_MAX_TEXT: Final = 2_000
_MAX_NAME: Final = 60
_MIN_TOOLS: Final = 3
_MIN_MACHINES: Final = 8
"""Entries from which a list is one of things to be recognised by."""


def _look(node: ast.expr, function: str, view: View) -> Iterable[Sighting]:
    if isinstance(node, ast.Constant):
        text = node.value
        if isinstance(text, str) and 2 < len(text) <= _MAX_TEXT and might_mention(text):
            return _of_text(text, node, function, view)
        return ()
    elements = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []
    return _of_list(elements, node, function, view) if len(elements) >= _MIN_TOOLS else ()


def might_mention(text: str, /) -> bool:
    """Whether one of the patterns may match; quick, and right where it says no."""
    if not text.isascii():
        return True  # without regard to case, some of these letters stand for others
    low = text.lower()
    return not _WORDS.isdisjoint(_WORD.findall(low)) or any(part in low for part in _PARTS)


def _of_text(text: str, node: ast.expr, function: str, view: View) -> Iterator[Sighting]:
    for name, pattern in _STRINGS:
        if found := pattern.search(text):
            yield _at(name, node, function, view, found[0][:80])


def _of_list(elements: list[ast.expr], node: ast.expr, function: str, view: View) -> Iterator[Sighting]:
    texts = [each.value for each in elements if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    short = [text for text in texts if len(text) <= _MAX_NAME]
    if len(tools := [text for text in short if _TOOLS.search(text)]) >= _MIN_TOOLS:
        yield _at("evasion.analysis-tools", node, function, view, *tools[:6])
    if len(machines := [text for text in short if _MACHINE.fullmatch(text)]) >= _MIN_MACHINES:
        yield _at("evasion.machine-list", node, function, view, *machines[:3])


def _at(name: str, node: ast.expr, function: str, view: View, *evidence: str) -> Sighting:
    return Sighting(name, *view.place(node), function, view.roots_of(function), evidence)


DETECTOR: Final = Detector(
    signals=SIGNALS,
    nodes=(ast.Constant, ast.List, ast.Tuple, ast.Set),
    look_at_node=_look,
)
