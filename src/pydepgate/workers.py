"""Workers that look at batches of members: threads, interpreters or processes, as Python can use several processors.

Whoever does the work, a batch is looked at in a thread that is started for it, with a stack of one size and nothing on
it: how deep a source may be nested is the same for every number and kind of workers.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from pydepgate.artifact.artifact import Seen, see
from pydepgate.artifact.entry import Entry
from pydepgate.collector import rare_collections
from pydepgate.limits import KIB, MIB
from pydepgate.model import Member

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")

STACK_BYTES: Final = 16 * MIB
"""Stack of a thread that looks at members. Python's own limits on nesting (3.11 to 3.13) need 4 MiB on a free-threaded
build; later versions nest as deep as the stack allows. Only what is used of it takes memory."""

MAX_WORKERS: Final = 8
"""Workers that are started unless more are asked for: each interpreter or process takes about 40 MB."""

WAKE_SECONDS: Final = 0.25
"""How long the caller waits at a time: Windows lets no Ctrl-C through while it waits."""

Task = tuple[Entry, int] | Member
"""What a worker gets: an entry to read, and its ceiling in bytes; or a member that was read already."""


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """What is made of members. `lost` makes it of one whose worker died, out of its path and size. Both pickle."""

    make: Callable[[Member], T]
    lost: Callable[[str, int], T]


Results = Callable[[], Sequence[Seen[T]]]
"""Gives what was seen in a batch, when it is there."""


def look_at(job: Job[T], batch: Sequence[Task], /) -> list[Seen[T]]:
    """Make of every member in a batch what the job says."""
    return [_look_at_one(job, task) for task in batch]


def _look_at_one(job: Job[T], task: Task) -> Seen[T]:
    try:
        if isinstance(task, Member):
            return Seen(job.make(task), len(task.data), len(task.data))
        return see(*task, job.make)
    except MemoryError:
        return _lost(job, task)


def _lost(job: Job[T], task: Task) -> Seen[T]:
    path, size = (task.path, task.size) if isinstance(task, Member) else (task[0].path, task[0].size)
    return Seen(job.lost(path, size), 0, 0)


_STARTING = threading.Lock()


def deeply(function: Callable[..., T], /, *args: object, daemon: bool) -> T:
    """Call a function in a thread of its own with a deep stack; returns what it does, or raises it."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(function(*args))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=daemon)
    with _STARTING:  # the size is that of the next threads of the whole process
        before = _stack_size(STACK_BYTES)
        try:
            thread.start()
        finally:
            _stack_size(before)
    while thread.is_alive():
        thread.join(WAKE_SECONDS)
    if failed:
        raise failed[0]
    return done[0]


def _stack_size(size: int | None) -> int | None:
    try:
        return threading.stack_size(size) if size is not None else None
    except (ValueError, RuntimeError):  # a platform that has another opinion
        return None


class WorkerDied(Exception):
    """A worker ended amid a batch, without a result."""


class Worker(Protocol):
    """Who looks at batches, one at a time."""

    def look(self, job: Job[T], batch: Sequence[Task], /) -> Sequence[Seen[T]]:
        """Return what is seen; raises `WorkerDied`, and what the job raises."""
        ...

    def stop(self) -> None:
        """End what it is doing, if that is possible; called by another thread."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class ThreadWorker:
    """Looks in the process itself."""

    def look(self, job: Job[T], batch: Sequence[Task], /) -> Sequence[Seen[T]]:
        """Look in a deep thread."""
        # a daemon: nobody who presses Ctrl-C waits for it
        return deeply(look_at, job, batch, daemon=True)

    def stop(self) -> None:
        """Nothing ends a thread before its time."""

    def close(self) -> None:
        """There is nothing to give back."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of workers. `worth`: bytes of Python from which several are faster than one. `stops`: whether one can be
    stopped amid its work."""

    start: Callable[[], Worker]
    worth: int
    stops: bool = False


def _interpreter() -> Worker:
    from pydepgate.elsewhere import InterpreterWorker

    return InterpreterWorker()


def _process() -> Worker:
    from pydepgate.elsewhere import ProcessWorker

    return ProcessWorker()


THREADS: Final = Kind(ThreadWorker, 128 * KIB)
PROCESSES: Final = Kind(_process, MIB, stops=True)
INTERPRETERS: Final = Kind(_interpreter, 2 * MIB)
"""Where each begins to pay: a megabyte of popular Python takes one worker about a second. A process takes 0.28 s to
start, an interpreter 0.48 s, both mostly for importing this package (processor time of scans with two workers less that
with one, by size, on one machine); a thread takes next to nothing. Two workers have to save at least that."""


def best_kind() -> Kind:
    """Return the kind of workers that this Python can use several processors with."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return THREADS
    return INTERPRETERS if sys.version_info >= (3, 14) else PROCESSES


def default_count() -> int:
    """Return how many workers there are if nobody says: one for each processor that may be used."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, MAX_WORKERS)


class Crew:
    """The workers of one scan: started once there is enough for them to do, until then the caller's own thread."""

    def __init__(self, count: int, kind: Kind, /) -> None:
        self.count = count
        self._kind = kind
        self._pool: ThreadPoolExecutor | None = None
        self._idle: SimpleQueue[Worker | None] = SimpleQueue()
        self._started: list[Worker] = []
        self._changing = threading.Lock()
        self._closed = False

    @property
    def started(self) -> tuple[Worker, ...]:
        """Every worker that was ever started."""
        return tuple(self._started)

    def expect(self, work: int, /) -> None:
        """Start workers if so many bytes of Python are worth it."""
        if self._pool is None and self.count > 1 and work >= self._kind.worth:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self.count, "pydepgate")
            self._let_all_start()

    def submit(self, job: Job[T], batch: Sequence[Task], /) -> Results[T]:
        """Give a batch to the next worker with time for it; without workers, it has to wait for its results to be
        asked for."""
        if self._pool is None:
            return cache(partial(ThreadWorker().look, job, batch))
        return partial(_awaited, self._pool.submit(self._look, job, batch))

    def close(self, *, at_once: bool) -> None:
        """End all workers; `at_once` without waiting for those that cannot be stopped."""
        with self._changing:
            self._closed = True
            idle = [self._idle.get() for _ in range(self._idle.qsize())]
            self._let_all_start()  # and see that it is over
        if self._pool is None:
            return
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._started if at_once else ():
            worker.stop()
        for each in idle:
            if each is not None:
                each.close()
        self._pool.shutdown(wait=not at_once or self._kind.stops)

    def _let_all_start(self) -> None:
        for _ in range(self.count):
            self._idle.put(None)

    def _look(self, job: Job[T], batch: Sequence[Task]) -> Sequence[Seen[T]]:
        worker = self._idle.get()
        try:
            try:
                worker = worker or self._start()
                return worker.look(job, batch)
            except WorkerDied:
                worker = _bury(worker)
            seen: list[Seen[T]] = []
            for task in batch:  # at least one of them was more than it could bear
                try:
                    worker = worker or self._start()
                    seen += worker.look(job, [task])
                except WorkerDied:
                    worker = _bury(worker)
                    seen.append(_lost(job, task))
            return seen
        finally:
            self._give_back(worker)

    def _start(self) -> Worker:
        with self._changing:  # one at a time, so that none is started that `close` does not see
            if self._closed:
                raise RuntimeError("the scan is over")
            try:
                worker = self._kind.start()
            except Exception:  # where processes are forbidden, for example
                worker = ThreadWorker()
            self._started.append(worker)
            return worker

    def _give_back(self, worker: Worker | None) -> None:
        with self._changing:
            if not self._closed:
                self._idle.put(worker)
                return
        if worker is not None:
            worker.close()


def _awaited(future: Future[T], /) -> T:
    while not future.done():
        with contextlib.suppress(TimeoutError):
            future.exception(WAKE_SECONDS)
    return future.result()


def _bury(worker: Worker | None) -> Worker | None:
    """Close a worker that died; returns who is in its place: nobody yet."""
    if worker is not None:
        worker.close()
    return None


@contextmanager
def hired(count: int | None = None, kind: Kind | None = None, /) -> Iterator[Crew]:
    """Give the workers of one scan, so many at the most: as many as there are processors if None. They are ended with
    the block."""
    crew = Crew(count or default_count(), kind or best_kind())
    finished = False
    try:
        with rare_collections():
            yield crew
        finished = True
    finally:
        crew.close(at_once=not finished)
