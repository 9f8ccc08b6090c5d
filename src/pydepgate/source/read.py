"""From the bytes of a Python file to its text and syntax tree (PEP 263, PEP 3120)."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass

from pydepgate.limits import MAX_SOURCE_BYTES
from pydepgate.quiet import PARSER_ERRORS, parse_quietly
from pydepgate.source.fstrings import with_other_quotes
from pydepgate.source.recover import recover


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file as text and tree.

    `text` has `\\n` line ends only, so that its lines are those that the tree counts. `tree` is None where nothing
    could be parsed; `error` says, in one sentence, what is wrong with a file that is not clean Python, else empty:
    its tree is then of the parts that could be parsed.
    """

    text: str
    tree: ast.Module | None
    error: str = ""


def read_source(data: bytes, /) -> Source:
    """Decode and parse a Python file; never raises."""
    text, problem = decode_source(data)
    if len(data) > MAX_SOURCE_BYTES:
        return Source(text, None, f"too large to parse ({len(data):,} bytes); searched as text")
    try:
        return Source(text, parse_quietly(text), problem)
    except PARSER_ERRORS:
        pass
    try:
        # what newer versions of Python parse has to give the same answer here
        return Source(text, parse_quietly(with_other_quotes(text)), problem)
    except PARSER_ERRORS:
        # the parser's own words differ between versions of Python, and reports must not
        tree = recover(text)
    found = "the parts that are were analysed" if tree is not None else "it was searched as text"
    return Source(text, tree, f"not valid Python as a whole; {found}")


def decode_source(data: bytes, /) -> tuple[str, str]:
    """Return the text of a Python file, with `\\n` line ends, and what is wrong with its encoding, if anything."""
    problem = ""
    # newer versions refuse a NUL right here; whether one stands in the source is the parser's concern
    head = b"\n".join(data.split(b"\n", 2)[:2]).replace(b"\0", b" ")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(head).readline)
    except (SyntaxError, LookupError, UnicodeDecodeError):
        encoding = "utf-8"
        problem = "declares an encoding that Python does not know, or contradicts its byte order mark"
    try:
        text = data.decode(encoding)
    except (UnicodeError, LookupError, ValueError):
        text = data.decode("utf-8", "replace")
        problem = problem or f"is not valid {encoding}"
    if not isinstance(text, str):
        text, problem = data.decode("utf-8", "replace"), "declares an encoding that is not one of text"
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"), problem


def character_column(line: str, byte_offset: int, /) -> int:
    """Return the 1-based column, in characters, of a UTF-8 byte offset in a line (as `ast` gives it)."""
    if line.isascii():
        return byte_offset + 1
    return len(line.encode("utf-8", "surrogatepass")[:byte_offset].decode("utf-8", "replace")) + 1
