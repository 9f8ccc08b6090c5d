"""Opening a target: a path, an installed distribution's name, or standard input."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pydepgate.artifact.artifact import POLYGLOT, Artifact
from pydepgate.artifact.disk import DiskFile
from pydepgate.artifact.entry import Container, Entry, Unreadable
from pydepgate.artifact.folders import FolderContainer, file_type
from pydepgate.artifact.formats import compression, find_containers
from pydepgate.artifact.identity import identify
from pydepgate.artifact.inflate import STEP, file_chunks
from pydepgate.artifact.names import member_path, printable
from pydepgate.artifact.zip_directory import LOCAL_MAGIC
from pydepgate.errors import ArtifactError
from pydepgate.limits import MIB, Limits
from pydepgate.model import ArtifactInfo, Note

ARCHIVE_SUFFIXES = (".whl", ".zip", ".egg", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
STDIN = "-"


@dataclass(frozen=True, slots=True)
class _OneFile:
    """A file that is no archive: its own only entry."""

    entry: Entry

    def entries(self) -> Iterator[Entry | Note]:
        yield self.entry


@contextmanager
def open_artifact(
    target: str | os.PathLike[str],
    /,
    *,
    limits: Limits = Limits(),
    python: str | None = None,
    stdin: BinaryIO | None = None,
) -> Iterator[Artifact]:
    """Open what is to be scanned, for as long as the context lasts.

    `target` is a file (an archive of any kind, by its content; or one source file), a folder, `-` for standard
    input (`stdin` if given), or the name of an installed distribution, of the environment that `python` is the
    interpreter of if given. A path that exists is taken as a path. Raises `ArtifactError`, with one line that says
    what to do, when there is nothing that can be scanned.
    """
    text = os.fspath(target)
    shown = printable(text)
    if text == STDIN:
        yield _from_stdin(stdin or sys.stdin.buffer, limits=limits)
        return
    try:
        mode = os.stat(text).st_mode  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        yield _from_installed(text, limits=limits, python=python)
        return
    except (OSError, ValueError) as error:
        raise ArtifactError(f"cannot be read: {shown}: {getattr(error, 'strerror', None) or error}") from None
    if stat.S_ISDIR(mode):
        yield _from_folder(text, limits=limits)
        return
    if not stat.S_ISREG(mode):
        raise ArtifactError(f"{shown} is {file_type(mode)}; only files, folders and archives can be scanned")
    try:
        file = DiskFile(text)
    except OSError as error:
        raise ArtifactError(f"cannot be read: {shown}: {error.strerror or error}") from None
    with file:
        try:
            length = file.seek(0, os.SEEK_END)
            artifact = _from_file(file, length, shown, os.path.basename(text), limits=limits)  # noqa: PTH119
        except OSError as error:
            raise ArtifactError(f"cannot be read: {shown}: {error.strerror or error}") from None
        yield artifact


def _from_file(file: BinaryIO, length: int, shown: str, name: str, *, limits: Limits) -> Artifact:
    """An artifact of one file, which stays open. Raises `ArtifactError`."""
    digest = _sha256(file)
    found = find_containers(file, length, limits=limits)
    called_archive = name.lower().endswith(ARCHIVE_SUFFIXES)
    if not found and called_archive:
        raise ArtifactError(f"{shown}: {_why_no_archive(file, length)}")
    if not found:
        kind, inside = _kind_of_file(file, name)
        entry = Entry(inside, length, partial(file_chunks, file, 0, length))
        return Artifact(ArtifactInfo(shown, kind, sha256=digest, size=length), (_OneFile(entry),), limits)
    notes = []
    if len(found) > 1:
        notes.append(Note("archive.polyglot", POLYGLOT))
    container = next(iter(found))
    identity = identify(found[container].entries(), container=container, most=limits.members)
    if not identity.entries and (reason := _first_problem(found.values())):
        raise ArtifactError(f"{shown}: nothing in this {container} can be read: {reason}")
    if not identity.entries:
        notes.append(Note("archive.empty", f"this {container} holds no files"))
    if name.lower().endswith(".whl") and identity.kind != "wheel":
        notes.append(Note("wheel.no-dist-info", "is named like a wheel but has no .dist-info folder"))
    info = ArtifactInfo(shown, identity.kind, identity.name, identity.version, digest, length)
    return Artifact(info, tuple(found.values()), limits, tuple(notes))


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(MIB):
        digest.update(chunk)
    return digest.hexdigest()


def _why_no_archive(file: BinaryIO, length: int) -> str:
    file.seek(0)
    head = file.read(STEP)
    if not length:
        return "is empty, so it is no archive; download or build it again"
    if head.startswith(LOCAL_MAGIC):
        return "is a zip that is too damaged to read"
    if codec := compression(head):
        return f"is {codec} data with no tar archive in it that can be read; it may be cut short"
    if not head.strip(b"\0"):
        return "is an empty archive, or holds only zeros; there is nothing to scan"
    return "is not an archive, although it is named like one; it may be an error page or cut short"


def _first_problem(containers: Iterable[Container]) -> str:
    for container in containers:
        try:
            for item in container.entries():
                return item.message if isinstance(item, Note) else ""
        except Unreadable as error:
            return error.note.message
    return ""


def _kind_of_file(file: BinaryIO, name: str) -> tuple[str, str]:
    """The kind of a lone file, and its name as a member."""
    if name == STDIN:
        file.seek(0)
        return ("file", "stdin") if b"\0" in file.read(STEP) else ("python", "stdin.py")
    suffix = Path(name).suffix.lower()
    return {".py": "python", ".pyw": "python", ".pth": "pth"}.get(suffix, "file"), member_path(name)[0]


def _from_stdin(stdin: BinaryIO, *, limits: Limits) -> Artifact:
    try:
        data = _read_stream(stdin, limits.artifact_bytes + 1)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"standard input cannot be read: {error}") from None
    if not data:
        raise ArtifactError("standard input is empty; pipe a package or a Python file into it")
    notes: tuple[Note, ...] = ()
    if len(data) > limits.artifact_bytes:
        data = data[: limits.artifact_bytes]
        message = f"standard input was cut after {len(data)} bytes; --max-artifact-bytes raises this limit"
        notes = (Note("limit.artifact-bytes", message),)
    artifact = _from_file(io.BytesIO(data), len(data), STDIN, STDIN, limits=limits)
    return replace(artifact, notes=notes + artifact.notes)


def _read_stream(stream: BinaryIO, most: int) -> bytes:
    data = bytearray()
    while len(data) < most and (chunk := stream.read(min(MIB, most - len(data)))):
        data += chunk
    return bytes(data)


def _from_folder(root: str, *, limits: Limits) -> Artifact:
    try:
        os.scandir(root).close()
    except OSError as error:
        raise ArtifactError(f"cannot be listed: {printable(root)}: {error.strerror or error}") from None
    container = FolderContainer(root)
    identity = identify(container.entries(), container="directory", most=limits.members)
    info = ArtifactInfo(printable(root), identity.kind, identity.name, identity.version, size=identity.size)
    return Artifact(info, (container,), limits)


def _from_installed(name: str, *, limits: Limits, python: str | None) -> Artifact:
    from pydepgate.artifact.installed import find_installed, is_distribution_name

    shown = printable(name)
    if not is_distribution_name(name) or name.lower().endswith((*ARCHIVE_SUFFIXES, ".py", ".pth")):
        raise ArtifactError(f"no such file or folder: {shown}; check the path")
    container = find_installed(name, python=python)
    if container is None:
        where = f" for {python}" if python is not None else ""
        raise ArtifactError(
            f"no such file, and no installed distribution of that name{where}: {shown}; "
            f"to scan one from an index download it first: pip download --no-deps {shown}"
        )
    size = sum(item.size for item in container.entries() if isinstance(item, Entry))
    info = ArtifactInfo(shown, "installed", container.name, container.version, size=size)
    return Artifact(info, (container,), limits)
