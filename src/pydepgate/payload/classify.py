"""What a final content is: a program, an archive, a key, a document, text or unknown bytes."""

from __future__ import annotations

import base64
import binascii
import codecs
from dataclasses import dataclass

from pydepgate.payload.bytecode import BytecodeError, python_version, read_bytecode
from pydepgate.payload.keys import der_key, pem_blocks
from pydepgate.payload.magic import binary_format
from pydepgate.payload.pickles import PickleError, read_pickle
from pydepgate.payload.python_text import looks_like_python
from pydepgate.payload.text_formats import text_format
from pydepgate.regex import regex

SNIFF_BYTES = 4 * 1024 * 1024
"""Bytes at the start of a content that are decoded as text."""

_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\r\f\v\x1b\x08")
_CONTROL_SHARE = 0.02
"""Share of control characters above which bytes are no text, escape and backspace aside."""

_LATIN_SHARE = 0.3
"""Share of bytes over 127 up to which bytes that are not UTF-8 are read as ISO 8859-1."""

_COOKIE = regex(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
"""PEP 263."""

_FERNET = regex(rb"gAAAAA[A-Za-z0-9_-]++=*")
_FERNET_OVERHEAD = 1 + 8 + 16 + 32
"""Version, timestamp, IV and HMAC (Fernet specification, cryptography/fernet); the rest is AES blocks."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a content is: `name` is stable (`python-source`, `pe`, `rsa-public-key`), `detail` is for people."""

    name: str
    detail: str = ""


def classify(data: bytes, /) -> Kind:
    """Name the kind of `data`; `binary` or `text` where it is nothing known. Never raises."""
    if not data:
        return Kind("empty")
    kind = _binary(data)
    if kind is not None:
        return kind
    text = _decode(data[:SNIFF_BYTES])
    return Kind("binary") if text is None else _text(data, text)


def _binary(data: bytes) -> Kind | None:
    found = binary_format(data)
    if found is not None:
        return Kind(*found)
    version = python_version(data)
    if version:
        return Kind("python-bytecode", version)
    if data[0] & 0x7F == ord("c"):
        try:
            return Kind("marshal", read_bytecode(data).version)
        except BytecodeError:
            pass
    if _is_pickle(data):
        return Kind("pickle", f"protocol {data[1]}" if data[0] == 0x80 else "protocol 0 or 1")
    if data[0] == 0x30:
        key = der_key(data)
        if key is not None:
            return Kind(key.kind, f"{key.bits} bits" if key.bits else "")
    return None


def _is_pickle(data: bytes) -> bool:
    modern = data[0] == 0x80 and 2 <= data[1:2][0] <= 5 if len(data) > 1 else False
    if not modern and not (data.rstrip().endswith(b".") and data[0] in b"(]}ci\x80"):
        return False
    try:
        pickle = read_pickle(data)
    except PickleError:
        return False
    return not pickle.truncated and (modern or (pickle.whole and (bool(pickle.globals) or pickle.reduces)))


def _decode(data: bytes) -> str | None:
    """The text of `data` (UTF-8 with or without a mark, UTF-16 with one, PEP 263, ISO 8859-1), or None."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if len(data) - len(data.translate(None, _CONTROL)) > len(data) * _CONTROL_SHARE:
        return None
    try:
        # An incremental decoder forgives a character cut at the end.
        return codecs.getincrementaldecoder("utf-8-sig")().decode(data)
    except UnicodeDecodeError:
        pass
    high = len(data) - len(data.translate(None, bytes(range(128, 256))))
    if high <= len(data) * _LATIN_SHARE or any(map(_COOKIE.match, data.splitlines()[:2])):
        return data.decode("latin-1")
    return None


def _text(data: bytes, text: str) -> Kind:
    stripped = data.strip()
    if _is_fernet(stripped):
        return Kind("fernet-token")
    if stripped.startswith(b"-----BEGIN "):
        blocks = pem_blocks(stripped)
        if blocks:
            return Kind(blocks[0].kind, f"{blocks[0].bits} bits" if blocks[0].bits else "")
    found = text_format(text, is_python=looks_like_python)
    return Kind(*found) if found is not None else Kind("text")


def _is_fernet(token: bytes) -> bool:
    if not _FERNET.fullmatch(token):
        return False
    try:
        size = len(base64.urlsafe_b64decode(token + b"=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        return False
    return size > _FERNET_OVERHEAD and (size - _FERNET_OVERHEAD) % 16 == 0
