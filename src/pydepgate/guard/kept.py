"""Files of earlier runs, by their SHA-256, in a folder of the user's caches that several processes share."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from pydepgate.guard.folders import owned, private_folder
from pydepgate.regex import regex

FOLDER_NAME: Final = "files"
KEEP_BYTES: Final = 2 * 1024**3
"""What may lie there; the files that were not used longest go first."""

_NEW: Final = ".new-"
_BEGUN_SECONDS: Final = 3_600

_SHA256 = regex(r"[0-9a-f]{64}")


class Kept:
    """A folder of files by their SHA-256, at most `most` bytes. Only files that were let through are put there.

    Raises OSError if the folder cannot be made.
    """

    def __init__(self, folder: Path, /, *, most: int = KEEP_BYTES) -> None:
        self.folder = private_folder(folder)
        self._most = most

    @classmethod
    def in_folder(cls, folder: Path, /) -> Kept | None:
        """Return the files kept in a folder of caches, None if there can be none."""
        try:
            private_folder(folder)
            return cls(folder / FOLDER_NAME)
        except OSError:
            return None

    def link(self, sha256: str, path: Path, /) -> bool:
        """Make a file appear at `path`, which does not exist; whether there is one. Raises OSError."""
        source = self._path(sha256)
        if source is None or not source.is_file() or source.is_symlink() or not owned(source):
            return False
        os.utime(source)
        _link(source, path)
        return True

    def put(self, sha256: str, path: Path, /, *, size: int) -> None:
        """Keep a file, which must not be changed afterwards. Raises OSError."""
        target = self._path(sha256)
        if target is None or target.exists() or size > self._most // 4:
            return
        target.parent.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_NEW, dir=self.folder) as scratch:
            new = Path(scratch) / "file"
            _link(path, new)
            new.replace(target)  # whole or not at all

    def drop(self, sha256: str, /) -> None:
        """Remove a file, which is not what it was."""
        if (path := self._path(sha256)) is not None:
            with contextlib.suppress(OSError):
                path.unlink()

    def contents(self) -> tuple[int, int]:
        """Return how many files there are, and their bytes."""
        sizes = [size for _, size, _ in self._files()]
        return len(sizes), sum(sizes)

    def prune(self) -> None:
        """Remove what is too much, and what was begun by processes that were killed. Raises OSError."""
        for begun in self.folder.glob(f"{_NEW}*"):
            if time.time() - begun.stat().st_mtime > _BEGUN_SECONDS:
                shutil.rmtree(begun, ignore_errors=True)
        files = sorted(self._files(), reverse=True)
        total = 0
        for _, size, path in files:
            total += size
            if total > self._most:
                path.unlink(missing_ok=True)

    def _files(self) -> list[tuple[float, int, Path]]:
        """When each was used last, its size and path."""
        found = []
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            with contextlib.suppress(OSError):
                state = path.lstat()
                found.append((state.st_mtime, state.st_size, path))
        return found

    def _path(self, sha256: str) -> Path | None:
        return self.folder / sha256[:2] / sha256[2:] if _SHA256.fullmatch(sha256) else None


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # on another disk, or one that knows no links
        shutil.copyfile(source, target)
