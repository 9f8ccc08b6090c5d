from __future__ import annotations

import base64
import math
import random
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.payload.entropy import MIN_LENGTH, looks_encoded, shannon_entropy

NOISE = random.Random(7).randbytes(600)


@pytest.mark.parametrize(
    ("data", "bits"),
    [(b"", 0.0), (b"aaaa", 0.0), (b"ab", 1.0), (b"aabb", 1.0), (b"abcd", 2.0), (bytes(range(256)), 8.0)],
)
def test_entropy_of_known_data(data: bytes, bits: float) -> None:
    assert shannon_entropy(data) == pytest.approx(bits)


@given(st.binary(min_size=1, max_size=500))
def test_entropy_stays_within_its_bounds(data: bytes) -> None:
    assert -1e-9 <= shannon_entropy(data) <= min(8.0, math.log2(len(data))) + 1e-9


ENCODED = [
    base64.b64encode(NOISE).decode(),
    base64.b64encode(b"import os; os.system('id'); print('something')").decode(),
    base64.encodebytes(NOISE).decode(),
    base64.urlsafe_b64encode(NOISE),
    base64.b85encode(NOISE).decode(),
    base64.a85encode(NOISE).decode(),
    NOISE.hex(),
    zlib.compress(NOISE),
    NOISE,
    str(list(NOISE)),
    " ".join(map(str, NOISE)),
    r"\x69\x6d\x70\x6f\x72\x74\x20\x6f\x73\x0a",
    "%69%6d%70%6f%72%74%20%6f%73",
    "".join(chr(0x1F600 + byte % 60) for byte in NOISE),
    "".join(chr(0x4E00 + byte) for byte in NOISE),
]


HEADERS = {
    "pe": b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0".ljust(60, b"\0") + b"\x80\0\0\0",
    "elf": b"\x7fELF\2\1\1".ljust(64, b"\0"),
    "mach-o": b"\xcf\xfa\xed\xfe\7\0\0\1".ljust(64, b"\0"),
    "zip": b"PK\3\4\x14".ljust(26, b"\0") + b"\4\0\0\0a.py" + b"x = 1\n" * 20,
    "marshal": b"\xe3".ljust(41, b"\0"),
    "pyc": b"\xa7\r\r\n".ljust(16, b"\0") + b"\xe3".ljust(25, b"\0"),
}


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.b32encode, base64.b85encode])
@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_little_entropy_are_told_by_what_they_decode_to(
    header: str, encode: Callable[[bytes], bytes]
) -> None:
    assert looks_encoded(encode(HEADERS[header]).decode())
    assert looks_encoded(encode(HEADERS[header] + bytes(200)))


@pytest.mark.parametrize("header", HEADERS)
def test_headers_as_they_are(header: str) -> None:
    assert looks_encoded(HEADERS[header])
    assert looks_encoded(HEADERS[header].decode("latin-1"))


@pytest.mark.parametrize("literal", ENCODED, ids=range(len(ENCODED)))
def test_encoded_literals(literal: str | bytes) -> None:
    assert looks_encoded(literal)


ORDINARY = [
    "",
    "x" * (MIN_LENGTH - 1),
    "short",
    "A sentence of ordinary words that explains what went wrong here.",
    "usage: %(prog)s [options] FILE...\n\n  --help     show this message\n",
    "SELECT id, name, created_at FROM users WHERE id = %s ORDER BY name",
    "some_rather_long_identifier_with_underscores",
    "/usr/lib/python3/dist-packages/package/module/__init__.py",
    "=" * 400,
    "https://docs.example.org/en/latest/reference/index.html",
    "Ein ganz gewöhnlicher Satz über Änderungen an größeren Übungen.",
    "这是一个普通的句子，它说明了发生了什么，以及为什么会这样，没有别的。",
    "0" * 200,
    "application/x-www-form-urlencoded; charset=utf-8",
]


@pytest.mark.parametrize("literal", ORDINARY, ids=lambda literal: literal[:20])
def test_ordinary_literals(literal: str) -> None:
    assert not looks_encoded(literal)


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_never_raises(literal: str | bytes) -> None:
    assert looks_encoded(literal) in (True, False)
