"""How much code a file holds: a cheap measure that needs no evaluation."""

from __future__ import annotations

import re
from typing import Final

from pydepgate.regex import regex

_LINE_OF_CODE: Final = regex(rb"^[ \t]*[^\s#]", re.M)
_MAX_COUNTED: Final = 16 * 1024
"""Bytes up to which lines are told apart; of a larger file every line counts."""


def code_lines(data: bytes, /) -> int:
    """Return how many lines of a Python file are neither empty nor a comment."""
    return len(_LINE_OF_CODE.findall(data)) if len(data) <= _MAX_COUNTED else data.count(b"\n") + 1
