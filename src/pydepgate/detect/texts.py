"""Command lines, paths and URLs of which not every part is known: what is known of them, as text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Final

from pydepgate.source.calls import CallSite
from pydepgate.source.values import Value

HOLE: Final = "\0"
"""Stands for a part of a text that is not known; no text that is written in a source holds it."""

_MAX_DEPTH: Final = 6
_MAX_PARTS: Final = 64
_MAX_TEXT: Final = 20_000

_FIRST_ARGUMENT: Final = frozenset(
    """os.path.expanduser() os.path.expandvars() os.path.abspath() os.path.realpath() os.path.normpath()
    pathlib.Path() pathlib.PurePath() pathlib.PosixPath() pathlib.WindowsPath() shlex.split() shlex.quote() os.fspath()
    ntpath.expanduser() posixpath.expanduser() ntpath.expandvars()""".split()
)
_JOINS: Final = frozenset(("os.path.join()", "ntpath.join()", "posixpath.join()", "pathlib.Path().joinpath()"))
_VARIABLE: Final = frozenset(("os.getenv()", "os.environ.get()"))
_FIXED: Final = {
    "sys.executable": "python",
    "tempfile.gettempdir()": "/tmp",
    "tempfile.mkdtemp()": "/tmp/" + HOLE,
    "pathlib.Path.home()": "~",
    "builtins.__file__": "__file__",
    "__file__": "__file__",
}
_FIELD: Final = re.compile(r"\{[^{}]*\}")
_PERCENT: Final = re.compile(r"%(?:\([^)]*\))?[-#0 +]*\d*(?:\.\d+)?[sdrifx]")


def text_of(value: Value, node: ast.expr | None = None, /) -> str:
    """Return what is known of a text, with `HOLE` for each part that is not.

    The node that was evaluated, where it is at hand, tells the parts that the value does not keep.
    """
    return _value_text(value, node, 0)[:_MAX_TEXT]


def _value_text(value: Value, node: ast.expr | None, depth: int) -> str:
    if isinstance(value.const, str):
        return value.const
    if isinstance(value.const, bytes):
        return value.const.decode("utf-8", "replace")
    if isinstance(value.const, bool) or value.const is None or depth > _MAX_DEPTH:
        return HOLE
    if isinstance(value.const, int) and abs(value.const) < _MAX_NUMBER:
        return str(value.const)
    if value.name in _FIXED:
        return _FIXED[value.name]
    made_with = value.made_with or {}
    if value.name in _FIRST_ARGUMENT and 0 in made_with:
        return _value_text(made_with[0], None, depth + 1)
    if value.name in _VARIABLE and 0 in made_with:
        return f"%{_value_text(made_with[0], None, depth + 1)}%"
    if value.name in _JOINS:
        parts = [part for key, part in made_with.items() if isinstance(key, int)][:_MAX_PARTS]
        return "/".join(_value_text(part, None, depth + 1) for part in parts)
    if value.items is not None:
        return _collapsed(_value_text(part, None, depth + 1) for part in value.items[:_MAX_PARTS])
    return _node_text(node, depth) if node is not None else HOLE


_MAX_NUMBER: Final = 10**18


def _collapsed(parts: Iterable[str]) -> str:
    return re.sub(f"{HOLE}+", HOLE, "".join(parts))


def _node_text(node: ast.expr, depth: int) -> str:
    """Return what the source shows of a text that is put together where it is used."""
    if depth > _MAX_DEPTH:
        return HOLE
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Attribute(value=ast.Name(id="sys"), attr="executable"):
            return "python"
        case ast.BinOp(op=ast.Add()):
            pieces: list[str] = []
            spine: ast.expr = node
            while isinstance(spine, ast.BinOp) and isinstance(spine.op, ast.Add) and len(pieces) < _MAX_PARTS:
                pieces.append(_node_text(spine.right, depth + 1))
                spine = spine.left
            return _collapsed([_node_text(spine, depth + 1), *reversed(pieces)])
        case ast.BinOp(left=left, op=ast.Mod()):
            return _PERCENT.sub(HOLE, _node_text(left, depth + 1))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return f"{_node_text(left, depth + 1)}/{_node_text(right, depth + 1)}"
        case ast.JoinedStr(values=values):
            return _collapsed(_node_text(part, depth + 1) for part in values[:_MAX_PARTS])
        case ast.FormattedValue(value=inner):
            return _node_text(inner, depth + 1)
        case ast.Call(func=ast.Attribute(value=owner, attr="format")):
            return _FIELD.sub(HOLE, _node_text(owner, depth + 1))
        case ast.Call(func=ast.Attribute(value=owner, attr="split"), args=[]):
            return _node_text(owner, depth + 1)
        case ast.Call(func=ast.Attribute(attr="join"), args=args) if len(args) > 1:
            return "/".join(_node_text(part, depth + 1) for part in args[:_MAX_PARTS])
        case ast.Call(func=ast.Attribute(attr="expanduser" | "expandvars" | "Path"), args=[path]):
            return _node_text(path, depth + 1)
    return HOLE


def argument_text(site: CallSite, index: int, keyword: str = "", /) -> str:
    """Return what is known of an argument as text."""
    node: ast.expr | None = None
    if index < len(site.args) == len(site.node.args):
        node = site.node.args[index]
    elif index >= len(site.args):
        node = next((each.value for each in site.node.keywords if each.arg == keyword), None)
    return text_of(site.argument(index, keyword), node)


def list_texts(value: Value, node: ast.expr | None, /) -> tuple[str, ...]:
    """Return what is known of each element of a list of words, such as an argument vector."""
    if isinstance(value.const, list | tuple):
        return tuple(text_of(Value(const=item)) for item in value.const[:_MAX_PARTS])
    nodes = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    items = (value.items or [])[:_MAX_PARTS]
    return tuple(text_of(item, nodes[at] if len(nodes) == len(items) else None) for at, item in enumerate(items))


def shown(text: str, /) -> str:
    """Return a text for people: its unknown parts as `?`."""
    return " ".join(text.replace(HOLE, "?").split())
