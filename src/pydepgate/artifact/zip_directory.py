"""The records of a zip file: its central directory, and local headers that no directory lists.

Format: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5. Where readers may differ, what `zipfile` of the
standard library does is followed, since installers use it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from pydepgate.artifact.disk import read_at
from pydepgate.artifact.entry import Unreadable
from pydepgate.limits import KIB, MIB

LOCAL_MAGIC = b"PK\3\4"
_CENTRAL_MAGIC = b"PK\1\2"
END_MAGIC = b"PK\5\6"
_END64_MAGIC = b"PK\6\6"
_LOCATOR_MAGIC = b"PK\6\7"

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
MAX_TAIL = 0xFFFF + _END.size
"""Bytes at the end of a file in which the end record is searched: it and the longest comment."""
_IN_ZIP64 = 0xFFFFFFFF

MAX_FALSE_HEADERS = 100_000
"""Places with the magic of a local header but no header, of one file."""

STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14
ENCRYPTED, DESCRIPTOR, PATCH, STRONG, UTF8 = 0x1, 0x8, 0x20, 0x40, 0x800


@dataclass(frozen=True, slots=True)
class Record:
    """One entry as a header describes it. `offset` is where its local header starts in the file.

    `size` (and `crc`) are None where only the compressed data itself tells. `second_name` is that of
    the Unicode path field, which newer readers prefer.
    """

    raw_name: bytes
    flags: int
    method: int
    crc: int | None
    packed: int
    size: int | None
    offset: int
    mode: int = 0
    second_name: str = ""

    @property
    def name(self) -> str:
        """The name as `zipfile` decodes it; bytes that are not UTF-8 become surrogates (PEP 383)."""
        if self.flags & UTF8:
            return self.raw_name.decode("utf-8", "surrogateescape")
        return self.raw_name.decode("cp437")


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the central directory lies: `start` and `size` in bytes, and what has to be added to
    the offsets in it (`shift`, the size of what stands in front of the archive)."""

    start: int
    size: int
    shift: int


def find_directory(file: BinaryIO, length: int, /) -> Directory | None:
    """Return where the central directory of `file` (of `length` bytes) lies; None without a sound one."""
    tail_start = max(0, length - MAX_TAIL)
    tail = read_at(file, tail_start, length - tail_start)
    at = len(tail) - _END.size
    if at < 0:
        return None
    if not (tail.startswith(END_MAGIC, at) and tail.endswith(b"\0\0")):
        at = tail.rfind(END_MAGIC, 0, at + len(END_MAGIC))
        if at < 0:
            return None
    end = tail_start + at
    size, offset = _END.unpack_from(tail, at)[5:7]
    directory_end = end
    if wide := _wide_end(file, end):
        directory_end, size, offset = wide
    shift = directory_end - size - offset
    start = directory_end - size
    if start < 0 or shift < 0:
        return None
    if not size:
        return Directory(start, size, shift) if end == 0 else None
    if read_at(file, start, 4) != _CENTRAL_MAGIC:
        return None
    return Directory(start, size, shift)


def _wide_end(file: BinaryIO, end: int) -> tuple[int, int, int] | None:
    """The position of the zip64 end record in front of `end`, and the directory's size and offset."""
    at = end - _LOCATOR.size - _END64.size
    if at < 0:
        return None
    data = read_at(file, at, _END64.size + _LOCATOR.size)
    if not (data.startswith(_END64_MAGIC) and data.startswith(_LOCATOR_MAGIC, _END64.size)):
        return None
    size, offset = _END64.unpack_from(data)[8:10]
    return at, size, offset


def read_directory(file: BinaryIO, directory: Directory, /) -> Iterator[Record]:
    """Yield the records of the central directory; ends early where it is damaged."""
    at = directory.start
    end = directory.start + directory.size
    while at + _CENTRAL.size <= end:
        head = read_at(file, at, _CENTRAL.size)
        if len(head) < _CENTRAL.size or not head.startswith(_CENTRAL_MAGIC):
            return
        fields = _CENTRAL.unpack(head)
        flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
        name_length, extra_length, comment_length = fields[10:13]
        offset = fields[16]
        rest = read_at(file, at + _CENTRAL.size, name_length + extra_length)
        raw_name, extra = rest[:name_length], rest[name_length:]
        size, packed, offset = _widened(extra, size, packed, offset)
        made_on_unix = fields[1] >> 8 == 3
        yield Record(
            raw_name, flags, method, crc, packed, size, offset + directory.shift,
            mode=fields[15] >> 16 if made_on_unix else 0,
            second_name=_unicode_name(extra, raw_name),
        )  # fmt: skip
        at += _CENTRAL.size + name_length + extra_length + comment_length


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _widened(extra: bytes, *values: int) -> list[int]:
    """`values` with those that stand in the zip64 extra field (0x0001) taken from there."""
    result = list(values)
    for kind, data in _extra_fields(extra):
        if kind == 1:
            at = 0
            for index, value in enumerate(values):
                if value == _IN_ZIP64 and at + 8 <= len(data):
                    result[index] = int.from_bytes(data[at : at + 8], "little")
                    at += 8
            break
    return result


def _unicode_name(extra: bytes, raw_name: bytes) -> str:
    """The Info-ZIP Unicode path field (0x7075), if it belongs to this name and differs from it."""
    for kind, data in _extra_fields(extra):
        if kind == 0x7075 and data[:1] == b"\1" and data[1:5] == zlib.crc32(raw_name).to_bytes(4, "little"):
            name = data[5:]
            return name.decode("utf-8", "surrogateescape") if name and name != raw_name else ""
    return ""


def read_local(file: BinaryIO, offset: int, /) -> tuple[Record, int] | None:
    """Return the local header at `offset` and where its data starts; None if there is no header."""
    try:
        head = read_at(file, offset, _LOCAL.size)
    except (OSError, OverflowError):
        return None
    if len(head) < _LOCAL.size or not head.startswith(LOCAL_MAGIC):
        return None
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(head)
    rest = read_at(file, offset + _LOCAL.size, name_length + extra_length)
    raw_name, extra = rest[:name_length], rest[name_length:]
    size, packed = _widened(extra, size, packed)
    unknown = bool(flags & DESCRIPTOR) and not packed
    record = Record(
        raw_name, flags, method, None if unknown else crc, packed, None if unknown else size, offset,
        second_name=_unicode_name(extra, raw_name),
    )  # fmt: skip
    return record, offset + _LOCAL.size + name_length + extra_length


def unlisted(file: BinaryIO, start: int, end: int, /) -> Iterator[Record]:
    """Yield what looks like local headers between two offsets that no directory entry covers.

    Raises `Unreadable` where the magic of a header stands too often without one.
    """
    at = _find(file, LOCAL_MAGIC, start, end)
    false = 0
    while at is not None:
        found = read_local(file, at) if _plausible(file, at) else None
        if found is None or found[1] > end:
            false += 1
            if false > MAX_FALSE_HEADERS:
                raise Unreadable("archive.damaged", "is full of headers that are none; reading ended there")
            at = _find(file, LOCAL_MAGIC, at + 1, end)
            continue
        record, data_start = found
        if record.size is None:
            following = _find(file, LOCAL_MAGIC, data_start, end)
            yield replace(record, packed=(end if following is None else following) - data_start)
            at = following
        else:
            yield record
            at = _find(file, LOCAL_MAGIC, data_start + record.packed, end)


def _plausible(file: BinaryIO, offset: int) -> bool:
    """Whether the fixed part of a local header makes sense: what follows it is long, and read only then."""
    head = read_at(file, offset, _LOCAL.size)
    if len(head) < _LOCAL.size:
        return False
    fields = _LOCAL.unpack(head)
    method, name_length = fields[3], fields[9]
    known = method <= 20 or method in (93, 95, 96, 97, 98, 99)
    return known and 0 < name_length <= 4096


def _find(file: BinaryIO, what: bytes, start: int, end: int) -> int | None:
    """The first offset of `what` that lies wholly between `start` and `end`."""
    at = start
    step = 4 * KIB
    while at + len(what) <= end:
        block = read_at(file, at, min(step, end - at))
        if (found := block.find(what)) >= 0:
            return at + found
        if len(block) < step:
            return None
        at += len(block) - len(what) + 1
        step = min(2 * step, MIB)
    return None
