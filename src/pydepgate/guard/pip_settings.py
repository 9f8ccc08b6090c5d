"""What pip would read: its arguments, `PIP_*` variables and configuration files at all levels.

Source: pip's documentation, "Configuration". The files, in the order in which they override each other: of the system,
of the user, of the environment that pip is in (site), and that named by `PIP_CONFIG_FILE`, which replaces the user's;
`PIP_CONFIG_FILE=/dev/null` turns all off. Of all files together `[global]` counts least, then the section of the
command, then the variables, then the arguments.
"""

from __future__ import annotations

import configparser
import locale
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydepgate.errors import UsageError
from pydepgate.guard.logins import home_of
from pydepgate.guard.words import Grammar, read_words

_COMMANDS = ("install", "download", "wheel", "index", "lock", "list")
_BASENAME = "pip.ini" if sys.platform == "win32" else "pip.conf"

_OPTIONS = {
    "-i": "index-url",
    "--index-url": "index-url",
    "--pypi-url": "index-url",
    "--extra-index-url": "extra-index-url",
    "-f": "find-links",
    "--find-links": "find-links",
    "--trusted-host": "trusted-host",
    "--cert": "cert",
    "--client-cert": "client-cert",
    "--proxy": "proxy",
    "--python": "python",
    "--no-index": "no-index",
    "--isolated": "isolated",
}
_SWITCHES = frozenset(("--no-index", "--isolated"))
# the short ones end a cluster, whether they matter here or not
_GRAMMAR = Grammar(frozenset(_OPTIONS) - _SWITCHES | frozenset(f"-{letter}" for letter in "Cacdeortw"))


@dataclass(frozen=True, slots=True)
class PipSettings:
    """Where pip would look; `index` is None if nothing names one."""

    index: str | None = None
    extra: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    no_index: bool = False
    trusted: tuple[str, ...] = ()
    authorities: str | None = None
    certificate: str | None = None
    proxy: str | None = None


def pip_settings(environment: Mapping[str, str], /, *, arguments: Sequence[str], folder: Path) -> PipSettings:
    """Read what a command with pip, started in `folder`, would be told. Raises UsageError for what is no
    configuration."""
    given = _given(arguments)
    isolated = "isolated" in given
    chosen = file_settings(environment, arguments=arguments, folder=folder)
    if not isolated:
        chosen |= {_key(name[4:]): value for name, value in environment.items() if name.startswith("PIP_") and value}
    index = _last(given.get("index-url")) or chosen.get("index-url")
    return PipSettings(
        index=index,
        extra=(*chosen.get("extra-index-url", "").split(), *given.get("extra-index-url", ())),
        links=(*chosen.get("find-links", "").split(), *given.get("find-links", ())),
        no_index="no-index" in given or _is_true(chosen.get("no-index", "no"), "no-index"),
        trusted=(*chosen.get("trusted-host", "").split(), *given.get("trusted-host", ())),
        authorities=_last(given.get("cert")) or chosen.get("cert"),
        certificate=_last(given.get("client-cert")) or chosen.get("client-cert"),
        proxy=_last(given.get("proxy")) or chosen.get("proxy"),
    )


def file_settings(environment: Mapping[str, str], /, *, arguments: Sequence[str], folder: Path) -> dict[str, str]:
    """Return what pip's configuration files say to a command, by option, without what is empty. Raises UsageError."""
    given = _given(arguments)
    command = next((word for word in arguments if word in _COMMANDS), "install")
    merged: dict[str, str] = {}
    prefixes = _prefixes(arguments, given, environment, folder)
    for path in _files(environment, isolated="isolated" in given, prefixes=prefixes):
        merged |= _read(path)
    return {key: value for section in ("global", command) for key, value in _section(merged, section) if value}


def _given(arguments: Sequence[str], /) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for word in read_words(arguments, _GRAMMAR):
        if key := _OPTIONS.get(word.option):
            given.setdefault(key, []).append(word.value or "")
    return given


def _last(values: Sequence[str] | None, /) -> str | None:
    return values[-1] if values else None


def _is_true(text: str, name: str, /) -> bool:
    lowered = text.strip().lower()
    if lowered in ("y", "yes", "t", "true", "on", "1"):
        return True
    if lowered in ("n", "no", "f", "false", "off", "0"):
        return False
    raise UsageError(f"pip's setting {name} is neither yes nor no: {text!r}")


def _key(name: str, /) -> str:
    key = name.lower().replace("_", "-").removeprefix("--")
    return "index-url" if key == "pypi-url" else key  # another name of the same option


def _section(merged: Mapping[str, str], section: str, /) -> Iterator[tuple[str, str]]:
    for name, value in merged.items():
        if name.startswith(f"{section}."):
            yield name.removeprefix(f"{section}."), value


def _read(path: Path, /) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding=locale.getpreferredencoding(False))
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UsageError(f"pip's configuration {path} cannot be read: {error}") from None
    return {f"{name}.{_key(key)}": value for name in parser.sections() for key, value in parser.items(name)}


def _files(environment: Mapping[str, str], /, *, isolated: bool, prefixes: Sequence[Path]) -> Iterator[Path]:
    named = environment.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    yield from _system_files(environment)
    if not isolated and not (named and Path(named).exists()):
        yield from _user_files(environment)
    yield from (prefix / _BASENAME for prefix in prefixes)
    if named:
        yield Path(named)


def _system_files(environment: Mapping[str, str], /) -> Iterator[Path]:
    if sys.platform == "win32":
        yield Path(environment.get("PROGRAMDATA", "C:\\ProgramData")) / "pip" / _BASENAME
    elif sys.platform == "darwin":
        yield Path("/Library/Application Support/pip") / _BASENAME
    else:
        folders = environment.get("XDG_CONFIG_DIRS", "").strip() or "/etc/xdg"
        yield from (Path(each).expanduser() / "pip" / _BASENAME for each in folders.split(os.pathsep) if each)
        yield Path("/etc") / _BASENAME


def _user_files(environment: Mapping[str, str], /) -> Iterator[Path]:
    home = home_of(environment)
    if sys.platform == "win32":
        yield home / "pip" / _BASENAME
        yield Path(environment.get("APPDATA") or home / "AppData/Roaming") / "pip" / _BASENAME
        return
    yield home / ".pip" / _BASENAME
    library = home / "Library/Application Support/pip"
    if sys.platform == "darwin":
        yield (library if library.is_dir() else home / ".config/pip") / _BASENAME
    else:
        yield Path(environment.get("XDG_CONFIG_HOME", "").strip() or home / ".config") / "pip" / _BASENAME


def _prefixes(
    arguments: Sequence[str], given: Mapping[str, list[str]], environment: Mapping[str, str], folder: Path, /
) -> list[Path]:
    """Return the environments that the command's pip may be in: that of its program, else the active one."""
    chosen = _last(given.get("python"))
    if chosen is not None and (folder / chosen).is_dir():
        return [folder / chosen]
    program = chosen or (arguments[0] if arguments and not arguments[0].startswith("-") else "pip")
    found = shutil.which(program, path=environment.get("PATH"))
    active = environment.get("VIRTUAL_ENV")
    if found is None:
        return [Path(active)] if active else []
    near = [Path(found).absolute().parent.parent, Path(found).resolve().parent.parent]
    return [next((prefix for prefix in near if (prefix / "pyvenv.cfg").is_file()), near[-1])]
