"""Small archives, and parts of them set by hand where the standard library would refuse."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from pydepgate.artifact import open_artifact
from pydepgate.limits import Limits
from pydepgate.model import Member, Note

METADATA = b"Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.2.3\n\nVersion: 9 in the text\n"
CODE = b"value = 1\n"

WHEEL_FILES = {
    "demo_pkg/__init__.py": CODE,
    "demo_pkg-1.2.3.dist-info/METADATA": METADATA,
    "demo_pkg-1.2.3.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
}
SDIST_FILES = {"demo_pkg-1.2.3/PKG-INFO": METADATA, "demo_pkg-1.2.3/setup.py": CODE}
EGG_FILES = {"demo_pkg/__init__.py": CODE, "EGG-INFO/PKG-INFO": METADATA}

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def make_zip(files: dict[str, bytes], /, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 2, 2, 0, 0, 0)), data, method)
    return buffer.getvalue()


def make_tar(files: dict[str, bytes], /, *, codec: str = "", form: int = tarfile.PAX_FORMAT) -> bytes:
    return make_tar_of((tar_file(path, data) for path, data in files.items()), codec=codec, form=form)


def tar_file(
    path: str, data: bytes = b"", /, *, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(path)
    info.size = len(data)
    info.type = kind
    info.linkname = link
    return info, data


def make_tar_of(
    members: Iterable[tuple[tarfile.TarInfo, bytes]], /, *, codec: str = "", form: int = tarfile.PAX_FORMAT
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return PACK[codec](buffer.getvalue())


def raw_zip(
    entries: Iterable[tuple[bytes, bytes]],
    /,
    *,
    flags: int = 0,
    method: int = 0,
    crc: int | None = None,
    size: int | None = None,
    local_name: bytes | None = None,
    mode: int = 0,
    extra: bytes = b"",
    listed: int | None = None,
) -> bytes:
    """A zip of stored entries (name, data) whose headers say what the caller wants.

    `listed`: how many of the entries the central directory has; all if None.
    """
    body = b""
    central = []
    for name, data in entries:
        sum_ = zlib.crc32(data) if crc is None else crc
        length = len(data) if size is None else size
        own = name if local_name is None else local_name
        common = struct.pack("<HHHHIII", flags, method, 0, 0x21, sum_, len(data), length)
        central.append(
            b"PK\1\2" + struct.pack("<HH", 0x0314, 20) + common
            + struct.pack("<HHHHHII", len(name), len(extra), 0, 0, 0, mode << 16, len(body)) + name + extra
        )  # fmt: skip
        body += b"PK\3\4" + struct.pack("<H", 20) + common + struct.pack("<HH", len(own), 0) + own + data
    kept = central if listed is None else central[:listed]
    directory = b"".join(kept)
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, len(kept), len(kept), len(directory), len(body), 0)
    return body + directory + end


class Opened:
    """All that a target gave, read to its end."""

    def __init__(self, target: Path | str, /, *, limits: Limits = Limits(), python: str | None = None) -> None:
        with open_artifact(target, limits=limits, python=python) as artifact:
            self.info = artifact.info
            self.items = list(artifact.members())
        self.members = [item for item in self.items if isinstance(item, Member)]
        self.notes = [item for item in self.items if isinstance(item, Note)]
        self.files = {member.path: member.data for member in self.members}
        self.codes = {note.code for note in self.notes}

    def note(self, code: str) -> Note:
        """The only note with that code."""
        (note,) = [note for note in self.notes if note.code == code]
        return note


def opened(folder: Path, data: bytes, name: str = "target.bin", /, *, limits: Limits = Limits()) -> Opened:
    """Write `data` to a file of that name and read it as an artifact."""
    target = folder / name
    target.write_bytes(data)
    return Opened(target, limits=limits)
