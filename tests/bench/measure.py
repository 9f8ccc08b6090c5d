"""Run programs as whole processes, in turns, and keep what each run took."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

HAS_AFFINITY: Final = hasattr(os, "sched_setaffinity")
_TOLD: Final = 400
"""Characters of a failed program's last words that are shown."""


class BenchError(Exception):
    """The benchmark cannot go on; the message says what to do."""


class RunError(Exception):
    """One program did not do its work: it took too long, or ended with a status that it should not."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something to measure: one process, or several one after the other.

    `statuses` are the exit statuses that mean that the work was done. With `printed`, the first number that the program
    prints is the value, and the second, if there, its processor time. `combine` makes one value of several processes'.
    """

    name: str
    processes: tuple[tuple[str, ...], ...]
    statuses: frozenset[int] = frozenset({0})
    printed: bool = False
    combine: Literal["sum", "median"] = "sum"
    cores: int = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run took: seconds by the clock (or what the program printed), and seconds of processor time."""

    value: float
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What all runs of a command took; `failure` says why there are none."""

    samples: tuple[Sample, ...] = ()
    failure: str = ""

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(sample.value for sample in self.samples)

    @property
    def least(self) -> float:
        """The least value, which other work on the machine disturbed least."""
        return min(sample.value for sample in self.samples)

    @property
    def cpu(self) -> float:
        """The middle processor time in seconds, 0 where it is not known."""
        return statistics.median(sample.cpu for sample in self.samples)


@dataclass(slots=True)
class _Log:
    samples: list[Sample] = field(default_factory=list)
    failure: str = ""


def say(text: str, /) -> None:
    """Write one line of progress to standard error."""
    print(text, file=sys.stderr, flush=True)


def alternate(
    commands: Sequence[Command],
    /,
    *,
    rounds: int,
    limit: float,
    run_one: Callable[[Command, float], Sample] | None = None,
) -> Mapping[str, Measured]:
    """Run every command once a round, to and fro, so that a change of the machine's load meets all alike.

    `limit` is the most seconds of one process. A command that fails is not run again, and the others go on. `run_one`
    stands in for `run`.
    """
    logs = {command.name: _Log() for command in commands}
    for number in range(1, rounds + 1):
        for command in commands if number % 2 else reversed(commands):
            log = logs[command.name]
            if log.failure:
                continue
            try:
                sample = (run_one or run)(command, limit)
            except RunError as error:
                log.failure = str(error)
                say(f"  {command.name}: {error}")
                continue
            log.samples.append(sample)
            say(f"  round {number}/{rounds}  {command.name}: {sample.value:.3f}")
    return {
        name: Measured((), log.failure) if log.failure else Measured(tuple(log.samples)) for name, log in logs.items()
    }


def run(command: Command, limit: float, /) -> Sample:
    """Run the command's processes once. Raises `RunError` if one fails or takes longer than `limit` seconds."""
    samples = [_process(command, argv, limit) for argv in command.processes]
    combine = statistics.median if command.combine == "median" else sum
    return Sample(float(combine([one.value for one in samples])), float(combine([one.cpu for one in samples])))


def _process(command: Command, argv: Sequence[str], limit: float) -> Sample:
    out = subprocess.PIPE if command.printed else subprocess.DEVNULL
    late = threading.Event()
    with tempfile.TemporaryFile() as errors, _pinned(command.cores):
        start = time.perf_counter()
        try:
            # a session of its own, so that the whole family can be ended
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, start_new_session=True
            )
        except OSError as error:
            raise RunError(f"cannot be started: {error}") from None

        def stop() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(limit, stop)
        timer.start()
        try:
            printed = process.stdout.read() if process.stdout is not None else b""
            cpu = _wait(process)
        except BaseException:  # the interrupt of the user as well
            _kill(process)
            raise
        finally:
            timer.cancel()
            if process.stdout is not None:
                process.stdout.close()
        seconds = time.perf_counter() - start
        if late.is_set():
            raise RunError(f"took longer than {limit:g} s (--limit), and was ended")
        if process.returncode not in command.statuses:
            errors.seek(0)
            words = errors.read().decode("utf-8", "replace").strip()[-_TOLD:]
            raise RunError(f"exit status {process.returncode}: {words or 'no message'}")
    if not command.printed:
        return Sample(seconds, cpu)
    try:
        value, *rest = map(float, printed.split())
    except ValueError:
        raise RunError(f"printed no number: {printed[:_TOLD]!r}") from None
    return Sample(value, rest[0] if rest else 0.0)


def _wait(process: subprocess.Popen[bytes]) -> float:
    """Wait for the process, and return its processor seconds with those of what it waited for, 0 if unknown."""
    if not hasattr(os, "wait4"):
        process.wait()
        return 0.0
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


@contextlib.contextmanager
def _pinned(cores: int) -> Iterator[None]:
    """Keep this thread, and what it starts, on so many of its cores; nothing where the system cannot."""
    if not HAS_AFFINITY:
        yield
        return
    before = os.sched_getaffinity(0)
    # the last ones: the first is where a system likes to serve its interrupts
    os.sched_setaffinity(0, set(sorted(before)[-cores:]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
