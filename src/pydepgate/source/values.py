"""What the evaluator knows of a value: its constant, its name, where it came from and what it went through."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from pydepgate.model import Layer


class Unknown:
    """The constant of a value that is not known."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()

DECODED: Final = "decoded"
"""Went through a decoder: base64, zlib, a cipher, ..."""
OPAQUE: Final = "opaque"
"""Made from a literal that a person cannot read."""
NETWORK: Final = "network"
"""Came from the network."""
FIXED: Final = "fixed-address"
"""Came from an address of the network that is written in the source."""
FILE: Final = "file"
"""Was read from a file."""
PACKAGED: Final = "packaged"
"""Was read from a file that comes with a package: it may hide code, but it is nothing of this machine."""
REBUILT: Final = "rebuilt"
"""Was computed, unit by unit, from what a file or an unreadable literal holds: a decoding written out in Python."""
UNMASKED: Final = "unmasked"
"""The same, with the exclusive or that keys are put to data by: nothing else than hiding needs it before execution."""
ENVIRON: Final = "environ"
"""Is the whole environment, or holds it; one variable of it is nothing unusual."""
INPUT: Final = "input"
"""Was given by whoever runs the program: its arguments, its standard input."""
GIVEN: Final = "given"
"""Was given to a function of the file by a caller that is not of the file, or that is not known."""

_NO_TAINTS: Final[frozenset[str]] = frozenset()
_MAX_ANCESTORS: Final = 64
_MAX_CONTENT: Final = 256
"""Parts of a container that are asked for their taints."""


class Origin(NamedTuple):
    """The literal that a value was made from; 1-based line and column (see `model.Literal`). One is made for every
    literal of a file, and a tuple is made three times as fast as a frozen dataclass."""

    line: int
    column: int
    length: int
    form: str


class Step(NamedTuple):
    """One function that a value went through, on the way from its origin to where it is used."""

    name: str
    line: int


class Flow(enum.Enum):
    """How a block of statements ended, where it is sure that it did not run to its end."""

    BREAK = enum.auto()
    CONTINUE = enum.auto()
    RETURN = enum.auto()


@dataclass(eq=False, slots=True)
class Scope:
    """The names of one module, class or function while it is evaluated."""

    qualname: str = ""
    parent: Scope | None = None
    is_class: bool = False
    names: dict[str, Value] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    returns: list[Value] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)

    def lookup(self, name: str, /) -> Value | None:
        """Return what the name is bound to here or further out; class bodies are not seen from inside."""
        found = self.names.get(name)
        scope = self.parent
        while found is None and scope is not None:
            if not scope.is_class:
                found = scope.names.get(name)
            scope = scope.parent
        return found

    def owner_of(self, name: str, /) -> Scope:
        """Return the scope whose name an assignment here changes."""
        if name in self.globals:
            return self.module
        scope = self.parent if name in self.nonlocals else None
        while scope is not None and (scope.is_class or name not in scope.names):
            scope = scope.parent
        return scope or self

    @property
    def module(self) -> Scope:
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope


@dataclass(frozen=True, slots=True, eq=False)
class LocalFunction:
    """A function, method or lambda of the file, with the scope that it closes over."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    qualname: str
    scope: Scope
    bound: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class LocalClass:
    """A class of the file. `scope` holds its methods and class attributes; `attributes` what any method sets on
    any instance: all instances of a class are taken for one. `fields` are its annotated names, in order: what a
    dataclass is given by position; `metaclass` is what it says makes it."""

    qualname: str
    scope: Scope
    bases: tuple[Value, ...]
    attributes: dict[str, Value] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    metaclass: Value | None = None

    def find(self, name: str, /) -> Value | None:
        """Return an attribute of the class or of an instance, looked up along the bases that are local too."""
        for cls in (self, *self.ancestors()):
            found = cls.attributes.get(name) or cls.scope.names.get(name)
            if found is not None:
                return found
        return None

    def ancestors(self) -> Iterator[LocalClass]:
        """Yield the local classes that it derives from, each once, a bounded number of them."""
        seen = {id(self)}
        waiting = [base.cls for base in reversed(self.bases)]
        while waiting and len(seen) < _MAX_ANCESTORS:
            cls = waiting.pop()
            if cls is not None and id(cls) not in seen:
                seen.add(id(cls))
                yield cls
                waiting += [base.cls for base in reversed(cls.bases)]

    def all_fields(self) -> tuple[str, ...]:
        """Return its fields and those of its bases, which come first."""
        return tuple(dict.fromkeys(name for cls in (*reversed(list(self.ancestors())), self) for name in cls.fields))

    def foreign_bases(self) -> Iterator[Value]:
        """Yield the bases, its own and inherited ones, that are not classes of the file."""
        for cls in (self, *self.ancestors()):
            yield from (base for base in cls.bases if base.cls is None)


@dataclass(slots=True, eq=False)
class Value:
    """An abstract value. Everything is optional: the empty value is one of which nothing is known.

    A value is never changed once made, but for containers, which change in place as Python's own do.

    `const` is the folded constant or `UNKNOWN`; `name` the dotted name that it resolves to
    (`subprocess.Popen`; with `()` for a call's result: `requests.get().text`); `taints` what its
    content derives from; `items` and `mapping` the parts of a container that is not wholly constant;
    `pieces` those of a text that is not wholly constant, in a row (see `texts.shape_of`);
    `layers` the decodings that its content went through since `origin`, `pending` transformations
    (`xor`, `reverse`, ...) that are not a layer yet; `trail` the functions on the way; `bound` the arguments
    that a partial function already has; `made_with` those that the constructor of a
    library object was given, by position and keyword.
    """

    const: object = UNKNOWN
    name: str = ""
    taints: frozenset[str] = _NO_TAINTS
    items: list[Value] | None = None
    pieces: tuple[Value, ...] = ()
    mapping: dict[object, Value] | None = None
    function: LocalFunction | None = None
    cls: LocalClass | None = None
    instance_of: LocalClass | None = None
    bound: tuple[Value, ...] = ()
    made_with: Mapping[int | str, Value] | None = None
    origin: Origin | None = None
    layers: tuple[Layer, ...] = ()
    pending: frozenset[str] = _NO_TAINTS
    trail: tuple[Step, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the constant is known."""
        return self.const is not UNKNOWN

    @property
    def text(self) -> str:
        """The constant if it is a string, else the empty string."""
        return self.const if isinstance(self.const, str) else ""


NOTHING: Final = Value()

_MAX_TRAIL: Final = 12


def derive(
    *sources: Value, const: object = UNKNOWN, name: str = "", step: Step | None = None, transform: str = ""
) -> Value:
    """Return a value made from others: it keeps their taints, the longest way they came, and their origin."""
    if len(sources) == 1:
        main = sources[0]
        taints, pending = main.taints, main.pending
    else:
        main, longest = NOTHING, _NO_HISTORY
        taints = pending = _NO_TAINTS
        for source in sources:
            # most values came nowhere from: this is the busiest loop of all
            if source.taints:
                taints = taints | source.taints
            if source.pending:
                pending = pending | source.pending
            if (source.origin or source.layers or source.trail) and (history := _history(source)) > longest:
                main, longest = source, history
    trail = main.trail
    if step is not None and len(trail) < _MAX_TRAIL:
        trail = (*trail, step)
    # most values are made here, and by keywords it takes twice as long
    value = Value(const, name, taints)
    value.origin = main.origin
    value.layers = main.layers
    value.pending = pending | {transform} if transform else pending
    value.trail = trail
    return value


_NO_HISTORY: Final = (-1, -1, -1)


def _history(value: Value, /) -> tuple[int, int, int]:
    return (len(value.layers), len(value.trail), value.origin.length if value.origin else -1)


_HOLDS_HIDDEN: Final = frozenset((FILE, PACKAGED, OPAQUE, REBUILT))


def written_out(value: Value, /) -> Value:
    """Return a value as it goes into a text: how a number was computed says nothing of how it is written."""
    if value.pending and type(value.const) in (int, float):
        value = derive(value, const=value.const, name=value.name)
        value.pending = _NO_TAINTS
    return value


def rebuild(value: Value, /, *sources: Value) -> Value:
    """Return a value, just made, that was computed from the units of others (bits, bytes, characters)."""
    if not all(source.taints.isdisjoint(_HOLDS_HIDDEN) for source in sources):
        value.taints = value.taints | {REBUILT}
    return value


def join(old: Value | None, new: Value, /) -> Value:
    """Return what a name may be after two ways through the code that bind it differently."""
    if old is None or old is new:
        return new
    if _is_void(old):
        return _also_from(new, old)
    if _is_void(new):
        return _also_from(old, new)
    merged = derive(old, new)
    same = same_constant(old.const, new.const)
    return replace(
        merged,
        const=new.const if same else UNKNOWN,
        name=new.name or old.name,
        items=new.items if new.items is not None else old.items,
        pieces=() if same and new.known else new.pieces or old.pieces or _either_text(new, old),
        mapping=new.mapping if new.mapping is not None else old.mapping,
        function=new.function or old.function,
        cls=new.cls or old.cls,
        instance_of=new.instance_of or old.instance_of,
        bound=new.bound or old.bound,
        made_with=new.made_with or old.made_with,
    )


def _also_from(value: Value, void: Value, /) -> Value:
    # a parameter of which nothing is known says no more than that a caller may give something
    if void.taints <= value.taints or isinstance(value.const, list | dict | bytes) or value.items or value.mapping:
        return value
    return replace(value, taints=value.taints | void.taints)


def _either_text(new: Value, old: Value, /) -> tuple[Value, ...]:
    # a text that it may be says more than nothing; of `http` and `https`, what is usual is the longer
    texts = [value for value in (new, old) if isinstance(value.const, str)]
    if len(texts) == 2 and old.text.startswith(new.text):
        texts.reverse()
    return tuple(texts[:1])


_ONLY_GIVEN: Final = frozenset((GIVEN,))


def _is_void(value: Value, /) -> bool:
    # None, "", 0, [] are what a name holds before its real value comes
    if value.known:
        return not value.const
    return not (
        value.name
        or (value.taints and value.taints != _ONLY_GIVEN)
        or value.items
        or value.pieces
        or value.mapping
        or value.function
        or value.cls
        or value.instance_of
    )


def same_constant(one: object, other: object, /) -> bool:
    """Whether two constants are the same; containers, which may be large or hold themselves, only by identity."""
    if one is other:
        return True
    return type(one) is type(other) and isinstance(one, str | bytes | int | float) and one == other


def content_taints(value: Value, /) -> frozenset[str]:
    """Return the taints of a value and of what it contains, however deep, up to a bound."""
    taints = value.taints
    waiting = [*(value.items or ()), *(value.mapping or {}).values()]
    seen = 0
    while waiting and seen < _MAX_CONTENT:
        part = waiting.pop()
        seen += 1
        taints = taints | part.taints
        if part.items or part.mapping:
            waiting += [*(part.items or ()), *(part.mapping or {}).values()]
    return taints
