"""Literals that may hide something: long, of the alphabet of an encoding or of high entropy, in one piece or many."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydepgate.detect.base import Detector, Sighting, View
from pydepgate.limits import FOLD_BYTES
from pydepgate.model import Layer, Literal
from pydepgate.payload.entropy import looks_encoded
from pydepgate.regex import regex

MIN_LENGTH: Final = 16
"""Characters below which a literal by itself hides nothing worth a look; what the code does with it still counts."""

MIN_INTS: Final = 24
"""Items below which a list of small integers is no text."""

SIGNALS: Final = {
    "literal.encoded": "a literal that decodes to something else",
    "literal.source": "a literal that is a program as it stands, or holds encoded parts",
}


def _look(node: ast.expr | ast.Expr, function: str, view: View) -> Iterable[Sighting]:
    return _sightings(node, function, view) if _MAY_HIDE[type(node)](node) else ()


_MAY_HIDE: Final[Mapping[type[ast.AST], Callable[[Any], bool]]] = {
    ast.Constant: lambda node: isinstance(node.value, str | bytes) and len(node.value) >= MIN_LENGTH,
    ast.Expr: lambda node: isinstance(node.value, ast.Constant),
    ast.BinOp: lambda node: isinstance(node.op, ast.Add),
    ast.Call: lambda node: isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant),
    **dict.fromkeys((ast.List, ast.Tuple, ast.Set), lambda node: len(node.elts) >= MIN_INTS),
}
"""For each kind of node what it has at least if it hides something: most have not, and are done with."""


def _sightings(node: ast.expr | ast.Expr, function: str, view: View) -> Iterator[Sighting]:
    for literal in _literals(node, view):
        # what a function holds happens when the function runs
        roots = view.roots_of(function)
        yield Sighting("literal.encoded", literal.line, literal.column, function, roots, (), literal)


def _literals(node: ast.expr | ast.Expr, view: View) -> Iterator[Literal]:
    match node:
        case ast.Constant(value=str() | bytes() as value):
            if len(value) >= MIN_LENGTH and looks_encoded(value):
                line, column = view.place(node)
                form = "bytes" if isinstance(value, bytes) else "str"
                yield Literal(value, form, line, column, len(value))
        case ast.Expr(value=ast.Constant(value=str() as value)):
            if len(value) >= _MIN_RUN and (run := _LONG_RUN.search(value)) and looks_encoded(run[0]):
                line, column = view.place(node)
                yield Literal(run[0], "docstring", line, column, len(value))
        case ast.BinOp(op=ast.Add()):
            for pieces in constant_runs(operands(node)):
                yield from _joined(pieces, view)
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value="" | b""), attr="join"),
            args=[ast.List(elts=parts) | ast.Tuple(elts=parts)],
        ) if all(isinstance(part, ast.Constant) for part in parts):
            for pieces in constant_runs(parts):
                yield from _joined(pieces, view)
        case ast.List() | ast.Tuple() | ast.Set():
            yield from _int_list(node, view)


def operands(node: ast.BinOp, /) -> list[ast.expr]:
    """Return what a sum adds, in order; sums nest to the left, and may be thousands deep."""
    found: list[ast.expr] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add):
        found.append(left.right)
        left = left.left
    found.append(left)
    found.reverse()
    return found


def constant_runs(nodes: Sequence[ast.expr], /) -> Iterator[list[ast.Constant]]:
    """Yield the longest runs, of two and more, of neighbouring string constants of one type."""
    run: list[ast.Constant] = []
    for node in nodes:
        fits = isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
        if run and not (fits and isinstance(node, ast.Constant) and type(node.value) is type(run[0].value)):
            if len(run) > 1:
                yield run
            run = []
        if fits and isinstance(node, ast.Constant):
            run.append(node)
    if len(run) > 1:
        yield run


def _joined(pieces: Sequence[ast.Constant], view: View) -> Iterator[Literal]:
    texts = [piece.value for piece in pieces if isinstance(piece.value, str)]
    parts = [piece.value for piece in pieces if isinstance(piece.value, bytes)]
    length = sum(map(len, texts)) + sum(map(len, parts))
    if MIN_LENGTH <= length <= FOLD_BYTES:
        value = "".join(texts) or b"".join(parts)
        if looks_encoded(value):
            line, column = view.place(pieces[0])
            yield Literal(value, "joined", line, column, length)


def _int_list(node: ast.List | ast.Tuple | ast.Set, view: View) -> Iterator[Literal]:
    if len(node.elts) < MIN_INTS:
        return
    numbers = [item.value for item in node.elts if isinstance(item, ast.Constant) and type(item.value) is int]
    if len(numbers) != len(node.elts) or not all(0 <= number <= 0x10FFFF for number in numbers):
        return
    data = bytes(numbers) if max(numbers) < 256 else "".join(map(chr, numbers)).encode("utf-8", "surrogatepass")
    line, column = view.place(node)
    layer = Layer("int-list", len(numbers), len(data), data[:256])
    yield Literal(data, "int-list", line, column, len(numbers), (layer,))


_MIN_RUN: Final = 64
_LONG_RUN: Final = regex(r"[A-Za-z0-9+/=_-]{64,}|(?:\\x[0-9a-f]{2}){16,}")
"""A run in prose that no word of any language makes."""


def comment_literals(lines: tuple[str, ...], /) -> Iterator[Literal]:
    """Yield the long encoded runs in comments."""
    for number, line in enumerate(lines, 1):
        mark = line.find("#") if len(line) > _MIN_RUN else -1
        if mark >= 0 and (run := _LONG_RUN.search(line, mark)) and looks_encoded(run[0]):
            yield Literal(run[0], "comment", number, run.start() + 1, len(run[0]))


_QUOTED: Final = regex(r"(?P<quote>\"\"\"|'''|\"|')(?P<body>[^\"'\n\\]{16,})(?P=quote)")


def quoted_literals(lines: tuple[str, ...], /) -> Iterator[Literal]:
    """Yield what looks like an encoded literal in a file that has no tree."""
    for number, line in enumerate(lines, 1):
        for match in _QUOTED.finditer(line):
            body = match["body"]
            if looks_encoded(body):
                yield Literal(body, "str", number, match.start() + 1, len(body))


DETECTOR: Final = Detector(
    signals=SIGNALS,
    nodes=(ast.Constant, ast.Expr, ast.BinOp, ast.Call, ast.List, ast.Tuple, ast.Set),
    look_at_node=_look,
)
