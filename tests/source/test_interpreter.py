"""What calls resolve to, what their arguments fold to, where those came from, and when the calls run."""

from __future__ import annotations

import ast
import base64
import zlib

import pytest

from pydepgate.source.calls import CallSite
from pydepgate.source.interpreter import Evaluation, evaluate
from pydepgate.source.texts import shape_of
from pydepgate.source.values import DECODED, ENVIRON, FILE, NETWORK, content_taints


def follow(source: str) -> Evaluation:
    return evaluate(ast.parse(source), source)


def sites(source: str, name: str) -> list[CallSite]:
    """Return the sites at which the function of that resolved name is called, in the order of the source."""
    found = [site for calls in follow(source).calls.values() for site in calls if site.name == name]
    return sorted(found, key=lambda site: (site.node.lineno, site.node.col_offset))


def constants(source: str) -> list[object]:
    """Return what the calls of `sink` are given first."""
    return [site.args[0].const for site in sites(source, "sink")]


_EXEC = [
    "exec(c)",
    "e = exec\ne(c)",
    "e = f = exec\nf(c)",
    "e, f = 1, exec\nf(c)",
    "import builtins\nbuiltins.exec(c)",
    "import builtins as b\nb.exec(c)",
    "from builtins import exec as run\nrun(c)",
    "from builtins import *\nexec(c)",
    "__builtins__.exec(c)",
    "__builtins__.__dict__['exec'](c)",
    "__builtins__['exec'](c)",
    "getattr(__builtins__, 'exec')(c)",
    "getattr(__builtins__, 'ex' + 'ec')(c)",
    "getattr(__builtins__, 'cexe'[::-1])(c)",
    "getattr(__import__('builtins'), bytes([101, 120, 101, 99]).decode())(c)",
    "g = getattr\ng(g(__import__('sys'), 'modules')['builtins'], 'exec')(c)",
    "__import__('builtins').exec(c)",
    "import importlib\nimportlib.import_module('builtins').exec(c)",
    "from importlib import import_module as i\ni('built' 'ins').exec(c)",
    "globals()['__builtins__'].exec(c)",
    "globals()['__builtins__'].__dict__['exec'](c)",
    "globals().get('__builtins__').exec(c)",
    "vars(__builtins__)['exec'](c)",
    "vars(__builtins__).get('exec')(c)",
    "import builtins\nvars(builtins)['ex' + 'ec'](c)",
    "import sys\nsys.modules['builtins'].exec(c)",
    "import sys\nsys.modules.get('builtins').exec(c)",
    "import functools\nfunctools.partial(exec, c)()",
    "from functools import partial\np = partial(exec)\np(c)",
    "(lambda f, x: f(x))(exec, c)",
    "f = lambda x: exec(x)\nf(c)",
    "(lambda: exec)()(c)",
    "class A:\n    run = exec\nA.run(c)",
    "class A:\n    def go(self, x):\n        exec(x)\nA().go(c)",
    "class A:\n    def __init__(self):\n        self.f = exec\n    def go(self):\n        self.f(c)\nA().go()",
    "class A:\n    @staticmethod\n    def go(x):\n        exec(x)\nA.go(c)",
    "class A:\n    f = exec\n    @classmethod\n    def go(cls, x):\n        cls.f(x)\nA.go(c)",
    "class A:\n    @property\n    def f(self):\n        return exec\nA().f(c)",
    "class A:\n    def __call__(self, x):\n        exec(x)\nA()(c)",
    "class A:\n    def __enter__(self):\n        return exec\nwith A() as f:\n    f(c)",
    "class A:\n    def __getitem__(self, k):\n        return exec\nA()['x'](c)",
    "class B:\n def go(self, x):\n  exec(x)\nclass A(B):\n def go(self, x):\n  super().go(x)\nA().go(c)",
    "A = type('A', (), {'f': exec})\nA.f(c)",
    "A = type('A', (object,), {'f': lambda self, x: exec(x)})\nA().f(c)",
    "def f(x, g=exec):\n    g(x)\nf(c)",
    "def outer():\n    g = exec\n    def inner(x):\n        g(x)\n    return inner\nouter()(c)",
    "def deco(f):\n    exec(c)\n    return f\n@deco\ndef g(): ...",
    "def deco(f):\n    f()\n@deco\ndef g():\n    exec(c)",
    "if (e := exec):\n    e(c)",
    "[e(c) for e in [exec]]",
    "[*map(exec, [c])]",
    "for f in (exec,):\n    f(c)",
    "match c:\n    case str() as x:\n        exec(x)",
    "try:\n    e = exec\nexcept Exception:\n    pass\ne(c)",
    "try:\n    import nothing\nexcept ImportError:\n    exec(c)",
    "with open('x') as f:\n    exec(c)",
    "def f(*a):\n    a[0](a[1])\nf(exec, c)",
    "def f(**k):\n    k['g'](k['x'])\nf(g=exec, x=c)",
    "a = (exec, c)\ndef f(g, x):\n    g(x)\nf(*a)",
    "{'a': print, 'b': exec}['b'](c)",
    "t = {}\nt['b'] = exec\nt['b'](c)",
    "t = dict(b=exec)\nt['b'](c)",
    "t = [print, exec]\nt[1](c)",
    "t = []\nt.append(exec)\nt[0](c)",
    "import operator\noperator.attrgetter('exec')(__import__('builtins'))(c)",
    "import operator\noperator.methodcaller('exec', c)(__import__('builtins'))",
    "from operator import itemgetter\nitemgetter('exec')(vars(__builtins__))(c)",
    "globals()['e'] = exec\ne(c)",
    "globals().update(e=exec)\ne(c)",
    "globals().update({'e': exec})\ne(c)",
    "import sys\nsetattr(sys.modules[__name__], 'e', exec)\ne(c)",
    "import sys\ne = exec\nsys.modules[__name__].e(c)",
    "class A: ...\na = A()\nsetattr(a, 'e', exec)\na.e(c)",
    "class A: ...\na = A()\na.e = exec\na.e(c)",
    "class A: ...\nA.e = exec\nA.e(c)",
    "exec.__call__(c)",
    "getattr(exec, '__call__')(c)",
    "eval('exec')(c)",
    "eval('__import__(\"builtins\")').exec(c)",
    "ｅxec(c)",
    "global_name = 'exec'\n(globals().get(global_name) or getattr(__builtins__, global_name))(c)",
    "e = exec if c else print\ne(c)",
    "e = None or exec\ne(c)",
    "async def f():\n    exec(c)\nimport asyncio\nasyncio.run(f())",
    "import threading\ndef f():\n    exec(c)\nthreading.Thread(target=f).start()",
    "import atexit\n@atexit.register\ndef f():\n    exec(c)",
    "def g():\n    yield exec\nfor f in g():\n    f(c)",
    "next(iter([exec]))(c)",
    "from types import SimpleNamespace as S\ns = S(e=exec)\ns.e(c)",
    "e: object = exec\ne(c)",
    "x = y = [exec]\ny[0](c)",
    "(e, ) = exec,\ne(c)",
    "def f():\n    global e\n    e = exec\nf()\ne(c)",
    "def f():\n    return exec, 1\ne, _ = f()\ne(c)",
    "getattr(__builtins__, ''.join(map(chr, (101, 120, 101, 99))))(c)",
    "getattr(__builtins__, ''.join(chr(x ^ 5) for x in [96, 125, 96, 102]))(c)",
]


@pytest.mark.parametrize("source", _EXEC)
def test_exec_is_seen_through_every_disguise(source: str) -> None:
    found = sites(f"c = 'code'\n{source}\n", "builtins.exec")
    assert found, "not resolved"
    assert any("<module>" in site.roots for site in found)
    assert any(site.args and site.args[0].const == "code" for site in found)


_NAMES = [
    ("import os\nos.system('x')", "os.system"),
    ("import os.path as p\np.join('x')", "os.path.join"),
    ("import os.path\nos.system('x')", "os.system"),
    ("from os import system as s\ns('x')", "os.system"),
    ("from os import *\nsystem('x')", "os.system"),
    ("import subprocess as sp\nsp.Popen(['x'])", "subprocess.Popen"),
    ("s = __import__('subprocess')\ns.run(['x'])", "subprocess.run"),
    ("__import__('os.path').system('x')", "os.system"),
    ("__import__('os', globals(), locals(), ['system'], 0).system('x')", "os.system"),
    ("import requests\nrequests.get('u')", "requests.get"),
    ("import requests\ns = requests.Session()\ns.get('u')", "requests.Session().get"),
    ("import requests\nwith requests.Session() as s:\n    s.post('u')", "requests.Session().post"),
    ("import socket\ns = socket.socket()\ns.connect(('h', 1))", "socket.socket().connect"),
    ("from . import helper\nhelper.go()", ".helper.go"),
    ("from ..pkg.mod import go\ngo()", "..pkg.mod.go"),
    ("m = 'o' + 's'\n__import__(m).system('x')", "os.system"),
    ("import ctypes\nctypes.windll.kernel32.VirtualAlloc(0)", "ctypes.windll.kernel32.VirtualAlloc"),
    ("def f(m):\n    m.system('x')\nimport os\nf(os)", "os.system"),
    ("class A:\n    import os\n    def f(self):\n        self.os.system('x')\nA().f()", "os.system"),
]


@pytest.mark.parametrize(("source", "name"), _NAMES)
def test_names_are_resolved(source: str, name: str) -> None:
    assert sites(source, name)


_CONSTANTS = [
    ("s = ''\nfor c in [104, 105]:\n    s += chr(c)", "s", "hi"),
    ("s = ''\ni = 0\nd = 'ij'\nwhile i < len(d):\n    s += chr(ord(d[i]) ^ 1)\n    i += 1", "s", "hk"),
    ("d = 'abcd'\ns = ''\nwhile d:\n    s = s + d[0].upper()\n    d = d[2:]", "s", "AC"),
    ("d = 'a-b'\ns = ''\nfor c in d:\n    if c == '-':\n        continue\n    s += c", "s", "ab"),
    ("d = 'ab!cd'\ns = ''\nfor c in d:\n    if c == '!':\n        break\n    s += c", "s", "ab"),
    ("d = bytearray(b'ij')\nfor i in range(len(d)):\n    d[i] ^= 1", "bytes(d)", b"hk"),
    ("d = bytearray()\nfor x in b'ij':\n    d.append(x ^ 1)", "bytes(d)", b"hk"),
    ("l = []\nfor c in 'abc':\n    l.append(c)\nl.reverse()", "''.join(l)", "cba"),
    ("l = []\nfor c in 'abc':\n    l.insert(0, c)", "''.join(l)", "cba"),
    ("k = 'key'\nd = [2, 11]\ns = ''.join(chr(x ^ ord(k[i % len(k)])) for i, x in enumerate(d))", "s", "in"),
    ("def d(s, k):\n    return ''.join(chr(ord(c) - k) for c in s)", "d('ij', 1)", "hi"),
    ("def d(s):\n    o = ''\n    for c in s:\n        o += chr(ord(c) - 1)\n    return o", "d('ij')", "hi"),
    (
        "def f(s):\n    for c in s:\n        if c == 'b':\n            return c + '!'\n    return 'none'",
        "f('abc')",
        "b!",
    ),
    ("def rev(s):\n    return s[::-1]\ndef up(s):\n    return rev(s).upper()", "up('ab')", "BA"),
    ("f = lambda s: s[::-1]", "f('ab')", "ba"),
    ("class A:\n    key = 'ab'\n    def get(self):\n        return self.key * 2", "A().get()", "abab"),
    ("class A:\n    def __init__(self, k):\n        self.k = k", "A('ab').k", "ab"),
    ("d = {'a': 'x', 'b': 'y'}", "''.join(d[c] for c in 'ab')", "xy"),
    ("d = {}\nd['a'] = 'x'", "d['a'] + d.get('b', '')", "x"),
    ("t = str.maketrans('abc', 'xyz')", "'cab'.translate(t)", "zxy"),
    ("import string", "'%s' % 'a' + 'b'", "ab"),
    ("import base64", "base64.b64decode('aGk=').decode()", "hi"),
    ("import base64 as b", "b.b64decode(b'aGk' + b'=')", b"hi"),
    ("from base64 import b64decode as d", "d('aGk=')", b"hi"),
    ("import codecs", "codecs.decode('uryyb', 'rot13')", "hello"),
    ("import codecs", "codecs.decode('6869', 'hex')", b"hi"),
    ("import binascii", "binascii.unhexlify('6869')", b"hi"),
    ("", "bytes.fromhex('6869').decode()", "hi"),
    ("import zlib, base64", f"zlib.decompress(base64.b64decode({base64.b64encode(zlib.compress(b'hi'))!r}))", b"hi"),
    ("from functools import reduce", "reduce(lambda a, b: a + b, ['a', 'b'])", "ab"),
    ("a, *b = 'xyz'", "''.join(b)", "yz"),
    ("x = 'a'\nx += 'b'\nx *= 2", "x", "abab"),
    ("x = ['a']\ny = x\ny.append('b')", "''.join(x)", "ab"),
    ("x = ['a']\ny = x[:]\ny.append('b')", "''.join(x)", "a"),
    ("(x := 'a')", "x", "a"),
    ("x = 'a' if 1 < 2 else 'b'", "x", "a"),
    ("x = eval('1 + 1')", "x", 2),
    ("def f(a, *, k='z'):\n    return a + k", "f('a')", "az"),
    ("def f(a, k='z'):\n    return a + k", "f(k='y', a='a')", "ay"),
    ("def f(*a, **k):\n    return a[0] + k['b']", "f('a', b='b')", "ab"),
    ("x = {1, 1}", "len(x)", 1),
]


@pytest.mark.parametrize(("setup", "expression", "value"), _CONSTANTS)
def test_constants_are_folded(setup: str, expression: str, value: object) -> None:
    assert constants(f"{setup}\nsink({expression})\n")[-1] == value


def test_what_two_branches_bind_differently_is_not_known() -> None:
    assert not isinstance(constants("if a:\n    x = 'a'\nelse:\n    x = 'b'\nsink(x)")[0], str)
    assert not isinstance(constants("x = 'a'\nfor y in z:\n    x = x + 'b'\nsink(x)")[0], str)


def test_a_long_loop_and_thousands_of_statements_are_folded() -> None:
    encoded = bytes(b ^ 90 for b in b"print('hello')\n" * 300)
    assert constants(f"d = {encoded!r}\no = ''\nfor b in d:\n    o += chr(b ^ 90)\nsink(o)") == [
        "print('hello')\n" * 300
    ]
    pieces = "".join(f"x += 'piece {i};'\n" for i in range(5000))
    assert constants(f"x = ''\n{pieces}sink(x)") == ["".join(f"piece {i};" for i in range(5000))]


def test_decoding_is_kept_as_layers_with_the_place_of_the_literal() -> None:
    data = base64.b64encode(zlib.compress(b"print(1)")).decode()
    (site,) = sites(
        f"import base64, zlib\nx = 'é', '{data}'\nexec(zlib.decompress(base64.b64decode(x[1])))", "builtins.exec"
    )
    code = site.args[0]
    assert code.const == b"print(1)"
    assert [layer.codec for layer in code.layers] == ["base64", "zlib"]
    assert DECODED in code.taints


_TAINTS = [
    ("import requests\nx = requests.get(u).text", NETWORK),
    ("import requests\nr = requests.get(u)\nx = r.content.decode()", NETWORK),
    ("import requests\nx = requests.get(u).json()['code']", NETWORK),
    ("from urllib.request import urlopen\nwith urlopen(u) as r:\n    x = r.read()", NETWORK),
    ("import urllib.request as r\nx = r.urlopen(u).read().decode('utf8')", NETWORK),
    ("import urllib2\ndef get(u):\n    return urllib2.urlopen(u).read()\nx = get(u)", NETWORK),
    ("import requests\nd = {}\nd['a'] = requests.get(u).text\nx = d['a']", NETWORK),
    ("import requests\nl = []\nl.append(requests.get(u).text)\nx = l[0]", NETWORK),
    (
        "import requests\nclass A:\n  def get(self):\n    self.t = requests.get(u).text\na = A()\na.get()\nx = a.t",
        NETWORK,
    ),
    ("import requests\nx = ''\nfor line in requests.get(u).iter_lines():\n    x += line", NETWORK),
    ("import requests\nx = f'{requests.get(u).text}'", NETWORK),
    ("import requests\nx = 'a %s' % requests.get(u).text", NETWORK),
    ("import requests\nx = '{}'.format(requests.get(u).text)", NETWORK),
    ("import requests\nx = str(requests.get(u).text).strip().split(',')[0]", NETWORK),
    ("import requests\nx, y = requests.get(u).text, 1", NETWORK),
    ("import requests\nx = ','.join([requests.get(u).text, 'a'])", NETWORK),
    ("import socket\ns = socket.socket()\ns.connect(a)\nx = s.recv(1024)", NETWORK),
    ("import os\nx = dict(os.environ)", ENVIRON),
    ("from os import environ as e\nx = str(e)", ENVIRON),
    ("import os\nx = {k: v for k, v in os.environ.items()}", ENVIRON),
    ("x = open('f').read()", FILE),
    ("with open('f') as f:\n    x = f.read()", FILE),
    ("from pathlib import Path\nx = Path('f').read_text()", FILE),
    ("import base64\nx = base64.b64decode(unknown)", DECODED),
]


@pytest.mark.parametrize(("setup", "taint"), _TAINTS)
def test_values_carry_where_they_came_from(setup: str, taint: str) -> None:
    (site,) = sites(f"{setup}\nsink(x)", "sink")
    assert taint in content_taints(site.args[0])


@pytest.mark.parametrize(
    "source",
    [
        "x = 'a'",
        "import requests\nrequests.get(u)\nx = v",
        "import os\nx = os.sep",
        "import os\nx = os.environ['A']",
        "import os\nx = os.environ.get('A')",
        "import os\nx = {'a': os.getenv('A')}",
    ],
)
def test_values_carry_nothing_else(source: str) -> None:
    (site,) = sites(f"{source}\nsink(x)", "sink")
    assert not content_taints(site.args[0])


_ROOTS = [
    ("sink()", {"<module>"}),
    ("if __name__ == '__main__':\n    sink()", {"<main>"}),
    ("if '__main__' == __name__ and x:\n    sink()", {"<main>"}),
    ("if __name__ == '__main__':\n    pass\nelse:\n    sink()", {"<module>"}),
    ("def f():\n    sink()", {"f"}),
    ("def f():\n    sink()\nf()", {"<module>"}),
    ("def f():\n    sink()\ndef g():\n    f()\nif __name__ == '__main__':\n    g()", {"<main>"}),
    ("def f():\n    sink()\nf()\nif __name__ == '__main__':\n    f()", {"<module>", "<main>"}),
    (
        "def f():\n    sink()\ndef g():\n    f()\ndef h():\n    g()\ng()\nif __name__ == '__main__':\n    h()",
        {"<module>", "<main>"},
    ),
    ("class A:\n    def run(self):\n        sink()", {"A.run"}),
    ("class A:\n    sink()", {"<module>"}),
    ("class A:\n    def __init__(self):\n        sink()\nA()", {"<module>"}),
    ("class A:\n    def __init__(self):\n        self.go()\n    def go(self):\n        sink()\na = A()", {"<module>"}),
    ("def f():\n    def g():\n        sink()\n    g()", {"f"}),
    ("def f():\n    def g():\n        sink()\n    return g", {"f.g"}),
    ("f = lambda: sink()\nf()", {"<module>"}),
    ("import threading\ndef f():\n    sink()\nthreading.Thread(target=f).start()", {"<module>"}),
    ("import threading\nclass T(threading.Thread):\n    def run(self):\n        sink()\nT().start()", {"<module>"}),
    ("".join(f"def f{i}():\n    f{i + 1}()\n" for i in range(12)) + "def f12():\n    sink()\nf0()", {"<module>"}),
    (
        "if x:\n    pass\n" + "".join(f"elif x == {i}:\n    pass\n" for i in range(400)) + "else:\n    sink()",
        {"<module>"},
    ),
]


@pytest.mark.parametrize(("source", "roots"), _ROOTS)
def test_calls_know_on_whose_behalf_they_run(source: str, roots: set[str]) -> None:
    assert set().union(*(site.roots for site in sites(source, "sink"))) == roots


def test_functions_know_on_whose_behalf_they_run() -> None:
    entered = follow(
        "def f():\n    g()\ndef g(): ...\ndef h(): ...\nf()\nif __name__ == '__main__':\n    g()\n"
    ).entered
    assert entered == {"f": {"<module>"}, "g": {"<module>", "<main>"}, "h": {"h"}}


def test_imports_of_the_module_are_told_from_later_ones() -> None:
    source = """
import os, sys as system
from . import a
from .b import c
import x.y
def f():
    import late
def g():
    import soon
g()
if __name__ == "__main__":
    import main_only
"""
    roots = {use.name: use.roots for use in follow(source).links.imports}
    at_once = {name for name, on_behalf in roots.items() if "<module>" in on_behalf}
    assert at_once == {"os", "sys", ".", ".a", ".b", ".b.c", "x.y", "soon"}
    assert roots["late"] == {"f"}
    assert roots["main_only"] == {"<main>"}


@pytest.mark.parametrize(
    "source",
    [
        "from setuptools.command.install import install\nclass H(install):\n    def run(self): ...",
        "from setuptools.command.install import install as i\nclass B(i): ...\nclass H(B): ...",
        "import setuptools\nclass H(setuptools.Command): ...",
        "from distutils.core import Command\nclass H(Command): ...",
        "from setuptools import Command as C\nclass H(C): ...",
        "from setuptools.command import egg_info\nclass H(egg_info.egg_info): ...",
    ],
)
def test_command_classes_are_hooks(source: str) -> None:
    assert "H" in follow(source).links.hooks


def test_base_class_calls_in_hooks_resolve() -> None:
    source = (
        "from setuptools.command.install import install\nclass H(install):\n    def run(self):\n"
        "        sink()\n        install.run(self)\n        super().run()"
    )
    assert sites(source, "sink")[0].roots == {"H.run"}


def test_nothing_shared_is_changed() -> None:
    # what one file binds to unknown values is not seen by the next
    follow(
        "import nothing\nx = unknown\nx.append(exec)\nx['a'] = exec\nx.b = exec\nx += [exec]\nunknown2.update({'a': 1})"
    )
    (site,) = sites("sink(unknown(1)[0])", "sink")
    assert not site.args[0].items
    assert not site.args[0].mapping


def test_what_a_caller_elsewhere_may_give_does_not_hide_what_callers_here_do_give() -> None:
    found = sites(
        "import subprocess\n"
        "class Task:\n"
        "    def __init__(self, template, **parts):\n"
        "        self.template, self.parts = template, parts\n"
        "    def start(self):\n"
        "        subprocess.Popen(['sh', '-c', self.template.format(**self.parts)])\n"
        "def begin(host):\n"
        "    Task('fetch {url} | sh', url=f'https://{host}/').start()\n",
        "subprocess.Popen",
    )
    commands = [shape_of(part) for site in found for part in site.args[0].items or ()]
    assert "fetch https://{}/ | sh" in commands


@pytest.mark.parametrize("choice", ["'http' if plain else 'https'", "'https' if safe else 'http'"])
def test_an_address_that_may_be_encrypted_is_not_taken_for_one_that_is_not(choice: str) -> None:
    found = sites(
        f"import requests\ndef f(plain, safe):\n    requests.get(({choice}) + '://h.invalid/')\n", "requests.get"
    )
    assert {shape_of(site.args[0]) for site in found} == {"https://h.invalid/"}
