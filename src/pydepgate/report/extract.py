"""Payloads written to a zip that nothing opens by accident: password `infected`, as analysts expect.

The encryption is the traditional one of PKWARE (APPNOTE.TXT 6.3.10, section 6.1), which every tool reads and
`zipfile` cannot write. It keeps scanners and double clicks out; it is no secret.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydepgate.model import Report

PASSWORD = b"infected"

_MAX_MEMBERS = 60_000
_MAX_BYTES = 2 << 30
"""Bounds of one zip, well below where the format needs its 64-bit extension."""

_EXTENSIONS: Mapping[str, str] = {
    "python-source": "py",
    "python-bytecode": "pyc",
    "shell-script": "sh",
    "powershell": "ps1",
    "batch": "bat",
    "javascript": "js",
    "pe": "exe",
    "elf": "elf",
    "mach-o": "macho",
    "gzip": "gz",
    "bzip2": "bz2",
    "text": "txt",
    "certificate": "pem",
    "jpeg": "jpg",
    "fernet-token": "fernet",
}
_OWN_EXTENSION = frozenset(
    (
        *("zip", "tar", "xz", "7z", "rar", "pickle", "marshal", "pem", "der"),
        *("png", "gif", "bmp", "webp", "ico", "svg", "pdf", "json", "xml", "html", "css"),
    )
)

# General purpose bit 0: encrypted. The date is 1980-01-01, the earliest there is.
_ENCRYPTED, _STORED, _DATE, _TIME, _VERSION = 1, 0, 0x21, 0, 20
_HEADER_SIZE = 12


def write_payloads(report: Report, directory: Path, /) -> list[Path]:
    """Write the payloads of `report` into a zip in `directory`; return the paths written.

    Only payloads that kept their content are written; without any, no file is. Members are named by their
    SHA-256 and kind, the zip after the artifact and its SHA-256, in characters that cannot be a path. The
    same report always gives the same bytes. More than 60,000 payloads, or 2 GiB, go on in a second zip.
    Raises `OSError` if the directory cannot be made or written.
    """
    members = sorted(dict(_members(report)).items())
    if not members:
        return []
    directory.mkdir(parents=True, exist_ok=True)
    stem = _stem(report, [name for name, _ in members])
    written = []
    for number, part in enumerate(_parts(members), start=1):
        path = directory / (f"{stem}.zip" if number == 1 else f"{stem}-{number}.zip")
        path.write_bytes(_zip(part))
        written.append(path)
    return written


def _members(report: Report) -> Iterator[tuple[str, bytes]]:
    """Yield the name in the zip and the content of each payload, nested ones too."""
    todo = [finding.payload for finding in report.findings if finding.payload is not None]
    while todo:
        payload = todo.pop()
        todo.extend(payload.children)
        if payload.content is not None:
            digest = hashlib.sha256(payload.content).hexdigest()
            yield f"{digest}.{_extension(payload.final)}", payload.content


def _extension(kind: str) -> str:
    return kind if kind in _OWN_EXTENSION else _EXTENSIONS.get(kind, "bin")


def _stem(report: Report, names: list[str]) -> str:
    artifact = report.artifact
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", artifact.name or Path(artifact.path).name)[:64].strip("._-")
    # A directory has no SHA-256; those of its payloads then stand for it.
    digest = artifact.sha256 or hashlib.sha256("\n".join(names).encode()).hexdigest()
    return f"{name or 'payloads'}-{digest[:12]}"


def _parts(members: list[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    part: list[tuple[str, bytes]] = []
    size = 0
    for name, content in members:
        if part and (len(part) >= _MAX_MEMBERS or size + len(content) > _MAX_BYTES):
            yield part
            part, size = [], 0
        part.append((name, content))
        size += len(content)
    yield part


def _zip(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip of stored, encrypted members (APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16)."""
    body, directory = bytearray(), bytearray()
    count = 0
    for name, content in members:
        crc = zlib.crc32(content)
        encrypted = _encrypt(content, crc)
        raw_name = name.encode("ascii")
        common = struct.pack(
            "<5H3L2H",
            *(_VERSION, _ENCRYPTED, _STORED, _TIME, _DATE),
            *(crc, len(encrypted), len(content), len(raw_name), 0),
        )
        directory += b"PK\1\2" + struct.pack("<H", _VERSION) + common
        directory += struct.pack("<3H2L", 0, 0, 0, 0, len(body)) + raw_name
        body += b"PK\3\4" + common + raw_name + encrypted
        count += 1
    end = b"PK\5\6" + struct.pack("<4H2LH", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def _encrypt(content: bytes, crc: int) -> bytes:
    """Return the 12-byte encryption header and `content`, both encrypted with the password.

    The header is meant to be random, so that equal contents differ; a hash of the content makes it the same
    each time instead. Its last byte is the high byte of the CRC, by which readers check the password.
    """
    header = hashlib.sha256(b"pydepgate" + content).digest()[: _HEADER_SIZE - 1] + bytes((crc >> 24,))
    table = _crc_table()
    key0, key1, key2 = 0x12345678, 0x23456789, 0x34567890
    for byte in PASSWORD:
        key0 = key0 >> 8 ^ table[(key0 ^ byte) & 0xFF]
        key1 = (key1 + (key0 & 0xFF)) * 0x08088405 + 1 & 0xFFFFFFFF
        key2 = key2 >> 8 ^ table[(key2 ^ key1 >> 24) & 0xFF]
    encrypted = bytearray(header + content)
    for index, byte in enumerate(encrypted):
        word = key2 & 0xFFFF | 2
        encrypted[index] = byte ^ (word * (word ^ 1) >> 8 & 0xFF)
        key0 = key0 >> 8 ^ table[(key0 ^ byte) & 0xFF]
        key1 = (key1 + (key0 & 0xFF)) * 0x08088405 + 1 & 0xFFFFFFFF
        key2 = key2 >> 8 ^ table[(key2 ^ key1 >> 24) & 0xFF]
    return bytes(encrypted)


def _crc_table() -> list[int]:
    """Return the byte table of CRC-32 (reflected, polynomial 0xEDB88320)."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        table.append(value)
    return table
