"""Formatted strings as Python 3.12 reads them (PEP 701), for parsers before it: quotes that are used again inside."""

from __future__ import annotations

import re
from typing import Final

from pydepgate.regex import regex

_OPENING: Final = regex(r"#[^\n]*|(?<![\w.])([A-Za-z]{0,2})(\"\"\"|'''|\"|')")
_ENDS: Final = {
    quote: regex(rf"(?:[^\\{quote[0]}]|\\.|{quote[0]}(?!{quote[1:]}))*?{quote}", re.S) for quote in ('"""', "'''")
} | {quote: regex(rf"(?:[^\\\n{quote}]|\\.)*{quote}", re.S) for quote in ('"', "'")}
_BRACKETS: Final = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


class _NotUnderstood(Exception):
    """A string is not one that other quotes would help."""


def with_other_quotes(text: str, /) -> str:
    """Return a source in which strings inside the fields of formatted strings have other quotes than these.

    Nothing moves. What is not understood, or needs a third kind of quote, is left as it is.
    """
    pieces = list(text)
    position = 0
    while (match := _OPENING.search(text, position)) is not None:
        position = match.end()
        if match[2] is None:
            continue
        try:
            position = _string(text, position, match[1], match[2], pieces)
        except _NotUnderstood:
            continue
    return "".join(pieces)


def _string(text: str, start: int, prefix: str, quote: str, pieces: list[str]) -> int:
    """Return where a string ends whose content begins at `start`."""
    if not {"f", "F"} & set(prefix):
        end = _ENDS[quote].match(text, start)
        if end is None:
            raise _NotUnderstood
        return end.end()
    position = start
    while position < len(text):
        char = text[position]
        if text.startswith(quote, position):
            return position + len(quote)
        if char == "\\" or text.startswith(("{{", "}}"), position):
            position += 2
        elif char == "{":
            position = _field(text, position + 1, quote, pieces)
        elif char == "\n" and len(quote) == 1:
            raise _NotUnderstood
        else:
            position += 1
    raise _NotUnderstood


def _field(text: str, start: int, quote: str, pieces: list[str]) -> int:
    """Return where a field ends whose expression begins at `start`, and change the quotes in it."""
    depth = 1
    position = start
    while position < len(text):
        char = text[position]
        if char in "\"'":
            position = _inner(text, position, quote, pieces)
            continue
        depth += _BRACKETS.get(char, 0)
        position += 1
        if not depth:
            return position
    raise _NotUnderstood


def _inner(text: str, start: int, quote: str, pieces: list[str]) -> int:
    """Return where a string ends that stands in a field, and give it quotes that the formatted string has not."""
    char = text[start]
    own = char * 3 if text.startswith(char * 3, start) else char
    before = text[max(start - 2, 0) : start]
    prefix = before[len(before.rstrip("fFrRbBuU")) :]
    end = _string(text, start + len(own), prefix, own, pieces)
    if own == quote:
        other = "'" if char == '"' else '"'
        if other in text[start + len(own) : end - len(own)]:
            raise _NotUnderstood
        pieces[start : start + len(own)] = pieces[end - len(own) : end] = other * len(own)
    return end
