"""Shapes that hide code, and what looks like one and is none."""

from __future__ import annotations

import pytest

from pydepgate.analyse import analyse_member
from pydepgate.detect.file_kinds import file_signals
from pydepgate.model import ArtifactInfo, FileFacts, Member


def _signals(source: str, path: str = "pkg/__init__.py") -> set[str]:
    data = source.encode()
    return {signal.name for signal in analyse_member(Member(path, data, len(data))).signals}


_FAR = " " * 150


@pytest.mark.parametrize(
    ("source", "signal"),
    [
        (f"x = 1;{_FAR}y = 2\n", "shape.far-right"),
        (f"def f():\n    x = 1{_FAR};y = 2\n", "shape.far-right"),
        (f"if True:\n{_FAR}x = 1\n", "shape.far-right"),
        (f"é = 1;{_FAR}y = 2\n", "shape.far-right"),
        ("x = '" + "a" * 3000 + "'\n", "shape.one-line"),
        ("x = 1;" * 300 + "\n", "shape.many-on-a-line"),
        ("eval(" + "1+" * 700 + "1)\n", "shape.long-line-of-code"),
        ("f = lambda a: (lambda b: (lambda c: (lambda d: (lambda e: e))))\n", "shape.lambda-tower"),
        ("".join(f"OO0O0O{'O' * n}0O = {n}\n" for n in range(8)), "shape.obfuscated-names"),
        ("".join(f"_0x{n:04x} = {n}\n" for n in range(4096, 4106)), "shape.obfuscated-names"),
        ("".join(f"qWeRtYuIoP{'aB' * n} = {n}\n" for n in range(8)), "shape.random-names"),
        ("".join(f"人馬口刀女子{'月' * n} = {n}\n" for n in range(8)), "shape.foreign-names"),
        ("x = '\u202e'\n", "shape.bidi"),
        ("x = 'a\U000e0101\U000e0102'\n", "shape.invisible"),
        ("x = 'a" + "\u200b" * 9 + "'\n", "shape.invisible"),
        ("ｅval('1')\n", "shape.confusable-call"),
        ("𝘰𝘴 = 1\n", "shape.confusable"),
        ("аdmin = 1\n", "shape.confusable"),
        (r"x = '\x68\x65\x6c\x6c\x6f\x2c\x20\x77\x6f'", "shape.escaped-text"),
        ("__import__('platform').node()\n", "import.inline"),
        ("import sys\nsys.path.insert(0, 'x.zip')\n", "import.path-added"),
        ("import zipimport\nzipimport.zipimporter('x.dat').load_module('m')\n", "import.from-archive"),
        ("import pickle\npickle.load(open('x', 'rb'))\n", "load.pickle"),
        ("import marshal\nmarshal.load(open('x', 'rb'))\n", "load.marshal"),
        ("from pytransform import pyarmor_runtime\npyarmor_runtime()\n", "shape.pyarmor"),
    ],
)
def test_shapes(source: str, signal: str) -> None:
    assert signal in _signals(source)


@pytest.mark.parametrize(
    "source",
    [
        f"x = [1,{_FAR}2]\n",
        f"x = 1{_FAR}# far\n",
        f"x = '''\n{_FAR}text\n'''\n",
        "x = sorted([], key=lambda a: (a, lambda b: b))\n",
        "".join(f"{name} = 1\n" for name in "IGNORE ILLEGAL ______ OOOOOO HTTPServer xmlHTTPRequest".split()),
        "größe = 'x'\nnaïve = '⚠️'\nΔt = 1\n",
        "имя = 'русский'\n",
        "__import__('pkg_resources').declare_namespace(__name__)\n",
        r"x = b'\x00\x01\x68\x65\x6c\x6c\x6f\x00'",
        "# from pytransform import pyarmor_runtime\n",
        "x = 'lambda lambda lambda lambda lambda lambda'\n",
    ],
)
def test_what_is_none(source: str) -> None:
    found = {name for name in _signals(source) if name.startswith(("shape.", "import."))}
    assert not found


def test_documentation_is_a_literal_like_any_other() -> None:
    data = b'"""\nimport os\nos.system("id")\n"""\nexec(__doc__)\n'
    signals = analyse_member(Member("pkg/__init__.py", data, len(data))).signals
    executed = next(signal for signal in signals if signal.name == "exec.constant")
    assert executed.payload is not None
    assert "process.start" in executed.payload.signals


def test_what_a_decoded_text_chooses_by_comparing_is_decoded() -> None:
    source = (
        "import base64\nkey = base64.b64decode('c2VjcmV0IHRleHQ=' * count()).decode()\n"
        "exec(''.join([plain for each in key for plain, mark in [('a', 'b'), ('c', 'd')] if mark == each]))\n"
    )
    assert _signals(source) & {"flow.decode-to-exec", "flow.decoded-data-to-exec"}


def test_so_is_what_it_chooses_from_pairs_that_are_made_too_often_to_follow() -> None:
    source = (
        "import base64\nkey = base64.b64decode('" + "cHJpbnQoJ2hlbGxvJykK" * 400 + "').decode()\n"
        "exec(''.join([plain for each in list(key) for plain, mark in sorted("
        + repr({chr(n): chr(n) for n in range(32, 127)})
        + ".items()) if mark == each]))\n"
    )
    assert "flow.decode-to-exec" in _signals(source)


def _kinds(*files: FileFacts, path: str = "p-1-py3-none-any.whl", kind: str = "wheel") -> set[str]:
    return {signal.name for signal in file_signals(ArtifactInfo(path, kind), files, "")}


@pytest.mark.parametrize(
    ("file", "signal"),
    [
        (FileFacts("p/a.pyc", "data", 1), "file.bytecode-only"),
        (FileFacts("p/__pycache__/a.cpython-312.pyc", "data", 1), "file.bytecode-only"),
        (FileFacts("p/run.exe", "native", 1, format="pe"), "file.executable"),
        (FileFacts("p/_x.abi3.so", "native", 1, format="elf"), "file.native-in-pure"),
        (FileFacts("p/a.zip", "data", 1, format="zip"), "file.archive"),
        (FileFacts("p/logo.png", "data", 1, format="zip"), "file.disguised"),
        (FileFacts("p/logo.jpg", "native", 1, format="pe"), "file.disguised"),
        (FileFacts("p/a.vbs", "data", 1), "file.script"),
        (FileFacts("p/a.ps1", "data", 1), "file.batch"),
        (FileFacts("p/a.pdf.exe", "data", 1), "file.odd-extension"),
    ],
)
def test_files_that_no_package_needs(file: FileFacts, signal: str) -> None:
    assert signal in _kinds(file)


def test_files_that_packages_have() -> None:
    assert not _kinds(
        FileFacts("p/a.py", "python", 1),
        FileFacts("p/__pycache__/a.cpython-312.pyc", "data", 1),
        FileFacts("p/logo.png", "data", 1, format="png"),
        FileFacts("tests/data.zip", "data", 1, format="zip"),
    )
    library = FileFacts("p/_x.abi3.so", "native", 1, format="elf")
    assert not _kinds(library, path="p-1-cp312-abi3-linux_x86_64.whl")
    assert _kinds(library, path="p-1.tar.gz", kind="sdist") == {"file.native-in-source"}
