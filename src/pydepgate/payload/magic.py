"""Binary formats told by their signature, and by more than the signature where it is short.

Sources: PE/COFF specification (Microsoft), System V ABI (ELF), `mach-o/loader.h` and `fat.h` (Apple), APPNOTE 6.3.10
(zip), POSIX.1 ustar, RFC 1952 (gzip), RFC 1950 (zlib), the xz, 7-Zip, RAR and bzip2 file formats, PNG (ISO/IEC 15948),
JFIF (ITU-T T.81), GIF89a, BMP and ICO (Microsoft), RIFF/WebP, ISO 32000 (PDF).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

Named = tuple[str, str]
"""A kind's name and its detail."""

_PE_MACHINES = {0x14C: "x86", 0x8664: "x86-64", 0x1C0: "ARM", 0x1C4: "ARM", 0xAA64: "ARM64"}
_ELF_MACHINES = {
    0x03: "x86", 0x08: "MIPS", 0x14: "PowerPC", 0x15: "PowerPC64", 0x16: "S390", 0x28: "ARM", 0x3E: "x86-64",
    0xB7: "ARM64", 0xF3: "RISC-V", 0x102: "LoongArch",
}  # fmt: skip
_ELF_TYPES = {1: "object", 2: "executable", 3: "shared object", 4: "core"}
_MACH_MACHINES = {0x7: "x86", 0x1000007: "x86-64", 0xC: "ARM", 0x100000C: "ARM64", 0x12: "PowerPC"}
_MACH_THIN = {b"\xfe\xed\xfa\xce": ">", b"\xfe\xed\xfa\xcf": ">", b"\xce\xfa\xed\xfe": "<", b"\xcf\xfa\xed\xfe": "<"}

TAR_BLOCK = 512
"""Bytes of a tar header (POSIX.1 ustar)."""

_PE_DLL = 0x2000
_MACH_HEADER = 28
"""Bytes of the shorter of the two headers; that of a fat file, with one architecture, is as long."""
_MAX_FAT_ARCHITECTURES = 30
"""A Java class file has the same first four bytes as a fat Mach-O; its next field holds its version."""
_OLDEST_JAVA, _NEWEST_JAVA = 45, 90
"""Major versions of class files: Java 1.1, and well beyond what there is."""

_PREFIXES: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png", ""),
    (b"\xff\xd8\xff", "jpeg", ""),
    (b"GIF87a", "gif", ""),
    (b"GIF89a", "gif", ""),
    (b"%PDF-", "pdf", ""),
    (b"PK\x03\x04", "zip", ""),
    (b"PK\x05\x06", "zip", "empty"),
    (b"PK\x07\x08", "zip", "spanned"),
    (b"\x1f\x8b\x08", "gzip", ""),
    (b"\xfd7zXZ\x00", "xz", ""),
    (b"7z\xbc\xaf\x27\x1c", "7z", ""),
    (b"Rar!\x1a\x07\x00", "rar", "version 4"),
    (b"Rar!\x1a\x07\x01\x00", "rar", "version 5"),
    (b"SQLite format 3\x00", "sqlite", ""),
    (b"\x00asm", "wasm", ""),
    (b"\x28\xb5\x2f\xfd", "zstd", ""),
)


def binary_format(data: bytes, /) -> Named | None:
    """Return the name and detail of the binary format of `data`, or None if no signature fits."""
    for prefix, name, detail in _PREFIXES:
        if data.startswith(prefix):
            return name, detail
    for check in _CHECKS:
        found = check(data)
        if found is not None:
            return found
    return None


def _pe(data: bytes) -> Named | None:
    if data[:2] != b"MZ" or len(data) < 0x40:
        return None
    header = struct.unpack_from("<I", data, 0x3C)[0]
    if header + 24 > len(data):
        # Cut before the PE header: the DOS stub's own text is the next best evidence.
        return ("pe", "cut") if b"DOS mode" in data[:512] and header < 1 << 20 else None
    if data[header : header + 4] != b"PE\0\0":
        return None
    machine = struct.unpack_from("<H", data, header + 4)[0]
    flags = struct.unpack_from("<H", data, header + 22)[0]
    return "pe", _PE_MACHINES.get(machine, f"machine {machine:#x}") + (" DLL" if flags & _PE_DLL else "")


def _elf(data: bytes) -> Named | None:
    if data[:4] != b"\x7fELF" or len(data) < 20 or data[4] not in (1, 2) or data[5] not in (1, 2):
        return None
    kind, machine = struct.unpack_from("<HH" if data[5] == 1 else ">HH", data, 16)
    detail = _ELF_MACHINES.get(machine, f"machine {machine:#x}")
    return "elf", f"{detail} {_ELF_TYPES[kind]}" if kind in _ELF_TYPES else detail


def _mach_o(data: bytes) -> Named | None:
    # the magic alone is a favourite of people who make up test data
    if len(data) < _MACH_HEADER:
        return None
    order = _MACH_THIN.get(data[:4])
    if order is not None:
        machine = struct.unpack_from(order + "I", data, 4)[0]
        return ("mach-o", _MACH_MACHINES[machine]) if machine in _MACH_MACHINES else None
    if data[:4] in (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"):
        count, first = struct.unpack_from(">II", data, 4)
        if 0 < count <= _MAX_FAT_ARCHITECTURES and first in _MACH_MACHINES:
            return "mach-o", f"universal, {count} architectures"
        return ("java-class", "") if _OLDEST_JAVA <= count & 0xFFFF <= _NEWEST_JAVA else None
    return None


def _bzip2(data: bytes) -> Named | None:
    # The magic of a block (pi) or of the end of an empty stream (square root of pi) follows the level.
    if data[:3] == b"BZh" and data[3:4] in b"123456789" and data[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"):
        return "bzip2", ""
    return None


def _bmp(data: bytes) -> Named | None:
    if data[:2] != b"BM" or len(data) < 18:
        return None
    pixels, header = struct.unpack_from("<II", data, 10)
    return ("bmp", "") if header in (12, 40, 52, 56, 64, 108, 124) and pixels >= 14 + header else None


def _ico(data: bytes) -> Named | None:
    if data[:4] not in (b"\0\0\1\0", b"\0\0\2\0") or len(data) < 22:
        return None
    count = struct.unpack_from("<H", data, 4)[0]
    size, offset = struct.unpack_from("<II", data, 14)
    fits = 0 < count <= 256 and data[9] == 0 and offset >= 6 + 16 * count and 0 < size < 1 << 24
    return ("ico", "") if fits else None


def _webp(data: bytes) -> Named | None:
    return ("webp", "") if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _tar(data: bytes) -> Named | None:
    return ("tar", "") if is_tar(data) else None


def is_tar(data: bytes, /) -> bool:
    """Whether `data` starts with a tar header: it sums its own bytes, the sum's field counted as eight spaces."""
    if len(data) < TAR_BLOCK or not data[0]:
        return False
    header = data[:TAR_BLOCK]
    field = header[148:156].strip(b" \0")
    if not field or len(field) > 7 or field.translate(None, b"01234567"):
        return False
    return int(field, 8) == sum(header[:148]) + 8 * 32 + sum(header[156:])


def _lzma_alone(data: bytes) -> Named | None:
    return ("xz", "lzma alone") if is_lzma_alone(data) else None


def is_lzma_alone(data: bytes, /) -> bool:
    """Whether `data` starts with the header of lzma without a container (`doc/lzma-file-format.txt` of XZ Utils).

    It has no magic. The properties byte as every encoder writes it, a dictionary of a power of two or the sum of two,
    an unknown or fair size, and the first byte of the range coder, which is always 0, stand for one.
    """
    if data[:1] != b"\x5d" or len(data) < 18 or data[13]:
        return False
    dictionary, size = struct.unpack_from("<IQ", data, 1)
    fair = size == 0xFFFFFFFFFFFFFFFF or size < 1 << 38
    return bool(fair and dictionary >= 4096 and dictionary.bit_count() <= 2)


_CHECKS: tuple[Callable[[bytes], Named | None], ...] = (
    _pe, _elf, _mach_o, _bzip2, _bmp, _ico, _webp, _tar, _lzma_alone,
)  # fmt: skip
