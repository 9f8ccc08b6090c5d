"""What a detector is, and what it hands on."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydepgate.model import MODULE_ROOT, Literal
from pydepgate.source.calls import CallSite
from pydepgate.source.interpreter import Evaluation
from pydepgate.source.library import settle_layers
from pydepgate.source.read import character_column
from pydepgate.source.texts import HOLE, shape_of
from pydepgate.source.values import Value

MAX_EVIDENCE = 160
"""Characters of one piece of evidence."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A signal before its literal, if it has one, is peeled; fields as in `model.Signal`."""

    name: str
    line: int
    column: int
    function: str = ""
    roots: frozenset[str] = frozenset((MODULE_ROOT,))
    evidence: tuple[str, ...] = ()
    literal: Literal | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """One behaviour that is looked for.

    `signals`: each signal it can raise, with what it means in one line. `look_at_call` is given each call as it was
    reached whose resolved name `concerns` says yes to (all calls, if it is None); `look_at_node` each node of the types
    `nodes`, with the qualified name of the function around it.
    """

    signals: Mapping[str, str]
    look_at_call: Callable[[CallSite, View], Iterable[Sighting]] | None = None
    concerns: Callable[[str], bool] | None = None
    nodes: tuple[type[ast.AST], ...] = ()
    look_at_node: Callable[[Any, str, View], Iterable[Sighting]] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What detectors see of a file besides the node at hand: its lines and what following it gave."""

    lines: tuple[str, ...]
    evaluation: Evaluation

    def place(self, node: ast.expr | ast.stmt, /) -> tuple[int, int]:
        """Return the 1-based line and character column of a node."""
        line = self.lines[node.lineno - 1] if 0 < node.lineno <= len(self.lines) else ""
        return node.lineno, character_column(line, node.col_offset)

    def roots_of(self, function: str, /) -> frozenset[str]:
        """Return on whose behalf a function runs, by its qualified name; empty for the top level."""
        return self.evaluation.entered.get(function) or frozenset((function or MODULE_ROOT,))

    def at_call(self, name: str, site: CallSite, *evidence: str, literal: Literal | None = None) -> Sighting:
        """Return a sighting at a call."""
        line, column = self.place(site.node)
        pieces = tuple(
            piece if len(piece) <= MAX_EVIDENCE else f"{piece[: MAX_EVIDENCE - 1]}…" for piece in evidence if piece
        )
        return Sighting(name, line, column, site.function, frozenset(site.roots), pieces, literal)

    def literal_of(self, value: Value, site: CallSite, /) -> Literal | None:
        """Return what a constant value hides as a literal for the peeler: where it was written, what it became."""
        if not isinstance(value.const, str | bytes) or not value.const:
            return None
        layers = settle_layers(value)
        line, column = self.place(site.node)
        origin = value.origin
        if origin is None or not origin.line:
            return Literal(value.const, "folded", line, column, len(value.const), layers)
        return Literal(value.const, origin.form if layers else "raw", origin.line, origin.column, origin.length, layers)


def path_of(value: Value, sink: str, /) -> str:
    """Return the way a value came, for people: `literal of 12 characters at 3:5 → base64.b64decode → exec`."""
    steps = [step.name for step in value.trail]
    if value.origin is not None and value.origin.line:
        unit = "items" if value.origin.form == "int-list" else "bytes" if value.origin.form == "bytes" else "characters"
        steps.insert(0, f"literal of {value.origin.length:,} {unit} at {value.origin.line}:{value.origin.column}")
    elif value.name and not steps:
        steps.append(value.name.removeprefix("builtins."))
    if len(steps) > _SHOWN_STEPS:
        steps = [*steps[:3], "…", *steps[-(_SHOWN_STEPS - 4) :]]
    return " → ".join([*steps, sink.removeprefix("builtins.")])


_SHOWN_STEPS = 8


def words_of(value: Value, /) -> list[str]:
    """Return the constant pieces of a command or URL, in order, those of containers included, up to a bound;
    `?` for what is unknown, and a text of which a part is unknown as its shape (see `source.texts.shape_of`)."""
    words: list[str] = []
    waiting = [value]
    for _ in range(_MAX_WORDS):
        if not waiting:
            break
        part = waiting.pop()
        if isinstance(part.const, str):
            words.append(part.const)
        elif isinstance(part.const, bytes):
            words.append(part.const.decode("utf-8", "replace"))
        elif isinstance(part.const, list | tuple):
            waiting += [Value(const=item) for item in reversed(part.const[:_MAX_WORDS])]
        elif isinstance(part.const, int | float):
            words.append(repr(part.const) if abs(part.const) < _MAX_SHOWN_NUMBER else "?")
        elif part.pieces:
            shape = shape_of(part)
            words.append("?" if shape == HOLE else shape)
        elif part.items is not None:
            waiting += reversed(part.items[:_MAX_WORDS])
        else:
            words.append(part.name if part.name == "sys.executable" else "?")
    return words


_MAX_WORDS = 128
_MAX_SHOWN_NUMBER = 10**18
