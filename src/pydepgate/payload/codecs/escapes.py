"""Text in which characters are escaped one by one: backslashes, percent signs, quoted-printable."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable

from pydepgate.payload.codecs.codec import Codec, CodecError, sample, within
from pydepgate.regex import regex

_BACKSLASH = regex(rb"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U000?[0-9a-fA-F]{5}|[0-3][0-7]{2})")
_ANY_BACKSLASH = regex(rb"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3]?[0-7]{1,2}|[abfnrtv\\'\"\n])")
_PERCENT = regex(rb"%[0-9a-fA-F]{2}")
_QUOTED = regex(rb"=(?:[0-9A-F]{2}|[ \t]*\r?\n)")
_CUT_ESCAPE = regex(rb"=[0-9A-F]?\Z")
_QUOTED_EQUALS = regex(rb"=(?:3D|[ \t]*\r?\n)")
_SIMPLE = {
    b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v",
    b"\\": b"\\", b"'": b"'", b'"': b'"', b"\n": b"",
}  # fmt: skip


def _by_share(text: bytes, escape: re.Pattern[bytes]) -> float:
    """Sureness by the share of `text` that its escapes make up, and by how many they are."""
    sizes = [len(found) for found in escape.findall(text)]
    share = sum(sizes) / len(text)
    if len(sizes) < 4 or share < 0.04:
        return 0.0
    if share >= 0.75:
        return 0.93
    return 0.6 if share >= 0.25 else 0.3


def escape_handles(data: bytes, /) -> float:
    r"""How sure it is that `data` is text that holds `\x`, `\u`, `\U` or octal escapes."""
    return _by_share(sample(data), _BACKSLASH) if b"\\" in data else 0.0


def escape_decode(data: bytes, limit: int, /) -> bytes:
    r"""Undo backslash escapes. `\x` and octal ones give bytes, unless a `\u` shows that they stand for characters."""
    if b"\\" not in data:
        raise CodecError("no escapes")
    wide = re.search(rb"\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}", data) is not None

    def character(match: re.Match[bytes]) -> bytes:
        escape = match[1]
        if escape in _SIMPLE:
            return _SIMPLE[escape]
        number = int(escape[1:], 16) if escape[:1] in b"xuU" else int(escape, 8)
        if not wide and number < 256:
            return bytes((number,))
        return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else match[0]

    out = _replaced(_ANY_BACKSLASH, character, data, limit)
    if wide:
        # A pair of surrogate escapes, as JSON and JavaScript write them, is one character.
        text = out.decode("utf-8", "surrogatepass") if _decodes(out) else ""
        if any("\ud800" <= character <= "\udfff" for character in text):
            out = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")
    return within(out, limit)


def _replaced(escape: re.Pattern[bytes], by: Callable[[re.Match[bytes]], bytes], data: bytes, limit: int) -> bytes:
    """Do as `re.sub`, which would take a hundred bytes of memory for each escape, and not beyond the limit."""
    out = bytearray()
    end = 0
    for match in escape.finditer(data):
        out += data[end : match.start()]
        out += by(match)
        end = match.end()
        if len(out) > limit:
            break
    else:
        out += data[end:]
    return within(bytes(out), limit)


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def percent_handles(data: bytes, /) -> float:
    """How sure it is that `data` is percent-encoded (RFC 3986)."""
    return _by_share(sample(data), _PERCENT) if b"%" in data else 0.0


def percent_decode(data: bytes, limit: int, /) -> bytes:
    """Undo percent-encoding (RFC 3986); a `%` that stands alone stays."""
    if not _PERCENT.search(data):
        raise CodecError("no percent escapes")
    return _replaced(_PERCENT, lambda match: bytes.fromhex(match[0][1:].decode("ascii")), data, limit)


def quoted_printable_handles(data: bytes, /) -> float:
    """How sure it is that `data` is quoted-printable (RFC 2045): every `=` starts an escape or ends a line."""
    if b"=" not in data or not data.isascii():
        return 0.0
    head = _CUT_ESCAPE.sub(b"", data[:4096])
    equals = head.count(b"=")
    escapes = _QUOTED.findall(head)
    if not escapes or len(escapes) != equals:
        return 0.0
    if equals * 3 >= len(head) * 0.75 and equals > 3:
        return 0.95
    if equals >= 3 and _QUOTED_EQUALS.search(head):
        return 0.9
    return 0.5 if equals >= 3 or _QUOTED_EQUALS.search(head) else 0.3


def quoted_printable_decode(data: bytes, limit: int, /) -> bytes:
    """Undo quoted-printable (RFC 2045)."""
    if not _QUOTED.search(data):
        raise CodecError("not quoted-printable")
    return within(binascii.a2b_qp(data), limit)


ESCAPE = Codec("escape", escape_handles, escape_decode)
PERCENT = Codec("percent", percent_handles, percent_decode)
QUOTED_PRINTABLE = Codec("quoted-printable", quoted_printable_handles, quoted_printable_decode)
