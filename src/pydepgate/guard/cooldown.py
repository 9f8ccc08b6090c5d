"""Leaving out releases that are too young (`--min-age`).

A release is young while any of its files is: a file that is added to an old release is how a stolen account attacks
those who pin it. It is left out whole, since without its wheel an installer would build its sdist.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydepgate.guard.model import Page, RemoteFile
from pydepgate.guard.names import release_of


@dataclass(frozen=True, slots=True)
class Cooldown:
    """`min_age`: how long ago the last file of a release must have been uploaded. `require_times`: a release for which
    the index gives no times (PEP 700) is left out; by default it is let through, as all of an old index would be."""

    min_age: timedelta
    require_times: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A release that was left out; `uploaded` is the time of its youngest file, if that is known."""

    project: str
    version: str
    uploaded: datetime | None


def leave_out(page: Page, cooldown: Cooldown, /, *, now: datetime) -> tuple[Page, tuple[LeftOut, ...]]:
    """Return a page without the releases that are too young, and those."""
    releases: dict[str, list[RemoteFile]] = {}
    for file in page.files:
        releases.setdefault(release_of(file.filename, project=page.name) or file.filename, []).append(file)
    youngest = {version: _youngest(files) for version, files in releases.items()}
    young = {version for version, time in youngest.items() if _is_young(time, cooldown, now)}
    if not young:
        return page, ()
    files = tuple(file for version, kept in releases.items() if version not in young for file in kept)
    versions = None if page.versions is None else tuple(each for each in page.versions if each.lower() not in young)
    left_out = tuple(LeftOut(page.name, version, youngest[version]) for version in sorted(young))
    return replace(page, files=files, versions=versions), left_out


def _youngest(files: list[RemoteFile], /) -> datetime | None:
    return max((file.upload_time for file in files if file.upload_time is not None), default=None)


def _is_young(time: datetime | None, cooldown: Cooldown, now: datetime, /) -> bool:
    return cooldown.require_times if time is None else now - time < cooldown.min_age
