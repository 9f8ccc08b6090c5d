"""Decompression in small steps, with ceilings that are checked before the next step is made."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from pydepgate.artifact.disk import read_at
from pydepgate.artifact.entry import Unreadable
from pydepgate.limits import KIB, MIB, RATIO_FLOOR_BYTES

STEP = 8 * KIB
"""Bytes that are read, or made, at a time: also what is lost in front of damaged data."""

MAX_DICTIONARY = 256 * MIB
"""Memory that an xz decoder may ask for; `xz -9` needs 65 MiB."""

MAX_GZIP_HEADER = 128 * KIB

MAX_STREAMS = 100_000
"""Compressed streams one after the other in one file; each may be empty, so bytes do not bound them."""

TRAILING = "archive.trailing"
"""Code of the problem that all was read, and more follows."""


class Decompressor(Protocol):
    """The shape that `bz2` and `lzma` decompressors share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class Deflate:
    """Raw deflate (RFC 1951), or what `wbits` says (see `zlib`), in the shape of the other decompressors."""

    def __init__(self, wbits: int = -zlib.MAX_WBITS, /) -> None:
        self._inner = zlib.decompressobj(wbits)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not (self._full or self._inner.unconsumed_tail)

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = STEP, /) -> bytes:
        made = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._full = len(made) == max_length
        return made


def file_chunks(file: BinaryIO, start: int, length: int, /) -> Iterator[bytes]:
    """Yield `length` bytes of `file` from `start`, fewer where it ends; others may seek in between."""
    while length > 0:
        try:
            chunk = read_at(file, start, min(STEP, length))
        except (OSError, ValueError, OverflowError) as error:
            raise Unreadable("member.unreadable", f"cannot be read: {error}") from None
        if not chunk:
            return
        yield chunk
        start += len(chunk)
        length -= len(chunk)


class Feed:
    """Compressed input, with the count of what was taken and what was made of it."""

    def __init__(self, chunks: Iterator[bytes], /, *, ratio: int, ceiling: int | None = None) -> None:
        self._chunks = chunks
        self._held = b""
        self._ratio = ratio
        self._ceiling = ceiling
        self._taken = 0
        self._made = 0
        self.streams = 1

    def take(self) -> bytes:
        """Return the next bytes, `b""` at the end."""
        if self._held:
            held, self._held = self._held, b""
            return held
        chunk = next(self._chunks, b"")
        self._taken += len(chunk)
        return chunk

    def give_back(self, data: bytes) -> None:
        """Put bytes back to be taken next."""
        self._held = data + self._held

    def take_exactly(self, count: int) -> bytes:
        """Return `count` bytes, fewer at the end."""
        data = b""
        while len(data) < count and (chunk := self.take()):
            data += chunk
        self.give_back(data[count:])
        return data[:count]

    def count(self, made: int) -> None:
        """Add bytes that were made; raises `Unreadable` when they are more than the limits allow."""
        self._made += made
        if self._made > RATIO_FLOOR_BYTES and self._made > self._ratio * self._taken:
            raise Unreadable(
                "limit.ratio",
                f"cut where it had grown to more than {self._ratio} times its size; --max-ratio raises this limit",
            )
        if self._ceiling is not None and self._made > self._ceiling:
            raise Unreadable(
                "limit.artifact-bytes",
                f"cut after {self._ceiling} bytes; --max-artifact-bytes raises this limit",
            )


def inflate(feed: Feed, decompressor: Decompressor, /, *, truncated: str = "archive.truncated") -> Iterator[bytes]:
    """Yield what one compressed stream holds, at most `STEP` bytes at a time.

    What follows the stream is left in `feed`. Raises `Unreadable`, with the code `truncated` if it ends too early.
    """
    while not decompressor.eof:
        data = b""
        if decompressor.needs_input:
            data = feed.take()
            if not data:
                raise Unreadable(truncated, "the compressed data ends too early")
        try:
            made = decompressor.decompress(data, STEP)
        except _damage() as error:
            raise Unreadable("member.unreadable", f"the compressed data is damaged: {error}") from None
        if made:
            feed.count(len(made))
            yield made
    feed.give_back(decompressor.unused_data)


def _damage() -> tuple[type[Exception], ...]:
    """What decompressors raise; `lzma` and `bz2` are for the few files that need them."""
    import lzma

    return (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError)


def gunzip(feed: Feed, /) -> Iterator[bytes]:
    """Yield what the gzip streams (RFC 1952) of a file hold, one after the other. Raises `Unreadable`.

    The checksum is compared here, after all data was yielded: an installer may never read so far.
    """
    while True:
        _skip_gzip_header(feed)
        crc = 0
        for chunk in inflate(feed, Deflate()):
            crc = zlib.crc32(chunk, crc)
            yield chunk
        trailer = feed.take_exactly(8)
        if len(trailer) < 8:
            raise Unreadable("archive.truncated", "the gzip trailer is missing")
        if int.from_bytes(trailer[:4], "little") != crc:
            raise Unreadable("archive.crc", "the gzip checksum does not match the data")
        if not _next_stream(feed, MAGIC["gzip"]):
            return


def _skip_gzip_header(feed: Feed) -> None:
    head = b""
    while (length := _gzip_header_length(head)) is None:
        chunk = feed.take()
        if not chunk or len(head) > MAX_GZIP_HEADER:
            raise Unreadable("archive.truncated", "the gzip header does not end")
        head += chunk
    feed.give_back(head[length:])


def _gzip_header_length(head: bytes) -> int | None:
    if len(head) < 10:
        return None
    flags = head[3]
    length = 10
    if flags & 4:
        if len(head) < 12:
            return None
        length += 2 + int.from_bytes(head[10:12], "little")
    for flag in (8, 16):
        if flags & flag:
            end = head.find(b"\0", length)
            if end < 0:
                return None
            length = end + 1
    if flags & 2:
        length += 2
    return length if len(head) >= length else None


def _next_stream(feed: Feed, magic: bytes) -> bool:
    """Whether another stream follows, after padding; raises `Unreadable` for anything else."""
    while chunk := feed.take():
        if rest := chunk.lstrip(b"\0"):
            feed.give_back(rest)
            start = feed.take_exactly(len(magic))
            feed.give_back(start)
            if start == magic and feed.streams < MAX_STREAMS:
                feed.streams += 1
                return True
            raise Unreadable(TRAILING, "other data follows the compressed data")
    return False


def _streams(new: Callable[[], Decompressor], magic: bytes) -> Callable[[Feed], Iterator[bytes]]:
    def expand(feed: Feed) -> Iterator[bytes]:
        yield from inflate(feed, new())
        while _next_stream(feed, magic):
            yield from inflate(feed, new())

    return expand


def bzip2() -> Decompressor:
    """Return a decompressor of one bzip2 stream."""
    import bz2

    return bz2.BZ2Decompressor()


def _xz() -> Decompressor:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_DICTIONARY)


MAGIC = {"gzip": b"\x1f\x8b\x08", "bzip2": b"BZh", "xz": b"\xfd7zXZ\0"}

EXPAND: dict[str, Callable[[Feed], Iterator[bytes]]] = {
    "gzip": gunzip,
    "bzip2": _streams(bzip2, MAGIC["bzip2"]),
    "xz": _streams(_xz, MAGIC["xz"]),
}
"""How the whole of a compressed file is read, by the name of its format."""
