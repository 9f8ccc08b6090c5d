"""An open artifact: its members one by one, archives inside archives opened, all under the limits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pydepgate.artifact.entry import Container, Entry, Unreadable
from pydepgate.artifact.formats import find_containers, is_native
from pydepgate.limits import HEAD_BYTES, Limits
from pydepgate.model import ArtifactInfo, Member, Note


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
                item = error.note
                level.items = iter(())
            if item is None:
                stack.pop()
            elif isinstance(item, Note):
                yield from tally.count_member(self.limits)
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
            yield Note(
                "limit.members", f"reading ended after {limits.members} members; --max-members raises this limit"
            )


@dataclass(slots=True)
class _Level:
    """A container that is being walked: `archive` is its own path (empty for the artifact itself)."""

    items: Iterator[Entry | Note]
    archive: str = ""
    depth: int = 0
    seen: set[str] = field(default_factory=set)

    def path_of(self, inside: str) -> str:
        return f"{self.archive}!/{inside}" if self.archive and inside else self.archive or inside


def _read(entry: Entry, level: _Level, limits: Limits, tally: _Tally) -> Iterator[Member | Note]:
    ...
