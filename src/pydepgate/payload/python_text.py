"""Whether a text is Python source: by the shape of its lines, then by its syntax tree.

The shape comes first, because it gives the same answer on every interpreter and for source with an error or for
Python 2. What it leaves open (one-liners, few lines) is parsed, and the tree has to hold code: a bare word, a number,
a list or a `key: value` line are valid Python too, and are not evidence.
"""

from __future__ import annotations

import ast
import re

from pydepgate.quiet import PARSER_ERRORS, parse_quietly
from pydepgate.regex import regex

SHAPE_LINES = 600
"""Lines at the start of a text that are looked at."""

LAST_LINES = 60
"""Lines at its end that are looked at too: obfuscated code assembles a payload first, and runs it last."""

LINE_CHARACTERS = 2000
"""Characters of one line that are looked at."""

PARSE_CHARACTERS = 2 * 1024 * 1024
"""A text longer than this is judged by its lines alone."""

MAX_NODES = 20_000
"""Nodes of a tree that are looked at."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_DOTTED = rf"{_NAME}(?:\.{_NAME})*+"
_STRONG = regex(
    rf"""\s*+(?:
        from\s++\.*+(?:{_DOTTED})?\s++import\s++[\w*(]
      | import\s++{_DOTTED}(?:\s++as\s++{_NAME})?(?:\s*+,\s*+{_DOTTED}(?:\s++as\s++{_NAME})?)*+\s*+(?:$|;[^;]|\#)
      | (?:async\s++)?def\s++{_NAME}\s*+[(\[]
      | class\s++{_NAME}\s*+(?:\([^{{]*+)?:
      | (?:if|elif|while)\s.*:\s*+(?:\#.*)?$
      | if\s++__name__\s*+==
      | (?:try|else|finally)\s*+:\s*+(?:\#.*)?$
      | except(?:\s[^:]*+)?:
      | for\s++[\w, ()*]++\sin\s.*:
      | with\s.*:\s*+(?:\#.*)?$
      | raise\s++{_NAME}\s*+\(
      | print\s*+(?:["']|\(\s*+[frb]*["']|\(.*\)$)
      | exec\s++(?:["']|{_DOTTED}\s*+[(]|in\b)
      | exec\s*+\(
      | self\.\w++
      | __\w++__\s*+=
      | @{_DOTTED}(?:\(.*)?$
    )""",
    re.VERBOSE,
)
_FAIR = regex(
    rf"""\s*+(?:
        {_DOTTED}(?:\[[^\]]*+\])*+\s*+(?:[-+*/%|&]|//|\*\*)?=\s*+[^\s=>]
      | {_DOTTED}\s*+\(
      | (?:return|yield|await|assert|del|global|nonlocal|raise|lambda|pass|break|continue)\b
      | [)\]}}'"]
      | \#
      | \w++=.*,$
    )""",
    re.VERBOSE,
)
_FOREIGN = regex(
    r"""\s*+(?:
        .*[;{]\s*+$
      | [}]\s*+(?:$|else|catch|,|\))
      | (?:var|let|const|function|public|private|static|void|package|namespace|using|func|fn|impl|type|interface)\s
      | (?:fi|done|esac|then|end)\b\s*+;?$
      | (?:if|elif|while|for)\b.*;\s*+(?:then|do)$
      | (?:sudo|echo|export|apt-get|pip|python[23]?|cd|mkdir|local)\s
      | \#\s*+include\b | //|/\*|\*\s | <[/!a-zA-Z]
      | \[\[?[\w.:"\s-]++\]\]?$
      | (?:>>>|\.\.\.|\$)\s
      | ```|\.\.\s|\#{2,6}\s|[-*]\s
      | [A-Z][a-z]++(?:\s[a-z']++){2}
    )""",
    re.VERBOSE,
)
_HINT = regex(
    r"[\w)\]]\s*+\(|\b(?:import|def|class|lambda|for|while|with|try|raise|assert|True|False|None)\b|__\w"
    r"|\w\s*+=\s*+[{(u]"
)
"""What every text holds that could be Python; it keeps lists of numbers and the like from the parser."""

_STRONG_NEEDED = 3
"""Lines of strong shape that decide alone, when few lines look foreign."""

_BUILTINS = frozenset(
    (
        "__import__ abs all any ascii bin bool bytearray bytes callable chr compile delattr dict dir divmod enumerate "
        "eval exec execfile filter float format frozenset getattr globals hasattr hash hex id input int isinstance "
        "issubclass iter len list locals map max memoryview min next object oct open ord pow print range raw_input "
        "repr reversed round setattr setup slice sorted staticmethod str sum super tuple type unicode vars xrange zip"
    ).split()
)
_MODULES = frozenset(
    (
        "ast asyncio base64 binascii builtins bz2 codecs ctypes datetime functools getpass glob gzip hashlib http "
        "importlib io itertools json logging lzma marshal math operator os pathlib pickle platform pty random re "
        "requests runpy setuptools shutil site smtplib socket sqlite3 string struct subprocess sys tempfile threading "
        "time types typing urllib uuid warnings webbrowser winreg zipfile zlib"
    ).split()
)
_NOT_PYTHON = frozenset(
    ("alert console document window jQuery require url rgb rgba calc var translate rotate scale").split()
)


def looks_like_python(text: str, /) -> bool:
    """Whether `text` is Python source, of any version, possibly with errors."""
    if not _HINT.search(text, 0, PARSE_CHARACTERS) and "print" not in text and "exec" not in text:
        return False
    strong, fair, foreign, lines = _shape(text)
    if strong >= _STRONG_NEEDED and foreign * 4 <= strong and (strong + fair) * 2 >= lines:
        return True
    if len(text) <= PARSE_CHARACTERS:
        tree = _tree(text)
        if tree is not None:
            return _holds_code(tree)
    return bool(strong) and foreign * 6 <= strong + fair and (strong + fair) * 10 >= lines * 6


def _tree(text: str) -> ast.Module | None:
    try:
        tree: ast.Module = parse_quietly(text)
    except PARSER_ERRORS:
        return None
    return tree


def _shape(text: str) -> tuple[int, int, int, int]:
    """Count the lines of strong, fair and foreign shape, and all that are not blank."""
    strong = fair = foreign = lines = 0
    quote = ""
    sample = text.splitlines()
    if len(sample) > SHAPE_LINES + LAST_LINES:
        sample = sample[:SHAPE_LINES] + sample[-LAST_LINES:]
    for raw in sample:
        line = raw[:LINE_CHARACTERS]
        if not line.strip():
            continue
        if quote:  # what a docstring says is neither for nor against
            quote = "" if raw.count(quote) % 2 else quote
            continue
        lines += 1
        if _STRONG.match(line):
            strong += 1
        elif _FAIR.match(line):
            fair += 1
        elif _FOREIGN.match(line):
            foreign += 1
        for mark in ('"""', "'''"):
            if raw.count(mark) % 2:
                quote = mark
                break
    return strong, fair, foreign, lines


def _holds_code(tree: ast.Module) -> bool:
    """Whether a tree holds statements or calls that only a program would."""
    weight = 0.0
    pending: list[ast.AST] = list(reversed(tree.body))
    for _ in range(MAX_NODES):
        if not pending or weight >= 1:
            break
        node = pending.pop()
        weight += _weight(node)
        pending.extend(ast.iter_child_nodes(node))
    return weight >= 1


def _weight(node: ast.AST) -> float:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return 1
        case ast.Try() | ast.TryStar() | ast.With() | ast.AsyncWith() | ast.For() | ast.While() | ast.Lambda():
            return 1
        case ast.If() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() | ast.Match():
            return 1
        case ast.Raise(exc=ast.Call()) | ast.JoinedStr():
            return 1
        case ast.Call():
            return _call_weight(node)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            if name.startswith("__") and name.endswith("__"):
                return 1
            return _value_weight(value)
        case ast.AugAssign() | ast.Delete() | ast.Assert() | ast.Global() | ast.keyword():
            return 0.4
        case ast.Constant(value=bytes() | bool()):
            return 0.4
    return 0


def _value_weight(value: ast.expr) -> float:
    """Of what a name is set to, only what no configuration file writes that way counts."""
    match value:
        case ast.Dict(keys=[_, *_]) | ast.Set():
            return 1
        case ast.Tuple(elts=[first, *_]):
            parenthesised = (first.lineno, first.col_offset) != (value.lineno, value.col_offset)
            return 1 if parenthesised else 0
        case ast.Constant(value=None) | ast.Constant(kind="u"):
            return 0.5
    return 0


def _call_weight(call: ast.Call) -> float:
    function: ast.AST = call.func
    dotted = isinstance(function, ast.Attribute)
    while isinstance(function, ast.Attribute):
        function = function.value
    if not isinstance(function, ast.Name):
        return 1 if isinstance(function, ast.Lambda | ast.Call | ast.Subscript) else 0.5
    if function.id.startswith("__") and function.id.endswith("__"):
        return 1
    if function.id in _NOT_PYTHON:
        return -2
    if function.id in (_MODULES if dotted else _BUILTINS):
        return 1
    return 0.5 if dotted else 0.3
