"""An open artifact: its members one by one, archives inside archives opened, all under the limits."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pydepgate.artifact.entry import Container, Entry, Unreadable, members_limit
from pydepgate.artifact.formats import find_containers, is_native, may_be_archive
from pydepgate.limits import HEAD_BYTES, Limits
from pydepgate.model import ArtifactInfo, Member, Note

T = TypeVar("T")

POLYGLOT = "is a zip and a tar at once, so that programs see different files in it; both were read"

_WHOLE = {"member.crc", "member.size"}
"""Codes of problems that show only when all of a member was read."""

Place = tuple[int, ...]
"""Where a member is: the number of its container and its own number in there, behind the place of the archive that
holds the container, if it is in one."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file that a container lists, before it is read. The paths in its entry are those of the artifact."""

    place: Place
    entry: Entry


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What reading a member gave. `made`: what was made of it, None if nothing of it could be read.

    `length`: bytes that were read, at the most `ceiling`; `cut`: there were more. `archive`: it may be one, and is
    complete; `data` is then its content if it cannot be read once more.
    """

    made: T | None
    length: int
    ceiling: int
    cut: bool = False
    problem: Note | None = None
    archive: bool = False
    data: bytes = b""


@dataclass(slots=True)
class Tally:
    """What may still be read, over all containers of one artifact."""

    members: int
    bytes: int
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What was made of a member, and what is needed to read it once more exactly as it was read."""

    place: Place
    made: T
    ceiling: int


Look = Callable[[Iterator[Item | Note], Tally], Iterator[tuple[Item, Seen[T]] | Note]]
"""How the items of a container are read, and something is made of each. It gives them, and the notes, in their order;
when it is asked for the next one, all before it have been taken off the tally."""


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

        def look(items: Iterator[Item | Note], tally: Tally) -> Iterator[tuple[Item, Seen[Member]] | Note]:
            for item in items:
                if isinstance(item, Note):
                    yield item
                else:
                    yield item, see(item.entry, min(self.limits.member_bytes, tally.bytes), itself)

        for found in self.walk(look):
            yield found if isinstance(found, Note) else found.made

    def walk(self, look: Look[T], /) -> Iterator[Found[T] | Note]:
        """Yield what `look` makes of every member, with the notes: the order and the limits are those of `members`."""
        yield from self.notes
        tally = Tally(self.limits.members, self.limits.artifact_bytes)
        stack = [look(_items(container, "", (at,)), tally) for at, container in _numbered(self.containers)]
        while stack and not tally.ended:
            listed = next(stack[-1], None)
            if listed is None:
                stack.pop()
                continue
            tally.members -= 1
            if tally.members < 0:
                yield members_limit(self.limits)
                return
            if isinstance(listed, Note):
                yield listed
                continue
            item, seen = listed
            yield from item.entry.notes
            yield from _notes_on(seen, item.entry.path, self.limits, tally)
            if seen.made is not None:
                yield Found(item.place, seen.made, seen.ceiling)
            if seen.archive:
                yield from self._open_nested(item, seen, look, stack, tally)

    def _open_nested(
        self,
        item: Item,
        seen: Seen[T],
        look: Look[T],
        stack: list[Iterator[tuple[Item, Seen[T]] | Note]],
        tally: Tally,
    ) -> Iterator[Note]:
        """Put the archives that a member is on the stack, or note that they lie too deep."""
        path = item.entry.path
        data = seen.data or _content(item.entry, seen.ceiling).data
        containers = find_containers(io.BytesIO(data), len(data), limits=self.limits)
        if containers and len(item.place) > 2 * self.limits.nesting:
            yield Note(
                "limit.nesting",
                f"is an archive below {self.limits.nesting} others and was not opened; --max-nesting raises this limit",
                path,
            )
            return
        if len(containers) > 1:
            yield Note("archive.polyglot", POLYGLOT, path)
        for at, container in _numbered(containers.values()):
            stack.append(look(_items(container, path, (*item.place, at)), tally))


def _numbered(containers: Collection[Container]) -> list[tuple[int, Container]]:
    """The containers with their numbers, the last first, as they lie on the stack."""
    return list(enumerate(containers))[::-1]


def _items(container: Container, archive: str, place: Place) -> Iterator[Item | Note]:
    """Yield what a container lists; `archive` is its own path (empty for the artifact itself)."""
    known: set[str] = set()

    def path_of(inside: str) -> str:
        return f"{archive}!/{inside}" if archive and inside else archive or inside

    try:
        for number, entry in enumerate(container.entries()):
            path = path_of(entry.file if isinstance(entry, Note) else entry.path)
            if isinstance(entry, Note):
                yield replace(entry, file=path)
                continue
            notes = [replace(note, file=path) for note in entry.notes]
            if path in known:
                notes.append(Note("member.duplicate", "stands in the archive more than once", path))
            known.add(path)
            yield Item((*place, number), replace(entry, path=path, notes=tuple(notes)))
    except Unreadable as error:
        yield replace(error.note, file=path_of(error.note.file))
    except OSError as error:
        yield Note("archive.unreadable", f"cannot be read on: {error}", archive)


def _notes_on(seen: Seen[T], path: str, limits: Limits, tally: Tally) -> Iterator[Note]:
    """Take what was read off the tally, and yield the notes on what of it is missing."""
    tally.bytes -= seen.length
    if seen.problem:
        yield replace(seen.problem, file=path)
    if seen.cut and seen.ceiling < limits.member_bytes:
        tally.ended = True
        yield Note(
            "limit.artifact-bytes",
            f"reading ended after {limits.artifact_bytes} bytes; --max-artifact-bytes raises this limit",
            path,
        )
    elif seen.cut:
        yield Note(
            "limit.member-bytes",
            f"cut after {limits.member_bytes} bytes; --max-member-bytes raises this limit",
            path,
        )


def itself(member: Member, /) -> Member:
    """Make nothing of a member."""
    return member


def see(entry: Entry, ceiling: int, make: Callable[[Member], T], /) -> Seen[T]:
    """Read up to `ceiling` bytes of an entry, and make something of it."""
    content = _content(entry, ceiling)
    length = len(content.data)
    if not length and not content.whole:
        return Seen(None, 0, ceiling, content.cut, content.problem)
    member = Member(entry.path, content.data, length if content.whole else max(entry.size, length + 1))
    archive = member.complete and may_be_archive(member.data)
    data = member.data if archive and not entry.alone else b""
    return Seen(make(member), length, ceiling, content.cut, content.problem, archive, data)


@dataclass(frozen=True, slots=True)
class _Content:
    """What was read of an entry. `whole`: nothing is missing; `cut`: the ceiling was met."""

    data: bytes
    whole: bool
    cut: bool = False
    problem: Note | None = None


def _content(entry: Entry, ceiling: int) -> _Content:
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
                if is_native(entry.path, head) and max(size, entry.size) > HEAD_BYTES:
                    return _Content(head[:ceiling], whole=False)
            if size > ceiling:
                return _Content(b"".join(pieces)[:ceiling], whole=False, cut=True)
    except Unreadable as error:
        return _Content(b"".join(pieces), whole=error.note.code in _WHOLE, problem=error.note)
    return _Content(b"".join(pieces), whole=True)
