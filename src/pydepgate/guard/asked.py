"""What a command asks for, gathered while its words and requirements files are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydepgate.errors import PydepgateError
from pydepgate.guard.addresses import shown
from pydepgate.guard.named import Kind, named

Fetch = Callable[[str], Path]
"""Brings what a direct address names to this machine and returns its path; raises PydepgateError."""


class RefusedCommand(PydepgateError):
    """The guard cannot stand in front of this command; the message says what to do instead."""


@dataclass(slots=True)
class Asked:
    """Gathers what a command names. `folder`: where its relative paths start. `scratch`: where rewritten copies of
    files go. `fetch`: how direct addresses are brought here, None to refuse them.

    Filled in: `index_options`, the options of indexes that were taken out, as arguments in their order; `scan_first`,
    what lies on disk and would be installed; `copies`, what is given to the client for each requirements file, None
    while it is being read.
    """

    folder: Path
    scratch: Path
    fetch: Fetch | None = None
    index_options: list[str] = field(default_factory=list)
    scan_first: list[Path] = field(default_factory=list)
    copies: dict[Path, Path | None] = field(default_factory=dict)
    rewritten: bool = False

    def index_option(self, option: str, value: str | None, /) -> None:
        """Note an option of indexes that is taken out of the command."""
        self.index_options += [option] if value is None else [option, value]

    def requirement(self, text: str, /, *, editable: bool = False) -> str | None:
        """Note what a requirement names; returns what to write instead, None to leave it as it is.

        Raises RefusedCommand for an address that is not to be fetched, or stays in use where it was fetched to
        (`editable`).
        """
        kind, target = named(text, folder=self.folder)
        if isinstance(target, Path):
            if kind is Kind.LOCAL and target.exists():
                self.scan_first.append(target)
            return None
        if kind is Kind.INDEX:
            return None
        if editable:
            raise RefusedCommand(f"{_shown(target)} cannot be installed as editable by the guard: fetch it first")
        path = self._fetched(target)
        name, at, _ = text.partition("@")
        is_named = bool(at) and target in text[len(name) + 1 :] and "/" not in name and ":" not in name
        return f"{name.strip()} @ {path.as_uri()}" if is_named else str(path)

    def new_copy(self, name: str, /) -> Path:
        """Return an unused path in the scratch folder for a copy of a file."""
        self.rewritten = True
        self.scratch.mkdir(parents=True, exist_ok=True)
        number = len(list(self.scratch.iterdir()))
        return self.scratch / f"{number}-{name}"

    def _fetched(self, address: str) -> Path:
        if self.fetch is None:
            raise RefusedCommand(
                f"{_shown(address)} is a direct address, which no index vouches for; "
                "with --allow-direct the guard fetches and scans it"
            )
        path = self.fetch(address)
        self.scan_first.append(path)
        return path


def _shown(address: str) -> str:
    try:
        return shown(address)
    except ValueError:
        return "an address"
