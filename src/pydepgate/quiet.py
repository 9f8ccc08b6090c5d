"""Reading scanned code without the warnings that Python gives about it.

`warnings.catch_warnings` exchanges the filters of the whole process, so that threads which use it at the same time
leave the wrong ones behind. Here one filter is put in front of the others and stays: nothing but warnings about scanned
code matches it.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

PARSER_ERRORS = (SyntaxError, ValueError, RecursionError, MemoryError, SystemError)
"""What the parser raises on input that it cannot take."""

_SCANNED = "<scanned>"
_SOURCES = rf"(?:{_SCANNED}|pickletools|pydepgate\..*)\Z"
_FILTER = ("ignore", None, Warning, re.compile(_SOURCES), 0)


def parse_quietly(text: str, /, *, mode: str = "exec") -> Any:
    """Return `ast.parse` of scanned code; raises any of `PARSER_ERRORS`."""
    ignore_warnings()
    return ast.parse(text, _SCANNED, mode)


def ignore_warnings() -> None:
    """See to it that warnings about scanned code, such as those on its escape sequences, go nowhere."""
    if not warnings.filters or warnings.filters[0] != _FILTER:
        warnings.filterwarnings("ignore", module=_SOURCES)
