"""Which functions of an artifact a dotted name means, through re-exports, star imports, instances and base classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydepgate.model import Links
from pydepgate.reach.layout import Layout, absolute_name

Unit = tuple[str, str]
"""What runs as a whole: a file, and its module level, its main guard or the qualified name of a function."""

_MAX_DEPTH: Final = 12
"""Re-exports and base classes that are followed from one to the next."""
_MAX_STARS: Final = 64
_MAX_STEPS: Final = 256
"""Names that are looked up for one."""

_NO_LINKS: Final = Links()
_ON_CREATION: Final = ("__new__", "__init__", "__post_init__")
_THREADS: Final = frozenset(
    "threading.Thread threading.Timer multiprocessing.Process multiprocessing.context.Process".split()
)


@dataclass(slots=True)
class Names:
    """What names mean; asks are remembered."""

    layout: Layout
    links: Mapping[str, Links]
    steps: int = 0
    known: dict[tuple[str, str], tuple[Unit, ...]] = field(default_factory=dict)

    def functions(self, name: str, path: str, /) -> tuple[Unit, ...]:
        """Return the functions that run where code of the file `path` calls what it names so."""
        key = (path, name)
        if key not in self.known:
            self.steps = 0
            self.known[key] = tuple(dict.fromkeys(self._resolve(name, path, _MAX_DEPTH)))
        return self.known[key]

    def methods(self, name: str, path: str, /) -> tuple[Unit, ...]:
        """Return all methods, inherited ones too, of the class that a file names so."""
        self.steps = 0
        return tuple(dict.fromkeys(self._resolve(name, path, _MAX_DEPTH, methods=True)))

    def _resolve(self, name: str, path: str, depth: int, *, methods: bool = False) -> Iterator[Unit]:
        self.steps += 1
        if depth <= 0 or self.steps > _MAX_STEPS:
            return
        if name.startswith(":"):
            yield from self._inside(path, name[1:].split("."), depth, methods=methods)
            return
        segments = absolute_name(name, self.layout.names.get(path, ""), path).split(".")
        for end in range(len(segments), 0, -1):
            module = self.layout.modules.get(".".join(segments[:end]))
            if module is None or not segments[end:]:
                continue  # a package may hold a function of the name of its module
            found = list(self._inside(module, segments[end:], depth, methods=methods))
            if found:
                yield from found
                return
        if not name.startswith("."):
            for star in self._links(path).stars[:_MAX_STARS]:
                found = list(self._resolve(_of_star(star, (name,)), path, depth - 1, methods=methods))
                if found:
                    yield from found
                    return

    def _links(self, path: str) -> Links:
        return self.links.get(path, _NO_LINKS)

    def _inside(self, path: str, segments: Sequence[str], depth: int, *, methods: bool) -> Iterator[Unit]:
        """Yield what attributes of a module, one after the other, mean."""
        links = self._links(path)
        first = segments[0].removesuffix("()")
        rest = segments[1:]
        if first in links.bases:
            if methods and not rest:
                yield from self._all_methods(path, first, depth)
            else:
                yield from self._of_class(path, first, segments, depth)
        elif ".".join(segments) in links.functions:
            yield path, ".".join(segments)
        elif (target := links.names.get(first)) is not None and target != f":{first}":
            called = segments[0].removeprefix(first)
            target = ".".join([target + called, *rest])
            yield from self._resolve(target, path, depth - 1, methods=methods)
        else:
            for star in links.stars[:_MAX_STARS]:
                found = list(self._resolve(_of_star(star, segments), path, depth - 1, methods=methods))
                if found:
                    yield from found
                    return

    def _of_class(self, path: str, cls: str, segments: Sequence[str], depth: int) -> Iterator[Unit]:
        if len(segments) == 1 and not segments[0].endswith("()"):
            for method in _ON_CREATION:
                yield from self._method(path, cls, method, depth)
            if self._is_thread(path, cls):
                yield from self._method(path, cls, "run", depth)
        elif len(segments) == 1:
            yield from self._method(path, cls, "__call__", depth)
        elif len(segments) == 2:
            yield from self._method(path, cls, segments[1].removesuffix("()"), depth)

    def _method(self, path: str, cls: str, method: str, depth: int) -> Iterator[Unit]:
        links = self._links(path)
        if f"{cls}.{method}" in links.functions:
            yield path, f"{cls}.{method}"
            return
        for base in links.bases.get(cls, ()):
            found = list(self._resolve(f"{base}().{method}", path, depth - 1))
            if found:
                yield from found
                return

    def _is_thread(self, path: str, cls: str) -> bool:
        return not _THREADS.isdisjoint(self._links(path).bases.get(cls, ()))

    def _all_methods(self, path: str, cls: str, depth: int) -> Iterator[Unit]:
        links = self._links(path)
        yield from ((path, function) for function in sorted(links.functions) if function.startswith(f"{cls}."))
        for base in links.bases.get(cls, ()):
            yield from self._resolve(base, path, depth - 1, methods=True)


def _of_star(star: str, segments: Sequence[str]) -> str:
    joint = "" if star.endswith(".") else "."
    return f"{star}{joint}{'.'.join(segments)}"
