"""What attributes, elements and name spaces of abstract values hold, and how containers change."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydepgate.source import folding
from pydepgate.source.bounds import Work
from pydepgate.source.files import file_attribute
from pydepgate.source.host import variable_facts
from pydepgate.source.library import source_taint
from pydepgate.source.secrets import (
    KEY_PAIR,
    KEY_PARAMETER,
    KEYS,
    SECRET,
    inherited_taints,
    is_key_material,
    is_key_object,
    makes_public,
)
from pydepgate.source.texts import path_attribute, variable
from pydepgate.source.values import ENVIRON, NOTHING, UNKNOWN, LocalFunction, Scope, Value, derive, rebuild

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter

BUILTIN_NAMES: Final = frozenset(dir(builtins))
THIS_MODULE: Final = "<this module>"
"""Name of the value that stands for the module itself (`sys.modules[__name__]`)."""
MAX_BYTEARRAY: Final = 65_536
"""Size of a `bytearray` that is changed in place."""
MAX_PARTS: Final = 1_000
"""Items of a container that is not constant; more are represented by the first."""

MAX_NAME: Final = 200
"""Characters of a resolved name."""
_MAX_PLAIN_ROUNDS: Final = 256


def named(name: str, /, *sources: Value) -> Value:
    """Return the value that a dotted name stands for, with the taint that comes with the name."""
    value = derive(*sources, name=name[:MAX_NAME]) if sources else Value(UNKNOWN, name[:MAX_NAME])
    taint = source_taint(name)
    if taint:
        value.taints = value.taints | {taint}
    if name.startswith(_ONE_VARIABLE):
        value.taints = value.taints - {ENVIRON}
    if is_key_material(name):
        value.taints = value.taints | {SECRET + KEY_PARAMETER}
    elif is_key_object(name):
        value.taints = value.taints | {KEY_PAIR}
    return value


_ONE_VARIABLE: Final = ("os.environ.get", "os.environ.pop", "os.environ.setdefault", "os.environ.__", "os.environ[")
"""What gives a variable of the environment, not the environment."""


def attribute_of(owner: Value, attribute: str, /) -> Value:
    """Return `owner.attribute`."""
    if (cls := owner.instance_of or owner.cls) is not None:
        if (stored := cls.attributes.get(attribute)) is not None:
            return stored  # what an instance itself holds is called without it
        found = cls.find(attribute)
        if found is not None:
            return bind_method(found, owner.bound[0] if owner.bound and owner.instance_of is not None else owner)
        for base in cls.foreign_bases():
            if base.name:
                value = named(f"{base.name}().{attribute}", owner)
                value.taints = value.taints | inherited_taints(value.name)
                return value
    if attribute == "__call__" and (owner.function is not None or owner.name):
        return owner
    path = path_attribute(owner, attribute) or file_attribute(owner, attribute)
    if path is not None:
        return path
    if owner.known:
        # a method of a constant: the caller folds it, with the receiver at hand
        kind = type(owner.const).__name__
        method = derive(owner, name=f"{kind}.{attribute}")
        method.bound = (owner,)
        return method
    if owner.name:
        canonical = "builtins" if owner.name in ("builtins.__builtins__", "__builtin__") else owner.name
        if attribute == "__dict__":
            return derive(owner, name=f"{canonical}.__dict__")
        value = named(f"{canonical}.{attribute}", owner)
        value.made_with = owner.made_with
        return value
    value = derive(owner, name=f"?.{attribute}")
    if value.taints and makes_public(attribute):
        value.taints -= KEYS
    return value


def bind_method(member: Value, instance: Value, /) -> Value:
    """Return a class's function as a method of an instance, or of the class where that is what is at hand."""
    function = member.function
    if function is None or function.bound or is_decorated(function, "staticmethod"):
        return member
    if instance.instance_of is None and not is_decorated(function, "classmethod"):
        return member
    return Value(function=LocalFunction(function.node, function.qualname, function.scope, (instance,)))


def is_decorated(function: LocalFunction, decorator: str, /) -> bool:
    """Whether a function has that decorator, one of those that are builtins."""
    decorators = () if isinstance(function.node, ast.Lambda) else function.node.decorator_list
    return any(isinstance(node, ast.Name) and node.id == decorator for node in decorators)


def method_of(instance: Value, name: str, /) -> LocalFunction | None:
    """Return a method that syntax calls (`__init__`, `__enter__`, ...), bound, if the instance's class has it."""
    found = instance.instance_of.find(name) if instance.instance_of is not None else None
    return bind_method(found, instance).function if found is not None else None


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
    if owner.name == "sys.argv" and isinstance(key, int):
        return named(f"sys.argv[{key}]", owner)
    if owner.name == "sys.modules" and index.name == "builtins.__name__":
        return Value(name=THIS_MODULE)
    if owner.known and index.known:
        return derive(owner, const=folding.subscript(owner.const, key, work=work))
    if owner.items is not None and isinstance(key, int) and -len(owner.items) <= key < len(owner.items):
        return owner.items[key]
    if owner.mapping is not None and index.known and is_key(key) and key in owner.mapping:
        return owner.mapping[key]
    parts = [*(owner.items or ()), *(owner.mapping or {}).values()]
    value = named(f"{owner.name}[]" if owner.name else "", owner, *parts[:MAX_PARTS])
    if index.taints:
        rebuild(value, index)  # looked up in a table
    if owner.name == "os.environ":
        # one variable by its name; all of them where the environment itself says which
        if isinstance(key, str):
            value.taints |= variable_facts(key)
            value.name = variable(key).name
        elif index.name.startswith("os.environ"):
            value.taints |= {ENVIRON}
    return value


def taken_from(receiver: Value, method: str, args: Sequence[Value], /) -> Value | None:
    """Return what a method takes out of a container that is not wholly constant; None for other methods."""
    if receiver.mapping is not None and method in ("values", "items", "keys") and not args:
        pairs = [(Value(const=key), value) for key, value in receiver.mapping.items()][:MAX_PARTS]
        if method == "items":
            return Value(items=[Value(items=[key, value]) for key, value in pairs], taints=receiver.taints)
        return Value(items=[pair[method == "values"] for pair in pairs], taints=receiver.taints)
    if receiver.items and method in ("pop", "popleft"):
        index = args[0].const if args else 0 if method == "popleft" else -1
        if isinstance(index, int) and -len(receiver.items) <= index < len(receiver.items):
            return receiver.items[index]
    return None


def is_key(key: object, /) -> bool:
    """Whether a constant is kept as a key of `Value.mapping`."""
    return key is None or isinstance(key, str | bytes | int | float)


def parts_of(value: Value, /) -> list[Value]:
    """Return the elements of a container as values, whether it is constant or not."""
    if value.items is not None:
        return value.items
    elements = folding.iterate(value.const) if value.known else None
    return [derive(value, const=element) for element in elements[:MAX_PARTS]] if elements else []


def spread_of(value: Value, /) -> dict[object, Value]:
    """Return the keys and values of a dict, whether it is constant or not."""
    if isinstance(value.const, dict):
        return {key: derive(value, const=part) for key, part in list(value.const.items())[:MAX_PARTS]}
    return value.mapping or {}


def sequence_value(node: ast.expr, values: Sequence[Value], /) -> Value:
    """Return a list, tuple or set of these values: constant if they all are."""
    if all(value.known for value in values):
        return derive(*values, const=as_sequence(node, [value.const for value in values]))
    value = derive(*values[:MAX_PARTS])
    value.items = list(values[:MAX_PARTS])
    return value


def as_sequence(node: ast.expr, items: list[Any], /) -> object:
    """Return constants as the kind of sequence that the node makes; sets are kept as lists."""
    if isinstance(node, ast.Tuple):
        return tuple(items)
    if isinstance(node, ast.Set | ast.SetComp) and all(isinstance(item, str | bytes | int) for item in items):
        return list(dict.fromkeys(items))
    return items


def dict_value(pairs: Sequence[tuple[Value, Value]], spread: Sequence[Value], /) -> Value:
    """Return a dict of these keys and values, and of what is known of the dicts spread into it: constant if all is."""
    flat = [part for pair in pairs for part in pair]
    if not spread and all(part.known for part in flat) and all(is_key(key.const) for key, _ in pairs):
        return derive(*flat, const={key.const: value.const for key, value in pairs})
    result = derive(*spread, *flat[:MAX_PARTS])
    result.mapping = {key.const: value for key, value in pairs if key.known and is_key(key.const)}
    return result


def turned(const: object, /) -> str:
    """Return which transformation it is to turn a constant round: `reverse` for a text or what one was taken apart
    into, mere slicing for a list of anything else."""
    if isinstance(const, list | tuple):
        pieces = all(isinstance(item, int) or (isinstance(item, str | bytes) and len(item) <= _PIECE) for item in const)
        return "reverse" if const and pieces else "slice"
    return "reverse"


_PIECE: Final = 4
"""Characters of the pieces that a text is taken apart into."""


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
    const: Any = owner.const
    index = key.const
    in_list = isinstance(const, list) and isinstance(index, int) and -len(const) <= index < len(const)
    if value.known and (in_list or (isinstance(const, dict) and is_key(index))):
        const[index] = value.const
    elif isinstance(const, bytes):
        # a `bytearray`: every change copies it
        byte = bytes_of(value.const)
        fits = isinstance(index, int) and 0 <= index < len(const) <= MAX_BYTEARRAY
        owner.const = const[:index] + byte + const[index + 1 :] if byte and fits and isinstance(index, int) else UNKNOWN
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


def bytes_of(const: object, /, *, several: bool = False) -> bytes | None:
    """Return a byte (or several) that is put into a `bytearray`, or None for what is none."""
    numbers = const if several and isinstance(const, bytes | list | tuple) else (const,)
    if all(isinstance(number, int) and 0 <= number < 256 for number in numbers):
        return bytes(numbers)
    return None


def absorb(owner: Value, value: Value, /) -> None:
    """Let a container take over where something put into it came from."""
    owner.taints = owner.taints | value.taints
    owner.pending = owner.pending | value.pending
    if len(value.layers) > len(owner.layers) or owner.origin is None:
        owner.origin, owner.layers, owner.trail = value.origin, value.layers, value.trail


def documentation_of(node: ast.AST, /) -> ast.expr | None:
    """Return the docstring of a module or function, as it is written."""
    body = getattr(node, "body", None)
    first = body[0] if isinstance(body, list) and body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.value
    return None
