from __future__ import annotations

import base64
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.payload.classify import Kind, classify
from pydepgate.payload.keys import der_key, pem_blocks

RSA = bytes.fromhex("06092a864886f70d010101")
EC = bytes.fromhex("06072a8648ce3d0201")
P256 = bytes.fromhex("06082a8648ce3d030107")
P384 = bytes.fromhex("06052b81040022")
ED25519 = bytes.fromhex("06032b6570")
X25519 = bytes.fromhex("06032b656e")
DSA = bytes.fromhex("06072a8648ce380401")
NULL = b"\x05\x00"


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def integer(value: int) -> bytes:
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def bits(content: bytes) -> bytes:
    return tlv(3, b"\0", content)


def rsa_public(size: int) -> bytes:
    return sequence(integer(1 << (size - 1) | 1), integer(65537))


def rsa_private(size: int) -> bytes:
    half = integer(1 << (size // 2 - 1) | 1)
    modulus = integer(1 << (size - 1) | 1)
    return sequence(integer(0), modulus, integer(65537), modulus, half, half, half, half, half)


def spki(size: int) -> bytes:
    return sequence(sequence(RSA, NULL), bits(rsa_public(size)))


def certificate(key: bytes, *, version: bool = True) -> bytes:
    name = sequence(tlv(0x31, sequence(tlv(6, b"\x55\x04\x03"), tlv(0x0C, b"test"))))
    head = [tlv(0xA0, integer(2))] if version else []
    signature = sequence(RSA, NULL)
    times = sequence(tlv(0x17, b"200101000000Z"), tlv(0x17, b"300101000000Z"))
    return sequence(sequence(*head, integer(1), signature, name, times, name, key), signature, bits(bytes(256)))


def request(key: bytes) -> bytes:
    return sequence(sequence(integer(0), sequence(), key, tlv(0xA0)), sequence(RSA, NULL), bits(bytes(256)))


def ssh_string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def openssh(public: bytes) -> bytes:
    names = ssh_string(b"none") + ssh_string(b"none") + ssh_string(b"")
    return b"openssh-key-v1\0" + names + (1).to_bytes(4, "big") + ssh_string(public) + ssh_string(bytes(64))


def pem(label: str, der: bytes, *, newline: str = "\n") -> str:
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    return newline.join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


KEYS = [
    ("PUBLIC KEY", spki(4096), "rsa-public-key", 4096),
    ("PUBLIC KEY", spki(2048), "rsa-public-key", 2048),
    ("PUBLIC KEY", spki(1023), "rsa-public-key", 1023),
    ("RSA PUBLIC KEY", rsa_public(2048), "rsa-public-key", 2048),
    ("RSA PRIVATE KEY", rsa_private(2048), "rsa-private-key", 2048),
    ("PRIVATE KEY", sequence(integer(0), sequence(RSA, NULL), tlv(4, rsa_private(3072))), "rsa-private-key", 3072),
    ("PUBLIC KEY", sequence(sequence(EC, P256), bits(b"\4" + bytes(64))), "ec-public-key", 256),
    ("PUBLIC KEY", sequence(sequence(EC, P384), bits(b"\4" + bytes(96))), "ec-public-key", 384),
    ("EC PRIVATE KEY", sequence(integer(1), tlv(4, bytes(32)), tlv(0xA0, P256)), "ec-private-key", 256),
    ("EC PRIVATE KEY", sequence(integer(1), tlv(4, bytes(48))), "ec-private-key", 384),
    ("PRIVATE KEY", sequence(integer(0), sequence(ED25519), tlv(4, tlv(4, bytes(32)))), "ed25519-private-key", 256),
    ("PUBLIC KEY", sequence(sequence(ED25519), bits(bytes(32))), "ed25519-public-key", 256),
    ("PUBLIC KEY", sequence(sequence(X25519), bits(bytes(32))), "x25519-public-key", 256),
    (
        "PUBLIC KEY",
        sequence(sequence(DSA, sequence(integer(1 << 2047), integer(7), integer(9))), bits(integer(5))),
        "dsa-public-key",
        2048,
    ),
    ("DSA PRIVATE KEY", sequence(integer(0), integer(1 << 1023), *[integer(5)] * 4), "dsa-private-key", 1024),
    ("CERTIFICATE", certificate(spki(2048)), "certificate", 2048),
    ("CERTIFICATE", certificate(spki(1024), version=False), "certificate", 1024),
    ("CERTIFICATE REQUEST", request(spki(2048)), "certificate-request", 2048),
    (
        "ENCRYPTED PRIVATE KEY",
        sequence(sequence(tlv(6, b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"), sequence()), tlv(4, bytes(128))),
        "encrypted-private-key",
        0,
    ),
    ("OPENSSH PRIVATE KEY", openssh(ssh_string(b"ssh-ed25519") + ssh_string(bytes(32))), "openssh-private-key", 256),
    (
        "OPENSSH PRIVATE KEY",
        openssh(ssh_string(b"ssh-rsa") + ssh_string(b"\1\0\1") + ssh_string(b"\0" + b"\x80" + bytes(255))),
        "openssh-private-key",
        2048,
    ),
    ("SOMETHING ELSE", b"abc" * 9, "pem", 0),
]


@pytest.mark.parametrize(("label", "der", "kind", "size"), KEYS)
def test_pem(label: str, der: bytes, kind: str, size: int) -> None:
    (block,) = pem_blocks(b"some words\n" + pem(label, der).encode())
    assert (block.label, block.offset, block.der_size, block.kind, block.bits) == (label, 11, len(der), kind, size)


@pytest.mark.parametrize(
    ("der", "kind", "size"),
    [(der, kind, size) for label, der, kind, size in KEYS if not label.startswith(("OPENSSH", "SOME"))],
)
def test_bare_der(der: bytes, kind: str, size: int) -> None:
    key = der_key(der)
    assert key is not None
    assert (key.kind, key.bits) == (kind, size)
    assert classify(der) == Kind(kind, f"{size} bits" if size else "")


def test_the_size_that_a_4096_bit_key_has() -> None:
    der = spki(4096)
    assert len(der) == 550
    assert classify(pem("PUBLIC KEY", der).encode()) == Kind("rsa-public-key", "4096 bits")


def test_pem_inside_python_source() -> None:
    der = spki(2048)
    multiline = f'KEY = """{pem("PUBLIC KEY", der)}"""\n'
    escaped = f"KEY = '{pem('PUBLIC KEY', der, newline=chr(92) + 'n')}'\n"
    indented = "KEY = (\n" + "".join(f'    "{line}\\n"\n' for line in pem("PUBLIC KEY", der).splitlines()) + ")\n"
    for source in (multiline, escaped, indented):
        (block,) = pem_blocks(source.encode())
        assert (block.der_size, block.kind, block.bits) == (len(der), "rsa-public-key", 2048)
        assert block.offset == source.index("-----BEGIN")


def test_encrypted_key_of_the_old_kind() -> None:
    text = pem("RSA PRIVATE KEY", bytes(range(200)))
    text = text.replace("\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\n", 1)
    (block,) = pem_blocks(text.encode())
    assert (block.kind, block.bits, block.der_size) == ("rsa-private-key", 0, 200)


def test_blocks_in_order_and_without_an_end() -> None:
    data = (
        pem("PUBLIC KEY", spki(1024)) + "-----BEGIN CERTIFICATE-----\nAAAA\n" + pem("PUBLIC KEY", spki(2048))
    ).encode()
    assert [block.bits for block in pem_blocks(data)] == [1024, 2048]


def test_many_markers_stay_bounded() -> None:
    assert pem_blocks(b"-----BEGIN KEY-----\n" * 50_000) == ()
    assert len(pem_blocks(b"-----BEGIN KEY-----AAAA-----END KEY-----" * 5_000)) == 256


@pytest.mark.parametrize("data", [b"", b"0", b"0\x80\0\0", b"0\x84\xff\xff\xff\xff", b"0\x03\x02\x01", b"0123456789"])
def test_what_is_no_der(data: bytes) -> None:
    assert der_key(data) is None


@given(st.sampled_from([der for _, der, _, _ in KEYS]), st.data())
def test_damaged_keys_never_raise(der: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(der)
    for _ in range(draw.draw(st.integers(1, 4))):
        damaged[draw.draw(st.integers(0, min(len(der) - 1, 60)))] = draw.draw(st.integers(0, 255))
    data = bytes(damaged)[: draw.draw(st.integers(1, len(der)))]
    der_key(data)
    for label in ("PUBLIC KEY", "OPENSSH PRIVATE KEY"):
        assert all(block.bits >= 0 for block in pem_blocks(pem(label, data).encode()))
