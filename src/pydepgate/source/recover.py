"""A tree of what can be parsed in a file that, as a whole, cannot: Python 2, stray lines, cut files."""

from __future__ import annotations

import ast
from typing import Final

from pydepgate.quiet import PARSER_ERRORS, parse_quietly
from pydepgate.regex import regex
from pydepgate.source.python2 import as_python_3
from pydepgate.source.repair import HYPHEN, MAX_LINE, indent_of, indented_anew, mended_line, with_hyphens

_MAX_REPAIRS: Final = 40
_MAX_BLOCK_REPAIRS: Final = 8
"""Lines that are mended, one after another, in a file and then in each of its blocks."""
_MAX_PARSED: Final = 2_000_000
"""Characters that are parsed over and over for the sake of repairs."""
_MAX_ONE_LINER: Final = 3
"""Lines of a file whose newlines were escaped by mistake."""


def recover(text: str, /) -> ast.Module | None:
    """Return a tree of the parts that can be parsed, with their lines as they were; None if there are none.

    Only the lines of the parser's errors are used: its messages and columns differ between versions of Python.
    """
    text = as_python_3(text.replace("\0", " ").replace("\f", " "))
    most = _MAX_PARSED // (len(text) + 1) + 2
    tree = _unescaped(text) or _best(text, min(most, _MAX_REPAIRS)) or _by_blocks(text, min(most, _MAX_BLOCK_REPAIRS))
    return with_hyphens(tree) if tree is not None and HYPHEN not in text else tree


def _unescaped(text: str) -> ast.Module | None:
    """Return the tree of a file that is one line, with `\\n` where its newlines should be; all of it is on line 1."""
    line = text.strip()
    if "\\n" not in line or line.count("\n") >= _MAX_ONE_LINER or len(line) > MAX_LINE:
        return None
    # a newline that was escaped twice is one of a string
    anew = line.replace("\\\\n", "\0").replace("\\n", "\n").replace("\0", "\\n").replace("\\t", "\t")
    tree, _, _ = _mended(_COMPOUND.sub("\n", anew), _MAX_ONE_LINER)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.stmt | ast.expr):
            node.lineno, node.col_offset = 1, 0
    return tree


_COMPOUND: Final = regex(r";[ \t]*(?=(?:def|class|for|while|if|try|with|async)\b)")
"""What comes before a statement that cannot follow a semicolon."""


def _best(text: str, repairs: int) -> ast.Module | None:
    """Parse a text as it is indented and, where that is what is wrong with it, as its colons say; keep the better."""
    tree, made, indentation = _mended(text, repairs)
    if indentation:
        other, made_anew, _ = _mended(indented_anew(text), repairs)
        if other is not None and (tree is None or made_anew < made):
            return other
    return tree


def _mended(text: str, repairs: int) -> tuple[ast.Module | None, int, bool]:
    """Parse a text, mending at most so many lines that the parser stumbles over.

    Returns the tree, how many lines were mended, and whether any was for its indentation.
    """
    lines = text.split("\n")
    indentation = False
    for made in range(repairs):
        try:
            return parse_quietly("\n".join(lines)), made, indentation
        except TabError:
            even = [indent_of(line).expandtabs(8) + line.lstrip(" \t") for line in lines]
            if even == lines:
                break
            lines = even
        except SyntaxError as error:
            bad = (error.lineno or 0) - 1
            if not 0 <= bad < len(lines) or not lines[bad].strip():
                break
            indentation = indentation or isinstance(error, IndentationError)
            if not (isinstance(error, IndentationError) and _moved(lines, bad)):
                lines[bad] = mended_line(lines[bad])
        except PARSER_ERRORS:
            break
    return None, repairs, indentation


def _moved(lines: list[str], bad: int) -> bool:
    """Give a line the indentation that the one before it calls for; return whether that changed anything."""
    above = next((number for number in range(bad - 1, -1, -1) if lines[number].strip()), None)
    if above is None:
        return False
    opens = lines[above].rstrip().endswith(":")
    if opens and len(indent_of(lines[bad])) <= len(indent_of(lines[above])):
        lines[above] += " pass"
        return True
    anew = indent_of(lines[above]) + lines[bad].lstrip(" \t")
    changed = not opens and anew != lines[bad]
    if changed:
        lines[bad] = anew
    return changed


def _by_blocks(text: str, repairs: int) -> ast.Module | None:
    """Parse each block that begins at the left margin by itself."""
    body: list[ast.stmt] = []
    block: list[str] = []
    start = 0
    for number, line in enumerate([*text.split("\n"), "end"]):
        if block and line and not line[0].isspace() and not line.startswith(_CONTINUES):
            tree = _best("\n".join(block), repairs)
            if tree is not None:
                ast.increment_lineno(tree, start)
                body += tree.body
            block = []
        if not block:
            start = number
        block.append(line)
    return ast.Module(body=body, type_ignores=[]) if body else None


_CONTINUES: Final = ("else", "elif", "except", "finally", ")", "]", "}", "#")
