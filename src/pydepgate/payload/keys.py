"""PEM blocks and DER keys: which kind of key, of how many bits.

Sources: RFC 7468 (PEM), X.690 (DER), RFC 5280 (SubjectPublicKeyInfo, certificates), RFC 8017 (PKCS#1), RFC 5958
(PKCS#8), RFC 5915 (SEC 1 EC keys), RFC 5480 (named curves), RFC 8410 (Ed25519, X25519, Ed448, X448), RFC 2986
(requests), RFC 3279 (DSA), PROTOCOL.key of OpenSSH.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from pydepgate.regex import regex

MAX_BLOCKS = 256
"""PEM blocks that are read of one content."""

MAX_BLOCK_CHARACTERS = 1024 * 1024
"""Characters of one PEM block; a longer one is no key."""

_MARKER = regex(rb"-----(BEGIN|END) ([A-Z0-9][A-Z0-9 ]{0,62}[A-Z0-9])-----")
_HEADER_LINE = regex(rb"^[A-Za-z][A-Za-z0-9-]*+:[^\n]*+\n", re.MULTILINE)
_NOISE = regex(rb"\\[rn]|[^A-Za-z0-9+/=]")
"""Line breaks as escapes, quotes and indentation of a source, line ends: all that is not base64."""

_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
_DSA = b"\x2a\x86\x48\xce\x38\x04\x01"
_EC = b"\x2a\x86\x48\xce\x3d\x02\x01"
_RSA_PSS = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
_EDWARDS = {
    b"\x2b\x65\x6e": ("x25519", 256),
    b"\x2b\x65\x6f": ("x448", 448),
    b"\x2b\x65\x70": ("ed25519", 256),
    b"\x2b\x65\x71": ("ed448", 456),
}
_CURVES = {
    b"\x2a\x86\x48\xce\x3d\x03\x01\x01": 192,
    b"\x2b\x81\x04\x00\x21": 224,
    b"\x2a\x86\x48\xce\x3d\x03\x01\x07": 256,
    b"\x2b\x81\x04\x00\x0a": 256,
    b"\x2b\x24\x03\x03\x02\x08\x01\x01\x07": 256,
    b"\x2b\x81\x04\x00\x22": 384,
    b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b": 384,
    b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d": 512,
    b"\x2b\x81\x04\x00\x23": 521,
}
"""Object identifiers of named curves, and the bits of their fields."""

_INTEGER, _BIT_STRING, _OCTET_STRING, _OID, _SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x30


@dataclass(frozen=True, slots=True)
class Key:
    """A key or certificate: `kind` as `classify` names it, `bits` of the key (0 where that cannot be told)."""

    kind: str
    bits: int


@dataclass(frozen=True, slots=True)
class PemBlock:
    """A PEM block: its label, the byte offset of its first dash, the bytes its base64 decodes to, kind and bits."""

    label: str
    offset: int
    der_size: int
    kind: str
    bits: int


class _NotDer(ValueError):
    """The bytes are not the DER that was asked for."""


@dataclass(frozen=True, slots=True)
class _Value:
    tag: int
    content: bytes


def pem_blocks(data: bytes, /) -> tuple[PemBlock, ...]:
    """Return the PEM blocks of `data` in order, also those inside the string literals of a source."""
    blocks: list[PemBlock] = []
    begin: re.Match[bytes] | None = None
    for marker in _MARKER.finditer(data):
        if marker[1] == b"BEGIN":
            begin = marker
            continue
        if begin is not None and begin[2] == marker[2]:
            block = _block(begin[2].decode("ascii"), data, begin, marker)
            blocks += [block] if block is not None else []
            if len(blocks) == MAX_BLOCKS:
                break
        begin = None
    return tuple(blocks)


def der_key(data: bytes, /) -> Key | None:
    """Tell the key, certificate or request that `data` is as DER.

    The kind is `der` for another whole DER sequence; None for what is no DER.
    """
    try:
        outer, rest = _value(data)
    except _NotDer:
        return None
    if outer.tag != _SEQUENCE or rest.strip():
        return None
    for read in (_spki, _pkcs8, _rsa_private, _rsa_public, _ec_private, _certificate, _dsa_private):
        try:
            return read(_sequence(outer))
        except _NotDer:
            continue
    try:
        return Key("der", 0) if len(_sequence(outer)) > 1 else None
    except _NotDer:
        return None


def _block(label: str, data: bytes, begin: re.Match[bytes], end: re.Match[bytes]) -> PemBlock | None:
    if end.start() - begin.end() > MAX_BLOCK_CHARACTERS:
        return None
    der = _pem_content(data[begin.end() : end.start()])
    if not der:
        return None
    key = _labelled(label, der)
    return PemBlock(label, begin.start(), len(der), key.kind, key.bits)


def _pem_content(body: bytes) -> bytes:
    text = _NOISE.sub(b"", _HEADER_LINE.sub(b"", body))
    # RFC 4880's armour ends with a checksum of its own, `=XXXX`.
    text = text.partition(b"=")[0]
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _labelled(label: str, der: bytes) -> Key:
    if label == "OPENSSH PRIVATE KEY":
        return Key("openssh-private-key", _openssh_bits(der))
    if label == "ENCRYPTED PRIVATE KEY":
        return Key("encrypted-private-key", 0)
    key = der_key(der)
    if key is not None and key.kind != "der":
        return key
    if label.startswith("PGP "):
        return Key("pgp-" + label[4:].lower().replace(" ", "-").removesuffix("-block"), 0)
    by_label = {
        "RSA PUBLIC KEY": "rsa-public-key",
        "RSA PRIVATE KEY": "rsa-private-key",  # encrypted in the old way, with a DEK-Info header
        "EC PRIVATE KEY": "ec-private-key",
        "DSA PRIVATE KEY": "dsa-private-key",
        "CERTIFICATE": "certificate",
        "CERTIFICATE REQUEST": "certificate-request",
        "PUBLIC KEY": "public-key",
        "PRIVATE KEY": "private-key",
    }
    return Key(by_label.get(label, "pem"), 0)


def _value(data: bytes) -> tuple[_Value, bytes]:
    """Split the first DER value off `data`. DER lengths are definite and as short as can be."""
    if len(data) < 2 or data[0] & 0x1F == 0x1F:
        raise _NotDer
    start, length = 2, data[1]
    if length >= 0x80:
        count = length & 0x7F
        start += count
        if not 1 <= count <= 4 or len(data) < start:
            raise _NotDer
        length = int.from_bytes(data[2:start], "big")
        if length < 0x80:
            raise _NotDer
    if start + length > len(data):
        raise _NotDer
    return _Value(data[0], data[start : start + length]), data[start + length :]


def _sequence(value: _Value, *, limit: int = 16) -> list[_Value]:
    if not value.tag & 0x20:
        raise _NotDer
    items: list[_Value] = []
    rest = value.content
    while rest and len(items) < limit:
        item, rest = _value(rest)
        items.append(item)
    return items


def _expect(items: list[_Value], *tags: int) -> None:
    if len(items) < len(tags) or any(item.tag != tag for item, tag in zip(items, tags, strict=False)):
        raise _NotDer


def _bits(integer: _Value) -> int:
    digits = integer.content.lstrip(b"\0")
    if integer.tag != _INTEGER or not digits:
        raise _NotDer
    return (len(digits) - 1) * 8 + digits[0].bit_length()


def _algorithm(identifier: _Value, *, key: bytes, side: str) -> Key:
    """Read an AlgorithmIdentifier and the key it goes with (`side` is `public` or `private`)."""
    parts = _sequence(identifier)
    _expect(parts, _OID)
    oid = parts[0].content
    if oid in _EDWARDS:
        name, bits = _EDWARDS[oid]
        return Key(f"{name}-{side}-key", bits)
    if oid == _EC:
        return Key(f"ec-{side}-key", _CURVES.get(parts[1].content, 0) if len(parts) > 1 else 0)
    if oid == _DSA:
        prime = _sequence(parts[1])[:1] if len(parts) > 1 else []
        return Key(f"dsa-{side}-key", _bits(prime[0]) if prime else 0)
    if oid in (_RSA, _RSA_PSS):
        inner, _ = _value(key)
        numbers = _sequence(inner)
        index = 1 if side == "private" else 0
        if len(numbers) <= index:
            raise _NotDer
        return Key(f"rsa-{side}-key", _bits(numbers[index]))
    raise _NotDer


def _spki(items: list[_Value]) -> Key:
    _expect(items, _SEQUENCE, _BIT_STRING)
    if len(items) != 2:
        raise _NotDer
    return _algorithm(items[0], key=items[1].content[1:], side="public")


def _pkcs8(items: list[_Value]) -> Key:
    if len(items) == 2 and items[0].tag == _SEQUENCE and items[1].tag == _OCTET_STRING:
        _expect(_sequence(items[0]), _OID)
        return Key("encrypted-private-key", 0)
    _expect(items, _INTEGER, _SEQUENCE, _OCTET_STRING)
    return _algorithm(items[1], key=items[2].content, side="private")


def _rsa_private(items: list[_Value]) -> Key:
    _expect(items, *[_INTEGER] * 9)
    return Key("rsa-private-key", _bits(items[1]))


def _rsa_public(items: list[_Value]) -> Key:
    _expect(items, _INTEGER, _INTEGER)
    if len(items) != 2 or _bits(items[0]) < 512 or _bits(items[1]) > 256:
        raise _NotDer
    return Key("rsa-public-key", _bits(items[0]))


def _ec_private(items: list[_Value]) -> Key:
    _expect(items, _INTEGER, _OCTET_STRING)
    if items[0].content != b"\x01":
        raise _NotDer
    for item in items[2:]:
        if item.tag == 0xA0:
            curve = _sequence(item)
            _expect(curve, _OID)
            return Key("ec-private-key", _CURVES.get(curve[0].content, 0))
    return Key("ec-private-key", len(items[1].content) * 8)


def _dsa_private(items: list[_Value]) -> Key:
    _expect(items, *[_INTEGER] * 6)
    if len(items) != 6:
        raise _NotDer
    return Key("dsa-private-key", _bits(items[1]))


def _certificate(items: list[_Value]) -> Key:
    """A certificate and a request are both signed: what is signed, the algorithm, the signature."""
    _expect(items, _SEQUENCE, _SEQUENCE, _BIT_STRING)
    signed = _sequence(items[0])
    # [0] version, serial, signature, issuer, validity, subject, key; a request: version, subject, key, [0] attributes.
    request = len(signed) <= 4 and signed[0].tag == _INTEGER if signed else False
    place = 2 if request else (6 if signed and signed[0].tag == 0xA0 else 5)
    if len(signed) <= place:
        raise _NotDer
    try:
        bits = _spki(_sequence(signed[place])).bits
    except _NotDer:
        bits = 0
    return Key("certificate-request" if request else "certificate", bits)


def _openssh_bits(blob: bytes) -> int:
    """Bits of the public half, which stands unencrypted after the cipher's names."""
    magic = b"openssh-key-v1\0"
    if not blob.startswith(magic):
        return 0
    rest = blob[len(magic) :]
    for _ in range(3):
        _, rest = _ssh_string(rest)
    public, _ = _ssh_string(rest[4:])
    name, fields = _ssh_string(public)
    if name == b"ssh-ed25519":
        return 256
    if name == b"ssh-rsa":
        _exponent, fields = _ssh_string(fields)
        modulus, _ = _ssh_string(fields)
        return int.from_bytes(modulus, "big").bit_length()
    match = re.fullmatch(rb"ecdsa-sha2-nistp(\d{3})", name)
    return int(match[1]) if match else 0


def _ssh_string(data: bytes) -> tuple[bytes, bytes]:
    length = int.from_bytes(data[:4], "big")
    return data[4 : 4 + length], data[4 + length :]
