"""How each kind of statement is followed: one function a node type."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydepgate.limits import EVAL_STEPS
from pydepgate.source.assignment import assign_target
from pydepgate.source.creation import created
from pydepgate.source.expressions import combine
from pydepgate.source.host import is_event_handler
from pydepgate.source.objects import element_of, elements_of, method_of, named, parts_of
from pydepgate.source.parameters import keep_defaults
from pydepgate.source.secrets import SEARCHED_VARIABLES, asks_for_secrets
from pydepgate.source.values import (
    ENVIRON,
    NOTHING,
    Flow,
    LocalClass,
    LocalFunction,
    Scope,
    Value,
    derive,
    same_constant,
)

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter

_INSTALL_COMMANDS: Final = (
    "setuptools.command.",
    "distutils.command.",
    "distutils.cmd.",
    "distutils.core.Command",
    "setuptools.Command",
    "setuptools._distutils.",
    "wheel.bdist_wheel.",
    "wheel._bdist_wheel.",
)
_REGISTERS: Final = frozenset(("atexit.register",))
"""Decorators that have the function called by itself later."""
_MAX_ROUNDS: Final = 65_536
"""Rounds of a `while` loop over something written in the source."""
_PLAIN_STEPS: Final = 10_000
"""Steps of a loop over what the source does not spell out, such as a range: it computes rather than decodes."""
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
    assign_target(run, node.target, combine(node.op, old, run.value(node.value, scope), work=run.work), scope)


def _function(run: Interpreter, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
    qualname = f"{scope.qualname}.{node.name}" if scope.qualname else node.name
    function = LocalFunction(node, qualname, scope)
    value = Value(function=function)
    keep_defaults(run, node.args, scope)
    for parameter in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        if isinstance(parameter.annotation, ast.Call):
            run.value(parameter.annotation, scope)
    if isinstance(node.returns, ast.Call):
        run.value(node.returns, scope)
    run.functions.append(function)
    for decorator in reversed(node.decorator_list):
        applied = run.value(decorator, scope)
        if applied.function is not None:
            result = run.call_local(applied.function, (value,), {})
            value = result if result.function is not None else value
        elif applied.name in _REGISTERS:
            run.call_local(function, (), {})
        elif applied.name:
            run.note_decorator(applied.name, qualname)
            run.handlers.append((applied.name, function))
            if is_event_handler(applied.name):
                run.receivers.add(node)
    run.bind(node.name, value, scope)


def _class(run: Interpreter, node: ast.ClassDef, scope: Scope) -> None:
    bases = tuple(run.value(base, scope) for base in node.bases)
    qualname = f"{scope.qualname}.{node.name}" if scope.qualname else node.name
    keywords = {keyword.arg: run.value(keyword.value, scope) for keyword in node.keywords}
    inner = Scope(qualname=qualname, parent=scope, is_class=True)
    cls = LocalClass(qualname, inner, bases, fields=_fields(node), metaclass=keywords.get("metaclass"))
    decorators = [run.value(decorator, scope) for decorator in reversed(node.decorator_list)]
    run.classes.append(cls)
    if any(base.name.startswith(_INSTALL_COMMANDS) or _is_hook(run, base) for base in bases):
        run.hooks.add(qualname)
    run.execute(node.body, cls.scope)
    for member in list(cls.scope.names.values()):
        if member.function is not None:
            run.owners[member.function.node] = cls
    created(run, cls)
    for decorator in decorators:
        if decorator.function is not None:
            run.call_local(decorator.function, (Value(cls=cls),), {})
        elif decorator.name:
            run.note_decorator(decorator.name, qualname)
    run.bind(node.name, Value(cls=cls), scope)


def _fields(node: ast.ClassDef) -> tuple[str, ...]:
    targets = (statement.target for statement in node.body if isinstance(statement, ast.AnnAssign))
    return tuple(target.id for target in targets if isinstance(target, ast.Name))


def _is_hook(run: Interpreter, base: Value) -> bool:
    return base.cls is not None and base.cls.qualname in run.hooks


def _if(run: Interpreter, node: ast.If, scope: Scope) -> Flow | None:
    # a chain of `elif` nests: go down it with a loop
    while True:
        test = run.value(node.test, scope)
        following = node.orelse[0] if len(node.orelse) == 1 else None
        if test.known and run.exact:
            if test.const:
                return run.execute(node.body, scope)
        elif _is_main_guard(node.test) and scope.parent is None:
            if run.linked is None or run.linked.is_main(scope):
                with run.on_behalf_of_main():
                    run.execute(node.body, scope)
        else:
            with run.branch():
                run.execute(node.body, scope)
        if not isinstance(following, ast.If):
            break
        node = following
    if test.known and run.exact:
        return run.execute(node.orelse, scope)
    with run.branch():
        run.execute(node.orelse, scope)
    return None


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


def _for(run: Interpreter, node: ast.For | ast.AsyncFor, scope: Scope) -> Flow | None:
    source = run.value(node.iter, scope)
    elements = elements_of(source, nested=run.exact, frugal=run.frugal)
    if elements and not _builds(node):
        elements = ()
    picked = ENVIRON in source.taints and asks_for_secrets([s.test for s in node.body if isinstance(s, ast.If)])

    def once() -> None:
        with run.branch():
            few = run.weak <= 1 and isinstance(source.const, list | tuple) and len(source.const) <= _MAX_PARTS_EACH
            parts = source.items or (parts_of(source) if few else [])
            for part in parts[:_MAX_PARTS_EACH] or [element_of(run.work, source, NOTHING, scope)]:
                part = replace(part, taints=part.taints | SEARCHED_VARIABLES) if picked else part
                assign_target(run, node.target, part, scope)
                run.execute(node.body, scope)

    def rounds() -> Flow | None:
        if run.frugal:
            once()
            return None
        for element in elements:
            assign_target(run, node.target, element, scope)
            flow = run.execute(node.body, scope)
            if flow is not None and flow is not Flow.CONTINUE:
                return flow
        return None

    if elements:
        allowance = EVAL_STEPS if source.origin is not None else _PLAIN_STEPS
        if run.unrolled(rounds, allowance=allowance) is Flow.RETURN:
            return Flow.RETURN
    else:
        once()
    with run.branch():
        run.execute(node.orelse, scope)
    return None


def _builds(node: ast.For | ast.AsyncFor | ast.While) -> bool:
    """Whether the loop may be building a value, so that going through it round by round can tell something."""
    for child in ast.walk(node):
        if isinstance(child, ast.AugAssign | ast.BinOp):
            return True
        if isinstance(child, ast.Attribute) and child.attr in ("append", "extend", "insert", "join"):
            return True
    return False


def _while(run: Interpreter, node: ast.While, scope: Scope) -> Flow | None:
    names = {child.id for child in ast.walk(node.test) if isinstance(child, ast.Name)}
    # loops over what was written in the source decode something; those over mere numbers compute something
    written = any((value := scope.lookup(name)) is not None and value.known and value.origin for name in names)
    follow = written and not run.frugal and _builds(node)

    def rounds() -> tuple[bool, Flow | None]:
        """Go on as long as the condition is known to hold, and what it looks at changes; whether it ended."""
        for _ in range(0 if run.frugal else _MAX_ROUNDS):
            before = [scope.lookup(name) for name in names]
            test = run.value(node.test, scope)
            if not test.known:
                return False, None
            flow = run.execute(node.body, scope) if test.const else Flow.BREAK
            if flow is not None and flow is not Flow.CONTINUE:
                return True, flow
            if all(map(_unchanged, before, map(scope.lookup, names))):
                return False, None
        return False, None

    done, flow = run.unrolled(rounds) if follow else (False, None)
    if done:
        return flow if flow is Flow.RETURN else None
    run.value(node.test, scope)
    with run.branch():
        run.execute(node.body, scope)
        run.execute(node.orelse, scope)
    return None


def _unchanged(before: Value | None, after: Value | None) -> bool:
    return before is after or (before is not None and after is not None and same_constant(before.const, after.const))


def _with(run: Interpreter, node: ast.With | ast.AsyncWith, scope: Scope) -> Flow | None:
    for item in node.items:
        value = run.value(item.context_expr, scope)
        if (method := method_of(value, "__enter__")) is not None:
            value = run.call_local(method, (), {})
        elif value.name:
            run.note_call(f"{value.name}.__enter__")
        if item.optional_vars is not None:
            assign_target(run, item.optional_vars, value, scope)
    return run.execute(node.body, scope)


def _try(run: Interpreter, node: Any, scope: Scope) -> Flow | None:
    flow = run.execute(node.body, scope)
    with run.branch():
        for handler in node.handlers:
            run.execute(handler.body, scope)
        run.execute(node.orelse, scope)
    return run.execute(node.finalbody, scope) or flow


def _match(run: Interpreter, node: ast.Match, scope: Scope) -> None:
    subject = run.value(node.subject, scope)
    with run.branch():
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                name = getattr(pattern, "name", None)
                if isinstance(name, str):
                    whole = pattern is case.pattern
                    run.bind(name, subject if whole else derive(subject, name=subject.name), scope)
            if case.guard is not None:
                run.value(case.guard, scope)
            run.execute(case.body, scope)


def _return(run: Interpreter, node: ast.Return, scope: Scope) -> Flow | None:
    if node.value is not None:
        value = run.value(node.value, scope)
        scope.returns.append(value)
    return run.leaves(Flow.RETURN)


def _break(run: Interpreter, node: ast.Break, scope: Scope) -> Flow | None:
    return run.leaves(Flow.BREAK)


def _continue(run: Interpreter, node: ast.Continue, scope: Scope) -> Flow | None:
    return run.leaves(Flow.CONTINUE)


def _delete(run: Interpreter, node: ast.Delete, scope: Scope) -> None:
    for target in node.targets:
        if not isinstance(target, ast.Name):
            run.value(target, scope)


def _assert(run: Interpreter, node: ast.Assert, scope: Scope) -> None:
    run.value(node.test, scope)


def _raise(run: Interpreter, node: ast.Raise, scope: Scope) -> None:
    if node.exc is not None:
        run.value(node.exc, scope)


def _global(run: Interpreter, node: ast.Global, scope: Scope) -> None:
    scope.globals.update(node.names)


def _nonlocal(run: Interpreter, node: ast.Nonlocal, scope: Scope) -> None:
    scope.nonlocals.update(node.names)


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
            if run.linked is not None:
                run.linked.star(run, module, scope)
            continue
        run.note_import(f"{prefix}{alias.name}")
        name = "builtins" if module == "__builtin__" else f"{prefix}{alias.name}"
        value = named(name)
        if run.linked is not None:
            value = run.linked.find(run, name, scope) or named(run.linked.absolute(name, scope))
        run.bind(alias.asname or alias.name, value, scope)


STATEMENTS: Final[Mapping[type[ast.stmt], Callable[[Interpreter, Any, Scope], Flow | None]]] = {
    ast.AnnAssign: _annotated,
    ast.Assert: _assert,
    ast.Assign: _assign,
    ast.AsyncFor: _for,
    ast.AsyncFunctionDef: _function,
    ast.AsyncWith: _with,
    ast.AugAssign: _augmented,
    ast.Break: _break,
    ast.ClassDef: _class,
    ast.Continue: _continue,
    ast.Delete: _delete,
    ast.Expr: _expression,
    ast.For: _for,
    ast.FunctionDef: _function,
    ast.Global: _global,
    ast.If: _if,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Match: _match,
    ast.Nonlocal: _nonlocal,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.While: _while,
    ast.With: _with,
}
