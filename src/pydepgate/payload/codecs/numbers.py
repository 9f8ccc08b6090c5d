"""Lists of numbers written out as text: `[105, 109]`, `0x69 0x6d`, `01101001 01101101`, `151/155`."""

from __future__ import annotations

import re

from pydepgate.payload.codecs.codec import Codec, CodecError, CodecLimit, printable

FEWEST = 6
"""Numbers below which a list is nothing."""

MAX_DIGITS = 10
"""Digits of a number that may stand for a character, its prefix aside; binary ones have up to 21."""

_HEAD = 512
_LISTED = b"0123456789abcdefABCDEFxXoO,;:|/-. \t\r\n\\[](){}'\"u"
_NUMBER = re.compile(rb"0[xX][0-9a-fA-F]{1,6}|0[oO][0-7]{1,7}|0[bB][01]{1,21}|[0-9]+")
_BITS = re.compile(rb"[01]{7,8}")
_BETWEEN = re.compile(rb"[\s,;:|/.'\"\\\[\](){}-]*")
_OPENERS = b" \t\r\n[({'\""


def numbers_handles(data: bytes, /) -> float:
    """How sure it is that `data` is a list of small numbers."""
    head = data[:_HEAD].lstrip(_OPENERS)
    if len(data) < 2 * FEWEST or not head[:1].isdigit() or head.translate(None, _LISTED):
        return 0.0
    if _is_bits(data):
        return 0.9
    if len(data) > _HEAD:
        head = head[: max(map(head.rfind, (b",", b" ", b"\n", b";", b"|", b"/", b":", b"-", b".")))]
    tokens = _NUMBER.findall(head)
    if len(tokens) < FEWEST or _BETWEEN.fullmatch(_NUMBER.sub(b"", head)) is None:
        return 0.0
    values = _values(tokens)
    if values is None:
        return 0.0
    return 0.9 if max(values) > 31 else 0.4


def _is_bits(data: bytes) -> bool:
    """Whether `data` is one run of binary digits, eight to a byte."""
    return len(data) >= 64 and len(data) % 8 == 0 and not data[:_HEAD].translate(None, b"01")


def numbers_decode(data: bytes, limit: int, /) -> bytes:
    """Turn a list of numbers into bytes, or into UTF-8 where one is over 255.

    Numbers with a prefix are in its base; groups of seven or eight binary digits are binary; the rest is decimal, or
    octal where only that gives text.
    """
    if _is_bits(data) and not data.translate(None, b"01"):
        size = len(data) // 8
        if size > limit:
            head = int(data[: limit * 8] or b"0", 2).to_bytes(limit, "big")
            raise CodecLimit("the output exceeds the limit", partial=head)
        return int(data, 2).to_bytes(size, "big")
    if data.translate(None, _LISTED + b"bB") or _BETWEEN.fullmatch(_NUMBER.sub(b"", data)) is None:
        raise CodecError("not a list of numbers")
    tokens = _NUMBER.findall(data)
    values = _values(tokens)
    if values is None or not values:
        raise CodecError("not a list of small numbers")
    out = _to_bytes(values)
    if not printable(out) and not b"".join(tokens).translate(None, b"01234567"):
        octal = _to_bytes([int(token, 8) for token in tokens])
        out = octal if len(octal) >= 2 * FEWEST and printable(octal) else out
    if len(out) > limit:
        raise CodecLimit("the output exceeds the limit", partial=out[:limit])
    return out


def _values(tokens: list[bytes]) -> list[int] | None:
    """The numbers, or None if one cannot be a character."""
    if all(map(_BITS.fullmatch, tokens)):
        return [int(token, 2) for token in tokens]
    if any(len(token) > MAX_DIGITS and token[1:2] not in b"bB" for token in tokens):
        return None
    values = [int(token, 0 if token[1:2].isalpha() else 10) for token in tokens]
    return values if max(values, default=0) <= 0x10FFFF else None


def _to_bytes(values: list[int]) -> bytes:
    if max(values) < 256:
        return bytes(values)
    return "".join(map(chr, values)).encode("utf-8", "surrogatepass")


INT_LIST = Codec("int-list", numbers_handles, numbers_decode)
