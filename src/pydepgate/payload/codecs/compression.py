"""Compressed streams: zlib, raw deflate, gzip, bzip2, xz and lzma.

Every decoder works in steps and stops at its limit: what exceeds it is never made.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable
from typing import Protocol

from pydepgate.limits import KIB, MIB
from pydepgate.payload.codecs.codec import Codec, CodecError, CodecLimit, printable

LZMA_MEMORY = 64 * MIB
"""Memory that an lzma stream may ask for; presets up to 9 need 65 MB to decompress at the most."""

_STEP = 64 * KIB
_ZLIB = 15
_RAW = -15
_GZIP = 31
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_XZ = b"\xfd7zXZ\x00"
_LZMA_PROPERTIES = 9 * 5 * 5
_DEFLATE_HEAD = 24


class _Stream(Protocol):
    """What `BZ2Decompressor` and `LZMADecompressor` share."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def inflate(data: bytes, limit: int, /, *, wbits: int = _ZLIB) -> bytes:
    """Decompress one deflate stream with `wbits` as in `zlib.decompressobj`; what follows it is ignored."""
    out, _rest = _inflate(data, limit, wbits)
    return out


def _inflate(data: bytes, limit: int, wbits: int) -> tuple[bytes, bytes]:
    stream = zlib.decompressobj(wbits)
    out = bytearray()
    for start in range(0, len(data), _STEP):
        chunk = data[start : start + _STEP]
        while chunk and not stream.eof:
            try:
                # A max_length of 0 would mean no maximum.
                out += stream.decompress(chunk, limit - len(out) + 1)
            except zlib.error as error:
                raise CodecError(f"broken deflate stream: {error}", partial=bytes(out)) from None
            if len(out) > limit:
                raise CodecLimit("the output exceeds the limit", partial=bytes(out[:limit]))
            chunk = stream.unconsumed_tail
        if stream.eof:
            return bytes(out), stream.unused_data + data[start + _STEP :]
    raise CodecError("the deflate stream breaks off", partial=bytes(out))


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
    head = _head(data, _ZLIB)
    return 0.0 if head is None else 0.96


def zlib_decode(data: bytes, limit: int, /) -> bytes:
    """Decompress a zlib stream (RFC 1950)."""
    return inflate(data, limit, wbits=_ZLIB)


def deflate_handles(data: bytes, /) -> float:
    """How sure it is that `data` is a raw deflate stream (RFC 1951): it has no mark, so never very."""
    if len(data) < 8 or printable(data[:64]):
        return 0.0
    head = _head(data, _RAW)
    if head is None or len(head) < min(_DEFLATE_HEAD, len(data)):
        return 0.0
    return 0.5


def deflate_decode(data: bytes, limit: int, /) -> bytes:
    """Decompress a raw deflate stream (RFC 1951), which must use up all of `data`."""
    try:
        out, rest = _inflate(data, limit, _RAW)
    except CodecLimit:
        raise
    except CodecError as error:
        # Without a checksum or a mark a stream that does not end properly proves nothing.
        raise CodecError(str(error)) from None
    if rest:
        raise CodecError("data follows the deflate stream")
    return out


def gzip_handles(data: bytes, /) -> float:
    """How sure it is that `data` is gzip (RFC 1952)."""
    return 0.99 if data.startswith(b"\x1f\x8b\x08") and len(data) >= 18 else 0.0


def gzip_decode(data: bytes, limit: int, /) -> bytes:
    """Decompress gzip (RFC 1952) of one or more members; anything else after a member is ignored."""
    out = b""
    while data.startswith(b"\x1f\x8b"):
        try:
            member, data = _inflate(data, limit - len(out), _GZIP)
        except CodecLimit as error:
            raise CodecLimit(str(error), partial=out + error.partial) from None
        except CodecError as error:
            raise CodecError(str(error), partial=out + error.partial) from None
        out += member
        data = data.lstrip(b"\x00")
    if not out:
        raise CodecError("not gzip, or empty")
    return out


def _decompress(data: bytes, limit: int, new: Callable[[], _Stream], starts: Callable[[bytes], bool]) -> bytes:
    """Decompress the streams that stand one after the other in `data`."""
    out = bytearray()
    while starts(data):
        stream = new()
        position = 0
        while not stream.eof:
            chunk = b""
            if stream.needs_input:
                chunk = data[position : position + _STEP]
                position += len(chunk)
                if not chunk:
                    raise CodecError("the stream breaks off", partial=bytes(out))
            try:
                out += stream.decompress(chunk, limit - len(out) + 1)
            except (OSError, lzma.LZMAError, EOFError) as error:
                raise CodecError(f"broken stream: {error}", partial=bytes(out)) from None
            if len(out) > limit:
                raise CodecLimit("the output exceeds the limit", partial=bytes(out[:limit]))
        data = stream.unused_data + data[position:]
    if not out:
        raise CodecError("not such a stream, or empty")
    return bytes(out)


def bz2_handles(data: bytes, /) -> float:
    """How sure it is that `data` is bzip2."""
    return 0.99 if _BZIP2.match(data) else 0.0


def bz2_decode(data: bytes, limit: int, /) -> bytes:
    """Decompress bzip2 of one or more streams."""
    return _decompress(data, limit, bz2.BZ2Decompressor, lambda rest: bool(_BZIP2.match(rest)))


def xz_handles(data: bytes, /) -> float:
    """How sure it is that `data` is xz, or lzma without a container, whose header has no mark."""
    if data.startswith(_XZ):
        return 0.99
    return 0.8 if _is_lzma(data) else 0.0


def _is_lzma(data: bytes) -> bool:
    # lzma_alone: properties, dictionary size (a power of two, or of two and three), size or -1; then
    # the range coder's first byte, which is always 0.
    if len(data) < 18 or data[0] >= _LZMA_PROPERTIES or data[13] != 0:
        return False
    dictionary = int.from_bytes(data[1:5], "little")
    size = int.from_bytes(data[5:13], "little")
    if dictionary < 4096 or bin(dictionary).count("1") > 2:
        return False
    return size == 2**64 - 1 or size < 2**38


def xz_decode(data: bytes, limit: int, /) -> bytes:
    """Decompress xz of one or more streams, or lzma without a container."""
    if data.startswith(_XZ):
        return _decompress(
            data,
            limit,
            lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=LZMA_MEMORY),
            lambda rest: rest.startswith(_XZ),
        )
    return _decompress(
        data,
        limit,
        lambda: lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=LZMA_MEMORY),
        _is_lzma,
    )


GZIP = Codec("gzip", gzip_handles, gzip_decode, checked=True)
BZ2 = Codec("bz2", bz2_handles, bz2_decode, checked=True)
XZ = Codec("xz", xz_handles, xz_decode, checked=True)
ZLIB = Codec("zlib", zlib_handles, zlib_decode, checked=True)
DEFLATE = Codec("deflate", deflate_handles, deflate_decode)
