"""The base-N family: base64, base85, Ascii85, base32 and hexadecimal (RFC 4648, RFC 1924, btoa)."""

from __future__ import annotations

import base64
import binascii
import re
from itertools import islice

from pydepgate.payload.codecs.codec import (
    SAMPLE,
    WHITESPACE,
    Codec,
    CodecError,
    CodecLimit,
    in_long_lines,
    sample,
    within,
)
from pydepgate.regex import regex

LONG_ENOUGH_TO_BREAK_OFF = 64
"""Characters of base64 from which on a text of an impossible length is taken for a piece of a longer one."""

LONG_ENOUGH_TO_SHOW = 128
"""Characters from which on an encoding shows all its classes of characters: what lacks one is in a smaller alphabet."""

_FEWEST_DIGITS = 4
_DIGITS = b"0123456789"
_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()
_BASE64 = _UPPER + _LOWER + _DIGITS + b"+/-_"
_BASE32 = _UPPER + b"234567"
_HEX = _DIGITS + b"abcdefABCDEF"
_HEX_SEPARATORS = WHITESPACE + b":-,;_|"
_BASE85 = _DIGITS + _UPPER + _LOWER + b"!#$%&()*+-;<=>?@^_`{|}~"
_ASCII85 = bytes(range(ord("!"), ord("u") + 1)) + b"z"
_ASCII85_GROUP = regex(rb"z|[^z]{1,5}")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_HEX_TOKEN = regex(rb"(?:0[xX])?([0-9a-fA-F]+)")


def _classes(text: bytes) -> int:
    """How many of upper case, lower case and digits stand in `text`."""
    return sum(len(text.translate(None, kind)) < len(text) for kind in (_UPPER, _LOWER, _DIGITS))


def base64_handles(data: bytes, /) -> float:
    """How sure it is that `data` is base64, of either alphabet, wrapped or not."""
    if len(data) < 8:
        return 0.0
    body = sample(data).translate(None, WHITESPACE).rstrip(b"=")
    if not body or body.translate(None, _BASE64) or not in_long_lines(data):
        return 0.0
    urlsafe = b"-" in body or b"_" in body
    if urlsafe and (b"+" in body or b"/" in body):
        return 0.0
    classes = _classes(body)
    if len(body) >= LONG_ENOUGH_TO_SHOW and (classes < 2 or not body.translate(None, _HEX)):
        return 0.0
    if not body.translate(None, _HEX):
        return 0.3
    sure = (0.3, 0.3, 0.45, 0.7)[classes]
    if classes == 3 and len(body) >= 64:
        sure = 0.9
    if data.rstrip().endswith(b"=") and classes > 1:
        sure += 0.05
    return sure - 0.1 if urlsafe and len(body) < 200 else sure


def base64_decode(data: bytes, limit: int, /) -> bytes:
    """Decode standard or URL-safe base64; padding may be missing and white space stand anywhere."""
    body = data.translate(None, WHITESPACE).rstrip(b"=")
    if not body or body.translate(None, _BASE64):
        raise CodecError("not base64")
    if len(body) % 4 == 1:
        raise CodecError("base64 breaks off", partial=_whole_groups(body, limit))
    cut = len(body) * 3 // 4 > limit
    if cut:
        body = body[: (limit + 3) // 3 * 4]
    try:
        out = binascii.a2b_base64(body.translate(_STANDARD) + b"=" * (-len(body) % 4))
    except binascii.Error as error:
        raise CodecError(f"not base64: {error}") from None
    if cut:
        raise CodecLimit("the output exceeds the limit", partial=out[:limit])
    return out


def _whole_groups(body: bytes, limit: int) -> bytes:
    """Decode what stands before a last group of one character, which holds no byte."""
    if len(body) < LONG_ENOUGH_TO_BREAK_OFF:
        return b""
    groups = min(len(body) // 4, limit // 3)
    return binascii.a2b_base64(body[: 4 * groups].translate(_STANDARD))


def base32_handles(data: bytes, /) -> float:
    """How sure it is that `data` is base32; lower case is less sure."""
    if len(data) < 8:
        return 0.0
    body = sample(data).translate(None, WHITESPACE).rstrip(b"=")
    upper = body.upper()
    if not body or upper.translate(None, _BASE32) or not in_long_lines(data):
        return 0.0
    if body not in (upper, body.lower()):
        return 0.0
    sure = 0.55 if body == upper else 0.3
    if len(body) >= 32 and _classes(body) == 2:
        sure += 0.35
    return sure


def base32_decode(data: bytes, limit: int, /) -> bytes:
    """Decode base32 of either case; padding may be missing and white space stand anywhere."""
    body = data.translate(None, WHITESPACE).rstrip(b"=").upper()
    if not body or body.translate(None, _BASE32):
        raise CodecError("not base32")
    cut = len(body) * 5 // 8 > limit
    if cut:
        body = body[: (limit + 5) // 5 * 8]
    try:
        out = base64.b32decode(body + b"=" * (-len(body) % 8))
    except binascii.Error as error:
        raise CodecError(f"not base32: {error}") from None
    if cut:
        raise CodecLimit("the output exceeds the limit", partial=out[:limit])
    return out


def hex_handles(data: bytes, /) -> float:
    """How sure it is that `data` is hexadecimal, with or without `0x` and separators."""
    if len(data) < 8:
        return 0.0
    part = sample(data)
    if part.translate(None, _HEX + b"xX" + _HEX_SEPARATORS):
        return 0.0
    body = part.translate(None, b"xX" + _HEX_SEPARATORS)
    tokens = _HEX_TOKEN.findall(data[:512])
    if len(data) > 512:
        tokens = tokens[:-1] or tokens
    if any(len(token) % 2 for token in tokens if len(data) > len(token)):
        return 0.0
    if len(body) >= LONG_ENOUGH_TO_BREAK_OFF and len(set(body)) < _FEWEST_DIGITS:
        return 0.0
    letters = body.translate(None, _DIGITS)
    if not letters:
        return 0.5 if len(body) >= 32 else 0.3
    if letters not in (letters.lower(), letters.upper()):
        return 0.4
    return 0.92 if len(body) >= 16 else 0.6


def hex_decode(data: bytes, limit: int, /) -> bytes:
    """Decode hexadecimal; `0x` before a group, and white space or `: - , ; _ |` between groups, may stand."""
    body = data.translate(None, _HEX_SEPARATORS)
    if b"x" in body or b"X" in body:
        body = re.sub(rb"0[xX]", b"", body)
    if not body or len(body) % 2 or body.translate(None, _HEX):
        raise CodecError("not hexadecimal")
    out = binascii.unhexlify(body[: 2 * (limit + 1)])
    return within(out, limit)


def _base85_sure(body: bytes, data: bytes) -> float:
    if not in_long_lines(data, shortest=40):
        return 0.0
    symbols = len(set(body))
    if not body.translate(None, _BASE64):
        return 0.26 if len(body) < LONG_ENOUGH_TO_SHOW or symbols < 40 else 0.0
    if len(body) >= 2 * SAMPLE and symbols >= 75:
        return 0.88
    return 0.75 if len(body) >= 64 and symbols >= 40 and _classes(body) == 3 else 0.4


def base85_handles(data: bytes, /) -> float:
    """How sure it is that `data` is base85 in the alphabet of RFC 1924, as `base64.b85encode` writes."""
    if len(data) < 10:
        return 0.0
    body = sample(data).translate(None, WHITESPACE)
    return 0.0 if not body or body.translate(None, _BASE85) else _base85_sure(body, data)


def base85_decode(data: bytes, limit: int, /) -> bytes:
    """Decode base85 in the alphabet of RFC 1924; white space may stand anywhere."""
    body = data.translate(None, WHITESPACE)
    if not body or len(body) % 5 == 1 or body.translate(None, _BASE85):
        raise CodecError("not base85")
    cut = len(body) * 4 // 5 > limit
    if cut:
        body = body[: (limit + 4) // 4 * 5]
    try:
        out = base64.b85decode(body)
    except ValueError as error:
        raise CodecError(f"not base85: {error}") from None
    if cut:
        raise CodecLimit("the output exceeds the limit", partial=out[:limit])
    return out


def _ascii85_body(data: bytes) -> bytes:
    body = data.translate(None, WHITESPACE)
    return body[2:-2] if body.startswith(b"<~") and body.endswith(b"~>") else body


def ascii85_handles(data: bytes, /) -> float:
    """How sure it is that `data` is Ascii85; the `<~` and `~>` around it make it sure."""
    if len(data) < 10:
        return 0.0
    text = data[:16].lstrip() + data[16:-16] + data[-16:].rstrip() if len(data) <= 64 else data
    framed = text.lstrip(WHITESPACE).startswith(b"<~") and text.rstrip(WHITESPACE).endswith(b"~>")
    body = sample(data).translate(None, WHITESPACE)
    if framed:
        body = body[2:-2]
    if not body or body.translate(None, _ASCII85):
        return 0.0
    return 0.97 if framed else _base85_sure(body, data)


def ascii85_decode(data: bytes, limit: int, /) -> bytes:
    """Decode Ascii85 (`z` for four zero bytes), framed by `<~ ~>` or not."""
    body = _ascii85_body(data)
    if not body or body.translate(None, _ASCII85):
        raise CodecError("not Ascii85")
    zeros = body.count(b"z")
    cut = (len(body) - zeros) * 4 // 5 + 4 * zeros > limit
    if cut:
        groups = islice(_ASCII85_GROUP.finditer(body), limit // 4 + 1)
        body = b"".join(group[0] for group in groups)
    try:
        out = base64.a85decode(body)
    except ValueError as error:
        raise CodecError(f"not Ascii85: {error}") from None
    if cut:
        raise CodecLimit("the output exceeds the limit", partial=out[:limit])
    return out


HEX = Codec("hex", hex_handles, hex_decode)
BASE32 = Codec("base32", base32_handles, base32_decode)
BASE64 = Codec("base64", base64_handles, base64_decode)
ASCII85 = Codec("ascii85", ascii85_handles, ascii85_decode)
BASE85 = Codec("base85", base85_handles, base85_decode)
