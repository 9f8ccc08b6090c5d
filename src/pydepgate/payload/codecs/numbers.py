"""Lists of numbers written out as text: `[105, 109]`, `0x69 0x6d`, `01101001 01101101`, `151/155`."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import islice

from pydepgate.payload.codecs.codec import Codec, CodecError, CodecLimit, printable, within
from pydepgate.regex import regex

FEWEST = 6
"""Numbers below which a list is nothing."""

MAX_DIGITS = 10
"""Digits of a number that may stand for a character, its prefix aside; binary ones have up to 21."""

_HEAD = 512
_LISTED = b"0123456789abcdefABCDEFxXoO,;:|/-. \t\r\n\\[](){}'\"u"
_DIGITS = rb"0[xX][0-9a-fA-F]{1,6}+|0[oO][0-7]{1,7}+|0[bB][01]{1,21}+|[0-9]++"
_NUMBER = regex(_DIGITS)
_LIST = regex(rb"(?:[\s,;:|/.'\"\\\[\](){}-]++|" + _DIGITS + rb")*+")
_BITS = regex(rb"[01]{7,8}")
_NO_OCTAL = regex(rb"[89A-Za-z]")
_TOO_LARGE = 0x110000
"""No character has this number, nor a larger one."""

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
    if len(tokens) < FEWEST or not _LIST.fullmatch(head):
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
    if not _LIST.fullmatch(data):
        raise CodecError("not a list of numbers")
    # each number gives a byte at least
    values = _values(match[0] for match in islice(_NUMBER.finditer(data), limit + 1))
    if not values:
        raise CodecError("not a list of small numbers")
    out = _to_bytes(values)
    if not printable(out) and not _NO_OCTAL.search(data):
        octal = _to_bytes(array("I", (int(match[0], 8) for match in islice(_NUMBER.finditer(data), limit + 1))))
        out = octal if len(octal) >= 2 * FEWEST and printable(octal) else out
    return within(out, limit)


def _values(tokens: Iterable[bytes]) -> array[int] | None:
    """The numbers, or None if one cannot be a character. They take four bytes each: there may be millions."""
    values = array("I")
    bits: array[int] | None = array("I")
    for token in tokens:
        if bits is not None and not _BITS.fullmatch(token):
            bits = None
        if bits is not None:
            bits.append(int(token, 2))
        elif len(token) > MAX_DIGITS and token[1:2] not in b"bB":
            return None
        values.append(min(int(token, 0 if token[1:2].isalpha() else 10), _TOO_LARGE))
    if bits is not None:
        return bits
    return values if max(values) < _TOO_LARGE else None


def _to_bytes(values: array[int]) -> bytes:
    if max(values) < 256:
        return bytes(values.tolist())
    return "".join(map(chr, values)).encode("utf-8", "surrogatepass")


INT_LIST = Codec("int-list", numbers_handles, numbers_decode)
