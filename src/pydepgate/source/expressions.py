"""How each kind of expression is evaluated: one function a node type."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydepgate.payload.entropy import is_unreadable
from pydepgate.source import folding
from pydepgate.source.assignment import assign_target
from pydepgate.source.bounds import Work
from pydepgate.source.calls import evaluate_call
from pydepgate.source.library import STAR_IMPORTS
from pydepgate.source.objects import (
    BUILTIN_NAMES,
    MAX_NAME,
    MAX_PARTS,
    absorb,
    as_sequence,
    dict_value,
    element_of,
    method_of,
    named,
    parts_of,
    rounds_of,
    sequence_value,
    turned,
)
from pydepgate.source.parameters import keep_defaults
from pydepgate.source.read import character_column
from pydepgate.source.secrets import SEARCHED_VARIABLES, asks_for_secrets, path_taints
from pydepgate.source.texts import added_text, divided_path, formatted_with, text_of
from pydepgate.source.values import (
    ENVIRON,
    NOTHING,
    OPAQUE,
    REBUILT,
    UNKNOWN,
    UNMASKED,
    LocalFunction,
    Origin,
    Scope,
    Value,
    derive,
    join,
    rebuild,
    written_out,
)

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter

_MAX_CLAUSES: Final = 16
"""Nested `for` clauses of a comprehension that are followed."""
_MIN_OPAQUE: Final = 48
"""Characters from which a literal that cannot be read marks what is made of it."""
"""Pieces that are kept of a text that is not wholly known: enough to tell a command or a URL by its words."""
_OPAQUE_ONLY: Final = frozenset((OPAQUE,))

_OF_UNITS: Final = (ast.BitXor, ast.BitAnd, ast.Sub, ast.LShift, ast.RShift)
"""Operators on numbers, by which bytes and characters are computed from others."""

_TRANSFORM_OF: Final[Mapping[type[ast.operator], str]] = {
    ast.BitXor: "xor",
    ast.Sub: "shift",
    ast.Mod: "shift",
    ast.LShift: "shift",
    ast.RShift: "shift",
}


def _constant(run: Interpreter, node: ast.Constant, scope: Scope) -> Value:
    const = node.value
    if isinstance(const, str | bytes):
        form = "bytes" if isinstance(const, bytes) else "str"
        value = Value(const=const, origin=_origin(run, node, scope, len(const), form))
        if len(const) >= _MIN_OPAQUE and is_unreadable(const):
            value.taints = _OPAQUE_ONLY
        if run.names_secrets and isinstance(const, str) and (named_paths := path_taints(const)):
            value.taints = value.taints | named_paths
        return value
    return Value(const=const if const is None or isinstance(const, int | float) else UNKNOWN)


def _origin(run: Interpreter, node: ast.expr, scope: Scope, length: int, form: str) -> Origin:
    if run.linked is not None and not run.linked.is_main(scope):
        return Origin(0, 0, length, form)  # in another file: no place in this one
    line = run.lines[node.lineno - 1] if node.lineno <= len(run.lines) else ""
    return Origin(node.lineno, character_column(line, node.col_offset), length, form)


def _name(run: Interpreter, node: ast.Name, scope: Scope) -> Value:
    found = scope.lookup(node.id)
    if found is not None:
        return found
    if node.id == "__builtins__":
        return Value(name="builtins")
    for module in run.star_imports:
        if node.id in STAR_IMPORTS.get(module, ()):
            return named(f"{module}.{node.id}")
    return named(f"builtins.{node.id}" if node.id in BUILTIN_NAMES else node.id)


def _attribute(run: Interpreter, node: ast.Attribute, scope: Scope) -> Value:
    if isinstance(node.value, ast.Name):
        stored = scope.lookup(f"{node.value.id}.{node.attr}")
        if stored is not None:
            return stored
    return run.attribute(run.value(node.value, scope), node.attr, scope)


def _subscript(run: Interpreter, node: ast.Subscript, scope: Scope) -> Value:
    owner = run.value(node.value, scope)
    if isinstance(node.slice, ast.Slice):
        bounds = [
            run.value(b, scope).const if b is not None else None
            for b in (node.slice.lower, node.slice.upper, node.slice.step)
        ]
        if not owner.known or UNKNOWN in bounds:
            # in another order, it is not the text that it was
            return derive(owner) if bounds[2] in (None, 1) else rebuild(derive(owner), owner)
        transform = turned(owner.const) if bounds[2] == -1 else "slice"
        return derive(owner, const=folding.subscript(owner.const, slice(*bounds), work=run.work), transform=transform)
    index = run.value(node.slice, scope)
    if (method := method_of(owner, "__getitem__")) is not None:
        return run.call_local(method, (index,), {})
    return element_of(run.work, owner, index, scope)


def _binary(run: Interpreter, node: ast.BinOp, scope: Scope) -> Value:
    # a sum of thousands of terms nests to the left: go down it with a loop
    spine = [node]
    while isinstance(spine[-1].left, ast.BinOp):
        spine.append(spine[-1].left)
    value = run.value(spine[-1].left, scope)
    for operation in reversed(spine):
        right = run.value(operation.right, scope)
        own = method_of(value, _METHOD_OF[type(operation.op)]) if value.instance_of is not None else None
        if own is not None:
            value = run.call_local(own, (right,), {})
        else:
            value = combine(operation.op, value, right, work=run.work)
    return value


_METHOD_OF: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "__add__",
    ast.BitAnd: "__and__",
    ast.BitOr: "__or__",
    ast.BitXor: "__xor__",
    ast.Div: "__truediv__",
    ast.FloorDiv: "__floordiv__",
    ast.LShift: "__lshift__",
    ast.MatMult: "__matmul__",
    ast.Mod: "__mod__",
    ast.Mult: "__mul__",
    ast.Pow: "__pow__",
    ast.RShift: "__rshift__",
    ast.Sub: "__sub__",
}
"""What an operator calls of the object on its left."""


def combine(op: ast.operator, left: Value, right: Value, /, *, work: Work) -> Value:
    """Return `left op right`."""
    const = folding.binary(op, left.const, right.const, work=work) if left.known and right.known else UNKNOWN
    if isinstance(op, ast.Div) and (path := divided_path(left, right)) is not None:
        return path
    if isinstance(op, ast.Mod) and isinstance(left.const, str) and "%c" not in left.const:
        right = written_out(right)
    value = derive(
        left, right, const=const, transform=_TRANSFORM_OF.get(type(op), "") if isinstance(const, int) else ""
    )
    if const is UNKNOWN and isinstance(op, _OF_UNITS):
        rebuild(value, left, right)
        if isinstance(op, ast.BitXor) and REBUILT in value.taints:
            value.taints = value.taints | {UNMASKED}
    if isinstance(op, ast.Add):
        if isinstance(const, str | bytes) and left.origin and right.origin and not value.layers and not value.pending:
            value.origin = Origin(
                left.origin.line, left.origin.column, left.origin.length + right.origin.length, "joined"
            )
        if left.items is not None or right.items is not None:
            value.items = [*parts_of(left), *parts_of(right)][:MAX_PARTS]
        else:
            added_text(left, right, value)
    if isinstance(op, ast.BitOr) and left.name and right.name and const is UNKNOWN:
        value.name = f"{left.name}|{right.name}"[:MAX_NAME]
    if isinstance(op, ast.Mod) and isinstance(left.const, str) and const is UNKNOWN:
        return formatted_with(left.const, right, value)
    return value


def _unary(run: Interpreter, node: ast.UnaryOp, scope: Scope) -> Value:
    operand = run.value(node.operand, scope)
    return derive(operand, const=folding.unary(node.op, operand.const, work=run.work) if operand.known else UNKNOWN)


def _boolean(run: Interpreter, node: ast.BoolOp, scope: Scope) -> Value:
    decisive, result, decided = isinstance(node.op, ast.Or), NOTHING, False
    for number, part in enumerate(node.values):
        value = run.value(part, scope)
        if decided:
            continue  # not evaluated by Python, but a reader wants its calls
        known_so_far = not number or result.known
        result = value if known_so_far else join(result, value)
        decided = known_so_far and value.known and bool(value.const) is decisive
        if decided and run.exact:
            break
    return result


def _compare(run: Interpreter, node: ast.Compare, scope: Scope) -> Value:
    left = run.value(node.left, scope)
    const: object = True
    compared = [left]
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = run.value(comparator, scope)
        known = left.known and right.known
        outcome = folding.compare(op, left.const, right.const, work=run.work) if known else UNKNOWN
        const = UNKNOWN if outcome is UNKNOWN or const is UNKNOWN else const and outcome
        left = right
        compared.append(right)
    return rebuild(Value(), *compared) if const is UNKNOWN else Value(const=bool(const))


def _conditional(run: Interpreter, node: ast.IfExp, scope: Scope) -> Value:
    test = run.value(node.test, scope)
    if test.known and run.exact:
        return run.value(node.body if test.const else node.orelse, scope)
    first, second = run.value(node.body, scope), run.value(node.orelse, scope)
    if test.known:
        return first if test.const else second
    either = join(second, first)
    if test.taints and _is_unit(first) and _is_unit(second):
        # each bit of what is hidden chooses a character
        return rebuild(replace(either), test)
    return either


def _is_unit(value: Value) -> bool:
    const = value.const
    return isinstance(const, int) or (isinstance(const, str | bytes) and len(const) <= 1)


def _joined_string(run: Interpreter, node: ast.JoinedStr, scope: Scope) -> Value:
    parts = [run.value(part, scope) for part in node.values]
    if all(isinstance(part.const, str) for part in parts):
        texts = [part.text for part in parts]
        if run.work.allows(*texts) and sum(map(len, texts)) <= run.work.limit:
            value = derive(*parts, const="".join(texts))
            value.origin = _origin(run, node, scope, len(value.text), "joined") if not value.layers else value.origin
            return value
    return text_of(parts)


def _formatted(run: Interpreter, node: ast.FormattedValue, scope: Scope) -> Value:
    value = run.value(node.value, scope)
    spec = run.value(node.format_spec, scope) if node.format_spec is not None else Value(const="")
    if value.known and spec.known:
        const = folding.format_value(value.const, node.conversion, spec.const, work=run.work)
        return derive(value if spec.text.endswith("c") else written_out(value), const=const)
    return value if node.format_spec is None else derive(value, spec)


def _sequence(run: Interpreter, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Value:
    elements = node.elts
    if elements and all(type(e) is ast.Constant and type(e.value) is int for e in elements):
        numbers = [e.value for e in elements if isinstance(e, ast.Constant)]
        return Value(const=as_sequence(node, numbers), origin=_origin(run, node, scope, len(numbers), "int-list"))
    values: list[Value] = []
    for element in elements:
        if isinstance(element, ast.Starred):
            values.extend(parts_of(run.value(element.value, scope)))
        else:
            values.append(run.value(element, scope))
    return sequence_value(node, values)


def _dict(run: Interpreter, node: ast.Dict, scope: Scope) -> Value:
    pairs: list[tuple[Value, Value]] = []
    spread: list[Value] = []
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = run.value(value_node, scope)
        if key_node is not None:
            pairs.append((run.value(key_node, scope), value))
        else:
            spread.append(value)
            pairs += [(Value(const=key), part) for key, part in (value.mapping or {}).items()]
    return dict_value(pairs, spread)


def _lambda(run: Interpreter, node: ast.Lambda, scope: Scope) -> Value:
    function = LocalFunction(node, f"{scope.qualname}.<lambda>".lstrip("."), scope)
    keep_defaults(run, node.args, scope)
    run.functions.append(function)
    return Value(function=function)


def _walrus(run: Interpreter, node: ast.NamedExpr, scope: Scope) -> Value:
    value = run.value(node.value, scope)
    run.bind(node.target.id, value, scope)
    return value


def _inner(run: Interpreter, node: ast.Await | ast.Starred | ast.YieldFrom, scope: Scope) -> Value:
    return run.value(node.value, scope)


def _yield(run: Interpreter, node: ast.Yield, scope: Scope) -> Value:
    if node.value is not None:
        scope.yields.append(run.value(node.value, scope))
    return NOTHING


def _comprehension(run: Interpreter, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Value:
    inner = Scope(qualname=scope.qualname, parent=scope)

    def values() -> list[Value]:
        return [run.value(node.elt, bound) for bound in _rounds(run, node.generators, inner)]

    return sequence_value(node, run.unrolled(values))


def _dict_comprehension(run: Interpreter, node: ast.DictComp, scope: Scope) -> Value:
    inner = Scope(qualname=scope.qualname, parent=scope)

    def values() -> list[tuple[Value, Value]]:
        rounds = _rounds(run, node.generators, inner)
        return [(run.value(node.key, bound), run.value(node.value, bound)) for bound in rounds]

    return dict_value(run.unrolled(values), ())


def _rounds(
    run: Interpreter, generators: Sequence[ast.comprehension], scope: Scope, chooser: Value = NOTHING
) -> Iterator[Scope]:
    """Bind the targets of nested `for` clauses, round by round where what they go through is known, else once.

    `chooser` is what the clauses around go through: what an inner clause picks by a test stands for it.
    """
    first, rest = generators[0], generators[1:_MAX_CLAUSES]
    source = run.value(first.iter, scope)
    for element in rounds_of(run, source, scope):
        if first.ifs and (chooser.taints or chooser.layers) and not (element.taints or element.layers):
            element = _chosen(element, chooser)
        if ENVIRON in source.taints and asks_for_secrets(first.ifs):
            element = replace(element, taints=element.taints | SEARCHED_VARIABLES)
        assign_target(run, first.target, element, scope)
        tests = [run.value(test, scope) for test in first.ifs]
        if all(test.const for test in tests if test.known):
            if rest:
                yield from _rounds(run, rest, scope, source)
            else:
                yield scope


def _chosen(element: Value, chooser: Value) -> Value:
    """Return an element, with its parts, as something that came from where its chooser did."""
    items = [replace(item) for item in element.items] if element.items is not None else None
    chosen = replace(element, items=items)
    for part in (chosen, *(items or ())):
        absorb(part, chooser)
    return chosen


def evaluate_children(run: Interpreter, node: ast.expr, scope: Scope) -> Value:
    """Evaluate an expression of a kind that has no function here: only its parts matter."""
    return derive(*(run.value(child, scope) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)))


EXPRESSIONS: Final[Mapping[type[ast.expr], Callable[[Interpreter, Any, Scope], Value]]] = {
    ast.Attribute: _attribute,
    ast.Await: _inner,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.Call: evaluate_call,
    ast.Compare: _compare,
    ast.Constant: _constant,
    ast.Dict: _dict,
    ast.DictComp: _dict_comprehension,
    ast.FormattedValue: _formatted,
    ast.GeneratorExp: _comprehension,
    ast.IfExp: _conditional,
    ast.JoinedStr: _joined_string,
    ast.Lambda: _lambda,
    ast.List: _sequence,
    ast.ListComp: _comprehension,
    ast.Name: _name,
    ast.NamedExpr: _walrus,
    ast.Set: _sequence,
    ast.SetComp: _comprehension,
    ast.Starred: _inner,
    ast.Subscript: _subscript,
    ast.Tuple: _sequence,
    ast.UnaryOp: _unary,
    ast.Yield: _yield,
    ast.YieldFrom: _inner,
}
