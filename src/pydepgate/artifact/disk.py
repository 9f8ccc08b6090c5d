"""A file on disk that several workers can read, each at its own place."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from typing import Any, BinaryIO, SupportsIndex

from pydepgate.errors import ArtifactError

Stamp = tuple[int, int, int, int]
"""What tells one file from another, and from itself after a change: device, number, size, time of change."""


class DiskFile(io.BufferedReader):
    """A file that is open for reading. It can be pickled: who unpickles it opens the same file for itself."""

    def __init__(self, path: str, /) -> None:
        super().__init__(io.FileIO(path))
        self.path = os.path.abspath(path)  # noqa: PTH100
        self._turn = threading.Lock()

    def read_at(self, start: int, size: int, /) -> bytes:
        """Return bytes from a place, fewer where the file ends; threads may call it at the same time."""
        with self._turn:
            self.seek(start)
            return self.read(size)

    def stamp(self) -> Stamp:
        """What has to be the same when it is opened again."""
        status = os.fstat(self.fileno())
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.stamp())

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> tuple[Any, ...]:
        return self.__reduce__()  # from 3.12 on, that of files says that it cannot be done

    def __del__(self) -> None:
        with contextlib.suppress(ValueError):  # what could not be opened
            self.close()


def _reopened(path: str, stamp: Stamp) -> DiskFile:
    """Open a file once more; what was looked at must be what is judged, so another one in its place ends the scan."""
    file = DiskFile(path)
    if file.stamp() != stamp:
        file.close()
        raise ArtifactError("changed while it was being scanned; scan it again")
    return file


def read_at(file: BinaryIO, start: int, size: int, /) -> bytes:
    """Return bytes of a file from a place, fewer where it ends; of a `DiskFile`, also while others read it."""
    if isinstance(file, DiskFile):
        return file.read_at(start, size)
    file.seek(start)
    return file.read(size)
