"""The private folder into which files are fetched, and from which they are scanned and served.

Each process has one of its own, which goes with it; those of guards that were killed are removed by the next. Files can
be kept for later runs in a folder that all share, by their SHA-256; what comes from there is hashed again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydepgate.guard.folders import private_folder
from pydepgate.guard.hashes import Hashing
from pydepgate.guard.kept import Kept

SPOOL_BYTES: Final = 8 * 1024**3
"""What may lie in the folder of one process; the files that were not asked for longest go first."""

_PREFIX: Final = "spool-"
_LOCK: Final = "lock"


class WrongHash(Exception):
    """What came is not what the index said; the message is the name of the hash."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A file in the spool. `size` in bytes; `sha256` in lower case."""

    path: Path
    sha256: str
    size: int


class Spool:
    """A private folder of files. `kept` holds files of earlier runs. Raises OSError if it cannot be made."""

    def __init__(self, parent: Path, /, *, kept: Kept | None = None, most: int = SPOOL_BYTES) -> None:
        private_folder(parent)
        _sweep(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))  # with mode 0700
        self._held = _hold(self.folder / _LOCK)
        self._kept = kept
        self._most = most
        self._changing = threading.Lock()
        self._files: OrderedDict[str, Spooled] = OrderedDict()
        self._number = 0

    def find(self, sha256: str, /, *, filename: str) -> Spooled | None:
        """Return a file that is here or was kept, None if it is not."""
        with self._changing:
            found = self._files.get(_key(sha256, filename))
            if found is not None:
                self._files.move_to_end(_key(sha256, filename))
                return found
        if self._kept is None:
            return None
        with self._place(filename) as path:
            hashing = Hashing({"sha256": sha256})
            try:
                if not self._kept.link(sha256, path):
                    return None
                with path.open("rb") as stream:
                    hashing.read(stream)
            except OSError:  # gone meanwhile, or the disk is full: it can still be fetched
                return None
            if hashing.wrong():
                self._kept.drop(sha256)
                return None
            return self._add(Spooled(path, sha256, hashing.size))

    def fetch(self, fetch: Callable[[BinaryIO], object], /, *, filename: str, hashes: Mapping[str, str]) -> Spooled:
        """Fetch a file: `fetch` writes it to the stream that it is given. `hashes`: those that it should have.

        Raises `WrongHash`, OSError, and what `fetch` raises; nothing is left then.
        """
        with self._place(filename) as path:
            hashing = Hashing(hashes)
            with path.open("x+b") as stream:
                fetch(stream)
                stream.flush()
                stream.seek(0)
                hashing.read(stream)  # of what is on the disk, however it came there
            if wrong := hashing.wrong():
                raise WrongHash(wrong)
            return self._add(Spooled(path, hashing.sha256, hashing.size))

    def keep(self, spooled: Spooled, /) -> None:
        """Keep a file for later runs, if that is wanted and works."""
        if self._kept is not None:
            with contextlib.suppress(OSError):
                self._kept.put(spooled.sha256, spooled.path, size=spooled.size)

    def close(self) -> None:
        """Remove the folder."""
        self._held.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._kept is not None:
            with contextlib.suppress(OSError):
                self._kept.prune()

    @contextmanager
    def _place(self, filename: str) -> Iterator[Path]:
        """Give a path for a new file, in a folder of its own; both go if there is no file of the spool there after."""
        with self._changing:
            self._number += 1
            folder = self.folder / str(self._number)
        folder.mkdir(mode=0o700)
        try:
            yield folder / filename
        finally:
            with self._changing:
                used = any(each.path.parent == folder for each in self._files.values())
            if not used:
                shutil.rmtree(folder, ignore_errors=True)

    def _add(self, spooled: Spooled) -> Spooled:
        """Take a file in, unless its like is here; and let go of what is too much."""
        key = _key(spooled.sha256, spooled.path.name)
        with self._changing:
            found = self._files.setdefault(key, spooled)
            self._files.move_to_end(key)
            total = sum(each.size for each in self._files.values())
            while total > self._most and len(self._files) > 1:
                _, old = self._files.popitem(last=False)
                total -= old.size
                shutil.rmtree(old.path.parent, ignore_errors=True)
        return found


def _key(sha256: str, filename: str) -> str:
    return f"{sha256} {filename}"


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that are no more."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if not (folder / _LOCK).exists():
                continue  # one that is just being made
            _hold(folder / _LOCK).close()
            shutil.rmtree(folder, ignore_errors=True)


def _hold(path: Path) -> BinaryIO:
    """Hold a file for as long as it is open. Raises OSError if another process does."""
    stream = path.open("ab")
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        stream.close()
        raise
    return stream
