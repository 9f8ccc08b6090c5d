"""What an artifact says of itself, read once from wherever it says so: METADATA, PKG-INFO, setup(), project files.

Core metadata specification: https://packaging.python.org/en/latest/specifications/core-metadata/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from pydepgate.model import FileFacts
from pydepgate.regex import regex

Fields = dict[str, list[str]]
"""The values of each field, by its core metadata name in lower case."""

MAX_VALUES: Final = 200
"""Values of one field that are kept."""
MAX_VALUE: Final = 4_000
"""Characters of a value that are kept."""
_UNKNOWN: Final = frozenset(("", "unknown", "none", "n/a"))

SETUP_FIELDS: Final = {
    "name": "name",
    "version": "version",
    "description": "summary",
    "long_description": "description",
    "url": "home-page",
    "download_url": "download-url",
    "project_urls": "project-url",
    "author": "author",
    "maintainer": "maintainer",
    "author_email": "author-email",
    "maintainer_email": "maintainer-email",
    "license": "license",
    "license_expression": "license",
    "classifiers": "classifier",
    "keywords": "keywords",
    "install_requires": "requires-dist",
    "requires": "requires-dist",
    "setup_requires": "requires-setup",
    "dependency_links": "dependency-link",
    "packages": "packages",
    "py_modules": "packages",
}
"""Arguments of `setup()`, and keys of `setup.cfg`, by the core metadata field that they end up as."""

_SECTIONS: Final = frozenset(("metadata", "options"))
_FIELD: Final = regex(r"([A-Za-z][A-Za-z0-9-]*):[ \t]?(.*)")


@dataclass(frozen=True, slots=True)
class Metadata:
    """`file` is the member that said most, `fields` what is said, best source first for each field;
    `stated` whether there is core metadata, not only what a build would make it from. `description` is long."""

    fields: Mapping[str, Sequence[str]]
    file: str = ""
    stated: bool = False

    def first(self, *names: str) -> str:
        """Return the first value that says something, of the first of these fields that has one."""
        return next((value for name in names for value in self.all(name)), "")

    def all(self, *names: str) -> list[str]:
        """Return all values that say something, of these fields."""
        return [
            value
            for name in names
            for value in map(str.strip, self.fields.get(name, ()))
            if value.lower() not in _UNKNOWN
        ]


def read_metadata(files: Sequence[FileFacts], /, *, base: str = "") -> Metadata:
    """Return what the members say; `base` is the artifact's one top folder, with its slash, if it has one."""
    sources = sorted(_sources(files, base), key=lambda source: source[0])
    if not sources:
        return Metadata({})
    (place, *_), file, first = sources[0]
    stated = place == _CORE
    fields = dict(first)
    for (place, *_), _, found in sources[1:]:
        # what was built says all but the dependencies, which old kinds of it leave out; a second is of a copy inside
        for name, values in found.items() if place != _CORE else ():
            if not stated or name in _LEFT_OUT:
                fields.setdefault(name, values)
    return Metadata(fields, file, stated)


_CORE: Final = 0


_LEFT_OUT: Final = frozenset(("requires-dist", "requires-setup", "dependency-link", "packages"))


def _sources(files: Sequence[FileFacts], base: str) -> Iterator[tuple[tuple[int, int, str], str, Fields]]:
    for facts in files:
        path = PurePosixPath(facts.path.removeprefix(base))
        depth = len(path.parts)
        if "!/" in facts.path or depth > _MAX_DEPTH:
            continue
        rank = (_CORE if path.name in ("METADATA", "PKG-INFO") else _CORE + 1, depth, facts.path)
        if facts.setup and path.name == "setup.py" and depth == 1:
            yield rank, facts.path, {name: list(values) for name, values in facts.setup}
        elif facts.text and (found := _read(path, facts.text)):
            yield rank, facts.path, found


_MAX_DEPTH: Final = 4


def _read(path: PurePosixPath, text: str) -> Fields:
    match path.name:
        case "METADATA" | "PKG-INFO":
            return core_fields(text)
        case "setup.cfg":
            return _config_fields(text)
        case "pyproject.toml":
            return _project_fields(text)
        case "requires.txt":
            return {"requires-dist": _plain_requirements(text)}
        case "dependency_links.txt":
            return {"dependency-link": text.split()[:MAX_VALUES]}
        case _:
            return {}


def core_fields(text: str, /) -> Fields:
    """Return the fields of a METADATA or PKG-INFO file; its body is the field `description`."""
    fields: Fields = {}
    head, _, body = text.lstrip("\ufeff\n").replace("\r\n", "\n").partition("\n\n")
    values: list[str] = []
    for line in head.split("\n"):
        if line[:1] in (" ", "\t") and values:
            values[-1] = f"{values[-1]}\n{line.strip()}"[:MAX_VALUE]
        elif match := _FIELD.match(line):
            values = fields.setdefault(match[1].lower(), [])
            if len(values) < MAX_VALUES:
                values.append(match[2].strip()[:MAX_VALUE])
    if body.strip():
        fields.setdefault("description", []).append(body.strip()[:MAX_VALUE])
    return fields


def _config_fields(text: str) -> Fields:
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    fields: Fields = {}
    for section in parser.sections():
        if section in _SECTIONS:
            for key, value in parser.items(section):
                name = SETUP_FIELDS.get(key.replace("-", "_"))
                if name is not None and value and not value.startswith(("attr:", "file:")):
                    fields.setdefault(name, []).extend(line[:MAX_VALUE] for line in value.strip().split("\n"))
    return fields


def _project_fields(text: str) -> Fields:
    import tomllib  # wheels hold no project file

    try:
        project = tomllib.loads(text).get("project")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    if not isinstance(project, dict):
        return {}
    people = [person for key in ("authors", "maintainers") for person in _list(project.get(key))]
    return {
        "name": _list(project.get("name")),
        "version": _list(project.get("version")),
        "summary": _list(project.get("description")),
        "description": _list(project.get("readme")),
        "license": _list(project.get("license")),
        "classifier": _list(project.get("classifiers")),
        "keywords": _list(project.get("keywords")),
        "requires-dist": _list(project.get("dependencies")),
        "project-url": _list(project.get("urls")),
        "author": [person for person in people if "@" not in person],
        "author-email": [person for person in people if "@" in person],
    }


def _list(value: Any) -> list[str]:
    """Return the strings of a TOML value, however they are nested."""
    found: list[str] = []
    waiting = [value]
    while waiting and len(found) < MAX_VALUES:
        part = waiting.pop()
        if isinstance(part, str):
            found.append(part[:MAX_VALUE])
        elif isinstance(part, dict):
            waiting += reversed(part.values())
        elif isinstance(part, list):
            waiting += reversed(part)
    return found


def _plain_requirements(text: str) -> list[str]:
    """Return what `requires.txt` asks for without an extra."""
    always = text.partition("\n[")[0] if not text.startswith("[") else ""
    return [line.strip() for line in always.split("\n") if line.strip()][:MAX_VALUES]
