"""Every codec: arbitrary bytes come back, limits hold, foreign data is refused."""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import lzma
import quopri
import zlib
from collections.abc import Callable
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pydepgate.model import Literal
from pydepgate.payload.codecs import CODECS, CodecError, CodecLimit
from pydepgate.payload.peel import Budget, peel

BY_NAME = {codec.name: codec for codec in CODECS}
PROGRAM = b"import os\nimport base64\n\ndef run(name):\n    return os.listdir(name)\n\nprint(run('.'))\n" * 4


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def uuencode(data: bytes) -> bytes:
    lines = (binascii.b2a_uu(data[start : start + 45]) for start in range(0, len(data), 45))
    return b"begin 644 x\n" + b"".join(lines) + b"`\nend\n"


def escape(data: bytes) -> bytes:
    return "".join(f"\\x{byte:02x}" for byte in data).encode()


def percent(data: bytes) -> bytes:
    return "".join(f"%{byte:02X}" for byte in data).encode()


def decimal_list(data: bytes) -> bytes:
    return str(list(data)).encode()


def braille(data: bytes) -> bytes:
    return "".join(chr(0x2800 + byte) for byte in data).encode()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "base32": base64.b32encode,
    "base85": base64.b85encode,
    "ascii85": base64.a85encode,
    "hex": lambda data: data.hex().encode(),
    "zlib": zlib.compress,
    "deflate": raw_deflate,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "escape": escape,
    "percent": percent,
    "quoted-printable": lambda data: b"".join(b"=%02X" % byte for byte in data),
    "uuencode": uuencode,
    "int-list": decimal_list,
    "rot13": lambda data: BY_NAME["rot13"].decode(data, len(data)),
    "reverse": lambda data: data[::-1],
}
"""An encoder for each codec that takes any bytes."""


def test_every_codec_is_tested_and_named_once() -> None:
    assert {codec.name for codec in CODECS} - set(ENCODERS) == {"utf-16", "alphabet"}
    assert len(BY_NAME) == len(CODECS)


@pytest.mark.parametrize("name", ENCODERS)
@given(data=st.binary(min_size=1, max_size=300))
@example(data=b"0" * 13)
@example(data=bytes(range(256)))
@settings(max_examples=60, deadline=None)
def test_any_bytes_come_back(name: str, data: bytes) -> None:
    encoded = ENCODERS[name](data)
    if name == "reverse":
        assume(data.isascii() or not _is_utf8(encoded))
    assert BY_NAME[name].decode(encoded, 4096) == data


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(text=st.text(min_size=1, max_size=200))
def test_reversed_text_comes_back(text: str) -> None:
    assume(not _is_utf8(text.encode("utf-8", "ignore")[::-1]) or text.isascii())
    data = text[::-1].encode("utf-8", "ignore")
    assert BY_NAME["reverse"].decode(data, 4096) == text.encode("utf-8", "ignore")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_utf16_comes_back(encoding: str) -> None:
    text = "IEX (New-Object Net.WebClient) # naïve €\n" * 3
    codec = BY_NAME["utf-16"]
    assert codec.handles(text.encode(encoding)) > 0.9
    assert codec.decode(text.encode(encoding), 4096) == text.encode()


@pytest.mark.parametrize("name", ENCODERS)
def test_a_codec_is_sure_of_its_own(name: str) -> None:
    expected = 0.35 if name in ("deflate", "quoted-printable") else 0.6
    assert BY_NAME[name].handles(ENCODERS[name](PROGRAM)) >= expected


@pytest.mark.parametrize("name", [*ENCODERS, "utf-16", "alphabet"])
@given(data=st.binary(max_size=400), limit=st.integers(0, 500))
@settings(max_examples=60, deadline=None)
def test_hostile_input_gives_bytes_or_a_codec_error(name: str, data: bytes, limit: int) -> None:
    codec = BY_NAME[name]
    assert 0.0 <= codec.handles(data) <= 1.0
    try:
        out = codec.decode(data, limit)
    except CodecError as error:
        out = error.partial
    assert len(out) <= limit


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("limit", [0, 1, 7, 100, len(PROGRAM) - 1])
def test_a_limit_cuts_and_keeps_the_head(name: str, limit: int) -> None:
    with pytest.raises(CodecLimit) as cut:
        BY_NAME[name].decode(ENCODERS[name](PROGRAM), limit)
    assert cut.value.partial == PROGRAM[:limit]


@pytest.mark.parametrize("name", ["zlib", "deflate", "gzip", "bz2", "xz"])
def test_a_bomb_never_exceeds_the_limit(name: str) -> None:
    bomb = ENCODERS[name](bytes(30_000_000))
    with pytest.raises(CodecLimit) as cut:
        BY_NAME[name].decode(bomb, 1000)
    assert cut.value.partial == bytes(1000)


@pytest.mark.parametrize("name", ["zlib", "gzip", "bz2", "xz"])
def test_a_truncated_stream_keeps_what_came_out(name: str) -> None:
    content = bytes(zlib.crc32(number.to_bytes(4, "big")) & 0xFF for number in range(1_500_000))
    stream = ENCODERS[name](content)
    with pytest.raises(CodecError) as broken:
        BY_NAME[name].decode(stream[: len(stream) * 3 // 4], len(content))
    partial = broken.value.partial
    assert partial
    assert content.startswith(partial)


def test_a_raw_deflate_stream_must_end_and_use_up_everything() -> None:
    stream = raw_deflate(PROGRAM)
    for wrong in (stream + b"x", stream[:-1]):
        with pytest.raises(CodecError) as broken:
            BY_NAME["deflate"].decode(wrong, 10_000)
        assert not broken.value.partial


@pytest.mark.parametrize("name", ["gzip", "bz2", "xz"])
def test_streams_one_after_the_other(name: str) -> None:
    encode = ENCODERS[name]
    assert BY_NAME[name].decode(encode(b"one ") + encode(b"two"), 100) == b"one two"
    with pytest.raises(CodecLimit) as cut:
        BY_NAME[name].decode(encode(b"one ") + encode(b"two"), 5)
    assert cut.value.partial == b"one t"


def test_lzma_without_a_container() -> None:
    stream = lzma.compress(PROGRAM, format=lzma.FORMAT_ALONE)
    assert BY_NAME["xz"].handles(stream) > 0.5
    assert BY_NAME["xz"].decode(stream, 10_000) == PROGRAM


def test_a_stream_that_asks_for_much_memory_is_refused() -> None:
    stream = bytearray(lzma.compress(b"x" * 100, format=lzma.FORMAT_ALONE))
    stream[1:5] = (1 << 31).to_bytes(4, "little")
    with pytest.raises(CodecError):
        BY_NAME["xz"].decode(bytes(stream), 1000)


@pytest.mark.parametrize(
    ("name", "encoded", "expected"),
    [
        ("base64", b"aGVsbG8gd29ybGQ", b"hello world"),
        ("base64", b"aGVs\r\nbG8g\r\nd29y\r\nbGQ=\r\n", b"hello world"),
        ("base64", b"-_-_", b"\xfb\xff\xbf"),
        ("base64", b"+/+/", b"\xfb\xff\xbf"),
        ("base32", b"nbswy3dpeb3w64tmmq", b"hello world"),
        ("hex", b"0x68656c6c6f", b"hello"),
        ("hex", b"68:65:6C:6c:6f", b"hello"),
        ("hex", b"68 65 6c\n6c 6f", b"hello"),
        ("hex", b"0x68, 0x65, 0x6c, 0x6c, 0x6f", b"hello"),
        ("ascii85", b"<~BOu!rD]j7BEbo7~>", b"hello world"),
        ("ascii85", b"BOu!rD]j7BEbo7", b"hello world"),
        ("base85", b"Xk~0{Zv<h@Vq`\n", None),
        ("escape", rb"\x68\145\u006c\U0000006c\157\n", b"hello\n"),
        ("escape", rb"\ud83d\ude00 \u00e9", "😀 é".encode()),
        ("escape", rb"\q\8", rb"\q\8"),
        ("percent", b"a%20b%zz%4", b"a b%zz%4"),
        ("quoted-printable", b"x =3D 1=\n + 2\n", b"x = 1 + 2\n"),
        ("uuencode", b"+:&5L;&\\@=V]R;&0\n", b"hello world"),
        ("uuencode", b"begin 644 a b\n+:&5L;&\\@=V]R;&0\n`\nend\ntrailing", b"hello world"),
        ("rot13", b"vzcbeg bf", b"import os"),
        ("reverse", b"so tropmi", b"import os"),
        ("reverse", "éa".encode(), "aé".encode()),
        ("int-list", b"[104, 101, 108, 108, 111, 0]", b"hello\x00"),
        ("int-list", b"104 101 108 108 111 33", b"hello!"),
        ("int-list", b"0x68,0x65,0x6c,0x6c,0x6f,0x21", b"hello!"),
        ("int-list", b"0o150 0o145 0o154 0o154 0o157 0b100001", b"hello!"),
        ("int-list", b"01101000 01100101 01101100 01101100 01101111 00100001", b"hello!"),
        ("int-list", b"(104, 101, 8364, 108, 111, 33)", "he€lo!".encode()),
        (
            "int-list",
            b"151 155 160 157 162 164 040 157 163 073 040 157 163 056 145 170 151 164",
            b"import os; os.exit",
        ),
        ("int-list", b"0110100001100101011011000110110001101111001000010010000100100001", b"hello!!!"),
    ],
)
def test_variants(name: str, encoded: bytes, expected: bytes | None) -> None:
    if expected is None:
        expected = base64.b85decode(encoded.strip())
    assert BY_NAME[name].decode(encoded, 100) == expected


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("base64", b""),
        ("base64", b"a"),
        ("base64", b"ab!d"),
        ("base64", b"===="),
        ("base32", b"ABC1"),
        ("base32", b"A"),
        ("hex", b"abc"),
        ("hex", b"xyz!"),
        ("base85", b"\"'"),
        ("base85", b"~~~~~"),
        ("ascii85", b"uuuuu"),
        ("ascii85", b"<~~>"),
        ("escape", b"no escapes"),
        ("percent", b"100 % sure"),
        ("quoted-printable", b"a = b"),
        ("uuencode", b"not uuencoded"),
        ("utf-16", b"\xff\xfe\x00\xd8"),
        ("int-list", b"1, 2, x"),
        ("int-list", b"1, 2, 99999999999"),
        ("int-list", b"[]"),
        ("alphabet", b"plain text"),
        ("zlib", b"x\x9c garbage"),
        ("gzip", b"\x1f\x8b\x08garbage"),
        ("bz2", b"BZh91AY&SYgarbage"),
        ("xz", b"\xfd7zXZ\x00garbage"),
        ("xz", b"garbage"),
    ],
)
def test_foreign_data_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(CodecError):
        BY_NAME[name].decode(data, 1000)


ORDINARY = [
    b"The quick brown fox jumps over the lazy dog, and then it does so again: seven times.",
    b"Usage: tool [OPTIONS] FILE...\n\nOptions:\n  --help     Show this message.\n  --version  Show it.\n",
    b".button { color: #ff00aa; background: url(a.png) no-repeat 0 0; margin: 0 auto }",
    b"SELECT name, value FROM settings WHERE name = ? AND value > 100 ORDER BY name",
    b"^(?:[a-z0-9]+)\\s*=\\s*['\"]([^'\"]*)['\"]$",
    "Ein Satz über die Größe der Straße – nicht länger als nötig.".encode(),
    "これは普通の日本語の文章です。特に何も隠されていません。ただの説明文です。".encode(),
    "Обычный русский текст, в котором ничего не спрятано и нечего искать.".encode(),
    b"x = 10\ny = x == 3\nprint(y)\n",
    b"red green blue cyan magenta yellow black white orange purple brown pink",
]


@pytest.mark.parametrize("data", ORDINARY)
def test_no_codec_is_sure_of_ordinary_text(data: bytes) -> None:
    assert {codec.name: codec.handles(data) for codec in CODECS if codec.handles(data) >= 0.5} == {}


BITS = "".join(f"{byte:08b}" for byte in PROGRAM)


@pytest.mark.parametrize(
    "text",
    [
        "".join(chr(0x2800 + byte) for byte in PROGRAM),
        "".join(chr(0x4E00 + byte) for byte in PROGRAM),
        "".join(chr(0x1F337 + byte) for byte in PROGRAM),
        "".join(chr(0xAC1D + byte) for byte in zlib.compress(PROGRAM)),
        "".join(chr(0xFEE0 + byte) if 0x21 <= byte < 0x7F else chr(byte) for byte in PROGRAM),
        "😀" + "".join(chr(0xFE00 + b if b < 16 else 0xE0100 + b - 16) for b in PROGRAM),
        "".join(chr(0xE0000 + byte) for byte in PROGRAM),
        "".join(map(dict(zip("0123456789abcdef", "🍇🍈🍉🍊🍋🍌🍍🍎🍏🍐🍑🍒🍓🍔🍕🍖", strict=True)).get, PROGRAM.hex())),  # type: ignore[arg-type]
        BITS.replace("0", "\u200b").replace("1", "\u200c"),
        BITS.replace("1", "\u200b").replace("0", "\u200c"),
        BITS.replace("0", " ").replace("1", "\t"),
        BITS.replace("0", "l").replace("1", "I"),
    ],
)
def test_alphabets_that_need_no_key(text: str) -> None:
    codec = BY_NAME["alphabet"]
    assert codec.handles(text.encode()) > 0.8
    assert codec.decode(text.encode(), 10_000) in (PROGRAM, zlib.compress(PROGRAM))


def test_a_shuffled_alphabet_is_not_claimed() -> None:
    shuffled = dict(zip("0123456789abcdef", "🍖🍇🍎🍈🍕🍉🍔🍊🍓🍋🍒🍌🍑🍍🍐🍏", strict=True))
    text = "".join(shuffled[digit] for digit in PROGRAM.hex())
    assert BY_NAME["alphabet"].handles(text.encode()) < 0.5
    assert peel(Literal(text, "str", 1, 1, len(text)), budget=Budget()) is None


def test_percent_leaves_what_the_standard_library_quotes() -> None:
    assert BY_NAME["percent"].decode(quote_from_bytes(PROGRAM).encode(), 10_000) == PROGRAM
    assert BY_NAME["quoted-printable"].decode(quopri.encodestring(b"x = 1\n" + PROGRAM), 10_000) == b"x = 1\n" + PROGRAM
