"""Compressed streams: zlib, raw deflate, gzip, bzip2, xz and lzma.

Every decoder works in steps and stops at its limit: what exceeds it by more than a step is never made.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator

from pydepgate.artifact.entry import Unreadable
from pydepgate.artifact.inflate import EXPAND, MAGIC, MAX_DICTIONARY, STEP, TRAILING, Deflate, Feed, inflate
from pydepgate.payload.codecs.codec import Codec, CodecError, CodecLimit, printable
from pydepgate.payload.magic import is_lzma_alone
from pydepgate.regex import regex

_BZIP2 = regex(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_DEFLATE_HEAD = 24
_NO_RATIO = 1 << 60
"""What a payload may grow to is bounded by the budget of peeling alone."""


def _feed(data: bytes) -> Feed:
    return Feed((data[start : start + STEP] for start in range(0, len(data), STEP)), ratio=_NO_RATIO)


def _joined(chunks: Iterator[bytes], limit: int) -> bytes:
    """Join what a decompressor yields, up to `limit` bytes; what follows the streams is ignored."""
    out = bytearray()
    try:
        for chunk in chunks:
            out += chunk
            if len(out) > limit:
                raise CodecLimit("the output exceeds the limit", partial=bytes(out[:limit]))
    except Unreadable as error:
        if error.note.code != TRAILING:
            raise CodecError(str(error), partial=bytes(out)) from None
    return bytes(out)


def _head(data: bytes, wbits: int) -> bytes | None:
    """The first bytes that the stream gives, or None if it is broken from the start."""
    try:
        return zlib.decompressobj(wbits).decompress(data[:512], 256)
    except zlib.error:
        return None


def zlib_handles(data: bytes, /) -> float:
    """How sure it is that `data` is a zlib stream (RFC 1950): its header, then a look at its start."""
    if len(data) < 8 or data[0] & 0x0F != 8 or data[0] >> 4 > 7:
        return 0.0
    if (data[0] << 8 | data[1]) % 31 or data[1] & 0x20:
        return 0.0
    head = _head(data, zlib.MAX_WBITS)
    return 0.0 if head is None else 0.96


def zlib_decode(data: bytes, limit: int, /) -> bytes:
    """Decompress a zlib stream (RFC 1950); what follows it is ignored."""
    return _joined(inflate(_feed(data), Deflate(zlib.MAX_WBITS)), limit)


def deflate_handles(data: bytes, /) -> float:
    """How sure it is that `data` is a raw deflate stream (RFC 1951): it has no mark, so never very."""
    if len(data) < 8 or printable(data[:64]):
        return 0.0
    head = _head(data, -zlib.MAX_WBITS)
    if head is None or len(head) < min(_DEFLATE_HEAD, len(data)):
        return 0.0
    return 0.5


def deflate_decode(data: bytes, limit: int, /) -> bytes:
    """Decompress a raw deflate stream (RFC 1951), which must use up all of `data`."""
    feed = _feed(data)
    try:
        out = _joined(inflate(feed, Deflate()), limit)
    except CodecLimit:
        raise
    except CodecError as error:
        # Without a checksum or a mark a stream that does not end properly proves nothing.
        raise CodecError(str(error)) from None
    if feed.take():
        raise CodecError("data follows the deflate stream")
    return out


def gzip_handles(data: bytes, /) -> float:
    """How sure it is that `data` is gzip (RFC 1952)."""
    return 0.99 if data.startswith(MAGIC["gzip"]) and len(data) >= 18 else 0.0


def gzip_decode(data: bytes, limit: int, /) -> bytes:
    """Decompress gzip (RFC 1952) of one or more members; anything else after a member is ignored."""
    return _expanded("gzip", data, limit)


def _expanded(name: str, data: bytes, limit: int) -> bytes:
    if not data.startswith(MAGIC[name]):
        raise CodecError(f"not {name}")
    return _joined(EXPAND[name](_feed(data)), limit)


def bz2_handles(data: bytes, /) -> float:
    """How sure it is that `data` is bzip2."""
    return 0.99 if _BZIP2.match(data) else 0.0


def bz2_decode(data: bytes, limit: int, /) -> bytes:
    """Decompress bzip2 of one or more streams."""
    return _expanded("bzip2", data, limit)


def xz_handles(data: bytes, /) -> float:
    """How sure it is that `data` is xz, or lzma without a container, whose header has no mark."""
    if data.startswith(MAGIC["xz"]):
        return 0.99
    return 0.8 if is_lzma_alone(data) else 0.0


def xz_decode(data: bytes, limit: int, /) -> bytes:
    """Decompress xz of one or more streams, or lzma without a container."""
    if not is_lzma_alone(data):
        return _expanded("xz", data, limit)
    stream = lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=MAX_DICTIONARY)
    return _joined(inflate(_feed(data), stream), limit)


GZIP = Codec("gzip", gzip_handles, gzip_decode, checked=True)
BZ2 = Codec("bz2", bz2_handles, bz2_decode, checked=True)
XZ = Codec("xz", xz_handles, xz_decode, checked=True)
ZLIB = Codec("zlib", zlib_handles, zlib_decode, checked=True)
DEFLATE = Codec("deflate", deflate_handles, deflate_decode)
