"""Assignment to targets of every shape."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydepgate.source.objects import parts_of, sequence_value, store_element
from pydepgate.source.values import NOTHING, Scope, Value, derive, join

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter


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
    owner = run.value(target.value, scope)
    cls = owner.instance_of or owner.cls
    if cls is not None:
        old = cls.attributes.get(target.attr)
        cls.attributes[target.attr] = value if run.exact else join(old, value)
    elif isinstance(target.value, ast.Name):
        run.bind(f"{target.value.id}.{target.attr}", value, scope)


def _assign_element(run: Interpreter, target: ast.Subscript, value: Value, scope: Scope) -> None:
    owner = run.value(target.value, scope)
    key = NOTHING if isinstance(target.slice, ast.Slice) else run.value(target.slice, scope)
    if owner.name in ("builtins.globals()", "builtins.locals()", "builtins.vars()") and isinstance(key.const, str):
        scope.module.names[key.const] = value
    elif owner is not NOTHING:
        store_element(owner, key, value)
