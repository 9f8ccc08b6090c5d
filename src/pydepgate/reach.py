"""When each piece of an artifact runs: at startup, on install, on import, by an entry point, on call, or never."""

from __future__ import annotations

import configparser
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from pydepgate.model import ArtifactInfo, FileFacts, Runs, Signal
from pydepgate.source.interpreter import MAIN_ROOT, MODULE_ROOT

_SOURCE_FOLDERS: Final = ("src", "lib", "python")
"""Folders of a source tree that hold the packages without being one (`package_dir`, by custom)."""

_NEVER_FOLDERS: Final = frozenset(
    "test tests testing doc docs example examples benchmark benchmarks bench demo demos samples".split()
)
_STARTUP_MODULES: Final = frozenset(("sitecustomize.py", "usercustomize.py"))
_BACKEND_HOOKS: Final = frozenset(
    """build_wheel build_sdist build_editable get_requires_for_build_wheel get_requires_for_build_sdist
    get_requires_for_build_editable prepare_metadata_for_build_wheel prepare_metadata_for_build_editable""".split()
)
"""What an installer calls of a build backend (PEP 517, PEP 660)."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where modules are: the folders that end up on `sys.path`, and each module's file."""

    roots: tuple[str, ...]
    modules: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _EntryPoints:
    """`targets`: `module:function` of every entry point; `plugins`: the modules among them that pytest loads by
    itself; `backend`: the module of an in-tree build backend, or empty; `backend_path`: where it is looked for."""

    targets: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    backend: str = ""
    backend_path: tuple[str, ...] = ()


def reach(info: ArtifactInfo, files: Sequence[FileFacts], /) -> list[tuple[Signal, Runs]]:
    """Return every signal of an artifact with the earliest time at which its code runs."""
    base = _base(info, files)
    entry = _entry_points(files, base)
    layout = _layout(files, base, entry)
    bodies = _bodies(info, files, layout, entry)
    entry_functions = _entry_functions(files, entry, layout)
    return [
        (signal, min((_when(root, signal, facts, bodies, entry_functions) for root in signal.roots), key=_rank))
        for facts in files
        for signal in facts.signals
    ]


def _rank(runs: Runs) -> int:
    return runs.rank


def _when(
    root: str,
    signal: Signal,
    facts: FileFacts,
    bodies: Mapping[str, Runs],
    entry_functions: Mapping[str, Mapping[str, Runs]],
) -> Runs:
    body = bodies[facts.path]
    if root == MODULE_ROOT:
        return body
    if root == MAIN_ROOT:
        # an installer runs setup.py, and a shell a script, as the main program
        runs_as_main = PurePosixPath(facts.path).name == "setup.py" and body is Runs.INSTALL
        return body if runs_as_main or body in (Runs.ENTRY_POINT, Runs.NEVER) else Runs.MAIN_GUARD
    hooked = any(root == hook or root.startswith(f"{hook}.") for hook in facts.hooks)
    if hooked and body is Runs.INSTALL:
        return Runs.INSTALL
    entered = entry_functions.get(facts.path, {})
    for name in (root, signal.function):
        if name in entered:
            return entered[name]
    return Runs.NEVER if body is Runs.NEVER else Runs.CALL


def _base(info: ArtifactInfo, files: Sequence[FileFacts]) -> str:
    """Return the one top folder of a source distribution, with its slash, or the empty string."""
    tops = {facts.path.partition("/")[0] for facts in files}
    alone = len(tops) == 1 and all("/" in facts.path for facts in files)
    return f"{tops.pop()}/" if alone and info.kind in ("sdist", "tar", "zip") else ""


def _layout(files: Sequence[FileFacts], base: str, entry: _EntryPoints) -> _Layout:
    paths = [facts.path for facts in files]
    tops = {path.partition("/")[0] for path in paths if "/" in path}
    roots = {base, *(f"{base}{folder}/" for folder in _SOURCE_FOLDERS)}
    roots |= {f"{top}/{scheme}/" for top in tops if top.endswith(".data") for scheme in ("purelib", "platlib")}
    roots |= {f"{base}{folder}/" for folder in (part.strip("./") for part in entry.backend_path) if folder}
    by_length = sorted(roots, key=lambda root: (-len(root), root))
    modules: dict[str, str] = {}
    for path in paths:
        if not path.endswith(".py"):
            continue
        root = next((root for root in by_length if path.startswith(root)), "")
        modules.setdefault(_module_name(path.removeprefix(root)), path)
    return _Layout(tuple(by_length), modules)


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _bodies(info: ArtifactInfo, files: Sequence[FileFacts], layout: _Layout, entry: _EntryPoints) -> dict[str, Runs]:
    """Return when the top level of each file runs."""
    runs = {facts.path: _by_place(info, facts, layout) for facts in files}
    for target in entry.targets:
        _earliest(runs, layout.modules.get(target.partition(":")[0]), Runs.ENTRY_POINT)
    if entry.backend:
        _earliest(runs, layout.modules.get(entry.backend), Runs.INSTALL)
    by_path = {facts.path: facts for facts in files}
    names = {path: name for name, path in layout.modules.items()}
    queue = deque(path for path, when in runs.items() if when.rank <= Runs.MAIN_GUARD.rank)
    while queue:
        path = queue.popleft()
        facts = by_path[path]
        imported = facts.imports + (facts.late_imports if facts.hooks and runs[path] is Runs.INSTALL else ())
        for name in imported:
            for module in _with_parents(_absolute(name, names.get(path, ""), path)):
                imported_path = layout.modules.get(module)
                if imported_path is not None and _earliest(runs, imported_path, runs[path]):
                    queue.append(imported_path)
    return runs


def _by_place(info: ArtifactInfo, facts: FileFacts, layout: _Layout) -> Runs:
    """Return when a file runs by its name and place alone."""
    path = PurePosixPath(facts.path)
    root = next((root for root in layout.roots if facts.path.startswith(root)), "")
    inside = PurePosixPath(facts.path.removeprefix(root))
    if facts.kind == "pth":
        return Runs.STARTUP
    if facts.kind != "python" or "!/" in facts.path:
        return Runs.CALL
    alone = len(inside.parts) == 1
    if alone and path.name in _STARTUP_MODULES:
        return Runs.STARTUP
    if alone and path.name == "setup.py" and info.kind not in ("wheel", "egg", "installed"):
        return Runs.INSTALL
    if "scripts" in path.parts[:2] or "bin" in path.parts[:2] or path.suffix == "":
        return Runs.ENTRY_POINT
    if not _NEVER_FOLDERS.isdisjoint(part.lower() for part in path.parent.parts) or path.name == "conftest.py":
        return Runs.NEVER
    if alone or (len(inside.parts) == 2 and path.name == "__init__.py"):
        return Runs.IMPORT
    return Runs.MAIN_GUARD if path.name == "__main__.py" else Runs.CALL


def _earliest(runs: dict[str, Runs], path: str | None, when: Runs) -> bool:
    """Let a file run no later than `when`; return whether that changed anything."""
    if path is None or runs[path].rank <= when.rank:
        return False
    runs[path] = when
    return True


def _absolute(name: str, importer: str, path: str) -> str:
    """Return an import's absolute name; `importer` is the module that imports, empty if it is none."""
    dots = len(name) - len(name.lstrip("."))
    if not dots:
        return name
    package = importer.split(".") if importer else []
    if not path.endswith("/__init__.py"):
        package = package[:-1]
    package = package[: len(package) - (dots - 1)] if dots > 1 else package
    return ".".join([*package, *filter(None, name[dots:].split("."))])


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[: end + 1]) for end in range(len(parts)))


def _entry_points(files: Sequence[FileFacts], base: str) -> _EntryPoints:
    pairs: list[tuple[str, str]] = []
    backend = ""
    backend_path: tuple[str, ...] = ()
    for facts in files:
        name = PurePosixPath(facts.path).name
        if facts.text and name == "entry_points.txt":
            pairs += _ini_targets(facts.text)
        elif facts.text and facts.path == f"{base}pyproject.toml":
            project = _toml(facts.text)
            pairs += _project_targets(project.get("project"))
            build = project.get("build-system")
            if isinstance(build, dict) and isinstance(build.get("backend-path"), list):
                backend = str(build.get("build-backend", "")).partition(":")[0]
                backend_path = tuple(map(str, build["backend-path"]))
    targets = tuple(dict.fromkeys(target for _, target in pairs))
    plugins = tuple(target for group, target in pairs if group == "pytest11")
    return _EntryPoints(targets, plugins, backend, backend_path)


def _ini_targets(text: str) -> Iterator[tuple[str, str]]:
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in parser.sections():
        for _, value in parser.items(section):
            yield section, _target(value)


def _target(value: str) -> str:
    """Return `module:function` of an entry point's value, without its extras."""
    return value.partition("[")[0].strip().replace(" ", "")


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _project_targets(project: object) -> Iterator[tuple[str, str]]:
    if not isinstance(project, dict):
        return
    groups = {"console_scripts": project.get("scripts"), "gui_scripts": project.get("gui-scripts")}
    plugins = project.get("entry-points")
    if isinstance(plugins, dict):
        groups |= plugins
    for group, entries in groups.items():
        if isinstance(entries, dict):
            yield from ((group, _target(str(value))) for value in entries.values())


def _entry_functions(files: Sequence[FileFacts], entry: _EntryPoints, layout: _Layout) -> dict[str, dict[str, Runs]]:
    """Return, by file, the functions that entry points, pytest and installers call."""
    found: dict[str, dict[str, Runs]] = {}
    for target in entry.targets:
        module, _, function = target.partition(":")
        path = layout.modules.get(module)
        if path is not None and function:
            found.setdefault(path, {})[function] = Runs.ENTRY_POINT
    plugins = {layout.modules.get(plugin) for plugin in entry.plugins}
    for facts in files:
        if facts.path in plugins:
            names = {root for signal in facts.signals for root in signal.roots if root.startswith("pytest_")}
            found.setdefault(facts.path, {}).update(dict.fromkeys(names, Runs.ENTRY_POINT))
    backend = layout.modules.get(entry.backend) if entry.backend else None
    if backend is not None:
        found.setdefault(backend, {}).update(dict.fromkeys(_BACKEND_HOOKS, Runs.INSTALL))
    return found
