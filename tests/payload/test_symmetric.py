"""Ciphers against the vectors that their standards publish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.payload.codecs import CodecError, CodecLimit
from pydepgate.payload.codecs.symmetric import (
    aes_cbc_decrypt,
    aes_ctr,
    aes_ecb_decrypt,
    fernet_decrypt,
    pkcs7_unpad,
    xor,
)

# SP 800-38A, appendix F: the four plaintext blocks and the keys.
PLAIN = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
KEY_128 = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
KEY_256 = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
IV = bytes(range(16))


@pytest.mark.parametrize(
    ("size", "cipher"),
    [
        (16, "69c4e0d86a7b0430d8cdb78070b4c55a"),
        (24, "dda97ca4864cdfe06eaf70a0ec0d7191"),
        (32, "8ea2b7ca516745bfeafc49904b496089"),
    ],
)
def test_aes_block_as_in_fips_197_appendix_c(size: int, cipher: str) -> None:
    plain = bytes.fromhex("00112233445566778899aabbccddeeff")
    key = bytes(range(size))
    assert aes_ecb_decrypt(key, bytes.fromhex(cipher), limit=16) == plain
    # The key stream of CTR is the encrypted counter.
    assert aes_ctr(key, plain, bytes(16), limit=16) == bytes.fromhex(cipher)


def test_aes_cbc_as_in_sp_800_38a() -> None:
    cipher = bytes.fromhex(
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
        "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"
    )
    assert aes_cbc_decrypt(KEY_128, IV, cipher, limit=64) == PLAIN
    cipher = bytes.fromhex(
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
        "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"
    )
    assert aes_cbc_decrypt(KEY_256, IV, cipher, limit=64) == PLAIN


def test_aes_ctr_as_in_sp_800_38a() -> None:
    counter = bytes(range(0xF0, 0x100))
    cipher = bytes.fromhex(
        "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
        "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"
    )
    assert aes_ctr(KEY_128, counter, cipher, limit=64) == PLAIN
    assert aes_ctr(KEY_128, counter, cipher[:21], limit=64) == PLAIN[:21]


FERNET_KEY = b"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
FERNET_TOKEN = b"gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="


def test_fernet_as_in_its_specification() -> None:
    assert fernet_decrypt(FERNET_KEY, FERNET_TOKEN, limit=100) == b"hello"


@pytest.mark.parametrize(
    ("key", "token"),
    [
        (FERNET_KEY, FERNET_TOKEN[:-4] + b"DA=="[::-1]),
        (FERNET_KEY, FERNET_TOKEN.replace(b"GVWKZ", b"GVWKA")),
        (FERNET_KEY[::-1], FERNET_TOKEN),
        (FERNET_KEY[:20], FERNET_TOKEN),
        (FERNET_KEY, b"gAAAAA=="),
        (FERNET_KEY, b""),
        (b"\xff", b"\xff"),
    ],
)
def test_fernet_with_a_wrong_key_or_token(key: bytes, token: bytes) -> None:
    with pytest.raises(CodecError):
        fernet_decrypt(key, token, limit=100)


def test_limits_cut_what_comes_out() -> None:
    with pytest.raises(CodecLimit) as cut:
        aes_ctr(KEY_128, IV, bytes(1000), limit=20)
    assert len(cut.value.partial) == 20
    cipher = bytes(64)
    with pytest.raises(CodecLimit) as cut:
        aes_ecb_decrypt(KEY_128, cipher, limit=20)
    assert cut.value.partial == aes_ecb_decrypt(KEY_128, cipher, limit=64)[:20]
    with pytest.raises(CodecLimit) as cut:
        aes_cbc_decrypt(KEY_128, IV, cipher, limit=20)
    assert cut.value.partial == aes_cbc_decrypt(KEY_128, IV, cipher, limit=64)[:20]
    with pytest.raises(CodecLimit) as cut:
        fernet_decrypt(FERNET_KEY, FERNET_TOKEN, limit=3)
    assert cut.value.partial == b"hel"


@pytest.mark.parametrize("size", [0, 1, 15, 17, 33])
def test_aes_refuses_a_key_of_a_wrong_size(size: int) -> None:
    with pytest.raises(CodecError):
        aes_ecb_decrypt(bytes(size), bytes(16), limit=16)
    with pytest.raises(CodecError):
        aes_ctr(bytes(size), IV, bytes(16), limit=16)


def test_aes_refuses_broken_blocks_and_vectors() -> None:
    with pytest.raises(CodecError):
        aes_ecb_decrypt(KEY_128, bytes(17), limit=99)
    with pytest.raises(CodecError):
        aes_cbc_decrypt(KEY_128, bytes(8), bytes(16), limit=99)
    with pytest.raises(CodecError):
        aes_ctr(KEY_128, bytes(8), bytes(16), limit=99)
    assert aes_cbc_decrypt(KEY_128, IV, b"", limit=99) == b""


def test_padding() -> None:
    assert pkcs7_unpad(b"yellow submarine" + b"\x10" * 16) == b"yellow submarine"
    assert pkcs7_unpad(b"ICE ICE BABY\x04\x04\x04\x04") == b"ICE ICE BABY"
    for wrong in (b"", b"ICE ICE BABY\x05\x05\x05\x05", b"\x01\x02\x03\x04" * 4, b"\x00" * 16, b"\x02\x02"):
        with pytest.raises(CodecError):
            pkcs7_unpad(wrong)


@given(st.binary(), st.binary(min_size=1, max_size=40))
def test_xor_is_its_own_inverse(data: bytes, key: bytes) -> None:
    assert xor(data, key) == bytes(byte ^ key[i % len(key)] for i, byte in enumerate(data))
    assert xor(xor(data, key), key) == data
