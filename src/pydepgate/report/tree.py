"""Payloads as lines of text: what a literal decodes to, and what is nested in that, as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from textwrap import wrap

from pydepgate.limits import PREVIEW_BYTES
from pydepgate.model import Indicator, Payload
from pydepgate.report.escape import defang_host, quoted
from pydepgate.report.hexdump import hexdump
from pydepgate.report.style import Style

_ADDRESSES = frozenset(("url", "domain", "ip", "webhook"))
_VALUES_SHOWN = 12
"""Values of one kind of indicator that are listed, unless the whole chain is asked for."""

_VALUE_LENGTH = 120
_EXCERPT_LINES = 4
_LABEL_WIDTH = 13
_INDENT = 3
_SHORT_DIGEST = 16
_NARROWEST = 32
"""Columns that a value has at least, however deep it is nested."""

# Forms of a literal that read badly as they are.
_FORMS: Mapping[str, str] = {
    "str": "text",
    "joined": "joined text",
    "int-list": "list of numbers",
    "data-file": "data file",
    "folded": "computed text",
}

_CODE = ("python-source", "shell-script", "powershell", "batch", "javascript")
_TEXT_KINDS = frozenset((*_CODE, "text", "json", "xml", "html", "css"))


@dataclass(frozen=True, slots=True)
class TreeView:
    """How payloads are shown: the chain with hex dumps or not, the style, and the columns that a line may take.

    `seen` has the SHA-256 of each payload that this report has already shown in full.
    """

    chain: bool
    style: Style
    width: int
    seen: set[str] = field(default_factory=set)


def hint(payload: Payload, /) -> str:
    """Return what a payload is in a few words: `base64 → python-source, 25,844 bytes`."""
    steps = [quoted(layer.codec, limit=40) for layer in payload.layers] or [_form(payload)]
    return f"{' → '.join([*steps, _kind(payload)])}, {payload.size:,} bytes"


def payload_lines(payload: Payload, view: TreeView, /, *, place: bool = True) -> Iterator[str]:
    """Yield the lines for a payload and all that is nested in it, without indentation of their own.

    `place` says where it stands in its container: not needed where the reader has just been told.
    """
    where = view.style.paint(_place(payload), "place") if place else ""
    yield f"{where}{_chain(payload, view.style)}"
    if payload.sha256 and payload.sha256 in view.seen:
        digest = quoted(payload.sha256[:_SHORT_DIGEST], limit=_SHORT_DIGEST)
        yield view.style.paint(f"   same payload as above, sha256 {digest}…", "faint")
        return
    view.seen.add(payload.sha256)
    below = replace(view, width=view.width - _INDENT)
    bar = "│  " if payload.children else "   "
    for line in _details(payload, below):
        yield f"{view.style.paint(bar, 'faint')}{line}"
    for index, child in enumerate(payload.children):
        last = index == len(payload.children) - 1
        branch, trunk = ("└─ ", "   ") if last else ("├─ ", "│  ")
        for number, line in enumerate(payload_lines(child, below)):
            yield f"{view.style.paint(trunk if number else branch, 'faint')}{line}"


def _chain(payload: Payload, style: Style) -> str:
    """Return `base64 34,460 → zlib 25,844 → 90,112 bytes → python-source`."""
    kind = style.paint(_kind(payload), "strong")
    if not payload.layers:
        return f"{_form(payload)}, {payload.size:,} bytes → {kind}"
    steps = [f"{quoted(layer.codec, limit=40)} {layer.size_in:,}" for layer in payload.layers]
    return f"{' → '.join(steps)} → {payload.size:,} bytes → {kind}"


def _place(payload: Payload) -> str:
    parts = []
    if payload.member:
        parts.append(quoted(payload.member, limit=200))
    if payload.line:
        parts.append(f"{payload.line}:{payload.column}")
    return f"at {':'.join(parts)}  " if parts else ""


def _form(payload: Payload) -> str:
    return _FORMS.get(payload.form) or quoted(payload.form, limit=40)


def _kind(payload: Payload) -> str:
    detail = f" ({quoted(payload.detail, limit=80)})" if payload.detail else ""
    return f"{quoted(payload.final, limit=40)}{detail}"


def _details(payload: Payload, view: TreeView) -> Iterator[str]:
    yield from _labelled("sha256", quoted(payload.sha256, limit=64), view)
    if payload.stopped:
        yield view.style.paint(f"stopped early: {quoted(payload.stopped, limit=200)}", "medium")
    if view.chain:
        yield from _dumps(payload, view)
    else:
        yield from _excerpt(payload, view)
    yield from _indicator_lines(payload.indicators, view)


def _dumps(payload: Payload, view: TreeView) -> Iterator[str]:
    """Every layer with its sizes and first bytes; the content too, where the last layer does not show it."""
    for number, layer in enumerate(payload.layers, start=1):
        codec = view.style.paint(quoted(layer.codec, limit=40), "strong")
        yield f"layer {number}  {codec} {layer.size_in:,} → {layer.size_out:,} bytes"
        yield from _dump(layer.preview, view)
    if not payload.layers or payload.layers[-1].preview[:PREVIEW_BYTES] != payload.preview[:PREVIEW_BYTES]:
        yield f"content  {payload.size:,} bytes"
        yield from _dump(payload.preview, view)


def _dump(data: bytes, view: TreeView) -> Iterator[str]:
    for line in hexdump(data[:PREVIEW_BYTES], width=view.width - 2):
        yield f"  {line}"


def _excerpt(payload: Payload, view: TreeView) -> Iterator[str]:
    """The first lines of a payload that is text."""
    if payload.final not in _TEXT_KINDS:
        return
    lines = payload.preview.decode("utf-8", errors="replace").splitlines()
    if payload.size > len(payload.preview) and len(lines) <= _EXCERPT_LINES and lines:
        lines[-1] = lines[-1].rstrip("\ufffd") + "…"
    room = max(_NARROWEST, min(_VALUE_LENGTH, view.width - 3))
    for line in [line for line in lines if line.strip()][:_EXCERPT_LINES]:
        yield f"> {quoted(line[:room], limit=room)}{'…' if len(line) > room else ''}"


def _indicator_lines(indicators: tuple[Indicator, ...], view: TreeView) -> Iterator[str]:
    groups: dict[str, dict[str, int]] = {}
    for indicator in sorted(indicators, key=lambda found: found.offset):
        groups.setdefault(indicator.kind, {}).setdefault(indicator.value, indicator.offset)
    for kind, values in groups.items():
        shown = [_indicator(kind, value, offset, view) for value, offset in values.items()]
        more = len(shown) - _VALUES_SHOWN
        if more > 0 and not view.chain:
            shown[_VALUES_SHOWN:] = [f"and {more} more"]
        yield from _labelled(quoted(kind, limit=_LABEL_WIDTH - 2), ", ".join(shown), view)


def _indicator(kind: str, value: str, offset: int, view: TreeView) -> str:
    text = quoted(value, limit=_VALUE_LENGTH)
    if kind in _ADDRESSES:
        text = defang_host(text)
    return f"{text} @{offset}" if view.chain else text


def _labelled(label: str, text: str, view: TreeView) -> Iterator[str]:
    """Yield `text` in a column of its own, right of `label`."""
    lines = wrap(text, max(_NARROWEST, view.width - _LABEL_WIDTH), break_on_hyphens=False) or [""]
    yield f"{view.style.paint(label, 'faint')}{' ' * (_LABEL_WIDTH - len(label))}{lines[0]}"
    for line in lines[1:]:
        yield f"{' ' * _LABEL_WIDTH}{line}"
