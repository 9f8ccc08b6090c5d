"""In a file that does not parse as a whole, the attack is still found, at its own line."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.source.recover import recover


def calls(source: str) -> list[tuple[str, int]]:
    tree = recover(source)
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree else []
    return [(ast.unparse(node.func), node.lineno) for node in found]


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("print 'a'\nattack(1)\n", ("attack", 2)),
        ("print >>f, 'a', 'b'\nattack(1)\n", ("attack", 2)),
        ("print\nattack(1)\n", ("attack", 2)),
        ("exec 'code'\n", ("exec", 1)),
        ("exec code in globals()\nprint 'a'\n", ("exec", 1)),
        ("exec(code) in ns\nprint 'a'\n", ("exec", 1)),
        ("exec base64.b64decode('eA==')\n", ("base64.b64decode", 1)),
        ("try:\n    attack(1)\nexcept Exception, e:\n    print e\n", ("attack", 2)),
        ("try:\n    pass\nexcept (A, B), e:\n    attack(1)\n", ("attack", 4)),
        ("raise ValueError, 'x'\nattack(1)\n", ("attack", 2)),
        ("x = 0777\ny = 10L\nattack(1)\n", ("attack", 3)),
        ("x = ur'a'\nattack(1)\n", ("attack", 2)),
        ("if a <> b:\n    attack(1)\n", ("attack", 2)),
        ("x = `y`\nattack(1)\n", ("attack", 2)),
        ("def f((a, b)):\n    pass\nattack(1)\n", ("attack", 3)),
        ("def f():\n\tif x:\n        attack(1)\n", ("attack", 3)),
        ("this is no python\nattack(1)\n", ("attack", 2)),
        ("attack(1)\nthis is no python\n", ("attack", 1)),
        ("attack(1)\nx = '''never closed\n\n", ("attack", 1)),
        ("attack(1)\nx = (1,\n     2\n", ("attack", 1)),
        ("x = (1,\n     2\nattack(1)\n", ("attack", 3)),
        ("x = [\n\n\nattack(1)\n", ("attack", 4)),
        ("def f(:\n    attack(1)\n", ("attack", 2)),
        ("import os\ndef f():\n    attack(1)\n  bad indent\n", ("attack", 3)),
        ("attack(1)\nif x:\n", ("attack", 1)),
        ("attack(1)\ndef f(", ("attack", 1)),
        ("a = 1\0\nattack(1)\n", ("attack", 2)),
        (")\nattack(1)\n", ("attack", 2)),
        ("x = 'unclosed\nattack(1)\n", ("attack", 2)),
        ("{{ template }}\n{% if x %}\nattack(1)\n{% endif %}\n", ("attack", 3)),
        ("".join(f"bad line {i}\n" for i in range(200)) + "attack(1)\n", ("attack", 201)),
        ("<<<<<<< HEAD\nattack(1)\n=======\nother()\n>>>>>>> x\n", ("attack", 2)),
    ],
)
def test_the_attack_is_found_at_its_line(source: str, call: tuple[str, int]) -> None:
    assert call in calls(source)


def test_nothing_is_made_of_nothing() -> None:
    tree = recover("?")
    assert tree is None or not any(isinstance(node, ast.Call) for node in ast.walk(tree))


@given(st.text("ab(){}[]'\":=,.\n\t #\\é0exec print", max_size=80))
def test_recovering_never_raises(source: str) -> None:
    recover(source)


@given(st.integers(0, 120))
def test_a_cut_file_keeps_what_stands_before_the_cut(cut: int) -> None:
    source = "attack(1)\n" + "def f(x):\n    return [x, (1, 2), {'a': '''b\n'''}]\n" * 5
    assert ("attack", 1) in calls(source[: 10 + cut] + "\n(")
