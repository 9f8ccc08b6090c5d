"""The encodings that payloads hide in: one entry a codec, one module a family."""

from __future__ import annotations

from pydepgate.payload.codecs import alphabet, base, compression, disguise, escapes, numbers, uu, wide
from pydepgate.payload.codecs.codec import Codec, CodecError, CodecLimit

__all__ = ["CODECS", "Codec", "CodecError", "CodecLimit"]

CODECS: tuple[Codec, ...] = (
    compression.GZIP,
    compression.BZ2,
    compression.XZ,
    compression.ZLIB,
    compression.DEFLATE,
    wide.UTF16,
    uu.UUENCODE,
    numbers.INT_LIST,
    base.HEX,
    base.BASE32,
    base.BASE64,
    base.ASCII85,
    base.BASE85,
    escapes.ESCAPE,
    escapes.PERCENT,
    escapes.QUOTED_PRINTABLE,
    alphabet.ALPHABET,
    disguise.ROT13,
    disguise.REVERSE,
)
"""The registry; where two codecs are equally sure, the earlier one is tried first."""
