"""Where an artifact's modules are: the folders that end up on `sys.path`, and each module's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from pydepgate.model import ArtifactInfo, FileFacts
from pydepgate.reach.entries import Entries

_SOURCE_FOLDERS: Final = ("src", "lib", "python")
"""Folders of a source tree that hold the packages without being one (`package_dir`, by custom)."""
_MAX_ALIKE: Final = 64
"""Files of one name among which one that is started is looked for."""
_SITE_FOLDERS: Final = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True)
class Layout:
    """`mounts`: folders, with their slash, and the package that each holds, empty for folders on `sys.path`.
    `modules`: each module's file, `names` the reverse. `scripts`: paths by their last part, up to a number of them.
    """

    base: str
    mounts: Mapping[str, str]
    modules: Mapping[str, str]
    names: Mapping[str, str]
    scripts: Mapping[str, Sequence[str]]
    paths: frozenset[str]

    def inside(self, path: str, /) -> PurePosixPath:
        """Return a file's path below the folder on `sys.path` that it is in."""
        return PurePosixPath(_below(path, self.mounts))

    def find_script(self, tail: str, starter: str, /) -> str:
        """Return the file that a path, or the end of one, means in the file `starter`; empty if none or many are."""
        tail = "/".join(part for part in tail.split("/") if part not in ("", ".", ".."))
        folder = starter.rpartition("/")[0]
        for preferred in (f"{folder}/{tail}" if folder else tail, f"{self.base}{tail}"):
            if preferred in self.paths:
                return preferred
        found = [path for path in self.scripts.get(tail.rpartition("/")[2], ()) if f"/{path}".endswith(f"/{tail}")]
        return found[0] if len(found) == 1 else ""

    def is_package(self, parts: Sequence[str], /) -> bool:
        """Whether that folder, below one on `sys.path`, is a package that says so by its `__init__.py`."""
        module = ".".join(parts)
        return self.modules.get(module, "").endswith("/__init__.py")


def base_of(info: ArtifactInfo, files: Sequence[FileFacts], /) -> str:
    """Return the one top folder of a source distribution, with its slash, or the empty string."""
    tops = {facts.path.partition("/")[0] for facts in files}
    alone = len(tops) == 1 and all("/" in facts.path for facts in files)
    return f"{tops.pop()}/" if alone and info.kind in ("sdist", "tar", "zip") else ""


def layout_of(files: Sequence[FileFacts], base: str, entries: Entries, /) -> Layout:
    """Return where the modules of an artifact are."""
    # what is looked up by name must not depend on the order of the files; a package wins over a module of its name
    paths = sorted(
        (facts.path for facts in files if facts.kind == "python" and "!/" not in facts.path),
        key=lambda path: (not path.endswith("/__init__.py"), path.count("/"), path),
    )
    mounts = dict(_mounts(paths, base, entries))
    modules: dict[str, str] = {}
    names: dict[str, str] = {}
    scripts: dict[str, list[str]] = {}
    for path in paths:
        alike = scripts.setdefault(path.rpartition("/")[2], [])
        if len(alike) < _MAX_ALIKE:
            alike.append(path)
        if path.endswith(".py"):
            names[path] = _module_name(_below(path, mounts))
            modules.setdefault(names[path], path)
    return Layout(base, mounts, modules, names, scripts, frozenset(paths))


def _mounts(paths: Sequence[str], base: str, entries: Entries) -> Iterator[tuple[str, str]]:
    yield from ((f"{base}{folder}/", "") for folder in _SOURCE_FOLDERS)
    for top in sorted({path.partition("/")[0] for path in paths if "/" in path}):
        if top.endswith(".data"):
            yield from ((f"{top}/{scheme}/", "") for scheme in ("purelib", "platlib"))
    for path in paths:
        parts = path.split("/")
        found = [number for number, part in enumerate(parts[:-1]) if part in _SITE_FOLDERS]
        if found:
            yield "/".join(parts[: found[-1] + 1]) + "/", ""
    declared = [*entries.folders, *(("", folder) for folder in entries.backend_path)]
    for package, folder in declared:
        folder = "/".join(part for part in folder.split("/") if part not in ("", ".", ".."))
        if folder:
            yield f"{base}{folder}/", package
    yield base, ""


def _below(path: str, mounts: Mapping[str, str]) -> str:
    folder = path.rpartition("/")[0]
    while folder and f"{folder}/" not in mounts:
        folder = folder.rpartition("/")[0]
    folder = f"{folder}/" if folder else ""
    parts = path.removeprefix(folder).split("/")
    # some tools extract each member into a folder of the member's own path
    half = len(parts) // 2
    if half > 1 and parts[:half] == parts[half:]:
        parts = parts[half:]
    package = mounts.get(folder, "")
    return "/".join([*package.split("."), *parts] if package else parts)


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def absolute_name(name: str, importer: str, path: str, /) -> str:
    """Return an import's absolute name; `importer` is the module that imports, empty if it is none."""
    dots = len(name) - len(name.lstrip("."))
    if not dots:
        return name
    package = importer.split(".") if importer else []
    if not path.endswith("/__init__.py"):
        package = package[:-1]
    package = package[: max(len(package) - (dots - 1), 0)] if dots > 1 else package
    return ".".join([*package, *filter(None, name[dots:].split("."))])


def with_parents(name: str, /) -> Iterator[str]:
    """Yield a module's name after those of the packages it is in."""
    parts = name.split(".")
    return (".".join(parts[: end + 1]) for end in range(len(parts)))
