"""What a word or a line names to be installed: something of an index, something on disk, or an address."""

from __future__ import annotations

import enum
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydepgate.guard.names import ARCHIVES
from pydepgate.regex import regex

_ADDRESS = regex(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)
_AT = regex(r"\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*@\s*(?P<target>\S.*)")
_SCP = regex(r"[A-Za-z0-9._-]+@[A-Za-z0-9._-]+:.+")
_EXTRAS = regex(r"(?P<path>.+?)\[[A-Za-z0-9._,\s-]*\]")
_DRIVE = regex(r"[A-Za-z]:[\\/]")


class Kind(enum.Enum):
    """Where something is found."""

    INDEX = "index"
    LOCAL = "local"
    DIRECT = "direct"


def named(text: str, /, *, folder: Path) -> tuple[Kind, Path | str]:
    """Return where a requirement is found, with its path or address (PEP 508, and pip's own forms).

    `folder` is where relative paths start. The text has no comment and no options.
    """
    target = text.partition(" ;")[0].strip()
    if (found := _AT.fullmatch(target)) is not None and not _SCP.fullmatch(target):
        target = found["target"].strip()
        return _address_or_path(target, folder)
    if _DRIVE.match(target) or _ADDRESS.match(target) or _SCP.fullmatch(target):
        return _address_or_path(target, folder)
    if (extras := _EXTRAS.fullmatch(target)) is not None:
        target = extras["path"].strip()
    looks_local = target.startswith((".", "~")) or "/" in target or "\\" in target
    if looks_local or target.lower().endswith(ARCHIVES) or _is_project_folder(folder / target):
        return Kind.LOCAL, _path(target, folder)
    return Kind.INDEX, target


def is_address(text: str, /) -> bool:
    """Whether a text is an address rather than a path; `file:` is one."""
    return _ADDRESS.match(text) is not None and _DRIVE.match(text) is None


def _address_or_path(target: str, folder: Path) -> tuple[Kind, Path | str]:
    if _DRIVE.match(target) or not (_ADDRESS.match(target) or _SCP.fullmatch(target)):
        return Kind.LOCAL, _path(target, folder)
    if target[:5].lower() == "file:":
        return Kind.LOCAL, _path(url2pathname(urlsplit(target).path), folder)
    return Kind.DIRECT, target


def _path(target: str, folder: Path) -> Path:
    return folder / Path(target).expanduser()


def _is_project_folder(path: Path) -> bool:
    """A bare word that is also a folder is a project to pip if it could be built."""
    try:
        return (path / "setup.py").is_file() or (path / "pyproject.toml").is_file()
    except (OSError, ValueError):
        return False
