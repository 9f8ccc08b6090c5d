"""The members of an archive that a payload holds, in memory and within a budget."""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from pydepgate.limits import MAX_CHILDREN
from pydepgate.payload.budget import Budget

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted member
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    NotImplementedError,
)


def members(content: bytes, name: str, /, *, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of the files in an archive of kind `zip` or `tar`, at most `MAX_CHILDREN` of them.

    A member is cut where `budget` ends; what cannot be read is left out.
    """
    try:
        yield from (_zip if name == "zip" else _tar)(content, budget)
    except _BROKEN:
        return


def _zip(content: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in [entry for entry in archive.infolist() if not entry.is_dir()][:MAX_CHILDREN]:
            if budget.exhausted:
                return
            try:
                with archive.open(info) as stream:
                    data = stream.read(budget.bytes_left)
            except _BROKEN:
                continue
            budget.spend(len(data))
            yield info.filename, data


def _tar(content: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        left = MAX_CHILDREN
        for info in archive:
            stream = archive.extractfile(info) if info.isreg() else None
            if stream is None:
                continue
            if budget.exhausted:
                return
            data = stream.read(budget.bytes_left)
            budget.spend(len(data))
            yield info.name, data
            left -= 1
            if not left:
                return
