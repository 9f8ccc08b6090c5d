"""Where the user's configuration and caches lie: rules of each platform, by hand.

Sources: the XDG Base Directory Specification (a relative path in its variables is ignored); Apple's File System
Programming Guide; Microsoft's Known Folders. Nothing here looks at the current folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CACHE_VARIABLE: Final = "PYDEPGATE_CACHE_DIR"
"""Overrides the folder of caches, where a pipeline keeps them elsewhere; an absolute path."""

_OWN: Final = "pydepgate"


def cache_folder(environment: Mapping[str, str], /, *, platform: str = sys.platform) -> Path:
    """Return the folder of pydepgate's caches, which may not exist yet.

    `platform` is as `sys.platform` gives it.
    """
    if (own := _absolute(environment, CACHE_VARIABLE)) is not None:
        return own
    if platform == "win32":
        local = _absolute(environment, "LOCALAPPDATA") or _home(environment, platform) / "AppData" / "Local"
        return local / _OWN / "Cache"
    if platform == "darwin":
        return _home(environment, platform) / "Library" / "Caches" / _OWN
    return (_absolute(environment, "XDG_CACHE_HOME") or _home(environment, platform) / ".cache") / _OWN


def config_folder(environment: Mapping[str, str], /, *, platform: str = sys.platform) -> Path:
    """Return the folder of the user's configuration of pydepgate, which may not exist.

    `platform` is as `sys.platform` gives it.
    """
    if platform == "win32":
        return (_absolute(environment, "APPDATA") or _home(environment, platform) / "AppData" / "Roaming") / _OWN
    if platform == "darwin":
        return _home(environment, platform) / "Library" / "Application Support" / _OWN
    return (_absolute(environment, "XDG_CONFIG_HOME") or _home(environment, platform) / ".config") / _OWN


def private_folder(path: Path, /) -> Path:
    """Make a folder that only the user can look into, with those above it; returns `path`.

    Raises PermissionError if it is there and belongs to somebody else, and OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if not owned(path):
        raise PermissionError(f"{path} belongs to another user")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(0o700)
    return path


def owned(path: Path, /) -> bool:
    """Say whether what is there belongs to the user; where files have no such owner, all do."""
    return not hasattr(os, "geteuid") or path.stat().st_uid == os.geteuid()


def _home(environment: Mapping[str, str], platform: str) -> Path:
    variable = "USERPROFILE" if platform == "win32" else "HOME"
    return _absolute(environment, variable) or Path.home()


def _absolute(environment: Mapping[str, str], variable: str) -> Path | None:
    path = Path(environment.get(variable) or ".")
    return path if path.is_absolute() else None
