"""Commands that fetch a file: which path they write it to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pydepgate.regex import regex

_TOOLS: Final = frozenset(
    """curl wget aria2c certutil bitsadmin iwr irm invoke-webrequest invoke-restmethod start-bitstransfer
    fetch""".split()
)
_TARGET: Final = frozenset(("-o", "--output", "--output-document", "-outfile", "-destination", "--out", "-d"))
_TARGET_IS: Final = ("--output=", "--output-document=", "--out=")
_ADDRESS: Final = regex(r"(?:https?|ftp):/")
_FIXED: Final = regex(r"(?:https?|ftp):/(?:[\w-]+\.)+\w+")
_DOWNLOAD_FILE: Final = regex(r"downloadfile\(\s*([^,()]{1,1000}?)\s*,\s*([^,()]{1,1000}?)\s*\)")
_WGET: Final = regex(r"\bwget(?:\.exe)?\s")
_REMOTE_NAME: Final = regex(r"\bcurl\b.*\s(?:-\w*o|--remote-name)\s+(?=-|\w+:/)|\bcurl\b.*\s(?:-\w*o|--remote-name)$")
_END: Final = ";&|)"


def _names_tool(word: str) -> bool:
    return " " in word and not _TOOLS.isdisjoint(word.split())


def shell_downloads(words: Sequence[str], /) -> Iterator[tuple[str, bool]]:
    """Yield the paths that a command, given in words as `files.normal` makes them, downloads to, with whether the
    host is written in it."""
    text = " ".join(words)
    for match in _DOWNLOAD_FILE.finditer(text):
        yield match[2], bool(_FIXED.match(match[1]))
    words = [part for word in words for part in (word.split() if len(words) == 1 or _names_tool(word) else (word,))]
    if not any(word.rpartition("/")[2].removesuffix(".exe").lstrip("(&") in _TOOLS for word in words):
        return
    fixed = bool(_FIXED.search(text))
    found = False
    by_position = any(tool in text for tool in ("certutil", "bitsadmin"))
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        target = ""
        if (word in _TARGET or word in (">", ">>")) or (by_position and _ADDRESS.match(word)):
            target = following
        elif word.startswith(_TARGET_IS):
            target = word.partition("=")[2]
        target = target.rstrip(_END)
        if target and not _ADDRESS.match(target) and not target.startswith("-"):
            found = True
            yield target, fixed
    # without another name a file gets that of the address
    if not found and (_WGET.search(text) or _REMOTE_NAME.search(text)):
        for word in words:
            path = word.rstrip(_END).partition("?")[0]
            if _ADDRESS.match(path) and path.count("/") > 1 and not path.endswith("/"):
                yield path.rpartition("/")[2], fixed
