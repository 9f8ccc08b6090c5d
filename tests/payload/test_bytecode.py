from __future__ import annotations

import contextlib
import marshal
import struct
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydepgate.payload.bytecode import Bytecode, BytecodeError, python_version, read_bytecode

SOURCE = """
import subprocess, os.path as p
TEXT = "a string with é and 日本"
BLOB = b"\\x00\\xffbytes"
def outer(first, second=(1, 2.5, 3j, None, ..., "in a tuple")):
    class Inner:
        def method(self):
            return {"key": frozenset({"in a set"})}, 2 ** 100, lambda: "in a lambda"
    return Inner
"""


def text(value: str) -> bytes:
    raw = value.encode()
    return b"u" + struct.pack("<i", len(raw)) + raw


def blob(value: bytes) -> bytes:
    return b"s" + struct.pack("<i", len(value)) + value


def interned(value: bytes) -> bytes:
    return b"t" + struct.pack("<i", len(value)) + value


def group(*items: bytes) -> bytes:
    return b"(" + struct.pack("<i", len(items)) + b"".join(items)


def numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


EMPTY = group()


def code_27() -> bytes:
    names = group(interned(b"system"), interned(b"os"))
    constants = group(blob(b"a command"), blob(b"\x00\xff\x01"), b"N", b"R" + numbers(0))
    return (
        b"c" + numbers(0, 0, 2, 64) + blob(b"d\0\0S") + constants.replace(b"R" + numbers(0), b"N") + names
        + group(b"R" + numbers(1)) + EMPTY + EMPTY + interned(b"x.py") + interned(b"<module>") + numbers(1) + blob(b"")
    )  # fmt: skip


def code_3(heads: int, *, more: tuple[bytes, ...] = ()) -> bytes:
    constants = group(text("a command"), blob(b"\x00\xff\x01"), b"N", *more)
    names = group(text("system"), text("os"))
    tail = names + EMPTY + EMPTY + EMPTY + text("x.py") + text("<module>") + numbers(1) + blob(b"")
    return b"c" + numbers(*[0] * heads) + blob(b"d\0S\0") + constants + tail


def code_311(*, more: tuple[bytes, ...] = ()) -> bytes:
    constants = group(text("a command"), blob(b"\x00\xff\x01"), b"N", *more)
    names = group(text("system"), text("os"))
    tail = EMPTY + blob(b"") + text("x.py") + text("<module>") + text("<module>") + numbers(1) + blob(b"") + blob(b"")
    return b"c" + numbers(0, 0, 0, 2, 0) + blob(b"d\0S\0") + constants + names + tail


def test_this_interpreter() -> None:
    code = read_bytecode(marshal.dumps(compile(SOURCE, "x.py", "exec")))
    assert not code.truncated
    assert {"subprocess", "os.path", "TEXT", "outer", "Inner", "method", "first"} <= set(code.names)
    assert {"a string with é and 日本", "in a tuple", "in a set", "in a lambda"} <= set(code.strings)
    assert b"\x00\xffbytes" in code.blobs


def test_pyc_of_this_interpreter() -> None:
    from importlib.util import MAGIC_NUMBER

    code = marshal.dumps(compile(SOURCE, "x.py", "exec"))
    found = read_bytecode(MAGIC_NUMBER + bytes(12) + code)
    assert found.version == f"CPython {sys.version_info[0]}.{sys.version_info[1]}"
    assert "subprocess" in found.names
    assert not found.truncated


@pytest.mark.parametrize(
    ("version", "magic", "header", "code"),
    [
        ("2.7", 62211, 8, code_27()),
        ("3.2", 3180, 8, code_3(5)),
        ("3.4", 3310, 12, code_3(5)),
        ("3.6", 3379, 12, code_3(5)),
        ("3.7", 3394, 16, code_3(5)),
        ("3.8", 3413, 16, code_3(6)),
        ("3.10", 3439, 16, code_3(6)),
        ("3.11", 3495, 16, code_311()),
        ("3.12", 3531, 16, code_311()),
        ("3.13", 3571, 16, code_311()),
        ("3.14", 3627, 16, code_311(more=(b":NNN",))),
        ("3.15", 3655, 16, code_311()),
    ],
)
def test_versions(version: str, magic: int, header: int, code: bytes) -> None:
    data = (struct.pack("<H", magic) + b"\r\n").ljust(header, b"\1") + code
    found = read_bytecode(data)
    assert found.version == f"CPython {version}" == python_version(data)
    assert tuple(found.names)[:2] == ("system", "os")
    assert tuple(found.strings) == ("a command",)
    assert tuple(found.blobs) == (b"\x00\xff\x01",)
    assert not found.truncated


@pytest.mark.parametrize(
    ("label", "code"), [("2.7", code_27()), ("3.0-3.7", code_3(5)), ("3.8-3.10", code_3(6)), ("3.11-3.15", code_311())]
)
def test_layout_without_a_header(label: str, code: bytes) -> None:
    found = read_bytecode(code)
    assert found.version == f"CPython {label}"
    assert not found.truncated


def test_every_type_code() -> None:
    more = (
        b"T", b"F", b"S", b".", b"i" + numbers(7), b"I" + bytes(8), b"g" + bytes(8), b"y" + bytes(16),
        b"f\x031.5", b"x\x011\x012",
        b"l" + numbers(-3) + bytes(6), b"[" + numbers(1) + text("in list"), b"<" + numbers(1) + text("in set"),
        b">" + numbers(0),
        b"{" + text("key") + text("value") + b"0", b")\x01z\x05short", b"Z\x01Q", b"a" + numbers(2) + b"as",
        b"A" + numbers(2) + b"AS", bytes([ord("u") | 0x80]) + text("shared")[1:], b"r" + numbers(0),
    )  # fmt: skip
    found = read_bytecode(code_311(more=more))
    assert not found.truncated
    assert tuple(found.strings) == (
        "a command", "in list", "in set", "key", "value", "short", "Q", "as", "AS", "shared",
    )  # fmt: skip


def test_cut_data_keep_what_was_read() -> None:
    whole = marshal.dumps(compile(SOURCE, "x.py", "exec"))
    found = read_bytecode(whole[: len(whole) * 3 // 4])
    assert found.truncated
    assert "a string with é and 日本" in found.strings


def test_deep_nesting_is_cut() -> None:
    found = read_bytecode(code_311(more=(b")\x01" * 100_000 + b"N",)))
    assert found.truncated
    assert tuple(found.strings) == ("a command",)


def test_a_count_larger_than_the_data_is_refused() -> None:
    assert read_bytecode(code_311(more=(b"(" + numbers(2**31 - 1),))).truncated


@pytest.mark.parametrize(
    "data", [b"", b"c", b"class A: pass\n" * 9, b"\xe3" + b"\xff" * 60, b"(" + numbers(3), bytes(40)]
)
def test_no_code_object(data: bytes) -> None:
    with pytest.raises(BytecodeError):
        read_bytecode(data)


@settings(max_examples=150)
@given(st.sampled_from([code_27(), code_3(5), code_311(), marshal.dumps(compile(SOURCE, "x", "exec"))]), st.data())
def test_damage_never_raises_another_error(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 5))):
        damaged[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(BytecodeError):
        assert isinstance(read_bytecode(bytes(damaged)), Bytecode)


def test_bytes_without_a_code_object_are_no_bytecode_whatever_they_begin_with() -> None:
    """An alphabet in order may hold a magic number before its line end."""
    assert python_version(bytes((11, 12, 13, 10, 17, 19, 20, 23, 29, 30, 31, 36, 43, 44, 45, 49, 51))) == ""
    assert python_version(b"\xa7\r\r\n" + bytes(12) + b"\xe3\0") == "CPython 3.11"
