"""Names of projects and files, as indexes and archives write them."""

from __future__ import annotations

import re

from pydepgate.regex import regex

ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tar", ".tgz", ".tbz", ".txz", ".tlz", ".tar.lz")
"""Endings of files that installers take, longest first where one ends in another."""

_SEPARATORS = regex(r"[-_.]+")
_PROJECT = regex(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_VERSION = regex(r"v?[0-9][a-z0-9.!+_-]*", re.IGNORECASE)
_HIDDEN = regex(r"[\x00-\x1f\x7f/\\]")


def normalise(name: str, /) -> str:
    """Return the one form of a project's name (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def is_project(name: str, /) -> bool:
    """Whether a normalised name can be that of a project."""
    return _PROJECT.fullmatch(name) is not None


def is_filename(name: str, /) -> bool:
    """Whether a text names a file and nothing else: no folder, no control characters."""
    return name not in ("", ".", "..") and _HIDDEN.search(name) is None


def project_of(filename: str, /) -> tuple[str, str] | None:
    """Return the normalised name and the version that the name of a wheel or an sdist gives, None for other files.

    Names of old sdists are ambiguous (`a-1-2.tar.gz`): the last hyphen before what looks like a version counts.
    `release_of` knows better where the project is known.
    """
    stem, is_wheel = _stem(filename)
    if is_wheel:
        return _of_wheel(stem)
    for place in range(len(stem) - 1, 0, -1):
        if stem[place] == "-" and _VERSION.fullmatch(stem, place + 1) and is_project(normalise(stem[:place])):
            return normalise(stem[:place]), _normal_version(stem[place + 1 :])
    return None


def release_of(filename: str, /, *, project: str) -> str | None:
    """Return the version that a file of a project belongs to, None if it is no wheel or sdist of that project."""
    stem, is_wheel = _stem(filename)
    if is_wheel:
        of_wheel = _of_wheel(stem)
        return of_wheel[1] if of_wheel and of_wheel[0] == project else None
    for place, character in enumerate(stem):
        if character == "-" and normalise(stem[:place]) == project and _VERSION.fullmatch(stem, place + 1):
            return _normal_version(stem[place + 1 :])
    return None


def _stem(filename: str, /) -> tuple[str, bool]:
    lowered = filename.lower()
    ending = next((ending for ending in ARCHIVES if lowered.endswith(ending)), "")
    return (filename[: -len(ending)], ending == ".whl") if ending else ("", False)


def _of_wheel(stem: str, /) -> tuple[str, str] | None:
    parts = stem.split("-")  # name, version, perhaps a build number, and three tags (PEP 427)
    name = normalise(parts[0])
    return (name, _normal_version(parts[1])) if len(parts) in (5, 6) and is_project(name) else None


def _normal_version(version: str, /) -> str:
    return version.lower().removeprefix("v").replace("_", "-")
