"""Bytes become text and a tree as Python itself would read them; nothing raises."""

from __future__ import annotations

import ast
import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.source.fstrings import with_other_quotes
from pydepgate.source.read import character_column, read_source


def value_of(data: bytes) -> object:
    """Return the constant that the file's last statement assigns."""
    source = read_source(data)
    assert source.tree is not None
    statement = source.tree.body[-1]
    assert isinstance(statement, ast.Assign)
    assert isinstance(statement.value, ast.Constant)
    return statement.value.value


@pytest.mark.parametrize(
    "data",
    [
        "x = 'é'".encode(),
        codecs.BOM_UTF8 + "x = 'é'".encode(),
        codecs.BOM_UTF8 + "# coding: utf-8\nx = 'é'".encode(),
        "# -*- coding: latin-1 -*-\nx = 'é'".encode("latin-1"),
        "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = 'é'".encode("cp1252"),
        "# coding=utf-7\nx = 'é'".encode("utf-7"),
        "# coding: utf_8\r\nx = 'é'\r\n".encode(),
        "# coding: utf-8\rx = 'é'\r".encode(),
        "\x0c# coding: iso-8859-15\n\x0cx = 'é'\n".encode("iso-8859-15"),
    ],
)
def test_the_declared_encoding_is_used(data: bytes) -> None:
    assert value_of(data) == "é"
    assert not read_source(data).error


def test_a_cookie_below_the_second_line_is_a_comment() -> None:
    data = "\n\n# coding: latin-1\nx = 'é'".encode()
    assert value_of(data) == "é"


@pytest.mark.parametrize(
    "data",
    [
        b"# coding: no-such-codec\nx = 'a'",
        codecs.BOM_UTF8 + b"# coding: latin-1\nx = 'a'",
        b"# coding: rot13\nx = 'a'",
        b"# coding: hex\nx = 'a'",
        b"# coding: ascii\ny = '\xe9'\nx = 'a'",
        b"y = '\xff\xfe'\nx = 'a'",
    ],
)
def test_what_python_would_refuse_is_read_all_the_same_and_said(data: bytes) -> None:
    assert value_of(data) == "a"
    assert read_source(data).error


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_that_python_does_not_take_are_searched(encoding: str) -> None:
    source = read_source("x = 'a'\n".encode(encoding))
    assert source.error


def test_line_ends_of_every_kind_count_once() -> None:
    source = read_source(b"a = 1\rb = 2\r\nc = 3\n\x0cd = 4\n")
    assert source.tree is not None
    assert [statement.lineno for statement in source.tree.body] == [1, 2, 3, 4]
    assert len(source.text.split("\n")) == 5


def test_a_nul_byte_does_not_hide_the_rest() -> None:
    source = read_source(b"a = 1\n\0\nimport os\n")
    assert source.error
    assert source.tree is not None
    assert any(isinstance(node, ast.Import) for node in ast.walk(source.tree))


def test_columns_count_characters() -> None:
    line = "é, 漢字 = '𝒳', f(1)"
    offset = line.encode().index(b"f(1)")
    assert character_column(line, offset) == line.index("f(1)") + 1
    assert character_column("abc", 2) == 3


def test_too_large_a_file_is_not_parsed() -> None:
    source = read_source(b"#" * (16 * 1024 * 1024 + 1))
    assert source.tree is None
    assert "too large" in source.error


@pytest.mark.parametrize(
    "data",
    [
        b"(" * 10_000 + b")" * 10_000,
        b"x = " + b"-" * 100_000 + b"1",
        b"x" + b".a" * 50_000,
        b"x = " + b"1 + " * 100_000 + b"1",
        b"if x:\n" * 100 + b"pass",
        b"\\" * 1000,
        b"'" * 1001,
        b"x = " + b"9" * 10_000,
        b"\\N{x}'\\N{x}'",
    ],
)
def test_hostile_sources_do_not_raise(data: bytes) -> None:
    read_source(data)


@given(st.one_of(st.binary(max_size=200), st.text("#coding:=-utf8 \n\r\0'\"()\\x\x0c", max_size=60).map(str.encode)))
def test_nothing_raises(data: bytes) -> None:
    source = read_source(data)
    assert "\r" not in source.text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_valid_source_has_no_error_and_its_own_text(content: str) -> None:
    data = f"x = {content!r}\n".encode()
    assert value_of(data) == content
    assert not read_source(data).error


def test_a_long_first_line_is_not_cut_inside_a_character() -> None:
    source = read_source(f"x = '{'é' * 4000}'\n".encode())
    assert source.error == ""
    assert source.tree is not None


def test_a_nul_in_the_first_line_does_not_hide_the_declared_encoding() -> None:
    assert "é" in read_source(b"# coding: latin-1 \0\nx = '\xe9'\n").text


@pytest.mark.parametrize(
    "code",
    [
        'x = f"{d["a"]} and {e["b"]:>{w["c"]}}"\n',
        "x = f'{', '.join(d)}'\n",
        'x = f"""{d["""a"""]} {{}} {e}"""\n',
        "x = rf'\\d{d['a']}' # f'{d['\ny = f'{{' + '}' + f'{d['b']}'\n",
        "# it's f'{\nx = 'f{' + f'{d['a']!r:>8}'\n",
    ],
)
def test_quotes_may_be_used_again_in_the_fields_of_formatted_strings(code: str) -> None:
    source = read_source(code.encode())
    assert source.tree is not None
    assert not source.error
    keys = [node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant)]
    assert {"a"} <= {str(key) for key in keys} or ", " in keys


@given(st.text(alphabet="f{}'\"ab[]:!=\\\n#", max_size=40))
def test_other_quotes_change_nothing_but_quotes(code: str) -> None:
    changed = with_other_quotes(code)
    assert changed.translate(_NO_QUOTES) == code.translate(_NO_QUOTES)
    assert len(changed) == len(code)


_NO_QUOTES = {ord("'"): "?", ord('"'): "?"}
