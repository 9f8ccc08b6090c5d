"""How much code a file holds, and whether it does anything: cheap measures that need no evaluation."""

from __future__ import annotations

import ast
import re
from typing import Final

from pydepgate.regex import regex

_LINE_OF_CODE: Final = regex(rb"^[ \t]*[^\s#]", re.M)
_MAX_COUNTED: Final = 16 * 1024
"""Bytes up to which lines are told apart; of a larger file every line counts."""
_MAX_IDLE: Final = 60
"""Statements up to which a file may be one that does nothing."""


def code_lines(data: bytes, /) -> int:
    """Return how many lines of a Python file are neither empty nor a comment."""
    return len(_LINE_OF_CODE.findall(data)) if len(data) <= _MAX_COUNTED else data.count(b"\n") + 1


def is_idle(tree: ast.Module | None, /) -> bool:
    """Return whether a module only defines functions that print or return constants, and such constants."""
    if tree is None or len(tree.body) > _MAX_IDLE:
        return False
    waiting: list[ast.stmt] = list(tree.body)
    for _ in range(_MAX_IDLE):
        if not waiting:
            return True
        statement = waiting.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if statement.decorator_list:
                return False
            waiting += statement.body
        elif not _does_nothing(statement):
            return False
    return not waiting


def _does_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=args)):
            return all(map(_is_plain, args))
        case ast.Expr(value=value) | ast.Assign(value=value):
            return _is_plain(value)
        case ast.Return(value=value):
            return value is None or _is_plain(value)
        case _:
            return False


def _is_plain(node: ast.expr) -> bool:
    """Whether it is a constant, a name, or what is put together of these without a call."""
    match node:
        case ast.Constant() | ast.Name():
            return True
        case ast.BinOp(left=left, right=right):
            return _is_plain(left) and _is_plain(right) if not isinstance(left, ast.BinOp) else False
        case ast.JoinedStr(values=values):
            return all(isinstance(value, ast.Constant) or _is_formatted_name(value) for value in values)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return all(isinstance(item, ast.Constant) for item in items)
        case _:
            return False


def _is_formatted_name(node: ast.expr) -> bool:
    return isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name)
