"""uv's configuration files, joined as uv joins them, and written anew without what concerns indexes.

Source: uv's documentation, "Configuration files": the project's `uv.toml`, or `[tool.uv]` of its `pyproject.toml`,
before the user's and the system's; lists are joined, tables too.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydepgate.guard.asked import RefusedCommand

INDEX_KEYS = frozenset(
    (
        *("index", "index-url", "extra-index-url", "find-links", "no-index", "allow-insecure-host", "trusted-host"),
        *("cache-dir", "no-cache", "keyring-provider", "http-proxy", "https-proxy", "no-proxy", "cache-keys"),
    )
)
"""Settings that the guard makes itself."""

_PROJECT_ONLY = frozenset(("sources", "workspace", "managed", "package", "dev-dependencies", "default-groups"))
_PROJECT_ONLY |= frozenset(("dependency-groups", "conflicts", "environments", "required-environments", "build-backend"))
_PROJECT_ONLY |= frozenset(("extra-build-dependencies", "exclude-dependencies"))


def uv_settings(
    environment: Mapping[str, str], /, *, folder: Path, file: str | None = None, no_config: bool = False
) -> dict[str, object]:
    """Return what uv's configuration says for a folder.

    `file`: the one that replaces all others (`--config-file`). Raises RefusedCommand if one cannot be read.
    """
    named = file or environment.get("UV_CONFIG_FILE")
    if named:
        return _table(folder / named)
    if no_config or environment.get("UV_NO_CONFIG", "").lower() in ("1", "true", "t", "yes", "y", "on"):
        return {}
    joined: dict[str, object] = {}
    for table in (_of_project(folder), *_of_user(environment)):
        joined = _joined(joined, table)
    return joined


def without_indexes(settings: Mapping[str, object], /) -> dict[str, object]:
    """Return settings without those that the guard makes itself, or that no `uv.toml` may have.

    Raises RefusedCommand for one that leads past every index.
    """
    kept: dict[str, object] = {}
    for key, value in settings.items():
        if key == "torch-backend":
            raise RefusedCommand("uv's torch-backend asks an index of its own: configure that index instead")
        if key in INDEX_KEYS or key in _PROJECT_ONLY:
            continue
        kept[key] = without_indexes(value) if key == "pip" and isinstance(value, dict) else value
    return kept


def configured_indexes(settings: Mapping[str, object], /) -> tuple[Mapping[str, object], ...]:
    """Return the entries of `[[index]]`."""
    entries = settings.get("index", ())
    return tuple(each for each in entries if isinstance(each, dict)) if isinstance(entries, list) else ()


def _joined(first: Mapping[str, object], second: Mapping[str, object]) -> dict[str, object]:
    joined = dict(second)
    for key, value in first.items():
        other = second.get(key)
        if isinstance(value, list) and isinstance(other, list):
            joined[key] = [*value, *other]
        elif isinstance(value, dict) and isinstance(other, dict):
            joined[key] = _joined(value, other)
        else:
            joined[key] = value
    return joined


def _of_project(folder: Path) -> dict[str, object]:
    for place in (folder, *folder.absolute().parents):
        if (place / "uv.toml").is_file():
            return _table(place / "uv.toml")
        if (place / "pyproject.toml").is_file():
            tool = _table(place / "pyproject.toml").get("tool")
            table = tool.get("uv") if isinstance(tool, dict) else None
            if isinstance(table, dict):
                return table
    return {}


def _of_user(environment: Mapping[str, str]) -> Iterator[dict[str, object]]:
    home = Path(environment.get("USERPROFILE" if sys.platform == "win32" else "HOME") or Path.home())
    if sys.platform == "win32":
        folders: Sequence[Path] = (Path(environment.get("APPDATA") or home / "AppData" / "Roaming"),)
        system: Sequence[Path] = (Path(environment.get("PROGRAMDATA") or "C:\\ProgramData"),)
    else:
        folders = (Path(environment.get("XDG_CONFIG_HOME") or home / ".config"),)
        given = environment.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        system = (*map(Path, filter(None, given.split(os.pathsep))), Path("/etc"))
    for places in (folders, system):
        found = next((place / "uv" / "uv.toml" for place in places if (place / "uv" / "uv.toml").is_file()), None)
        if found is not None:
            yield _table(found)


def _table(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RefusedCommand(f"{path}: cannot be read: {error}") from None
