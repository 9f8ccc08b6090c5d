"""A tree of what can be parsed in a file that, as a whole, cannot: Python 2, stray lines, cut files."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Final

from pydepgate.quiet import PARSER_ERRORS, parse_quietly

_Replacement = str | Callable[[re.Match[str]], str]


def _print_call(match: re.Match[str]) -> str:
    return f"{match[1]}print({match[2].rstrip().removesuffix(',')})"


def _exec_call(match: re.Match[str]) -> str:
    code, _, names = match[2].rpartition(" in ")
    return f"{match[1]}exec({code if code and _NAMES.fullmatch(names) else match[2]})"


_NAMES: Final = re.compile(r"[\w, .()]+")
_PYTHON_2: Final[tuple[tuple[re.Pattern[str], _Replacement], ...]] = (
    (re.compile(r"^([ \t]*)print[ \t]+(?!=|\()(?:>>[^,\n]+,)?(.*)$", re.M), _print_call),
    (re.compile(r"^([ \t]*)exec[ \t]+(?![=(])(.*)$", re.M), _exec_call),
    (re.compile(r"^([ \t]*except[ \t]+(?:[\w.]+|\([^()\n]*\)))[ \t]*,[ \t]*(\w+)[ \t]*:", re.M), r"\1 as \2:"),
    (re.compile(r"^([ \t]*raise[ \t]+[\w.]+)[ \t]*,[ \t]*([^\n,]+)$", re.M), r"\1(\2)"),
    (re.compile(r"\b(0[xX][0-9a-fA-F]+|\d+)[lL]\b"), r"\1"),
    (re.compile(r"\bur(?=['\"])"), "r"),
    (re.compile(r"(?<=\w )<>(?= ?\w)"), "!="),
)
"""Statements of Python 2 in the shape of Python 3; each stays on its line."""

_MAX_REPAIRS: Final = 40
_MAX_BLOCK_REPAIRS: Final = 8
"""Lines that are mended, one after another, in a file and then in each of its blocks."""
_MAX_PARSED: Final = 4_000_000
"""Characters that are parsed over and over for the sake of repairs."""


def recover(text: str, /) -> ast.Module | None:
    """Return a tree of the parts that can be parsed, with their lines as they were; None if there are none."""
    text = text.replace("\0", " ").replace("\f", " ")
    for pattern, replacement in _PYTHON_2:
        text = pattern.sub(replacement, text)
    most = _MAX_PARSED // (len(text) + 1) + 2
    return _mended(text, min(most, _MAX_REPAIRS)) or _by_blocks(text, min(most, _MAX_BLOCK_REPAIRS))


def _mended(text: str, repairs: int) -> ast.Module | None:
    """Parse a text, mending at most so many lines that the parser stumbles over."""
    lines = text.split("\n")
    for _ in range(repairs):
        try:
            return parse_quietly("\n".join(lines))
        except TabError:
            even = [_indent(line).expandtabs(8) + line.lstrip(" \t") for line in lines]
            if even == lines:
                return None
            lines = even
        except SyntaxError as error:
            bad = (error.lineno or 0) - 1
            if not 0 <= bad < len(lines) or not lines[bad].strip():
                return None
            if not (isinstance(error, IndentationError) and _indented_anew(lines, bad)):
                lines[bad] = _harmless(lines[bad])
        except PARSER_ERRORS:
            return None
    return None


def _harmless(line: str) -> str:
    """Return what a line is replaced with: what is indented below it must still have something to stand under."""
    if line.strip() == "pass":
        return ""
    return _indent(line) + ("if 1:" if line.rstrip().endswith(":") and line.strip() != "if 1:" else "pass")


def _indented_anew(lines: list[str], bad: int) -> bool:
    """Give a line the indentation that the one before it calls for; return whether that changed anything."""
    above = next((number for number in range(bad - 1, -1, -1) if lines[number].strip()), None)
    if above is None:
        return False
    opens = lines[above].rstrip().endswith(":")
    if opens and len(_indent(lines[bad])) <= len(_indent(lines[above])):
        lines[above] += " pass"
        return True
    anew = _indent(lines[above]) + lines[bad].lstrip(" \t")
    changed = not opens and anew != lines[bad]
    if changed:
        lines[bad] = anew
    return changed


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _by_blocks(text: str, repairs: int) -> ast.Module | None:
    """Parse each block that begins at the left margin by itself."""
    body: list[ast.stmt] = []
    block: list[str] = []
    start = 0
    for number, line in enumerate([*text.split("\n"), "end"]):
        if block and line and not line[0].isspace() and not line.startswith(_CONTINUES):
            tree = _mended("\n".join(block), repairs)
            if tree is not None:
                ast.increment_lineno(tree, start)
                body += tree.body
            block = []
        if not block:
            start = number
        block.append(line)
    return ast.Module(body=body, type_ignores=[]) if body else None


_CONTINUES: Final = ("else", "elif", "except", "finally", ")", "]", "}", "#")
