"""What is kept of texts that are not wholly known, and how it shows."""

from __future__ import annotations

import ast

import pytest

from pydepgate.source.interpreter import evaluate
from pydepgate.source.texts import shape_of

_PREFIX = """
import os, sys, tempfile, pathlib
from pathlib import Path
from os import path, environ
def unknown(): return sys.stdin.nothing(1)
x = unknown_thing
"""


def shape(expression: str) -> str:
    source = f"{_PREFIX}\nsink({expression})"
    calls = evaluate(ast.parse(source), source).calls
    (site,) = [site for sites in calls.values() for site in sites if site.name == "sink"]
    return shape_of(site.args[0])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'plain'", "plain"),
        ("os.environ['APPDATA'] + '\\\\a\\\\b.exe'", "{os.environ[APPDATA]}\\a\\b.exe"),
        ("os.getenv('APPDATA') + '\\\\a'", "{os.environ[APPDATA]}\\a"),
        ("environ.get('APPDATA', '') + '\\\\a'", "{os.environ[APPDATA]}\\a"),
        ("f\"{os.environ['HOME']}/.ssh/{x}\"", "{os.environ[HOME]}/.ssh/{unknown_thing}"),
        ("'%s/.ssh/%d%%' % (os.environ['HOME'], [][0])", "{os.environ[HOME]}/.ssh/{}%"),
        ("'{}/.ssh/{name}'.format(os.environ['HOME'], name='id')", "{os.environ[HOME]}/.ssh/id"),
        ("'{0}/{1}/{0}'.format('a', os.environ['HOME'])", "a/{os.environ[HOME]}/a"),
        ("'/'.join([os.environ['HOME'], '.ssh', 'id'])", "{os.environ[HOME]}/.ssh/id"),
        ("os.path.join(os.environ['HOME'], '.ssh', 'id')", "{os.environ[HOME]}/.ssh/id"),
        ("os.path.join('a', 'b')", "a/b"),
        ("os.path.join(os.environ['HOME'], '/etc', 'id')", "/etc/id"),
        ("path.join(tempfile.gettempdir(), 'x.exe')", "{tempfile.gettempdir()}/x.exe"),
        ("tempfile.gettempdir() + '/x.exe'", "{tempfile.gettempdir()}/x.exe"),
        ("os.path.expanduser('~/.ssh/id')", "~/.ssh/id"),
        ("os.path.expanduser('~') + '/.ssh/id'", "~/.ssh/id"),
        ("os.path.expandvars('%APPDATA%\\\\x')", "{os.environ[APPDATA]}\\x"),
        ("os.path.expandvars('$HOME/.x/${USER}')", "{os.environ[HOME]}/.x/{os.environ[USER]}"),
        ("Path.home() / '.ssh' / 'id'", "~/.ssh/id"),
        ("str(Path.home() / '.ssh')", "~/.ssh"),
        ("Path('~/.ssh').expanduser() / 'id'", "~/.ssh/id"),
        ("Path(os.environ['HOME'], '.ssh').joinpath('id').resolve()", "{os.environ[HOME]}/.ssh/id"),
        ("pathlib.Path(__file__).parent / 'data.bin'", "{os.path.dirname(__file__)}/data.bin"),
        ("os.path.join(os.path.dirname(os.path.abspath(__file__)), 'd')", "{os.path.dirname(__file__)}/d"),
        ("(os.environ['HOME'] + '\\\\a').replace('\\\\', '/').lower()", "{os.environ[HOME]}/a"),
        ("f'{sys.executable} -c {x}'", "{sys.executable} -c {unknown_thing}"),
        ("sys.argv[1]", "{sys.argv[1]}"),
        ("['a']", ""),
        ("x if x else os.environ['HOME'] + '/a'", "{os.environ[HOME]}/a"),
    ],
)
def test_shape_keeps_what_is_known(expression: str, expected: str) -> None:
    assert shape(expression) == expected


def test_shape_is_bounded() -> None:
    assert len(shape("f'{x}' + 'a' * 100000")) <= 8192
    assert len(shape(" + ".join(["x + 'a'"] * 500))) <= 8192
