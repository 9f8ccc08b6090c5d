"""Which indexes uv would ask: its arguments, `UV_*` variables and configuration files.

Source: uv's documentation, "Package indexes" and "Environment variables". Arguments stand for the variable of the same
name; entries of `[[index]]` come after them, in their order; of entries of one name the first counts; the default index
comes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydepgate.guard.uv_config import uv_settings
from pydepgate.guard.words import Grammar, read_words
from pydepgate.regex import regex

FIRST_INDEX = "first-index"

_OPTIONS = {
    "--index": "index",
    "--default-index": "default-index",
    "-i": "index-url",
    "--index-url": "index-url",
    "--extra-index-url": "extra-index-url",
    "-f": "find-links",
    "--find-links": "find-links",
    "--no-index": "no-index",
    "--index-strategy": "index-strategy",
    "--allow-insecure-host": "allow-insecure-host",
    "--trusted-host": "allow-insecure-host",
    "--config-file": "config-file",
    "--no-config": "no-config",
    "--project": "project",
    "--directory": "directory",
}
_SWITCHES = frozenset(("--no-index", "--no-config"))
_GRAMMAR = Grammar(frozenset(_OPTIONS) - _SWITCHES | frozenset(f"-{letter}" for letter in "CPbceoprtw"))
_VARIABLES = {
    "index": "UV_INDEX",
    "default-index": "UV_DEFAULT_INDEX",
    "index-url": "UV_INDEX_URL",
    "extra-index-url": "UV_EXTRA_INDEX_URL",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "index-strategy": "UV_INDEX_STRATEGY",
    "allow-insecure-host": "UV_INSECURE_HOST",
    "project": "UV_PROJECT",
    "directory": "UV_WORKING_DIR",
}
_SEPARATORS = {"find-links": r"[\s,]+", "index-url": r"\Z", "default-index": r"\Z", "index-strategy": r"\Z"}
_NAMED = regex(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)")
_FALSE = frozenset(("", "0", "false", "f", "no", "n", "off"))


@dataclass(frozen=True, slots=True)
class UvIndex:
    """An index of uv's. `text`: its address, perhaps with credentials, or a path. `absent`: statuses that say that it
    does not have a project (`ignore-error-codes`). `explicit`: only asked for what is pinned to it."""

    text: str
    name: str = ""
    default: bool = False
    explicit: bool = False
    flat: bool = False
    absent: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class UvSettings:
    """Where uv would look, in its order. `folder`: what relative paths start from."""

    folder: Path
    indexes: tuple[UvIndex, ...] = ()
    strategy: str = FIRST_INDEX
    insecure: tuple[str, ...] = ()
    logins: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_uv_settings(
    environment: Mapping[str, str], /, *, arguments: Sequence[str], folder: Path, default: str
) -> UvSettings:
    """Read what a command with uv, started in `folder`, would be told; `default` is the index that it takes where none
    is named. Raises PydepgateError for what is no configuration."""
    given = _given(arguments, environment)
    folder = folder / _only(given, "directory", "")
    file = _only(given, "config-file", "") or None
    settings = uv_settings(
        environment, folder=folder / _only(given, "project", ""), file=file, no_config="no-config" in given
    )
    pip = settings.get("pip")
    if "pip" in arguments and isinstance(pip, dict):  # uv pip: its own table counts more
        settings |= pip
    told = _Told({key: _values(given, key) for key in given})
    configured = _Told({key: _texts(value) for key, value in settings.items()})
    entries = settings.get("index")
    tables = [_entry(each) for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    by_name = {each.name: each for each in tables if each.name}
    first = [by_name.get(each.text, each) for each in told.indexes("index")]
    indexes = [*first, *told.indexes("extra-index-url"), *tables, *configured.indexes("extra-index-url")]
    defaults = [
        *told.indexes("default-index"),
        *told.indexes("index-url"),
        *(each for each in tables if each.default),
        *configured.indexes("index-url"),
        UvIndex(default),
    ]
    links = [*told.indexes("find-links"), *configured.indexes("find-links")]
    no_index = _is_true(_only(given, "no-index", "false")) or settings.get("no-index") is True
    asked = [] if no_index else [*(each for each in indexes if not each.default), replace(defaults[0], default=True)]
    return UvSettings(
        folder=_base(folder),
        indexes=(*_unique(asked), *(replace(each, flat=True) for each in links)),
        strategy=_only(given, "index-strategy", str(settings.get("index-strategy") or FIRST_INDEX)),
        insecure=(*_values(given, "allow-insecure-host"), *_texts(settings.get("allow-insecure-host"))),
        logins={name: value for name, value in environment.items() if name.startswith("UV_INDEX_")},
    )


@dataclass(frozen=True, slots=True)
class _Told:
    values: Mapping[str, list[str]]

    def indexes(self, key: str, /) -> list[UvIndex]:
        return list(map(_from_text, self.values.get(key, ())))


def _given(arguments: Sequence[str], environment: Mapping[str, str], /) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for word in read_words(arguments, _GRAMMAR):
        if key := _OPTIONS.get(word.option):
            given.setdefault(key, []).append("true" if word.option in _SWITCHES else word.value or "")
    for key, variable in _VARIABLES.items():
        if key not in given and (value := environment.get(variable, "").strip()):
            given[key] = [value]
    return given


def _values(given: Mapping[str, list[str]], key: str, /) -> list[str]:
    pieces = (re.split(_SEPARATORS.get(key, r"\s+"), value) for value in given.get(key, ()))
    return [piece for each in pieces for piece in each if piece]


def _only(given: Mapping[str, list[str]], key: str, otherwise: str, /) -> str:
    values = given.get(key)
    return values[-1] if values else otherwise


def _is_true(text: str, /) -> bool:
    return text.lower() not in _FALSE


def _texts(value: object, /) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _from_text(text: str, /) -> UvIndex:
    named = _NAMED.fullmatch(text)
    return UvIndex(named[2], name=named[1]) if named else UvIndex(text)


def _entry(table: Mapping[str, object], /) -> UvIndex:
    codes = table.get("ignore-error-codes")
    return UvIndex(
        text=str(table.get("url", "")),
        name=str(table.get("name") or ""),
        default=table.get("default") is True,
        explicit=table.get("explicit") is True,
        flat=table.get("format") == "flat",
        absent=frozenset(code for code in codes if isinstance(code, int)) if isinstance(codes, list) else frozenset(),
    )


def _unique(indexes: Iterable[UvIndex], /) -> Iterator[UvIndex]:
    names: set[str] = set()
    addresses: set[str] = set()
    for index in indexes:
        if index.text and index.name not in names and (index.name or index.text not in addresses):
            yield index
        names |= {index.name} - {""}
        addresses.add(index.text)


def _base(folder: Path, /) -> Path:
    """Return the folder of the project's configuration, which is where its relative paths start."""
    places = (folder, *folder.absolute().parents)
    known = (place for place in places if any((place / name).is_file() for name in ("uv.toml", "pyproject.toml")))
    return next(known, folder)
