"""What the readers of containers give to the walk over an artifact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pydepgate.limits import Limits
from pydepgate.model import Note


class Unreadable(Exception):
    """Reading ends here, for the reason that `note` gives; what was read before it stays good."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.note = Note(code, message)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a container, not read yet.

    `size` is what the container declares, in bytes. `chunks` starts reading: an iterator of non-empty
    pieces that raises `Unreadable` where it cannot go on. The entries of a stream have to be read
    before the next one is asked for, and only once. `notes` say what is odd about the entry. `alone`: it can
    be read at any time, by any thread, and after pickling by any process.
    """

    path: str
    size: int
    chunks: Callable[[], Iterator[bytes]]
    notes: tuple[Note, ...] = ()
    alone: bool = False


def members_limit(limits: Limits, /) -> Note:
    """Return the note on an artifact with more members than the limit."""
    message = f"reading ended after {limits.members} members; --max-members raises this limit"
    return Note("limit.members", message)


class Container(Protocol):
    """Anything that holds files: an archive, a folder, an installed distribution."""

    def entries(self) -> Iterator[Entry | Note]:
        """Yield what it holds, in its own order; raises `Unreadable` where that ends too early."""
        ...
