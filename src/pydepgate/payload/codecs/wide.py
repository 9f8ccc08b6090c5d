"""UTF-16, the encoding of what PowerShell's `-EncodedCommand` takes."""

from __future__ import annotations

import codecs

from pydepgate.payload.codecs.codec import Codec, CodecError, CodecLimit, within

_HEAD = 128
_ZEROS = 0.8
_OTHER_ZEROS = 0.95
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _byte_order(data: bytes) -> str:
    """`le`, `be`, or nothing if `data` is not UTF-16 of mostly Latin letters and has no mark."""
    if data.startswith(codecs.BOM_UTF16_LE) and not data.startswith(codecs.BOM_UTF32_LE):
        return "le"
    if data.startswith(codecs.BOM_UTF16_BE):
        return "be"
    head = data[:_HEAD]
    if len(head) < 8:
        return ""
    even, odd = (units.count(0) / len(units) for units in (head[::2], head[1::2]))
    if max(even, odd) < _ZEROS or min(even, odd) > _OTHER_ZEROS:
        return ""
    return "le" if odd > even else "be"


def utf16_handles(data: bytes, /) -> float:
    """How sure it is that `data` is UTF-16: a byte order mark, or zeros in every other byte."""
    if len(data) < 4 or len(data) % 2:
        return 0.0
    return 0.95 if _byte_order(data) else 0.0


def utf16_decode(data: bytes, limit: int, /) -> bytes:
    """Turn UTF-16 into UTF-8; without a byte order mark the order is told by the zeros, little-endian first."""
    order = _byte_order(data) or "le"
    body = data[2:] if data.startswith(_MARKS) else data
    # One unit gives at least one byte.
    cut = len(body) > 2 * (limit + 2)
    try:
        text = body[: 2 * (limit + 2)].decode(f"utf-16-{order}", "ignore" if cut else "strict")
    except UnicodeDecodeError as error:
        raise CodecError(f"not UTF-16: {error.reason}") from None
    out = text.encode("utf-8")
    if cut:
        raise CodecLimit("the output exceeds the limit", partial=out[:limit])
    return within(out, limit)


UTF16 = Codec("utf-16", utf16_handles, utf16_decode)
