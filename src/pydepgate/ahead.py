"""Looking at the members of an artifact, ahead of whoever takes the results: these come in the order of the members.

Workers read what can be read on its own (`Entry.alone`: files on disk, and members of a zip there). Everything else, a
stream, is read here in its order and handed to them, a bounded number of bytes at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from pydepgate.artifact.artifact import Artifact, Found, Item, Place, Seen, Tally, itself, see
from pydepgate.limits import KIB, MIB, Limits
from pydepgate.model import Member, Note
from pydepgate.workers import Crew, Job, Results, Task, ThreadWorker

T = TypeVar("T")

BATCH_BYTES: Final = 256 * KIB
BATCH_MEMBERS: Final = 64
"""What a worker gets at a time at the most: starting its thread and carrying the facts back is then a small part of
the work, and little is left to do when the last one is alone."""

AHEAD_ITEMS: Final = 1024
"""Items of a container that are known before their turn. The large files among them are looked at first, so that
none of those is the last."""

AHEAD_BYTES: Final = 16 * MIB
"""Bytes of a stream that are in memory before their turn; one member may be larger."""


@dataclass(slots=True)
class _Slot(Generic[T]):
    """An item that waits for its turn. `read`: what reading it here gave; `task`: what is left for a worker to do, and
    `results` with `number` where that will be."""

    item: Item | Note
    read: Seen[Member] | None = None
    task: Task | None = None
    results: Results[T] | None = None
    number: int = 0

    @property
    def size(self) -> int:
        """Bytes to look at, as far as is known."""
        if isinstance(self.task, Member):
            return len(self.task.data)
        return min(self.task[0].size, self.task[1]) if self.task else 0

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return self.read.length if self.read else 0

    @property
    def is_python(self) -> bool:
        """Whether it is Python by its name, of which there has to be much to make workers worth it."""
        return isinstance(self.item, Item) and self.item.entry.path.endswith(".py")


def look_over(
    artifact: Artifact, job: Job[T], crew: Crew, /, *, again: Mapping[Place, int] | None = None
) -> Iterator[Found[T] | Note]:
    """Yield what the job makes of the members, and the notes on them, in their order.

    `again` names the only members to look at, with their ceilings, as `Found` of an earlier time has them. The archives
    that they are in are looked at as well, and notes are of no use then.
    """

    def look(items: Iterator[Item | Note], tally: Tally) -> Iterator[tuple[Item, Seen[T]] | Note]:
        chosen = items if again is None else _chosen(items, again)
        return _look_ahead(chosen, tally, job, crew, artifact.limits, again or {})

    return artifact.walk(look)


def _chosen(items: Iterator[Item | Note], again: Mapping[Place, int]) -> Iterator[Item | Note]:
    """Leave out all but members that are looked at again, and the archives that they are in."""
    wanted = {place[:length] for place in again for length in range(2, len(place) + 1, 2)}
    return (item for item in items if isinstance(item, Item) and item.place in wanted)


def _look_ahead(
    items: Iterator[Item | Note], tally: Tally, job: Job[T], crew: Crew, limits: Limits, ceilings: Mapping[Place, int]
) -> Iterator[tuple[Item, Seen[T]] | Note]:
    waiting: deque[_Slot[T]] = deque()
    held = 0
    more = True
    while True:
        if not waiting or (more and len(waiting) <= AHEAD_ITEMS // 2 and held <= AHEAD_BYTES // 2):
            fresh: list[_Slot[T]] = _next_slots(items, limits, ceilings, left=tally.bytes - held)
            held += sum(slot.held for slot in fresh)
            more = bool(fresh) and not _is_barrier(fresh[-1])
            _submit(fresh, job, crew)
            waiting += fresh
        if not waiting:
            return
        slot = waiting.popleft()
        held -= slot.held
        if isinstance(slot.item, Note):
            yield slot.item
            continue
        seen = _outcome(slot)
        if slot.read is None and seen.length > tally.bytes:
            (seen,) = ThreadWorker().look(job, [(slot.item.entry, tally.bytes)])
        yield slot.item, seen


def _next_slots(
    items: Iterator[Item | Note], limits: Limits, ceilings: Mapping[Place, int], *, left: int
) -> list[_Slot[T]]:
    """Take items until there are enough; the entries of a stream are read at once, `left` bytes of them at the most."""
    slots: list[_Slot[T]] = []
    held = 0
    for item in items:
        slot: _Slot[T] = _Slot(item)
        slots.append(slot)
        if isinstance(item, Item):
            ceiling = ceilings.get(item.place, limits.member_bytes)
            if item.entry.alone:
                slot.task = (item.entry, ceiling)
            else:
                slot.read = see(item.entry, min(ceiling, left - held), itself)
                slot.task = slot.read.made
                held += slot.held
        if len(slots) >= AHEAD_ITEMS or held >= AHEAD_BYTES or _is_barrier(slot):
            break
    return slots


def _is_barrier(slot: _Slot[T]) -> bool:
    """Whether nothing of the stream may be read on before this one had its turn: its members come next and count
    first, or it is the last."""
    return slot.read is not None and (slot.read.archive or slot.read.cut)


def _submit(slots: Sequence[_Slot[T]], job: Job[T], crew: Crew) -> None:
    """Give the crew what is to be done, the large files first."""
    crew.expect(sum(slot.size for slot in slots if slot.is_python))
    for batch in sorted(_batches(slots), key=lambda batch: batch[0].size < BATCH_BYTES):
        results = crew.submit(job, [slot.task for slot in batch if slot.task is not None])
        for number, slot in enumerate(batch):
            slot.results, slot.number = results, number


def _batches(slots: Sequence[_Slot[T]]) -> Iterator[list[_Slot[T]]]:
    """Divide what is to be done; a large file is a batch by itself."""
    batch: list[_Slot[T]] = []
    size = 0
    for slot in slots:
        if slot.task is None:
            continue
        if slot.size >= BATCH_BYTES:
            yield [slot]
            continue
        batch.append(slot)
        size += slot.size
        if size >= BATCH_BYTES or len(batch) == BATCH_MEMBERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _outcome(slot: _Slot[T]) -> Seen[T]:
    made: Seen[T] | None = slot.results()[slot.number] if slot.results is not None else None
    if slot.read is None:
        assert made is not None
        return made
    return replace(slot.read, made=made.made if made is not None else None)  # type: ignore[return-value,arg-type]
