"""Verdicts of earlier scans, in a SQLite file in the user's cache folder that several processes share.

A verdict is that of one content, under one file name (which says how it is read), by one version of rules and options.
Whatever happens to the file, the guard only has to scan again: a damaged one is set aside and made anew, and one that
cannot be used is replaced by one in memory.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from pydepgate.guard.findings import dump_findings, load_findings
from pydepgate.guard.folders import owned, private_folder
from pydepgate.model import Finding, Verdict

T = TypeVar("T")

FILE_NAME: Final = "verdicts-1.sqlite3"
FORM: Final = 1
"""Of the table, as the name of the file says too: versions of the program with different forms do not disturb each
other."""

BUSY_SECONDS: Final = 5.0
"""How long another process may hold the file."""

KEEP_SECONDS: Final = 90 * 86_400
"""A verdict that nobody asked for in so long is dropped."""

USED_SECONDS: Final = 86_400
"""When a verdict was used is written down once in so long."""

_TABLE: Final = """\
CREATE TABLE IF NOT EXISTS verdicts (
  sha256 TEXT NOT NULL, filename TEXT NOT NULL, version TEXT NOT NULL,
  verdict TEXT NOT NULL, findings TEXT NOT NULL, size INTEGER NOT NULL, seconds REAL NOT NULL, used REAL NOT NULL,
  PRIMARY KEY (sha256, filename, version)
) WITHOUT ROWID"""
_WHERE: Final = "WHERE sha256 = ? AND filename = ? AND version = ?"


@dataclass(frozen=True, slots=True)
class Known:
    """What a scan said. `seconds`: how long it took. Of findings from the cache, payloads are left out."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    size: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Contents:
    """What a cache of verdicts holds. `size`: bytes of its file. `by_verdict`: entries of each."""

    entries: int
    size: int
    by_verdict: dict[str, int]


class Verdicts:
    """A cache of verdicts, for any number of threads; `path` is its file, None for one in memory."""

    def __init__(self, path: Path | None = None, /, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._database = self._open()

    @classmethod
    def in_folder(cls, folder: Path, /) -> Self:
        """Open the cache in a folder of caches, which is made if need be."""
        return cls(folder / FILE_NAME)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(self, sha256: str, /, *, filename: str, version: str) -> Known | None:
        """Return what is known of a file; `version` is that of rules and options."""
        key = (sha256, filename, version)

        def look(database: sqlite3.Connection) -> Known | None:
            row = database.execute(f"SELECT verdict, findings, size, seconds, used FROM verdicts {_WHERE}", key)
            found = row.fetchone()
            if found is None:
                return None
            known = Known(Verdict(found[0]), load_findings(found[1]), int(found[2]), float(found[3]))
            if self._clock() - found[4] > USED_SECONDS:
                with contextlib.suppress(sqlite3.OperationalError), database:  # another time will do
                    database.execute(f"UPDATE verdicts SET used = ? {_WHERE}", (self._clock(), *key))
            return known

        return self._try(look)

    def put(self, sha256: str, known: Known, /, *, filename: str, version: str) -> None:
        """Keep what a scan said. That it cannot be kept is no error."""
        row = (
            *(sha256, filename, version, known.verdict.value, dump_findings(known.findings)),
            *(known.size, known.seconds, self._clock()),
        )

        def keep(database: sqlite3.Connection) -> None:
            with database:
                database.execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

        self._try(keep)

    def contents(self) -> Contents:
        """Count what is in the cache."""

        def count(database: sqlite3.Connection) -> dict[str, int]:
            return dict(database.execute("SELECT verdict, count(*) FROM verdicts GROUP BY verdict ORDER BY verdict"))

        counts = self._try(count) or {}
        size = self.path.stat().st_size if self.path is not None else 0
        return Contents(sum(counts.values()), size, counts)

    def close(self) -> None:
        """Drop what nobody asked for in a long time, and let go of the file."""

        def prune(database: sqlite3.Connection) -> None:
            with database:
                database.execute("DELETE FROM verdicts WHERE used < ?", (self._clock() - KEEP_SECONDS,))

        self._try(prune)
        with self._lock:
            self._database.close()

    def _try(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do something with the database; None if that does not work."""
        with self._lock:
            try:
                return action(self._database)
            except (sqlite3.OperationalError, sqlite3.ProgrammingError):  # busy, full, read-only, closed
                return None
            except (sqlite3.DatabaseError, ValueError, TypeError):  # damaged, or written by somebody else
                self._database.close()
                self._set_aside()
                self._database = self._open()
                return None

    def _open(self) -> sqlite3.Connection:
        if self.path is not None:
            with contextlib.suppress(OSError, sqlite3.OperationalError):
                try:
                    return self._open_file(self.path)
                except sqlite3.OperationalError:
                    raise
                except sqlite3.DatabaseError:
                    self._set_aside()
                    with contextlib.suppress(sqlite3.DatabaseError):
                        return self._open_file(self.path)
        self.path = None
        return _prepared(sqlite3.connect(":memory:", check_same_thread=False))

    def _open_file(self, path: Path) -> sqlite3.Connection:
        """Open the file, or make it. Raises OSError and sqlite3.DatabaseError."""
        private_folder(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600))
        if not owned(path):  # what another user says of a file is not to be relied on
            raise PermissionError(f"{path} belongs to another user")
        database = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
        try:
            return _prepared(database)
        except BaseException:
            database.close()
            raise

    def _set_aside(self) -> None:
        """Give a damaged file another name, for whoever wants to know what happened to it."""
        if self.path is None:
            return
        for suffix in ("-journal", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                self.path.with_name(self.path.name + suffix).unlink()
        with contextlib.suppress(OSError):
            self.path.replace(self.path.with_name(f"{self.path.name}.damaged"))


def _prepared(database: sqlite3.Connection) -> sqlite3.Connection:
    (form,) = database.execute("PRAGMA user_version").fetchone()
    if form not in (0, FORM):
        raise sqlite3.DatabaseError("made by another version of the program")
    if form == 0:
        with database:
            database.execute(_TABLE)
            database.execute(f"PRAGMA user_version = {FORM}")
    database.execute("SELECT 1 FROM verdicts LIMIT 1").fetchone()
    return database
