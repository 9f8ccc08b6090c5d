"""Functions on their way through parameters: where a file calls what it is given, keeps it, or passes it on."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pydepgate.model import Onward
from pydepgate.regex import regex
from pydepgate.source.objects import BUILTIN_NAMES

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite
    from pydepgate.source.interpreter import Interpreter
    from pydepgate.source.values import LocalFunction, Scope

_MAX_NOTED: Final = 2_048
"""Uses of parameters in one file."""
_MAX_CARRIED: Final = 32
"""Parts of one expression."""
_MAX_NODES: Final = 200_000

_KEEPERS: Final = frozenset("append add insert extend appendleft setdefault put put_nowait update".split())
"""Methods that keep what they are given in a container."""
REGISTERS: Final = regex(r"(?:set|add|append|insert|extend|update|setdefault|bind|connect|subscribe)(?:_|$)")
"""Methods of a library's objects that keep what they are handed, for when something happens."""
_TAKERS: Final = frozenset("get pop popleft popitem get_nowait values items copy setdefault".split())
"""Methods that give what was kept."""
_RUN_THROUGH: Final = frozenset("list tuple reversed sorted iter next".split())
_CALLING: Final = frozenset(f"builtins.{name}" for name in ("map", "filter", "sorted", "min", "max", "iter"))
"""The builtin functions that call what they are given."""
_INERT: Final = frozenset(
    """functools.wraps functools.update_wrapper functools.lru_cache functools.cache functools.cached_property
    functools.singledispatch functools.partial functools.partialmethod contextlib.contextmanager weakref.ref
    asyncio.iscoroutinefunction types.MethodType""".split()
)
_INERT_MODULES: Final = ("inspect.", "typing.", "logging.", "warnings.")
"""Functions that look at what they are given, or wrap it, and do not call it."""

_Place = int | str
_Owners = frozenset[tuple[str, _Place]]
"""Parameters: the qualified name of each one's function, and its place there."""
_Names = dict[str, _Owners]
"""What parameters come by which name, an attribute after a dot."""
_NONE: Final[_Owners] = frozenset()


@dataclass(slots=True)
class _Function:
    """One function of the file: its nodes without those of functions in it, and what its names may be."""

    qualname: str
    cls: str
    nodes: list[ast.AST]
    names: _Names


@dataclass(slots=True)
class _Passing:
    """What is found while one file is gone through; `kept`: what is kept by which name, for other functions to take."""

    sites: Mapping[ast.Call, list[CallSite]]
    kept: _Names = field(default_factory=dict)
    found: dict[tuple[str, _Place], dict[Onward, None]] = field(default_factory=dict)
    left: int = _MAX_NOTED


def onward_of(run: Interpreter, /) -> dict[tuple[str, _Place], tuple[Onward, ...]]:
    """Return, for each parameter of a followed file's functions, who calls what it is given or passes it on."""
    functions = list(_functions(run.functions))
    passing = _Passing(run.sites)
    for function in functions:
        _bind(function, passing)
    if passing.kept:
        for function in functions:  # once more, for those that take what another keeps
            _bind(function, passing)
    for function in functions:
        if function.names or passing.kept:
            _use(function, passing)
    return {place: tuple(uses) for place, uses in passing.found.items()}


def _functions(followed: Iterable[LocalFunction]) -> Iterator[_Function]:
    seen: set[ast.AST] = set()
    known: dict[str, _Names] = {}
    left = _MAX_NODES
    for function in followed:
        if function.node in seen or left < 0:
            continue
        seen.add(function.node)
        is_method = function.scope.is_class
        own: _Names = {}
        for place, name in _parameters(function.node, is_method=is_method):
            own[name] = own.get(name, _NONE) | {(function.qualname, place)}
        known[function.qualname] = names = {**known.get(_around(function.scope), {}), **own}
        nodes = list(_own_nodes(function.node))
        left -= len(nodes)
        yield _Function(function.qualname, function.scope.qualname if is_method else "", nodes, names)


def _around(scope: Scope) -> str:
    while scope.is_class and scope.parent is not None:
        scope = scope.parent
    return scope.qualname


def _parameters(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, *, is_method: bool
) -> Iterator[tuple[_Place, str]]:
    """Yield the places of a function's parameters, as a caller counts them, with their names; both kinds of each."""
    positional = [*node.args.posonlyargs, *node.args.args]
    if is_method and not any(
        isinstance(decorator, ast.Name) and decorator.id == "staticmethod"
        for decorator in getattr(node, "decorator_list", ())
    ):
        positional = positional[1:]
    for number, parameter in enumerate(positional):
        yield number, parameter.arg
    for parameter in (*positional, *node.args.kwonlyargs):
        yield parameter.arg, parameter.arg
    if node.args.vararg:
        yield "*", node.args.vararg.arg
    if node.args.kwarg:
        yield "**", node.args.kwarg.arg


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the calls and bindings of a function, without those of functions in it."""
    body: list[ast.AST] | ast.AST = getattr(function, "body", [])
    waiting = body[::-1] if isinstance(body, list) else [body]
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind in _INNER:
            continue
        if kind in _TELLING:
            yield node
        # half of all nodes are leaves, and this is the loop that counts
        for name in node._fields:
            part = getattr(node, name, None)
            if part.__class__ is list:
                waiting += [each for each in part if each.__class__ not in _LEAVES]
            elif isinstance(part, ast.AST) and part.__class__ not in _LEAVES:
                waiting.append(part)


_INNER: Final = frozenset((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef))
_TELLING: Final = frozenset(
    (ast.Call, ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.For, ast.AsyncFor, ast.comprehension)
)
_LEAVES: Final[frozenset[type]] = frozenset(
    (
        *(ast.Name, ast.Constant, ast.Load, ast.Store, ast.Del, ast.alias, ast.Pass, ast.Global, ast.Nonlocal),
        *(ast.And, ast.Or, str, int, type(None)),
        *ast.operator.__subclasses__(),
        *ast.unaryop.__subclasses__(),
        *ast.cmpop.__subclasses__(),
    )
)


def _bind(function: _Function, passing: _Passing) -> None:
    """Note by which other names a function has what it is given, and where it keeps it."""
    for node in function.nodes:
        match node:
            case ast.Assign(targets=targets, value=value):
                _bind_targets(targets, value, function, passing)
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                _bind_targets([target], value, function, passing)
            case (
                ast.For(target=target, iter=value)
                | ast.AsyncFor(target=target, iter=value)
                | ast.comprehension(target=target, iter=value)
            ):
                _bind_targets([target], value, function, passing)
            case ast.Call(func=ast.Attribute(value=owner, attr=attr)) if attr in _KEEPERS:
                given = (*node.args, *(keyword.value for keyword in node.keywords))
                _keep(_name(owner), _owners(given, function.names, passing.kept), passing)


def _bind_targets(targets: Iterable[ast.expr], value: ast.expr, function: _Function, passing: _Passing) -> None:
    if not (owners := _owners((value,), function.names, passing.kept)):
        return
    for target in targets:
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else (target,):
            if isinstance(part, ast.Name):
                function.names[part.id] = function.names.get(part.id, _NONE) | owners
            else:
                _keep(_name(part), owners, passing)


def _keep(name: str, owners: _Owners, passing: _Passing) -> None:
    if name and owners:
        passing.kept[name] = passing.kept.get(name, _NONE) | owners


def _name(node: ast.expr) -> str:
    """Return what an expression's value is known by: of an element, what its container is."""
    for _ in range(_MAX_CARRIED):
        match node:
            case ast.Name(id=name):
                return name
            case ast.Subscript(value=inner) | ast.Starred(value=inner) | ast.Await(value=inner):
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _TAKERS:
                node = inner
            case ast.Call(func=ast.Name(id=name), args=[inner, *_]) if name in _RUN_THROUGH:
                node = inner
            case ast.Attribute(attr=attr):
                return f".{attr}"
            case _:
                return ""
    return ""


def _owners(values: Iterable[ast.expr], names: _Names, kept: _Names) -> _Owners:
    """Return the parameters that values are, or hold."""
    found: _Owners = _NONE
    waiting = list(values)
    for _ in range(_MAX_CARRIED):
        if not waiting:
            break
        node = waiting.pop()
        match node:
            case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                waiting += parts
            case ast.Dict(values=parts):
                waiting += parts
            case ast.IfExp(body=body, orelse=orelse):
                waiting += (body, orelse)
            case ast.Call(func=ast.Name(id="partial") | ast.Attribute(attr="partial"), args=parts):
                waiting += parts
            case _ if name := _name(node):
                found |= names.get(name, _NONE) | kept.get(name, _NONE)
    return found


def _use(function: _Function, passing: _Passing) -> None:
    """Note what a function calls of what came through parameters, and what it passes on."""
    for node in function.nodes:
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "__call__":
            called = called.value
        is_own = isinstance(called, ast.Attribute) and called.attr in _TAKERS | _KEEPERS
        if not is_own:
            _note(_owners((called,), function.names, passing.kept), Onward(function.qualname), passing)
        if is_own or _is_partial(called):
            continue
        given: list[tuple[_Place, ast.expr]] = [*enumerate(node.args)]
        given += [(keyword.arg or "**", keyword.value) for keyword in node.keywords]
        for place, value in given:
            owners = _owners((value,), function.names, passing.kept)
            if owners and (name := _callee(node, function, passing)) is not None:
                _note(owners, Onward(function.qualname, name, place), passing)


def _is_partial(called: ast.expr) -> bool:
    return (isinstance(called, ast.Name) and called.id == "partial") or (
        isinstance(called, ast.Attribute) and called.attr == "partial"
    )


def _callee(node: ast.Call, function: _Function, passing: _Passing) -> str | None:
    """Return what a call calls, by a name that other files can look up: empty if by none, None if nothing is called."""
    sites = passing.sites.get(node)
    if sites:
        return None if _is_inert(sites[0].name) else sites[0].name
    match node.func:
        case ast.Name(id=name):
            return None if name in BUILTIN_NAMES and _is_inert(f"builtins.{name}") else f":{name}"
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attr) if function.cls:
            return f":{function.cls}().{attr}"
        case ast.Attribute(attr=attr):
            return None if attr in _KEEPERS else ""
    return ""


def _is_inert(name: str) -> bool:
    is_builtin = name.startswith("builtins.") and name not in _CALLING
    owner, _, method = name.rpartition(".")
    registers = owner.endswith("()") and REGISTERS.match(method) is not None
    return is_builtin or registers or name in _INERT or name.startswith(_INERT_MODULES)


def _note(owners: _Owners, onward: Onward, passing: _Passing) -> None:
    for owner in sorted(owners, key=str):
        if passing.left > 0:
            passing.left -= 1
            passing.found.setdefault(owner, {})[onward] = None
