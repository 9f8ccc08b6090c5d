"""Workers outside of the interpreter that scans: what they are given, and what they give back, is pickled."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from pydepgate.artifact.artifact import Seen
from pydepgate.collector import rare_collections
from pydepgate.workers import Job, Task, WorkerDied, deeply, look_at

T = TypeVar("T")


def answer(request: bytes, /) -> bytes:
    """Look at a pickled job and batch, in another interpreter; returns what was seen, or raised, pickled."""
    try:
        recursion, job, batch = pickle.loads(request)
        if recursion != sys.getrecursionlimit():
            sys.setrecursionlimit(recursion)
        result: tuple[bool, object] = True, deeply(look_at, job, batch, daemon=False)
    except Exception as error:
        result = False, error
    try:
        return pickle.dumps(result)
    except Exception:  # not every exception can be pickled
        return pickle.dumps((False, RuntimeError(repr(result[1]))))


def _request(job: Job[T], batch: Sequence[Task]) -> bytes:
    return pickle.dumps((sys.getrecursionlimit(), job, batch))


def _result(response: bytes) -> Any:
    worked, result = pickle.loads(response)
    if not worked:
        raise result
    return result


class InterpreterWorker:
    """Looks in an interpreter of its own, which has its own lock (Python 3.14 and newer)."""

    def __init__(self) -> None:
        from concurrent import interpreters  # type: ignore[attr-defined,unused-ignore]

        self._interpreter = interpreters.create()
        self._interpreter.prepare_main(path=tuple(sys.path))
        self._interpreter.exec("import sys; sys.path[:] = path; import pydepgate.analyse")

    def look(self, job: Job[T], batch: Sequence[Task], /) -> Sequence[Seen[T]]:
        """Look in the interpreter."""
        with rare_collections():
            seen: Sequence[Seen[T]] = _result(self._interpreter.call(answer, _request(job, batch)))
        return seen

    def stop(self) -> None:
        """Nothing ends an interpreter before its time."""

    def close(self) -> None:
        """End the interpreter."""
        self._interpreter.close()


SERVE: Final = """\
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from pydepgate.elsewhere import serve
serve()
"""
"""The program of a worker process: `-I` keeps it from importing out of the working folder before it has its path."""


class ProcessWorker:
    """Looks in a process of its own: one that is started anew, since a fork of threads is not safe, and which does not
    import the program that calls the scanner, as those of `multiprocessing` do."""

    def __init__(self) -> None:
        # in a group of its own: Ctrl-C is for the process that was started by hand, which ends this one
        own_group: Any = {"creationflags": 0x200} if sys.platform == "win32" else {"process_group": 0}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **own_group,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests, self._answers = self.process.stdin, self.process.stdout
        try:
            pickle.dump(sys.path, self._requests)
            self._ask(pickle.dumps((sys.getrecursionlimit(), None, ())))  # it answers once it has started
        except BaseException:
            self.close()
            raise

    def look(self, job: Job[T], batch: Sequence[Task], /) -> Sequence[Seen[T]]:
        """Look in the process."""
        seen: Sequence[Seen[T]] = _result(self._ask(_request(job, batch)))
        return seen

    def _ask(self, request: bytes) -> bytes:
        try:
            pickle.dump(request, self._requests)
            self._requests.flush()
            response: bytes = pickle.load(self._answers)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise WorkerDied from error
        return response

    def stop(self) -> None:
        """Kill the process."""
        self.process.kill()

    def close(self) -> None:
        """End the process, which holds nothing that has to be saved."""
        self.process.kill()
        self.process.wait()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):  # what was not written is of no interest
                pipe.close()


def serve() -> None:
    """Answer the requests on standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may write between the answers
    with rare_collections(), contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            pickle.dump(answer(pickle.load(sys.stdin.buffer)), answers)
            answers.flush()
