"""Indexes and lists of links that are folders and files on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydepgate.guard.model import RemoteFile
from pydepgate.guard.names import ARCHIVES, is_filename
from pydepgate.guard.transport import Answer

_TYPES = {".json": "application/json", ".html": "text/html", ".htm": "text/html"}


def path_of(url: str, /) -> Path | None:
    """Return the path that a `file:` address or a plain path stands for, None if it is an address elsewhere."""
    address = urlsplit(url)
    if address.scheme == "file":
        host = f"//{address.netloc}" if address.netloc not in ("", "localhost") else ""
        return Path(url2pathname(host + address.path))
    is_drive = len(address.scheme) == 1
    return Path(url) if is_drive or not address.scheme else None


def address_of(url: str, /) -> str:
    """Return the address of an index or folder without a slash at its end; that of a plain path is made one."""
    path = None if url.startswith("file:") else path_of(url)
    return (url if path is None else path.absolute().as_uri()).rstrip("/")


def listed(folder: Path, /) -> tuple[RemoteFile, ...]:
    """Return the packages that lie in a folder, by name, or the one that a path names."""
    if folder.is_file():
        return (RemoteFile(folder.name, folder.absolute().as_uri()),)
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.name.lower().endswith(ARCHIVES) and entry.is_file())
    return tuple(RemoteFile(name, (folder.absolute() / name).as_uri()) for name in names if is_filename(name))


@contextmanager
def open_local(url: str, /) -> Iterator[Answer]:
    """Answer for a `file:` address as an index would: of a folder, its `index.html` or `index.json`."""
    path = path_of(url)
    if path is not None and path.is_dir():
        url = f"{url.rstrip('/')}/"
        path = next((path / name for name in ("index.html", "index.json") if (path / name).is_file()), None)
    if path is None or not path.is_file():
        yield Answer(404, url, {}, 0, bytes)
        return
    with path.open("rb") as stream:
        headers = {"content-type": _TYPES.get(path.suffix.lower(), "")}
        yield Answer(200, url, headers, None, partial(stream.read, 1 << 20))
