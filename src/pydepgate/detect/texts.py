"""Command lines and paths of which not every part is known, in one form for the patterns of detectors."""

from __future__ import annotations

import re
from typing import Final

from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.values import Value

HOLE: Final = "\0"
"""Stands for a part of a text that is not known; no text that is written in a source holds it."""

_MAX_PARTS: Final = 64
_MAX_TEXT: Final = 20_000
_MAX_NUMBER: Final = 10**18

_VARIABLE: Final = regex(r"os\.environb?\[(\w[\w()]*)\]")
_FIXED: Final = {
    "sys.executable": "python",
    "tempfile.gettempdir()": "/tmp",
    "tempfile.mkdtemp()": f"/tmp/{HOLE}",
    "__file__": "__file__",
    "builtins.__file__": "__file__",
    "sys.argv[0]": "__file__",
}
"""What values of these names are, as far as a pattern cares."""


def text_of(value: Value, /) -> str:
    """Return what is known of a text, with `HOLE` for each part that is not, and variables as `%NAME%`."""
    return re.sub(f"{HOLE}+", HOLE, "".join(map(_piece, (value.pieces or (value,))[:_MAX_PARTS])))[:_MAX_TEXT]


def _piece(value: Value) -> str:
    const = value.const
    if isinstance(const, str):
        return const
    if isinstance(const, bytes):
        return const.decode("utf-8", "replace")
    if isinstance(const, int) and not isinstance(const, bool) and abs(const) < _MAX_NUMBER:
        return str(const)
    if match := _VARIABLE.fullmatch(value.name):
        return f"%{match[1]}%"
    return _FIXED.get(value.name, HOLE)


def argument_text(site: CallSite, index: int, keyword: str = "", /) -> str:
    """Return what is known of an argument as text."""
    return text_of(site.argument(index, keyword))


def list_texts(value: Value, /) -> tuple[str, ...]:
    """Return what is known of each element of a list of words, such as an argument vector."""
    if isinstance(value.const, list | tuple):
        return tuple(text_of(Value(const=item)) for item in value.const[:_MAX_PARTS])
    return tuple(map(text_of, (value.items or [])[:_MAX_PARTS]))


def is_itself(value: Value, /) -> bool:
    """Whether a value is the path of the program that runs."""
    return text_of(value) == "__file__"


def shown(text: str, /) -> str:
    """Return a text for people: its unknown parts as `?`."""
    return " ".join(text.replace(HOLE, "?").split())
