"""Member names: made printable, with one form for a path, and what is wrong with them."""

from __future__ import annotations

import re

from pydepgate.regex import regex

# Control characters, lone surrogates, and the marks that are invisible or turn the writing direction.
_UNPRINTABLE = regex(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
MAX_PATH = 1024
"""Characters of a path; of a longer one the middle is left out."""

_DRIVE = regex(r"[A-Za-z]:")


def printable(text: str, /) -> str:
    """Return `text` with every character that cannot be shown safely as a backslash escape.

    A byte that was not UTF-8 (a surrogate of PEP 383) becomes `\\xNN`.
    """
    return text if _is_plain(text) else _UNPRINTABLE.sub(_escaped, text)


def _is_plain(text: str) -> bool:
    """Whether a text holds printable ASCII only, as nearly all do."""
    return text.isascii() and text.isprintable()


def brief(text: str, /, *, most: int = 200) -> str:
    """Return `text` printable, without its middle if it has more than `most` characters."""
    if len(text) > most:
        text = f"{text[: most // 2]}...{text[-most // 2 :]}"
    return printable(text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def member_path(raw: str, /, *, backslash_separates: bool = False) -> tuple[str, str]:
    """Return the path of a member in its one form, and what is wrong with the name (empty: nothing).

    The form has forward slashes, no `.` and no empty parts, and is printable. What leaves the
    folder that it is unpacked in (an absolute path, a drive, `..`) keeps its spelling.
    """
    problems = []
    text = raw
    if backslash_separates and "\\" in text:
        problems.append("has backslashes, which are separators on Windows only")
        text = text.replace("\\", "/")
    if not _is_plain(text) and _UNPRINTABLE.search(text):
        if any("\ud800" <= char <= "\udfff" for char in text):
            problems.append("is not UTF-8")
        else:
            problems.append("has control or invisible characters")
    if text.startswith("/") or _DRIVE.match(text):
        problems.append("is absolute")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        problems.append("leaves the folder it is unpacked in")
    if not parts:
        problems.append("is empty")
    path = ("/" if text.startswith("/") else "") + ("/".join(parts) or "(unnamed)")
    if len(path) > MAX_PATH:
        problems.append(f"is longer than {MAX_PATH} characters")
    return brief(path, most=MAX_PATH), " and ".join(problems)
