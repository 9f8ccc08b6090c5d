"""What a setup script hands to `setup()`: commands that an installer runs, entry points, scripts, package folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pydepgate.entry_points import ini_entries, target_of
from pydepgate.model import SetupCall
from pydepgate.source.values import Value

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite

_INSTALL_COMMANDS: Final = frozenset(
    """install develop egg_info build build_py build_ext build_clib build_scripts bdist bdist_wheel bdist_egg sdist
    install_lib install_scripts install_data install_headers install_egg_info dist_info editable_wheel easy_install
    config build_src clean""".split()
)
"""Commands of setuptools and distutils (and numpy's) that building, installing or failing to runs."""

_TELLING: Final = frozenset(
    "name version packages package_dir py_modules ext_modules entry_points scripts cmdclass".split()
)
_MAX_ITEMS: Final = 1_000


def setup_of(sites: Sequence[CallSite], /) -> SetupCall:
    """Return what all calls of `setup()` in a file are given."""
    ran = {site.argument(0).text for site in sites if site.name.endswith(".run_command")}
    commands: list[str] = []
    others: list[str] = []
    entry_points: list[tuple[str, str]] = []
    scripts: list[str] = []
    folders: list[tuple[str, str]] = []
    for site in sites:
        owner, _, function = site.name.rpartition(".")
        if function in ("find_packages", "find_namespace_packages") and "setuptools" in owner:
            where = site.argument(0, "where").text
            folders += [("", where)] if where else []
        if function != "setup" or _TELLING.isdisjoint(site.keywords):
            continue
        for command, value in _items(site.keywords.get("cmdclass")):
            name = _class_name(value)
            if name:
                (commands if command in _INSTALL_COMMANDS or command in ran else others).append(name)
        entry_points += _entry_points(site.keywords.get("entry_points"))
        scripts += _texts(site.keywords.get("scripts"))
        folders += [(package, value.text) for package, value in _items(site.keywords.get("package_dir")) if value.text]
    return SetupCall(
        commands=tuple(dict.fromkeys(commands)),
        others=tuple(name for name in dict.fromkeys(others) if name not in commands),
        entry_points=tuple(entry_points),
        scripts=tuple(scripts),
        folders=tuple(dict.fromkeys(folders)),
    )


def _class_name(value: Value) -> str:
    cls = value.cls or value.instance_of
    if cls is not None:
        return f":{cls.qualname}"
    return f":{value.function.qualname}" if value.function is not None else value.name


def _items(value: Value | None) -> Iterator[tuple[str, Value]]:
    if value is None:
        return
    pairs: Mapping[object, object] = value.const if isinstance(value.const, dict) else value.mapping or {}
    for key, item in list(pairs.items())[:_MAX_ITEMS]:
        if isinstance(key, str):
            yield key, item if isinstance(item, Value) else Value(const=item)


def _texts(value: Value | None) -> Iterator[str]:
    if value is None:
        return
    if isinstance(value.const, list | tuple):
        yield from (item for item in value.const[:_MAX_ITEMS] if isinstance(item, str))
    elif value.text:
        yield from value.text.splitlines()
    for item in value.items or ():
        if item.text:
            yield item.text


def _entry_points(value: Value | None) -> Iterator[tuple[str, str]]:
    if value is not None and value.text:
        yield from ini_entries(value.text)
    for group, entries in _items(value):
        for line in _texts(entries):
            _, equals, target = line.partition("=")
            if equals:
                yield group, target_of(target)
