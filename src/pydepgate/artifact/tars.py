"""Tar files as a container, read as a stream: every header in turn, damaged ones skipped.

Format: POSIX.1-2001 (ustar and pax) with the GNU extensions. Where readers may differ, what `tarfile` of the
standard library does is followed, since installers use it; it stops at the first empty
or damaged block, here the rest is read too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from pydepgate.artifact.entry import Entry, Unreadable
from pydepgate.artifact.inflate import EXPAND, STEP, Feed, file_chunks
from pydepgate.artifact.names import brief, member_path
from pydepgate.limits import MIB, Limits
from pydepgate.model import Note

BLOCK = 512
_MAX_EXTENSION = MIB
"""Bytes of a pax header or a long name; real ones have a few hundred."""

_PAX_KEYS = {
    b"path", b"linkpath", b"size", b"GNU.sparse.name", b"GNU.sparse.major", b"GNU.sparse.map", b"GNU.sparse.size",
}  # fmt: skip
_MAX_LINK_STEPS = 16
_LINKS = {b"1": "a hard link", b"2": "a symbolic link"}
_DEVICES = {b"3": "a character device", b"4": "a block device", b"6": "a FIFO"}
_FOLDER = b"5"


@dataclass(frozen=True, slots=True)
class Header:
    """One 512-byte header, with what the extension headers in front of it say."""

    name: str
    size: int
    kind: bytes
    link: str
    sparse: bool = False
    more_sparse: bool = False


@dataclass(frozen=True, slots=True)
class _Link:
    """Where a link leads to inside the archive, what a note on it says, and what is wrong with its name."""

    target: str
    message: str
    problem: str


@dataclass(slots=True)
class _Extensions:
    """What extension headers said: `shared` for all that follows, the rest for the next header."""

    shared: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    name: str = ""
    link: str = ""

    def reset(self) -> None:
        self.own, self.name, self.link = {}, "", ""


class _Reader:
    """Reads a stream of chunks piecewise; `failed` once it ended with `Unreadable`."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""
        self._at = 0
        self.failed = False

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, `b""` only at the end."""
        if self._at == len(self._held):
            try:
                self._held, self._at = next(self._chunks, b""), 0
            except Unreadable:
                self.failed = True
                raise
        piece = self._held[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def read_exactly(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        pieces = []
        while size and (piece := self.read(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def skip(self, size: int) -> bool:
        """Pass over `size` bytes; False if there are fewer."""
        while size:
            piece = self.read(min(size, STEP))
            if not piece:
                return False
            size -= len(piece)
        return True


class _Body:
    """The content of one entry of the stream, with its padding."""

    def __init__(self, reader: _Reader, size: int) -> None:
        self._reader = reader
        self.size = size
        self._padding = -size % BLOCK
        self._left = size

    def chunks(self) -> Iterator[bytes]:
        while self._left:
            piece = self._reader.read(min(self._left, STEP))
            if not piece:
                raise Unreadable(
                    "archive.truncated", f"the archive ends {self._left} bytes before the end of this file"
                )
            self._left -= len(piece)
            yield piece

    def finish(self) -> bool:
        """Pass over what was not read; False if the stream ends in it."""
        return self._reader.skip(self._left + self._padding)

    def drop_sparse_map(self) -> None:
        """Pass over the map in front of a sparse file (pax format 1.0): decimal numbers on lines of their
        own, the first their count in pairs, filled up with NULs to whole blocks."""
        lines = needed = 0
        while self._left >= BLOCK and self.size - self._left < _MAX_EXTENSION:
            block = self._reader.read_exactly(BLOCK)
            self._left -= len(block)
            if not needed:
                first = block.partition(b"\n")[0]
                needed = 1 + 2 * (int(first) if first.isdigit() and len(first) < 8 else 0)
            lines += block.count(b"\n")
            if lines >= needed or len(block) < BLOCK:
                break
        self.size = self._left


class TarContainer:
    """A tar file that is open for reading, inside `codec` (`gzip`, `bzip2`, `xz`) if one is named."""

    def __init__(self, file: BinaryIO, length: int, /, *, codec: str = "", limits: Limits) -> None:
        self._file = file
        self._length = length
        self._codec = codec
        self._limits = limits

    def entries(self) -> Iterator[Entry | Note]:
        """Yield every file, then every link to a file of the archive, as the file that it stands for.

        Raises `Unreadable` where the stream ends too early.
        """
        files: set[str] = set()
        links: dict[str, _Link] = {}
        for header, body in self._walk():
            if isinstance(header, Note):
                yield header
                continue
            path, problem = member_path(header.name)
            if header.kind in _LINKS:
                if len(links) < self._limits.members:
                    message = f"is {_LINKS[header.kind]} to {brief(header.link)}"
                    links[path] = _Link(member_path(_link_target(header))[0], message, problem)
            elif header.kind in _DEVICES:
                yield Note("member.device", f"is {_DEVICES[header.kind]}", path)
            elif header.kind != _FOLDER and body is not None:
                files.add(path)
                notes = [Note("member.path", f"its name {problem}")] if problem else []
                if header.sparse:
                    notes.append(Note("member.sparse", "is a sparse file; its holes are left out"))
                yield Entry(path, body.size, body.chunks, tuple(notes))
        yield from self._linked(files, links)

    def _linked(self, files: set[str], links: dict[str, _Link]) -> Iterator[Entry | Note]:
        """What links stand for: a second pass where it is a file, since a stream cannot go back."""
        wanted: dict[str, list[str]] = {}
        for path, link in links.items():
            if link.problem:
                yield Note("member.path", f"its name {link.problem}", path)
            if (target := _resolved(path, links)) in files:
                wanted.setdefault(target, []).append(path)
            else:
                yield Note("member.link", link.message, path)
        if not wanted:
            return
        count = sum(map(len, wanted.values()))
        yield Note("archive.links", f"links in it to its own files: {count}; each was read as the file it stands for")
        for found, body in self._walk():
            if isinstance(found, Note) or body is None or found.kind in _LINKS:
                continue
            if names := wanted.get(member_path(found.name)[0]):
                data = _read_all(body, self._limits.member_bytes)
                for name in names:
                    yield Entry(name, body.size, _chunks_of(data))

    def _walk(self) -> Iterator[tuple[Header | Note, _Body | None]]:
        """Headers in order, each with its content; what was not read of it is passed over."""
        reader = _Reader(self._stream())
        extensions = _Extensions()
        ended = noted = False
        while block := reader.read_exactly(BLOCK):
            if len(block) < BLOCK:
                if block.strip(b"\0"):
                    yield Note("archive.truncated", "the archive ends inside a header"), None
                return
            if not block.strip(b"\0"):
                ended = True
                continue
            header = parse_header(block)
            if (header is None or ended) and not noted:
                noted = True
                what = "data follows the end of the archive" if ended else "a header is damaged"
                yield (
                    Note(
                        "archive.trailing" if ended else "archive.damaged",
                        f"{what}; what can be read is read",
                    ),
                    None,
                )
            if header is None:
                continue
            if header.kind in b"LKxXg" and header.kind:
                data = reader.read_exactly(min(header.size, _MAX_EXTENSION))
                if not reader.skip(header.size - len(data) + -header.size % BLOCK):
                    break
                _extend(extensions, header.kind, data)
                continue
            while header.more_sparse and (block := reader.read_exactly(BLOCK)):
                header = replace(header, more_sparse=bool(block[504:505].strip(b"\0")))
            header = _applied(header, extensions)
            has_body = header.kind not in (*_LINKS, *_DEVICES, _FOLDER)
            body = _Body(reader, header.size if has_body else 0)
            if extensions.own.get("GNU.sparse.major") == "1":
                body.drop_sparse_map()
            extensions.reset()
            yield header, body
            if not body.finish():
                break
        else:
            if not ended:
                yield Note("archive.truncated", "the archive has no end mark"), None
            return
        if not reader.failed:
            yield Note("archive.truncated", "the archive ends inside a file"), None

    def _stream(self) -> Iterator[bytes]:
        raw = file_chunks(self._file, 0, self._length)
        if not self._codec:
            return raw
        feed = Feed(raw, ratio=self._limits.ratio, ceiling=self._limits.artifact_bytes)
        return EXPAND[self._codec](feed)


def parse_header(block: bytes, /) -> Header | None:
    """Return the header in a block of 512 bytes, None if it is none (its checksum is wrong)."""
    try:
        checksum = _number(block[148:156])
        size = _number(block[124:136])
    except ValueError:
        return None
    plain = block[:148] + b" " * 8 + block[156:]
    unsigned = sum(plain)
    if size < 0 or (checksum != unsigned and checksum != unsigned - 256 * sum(byte > 127 for byte in plain)):
        return None
    kind = block[156:157]
    name = _text(block[:100])
    if kind not in (b"L", b"K", b"S") and (prefix := _text(block[345:500])):
        name = f"{prefix}/{name}"
    if kind == b"\0" and name.endswith("/"):
        kind = _FOLDER
    sparse = kind == b"S"
    return Header(name, size, kind, _text(block[157:257]), sparse, sparse and block[482] != 0)


def _number(raw: bytes) -> int:
    """A number in octal digits, or in base 256 (GNU) where the first byte says so."""
    if raw[0] == 0o200:
        return int.from_bytes(raw[1:], "big")
    if raw[0] == 0o377:
        return int.from_bytes(raw, "big", signed=True)
    return int(raw.partition(b"\0")[0].decode("ascii").strip() or "0", 8)


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _extend(extensions: _Extensions, kind: bytes, data: bytes) -> None:
    if kind == b"L":
        extensions.name = _text(data)
    elif kind == b"K":
        extensions.link = _text(data)
    elif kind == b"g":
        extensions.shared.update(_pax_records(data))
    else:
        extensions.own.update(_pax_records(data))


def _pax_records(data: bytes) -> Iterator[tuple[str, str]]:
    """The `length key=value` lines of a pax header that matter here, up to the first that is damaged."""
    at = 0
    while (space := data.find(b" ", at, at + 20)) > 0 and data[at:space].isdigit():
        end = at + int(data[at:space])
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals or end <= space or end > len(data):
            return
        if key in _PAX_KEYS:
            yield key.decode("ascii"), value.decode("utf-8", "surrogateescape")
        at = end


def _applied(header: Header, extensions: _Extensions) -> Header:
    pax = {**extensions.shared, **extensions.own}
    name = pax.get("GNU.sparse.name") or pax.get("path") or extensions.name or header.name
    link = pax.get("linkpath") or extensions.link or header.link
    size = header.size
    if (digits := extensions.own.get("size", "")).isascii() and digits.isdigit() and len(digits) < 20:
        size = int(digits)
    sparse = header.sparse or any(key.startswith("GNU.sparse.") for key in extensions.own)
    return Header(name, size, header.kind, link, sparse)


def _link_target(header: Header) -> str:
    """The name that a link of the archive points to, from the archive's root."""
    if header.kind == b"1" or header.link.startswith("/"):
        return header.link
    parts = header.name.split("/")[:-1]
    for part in header.link.split("/"):
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _resolved(path: str, links: dict[str, _Link]) -> str:
    for _ in range(_MAX_LINK_STEPS):
        if path not in links:
            break
        path = links[path].target
    return path


def _read_all(body: _Body, ceiling: int) -> bytes:
    data = bytearray()
    try:
        for chunk in body.chunks():
            data += chunk
            if len(data) > ceiling:
                break
    except Unreadable:
        pass
    return bytes(data)


def _chunks_of(data: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: (data[at : at + STEP] for at in range(0, len(data), STEP))
