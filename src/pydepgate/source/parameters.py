"""Parameters of the file's own functions: their defaults, and the binding of a call's arguments to them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydepgate.source.objects import dict_value, sequence_value
from pydepgate.source.secrets import key_taints, parameter_taints
from pydepgate.source.values import GIVEN, UNKNOWN, Scope, Value

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter


def keep_defaults(run: Interpreter, parameters: ast.arguments, scope: Scope, /) -> None:
    """Evaluate a function's defaults where it is defined, for `bind_parameters` to find."""
    positional = (*parameters.posonlyargs, *parameters.args)
    pairs = list(zip(positional[len(positional) - len(parameters.defaults) :], parameters.defaults, strict=True))
    pairs += [(p, d) for p, d in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True) if d is not None]
    if pairs:
        given: dict[object, Value] = {parameter.arg: run.value(default, scope) for parameter, default in pairs}
        scope.names[_defaults_key(parameters)] = Value(mapping=given)


def _defaults_key(parameters: ast.arguments, /) -> str:
    """Return the name, impossible in source, under which a function's defaults are kept in its scope."""
    return f"<defaults {id(parameters)}>"


_TUPLE: Final = ast.Tuple(elts=[])


def bind_parameters(
    parameters: ast.arguments, args: Sequence[Value], keywords: Mapping[str, Value], scope: Scope, /
) -> None:
    """Bind a call's arguments to parameter names; what is not given gets its default from the enclosing scope."""
    names = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)]
    defaults = scope.parent.names.get(_defaults_key(parameters)) if scope.parent else None
    if defaults is not None and defaults.mapping:
        scope.names.update({str(name): value for name, value in defaults.mapping.items()})
    scope.names.update(zip(names, args, strict=False))
    if parameters.vararg:
        rest_of_args = sequence_value(_TUPLE, args[len(names) :])
        scope.names[parameters.vararg.arg] = rest_of_args if args else Value(taints=_GIVEN)
    accepted = {*names, *(parameter.arg for parameter in parameters.kwonlyargs)}
    scope.names.update({name: value for name, value in keywords.items() if name in accepted})
    if parameters.kwarg:
        rest = [(Value(const=name), value) for name, value in keywords.items() if name not in accepted]
        called = bool(args or keywords)
        scope.names[parameters.kwarg.arg] = dict_value(rest, ()) if called else Value(mapping={}, taints=_GIVEN)
    for name in accepted:
        # each an unknown of its own: a path that is written and then started is known by it
        bound = scope.names.setdefault(name, Value(taints=_GIVEN))
        if (secret := parameter_taints(name) or key_taints(scope.qualname, name)) and (
            not bound.known or not bound.const
        ):
            scope.names[name] = replace(bound, const=UNKNOWN, taints=bound.taints | secret)


_GIVEN: Final = frozenset((GIVEN,))
