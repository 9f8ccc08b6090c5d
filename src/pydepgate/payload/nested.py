"""The pieces of a content that may hide something of their own: members of archives, constants of serialised objects,
encoded runs in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydepgate.model import Literal
from pydepgate.payload.archives import members
from pydepgate.payload.budget import Budget
from pydepgate.payload.bytecode import BytecodeError, read_bytecode
from pydepgate.payload.classify import Kind
from pydepgate.payload.pickles import PickleError, read_pickle
from pydepgate.regex import regex

MAX_RUNS = 256
"""Encoded runs of one text that are tried."""

MAX_CONSTANTS = 4096
"""Constants of one serialised object that are tried."""

SHORTEST_CONSTANT = 12
"""Characters or bytes below which a constant is not tried."""

_RUN = regex(
    rb"""
      (?<![A-Za-z0-9+/_-])
      (?: [A-Za-z0-9+/]{32,}={0,2} | [A-Za-z0-9_-]{40,}={0,2} )
    | (?:\\x[0-9a-fA-F]{2}){16,}
    | (?<=<~)[!-uz\s]{16,}(?=~>)
    """,
    re.VERBOSE,
)
_MARKED = regex(
    rb"""
      (?: ;base64,
        | \s-(?:e|en|enc|encod\w*)\s+["']?
        | \becho\s+(?:-n\s+)?["']?
        | \b(?:b64decode|atob|FromBase64String)\(\s*b?["']
      )
      ([A-Za-z0-9+/_-]{12,}={0,2})
    """,
    re.VERBOSE | re.IGNORECASE,
)
ARCHIVES = frozenset(("zip", "tar"))
_PYTHON_COMMAND = regex(
    rb"""\bpython[\d.w]{0,6}(?:\.exe)?["']?\s{1,8}-c\s{1,8}(["'])(.{12,8000}?)\1""", re.DOTALL | re.IGNORECASE
)
_TEXTS = frozenset(
    ("text", "json", "xml", "html", "css", "svg", "shell-script", "powershell", "batch", "javascript", "python-source")
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a content; `member` is its path in an archive, `problem` why it is not whole, if it is not."""

    literal: Literal
    member: str = ""
    problem: str = ""


def pieces(content: bytes, kind: Kind, /, *, budget: Budget) -> Iterator[Piece]:
    """Yield what stands inside `content` and may be a payload by itself; spends from `budget` for what it unpacks."""
    if kind.name in ARCHIVES:
        for file in members(content, budget=budget):
            yield Piece(Literal(file.data, "raw", 0, 0, len(file.data)), file.path, file.problem)
    elif kind.name in ("python-bytecode", "marshal", "pickle"):
        yield from _constants(content, kind)
    elif kind.name in _TEXTS:
        yield from encoded_runs(content)


def _constants(content: bytes, kind: Kind) -> Iterator[Piece]:
    try:
        held = read_pickle(content) if kind.name == "pickle" else read_bytecode(content)
    except (PickleError, BytecodeError):
        return
    values: list[tuple[str | bytes, str]] = [(value, "str") for value in held.strings]
    values += [(value, "bytes") for value in held.blobs]
    for value, form in values[:MAX_CONSTANTS]:
        if len(value) >= SHORTEST_CONSTANT:
            yield Piece(Literal(value, form, 0, 0, len(value)))


def encoded_runs(content: bytes, /) -> Iterator[Piece]:
    """Yield the parts of a text that look encoded, or that a command beside them decodes."""
    spans = {match.span(1) for match in _MARKED.finditer(content)}
    starts = {start for start, _end in spans}
    spans |= {match.span(2) for match in _PYTHON_COMMAND.finditer(content)}
    spans |= {match.span() for match in _RUN.finditer(content) if match.start() not in starts}
    if spans == {(0, len(content))}:
        return
    for start, end in sorted(spans)[:MAX_RUNS]:
        line, column = _place(content, start)
        yield Piece(Literal(content[start:end], "raw", line, column, end - start))


def _place(content: bytes, offset: int) -> tuple[int, int]:
    """The line and column, both from 1, of a byte offset; columns count characters of UTF-8."""
    start = content.rfind(b"\n", 0, offset) + 1
    return content.count(b"\n", 0, offset) + 1, len(content[start:offset].decode("utf-8", "replace")) + 1
