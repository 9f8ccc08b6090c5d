"""A tree of what can be parsed in a file that, as a whole, cannot: Python 2, stray lines, cut files."""

from __future__ import annotations

import ast
import re
from typing import Final

_PYTHON_2: Final = (
    (re.compile(r"^([ \t]*)print[ \t]+(?!=|\()(>>[^,\n]+,)?(.*?),?[ \t]*$", re.M), r"\1print(\3)"),
    (re.compile(r"^([ \t]*)exec[ \t]+(?!=)([^\n]*?)[ \t]+in[ \t]+[\w, .]+$", re.M), r"\1exec(\2)"),
    (re.compile(r"^([ \t]*)exec[ \t]+(?![=(])([^\n]*)$", re.M), r"\1exec(\2)"),
    (re.compile(r"^([ \t]*except[ \t]+[\w.()]+)[ \t]*,[ \t]*(\w+)[ \t]*:", re.M), r"\1 as \2:"),
    (re.compile(r"^([ \t]*raise[ \t]+[\w.]+)[ \t]*,[ \t]*([^\n,]+)$", re.M), r"\1(\2)"),
    (re.compile(r"\b(0[xX][0-9a-fA-F]+|\d+)[lL]\b"), r"\1"),
    (re.compile(r"\bur(?=['\"])"), "r"),
)
"""Statements of Python 2 in the shape of Python 3; each stays on its line."""

_MAX_REPAIRS: Final = 40
"""Lines that are blanked, one after another, before the file is cut into blocks instead."""

_ERRORS: Final = (SyntaxError, ValueError, RecursionError, MemoryError, SystemError)


def recover(text: str, /) -> ast.Module | None:
    """Return a tree of the parts that can be parsed, with their lines as they were; None if there are none."""
    text = text.replace("\0", " ").replace("\f", " ")
    for pattern, replacement in _PYTHON_2:
        text = pattern.sub(replacement, text)
    text = text.expandtabs(8) if re.search(r"^ +\t|^\t+ ", text, re.M) else text
    return _without_bad_lines(text) or _by_blocks(text)


def _without_bad_lines(text: str) -> ast.Module | None:
    lines = text.split("\n")
    for _ in range(_MAX_REPAIRS):
        try:
            return ast.parse("\n".join(lines))
        except SyntaxError as error:
            bad = (error.lineno or 0) - 1
            if not 0 <= bad < len(lines) or not lines[bad].strip():
                return None
            indent = lines[bad][: len(lines[bad]) - len(lines[bad].lstrip())]
            lines[bad] = f"{indent}pass" if lines[bad].strip() != "pass" else ""
        except _ERRORS:
            return None
    return None


def _by_blocks(text: str) -> ast.Module | None:
    """Parse each block that begins at the left margin by itself."""
    body: list[ast.stmt] = []
    block: list[str] = []
    start = 0
    lines = text.split("\n")
    for number, line in enumerate([*lines, "end"]):
        if (
            block
            and line
            and not line[0].isspace()
            and not line.startswith(("else", "elif", "except", "finally", ")", "]", "}", "#"))
        ):
            body += _block(block, start)
            block = []
        if not block:
            start = number
        block.append(line)
    return ast.Module(body=body, type_ignores=[]) if body else None


def _block(lines: list[str], start: int) -> list[ast.stmt]:
    tree = _without_bad_lines("\n".join(lines))
    if tree is None:
        return []
    ast.increment_lineno(tree, start)
    return tree.body
