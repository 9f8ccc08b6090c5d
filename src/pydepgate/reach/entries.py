"""What metadata has called by name: entry points, scripts, build backends and hooks; and where it says packages are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from pydepgate.entry_points import ini_entries, target_of
from pydepgate.model import FileFacts

BACKEND_HOOKS: Final = tuple(
    """build_wheel build_sdist build_editable get_requires_for_build_wheel get_requires_for_build_sdist
    get_requires_for_build_editable prepare_metadata_for_build_wheel prepare_metadata_for_build_editable""".split()
)
"""What an installer calls of a build backend (PEP 517, PEP 660)."""


_SHELL_GROUPS: Final = frozenset(("", "console_scripts", "gui_scripts"))
"""Groups whose targets people start; those of all others are loaded by the program that the group belongs to."""


@dataclass(slots=True)
class Entries:
    """`targets`: `module:function` of every entry point; `plugins`: the modules among them that pytest loads by
    itself; `hosted`: targets of the groups that programs other than shells load and call; `backend`: the module of an
    in-tree build backend, or empty; `backend_path`: where it is looked for.
    `commands`: dotted names of command classes; `scripts`: paths of files that are installed as commands;
    `build_scripts`: paths of files that building runs; `folders`: as in `model.SetupCall`."""

    targets: list[str] = field(default_factory=list)
    plugins: list[str] = field(default_factory=list)
    hosted: list[str] = field(default_factory=list)
    backend: str = ""
    backend_path: tuple[str, ...] = ()
    commands: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    build_scripts: list[str] = field(default_factory=list)
    folders: list[tuple[str, str]] = field(default_factory=list)

    def add_targets(self, pairs: Iterator[tuple[str, str]] | Sequence[tuple[str, str]], /) -> None:
        """Add entry points, given as pairs of group and target."""
        for group, target in pairs:
            self.targets.append(target)
            if group not in _SHELL_GROUPS:
                self.hosted.append(target)
            if group == "pytest11":
                self.plugins.append(target)


def read_entries(files: Sequence[FileFacts], base: str, /) -> Entries:
    """Return what the metadata of an artifact names; `base` is the folder of a source tree."""
    entries = Entries()
    for facts in sorted(files, key=lambda facts: facts.path):
        name = PurePosixPath(facts.path).name
        if facts.text and name == "entry_points.txt":
            entries.add_targets(ini_entries(facts.text))
        elif facts.text and facts.path == f"{base}pyproject.toml":
            _read_project(_toml(facts.text), entries)
        elif facts.text and facts.path == f"{base}setup.cfg":
            _read_setup_cfg(facts.text, entries)
        elif facts.path == f"{base}setup.py":
            entries.add_targets(facts.links.setup.entry_points)
            entries.scripts += facts.links.setup.scripts
            entries.folders += facts.links.setup.folders
    return entries


def _toml(text: str) -> dict[str, Any]:
    import tomllib  # wheels hold no project file

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _table(value: object, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _read_project(project: Mapping[str, Any], entries: Entries) -> None:
    entries.add_targets(list(_project_targets(_table(project, "project"))))
    build = _table(project, "build-system")
    if isinstance(build.get("backend-path"), list):
        entries.backend = str(build.get("build-backend", "")).partition(":")[0]
        entries.backend_path = tuple(map(str, build["backend-path"]))
    setuptools = _table(project, "tool", "setuptools")
    entries.commands += [str(target) for target in _table(setuptools, "cmdclass").values()]
    entries.folders += [(package, str(folder)) for package, folder in _table(setuptools, "package-dir").items()]
    where = _table(setuptools, "packages", "find").get("where")
    entries.folders += [("", str(folder)) for folder in (where if isinstance(where, list) else ())]
    poetry = _table(project, "tool", "poetry")
    script = poetry.get("build") if isinstance(poetry.get("build"), str) else _table(poetry, "build").get("script")
    entries.build_scripts += [str(script)] if script else []
    entries.add_targets([("", target_of(t)) for t in _table(poetry, "scripts").values() if isinstance(t, str)])
    hooks = _table(project, "tool", "hatch", "build")
    for table in (hooks, *(_table(hooks, "targets", target) for target in _table(hooks, "targets"))):
        if "custom" in _table(table, "hooks"):
            entries.build_scripts.append(str(_table(table, "hooks", "custom").get("path", "hatch_build.py")))
    pdm = _table(project, "tool", "pdm", "build").get("custom-hook")
    entries.build_scripts += [str(pdm)] if pdm else []


def _project_targets(project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    groups = {"console_scripts": project.get("scripts"), "gui_scripts": project.get("gui-scripts")}
    groups |= _table(project, "entry-points")
    for group, named in groups.items():
        if isinstance(named, dict):
            yield from ((group, target_of(str(value))) for value in named.values())


def _read_setup_cfg(text: str, entries: Entries) -> None:
    import configparser

    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    if parser.has_section("options"):
        options = dict(parser.items("options"))
        entries.commands += [target_of(line.partition("=")[2]) for line in _lines(options, "cmdclass")]
        entries.scripts += _lines(options, "scripts")
        for line in _lines(options, "package_dir"):
            package, _, folder = line.partition("=")
            entries.folders.append((package.strip(), folder.strip()))
    if parser.has_section("options.packages.find"):
        where = dict(parser.items("options.packages.find")).get("where", "").strip()
        entries.folders += [("", where)] if where else []
    if parser.has_section("options.entry_points"):
        for group, value in parser.items("options.entry_points"):
            entries.add_targets([(group, target_of(line.partition("=")[2])) for line in value.splitlines()])


def _lines(options: Mapping[str, str], name: str) -> list[str]:
    return [line.strip() for line in options.get(name, "").replace(",", "\n").splitlines() if line.strip()]
