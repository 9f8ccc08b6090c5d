from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pydepgate.report.hexdump import hexdump


def test_the_columns_of_hexdump_c() -> None:
    assert list(hexdump(b"import subprocess\n\x1b[0m\xff")) == [
        "00000000  69 6d 70 6f 72 74 20 73  75 62 70 72 6f 63 65 73  |import subproces|",
        "00000010  73 0a 1b 5b 30 6d ff                              |s..[0m.|",
    ]
    assert list(hexdump(b"")) == []


def test_a_link_is_not_live() -> None:
    assert next(hexdump(b"http://a.example")).endswith("|http.//a.example|")


@given(st.binary(max_size=300))
def test_the_hex_is_exact_and_the_text_harmless(data: bytes) -> None:
    lines = list(hexdump(data))
    assert b"".join(bytes.fromhex(line[10:58]) for line in lines) == data
    for number, line in enumerate(lines):
        assert line.isascii()
        assert line.isprintable()
        assert re.match(rf"{number * 16:08x}  ", line)
