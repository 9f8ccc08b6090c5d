"""What an artifact is, and the name and version that its metadata gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydepgate.artifact.entry import Entry, Unreadable
from pydepgate.artifact.names import printable
from pydepgate.limits import KIB
from pydepgate.model import Note
from pydepgate.regex import regex

MAX_METADATA = 256 * KIB
"""Bytes of a metadata file in which its name and version are looked for; they stand at its top."""

_MAX_VALUE = 200
_WHEEL_FILE = regex(r"[^/]+\.dist-info/(METADATA|WHEEL)")
_SDIST_FILE = regex(r"(?:[^/]+/)?(PKG-INFO|setup\.py|pyproject\.toml)")
_EGG_FOLDER_INFO = regex(r"[^/]+\.egg-info/PKG-INFO")

_TOP_METADATA = regex(r"[^/]+\.(?:dist-info|egg-info)/|EGG-INFO/")


@dataclass(frozen=True, slots=True)
class Identity:
    """`kind` as in `ArtifactInfo`; `entries` counts the files that were looked at,
    `size` is the sum of theirs, in bytes."""

    kind: str
    name: str = ""
    version: str = ""
    entries: int = 0
    size: int = 0


def identify(items: Iterable[Entry | Note], /, *, container: str, most: int) -> Identity:
    """Return what a `zip`, `tar` or `directory` is, from at most `most` of its files.

    Reads no further than is needed. Never raises for a broken archive: what was seen until there counts.
    """
    kind = container
    best = 9
    name = version = ""
    count = size = 0
    try:
        for item in items:
            if isinstance(item, Note):
                continue
            count += 1
            size += item.size
            if count > most:
                break
            kind = _kind_by(item.path, kind, container)
            rank = _metadata_rank(item.path, container)
            if rank < best:
                found = read_headers(_head(item))
                if found.get("name"):
                    best = rank
                    name, version = found["name"], found.get("version", "")
                    if rank == 0 and container != "directory":
                        break
    except Unreadable:
        pass
    return Identity(kind, name, version, count, size)


def _kind_by(path: str, kind: str, container: str) -> str:
    if path == "EGG-INFO/PKG-INFO" and kind != "wheel" and container != "tar":
        return "egg"
    if container == "zip" and _WHEEL_FILE.fullmatch(path):
        return "wheel"
    if container in ("zip", "tar") and kind == container and _SDIST_FILE.fullmatch(path):
        return "sdist"
    return kind


def _metadata_rank(path: str, container: str) -> int:
    """How much a file's name and version are those of the artifact: 0 most, 9 not at all."""
    if container == "directory" and path.count("/") and not _TOP_METADATA.match(path):
        return 9
    if (match := _WHEEL_FILE.fullmatch(path)) and match[1] == "METADATA":
        return 3 if container == "tar" else 0
    if path == "EGG-INFO/PKG-INFO":
        return 0
    if (match := _SDIST_FILE.fullmatch(path)) and match[1] == "PKG-INFO":
        return 0 if container == "tar" else 1
    return 2 if _EGG_FOLDER_INFO.fullmatch(path) else 9


def _head(entry: Entry) -> bytes:
    data = b""
    try:
        for chunk in entry.chunks():
            data += chunk
            if len(data) >= MAX_METADATA:
                break
    except Unreadable:
        pass
    return data[:MAX_METADATA]


def read_headers(data: bytes, /) -> dict[str, str]:
    """Return the headers at the top of a metadata file (RFC 822 style), keys in lower case.

    The first of a name counts; values are made printable and cut at 200 characters; ends at the first empty line.
    """
    headers: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").lstrip("\ufeff").splitlines():
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            headers.setdefault(key.strip().lower(), printable(value.strip())[:_MAX_VALUE])
    return headers
