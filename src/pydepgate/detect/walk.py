"""The one walk over a tree that serves all detectors."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydepgate.detect.base import Detector, Sighting, View
from pydepgate.detect.literals import operands
from pydepgate.source.calls import CallSite
from pydepgate.source.interpreter import MODULE_ROOT


def walk(tree: ast.Module, view: View, detectors: Sequence[Detector], /) -> Iterator[Sighting]:
    """Yield what the detectors see in a tree, in the order of the source."""
    on_node: defaultdict[type[ast.AST], list[Callable[[Any, str, View], Iterator[Sighting]]]] = defaultdict(list)
    for detector in detectors:
        if detector.look_at_node is not None:
            for kind in detector.nodes:
                on_node[kind].append(detector.look_at_node)
    on_call = [detector.look_at_call for detector in detectors if detector.look_at_call is not None]
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, function = stack.pop()
        found = [sighting for look in on_node.get(type(node), ()) for sighting in look(node, function, view)]
        yield from found
        if type(node) is ast.Call:
            for site in view.evaluation.calls.get(node) or _unreached(node, function):
                for look_at_call in on_call:
                    yield from look_at_call(site, view)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            function = f"{function}.{node.name}" if function else node.name
        stack.extend((child, function) for child in reversed(_parts(node, seen=bool(found))))


def _parts(node: ast.AST, *, seen: bool) -> list[ast.AST]:
    """Return what to look at below a node; constants of what was seen as a whole are not looked at again."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [part for part in operands(node) if not (seen and isinstance(part, ast.Constant))]
    return [] if seen and not isinstance(node, ast.Call) else list(ast.iter_child_nodes(node))


def _unreached(node: ast.Call, function: str) -> tuple[CallSite, ...]:
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
    return (CallSite(node, name, (), {}, None, disguised=False, function=function, roots={function or MODULE_ROOT}),)
