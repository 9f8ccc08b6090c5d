"""A line that the parser stumbles over, mended where that can be done within the line, and else made harmless."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from pydepgate.quiet import PARSER_ERRORS, parse_quietly
from pydepgate.regex import regex
from pydepgate.source.python2 import without_strings

HYPHEN: Final = "ǀ"
"""Stands for a hyphen in the name of an imported module, where the file system has one and Python takes none."""

MAX_LINE: Final = 200_000
"""Characters of a line that more than one way to mend it is tried for."""

_IMPORT: Final = regex(r"[ \t]*(?:from[ \t]+[\w.]*[\w.-]+[ \t]+import\b|import[ \t]+[\w.]+-[\w.-]+).*")
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_MAX_CUTS: Final = 3


def mended_line(line: str, /) -> str:
    """Return what stands for a line that cannot be parsed, so that what is indented below it still has an owner.

    Columns stay as they are where something of the line is kept, but for newlines that were escaped by mistake.
    """
    bare = line.strip()
    if bare == "pass":
        return ""
    indent = indent_of(line)
    if bare.endswith(":"):
        return indent + ("if 1:" if bare != "if 1:" else "pass")
    if len(line) <= MAX_LINE:
        for candidate in _candidates(line[len(indent) :]):
            if candidate.strip() not in ("", bare) and _parses(candidate):
                return indent + candidate
    return indent + "pass"


def indent_of(line: str, /) -> str:
    """Return the blanks that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def _candidates(line: str) -> Iterator[str]:
    if _IMPORT.fullmatch(line):
        head, word, tail = line.partition(" import ")
        yield (head.replace("-", HYPHEN) + word + tail) if word else head.replace("-", HYPHEN)
    bare = without_strings(line)
    statements = [part for part in _parts(line, bare) if _parses(part)]
    if statements:
        yield ";".join(statements)
    yield from _closed(line, bare)


def _parts(line: str, bare: str) -> Iterator[str]:
    """Yield what semicolons divide."""
    if bare.count(";") > _MAX_PARTS:
        return
    start = 0
    for match in re.finditer(";|$", bare):
        yield line[start : match.start()].strip()
        start = match.end()


_MAX_PARTS: Final = 400


def _closed(line: str, bare: str) -> Iterator[str]:
    """Yield a line whose brackets were never closed, cut at its last commas and closed."""
    end = len(bare)
    for _ in range(_MAX_CUTS):
        open_brackets = _unclosed(bare[:end])
        if not open_brackets:
            return
        yield line[:end] + "".join(_CLOSING[bracket] for bracket in reversed(open_brackets))
        end = bare.rfind(",", 0, end)
        if end <= 0:
            return


def _unclosed(bare: str) -> list[str]:
    found: list[str] = []
    for bracket in re.findall(r"[()\[\]{}]", bare):
        if bracket in _CLOSING:
            found.append(bracket)
        elif found and _CLOSING[found[-1]] == bracket:
            found.pop()
        else:
            return []
    return found


def _parses(text: str) -> bool:
    try:
        return bool(parse_quietly(text).body)
    except PARSER_ERRORS:
        return False


def with_hyphens(tree: ast.Module, /) -> ast.Module:
    """Give the imported modules of a tree the hyphens back that their names have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and HYPHEN in node.module:
            node.module = node.module.replace(HYPHEN, "-")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                alias.name = alias.name.replace(HYPHEN, "-")
    return tree


_CONTINUING: Final = {
    "else": ("if", "elif", "for", "while", "try", "except"),
    "elif": ("if", "elif"),
    "except": ("try", "except"),
    "finally": ("try", "except", "else"),
}
"""Clauses, and those that they may follow."""


def indented_anew(text: str, /) -> str:
    """Return a text whose blocks are told by their colons, and only then by how far their lines are indented."""
    lines: list[str] = []
    # the blocks around a line: how far its lines are indented in the text, and the clause that opened it
    blocks: list[tuple[int, str]] = [(0, "")]
    opened, inside, quote = "", 0, ""
    for line in text.split("\n"):
        bare = "" if quote else without_strings(line)
        goes_on = bool(quote) or inside > 0
        quote = _quote_after(line, bare, quote)
        inside = max(0, inside + len(re.findall(r"[(\[{]", bare)) - len(re.findall(r"[)\]}]", bare)))
        if goes_on or not bare.strip():
            lines.append(line)
            continue
        width = len(indent_of(line).expandtabs(8))
        word = re.match(r"\w*", bare.strip())
        clause = word[0] if word is not None else ""
        if opened:
            blocks.append((width if width > blocks[-1][0] else blocks[-1][0] + 1, opened))
        elif clause in _CONTINUING:
            at = next((at for at in range(len(blocks) - 1, 0, -1) if blocks[at][1] in _CONTINUING[clause]), len(blocks))
            del blocks[at:]
        else:
            while len(blocks) > 1 and width <= blocks[-2][0]:
                blocks.pop()
        opened = clause if bare.rstrip().endswith(":") else ""
        lines.append(" " * (len(blocks) - 1) + line.lstrip(" \t"))
    return "\n".join(lines)


def _quote_after(line: str, bare: str, quote: str) -> str:
    """Return the triple quote that is open after a line."""
    if quote:
        return "" if quote in line else quote
    return next((mark for mark in ('"""', "'''") if mark in bare), "")
