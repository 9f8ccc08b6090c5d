"""Hashes that indexes give with their files, and what is checked of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import BinaryIO, Final

from pydepgate.limits import MIB

STRONG: Final[tuple[str, ...]] = ("sha256", "sha384", "sha512")
WEAK: Final[tuple[str, ...]] = ("sha224", "sha1", "md5")
"""Checked only where there is none of the others: they tell a damaged file, not an attacker's."""


class Hashing:
    """Computes of what is read the SHA-256, and what has to be checked besides."""

    def __init__(self, expected: Mapping[str, str], /) -> None:
        self._expected = checkable(expected)
        names = {"sha256", *self._expected}
        self._digests = {name: hashlib.new(name, usedforsecurity=False) for name in names}
        self.size = 0

    @property
    def sha256(self) -> str:
        """The SHA-256 of all that was read, in lower case."""
        return self._digests["sha256"].hexdigest()

    def read(self, stream: BinaryIO, /) -> None:
        """Read a stream to its end. Raises OSError."""
        while chunk := stream.read(MIB):
            self.size += len(chunk)
            for digest in self._digests.values():
                digest.update(chunk)

    def wrong(self) -> str:
        """Return the name of a hash that is not as expected, empty if all are."""
        for name, value in self._expected.items():
            if self._digests[name].hexdigest() != value:
                return name
        return ""


def checkable(hashes: Mapping[str, str], /) -> dict[str, str]:
    """Return the hashes that can be checked: the strong ones if there are any, else the weak ones."""
    lowered = {name.lower(): value.lower() for name, value in hashes.items()}
    for names in (STRONG, WEAK):
        if found := {name: lowered[name] for name in names if name in lowered}:
            return found
    return {}
