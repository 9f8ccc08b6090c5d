"""What the user always lets through or never does: `guard.toml` in the folder of their configuration.

```toml
[[allow]]
name = "example"
version = "1.2.3"
reason = "read by us, ticket 17"
until = 2030-06-30

[[deny]]
sha256 = "…"
reason = "stolen account"
```

An entry needs a reason, and `name` or `sha256`; `version` is one or a list, and exact. `until` is the last day on which
the entry counts (UTC), or a point in time. The most exact entry decides: a hash before a version before a name, and
between equals `deny` before `allow`. No policy is read from the current folder: what is installed has no say in it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from pydepgate.errors import PydepgateError
from pydepgate.guard.folders import config_folder
from pydepgate.guard.names import normalise
from pydepgate.guard.versions import canonical, public
from pydepgate.regex import regex
from pydepgate.suggest import did_you_mean

FILE_NAME: Final = "guard.toml"
TABLES: Final = ("allow", "deny")
KEYS: Final = ("name", "version", "sha256", "reason", "until")

_SHA256 = regex(r"[0-9a-f]{64}")


class PolicyError(PydepgateError):
    """The user's policy is wrong; the message names the file, the entry and the nearest known key."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `name` is normalised, `versions` are canonical; empty is any. `until`: when it stops to count."""

    allow: bool
    reason: str
    name: str = ""
    versions: frozenset[str] = frozenset()
    sha256: str = ""
    until: datetime | None = None

    @property
    def exactness(self) -> tuple[bool, bool, bool]:
        """Orders entries by how exactly they say what they mean; those that deny come after their equals."""
        return bool(self.sha256), bool(self.versions), not self.allow

    def covers(self, *, project: str, version: str | None, sha256: str, now: datetime) -> bool:
        """Say whether it is about that file.

        A version that cannot be told from the file's name is taken for one that is denied, and never for one that is
        allowed. A denied version is denied with every local part (`+cu121`), an allowed one is just that one.
        """
        if self.until is not None and now >= self.until:
            return False
        if self.name and self.name != project:
            return False
        if self.sha256 and self.sha256 != sha256:
            return False
        return not self.versions or self._covers_version(version)

    def _covers_version(self, version: str | None) -> bool:
        if version is None:
            return not self.allow
        return version in self.versions or (not self.allow and public(version) in self.versions)


@dataclass(frozen=True, slots=True)
class Policy:
    """The entries of a policy; `source` says where they come from."""

    entries: tuple[Entry, ...] = ()
    source: str = ""

    def ask(
        self, project: str, /, *, version: str | None = None, sha256: str = "", now: datetime | None = None
    ) -> Entry | None:
        """Return the entry that decides about a file, None if there is none.

        `sha256` is empty where it is not known yet. `now` is the present if not given; it has a time zone.
        """
        if not self.entries:
            return None
        moment = now or datetime.now(UTC)
        name = normalise(project)
        exact = None if version is None else canonical(version)
        found = [each for each in self.entries if each.covers(project=name, version=exact, sha256=sha256, now=moment)]
        return max(found, key=lambda each: each.exactness, default=None)


def user_policy(environment: Mapping[str, str], /) -> Policy:
    """Return the policy of the user's configuration, an empty one if they have none. Raises `PolicyError`."""
    return read_policy(config_folder(environment) / FILE_NAME)


def read_policy(path: Path, /) -> Policy:
    """Return the policy of a file, an empty one if it is not there. Raises `PolicyError` if it is wrong."""
    try:
        if os.name == "posix" and path.stat().st_mode & 0o002:
            raise PolicyError(f"{path}: every user can write to it; 'chmod o-w' makes it yours")
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Policy(source=str(path))
    except (OSError, ValueError, RecursionError) as error:
        raise PolicyError(f"{path}: cannot be read: {error}") from error
    for key in document:
        if key not in TABLES:
            raise PolicyError(f"{path}: unknown key {key!r}{did_you_mean(key, TABLES)}")
    entries = [
        _entry(table, allow=kind == "allow", where=f"{path}: {kind} entry {number}")
        for kind in TABLES
        for number, table in enumerate(_tables(document, kind, path), 1)
    ]
    return Policy(tuple(entries), str(path))


def _tables(document: Mapping[str, object], kind: str, path: Path) -> list[Mapping[str, object]]:
    tables = document.get(kind, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise PolicyError(f"{path}: {kind!r} must be an array of tables ([[{kind}]])")
    return tables


def _entry(table: Mapping[str, object], *, allow: bool, where: str) -> Entry:
    for key in table:
        if key not in KEYS:
            raise PolicyError(f"{where}: unknown key {key!r}{did_you_mean(key, KEYS)}")
    name, sha256 = _text(table, "name", where), _text(table, "sha256", where).lower()
    reason = _text(table, "reason", where)
    versions = _versions(table.get("version", []), where)
    if not reason.strip():
        raise PolicyError(f"{where}: needs a 'reason'")
    if not name and not sha256:
        raise PolicyError(f"{where}: needs a 'name' or a 'sha256'")
    if versions and not name:
        raise PolicyError(f"{where}: a 'version' needs a 'name'")
    if sha256 and not _SHA256.fullmatch(sha256):
        raise PolicyError(f"{where}: 'sha256' must be 64 hexadecimal digits")
    return Entry(allow, reason, normalise(name) if name else "", versions, sha256, _until(table.get("until"), where))


def _text(table: Mapping[str, object], key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or (key in table and not value):
        raise PolicyError(f"{where}: {key!r} must be a text that is not empty")
    return value


def _versions(value: object, where: str) -> frozenset[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise PolicyError(f"{where}: 'version' must be one version or a list of them")
    for text in texts:
        if not text.strip()[0].isalnum() or "*" in text:
            raise PolicyError(f"{where}: {text!r} is not one exact version, such as '1.2.3'")
    return frozenset(map(canonical, texts))


def _until(value: object, where: str) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        try:
            return datetime.combine(value, time(), UTC) + timedelta(days=1)
        except OverflowError:
            return None
    raise PolicyError(f"{where}: 'until' must be a date, such as 2030-06-30, without quotes")
