"""What a call does: calls of the file's own functions and classes, of library functions that are modelled, and
of the functions that reach others by name (`getattr`, `__import__`, `globals()`)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pydepgate.limits import FOLD_BYTES
from pydepgate.source import folding
from pydepgate.source.library import decode_call
from pydepgate.source.objects import (
    MAX_PARTS,
    absorb,
    attribute_of,
    element_of,
    named,
    parts_of,
    rounds_of,
    sequence_value,
    store_element,
)
from pydepgate.source.values import NOTHING, UNKNOWN, LocalFunction, Scope, Step, Value, derive, same_constant

if TYPE_CHECKING:
    from pydepgate.source.interpreter import Interpreter


@dataclass(slots=True, eq=False)
class CallSite:
    """A call as it was reached: what is called, with what, from where.

    `name` is the dotted name that the callee resolves to, empty if it does not. `disguised`: the source does not
    show that name. `receiver` is what stands in front of the last dot. `function` is the qualified name of the
    function around it, `roots` on whose behalf it runs (see `model.Signal`).
    """

    node: ast.Call
    name: str
    args: tuple[Value, ...]
    keywords: Mapping[str, Value]
    receiver: Value | None
    disguised: bool
    function: str
    roots: set[str]

    def same_call(self, other: CallSite, /) -> bool:
        """Whether nothing that a detector looks at differs."""
        return (
            self.name == other.name
            and len(self.args) == len(other.args)
            and all(map(_alike, self.args, other.args))
            and self.keywords.keys() == other.keywords.keys()
            and all(_alike(value, other.keywords[key]) for key, value in self.keywords.items())
        )

    def argument(self, index: int, keyword: str = "", /) -> Value:
        """Return an argument by position or by keyword; the empty value if it is not given."""
        if index < len(self.args):
            return self.args[index]
        return self.keywords.get(keyword, NOTHING)


def _alike(one: Value, other: Value) -> bool:
    return one is other or (
        same_constant(one.const, other.const)
        and one.name == other.name
        and one.taints == other.taints
        and one.origin == other.origin
        and (one.items is None) == (other.items is None)
    )


def evaluate_call(run: Interpreter, node: ast.Call, scope: Scope) -> Value:
    """Evaluate a call: its parts, what it is recorded as, and what it gives."""
    receiver: Value | None = None
    if isinstance(node.func, ast.Attribute):
        stored = (
            scope.lookup(f"{node.func.value.id}.{node.func.attr}") if isinstance(node.func.value, ast.Name) else None
        )
        receiver = run.value(node.func.value, scope)
        callee = stored or attribute_of(receiver, node.func.attr)
    else:
        callee = run.value(node.func, scope)
    args: list[Value] = []
    for arg in node.args:
        if isinstance(arg, ast.Starred):
            args.extend(parts_of(run.value(arg.value, scope)))
        else:
            args.append(run.value(arg, scope))
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = run.value(keyword.value, scope)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
        else:
            keywords.update({str(key): part for key, part in (value.mapping or {}).items()})
    if callee.bound and callee.name and not callee.name.endswith(")"):
        args = [*callee.bound, *args]
    site = CallSite(
        node=node,
        name=callee.name,
        args=tuple(args),
        keywords=keywords,
        receiver=receiver,
        disguised=_is_disguised(node.func, callee.name),
        function=_function_name(scope),
        roots={run.root},
    )
    if callee.name and not (receiver is not None and receiver.known) and not folding.is_builtin(callee.name):
        run.record(site)
    return result_of(run, site, callee, scope)


def _function_name(scope: Scope) -> str:
    while scope.is_class and scope.parent is not None:
        scope = scope.parent
    return scope.qualname


def _is_disguised(func: ast.expr, name: str) -> bool:
    shown = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    return bool(name) and shown != name.rpartition(".")[2]


def result_of(run: Interpreter, site: CallSite, callee: Value, scope: Scope, /) -> Value:
    """Return what a call gives."""
    name, args, keywords, receiver = site.name, site.args, site.keywords, site.receiver
    if callee.function is not None:
        return run.call_local(callee.function, args, keywords)
    if callee.cls is not None:
        return _instantiate(run, callee, args, keywords)
    if receiver is not None and receiver.known and isinstance(site.node.func, ast.Attribute):
        folded = _fold_method(run, site.node.func, receiver, args, keywords)
        if folded is not None:
            return folded
    special = _SPECIAL.get(name)
    if special is not None and (found := special(run, site, scope)) is not None:
        return found
    step = Step(name.removeprefix("builtins."), site.node.lineno)
    decoded = decode_call(
        name,
        (receiver, *args) if name.endswith(".decrypt") and receiver else args,
        keywords,
        step.line,
        work=run.work,
    )
    if decoded is not None:
        return decoded
    if name.startswith("builtins."):
        folded = _fold_builtin(run, name.removeprefix("builtins."), args, keywords)
        if folded is not None:
            return folded
    if receiver is not None and isinstance(site.node.func, ast.Attribute):
        _change_container(site.node.func.attr, receiver, args)
    _call_back(run, args, keywords)
    sources = (receiver, *args) if receiver is not None else args
    value = derive(*sources, *keywords.values())
    if not name or name.startswith("?"):
        return value
    result = named(f"{name}()", value, *((callee,) if callee.taints else ()))
    result.bound = tuple(args) if args else callee.bound
    if result.taints:
        result.trail = value.trail if _is_plumbing(name) else derive(value, step=step).trail
    return result


def _is_plumbing(name: str) -> bool:
    return name.rpartition(".")[2] in ("read", "decode", "encode", "strip", "text", "content", "str", "bytes")


def _fold_method(
    run: Interpreter,
    func: ast.Attribute,
    receiver: Value,
    args: Sequence[Value],
    keywords: Mapping[str, Value],
) -> Value | None:
    if _change_container(func.attr, receiver, args):
        return Value(const=None)
    sources = (receiver, *args, *keywords.values())
    if func.attr == "join" and args and args[0].items is not None:
        return derive(receiver, *args[0].items, args[0])
    if not all(value.known for value in sources):
        # an unknown part makes an unknown whole, but what is known of it still came from somewhere
        return derive(*sources) if isinstance(receiver.const, str | bytes) else None
    const = folding.method(
        receiver.const,
        func.attr,
        [a.const for a in args],
        {k: v.const for k, v in keywords.items()},
        work=run.work,
    )
    transform = {"translate": "alphabet", "replace": "alphabet", "join": ""}.get(func.attr, "")
    return derive(*sources, const=const, transform=transform if const is not UNKNOWN else "")


def _fold_builtin(run: Interpreter, name: str, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value | None:
    owner, _, method = name.rpartition(".")
    everything = (*args, *keywords.values())
    if not all(value.known for value in everything):
        if name in _TRANSPARENT:
            value = derive(*everything)
            value.items = args[0].items if args else None
            return value
        return None
    consts = [a.const for a in args]
    options = {key: value.const for key, value in keywords.items()}
    const = folding.builtin(name, consts, options, work=run.work)
    if const is UNKNOWN and owner in ("str", "bytes") and consts:
        const = folding.method(consts[0], method, consts[1:], options, work=run.work)
    if const is UNKNOWN and name not in _TRANSPARENT:
        return None
    transform = (
        "int-list" if name in ("bytes", "bytearray") and isinstance(consts[:1] and consts[0], list | tuple) else ""
    )
    if name == "reversed":
        transform = "reverse"
    return derive(*everything, const=const, transform=transform)


_TRANSPARENT: Final = frozenset("str bytes bytearray list tuple set frozenset iter reversed sorted memoryview".split())
"""Builtins whose result is their argument in another shape."""


def _change_container(method: str, receiver: Value, args: Sequence[Value]) -> bool:
    """Do to a list or dict what its method does; return whether it was such a method."""
    const = receiver.const
    if method in ("append", "add", "insert", "appendleft") and args and _is_list(receiver):
        added = args[-1]
        if isinstance(const, list) and added.known and len(const) < FOLD_BYTES:
            if method == "insert" and isinstance(args[0].const, int):
                const.insert(args[0].const, added.const)
            else:
                const.append(added.const)
        else:
            receiver.items = [*parts_of(receiver), added][:MAX_PARTS]
            receiver.const = UNKNOWN
        absorb(receiver, added)
        return True
    if method == "extend" and args and _is_list(receiver):
        if isinstance(const, list) and isinstance(args[0].const, list | tuple | str | bytes):
            const.extend(args[0].const[:FOLD_BYTES])
        else:
            receiver.items = [*parts_of(receiver), *parts_of(args[0])][:MAX_PARTS]
            receiver.const = UNKNOWN
        absorb(receiver, args[0])
        return True
    if method == "reverse" and isinstance(const, list) and not args:
        const.reverse()
        return True
    if method == "update" and args and (isinstance(const, dict) or receiver.mapping is not None):
        new = args[0].const if isinstance(args[0].const, dict) else {}
        for key, value in {**{k: Value(const=v) for k, v in new.items()}, **(args[0].mapping or {})}.items():
            store_element(receiver, Value(const=key), value)
        absorb(receiver, args[0])
        return True
    return False


def _is_list(value: Value) -> bool:
    return isinstance(value.const, list) or value.items is not None


def _instantiate(run: Interpreter, callee: Value, args: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    cls = callee.cls
    instance = derive(*args, *keywords.values())
    instance.instance_of = cls
    initialiser = cls.find("__init__") if cls is not None else None
    if initialiser is not None and (function := initialiser.function) is not None:
        bound = LocalFunction(function.node, function.qualname, function.scope, (instance,))
        run.call_local(bound, args, keywords)
    for method in ("run", "__enter__", "__call__"):
        # a thread's `run` is started by its base class; the others are called by syntax
        found = cls.find(method) if cls is not None and method == "run" and _is_thread(cls.bases) else None
        if found is not None and found.function is not None:
            run.call_local(
                LocalFunction(found.function.node, found.function.qualname, found.function.scope, (instance,)),
                (),
                {},
            )
    return instance


def _is_thread(bases: Sequence[Value]) -> bool:
    return any(base.name in ("threading.Thread", "multiprocessing.Process", "threading.Timer") for base in bases)


def _call_back(run: Interpreter, args: Sequence[Value], keywords: Mapping[str, Value]) -> None:
    """A function of this file that is handed to one that is not is taken to be called."""
    for value in (*args, *keywords.values()):
        if value.function is not None:
            handed = keywords.get("args", NOTHING)
            run.call_local(value.function, parts_of(handed), {})


def _getattr(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    owner, attribute = site.argument(0), site.argument(1)
    if not attribute.text:
        return derive(*site.args)
    found = attribute_of(owner, attribute.text)
    return found if not owner.known or found.function else None


def _import(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    module = site.argument(0, "name").text
    if not module:
        return derive(*site.args, name="?module")
    if site.name == "builtins.__import__" and not site.argument(3, "fromlist").const:
        module = module.partition(".")[0]
    return Value(name="builtins" if module == "__builtin__" else module)


def _namespace(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    if site.name == "builtins.vars" and site.args:
        return Value(name=f"{site.args[0].name}.__dict__")
    return Value(name=f"{site.name}()")


def _get(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    owner = site.receiver
    return element_of(run.work, owner, site.argument(0), scope) if owner is not None else None


def _partial(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    target, rest = site.argument(0), site.args[1:]
    if target.function is not None:
        function = target.function
        bound = LocalFunction(function.node, function.qualname, function.scope, (*function.bound, *rest))
        return Value(function=bound)
    return replace(target, bound=rest)


def _map(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    function, source = site.argument(0), site.argument(1)
    keep_if = site.name == "builtins.filter"

    def values() -> list[Value]:
        results = []
        for element in rounds_of(run, source, scope):
            result = apply(run, site, function, (element,), scope)
            if not keep_if:
                results.append(result)
            elif not result.known or result.const:
                results.append(element)
        return results

    return sequence_value(site.node, run.unrolled(values))


def _reduce(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    function, source = site.argument(0), site.argument(1)

    def total() -> Value:
        elements = list(rounds_of(run, source, scope))
        if len(site.args) > 2:
            elements.insert(0, site.args[2])
        value = elements[0]
        for element in elements[1:]:
            value = apply(run, site, function, (value, element), scope)
        return value

    return run.unrolled(total)


def _eval(run: Interpreter, site: CallSite, scope: Scope) -> Value | None:
    source = site.argument(0).text.strip()
    if not source or len(source) > _MAX_EVAL:
        return None
    try:
        expression = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return derive(found, name=found.name) if (found := run.value(expression, scope)).name else found


_MAX_EVAL: Final = 4096
"""Characters of a constant expression given to `eval` that are evaluated in place."""


def apply(run: Interpreter, site: CallSite, function: Value, args: tuple[Value, ...], scope: Scope, /) -> Value:
    """Return what a function value gives for arguments, called by another (`map`, `reduce`)."""
    called = replace(site, name=function.name, args=(*function.bound, *args), keywords={}, receiver=None)
    return result_of(run, called, function, scope)


_SPECIAL: Final[Mapping[str, Callable[[Interpreter, CallSite, Scope], Value | None]]] = {
    "builtins.getattr": _getattr,
    "builtins.__import__": _import,
    "importlib.import_module": _import,
    "importlib.__import__": _import,
    "builtins.globals": _namespace,
    "builtins.locals": _namespace,
    "builtins.vars": _namespace,
    "builtins.globals().get": _get,
    "builtins.locals().get": _get,
    "builtins.vars().get": _get,
    "builtins.__dict__.get": _get,
    "sys.modules.get": _get,
    "functools.partial": _partial,
    "builtins.map": _map,
    "builtins.filter": _map,
    "functools.reduce": _reduce,
    "builtins.eval": _eval,
}
