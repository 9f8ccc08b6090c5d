"""Zip files as a container: what the central directory lists, then what only other readers would see."""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from pydepgate.artifact.disk import DiskFile
from pydepgate.artifact.entry import Entry, Unreadable, members_limit
from pydepgate.artifact.inflate import Decompressor, Deflate, Feed, bzip2, file_chunks, inflate
from pydepgate.artifact.names import brief, member_path
from pydepgate.artifact.zip_directory import (
    BZIP2,
    DEFLATED,
    DESCRIPTOR,
    ENCRYPTED,
    LZMA,
    PATCH,
    STORED,
    STRONG,
    Record,
    find_directory,
    read_directory,
    read_local,
    unlisted,
)
from pydepgate.limits import MIB, Limits
from pydepgate.model import Note

_MAX_LZMA_DICTIONARY = 64 * MIB
_MAX_DESCRIPTOR = 24
_METHOD_NAMES = {9: "deflate64", 93: "zstd", 95: "xz", 98: "PPMd", 99: "AES encryption"}


class ZipContainer:
    """A zip file that is open for reading; `length` is its size in bytes."""

    def __init__(self, file: BinaryIO, length: int, /, *, limits: Limits) -> None:
        self._file = file
        self._length = length
        self._limits = limits

    def entries(self) -> Iterator[Entry | Note]:
        """Yield every entry, those of one name too; folders are left out."""
        directory = find_directory(self._file, self._length)
        covered: list[tuple[int, int]] = []
        if directory is None:
            message = "the zip has no sound central directory; what can be read of it is read"
            yield Note("archive.truncated", message)
        else:
            for count, record in enumerate(read_directory(self._file, directory)):
                if count == self._limits.members:
                    yield members_limit(self._limits)
                    return
                local = read_local(self._file, record.offset)
                if local:
                    _cover(covered, record.offset, local[1] + record.packed)
                if not _is_folder(record):
                    yield self._listed(record, local)
            covered.append((directory.start, directory.start + directory.size))
        for start, stop in _gaps(covered, self._length):
            for record in unlisted(self._file, start, stop):
                if not _is_folder(record):
                    yield self._unlisted(record, salvaged=directory is None)

    def _listed(self, record: Record, local: tuple[Record, int] | None) -> Entry:
        notes = []
        if local and (difference := _difference(record, local[0])):
            notes.append(Note("member.mismatch", f"its two headers differ in {difference}"))
        start = local[1] if local else None
        return self._entry(record, start, notes)

    def _unlisted(self, record: Record, *, salvaged: bool) -> Entry:
        local = read_local(self._file, record.offset)
        notes = []
        if not salvaged:
            notes.append(Note("member.unlisted", "is not in the zip's directory: only some programs see it"))
        return self._entry(record, local[1] if local else None, notes)

    def _entry(self, record: Record, start: int | None, notes: list[Note]) -> Entry:
        name = record.second_name or record.name
        if record.second_name:
            notes.append(Note("member.path", f"has a second name: {brief(record.name)}"))
        if "\0" in name:
            notes.append(Note("member.path", f"its name goes on after a NUL: {brief(name)}"))
            name = name.partition("\0")[0]
        path, problem = member_path(name, backslash_separates=True)
        if problem:
            notes.append(Note("member.path", f"its name {problem}"))
        if stat.S_ISLNK(record.mode):
            notes.append(Note("member.link", "is a symbolic link; installers write it as a file"))
        content = partial(_content, self._file, record, start, self._limits.ratio)
        return Entry(path, record.size or 0, content, tuple(notes), alone=isinstance(self._file, DiskFile))


def _content(file: BinaryIO, record: Record, start: int | None, ratio: int) -> Iterator[bytes]:
    if start is None:
        raise Unreadable("member.unreadable", "its header is not where the zip's directory says")
    if record.flags & (ENCRYPTED | STRONG):
        raise Unreadable("member.encrypted", "is encrypted and was not read")
    raw = file_chunks(file, start, record.packed)
    chunks = _decompressed(record, raw, ratio=ratio)
    if record.size is None:
        yield from chunks
        return
    left = record.size
    crc = 0
    surplus = b""
    while left and (chunk := next(chunks, b"")):
        surplus = chunk[left:]
        chunk = chunk[:left]
        crc = zlib.crc32(chunk, crc)
        left -= len(chunk)
        yield chunk
    if left:
        raise Unreadable("member.unreadable", f"ends {left} bytes before the {record.size} it declares")
    if record.crc is not None and crc != record.crc:
        raise Unreadable("member.crc", "its checksum does not match its content")
    if surplus or (record.method != LZMA and _has_more(chunks)):
        raise Unreadable("member.size", f"holds more than the {record.size} bytes it declares")


def _is_folder(record: Record) -> bool:
    return record.name.endswith("/") and not record.size


def _difference(central: Record, local: Record) -> str:
    """What a reader of local headers would see otherwise than one of the directory."""
    if central.raw_name != local.raw_name or central.second_name != local.second_name:
        return f"the name ({brief(local.second_name or local.name)})"
    if central.method != local.method:
        return "the compression"
    if (central.flags ^ local.flags) & ENCRYPTED:
        return "encryption"
    known = local.size is not None and not local.flags & DESCRIPTOR
    if known and (central.size, central.packed, central.crc) != (local.size, local.packed, local.crc):
        return "size or checksum"
    return ""


def _cover(covered: list[tuple[int, int]], start: int, stop: int) -> None:
    """Add a range, joined to the last one if nothing larger than a data descriptor lies in between."""
    if covered and covered[-1][0] <= start <= covered[-1][1] + _MAX_DESCRIPTOR:
        start = covered.pop()[0]
    covered.append((start, stop))


def _gaps(covered: list[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """The ranges of a file of `length` bytes that no range of `covered` touches."""
    at = 0
    for start, stop in sorted(covered):
        if start > at:
            yield at, min(start, length)
        at = max(at, stop)
    if at < length:
        yield at, length


def _decompressed(record: Record, raw: Iterator[bytes], *, ratio: int) -> Iterator[bytes]:
    if record.flags & PATCH:
        raise Unreadable("member.unreadable", "is a patch for another file, which is not supported")
    if record.method == STORED:
        return raw
    feed = Feed(raw, ratio=ratio)
    decompressor: Decompressor
    if record.method == DEFLATED:
        decompressor = Deflate()
    elif record.method == BZIP2:
        decompressor = bzip2()
    elif record.method == LZMA:
        decompressor = _lzma_decompressor(feed)
    else:
        name = _METHOD_NAMES.get(record.method, str(record.method))
        raise Unreadable("member.unreadable", f"uses compression that is not supported: {name}")
    return inflate(feed, decompressor, truncated="member.unreadable")


def _lzma_decompressor(feed: Feed) -> Decompressor:
    """APPNOTE 5.8.8: two bytes of version, two of length, then the five bytes of LZMA properties."""
    import lzma

    head = feed.take_exactly(9)
    if len(head) < 9 or head[2:4] != b"\5\0" or head[4] >= 9 * 5 * 5:
        raise Unreadable("member.unreadable", "its LZMA properties are damaged")
    packed, lc = divmod(head[4], 9)
    pb, lp = divmod(packed, 5)
    dictionary = min(int.from_bytes(head[5:9], "little"), _MAX_LZMA_DICTIONARY)
    lzma1 = {"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[lzma1])
    except (lzma.LZMAError, ValueError, MemoryError) as error:
        raise Unreadable("member.unreadable", f"its LZMA properties are damaged: {error}") from None


def _has_more(chunks: Iterator[bytes]) -> bool:
    try:
        return bool(next(chunks, b""))
    except Unreadable:
        return False
