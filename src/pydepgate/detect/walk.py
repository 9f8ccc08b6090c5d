"""The one walk over a tree that serves all detectors."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pydepgate.detect.base import Detector, Sighting, View
from pydepgate.detect.literals import operands
from pydepgate.source.calls import CallSite

_LookAtNode = Callable[[Any, str, View], Iterable[Sighting]]
_LookAtCall = Callable[[CallSite, View], Iterable[Sighting]]

_MAX_NAMES: Final = 16_384
"""Names of calls that are remembered with who is concerned."""


@dataclass(frozen=True, slots=True)
class _Watch:
    """Who looks at what: by type of node, and for each call by the name that it resolves to; `skipped` nodes have no
    parts, and nobody looks at them."""

    on_node: Mapping[type[ast.AST], tuple[_LookAtNode, ...]]
    on_call: Callable[[str], tuple[_LookAtCall, ...]]
    skipped: frozenset[type[ast.AST]]


@lru_cache(maxsize=64)
def _watch(detectors: tuple[Detector, ...]) -> _Watch:
    on_node: defaultdict[type[ast.AST], list[_LookAtNode]] = defaultdict(list)
    for detector in detectors:
        if detector.look_at_node is not None:
            for kind in detector.nodes:
                on_node[kind].append(detector.look_at_node)

    @lru_cache(maxsize=_MAX_NAMES)
    def on_call(name: str) -> tuple[_LookAtCall, ...]:
        return tuple(
            detector.look_at_call
            for detector in detectors
            if detector.look_at_call is not None and (detector.concerns is None or detector.concerns(name))
        )

    return _Watch({kind: tuple(looks) for kind, looks in on_node.items()}, on_call, _WITHOUT_PARTS - on_node.keys())


def walk(tree: ast.Module, view: View, detectors: Sequence[Detector], /) -> Iterator[Sighting]:
    """Yield what the detectors see in a tree, in the order of the source."""
    watch = _watch(tuple(detectors))
    on_node, on_call = watch.on_node, watch.on_call
    calls = view.evaluation.calls
    # the function around a node, and the qualified name that definitions in it begin with
    function = prefix = ""
    stack: list[ast.AST | tuple[str, str]] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            function, prefix = node
            continue
        kind = type(node)
        found = False
        for look in on_node.get(kind, ()):
            for sighting in look(node, function, view):
                found = found or sighting.literal is not None
                yield sighting
        if kind is ast.Constant:
            continue
        if kind is ast.Call and isinstance(node, ast.Call):
            for site in calls.get(node) or _unreached(node, function, view):
                for look_at_call in on_call(site.name):
                    yield from look_at_call(site, view)
        elif kind in _DEFINITIONS and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            stack.append((function, prefix))
            name = f"{prefix}{node.name}"
            prefix = f"{name}."
            if kind is not ast.ClassDef:
                function = name
        parts = _parts(node, watch.skipped, seen=found)
        parts.reverse()
        stack += parts


_DEFINITIONS: Final = frozenset((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
_WITHOUT_PARTS: Final = frozenset(
    (ast.Name, ast.Load, ast.Store, ast.Del, ast.alias, ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal)
)
_PLAIN_FIELDS: Final = frozenset(
    """ctx op ops id attr lineno level module type_comment kind is_async conversion simple asname rest kwd_attrs tag
    type_ignores""".split()
)
"""Fields that hold no node with a place, whatever the kind of node."""


_FIELDS: Final = {
    kind: tuple(name for name in kind._fields if name not in _PLAIN_FIELDS)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
"""For each kind of node the fields that may hold other nodes, in order."""


def _parts(node: ast.AST, skipped: frozenset[type[ast.AST]], *, seen: bool) -> list[ast.AST]:
    """Return what to look at below a node; constants of what was seen as a whole are not looked at again."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [part for part in operands(node) if not (seen and isinstance(part, ast.Constant))]
    if seen and not isinstance(node, ast.Call | ast.Module):
        return []
    parts: list[ast.AST] = []
    for name in _FIELDS[type(node)]:
        value = getattr(node, name, None)
        if isinstance(value, list):
            parts += [item for item in value if isinstance(item, ast.AST) and type(item) not in skipped]
        elif isinstance(value, ast.AST) and type(value) not in skipped:
            parts.append(value)
    return parts


def look_at_calls(calls: Iterable[CallSite], view: View, detectors: Sequence[Detector], /) -> Iterator[Sighting]:
    """Yield what the detectors see in calls alone."""
    on_call = _watch(tuple(detectors)).on_call
    return (found for site in calls for look in on_call(site.name) for found in look(site, view))


def _unreached(node: ast.Call, function: str, view: View) -> tuple[CallSite, ...]:
    """Return a call that following the file did not come to, by the name as it is written."""
    parts: list[str] = []
    target: ast.expr = node.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    if not isinstance(target, ast.Name):
        return ()
    name = ".".join([target.id, *reversed(parts)])
    name = f"builtins.{name}" if name in ("exec", "eval", "compile", "__import__") else name
    roots = set(view.roots_of(function))
    return (CallSite(node, name, (), {}, None, disguised=False, function=function, roots=roots),)
