"""Every fixture that carries a payload, scanned: its tree must show what is hidden, and how."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from fixtures.codecs import CODEC_FIXTURES, CodecFixture
from fixtures.kinds import KIND_FIXTURES, KindFixture
from pydepgate.analyse import analyse_member
from pydepgate.model import Member, Payload

CONTAINERS = ("zip", "tar", "marshal", "pyc", "pickle")
"""What holds its contents instead of being a layer over them."""

BY_THE_CODE = {
    "alphabet-emoji": ("char-list", "hex"),
    "alphabet-emoji-then-gzip": ("char-list", "hex", "gzip"),
    "alphabet-runes": ("alphabet", "hex"),
    "alphabet-han": ("shift",),
    "alphabet-number": ("hex",),
    "char-list-chr": ("int-list",),
    "der": (),
    "pem": ("base64",),
    "int-list-then-xor-byte": ("xor",),
}
"""Where the layers are those of the decoding code itself, which takes other steps, or joins two in one."""

PEELED = {"gzip": "gzip", "bzip2": "bz2", "xz": "xz"}
"""Kinds that are never final, since there is a codec for them."""


def nested(payload: Payload, above: tuple[str, ...] = ()) -> Iterator[tuple[Payload, tuple[str, ...]]]:
    """Yield a payload and all below it, each with the codecs that lead there from the literal."""
    codecs = (*above, *(layer.codec for layer in payload.layers))
    yield payload, codecs
    for child in payload.children:
        yield from nested(child, codecs)


def found_in(source: str) -> list[tuple[Payload, tuple[str, ...]]]:
    data = source.encode()
    facts = analyse_member(Member("pkg/__init__.py", data, len(data)))
    tops = {signal.payload: None for signal in facts.signals if signal.payload is not None}
    return [found for payload in tops for found in nested(payload)]


def chains_to(source: str, content: bytes) -> list[tuple[str, ...]]:
    digest = hashlib.sha256(content).hexdigest()
    return [codecs for payload, codecs in found_in(source) if (payload.sha256, payload.size) == (digest, len(content))]


@pytest.mark.parametrize("fixture", CODEC_FIXTURES, ids=lambda fixture: fixture.name)
def test_the_payload_and_the_layers_over_it(fixture: CodecFixture) -> None:
    chains = chains_to(fixture.source, fixture.payload)
    expected = BY_THE_CODE.get(fixture.name, tuple(codec for codec in fixture.codecs if codec not in CONTAINERS))
    assert expected in chains


@pytest.mark.parametrize("fixture", KIND_FIXTURES, ids=lambda fixture: fixture.name)
def test_the_kind_of_the_final_content(fixture: KindFixture) -> None:
    if fixture.name in PEELED:
        assert ("base64", PEELED[fixture.name]) in [codecs for _, codecs in found_in(fixture.source)]
        return
    digest = hashlib.sha256(fixture.data).hexdigest()
    kinds = {(payload.final, codecs) for payload, codecs in found_in(fixture.source) if payload.sha256 == digest}
    assert kinds == {({"der": "certificate"}.get(fixture.name, fixture.name), ("base64",))}


def test_a_data_file_shows_its_payload() -> None:
    fixture = next(one for one in CODEC_FIXTURES if one.name == "base64-then-zlib")
    facts = analyse_member(Member("pkg/data.bin", fixture.encoded, len(fixture.encoded)))
    payloads = [found for signal in facts.signals if signal.payload for found in nested(signal.payload)]
    digest = hashlib.sha256(fixture.payload).hexdigest()
    assert (digest, ("base64", "zlib")) in [(payload.sha256, codecs) for payload, codecs in payloads]
