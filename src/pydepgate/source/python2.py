"""Python 2 in the shape of Python 3: what only the old grammar knows, rewritten without leaving its line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from pydepgate.regex import regex

_Replacement = str | Callable[[re.Match[str]], str]


def _print_call(match: re.Match[str]) -> str:
    words = match[2].rstrip()
    if is_open(words):  # goes on in the next line, where the bracket could not be closed: a tuple does as well
        return f"{match[1]}print, {words}"
    return f"{match[1]}print({words.removesuffix(',')})"


def _exec_call(match: re.Match[str]) -> str:
    code, _, names = match[2].rpartition(" in ")
    return f"{match[1]}exec({code if code and _NAMES.fullmatch(names) else match[2]})"


def _raise_call(match: re.Match[str]) -> str:
    return match[0] if is_open(match[2]) else f"{match[1]}({match[2]})"


_NAMES: Final = regex(r"[\w, .()]+")
_STATEMENTS: Final[tuple[tuple[re.Pattern[str], _Replacement], ...]] = (
    (regex(r"^([ \t]*)print[ \t]+(?!=|\()(?:>>[^,\n]+,)?(.*)$", re.M), _print_call),
    (regex(r"^([ \t]*)exec[ \t]+(?![=(])(.*)$", re.M), _exec_call),
    (regex(r"^([ \t]*except[ \t]+(?:[\w.]+|\([^()\n]*\)))[ \t]*,[ \t]*(\w+)[ \t]*:", re.M), r"\1 as \2:"),
    (regex(r"^([ \t]*raise[ \t]+[\w.]+)[ \t]*,[ \t]*([^\n]+)$", re.M), _raise_call),
)

_STRING_OR_COMMENT: Final = (
    r"(?P<string>(?i:[rbu]{0,2})(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|\#[^\n]*)"
)
_STRING: Final = regex(_STRING_OR_COMMENT, re.S)
_TOKENS: Final = regex(
    _STRING_OR_COMMENT
    + r"""|(?<![\w.])0(?P<octal>[0-7]+)[lL]?(?![\w.])
    |(?<![\w.])(?P<long>0[xX][0-9a-fA-F]+|\d+)[lL]\b
    |`(?P<shown>[^`\n]+)`
    |(?P<unequal><>)
    |\blambda[ ]*\((?P<parameters>[\w, ]+)\)[ ]*:""",
    re.S | re.X,
)


def as_python_3(text: str, /) -> str:
    """Return a text with the statements and tokens of Python 2 rewritten; its lines stay where they are."""
    for pattern, replacement in _STATEMENTS:
        text = pattern.sub(replacement, text)
    return _TOKENS.sub(_token, text)


def _token(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "octal":
            return f"0o{match['octal']}"
        case "long":
            return match["long"]
        case "shown":
            return f"repr({match['shown']})"
        case "unequal":
            return "!="
        case "parameters":
            return f"lambda {match['parameters']}:"
        case _:
            return match[0][1:] if match[0][:2].lower() == "ur" else match[0]


def without_strings(line: str, /) -> str:
    """Return a line with its strings and comments blanked, so that brackets and separators can be counted."""
    return _STRING.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), line)


def is_open(line: str, /) -> bool:
    """Return whether a line leaves a bracket or a triple quote open, or goes on behind a backslash."""
    bare = without_strings(line)
    return len(re.findall(r"[(\[{]", bare)) > len(re.findall(r"[)\]}]", bare)) or "'''" in bare or bare.endswith("\\")
