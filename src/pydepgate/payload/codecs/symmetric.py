"""Ciphers whose key a payload carries with it: XOR, AES and Fernet, for analysis only.

Sources: FIPS 197 (AES), SP 800-38A (modes), RFC 5652 section 6.3 (padding), the Fernet specification (fernet/spec on
GitHub).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from functools import cache
from typing import NamedTuple

from pydepgate.payload.codecs.codec import CodecError, CodecLimit, within

BLOCK = 16
_COLUMN = struct.Struct(">4I")
_FERNET_VERSION = 0x80
_FERNET_HEAD = 1 + 8 + BLOCK
_HMAC_SIZE = 32


def xor(data: bytes, key: bytes, /) -> bytes:
    """XOR `data` with `key` repeated; an empty key changes nothing."""
    if not key or not data:
        return data
    stream = (key * (len(data) // len(key) + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


def pkcs7_unpad(data: bytes, /) -> bytes:
    """Take off PKCS #7 padding to blocks of 16 bytes; raises `CodecError` where it is wrong."""
    size = data[-1] if data else 0
    if not 1 <= size <= BLOCK or len(data) % BLOCK or data[-size:] != bytes((size,)) * size:
        raise CodecError("wrong padding")
    return data[:-size]


def aes_ecb_decrypt(key: bytes, data: bytes, /, *, limit: int) -> bytes:
    """Decrypt AES-ECB with a key of 16, 24 or 32 bytes; padding stays."""
    decrypt = _Decryptor(key)
    _whole_blocks(data)
    out = b"".join(map(decrypt.block, _blocks(data[: (limit // BLOCK + 1) * BLOCK])))
    return within(out, limit)


def aes_cbc_decrypt(key: bytes, iv: bytes, data: bytes, /, *, limit: int) -> bytes:
    """Decrypt AES-CBC with a key of 16, 24 or 32 bytes and an `iv` of 16; padding stays."""
    decrypt = _Decryptor(key)
    _whole_blocks(data)
    if len(iv) != BLOCK:
        raise CodecError("an AES initialisation vector has 16 bytes")
    data = data[: (limit // BLOCK + 1) * BLOCK]
    out = b"".join(map(decrypt.block, _blocks(data)))
    return within(xor(out, iv + data[:-BLOCK]) if data else b"", limit)


def aes_ctr(key: bytes, counter: bytes, data: bytes, /, *, limit: int) -> bytes:
    """Encrypt or decrypt AES-CTR; `counter` is the first block of 16 bytes, counted up as one big-endian number."""
    encrypt = _Encryptor(key)
    if len(counter) != BLOCK:
        raise CodecError("an AES counter block has 16 bytes")
    first = int.from_bytes(counter, "big")
    count = -(-min(len(data), limit) // BLOCK)
    stream = b"".join(encrypt.block(((first + number) % (1 << 128)).to_bytes(BLOCK, "big")) for number in range(count))
    out = xor(data[:limit], stream[: min(len(data), limit)])
    if len(data) > limit:
        raise CodecLimit("the output exceeds the limit", partial=out)
    return out


def fernet_decrypt(key: bytes, token: bytes, /, *, limit: int) -> bytes:
    """Decrypt a Fernet token with its base64 key of 32 bytes; raises `CodecError` if the HMAC does not match.

    The time stamp is not looked at.
    """
    try:
        secret = base64.urlsafe_b64decode(key)
        body = base64.urlsafe_b64decode(token)
    except (binascii.Error, ValueError) as error:
        raise CodecError(f"not Fernet: {error}") from None
    if len(secret) != 32:
        raise CodecError("a Fernet key has 32 bytes")
    signed, mac = body[:-_HMAC_SIZE], body[-_HMAC_SIZE:]
    if len(signed) < _FERNET_HEAD + BLOCK or signed[0] != _FERNET_VERSION:
        raise CodecError("not a Fernet token")
    if not hmac.compare_digest(hmac.digest(secret[:16], signed, "sha256"), mac):
        raise CodecError("the Fernet key does not fit the token")
    iv, ciphertext = signed[9:_FERNET_HEAD], signed[_FERNET_HEAD:]
    try:
        padded = aes_cbc_decrypt(secret[16:], iv, ciphertext, limit=limit + BLOCK)
    except CodecLimit as error:
        raise CodecLimit(str(error), partial=error.partial[:limit]) from None
    return within(pkcs7_unpad(padded), limit)


def _whole_blocks(data: bytes) -> None:
    if len(data) % BLOCK:
        raise CodecError("AES data comes in blocks of 16 bytes")


def _blocks(data: bytes) -> list[bytes]:
    return [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]


class _Tables(NamedTuple):
    """The S-boxes, and for each byte its column through the (inverse) S-box and MixColumns, in four rotations."""

    box: bytes
    inverse: bytes
    encrypt: tuple[tuple[int, ...], ...]
    decrypt: tuple[tuple[int, ...], ...]


@cache
def _tables() -> _Tables:
    box = _s_box()
    inverse = bytes(map(box.index, range(256)))
    forward = [_column(box[byte], (2, 1, 1, 3)) for byte in range(256)]
    backward = [_column(inverse[byte], (14, 9, 13, 11)) for byte in range(256)]
    return _Tables(box, inverse, _rotations(forward), _rotations(backward))


def _rotations(words: list[int]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple((word >> bits | word << 32 - bits) & 0xFFFFFFFF for word in words) for bits in (0, 8, 16, 24))


def _multiply(a: int, b: int) -> int:
    """Multiply in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197, section 4.2)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def _column(byte: int, factors: tuple[int, int, int, int]) -> int:
    return int.from_bytes(bytes(_multiply(byte, factor) for factor in factors), "big")


def _s_box() -> bytes:
    """The inverse in GF(2^8), then the affine map (FIPS 197, section 5.1.1)."""
    box = bytearray(256)
    power, inverse = 1, 1
    for _ in range(255):
        power = _multiply(power, 3)
        inverse = _multiply(inverse, 0xF6)
        spread = inverse
        for turn in range(1, 5):
            spread ^= (inverse << turn | inverse >> 8 - turn) & 0xFF
        box[power] = spread ^ 0x63
    box[0] = 0x63
    return bytes(box)


def _round_keys(key: bytes) -> list[int]:
    """Expand a key into the words of the round keys (FIPS 197, section 5.2)."""
    if len(key) not in (16, 24, 32):
        raise CodecError("an AES key has 16, 24 or 32 bytes")
    box = _tables().box
    size = len(key) // 4
    words = [int.from_bytes(key[start : start + 4], "big") for start in range(0, len(key), 4)]
    constant = 1
    for index in range(size, 4 * (size + 7)):
        word = words[-1]
        if index % size == 0:
            word = _substitute((word << 8 | word >> 24) & 0xFFFFFFFF, box) ^ constant << 24
            constant = _multiply(constant, 2)
        elif size > 6 and index % size == 4:
            word = _substitute(word, box)
        words.append(words[index - size] ^ word)
    return words


def _substitute(word: int, box: bytes) -> int:
    return int.from_bytes(word.to_bytes(4, "big").translate(box), "big")


class _Encryptor:
    """AES with one key, one block at a time."""

    def __init__(self, key: bytes) -> None:
        self._keys = _round_keys(key)
        self._tables = _tables().encrypt
        self._box = _tables().box

    def block(self, block: bytes, /) -> bytes:
        """Encrypt 16 bytes."""
        keys = self._keys
        t0, t1, t2, t3 = self._tables
        a, b, c, d = _COLUMN.unpack(block)
        a, b, c, d = a ^ keys[0], b ^ keys[1], c ^ keys[2], d ^ keys[3]
        for k in range(4, len(keys) - 4, 4):
            a, b, c, d = (
                t0[a >> 24] ^ t1[b >> 16 & 255] ^ t2[c >> 8 & 255] ^ t3[d & 255] ^ keys[k],
                t0[b >> 24] ^ t1[c >> 16 & 255] ^ t2[d >> 8 & 255] ^ t3[a & 255] ^ keys[k + 1],
                t0[c >> 24] ^ t1[d >> 16 & 255] ^ t2[a >> 8 & 255] ^ t3[b & 255] ^ keys[k + 2],
                t0[d >> 24] ^ t1[a >> 16 & 255] ^ t2[b >> 8 & 255] ^ t3[c & 255] ^ keys[k + 3],
            )
        state = _COLUMN.pack(a, b, c, d)
        shifted = bytes(state[(5 * place) % 16] for place in range(16)).translate(self._box)
        return xor(shifted, _COLUMN.pack(*keys[-4:]))


class _Decryptor:
    """The equivalent inverse cipher (FIPS 197, section 5.3.5) with one key, one block at a time."""

    def __init__(self, key: bytes) -> None:
        tables = _tables()
        self._tables = t0, t1, t2, t3 = tables.decrypt
        self._inverse = tables.inverse
        words = _round_keys(key)
        box = tables.box
        # Round keys backwards; all but the first and the last go through InvMixColumns.
        keys: list[int] = []
        for start in range(len(words) - 4, -1, -4):
            keys += words[start : start + 4]
        for index in range(4, len(keys) - 4):
            word = keys[index]
            keys[index] = (
                t0[box[word >> 24]] ^ t1[box[word >> 16 & 255]] ^ t2[box[word >> 8 & 255]] ^ t3[box[word & 255]]
            )
        self._keys = keys

    def block(self, block: bytes, /) -> bytes:
        """Decrypt 16 bytes."""
        keys = self._keys
        t0, t1, t2, t3 = self._tables
        a, b, c, d = _COLUMN.unpack(block)
        a, b, c, d = a ^ keys[0], b ^ keys[1], c ^ keys[2], d ^ keys[3]
        for k in range(4, len(keys) - 4, 4):
            a, b, c, d = (
                t0[a >> 24] ^ t1[d >> 16 & 255] ^ t2[c >> 8 & 255] ^ t3[b & 255] ^ keys[k],
                t0[b >> 24] ^ t1[a >> 16 & 255] ^ t2[d >> 8 & 255] ^ t3[c & 255] ^ keys[k + 1],
                t0[c >> 24] ^ t1[b >> 16 & 255] ^ t2[a >> 8 & 255] ^ t3[d & 255] ^ keys[k + 2],
                t0[d >> 24] ^ t1[c >> 16 & 255] ^ t2[b >> 8 & 255] ^ t3[a & 255] ^ keys[k + 3],
            )
        state = _COLUMN.pack(a, b, c, d)
        shifted = bytes(state[(13 * place) % 16] for place in range(16)).translate(self._inverse)
        return xor(shifted, _COLUMN.pack(*keys[-4:]))
