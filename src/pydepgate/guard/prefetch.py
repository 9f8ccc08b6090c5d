"""Files that a client will probably ask for, fetched and scanned while it is still asking about others.

A client that reads a file's metadata first (PEP 658) mostly wants the file next, and pip wants one after the other.
Only the first file of a project is taken: later ones are tried by a resolver that goes back, and mostly thrown away.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

LARGEST: Final = 256 * 1024**2
"""A larger file is left until it is asked for: some clients only wanted to know what it depends on."""

WAITING: Final = 256
"""Files that wait to be fetched; further ones are left."""


class Prefetcher:
    """Does work in a few threads, the first piece of each name only."""

    def __init__(self, threads: int, /) -> None:
        self._most = threads
        self._changing = threading.Lock()
        self._seen: set[str] = set()
        self._waiting: deque[Callable[[], object]] = deque(maxlen=WAITING)
        self._threads = 0
        self._closed = False

    def expect(self, name: str, work: Callable[[], object], /) -> None:
        """Have `work`, which raises nothing, done soon, unless there was work of that name before."""
        with self._changing:
            if self._closed or name in self._seen or len(self._waiting) == WAITING:
                return
            self._seen.add(name)
            self._waiting.append(work)
            if self._threads == self._most:
                return
            self._threads += 1
        # a daemon: the program does not wait at its end for what nobody has asked for
        threading.Thread(target=self._run, name="pydepgate-ahead", daemon=True).start()

    def close(self) -> None:
        """Begin nothing more."""
        with self._changing:
            self._closed = True
            self._waiting.clear()

    def _run(self) -> None:
        while True:
            with self._changing:
                if not self._waiting:
                    self._threads -= 1
                    return
                work = self._waiting.popleft()
            work()
