"""The members of an archive that a payload holds, in memory and within a budget."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from pydepgate.artifact.entry import Entry, Unreadable
from pydepgate.artifact.formats import find_containers
from pydepgate.limits import Limits
from pydepgate.model import Note
from pydepgate.payload.budget import STOPPED_BY_BUDGET, Budget

MAX_FILES = 4096
"""Files of one archive that are looked at."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of an archive; `problem` says why `data` is not all of it, if it is not."""

    path: str
    data: bytes
    problem: str = ""


def members(content: bytes, /, *, budget: Budget) -> Iterator[File]:
    """Yield the files in a zip or tar archive, at most `MAX_FILES` of them, read as those of an artifact are.

    A member is cut where `budget` ends; of a broken one there is what stands before the damage.
    """
    left = MAX_FILES
    for container in find_containers(io.BytesIO(content), len(content), limits=Limits()).values():
        try:
            for entry in container.entries():
                if isinstance(entry, Note):
                    continue
                if not left or budget.exhausted:
                    return
                left -= 1
                yield _read(entry, budget)
        except Unreadable:
            continue


def _read(entry: Entry, budget: Budget) -> File:
    data = bytearray()
    problem = ""
    try:
        for chunk in entry.chunks():
            data += chunk
            if len(data) > budget.bytes_left:
                del data[budget.bytes_left :]
                problem = STOPPED_BY_BUDGET
                break
    except Unreadable as error:
        problem = error.note.message
    budget.spend(len(data))
    return File(entry.path, bytes(data), problem)
