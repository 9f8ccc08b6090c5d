"""The one walk over a tree that serves all detectors."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from pydepgate.detect.base import Detector, Sighting, View
from pydepgate.detect.literals import operands
from pydepgate.source.calls import CallSite


def walk(tree: ast.Module, view: View, detectors: Sequence[Detector], /) -> Iterator[Sighting]:
    """Yield what the detectors see in a tree, in the order of the source."""
    on_node: defaultdict[type[ast.AST], list[Callable[[Any, str, View], Iterator[Sighting]]]] = defaultdict(list)
    for detector in detectors:
        if detector.look_at_node is not None:
            for kind in detector.nodes:
                on_node[kind].append(detector.look_at_node)
    on_call = [detector.look_at_call for detector in detectors if detector.look_at_call is not None]
    # a node, the function around it, and the qualified name that definitions in it begin with
    stack: list[tuple[ast.AST, str, str]] = [(tree, "", "")]
    while stack:
        node, function, prefix = stack.pop()
        kind = type(node)
        found = False
        for look in on_node.get(kind, ()):
            for sighting in look(node, function, view):
                found = found or sighting.literal is not None
                yield sighting
        if kind is ast.Call and isinstance(node, ast.Call):
            for site in view.evaluation.calls.get(node) or _unreached(node, function, view):
                for look_at_call in on_call:
                    yield from look_at_call(site, view)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{node.name}"
            prefix = f"{name}."
            if not isinstance(node, ast.ClassDef):
                function = name
        stack += [(child, function, prefix) for child in reversed(_parts(node, seen=found))]


def _parts(node: ast.AST, *, seen: bool) -> list[ast.AST]:
    """Return what to look at below a node; constants of what was seen as a whole are not looked at again."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [part for part in operands(node) if not (seen and isinstance(part, ast.Constant))]
    if seen and not isinstance(node, ast.Call | ast.Module):
        return []
    parts: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            parts += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, _EMPTY):
            parts.append(value)
    return parts


_EMPTY: Final = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
"""Nodes without a place, that say only which operator or use it is."""


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
