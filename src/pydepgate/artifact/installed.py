"""Installed distributions, found on disk: no code of the environment is run to find them."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydepgate.artifact.entry import Entry
from pydepgate.artifact.folders import FolderContainer, file_entry
from pydepgate.artifact.identity import MAX_METADATA, read_headers
from pydepgate.artifact.names import printable
from pydepgate.errors import ArtifactError
from pydepgate.limits import MIB
from pydepgate.model import Note
from pydepgate.regex import regex

_NAME = regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_MAX_RECORD = 64 * MIB
_SITE_PATTERNS = (
    "lib/python*/site-packages",
    "lib64/python*/site-packages",
    "lib/python*/dist-packages",
    "local/lib/python*/dist-packages",
    "local/lib/python*/site-packages",
    "lib/pypy*/site-packages",
    "Lib/site-packages",
)


def is_distribution_name(text: str, /) -> bool:
    """Whether `text` could be the name of a distribution (the grammar of the core metadata)."""
    return _NAME.fullmatch(text) is not None


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class InstalledContainer:
    """A distribution as it is installed. `site` is the folder it is in, `metadata` its
    `.dist-info` or `.egg-info` there; `root` is the environment, whose files alone are read."""

    name: str
    version: str
    site: Path
    metadata: Path
    root: Path

    def entries(self) -> Iterator[Entry | Note]:
        """Yield the files that it records, its `.pth` files and scripts among them."""
        if _editable(self.metadata):
            yield Note("installed.editable", "is an editable install: its code is elsewhere and was not read")
        recorded = list(_recorded(self.metadata))
        if not recorded:
            yield Note("installed.no-record", "has no list of its files; its packages are read by their names")
            yield from self._by_name()
        seen = set()
        for inside in recorded:
            if inside in seen:
                continue
            seen.add(inside)
            file = Path(os.path.normpath(self.site / inside))
            if not file.is_relative_to(self.root):
                yield Note("member.path", "is outside the environment and was not read", printable(inside))
            elif os.path.lexists(file):
                yield file_entry(file, inside)
            elif not inside.endswith(".pyc"):
                yield Note("member.missing", "is recorded but is not there", printable(inside))

    def _by_name(self) -> Iterator[Entry | Note]:
        inside = [self.metadata.name]
        tops = _text(self.metadata / "top_level.txt").split() or [self.name.replace("-", "_")]
        for top in tops:
            if is_distribution_name(top.strip("_")):
                inside += [top, f"{top}.py"]
        for name in inside:
            path = self.site / name
            if path.is_dir():
                for item in FolderContainer(str(path)).entries():
                    yield _below(name, item)
            elif path.is_file():
                yield file_entry(path, name)


def _below(folder: str, item: Entry | Note) -> Entry | Note:
    if isinstance(item, Note):
        return Note(item.code, item.message, f"{folder}/{item.file}")
    return Entry(f"{folder}/{item.path}", item.size, item.chunks, item.notes)


def find_installed(name: str, /, *, python: str | None = None) -> InstalledContainer | None:
    """Return the installed distribution of that name, None if there is none.

    `python` names an interpreter (or an environment's folder) whose distributions are searched instead of
    those that this program can import. Raises `ArtifactError` if it has no site-packages.
    """
    sites = site_folders(python) if python is not None else [Path(entry) for entry in sys.path if entry]
    wanted = _normalized(name)
    for site in sites:
        for metadata in _metadata_folders(site):
            stem = metadata.name.rpartition(".")[0]
            if not _normalized(stem).startswith(wanted):
                continue
            file = metadata if metadata.is_file() else metadata / "METADATA"
            headers = read_headers(_head(file) or _head(metadata / "PKG-INFO"))
            found = headers.get("name") or stem.partition("-")[0]
            if _normalized(found) == wanted:
                version = headers.get("version", "")
                return InstalledContainer(found, version, site, metadata, _root_of(site))
    return None


def _metadata_folders(site: Path) -> list[Path]:
    try:
        return sorted(path for path in site.iterdir() if path.name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return []


def _root_of(site: Path) -> Path:
    """The environment that a site-packages folder belongs to; scripts lie in it beside the library."""
    parts = [part.lower() for part in site.parts]
    for library in ("lib", "lib64"):
        if library in parts[-3:]:
            return Path(*site.parts[: len(parts) - 1 - parts[::-1].index(library)])
    return site


def site_folders(python: str, /) -> list[Path]:
    """Return the site-packages folders of another interpreter, told from the file system alone.

    `python` is the path of an interpreter, a command on `PATH`, or the folder of an environment.
    Raises `ArtifactError` with what to do if there is no such thing.
    """
    path = Path(python)
    if not path.exists():
        found = shutil.which(python)
        if found is None:
            raise ArtifactError(f"no such interpreter: {python}; give the path of one, such as .venv/bin/python")
        path = Path(found)
    version = re.search(r"\d+\.\d+t?$", path.resolve().name)
    folders: list[Path] = []
    for prefix in _prefixes(path):
        for pattern in _SITE_PATTERNS:
            folders += [folder for folder in _matching(prefix, pattern) if folder not in folders]
    if version:
        same = [folder for folder in folders if folder.parent.name in ("python3", f"python{version[0]}", "Lib")]
        folders = same or folders
    if not folders:
        raise ArtifactError(f"no site-packages found for {python}; give the path of an environment's interpreter")
    return folders


def _matching(prefix: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder for folder in prefix.glob(pattern) if folder.is_dir())
    except (OSError, ValueError):  # a prefix out of a file may be anything
        return []


def _prefixes(path: Path) -> list[Path]:
    """The folders that an interpreter's libraries may be below, the environment's own first."""
    starts = [path] if path.is_dir() else list(path.absolute().parents[:2])
    for start in starts:
        if (start / "pyvenv.cfg").is_file():
            settings = {
                key.strip().lower(): value.strip()
                for key, _, value in (line.partition("=") for line in _text(start / "pyvenv.cfg").splitlines())
            }
            prefixes = [start]
            if settings.get("include-system-site-packages", "").lower() == "true" and settings.get("home"):
                home = Path(settings["home"])
                prefixes += [home.parent, home]
            return prefixes
    if path.is_dir():
        return [path]
    real = path.resolve().parent
    return list(dict.fromkeys([*reversed(starts), real.parent, real]))


def _recorded(metadata: Path) -> Iterator[str]:
    """The files of a distribution, relative to its site folder, with forward slashes."""
    if text := _text(metadata / "RECORD", _MAX_RECORD):
        try:
            for row in csv.reader(text.splitlines()):
                if row and row[0]:
                    yield row[0].replace("\\", "/")
        except csv.Error:
            return
    elif text := _text(metadata / "installed-files.txt", _MAX_RECORD):
        for line in text.splitlines():
            if line.strip():
                yield os.path.normpath(f"{metadata.name}/{line.strip()}").replace("\\", "/")


def _editable(metadata: Path) -> bool:
    try:
        origin = json.loads(_head(metadata / "direct_url.json"))
    except (ValueError, RecursionError):
        return False
    folder = origin.get("dir_info") if isinstance(origin, dict) else None
    return isinstance(folder, dict) and folder.get("editable") is True


def _text(file: Path, most: int = MAX_METADATA) -> str:
    return _head(file, most).decode("utf-8", "surrogateescape")


def _head(file: Path, most: int = MAX_METADATA) -> bytes:
    """The first `most` bytes of a regular file, empty if there is no such file."""
    try:
        if not file.is_file():
            return b""
        with file.open("rb") as stream:
            return stream.read(most)
    except (OSError, ValueError):
        return b""
