"""Which files have to be followed once more, with those that they import: what others give them is used where it
matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydepgate.limits import KIB
from pydepgate.model import ArtifactInfo, FileFacts, Links
from pydepgate.reach.entries import read_entries
from pydepgate.reach.layout import Layout, absolute_name, base_of, layout_of, with_parents
from pydepgate.reach.names import Names, Unit
from pydepgate.source.exchange import FITTING, SENT, STARTED, WRITTEN
from pydepgate.source.secrets import CAPTURE, SECRET

_MAX_FILES: Final = 64
"""Files that are followed once more."""
_MAX_MODULES: Final = 8
"""Modules that one of them is followed into."""
_MAX_BYTES: Final = 256 * KIB
"""Source of those modules; a larger file is none of them."""
_MAX_TOTAL: Final = 256 * KIB
_SHARE: Final = 20
"""Bytes of source that are followed once more, over all: so many, and one in so many of the artifact's, so that large
packages take hardly longer."""
_MAX_DEPTH: Final = 4
"""Files that a value comes through."""


@dataclass(frozen=True, slots=True)
class Again:
    """A file to be followed once more: its path and its module's name, and the same of the modules it is linked to."""

    path: str
    name: str
    modules: tuple[tuple[str, str], ...]


def to_follow_again(info: ArtifactInfo, files: Sequence[FileFacts], /) -> tuple[list[Again], int]:
    """Return the files in which something of another file of the artifact is executed, started or sent that came from
    elsewhere, is hidden, or is private; and how many of them there are beyond what is followed."""
    takers = sorted({facts.path for facts in files if facts.links.takes and "!/" not in facts.path})
    if not any(given.kinds for facts in files for given in (*facts.links.gives.values(), *facts.links.takes.values())):
        return [], 0
    links: dict[str, Links] = {}
    sizes: dict[str, int] = {}
    for facts in files:
        links[facts.path] = links.get(facts.path, Links()).merged(facts.links)
        sizes[facts.path] = facts.size
    base = base_of(info, files)
    layout = layout_of(files, base, read_entries(files, base))
    search = _Search(layout, links, Names(layout, {path: _with_values(each) for path, each in links.items()}))
    wanted: list[tuple[int, Again]] = []
    for path in takers:
        if path in layout.names and (sources := search.sources(path)):
            again = Again(path, layout.names[path], tuple(search.modules(path, sources, sizes)))
            wanted.append((sizes[path] + sum(sizes[module] for module, _ in again.modules), again))
    # the small ones first: more of them can be followed
    wanted.sort(key=lambda each: (each[0], each[1].path))
    left = _MAX_TOTAL + sum(facts.size for facts in files if facts.kind == "python") // _SHARE
    sizes_left = [left := left - size for size, _ in wanted[:_MAX_FILES]]
    chosen = [again for after, (_, again) in zip(sizes_left, wanted, strict=False) if after >= 0]
    return chosen, len(wanted) - len(chosen)


def _with_values(links: Links) -> Links:
    return replace(links, functions=links.functions | links.gives.keys())


@dataclass(frozen=True, slots=True)
class _Search:
    layout: Layout
    links: Mapping[str, Links]
    names: Names

    def sources(self, path: str, /) -> list[str]:
        """Return the files that what a file uses where it matters came through, or is passed to."""
        links = self.links[path]
        found: dict[str, None] = {}
        for use, taken in sorted(links.takes.items()):
            for file, final in self._uses(use, path):
                origins = [
                    origin
                    for name in sorted(taken.names)
                    for each in self._units(name, path)
                    for origin in self._through(each, final, path, _MAX_DEPTH)
                ]
                if file and (origins or (final != SENT and _fits(taken.kinds, final))):
                    origins.append(file)
                found.update(dict.fromkeys(origins))
        if STARTED in links.takes:
            for call in links.calls:
                for unit in self.names.functions(call.name, path):
                    given = self.links[unit[0]].gives.get(unit[1])
                    if given is not None and WRITTEN in given.kinds and unit[0] != path:
                        found[unit[0]] = None
        return list(found)

    def _uses(self, use: str, path: str) -> Iterator[tuple[str, str]]:
        """Yield each use that is meant, with the file in which that happens if it is another one."""
        if not use.startswith("to "):
            yield "", use
            return
        for unit in self.names.functions(use.removeprefix("to "), path):
            if unit[0] != path:
                yield from ((unit[0], final) for final in sorted(self.links[unit[0]].sinks.get(unit[1], ())))

    def _units(self, name: str, path: str) -> Sequence[Unit]:
        """Return the functions and values that a name, or what is called before its end, leads to."""
        segments = name.split(".")
        for end in range(len(segments), 0, -1):
            start = ".".join(segments[:end]).removesuffix("()")
            if units := self.names.functions(start, path):
                return units
            module = self.layout.modules.get(absolute_name(start, self.layout.names.get(path, ""), path))
            if module is not None:
                return [(module, name) for name in sorted(self.links[module].gives)] if end == len(segments) else ()
        return ()

    def _through(self, unit: Unit, use: str, user: str, depth: int) -> Iterator[str]:
        """Yield the files that a value comes through, if it fits its use."""
        path, name = unit
        given = self.links[path].gives.get(name)
        if given is None or depth <= 0:
            return
        inner = [
            found
            for further in sorted(given.names)
            for other in self._units(further, path)
            if other != unit
            for found in self._through(other, use, user, depth - 1)
        ]
        if path != user and (inner or _fits(given.kinds, use)):
            yield path
        yield from inner

    def modules(self, path: str, sources: Sequence[str], sizes: Mapping[str, int], /) -> Iterator[tuple[str, str]]:
        """Yield the modules that a file is linked to: those that values come through, and what is imported nearby."""
        waiting = [*sources, *self._imported(path)]
        seen = {path}
        size = 0
        count = 0
        while waiting and count < _MAX_MODULES:
            module = waiting.pop(0)
            if module in seen or module not in self.layout.names:
                continue
            seen.add(module)
            if size + sizes[module] <= _MAX_BYTES:
                size += sizes[module]
                count += 1
                yield module, self.layout.names[module]
                waiting += self._imported(module)

    def _imported(self, path: str) -> Iterator[str]:
        importer = self.layout.names.get(path, "")
        for use in self.links[path].imports:
            for name in with_parents(absolute_name(use.name, importer, path)):
                found = self.layout.modules.get(name)
                if found is not None:
                    yield found


def _fits(kinds: frozenset[str], use: str) -> bool:
    return not kinds.isdisjoint(FITTING[use]) or (
        use == SENT and any(kind.startswith((SECRET, CAPTURE)) for kind in kinds)
    )
