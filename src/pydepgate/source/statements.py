"""How each kind of statement is followed: one function a node type."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pydepgate.source.assignment import assign_target
from pydepgate.source.expressions import combine
from pydepgate.source.objects import element_of, elements_of, named
from pydepgate.source.values import NOTHING, LocalClass, LocalFunction, Scope, Value, derive

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter

_INSTALL_COMMANDS: Final = (
    "setuptools.command.",
    "distutils.command.",
    "distutils.cmd.",
    "setuptools.Command",
)
_REGISTERS: Final = frozenset(("atexit.register",))
"""Decorators that have the function called by itself later."""
_MAX_PARTS_EACH: Final = 8
"""Elements of a container, not wholly constant, that a loop is followed for."""


def _expression(run: Interpreter, node: ast.Expr, scope: Scope) -> None:
    run.value(node.value, scope)


def _assign(run: Interpreter, node: ast.Assign, scope: Scope) -> None:
    value = run.value(node.value, scope)
    for target in node.targets:
        assign_target(run, target, value, scope)


def _annotated(run: Interpreter, node: ast.AnnAssign, scope: Scope) -> None:
    run.value(node.annotation, scope)
    if node.value is not None:
        assign_target(run, node.target, run.value(node.value, scope), scope)


def _augmented(run: Interpreter, node: ast.AugAssign, scope: Scope) -> None:
    old = run.value(node.target, scope)
    assign_target(run, node.target, combine(node.op, old, run.value(node.value, scope)), scope)


def _function(run: Interpreter, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
    qualname = f"{scope.qualname}.{node.name}" if scope.qualname else node.name
    function = LocalFunction(node, qualname, scope)
    value = Value(function=function)
    keep_defaults(run, node.args, scope)
    run.functions.append(function)
    for decorator in reversed(node.decorator_list):
        applied = run.value(decorator, scope)
        if applied.function is not None:
            result = run.call_local(applied.function, (value,), {})
            value = result if result.function is not None else value
        elif applied.name in _REGISTERS:
            run.call_local(function, (), {})
    run.bind(node.name, value, scope)


def keep_defaults(run: Interpreter, parameters: ast.arguments, scope: Scope, /) -> None:
    """Evaluate a function's defaults where it is defined, for `bind_parameters` to find."""
    positional = (*parameters.posonlyargs, *parameters.args)
    pairs = list(zip(positional[len(positional) - len(parameters.defaults) :], parameters.defaults, strict=True))
    pairs += [(p, d) for p, d in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True) if d is not None]
    if pairs:
        given: dict[object, Value] = {parameter.arg: run.value(default, scope) for parameter, default in pairs}
        scope.names[defaults_key(parameters)] = Value(mapping=given)


def defaults_key(parameters: ast.arguments, /) -> str:
    """Return the name, impossible in source, under which a function's defaults are kept in its scope."""
    return f"<defaults {id(parameters)}>"


def _class(run: Interpreter, node: ast.ClassDef, scope: Scope) -> None:
    bases = tuple(run.value(base, scope) for base in node.bases)
    qualname = f"{scope.qualname}.{node.name}" if scope.qualname else node.name
    cls = LocalClass(qualname, Scope(qualname=qualname, parent=scope, is_class=True), bases)
    for keyword in node.keywords:
        run.value(keyword.value, scope)
    for decorator in node.decorator_list:
        run.value(decorator, scope)
    if any(base.name.startswith(_INSTALL_COMMANDS) or _is_hook(run, base) for base in bases):
        run.hooks.add(qualname)
    run.execute(node.body, cls.scope)
    for member in list(cls.scope.names.values()):
        if member.function is not None:
            run.owners[member.function.node] = cls
    run.bind(node.name, Value(cls=cls), scope)


def _is_hook(run: Interpreter, base: Value) -> bool:
    return base.cls is not None and base.cls.qualname in run.hooks


def _if(run: Interpreter, node: ast.If, scope: Scope) -> None:
    if _is_main_guard(node.test) and not scope.qualname:
        with run.on_behalf_of_main():
            run.execute(node.body, scope)
        with run.branch():
            run.execute(node.orelse, scope)
        return
    test = run.value(node.test, scope)
    if test.known and run.exact:
        run.execute(node.body if test.const else node.orelse, scope)
        return
    with run.branch():
        run.execute(node.body, scope)
        run.execute(node.orelse, scope)


def _is_main_guard(test: ast.expr) -> bool:
    match test:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            sides = (left, right)
            return any(isinstance(s, ast.Name) and s.id == "__name__" for s in sides) and any(
                isinstance(s, ast.Constant) and s.value == "__main__" for s in sides
            )
        case ast.BoolOp(op=ast.And(), values=values):
            return any(map(_is_main_guard, values))
    return False


def _for(run: Interpreter, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
    source = run.value(node.iter, scope)
    elements = elements_of(source, nested=run.exact, frugal=run.frugal) if _builds(node) else ()

    def rounds() -> None:
        for element in elements:
            assign_target(run, node.target, element, scope)
            run.execute(node.body, scope)

    if elements:
        run.unrolled(rounds)
    if not elements or run.frugal:
        with run.branch():
            parts = source.items or [element_of(source, NOTHING, scope)]
            for part in parts[:_MAX_PARTS_EACH]:
                assign_target(run, node.target, part, scope)
                run.execute(node.body, scope)
    with run.branch():
        run.execute(node.orelse, scope)


def _builds(node: ast.For | ast.AsyncFor) -> bool:
    """Whether the loop may be building a value, so that going through it round by round can tell something."""
    for child in ast.walk(node):
        if isinstance(child, ast.AugAssign | ast.BinOp):
            return True
        if isinstance(child, ast.Attribute) and child.attr in ("append", "extend", "insert", "join"):
            return True
    return False


def _while(run: Interpreter, node: ast.While, scope: Scope) -> None:
    run.value(node.test, scope)
    with run.branch():
        run.execute(node.body, scope)
        run.execute(node.orelse, scope)


def _with(run: Interpreter, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
    for item in node.items:
        value = run.value(item.context_expr, scope)
        if item.optional_vars is not None:
            assign_target(run, item.optional_vars, value, scope)
    run.execute(node.body, scope)


def _try(run: Interpreter, node: Any, scope: Scope) -> None:
    run.execute(node.body, scope)
    with run.branch():
        for handler in node.handlers:
            run.execute(handler.body, scope)
        run.execute(node.orelse, scope)
    run.execute(node.finalbody, scope)


def _match(run: Interpreter, node: ast.Match, scope: Scope) -> None:
    subject = run.value(node.subject, scope)
    with run.branch():
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                name = getattr(pattern, "name", None)
                if isinstance(name, str):
                    run.bind(name, derive(subject, name=subject.name), scope)
            if case.guard is not None:
                run.value(case.guard, scope)
            run.execute(case.body, scope)


def _return(run: Interpreter, node: ast.Return, scope: Scope) -> None:
    if node.value is not None:
        value = run.value(node.value, scope)
        scope.returns.append(value)


def _delete(run: Interpreter, node: ast.Delete, scope: Scope) -> None:
    for target in node.targets:
        if not isinstance(target, ast.Name):
            run.value(target, scope)


def _assert(run: Interpreter, node: ast.Assert, scope: Scope) -> None:
    run.value(node.test, scope)


def _raise(run: Interpreter, node: ast.Raise, scope: Scope) -> None:
    if node.exc is not None:
        run.value(node.exc, scope)


def _global(run: Interpreter, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
    scope.globals.update(node.names)


def _import(run: Interpreter, node: ast.Import, scope: Scope) -> None:
    for alias in node.names:
        run.note_import(alias.name)
        bound = alias.asname or alias.name.partition(".")[0]
        run.bind(bound, Value(name=alias.name if alias.asname else bound), scope)


def _import_from(run: Interpreter, node: ast.ImportFrom, scope: Scope) -> None:
    module = "." * node.level + (node.module or "")
    run.note_import(module)
    prefix = module if module.endswith(".") else f"{module}."
    for alias in node.names:
        if alias.name == "*":
            run.star_imports.append(module)
            continue
        run.note_import(f"{prefix}{alias.name}")
        name = "builtins" if module == "__builtin__" else f"{prefix}{alias.name}"
        run.bind(alias.asname or alias.name, named(name), scope)


STATEMENTS: Final[Mapping[type[ast.stmt], Callable[[Interpreter, Any, Scope], None]]] = {
    ast.AnnAssign: _annotated,
    ast.Assert: _assert,
    ast.Assign: _assign,
    ast.AsyncFor: _for,
    ast.AsyncFunctionDef: _function,
    ast.AsyncWith: _with,
    ast.AugAssign: _augmented,
    ast.ClassDef: _class,
    ast.Delete: _delete,
    ast.Expr: _expression,
    ast.For: _for,
    ast.FunctionDef: _function,
    ast.Global: _global,
    ast.If: _if,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Match: _match,
    ast.Nonlocal: _global,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.While: _while,
    ast.With: _with,
}
