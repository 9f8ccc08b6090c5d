"""Scans in processes of their own: several at once, each with an end, and none that takes the guard with it.

Scanning is work for the processor, which threads cannot share where Python has a global lock. A process can also be
ended when it takes too long, and when one dies, only one scan is lost.
"""

from __future__ import annotations

import contextlib
import faulthandler
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Final

from pydepgate.errors import ArtifactError, PydepgateError
from pydepgate.guard.rules_version import rules_version, scan_version
from pydepgate.judge.rule import Rule
from pydepgate.limits import Limits
from pydepgate.model import Member, Note, Report, Severity, Verdict
from pydepgate.workers import Job, Task, Worker, WorkerDied, default_count

SCAN_SECONDS: Final = 300.0
"""How long a scan may take. The largest of popular wheels take about a minute."""

_SPARE_SECONDS: Final = 10.0
"""How much longer a scan process lives that nobody ends, since the guard was killed."""


class ScanFailed(PydepgateError):
    """A file could not be scanned; the message says why, without its name."""


class Stopped(PydepgateError):
    """The guard is ending; nothing can be scanned any more."""

    def __init__(self, message: str = "the guard was stopped") -> None:
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What a verdict depends on besides the file; it pickles."""

    limits: Limits = field(default_factory=Limits)
    rules_dir: Path | None = None
    fail_on: Severity = Severity.HIGH

    def version(self) -> str:
        """Return a digest of these options, the rules and the program. Raises OSError."""
        return scan_version(rules=rules_version(rules_dir=self.rules_dir), limits=self.limits, fail_on=self.fail_on)


class Scanners:
    """Processes that scan, so many at the most (one for each processor if None), started when they are needed."""

    def __init__(self, options: ScanOptions, /, *, count: int | None = None, seconds: float = SCAN_SECONDS) -> None:
        self._options = options
        self._seconds = seconds
        self._count = count or default_count()
        self._idle: LifoQueue[Worker | Future[Worker] | None] = LifoQueue()
        self._changing = threading.Lock()
        self._started: set[Worker] = set()
        self._busy = 0
        self._closed = False
        for _ in range(self._count):
            self._idle.put(None)

    def warm(self) -> None:
        """Start a process if none is idle: it takes a while, in which the file can be fetched."""
        try:
            token = self._idle.get_nowait()
        except Empty:
            return
        if token is None and not self._closed:
            token = Future()
            threading.Thread(target=self._warm, args=(token,), daemon=True).start()
        self._idle.put(token)

    def scan(self, path: Path, /) -> Report:
        """Scan a file or folder, when a process has time for it. Raises `ScanFailed`, `Stopped` and `RuleError`."""
        token = self._idle.get()
        worker = None
        try:
            with self._changing:
                self._busy += 1
                share = max(1, self._count // self._busy)
            worker = token.result() if isinstance(token, Future) else token
            for last in (False, True):  # one that died while it was idle is no fault of the file
                worker = worker or self._start()
                try:
                    return self._scan(worker, path, share)
                except WorkerDied:
                    self._bury(worker)
                    worker = None
                    if last:
                        raise ScanFailed("the scan died, or ran out of memory") from None
                except BaseException:
                    self._bury(worker)
                    worker = None
                    raise
            raise AssertionError("unreachable")
        finally:
            with self._changing:
                self._busy -= 1
            if worker is not None and self._closed:
                self._bury(worker)
                worker = None
            self._idle.put(worker)

    def close(self) -> None:
        """End all processes, whatever they are at; scans that are going on fail."""
        with self._changing:
            self._closed = True
            started = tuple(self._started)
        for worker in started:
            worker.stop()
        with contextlib.suppress(Empty):
            while True:
                token = self._idle.get_nowait()
                if token is not None and not isinstance(token, Future):
                    self._bury(token)
                elif token is not None and token.done() and token.exception() is None:
                    self._bury(token.result())
        for _ in range(self._count):  # whoever waits is told that it is over
            self._idle.put(None)

    def _scan(self, worker: Worker, path: Path, workers: int) -> Report:
        over = threading.Event()

        def end() -> None:
            over.set()
            worker.stop()

        timer = threading.Timer(self._seconds, end)
        timer.daemon = True
        timer.start()
        make = partial(_scan_here, options=self._options, workers=workers, seconds=self._seconds + _SPARE_SECONDS)
        task: Task = Member(str(path), b"", 0)
        try:
            (seen,) = worker.look(Job(make, _lost), [task])
        except WorkerDied:
            if over.is_set():
                raise ScanFailed(f"the scan took more than {self._seconds:g} s") from None
            if self._closed:
                raise Stopped from None
            raise
        finally:
            timer.cancel()
        return _checked(seen.made or _lost(str(path), 0))

    def _start(self) -> Worker:
        from pydepgate.elsewhere import ProcessWorker

        with self._changing:
            if self._closed:
                raise Stopped
        try:
            worker = ProcessWorker()
        except (OSError, WorkerDied) as error:
            raise ScanFailed(f"no process for scanning could be started: {error}") from None
        with self._changing:
            self._started.add(worker)
            closed = self._closed
        if closed:
            self._bury(worker)
            raise Stopped
        return worker

    def _warm(self, token: Future[Worker]) -> None:
        try:
            token.set_result(self._start())
        except BaseException as error:
            token.set_exception(error)

    def _bury(self, worker: Worker) -> None:
        """Close a process, and forget it."""
        with self._changing:
            self._started.discard(worker)
        worker.close()


def _scan_here(task: Member, *, options: ScanOptions, workers: int, seconds: float) -> Report:
    """Scan, in a process that serves a guard. `task`: a member whose path is that of what is to be scanned."""
    from pydepgate.scanner import observe, report_on

    start = time.perf_counter()
    if sys.stderr is not None:
        faulthandler.dump_traceback_later(seconds, exit=True)  # the guard may have gone
    try:
        seen = observe(task.path, limits=options.limits, workers=workers)
        rules = _rules(options.rules_dir) if seen.signals else None
        return report_on(seen, rules=rules, fail_on=options.fail_on, start=start)
    except ArtifactError as error:
        raise ScanFailed(str(error)) from None
    finally:
        faulthandler.cancel_dump_traceback_later()


@cache
def _rules(extra: Path | None) -> tuple[Rule, ...]:
    from pydepgate.detect import SIGNALS
    from pydepgate.judge.compiled import compiled_rules
    from pydepgate.judge.rules import load_rules

    shipped = compiled_rules() if extra is None else None
    return shipped or load_rules(extra=extra, known_signals=frozenset(SIGNALS))


def _lost(path: str, size: int, /) -> Report:
    """Stand in for the report of a scan that ran out of memory."""
    from pydepgate.model import ArtifactInfo

    return Report(ArtifactInfo(path, "file"), Verdict.BLOCK, notes=(Note("worker.died", "ran out of memory"),))


def _checked(report: Report) -> Report:
    """Raise `ScanFailed` if a part of the file could not be looked at at all."""
    for note in report.notes:
        if note.code == "worker.died":
            raise ScanFailed(f"{note.file or 'it'} {note.message}")
    return report
