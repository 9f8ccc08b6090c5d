"""Other scanners, each run by the command that suits it best on one core."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.corpus import Corpus
from tests.bench.measure import Command


@dataclass(frozen=True, slots=True)
class Peer:
    """A scanner: the program in its folder, what pip calls it, and its processes for a corpus."""

    name: str
    requirement: str
    processes: Callable[[str, Corpus], tuple[tuple[str, ...], ...]]
    statuses: frozenset[int] = frozenset({0, 1})

    @property
    def label(self) -> str:
        """Name and version."""
        return self.requirement.replace("==", " ")

    def program(self, folder: Path, /) -> Path:
        """Return its program, in an environment of its own below the folder."""
        scripts = "Scripts" if os.name == "nt" else "bin"
        return folder / self.name / scripts / self.name

    def how_to_get(self, folder: Path, /) -> str:
        """Return the command that puts it where `program` looks."""
        home = folder / self.name
        return f"python3 -m venv {home} && {home}/bin/pip install {self.requirement}"


def deep_peek(program: str, wheels: Sequence[Path], /) -> tuple[tuple[str, ...], ...]:
    """Return pydepgate 0.7.0's processes: it takes one wheel at a time."""
    return tuple((program, "--peek", "scan", "--deep", "--no-bar", str(wheel)) for wheel in wheels)


PEERS: Final = (
    Peer("hexora", "hexora==0.3.2", lambda it, of: ((it, "audit", "--output-format", "json", str(of.unpacked)),)),
    Peer("pydepgate", "pydepgate==0.7.0", lambda it, of: deep_peek(it, of.wheels), frozenset({0, 1, 2})),
    Peer("guarddog", "guarddog==3.2.0", lambda it, of: ((it, "pypi", "scan", str(of.unpacked)),)),
    Peer("bandit", "bandit==1.9.4", lambda it, of: ((it, "-q", "-r", "-f", "json", str(of.unpacked)),)),
)


def command(peer: Peer, folder: Path, corpus: Corpus, /) -> Command:
    """Return the peer's command over the corpus."""
    return Command(peer.label, peer.processes(str(peer.program(folder)), corpus), peer.statuses)
