"""What a verdict depends on besides the file: program, rules and options, in one digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Final

from pydepgate import __version__
from pydepgate.limits import Limits
from pydepgate.model import Severity

_PACKAGE: Final = Path(__file__).parents[1]
_NO_MATTER: Final = frozenset(("cli", "guard", "report"))
"""Parts of the program that only ask and show."""


def rules_version(*, rules_dir: Path | None = None) -> str:
    """Return a digest of the program and the rules, of which `rules_dir` adds or overrides some.

    The program's files count as well as its version, since a checkout changes without a new one. Raises OSError.
    """
    from pydepgate.judge.rules import shipped_directory

    digest = hashlib.sha256(__version__.encode())
    for folder, files in (
        (_PACKAGE, _program()),
        (shipped_directory(), shipped_directory().glob("*.toml")),
        *([(rules_dir, rules_dir.glob("*.toml"))] if rules_dir is not None else []),
    ):
        for file in sorted(files):
            content = file.read_bytes()
            digest.update(f"\n{file.relative_to(folder).as_posix()} {len(content)}\n".encode())
            digest.update(content)
        digest.update(b"\n\n")
    return digest.hexdigest()


def scan_version(*, rules: str, limits: Limits, fail_on: Severity) -> str:
    """Return a digest of a rules version and of the options that a verdict depends on."""
    return hashlib.sha256(repr((rules, astuple(limits), fail_on.label)).encode()).hexdigest()


def _program() -> Iterator[Path]:
    for path in _PACKAGE.iterdir():
        if path.suffix == ".py":
            yield path
        elif path.is_dir() and path.name not in _NO_MATTER:
            yield from path.rglob("*.py")
            yield from path.rglob("*.txt")
