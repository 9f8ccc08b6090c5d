"""What the user sees, types, says or copies: what records it, and where it is sent."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View, path_of
from pydepgate.detect.secrets import is_sending
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.exposure import brought, might_bring
from pydepgate.source.secrets import CAPTURE, kinds_of
from pydepgate.source.values import content_taints

SIGNALS: Final = {
    "capture.screen": "takes a picture of the screen",
    "capture.camera": "records with the camera",
    "capture.microphone": "records with the microphone",
    "capture.keyboard": "records what is typed",
    "capture.clipboard": "reads the clipboard",
    "clipboard.write": "puts something on the clipboard",
    "clipboard.address-pattern": "a pattern for the addresses of wallets",
    "flow.capture-to-network": "a picture, a recording or the clipboard is sent over the network",
}

_WRITES: Final = frozenset(
    """pyperclip.copy clipboard.copy xerox.copy win32clipboard.SetClipboardText win32clipboard.SetClipboardData
    ctypes.windll.user32.SetClipboardData""".split()
)
_ADDRESS_PATTERN: Final = regex(
    r"\[13\]\[a-k|\[a-km-zA-HJ-NP-Z|\[1-9A-HJ-NP-Za-km-z\]\{|0x\[(?:a-f|A-F|0-9)[\w-]{0,9}\]\{40\}|\(?bc1\|?\[?|4\[0-9AB\]"
)
_MAX_PATTERN: Final = 300


def _concerns(name: str) -> bool:
    return name in _WRITES or name.endswith(".clipboard_append") or is_sending(name) or might_bring(name)


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    for kind in sorted(kinds_of(brought(site), CAPTURE)):
        yield view.at_call(f"capture.{kind}", site, site.name)
    if site.name in _WRITES or site.name.endswith(".clipboard_append"):
        yield view.at_call("clipboard.write", site, site.name)
    if not is_sending(site.name):
        return
    for value in (*site.args, *site.keywords.values()):
        kinds = kinds_of(content_taints(value), CAPTURE)
        if kinds:
            yield view.at_call(
                "flow.capture-to-network", site, f"{', '.join(sorted(kinds))}: {path_of(value, site.name)}"
            )
            return


def _look_at_text(node: ast.Constant, function: str, view: View) -> Iterable[Sighting]:
    text = node.value
    if not isinstance(text, str) or "[" not in text or len(text) > _MAX_PATTERN or not _ADDRESS_PATTERN.search(text):
        return ()
    line, column = view.place(node)
    return (Sighting("clipboard.address-pattern", line, column, function, view.roots_of(function), (text[:80],)),)


DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
    nodes=(ast.Constant,),
    look_at_node=_look_at_text,
)
