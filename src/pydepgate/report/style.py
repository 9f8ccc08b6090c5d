"""Colour: when it is wanted, and which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

_SGR: Mapping[str, str] = {
    "block": "1;97;41",
    "review": "1;30;43",
    "pass": "1;32",
    "critical": "1;31",
    "high": "31",
    "medium": "33",
    "low": "36",
    "info": "34",
    "place": "36",
    "strong": "1",
    "faint": "2",
}
"""Select Graphic Rendition parameters (ECMA-48, 8.3.117) of each role."""


@dataclass(frozen=True, slots=True)
class Style:
    """How text is dressed."""

    colour: bool

    def paint(self, text: str, role: str, /) -> str:
        """Return `text` in the colour of `role`, or as it is where colour is off."""
        return f"\x1b[{_SGR[role]}m{text}\x1b[0m" if self.colour and text else text


def wants_colour(stream: TextIO, /, *, no_color: bool, environ: Mapping[str, str]) -> bool:
    """Say whether `stream` should get colour: a terminal that is not dumb, and nobody objects.

    `NO_COLOR` objects when it is set and not empty (https://no-color.org).
    """
    if no_color or environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return stream.isatty()
