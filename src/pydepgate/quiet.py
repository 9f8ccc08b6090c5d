"""Reading scanned code without the warnings that Python gives about it.

`warnings.catch_warnings` exchanges the filters of the whole process, so that threads which use it at the same time
leave the wrong ones behind. Here one filter is put in front of the others and stays: nothing but warnings about scanned
code matches it.
"""

from __future__ import annotations

import ast
import re
import sys
import threading
import warnings
from contextlib import AbstractContextManager, nullcontext

PARSER_ERRORS = (SyntaxError, ValueError, RecursionError, MemoryError, SystemError)
"""What the parser raises on input that it cannot take."""

# Before 3.12, two threads that make syntax trees at once count their nesting together, and a good file fails with
# "AST constructor recursion depth mismatch" (CPython issue 106905). They have a global lock anyway.
_ONE_AT_A_TIME: AbstractContextManager[object] = threading.Lock() if sys.version_info < (3, 12) else nullcontext()
_SCANNED = "<scanned>"
_SOURCES = rf"(?:{_SCANNED}|pickletools|pydepgate\..*)\Z"
_FILTER = ("ignore", None, Warning, re.compile(_SOURCES), 0)
_LOCK = threading.Lock()


def parse_quietly(text: str, /) -> ast.Module:
    """Return the tree of scanned code; raises any of `PARSER_ERRORS`."""
    ignore_warnings()
    with _ONE_AT_A_TIME:
        return ast.parse(text, _SCANNED)


def parse_expression_quietly(text: str, /) -> ast.expr:
    """Return the tree of one scanned expression; raises any of `PARSER_ERRORS`."""
    ignore_warnings()
    with _ONE_AT_A_TIME:
        return ast.parse(text, _SCANNED, "eval").body


def ignore_warnings() -> None:
    """See to it that warnings about scanned code, such as those on its escape sequences, go nowhere."""
    if not _is_first():
        with _LOCK:  # putting it in front takes it out for a moment if it is there already
            if not _is_first():
                warnings.filterwarnings("ignore", module=_SOURCES)


def _is_first() -> bool:
    return bool(warnings.filters) and warnings.filters[0] == _FILTER
