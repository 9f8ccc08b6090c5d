"""What passes between the parts of the gate: frozen dataclasses.

Upstreams are configured (`upstreams`), asked for pages and files (`fetch`), whose files are admitted or refused
(`gate`), and served (`server`) to the client that was set up for it (`clients`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydepgate.model import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a host asks for; they are sent to that host alone, and never shown."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Upstream:
    """An index that the user configured.

    `name`: the path below which it is served, unique (`0`, `1`, ..., or the name that uv's configuration gives it).
    `url`: the root of its simple API, without credentials, or the address or folder of a flat list of links.
    `flat`: it is such a list (`--find-links`). `verify`: whether its certificate is checked (pip's trusted hosts are
    not). `together`: the client looks into all upstreams of this kind and takes the best that it finds, so that a
    project is refused from all of them when one fails. `absent`: statuses by which it says, besides 404 and 410, that
    it does not have a project.
    """

    name: str
    url: str
    credentials: Credentials | None = None
    flat: bool = False
    verify: bool = True
    together: bool = True
    absent: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a project as an index lists it (PEP 503, 592, 658, 691, 700, 714).

    `url` is absolute. `hashes`: by algorithm, in lower case. `yanked`: the reason, which may be empty, or None if it is
    not. `metadata`: hashes of its metadata file, empty if there is one without a hash, None if there is none. `rest`:
    further keys of the JSON form, as they came.
    """

    filename: str
    url: str
    hashes: Mapping[str, str] = field(default_factory=dict)
    requires_python: str | None = None
    yanked: str | None = None
    metadata: Mapping[str, str] | None = None
    size: int | None = None
    upload_time: datetime | None = None
    rest: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A project's page. `name` is normalised (PEP 503). `rest`: further keys of the JSON form at the top level, such as
    `project-status` (PEP 792), `meta` and `alternate-locations`, as they came."""

    name: str
    files: tuple[RemoteFile, ...]
    versions: tuple[str, ...] | None = None
    rest: Mapping[str, object] = field(default_factory=dict)


class Outcome(enum.StrEnum):
    """What became of a file: it was let through, it is refused for what is in it, or it could not be checked."""

    ADMITTED = "admitted"
    BLOCKED = "blocked"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate decided about one file, and why.

    `verdict` is that of the scan, None if there was none (a policy decided, or it failed). `reason` is one line for
    people: the worst finding, the entry of a policy, or what went wrong. `path`: the very bytes that were scanned,
    where the outcome is ADMITTED. `cached`: the verdict was known from an earlier scan. `seconds`: spent on scanning.
    """

    filename: str
    project: str
    outcome: Outcome
    reason: str
    verdict: Verdict | None = None
    findings: tuple[Finding, ...] = ()
    sha256: str = ""
    size: int = 0
    path: Path | None = None
    cached: bool = False
    seconds: float = 0.0
