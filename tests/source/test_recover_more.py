"""Repairs within a line, mangled indentation, Python 2, and what a hostile file costs."""

from __future__ import annotations

import ast

import pytest

from pydepgate.source import recover as recovering
from pydepgate.source import repair as repairing
from pydepgate.source.recover import recover


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("bind(('h', 0777))\n", ("bind", 1)),
        ("raise ValueError, 'a, %s' % attack(1)\n", ("attack", 1)),
        ("print 'a %s' % (1,\n    attack(2))\n", ("attack", 2)),
        ("f = lambda (a): attack(a)\n", ("attack", 1)),
        ("attack(1); no python here; other(2)\n", ("attack", 1)),
        ("no python here; attack(1)\n", ("attack", 1)),
        ("attack(map(chr, [1, 2, 3, 4... (rest is missing)\n", ("attack", 1)),
        ("attack('a', 'b'\n", ("attack", 1)),
        ("import os\\ndef f():\\n attack('\\\\n')\\nf()\n", ("attack", 1)),
        ("import os;def f():\\n attack(1)\\nf()", ("attack", 1)),
        (
            "def f():\n        a = 1\n     b = 2\n     try:\n            attack(1)\n     except E:\n        x\n",
            ("attack", 5),
        ),
        ("if a:\n\n    if b:\n\n    attack(1)\n    else:\n      x = 1\n   y = 2\n", ("attack", 5)),
    ],
)
def test_the_attack_is_found_at_its_line(source: str, call: tuple[str, int]) -> None:
    tree = recover(source)
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree else []
    assert call in [(ast.unparse(node.func), node.lineno) for node in found]


def test_an_import_of_what_python_cannot_name_is_one() -> None:
    tree = recover("from .my-pkg_file import *\nimport my-pkg.core\nx = a -b\n")
    assert tree is not None
    names = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    assert names == ["my-pkg_file", "my-pkg.core"]


def test_a_function_of_mangled_indentation_keeps_its_statements() -> None:
    source = (
        "def f():\n\n        import os\n\n     a = 1\n     try:\n           b = 2\n     except E:\n        c = 3\nf()\n"
    )
    tree = recover(source)
    assert tree is not None
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    assert [type(statement) for statement in function.body] == [ast.Import, ast.Assign, ast.Try]


def test_what_strings_say_stays_as_it_is() -> None:
    tree = recover("a = '0777 10L `x` <> lambda (x):'  # 0777\nprint 'b'\n")
    assert tree is not None
    assert isinstance(tree.body[0], ast.Assign)
    assert ast.literal_eval(tree.body[0].value) == "0777 10L `x` <> lambda (x):"


@pytest.mark.parametrize(
    "filler",
    ["not python at all\n", "x = 1\nbad line\n", "'''\n(", "((((\n", "a;b c;" * 40 + "\n", " x:\n  y\n", "\\n;if "],
)
def test_a_large_file_that_is_no_python_costs_a_few_parses(filler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = 0

    def parse(text: str) -> ast.Module:
        nonlocal parsed
        parsed += len(text)
        return ast.parse(text)

    for module in (recovering, repairing):
        monkeypatch.setattr(module, "parse_quietly", parse)
    text = filler * (100_000 // len(filler))
    recover(text)
    assert parsed < 80 * len(text)
