"""Functions that are passed to others of the artifact: by what they are called in the end, if by anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydepgate.model import Links, Passed
from pydepgate.reach.names import Names, Unit

_MAX_DEPTH: Final = 6
"""Functions that a function is passed on through."""
_MAX_CALLERS: Final = 64
"""Of one parameter."""

_Place = int | str


@dataclass(slots=True)
class Passing:
    """Who calls what is passed to whom; asks are remembered."""

    links: Mapping[str, Links]
    names: Names
    known: dict[tuple[str, str, _Place], frozenset[Unit] | None] = field(default_factory=dict)

    def callers(self, passed: Passed, path: str, /) -> frozenset[Unit] | None:
        """Return what calls a function that is passed in the file `path`; None if the artifact does not hold what it
        is passed to."""
        return self._callers(path, passed.name, passed.place, _MAX_DEPTH)

    def given(self, passed: Passed, path: str, /) -> tuple[Unit, ...]:
        """Return which functions are passed."""
        if passed.given.startswith(":"):
            return ((path, passed.given[1:]),)
        return self.names.functions(passed.given, path)

    def _callers(self, path: str, name: str, place: _Place, depth: int) -> frozenset[Unit] | None:
        key = (path, name, place)
        if key not in self.known:
            self.known[key] = frozenset()  # for those that pass it on in a circle
            targets = self.names.functions(name, path) if name and depth else ()
            found = dict.fromkeys(unit for target in targets for unit in self._of(target, place, depth))
            self.known[key] = frozenset(list(found)[:_MAX_CALLERS]) if targets else None
        return self.known[key]

    def _of(self, target: Unit, place: _Place, depth: int) -> Iterator[Unit]:
        path, function = target
        onward = self.links[path].onward
        rest = "*" if isinstance(place, int) else "**"
        for use in onward.get((function, place)) or onward.get((function, rest), ()):
            callers = self._callers(path, use.name, use.place, depth - 1) if use.name else None
            if callers is None:
                # by itself, or by something that is not of the artifact, which then may
                yield path, use.function
            else:
                yield from callers
