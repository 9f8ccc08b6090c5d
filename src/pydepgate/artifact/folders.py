"""Folders, and lists of files in them, as a container."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pydepgate.artifact.entry import Entry, Unreadable
from pydepgate.artifact.inflate import STEP
from pydepgate.artifact.names import brief, member_path, printable
from pydepgate.model import Note

_VERSION_CONTROL = {".git", ".hg", ".svn"}
_NO_BLOCK = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class FolderContainer:
    """All files below a folder, in the order of their names. Links are noted, not followed."""

    def __init__(self, root: str, /) -> None:
        self._root = root

    def entries(self) -> Iterator[Entry | Note]:
        """Yield the files; version control folders and environments are noted and left out."""
        stack = [""]
        while stack:
            folder = stack.pop()
            try:
                with os.scandir(os.path.join(self._root, folder)) as found:  # noqa: PTH118
                    children = sorted(found, key=lambda child: child.name)
            except OSError as error:
                yield Note("member.unreadable", f"cannot be listed: {_reason(error)}", member_path(folder)[0])
                continue
            folders = []
            for child in children:
                inside = f"{folder}/{child.name}" if folder else child.name
                if _is_real_folder(child):
                    if note := _skipped(child, member_path(inside)[0]):
                        yield note
                    else:
                        folders.append(inside)
                else:
                    yield file_entry(Path(child.path), inside)
            stack += reversed(folders)


def _is_real_folder(child: os.DirEntry[str]) -> bool:
    try:
        return child.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _skipped(child: os.DirEntry[str], path: str) -> Note | None:
    if child.name in _VERSION_CONTROL:
        return Note("folder.skipped", "is a version control folder and was not read", path)
    inside = Path(child.path)
    try:
        environment = (inside / "pyvenv.cfg").is_file() and not (inside / "__init__.py").exists()
    except OSError:
        return None
    return Note("folder.skipped", "is a virtual environment and was not read", path) if environment else None


def file_entry(file: Path, inside: str, /) -> Entry | Note:
    """Return the entry of a file on disk, called `inside`; a note if it is not a regular file.

    Only regular files are ever opened: reading a FIFO would wait for ever.
    """
    path, problem = member_path(inside)
    try:
        status = file.lstat()
        if stat.S_ISLNK(status.st_mode):
            return Note("member.link", f"is a symbolic link to {brief(os.readlink(file))}", path)  # noqa: PTH115
    except (OSError, ValueError) as error:
        return Note("member.unreadable", f"cannot be read: {_reason(error)}", path)
    if not stat.S_ISREG(status.st_mode):
        return Note("member.device", f"is {file_type(status.st_mode)} and was not opened", path)
    notes = (Note("member.path", f"its name {problem}"),) if problem and ".." not in inside else ()
    return Entry(path, status.st_size, partial(file_content, file), notes, alone=True)


def file_content(file: Path, /) -> Iterator[bytes]:
    """Yield the bytes of a regular file; raises `Unreadable`."""
    try:
        with open(file, "rb", opener=_open_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise Unreadable("member.device", "is not a regular file and was not read")
            while chunk := stream.read(STEP):
                yield chunk
    except (OSError, ValueError) as error:
        raise Unreadable("member.unreadable", f"cannot be read: {_reason(error)}") from None


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_BLOCK | _NO_FOLLOW)


def file_type(mode: int, /) -> str:
    """Name the type of a file that is neither regular, a folder nor a link."""
    names = (
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
    )
    return next((name for is_type, name in names if is_type(mode)), "not a regular file")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "it became a symbolic link"
    return printable(getattr(error, "strerror", None) or str(error))
