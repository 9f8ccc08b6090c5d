"""uuencode, with or without its `begin` and `end` lines (POSIX.1, `uuencode`)."""

from __future__ import annotations

import binascii

from pydepgate.payload.codecs.codec import Codec, CodecError, CodecLimit
from pydepgate.regex import regex

_BEGIN = regex(rb"\s*begin [0-7]{3,4} [^\r\n]+\r?\n")
_FULL_LINE = regex(rb"M[ -`]{60}\r?\n")
_LAST_LINE = regex(rb"[!-M][ -`]{4,60}\s*")


def uu_handles(data: bytes, /) -> float:
    """How sure it is that `data` is uuencoded: its `begin` line, or lines that start with their length."""
    if _BEGIN.match(data):
        return 0.97
    if _FULL_LINE.match(data):
        return 0.93
    return 0.4 if len(data) <= 64 and _LAST_LINE.fullmatch(data) and _fits(data.strip(b"\r\n")) else 0.0


def _fits(line: bytes) -> bool:
    """Whether a line is as long as its first character says; white space at its end may be lost."""
    size = (line[0] - 32) & 63
    return len(line.rstrip()) <= 1 + (size + 2) // 3 * 4 <= len(line) + 3


def uu_decode(data: bytes, limit: int, /) -> bytes:
    """Decode uuencoded lines up to an `end` line, a line of length 0 or the end."""
    begin = _BEGIN.match(data)
    out = bytearray()
    for line in data[begin.end() if begin else 0 :].splitlines():
        if line.strip() == b"end" or (line[:1] in (b"`", b" ") and not line.strip(b"` ")):
            break
        if not line or not _fits(line):
            raise CodecError("not uuencoded")
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error as error:
            raise CodecError(f"not uuencoded: {error}") from None
        if len(out) > limit:
            raise CodecLimit("the output exceeds the limit", partial=bytes(out[:limit]))
    if not out:
        raise CodecError("nothing uuencoded")
    return bytes(out)


UUENCODE = Codec("uuencode", uu_handles, uu_decode)
