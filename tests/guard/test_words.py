"""Command lines as clients read them, and which client a command starts."""

from __future__ import annotations

import pytest

from pydepgate.guard.asked import RefusedCommand
from pydepgate.guard.recognised import Client, recognise
from pydepgate.guard.uv_words import read_uv
from pydepgate.guard.words import Grammar, read_words, written

GRAMMAR = Grammar(frozenset(("-r", "-i", "--index-url")))


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("-r file", [("-r", "file")]),
        ("-rfile", [("-r", "file")]),
        ("-Uqr file x", [("-r", "file"), ("", "x")]),
        ("--index-url=a --index-url b", [("--index-url", "a"), ("--index-url", "b")]),
        ("--flag x -v", [("--flag", None), ("", "x"), ("-v", None)]),
        ("x -- -r y", [("", "x"), ("--", None), ("", "-r"), ("", "y")]),
        ("- -i", [("", "-"), ("-i", None)]),
    ],
)
def test_words(line: str, options: list[tuple[str, str | None]]) -> None:
    words = list(read_words(line.split(), GRAMMAR))
    assert [(word.option, word.value) for word in words] == options
    assert written(words) == line.split()


def test_flags_in_one_word_with_an_option_stay() -> None:
    (word,) = read_words(["-Ur", "old"], GRAMMAR)
    assert written([word.with_value("new")]) == ["-U", "-r", "new"]
    assert written([word.dropped()]) == ["-U"]


@pytest.mark.parametrize(
    ("line", "client", "arguments"),
    [
        ("pip install x", Client.PIP, "install x"),
        ("/opt/bin/pip3.11 install x", Client.PIP, "install x"),
        ("PIP.EXE install x", Client.PIP, "install x"),
        ("python -m pip install x", Client.PIP, "install x"),
        ("python3.12 -Im pip install -m", Client.PIP, "install -m"),
        ("python -X utf8 -W ignore -mpip install x", Client.PIP, "install x"),
        ("py -3 -m pip install x", Client.PIP, "install x"),
        ("python pip.pyz install x", Client.PIP, "install x"),
        ("python -m uv pip install x", Client.UV, "pip install x"),
        ("uvx black", Client.UVX, "black"),
        ("python -m pipx run x", Client.PIPX, "run x"),
        ("python -c pass -m pip", Client.OTHER, ""),
        ("python script.py -m pip", Client.OTHER, ""),
        ("python -m build", Client.OTHER, ""),
        ("hatch build", Client.OTHER, ""),
    ],
)
def test_clients(line: str, client: Client, arguments: str) -> None:
    found = recognise(line.split())
    assert (found.client, " ".join(found.arguments)) == (client, arguments)
    assert [*found.start, *found.arguments] == line.split()


@pytest.mark.parametrize(
    "line",
    ["poetry install", "python -m pdm add x", "sudo pip install x", "conda install x", "env A=b pip", ""],
)
def test_clients_that_would_go_around(line: str) -> None:
    with pytest.raises(RefusedCommand):
        recognise(line.split())


@pytest.mark.parametrize(
    ("line", "command", "rest"),
    [
        ("pip install -r x y", ("pip", "install"), ()),
        ("--directory d -q pip --color never compile x", ("pip", "compile"), ()),
        ("run --with a -p 3.12 tool --with b", ("run",), ("tool", "--with", "b")),
        ("run -- tool -x", ("run",), ("--", "tool", "-x")),
        ("tool run --from a b -i c", ("tool", "run"), ("b", "-i", "c")),
        ("sync --frozen", ("sync",), ()),
        ("--version", (), ()),
    ],
)
def test_uv(line: str, command: tuple[str, ...], rest: tuple[str, ...]) -> None:
    words = read_uv(line.split())
    assert (words.command, words.rest) == (command, rest)
    assert [*written(words.words), *words.rest] == line.split()
