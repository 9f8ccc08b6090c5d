"""Assignment to targets of every shape."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pydepgate.source.hooks import replaced
from pydepgate.source.objects import THIS_MODULE, parts_of, sequence_value, store_element
from pydepgate.source.values import NOTHING, Scope, Value, derive, join

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter


_HOOKS: Final = frozenset("excepthook displayhook unraisablehook __excepthook__ settrace".split())
"""Attributes of `sys` and `threading` that Python calls by itself."""


def assign_target(run: Interpreter, target: ast.expr, value: Value, scope: Scope, /) -> None:
    """Assign a value to a target of any shape."""
    match target:
        case ast.Name():
            run.bind(target.id, value, scope)
        case ast.Tuple() | ast.List():
            _unpack(run, target.elts, value, scope)
        case ast.Starred():
            assign_target(run, target.value, value, scope)
        case ast.Attribute():
            _assign_attribute(run, target, value, scope)
        case ast.Subscript():
            _assign_element(run, target, value, scope)


def _unpack(run: Interpreter, targets: Sequence[ast.expr], value: Value, scope: Scope) -> None:
    parts = parts_of(value)
    starred = next((i for i, t in enumerate(targets) if isinstance(t, ast.Starred)), None)
    if starred is not None and len(parts) >= len(targets) - 1:
        after = len(targets) - starred - 1
        middle = parts[starred : len(parts) - after]
        parts = [*parts[:starred], sequence_value(ast.List(elts=[]), middle), *parts[len(parts) - after :]]
    for index, target in enumerate(targets):
        part = parts[index] if len(parts) == len(targets) else derive(value, *parts)
        assign_target(run, target, part, scope)


def _assign_attribute(run: Interpreter, target: ast.Attribute, value: Value, scope: Scope) -> None:
    set_attribute(run, run.value(target.value, scope), target.attr, value, scope, shown=target.value)


def set_attribute(
    run: Interpreter, owner: Value, name: str, value: Value, scope: Scope, /, *, shown: ast.expr | None
) -> None:
    """Do what `owner.name = value` does; `shown` is the expression that gave the owner."""
    cls = owner.instance_of or owner.cls
    if owner.cls is not None and value.function is not None:
        owner.cls.scope.names[name] = value
    elif cls is not None:
        old = cls.attributes.get(name)
        cls.attributes[name] = value if run.exact else join(old, value)
    elif owner.name in ("sys", "threading") and name in _HOOKS and value.function is not None:
        run.call_local(value.function, (), {})
    elif owner.name == THIS_MODULE:
        run.bind(name, value, scope.module)
        return
    elif isinstance(shown, ast.Name):
        run.bind(f"{shown.id}.{name}", value, scope)
    if cls is None:
        replaced(run, owner, name, value)


def _assign_element(run: Interpreter, target: ast.Subscript, value: Value, scope: Scope) -> None:
    owner = run.value(target.value, scope)
    key = NOTHING if isinstance(target.slice, ast.Slice) else run.value(target.slice, scope)
    if owner.name in ("builtins.globals()", "builtins.locals()", "builtins.vars()") and isinstance(key.const, str):
        scope.module.names[key.const] = value
    elif owner is not NOTHING:
        store_element(owner, key, value)
