"""Other files of the artifact that a file imports: they are followed with it, so that what they give is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pydepgate.source.read import read_source
from pydepgate.source.secrets import might_hold
from pydepgate.source.values import Scope, Value

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter

_CHARACTERS_A_STEP: Final = 4
"""As for the file itself (see `interpreter`)."""


@dataclass(frozen=True, slots=True)
class Module:
    """A file of an artifact as others import it. `name` is absolute, `data` the source."""

    name: str
    path: str
    data: bytes = b""

    def absolute(self, name: str, /) -> str:
        """Return the absolute name of what this module imports by a name that may be relative."""
        dots = len(name) - len(name.lstrip("."))
        if not dots:
            return name
        package = self.name.split(".") if self.name else []
        package = package[: max(len(package) - dots + self.path.endswith("/__init__.py"), 0)]
        return ".".join([*package, *filter(None, name[dots:].split("."))])


@dataclass(slots=True, eq=False)
class Linked:
    """The modules that names may lead into: each is followed when it is first imported, as Python does it.

    `main` is the file that all is done for, `scopes` those followed so far, with that of `main`, `lines` their source.
    """

    main: Module
    sources: Mapping[str, Module]
    scopes: dict[str, Scope] = field(default_factory=dict)
    of_scope: dict[Scope, Module] = field(default_factory=dict)
    lines: dict[str, Sequence[str]] = field(default_factory=dict)
    searched: set[str] = field(default_factory=set)

    def begin(self, scope: Scope, /) -> None:
        """Take the module scope of the main file."""
        self.scopes[self.main.name] = scope
        self.of_scope[scope] = self.main

    def is_main(self, scope: Scope, /) -> bool:
        """Whether code in a scope stands in the file that all is done for."""
        return self.of_scope.get(scope.module, self.main) is self.main

    def absolute(self, name: str, scope: Scope, /) -> str:
        """Return a name as it means the same in all modules; in the main file it stays as it is written."""
        module = self.of_scope.get(scope.module, self.main)
        return name if module is self.main else module.absolute(name)

    def find(self, run: Interpreter, name: str, scope: Scope, /) -> Value | None:
        """Return what a dotted name, used in a scope, stands for, if that is something in one of the modules."""
        absolute = self.of_scope.get(scope.module, self.main).absolute(name)
        segments = absolute.split(".")
        end = len(segments)
        while end and not self._holds(".".join(segments[:end])):
            end -= 1
        if not end or absolute in self.searched:
            return None
        self.searched.add(absolute)
        try:
            module = self.follow(run, ".".join(segments[:end]))
            found = module.names.get(segments[end]) if end < len(segments) else None
            for segment in segments[end + 1 :]:
                found = run.attribute(found, segment, module) if found is not None else None
            return found
        finally:
            self.searched.discard(absolute)

    def star(self, run: Interpreter, name: str, scope: Scope, /) -> None:
        """Bind what `from name import *` does."""
        absolute = self.of_scope.get(scope.module, self.main).absolute(name)
        if self._holds(absolute):
            module = self.follow(run, absolute)
            if module is not scope:
                public = {key: value for key, value in module.names.items() if key.isidentifier() and key[0] != "_"}
                scope.names.update(public)

    def _holds(self, name: str) -> bool:
        return name in self.sources or name in self.scopes

    def follow(self, run: Interpreter, name: str, /) -> Scope:
        """Return the scope of a module; its top level is followed the first time."""
        if (known := self.scopes.get(name)) is not None:
            return known
        source = read_source(self.sources[name].data)
        # its functions must not be taken for those of the main file that have the same names
        scope = self.scopes[name] = Scope(qualname=f"<{name}>")
        self.of_scope[scope] = self.sources[name]
        self.lines[name] = source.text.split("\n")
        if source.tree is None:
            return scope
        run.names_secrets = run.names_secrets or might_hold(source.text)
        run.reentry_steps += len(source.text) // _CHARACTERS_A_STEP
        kept = run.weak, run.exact, run.active, run.star_imports
        run.weak, run.exact, run.active, run.star_imports = 0, 0, [], []
        try:
            run.execute(source.tree.body, scope)
        finally:
            run.weak, run.exact, run.active, run.star_imports = kept
        return scope
