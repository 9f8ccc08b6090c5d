"""An open artifact: its members one by one, archives inside archives opened, all under the limits."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace

from pydepgate.artifact.entry import Container, Entry, Unreadable, members_limit
from pydepgate.artifact.formats import find_containers, is_native, may_be_archive
from pydepgate.limits import HEAD_BYTES, Limits
from pydepgate.model import ArtifactInfo, Member, Note

POLYGLOT = "is a zip and a tar at once, so that programs see different files in it; both were read"

_WHOLE = {"member.crc", "member.size"}
"""Codes of problems that show only when all of a member was read."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """What is being scanned. `info` says what it is, `members()` reads it.

    `containers` are the ways to read it, more than one for a file that is made to be read in two ways;
    `notes` is what opening it showed.
    """

    info: ArtifactInfo
    containers: tuple[Container, ...]
    limits: Limits
    notes: tuple[Note, ...] = ()

    def members(self) -> Iterator[Member | Note]:
        """Yield every file, and a note on all that is odd, cut, left out or cannot be read.

        Members of one name are all yielded. An archive is yielded itself, then its members. Only one
        member is in memory at a time, with the archives around it. Broken content raises nothing.
        """
        yield from self.notes
        tally = _Tally(self.limits.members, self.limits.artifact_bytes)
        stack = [_Level(container.entries()) for container in reversed(self.containers)]
        while stack and not tally.ended:
            level = stack[-1]
            try:
                item = next(level.items, None)
            except Unreadable as error:
                item, level.items = error.note, iter(())
            except OSError as error:
                item, level.items = Note("archive.unreadable", f"cannot be read on: {error}"), iter(())
            if item is None:
                stack.pop()
            elif isinstance(item, Note):
                yield from tally.count_member(self.limits)
                if not tally.ended:
                    yield replace(item, file=level.path_of(item.file))
            else:
                yield from tally.count_member(self.limits)
                if not tally.ended:
                    member = yield from _read(item, level, self.limits, tally)
                    if member and member.complete:
                        yield from _open_nested(member, level.depth + 1, stack, self.limits)


@dataclass(slots=True)
class _Tally:
    """What may still be read, over all containers of one artifact."""

    members: int
    bytes: int
    ended: bool = False

    def count_member(self, limits: Limits) -> Iterator[Note]:
        self.members -= 1
        if self.members < 0:
            self.ended = True
            yield members_limit(limits)


@dataclass(slots=True)
class _Level:
    """A container that is being walked: `archive` is its own path (empty for the artifact itself)."""

    items: Iterator[Entry | Note]
    archive: str = ""
    depth: int = 0
    seen: set[str] = field(default_factory=set)

    def path_of(self, inside: str) -> str:
        return f"{self.archive}!/{inside}" if self.archive and inside else self.archive or inside


@dataclass(frozen=True, slots=True)
class _Content:
    """What was read of an entry. `whole`: nothing is missing; `cut`: the ceiling was met."""

    data: bytes
    whole: bool
    cut: bool = False
    problem: Note | None = None


def _read(entry: Entry, level: _Level, limits: Limits, tally: _Tally) -> Generator[Member | Note, None, Member | None]:
    """Yield a member after the notes on it; returns the member, None if nothing of it could be read."""
    path = level.path_of(entry.path)
    for note in entry.notes:
        yield replace(note, file=path)
    if entry.path in level.seen:
        yield Note("member.duplicate", "stands in the archive more than once", path)
    level.seen.add(entry.path)

    ceiling = min(limits.member_bytes, tally.bytes)
    content = _content(entry, path, ceiling)
    tally.bytes -= len(content.data)
    if content.problem:
        yield replace(content.problem, file=path)
    if content.cut and ceiling < limits.member_bytes:
        tally.ended = True
        yield Note(
            "limit.artifact-bytes",
            f"reading ended after {limits.artifact_bytes} bytes; --max-artifact-bytes raises this limit",
            path,
        )
    elif content.cut:
        yield Note(
            "limit.member-bytes",
            f"cut after {limits.member_bytes} bytes; --max-member-bytes raises this limit",
            path,
        )
    if not content.data and not content.whole:
        return None
    read = len(content.data)
    member = Member(path, content.data, read if content.whole else max(entry.size, read + 1))
    yield member
    return member


def _content(entry: Entry, path: str, ceiling: int) -> _Content:
    """Read up to `ceiling` bytes, of a native binary only its head."""
    pieces: list[bytes] = []
    size = 0
    looked = False
    try:
        for chunk in entry.chunks():
            pieces.append(chunk)
            size += len(chunk)
            if not looked and size >= HEAD_BYTES:
                looked = True
                head = b"".join(pieces)[:HEAD_BYTES]
                if is_native(path, head) and max(size, entry.size) > HEAD_BYTES:
                    return _Content(head[:ceiling], whole=False)
            if size > ceiling:
                return _Content(b"".join(pieces)[:ceiling], whole=False, cut=True)
    except Unreadable as error:
        return _Content(b"".join(pieces), whole=error.note.code in _WHOLE, problem=error.note)
    return _Content(b"".join(pieces), whole=True)


def _open_nested(member: Member, depth: int, stack: list[_Level], limits: Limits) -> Iterator[Note]:
    """Put the archives that a member is on the stack, or note that they lie too deep."""
    if not may_be_archive(member.data):
        return
    containers = find_containers(io.BytesIO(member.data), len(member.data), limits=limits)
    if containers and depth > limits.nesting:
        yield Note(
            "limit.nesting",
            f"is an archive below {limits.nesting} others and was not opened; --max-nesting raises this limit",
            member.path,
        )
        return
    if len(containers) > 1:
        yield Note("archive.polyglot", POLYGLOT, member.path)
    stack += [_Level(container.entries(), member.path, depth) for container in reversed(containers.values())]
