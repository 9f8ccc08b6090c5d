"""What attributes, elements and name spaces of abstract values hold, and how containers change."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydepgate.source import folding
from pydepgate.source.bounds import Work
from pydepgate.source.library import source_taint
from pydepgate.source.values import NOTHING, UNKNOWN, LocalFunction, Scope, Value, derive

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter

BUILTIN_NAMES: Final = frozenset(dir(builtins))
MAX_PARTS: Final = 1_000
"""Items of a container that is not constant; more are represented by the first."""

_MAX_NAME: Final = 200
_MAX_PLAIN_ROUNDS: Final = 256


def named(name: str, /, *sources: Value) -> Value:
    """Return the value that a dotted name stands for, with the taint that comes with the name."""
    value = derive(*sources, name=name[:_MAX_NAME])
    taint = source_taint(name)
    if taint:
        value.taints = value.taints | {taint}
    return value


def attribute_of(owner: Value, attribute: str, /) -> Value:
    """Return `owner.attribute`."""
    if (cls := owner.instance_of or owner.cls) is not None:
        found = cls.attributes.get(attribute) or cls.find(attribute)
        if found is not None:
            return bind_method(found, owner) if owner.instance_of is not None else found
        for base in cls.bases:
            if base.name:
                return named(f"{base.name}().{attribute}", owner)
    if owner.function is not None and attribute == "__call__":
        return owner
    if owner.known:
        # a method of a constant: the caller folds it, with the receiver at hand
        kind = type(owner.const).__name__
        return derive(owner, name=f"{kind}.{attribute}")
    if owner.name:
        canonical = "builtins" if owner.name in ("builtins.__builtins__", "__builtin__") else owner.name
        if attribute == "__dict__":
            return derive(owner, name=f"{canonical}.__dict__")
        value = named(f"{canonical}.{attribute}", owner)
        value.bound = owner.bound
        return value
    return derive(owner, name=f"?.{attribute}")


def bind_method(member: Value, instance: Value, /) -> Value:
    """Return a class's function as a method of an instance."""
    function = member.function
    if function is None or function.bound:
        return member
    if isinstance(function.node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_static(function.node):
        return member
    return Value(function=LocalFunction(function.node, function.qualname, function.scope, (instance,)))


def _is_static(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def element_of(work: Work, owner: Value, index: Value, scope: Scope, /) -> Value:
    """Return `owner[index]`; name spaces such as `globals()`, `sys.modules` and `__dict__` give what is in them."""
    key = index.const
    if isinstance(key, str):
        if owner.name in ("builtins.globals()", "builtins.locals()", "builtins.vars()"):
            found = scope.lookup(key)
            return found or named(
                f"builtins.{key}" if key in BUILTIN_NAMES else "builtins" if key == "__builtins__" else key
            )
        if owner.name == "sys.modules":
            return Value(name=key)
        if owner.name.endswith(".__dict__"):
            return attribute_of(Value(name=owner.name.removesuffix(".__dict__")), key)
        if owner.name == "builtins":
            return named(f"builtins.{key}")
    if owner.known and index.known:
        return derive(owner, const=folding.subscript(owner.const, key, work=work))
    if owner.items is not None and isinstance(key, int) and -len(owner.items) <= key < len(owner.items):
        return owner.items[key]
    if owner.mapping is not None and index.known and is_key(key) and key in owner.mapping:
        return owner.mapping[key]
    parts = [*(owner.items or ()), *(owner.mapping or {}).values()]
    return derive(owner, *parts[:MAX_PARTS], name=f"{owner.name}[]" if owner.name else "")


def is_key(key: object, /) -> bool:
    """Whether a constant is kept as a key of `Value.mapping`."""
    return key is None or isinstance(key, str | bytes | int | float)


def parts_of(value: Value, /) -> list[Value]:
    """Return the elements of a container as values, whether it is constant or not."""
    if value.items is not None:
        return value.items
    elements = folding.iterate(value.const) if value.known else None
    return [derive(value, const=element) for element in elements[:MAX_PARTS]] if elements else []


def sequence_value(node: ast.expr, values: Sequence[Value], /) -> Value:
    """Return a list, tuple or set of these values: constant if they all are."""
    if all(value.known for value in values):
        return derive(*values, const=as_sequence(node, [value.const for value in values]))
    value = derive(*values[:MAX_PARTS])
    value.items = list(values[:MAX_PARTS])
    return value


def as_sequence(node: ast.expr, items: list[Any], /) -> object:
    """Return constants as the kind of sequence that the node makes; sets are kept as lists."""
    return tuple(items) if isinstance(node, ast.Tuple) else items


def dict_value(pairs: Sequence[tuple[Value, Value]], spread: Sequence[Value], /) -> Value:
    """Return a dict of these keys and values, and of what is known of the dicts spread into it: constant if all is."""
    flat = [part for pair in pairs for part in pair]
    if not spread and all(part.known for part in flat) and all(is_key(key.const) for key, _ in pairs):
        return derive(*flat, const={key.const: value.const for key, value in pairs})
    result = derive(*spread, *flat[:MAX_PARTS])
    result.mapping = {key.const: value for key, value in pairs if key.known and is_key(key.const)}
    return result


def elements_of(source: Value, /, *, nested: int, frugal: bool) -> Iterable[Value]:
    """Return what a loop over a value goes through, one by one; empty where that is not known, or is to be spared.

    `nested` is the number of unrolled loops around it. Loops over what was written in the source decode
    something; long ones over mere numbers compute something, and are not followed.
    """
    if source.items is not None:
        return source.items
    if not source.known or frugal:
        return ()
    elements = folding.iterate(source.const) or ()
    if source.origin is None and (len(elements) > _MAX_PLAIN_ROUNDS or nested > 1):
        return ()
    return (derive(source, const=element) for element in elements) if elements else ()


def rounds_of(run: Interpreter, source: Value, scope: Scope, /) -> Iterable[Value]:
    """Return what a loop over a value goes through, or one value that stands for them all."""
    elements = elements_of(source, nested=run.exact, frugal=run.frugal)
    return elements or [element_of(run.work, source, NOTHING, scope)]


def store_element(owner: Value, key: Value, value: Value, /) -> None:
    """Change a container in place, as `owner[key] = value` does."""
    const, index = owner.const, key.const
    if (isinstance(const, dict) and value.known and is_key(index)) or (
        isinstance(const, list) and isinstance(index, int) and value.known and -len(const) <= index < len(const)
    ):
        const[index] = value.const
    else:
        if isinstance(const, dict):
            owner.mapping = {k: Value(const=v) for k, v in const.items()}
        elif isinstance(const, list):
            owner.items = [Value(const=item) for item in const[:MAX_PARTS]]
        owner.const = UNKNOWN
        if is_key(index):
            owner.mapping = owner.mapping or {}
            owner.mapping[index] = value
    absorb(owner, value)


def absorb(owner: Value, value: Value, /) -> None:
    """Let a container take over where something put into it came from."""
    owner.taints = owner.taints | value.taints
    owner.pending = owner.pending | value.pending
    if len(value.layers) > len(owner.layers) or owner.origin is None:
        owner.origin, owner.layers, owner.trail = value.origin, value.layers, value.trail
