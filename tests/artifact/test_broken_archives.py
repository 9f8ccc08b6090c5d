"""Broken and hostile archives: what can be read is read, the rest is said, nothing else happens."""

from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pydepgate.artifact import open_artifact
from pydepgate.errors import ArtifactError
from pydepgate.limits import Limits
from pydepgate.model import Member, Note
from tests.artifact.builders import (
    CODE,
    PACK,
    SDIST_FILES,
    WHEEL_FILES,
    make_tar,
    make_tar_of,
    make_zip,
    opened,
    raw_zip,
    tar_file,
)

ARCHIVE_NAMES = ["a.whl", "a.zip", "a.egg", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz", "a.tar"]


@pytest.mark.parametrize("name", ARCHIVE_NAMES)
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"<html>404 not found</html>", "not an archive"),
        (b"\0" * 2048, "only zeros"),
        (gzip.compress(b"no tar" * 500), "no tar archive in it"),
        (make_tar(SDIST_FILES, codec="gzip")[:40], "no tar archive in it"),
        (b"PK\3\4", "nothing in this zip can be read"),
        (make_zip(WHEEL_FILES)[:25], "nothing in this zip can be read"),
    ],
    ids=["empty", "words", "zeros", "gzip-of-text", "cut-tar-gz", "zip-magic", "cut-zip"],
)
def test_nothing_readable_is_one_clear_line(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    with pytest.raises(ArtifactError, match=reason) as caught:
        opened(tmp_path, data, name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_zip_full_of_false_headers_is_given_up(tmp_path: Path) -> None:
    names_of_64_kib = b"PK\3\4" + b"\xff" * 26
    found = opened(tmp_path, make_zip({"a.py": CODE}) + names_of_64_kib * 150_000, "a.zip")
    assert list(found.files) == ["a.py"]
    assert "headers that are none" in found.note("archive.damaged").message


def test_truncated_zip_gives_what_is_left(tmp_path: Path) -> None:
    files = {"a.py": CODE, "b.py": b"y = 1\n" * 10, "c.py": random.Random(1).randbytes(5000)}
    data = make_zip(files)
    found = opened(tmp_path, data[: data.index(b"c.py") + 2000], "a.whl")
    assert found.note("archive.truncated").file == ""
    assert {path: found.files[path] for path in ("a.py", "b.py")} == {path: files[path] for path in ("a.py", "b.py")}
    assert files["c.py"].startswith(found.files["c.py"])
    assert len(found.files["c.py"]) > 1000
    assert found.note("member.unreadable").file == "c.py"
    assert not found.members[-1].complete


@pytest.mark.parametrize("codec", ["gzip", "bzip2", "xz", ""])
def test_truncated_tar_gives_what_is_left(tmp_path: Path, codec: str) -> None:
    noise = random.Random(2).randbytes(2_000_000 if codec == "bzip2" else 100_000)
    data = make_tar({"p-1/setup.py": CODE, "p-1/noise.bin": noise}, codec=codec)
    found = opened(tmp_path, data[: len(data) // 2], "a.tar.gz")
    assert "archive.truncated" in found.codes
    assert found.files["p-1/setup.py"] == CODE
    assert noise.startswith(found.files["p-1/noise.bin"])
    assert not found.members[-1].complete


def test_tar_without_end_mark(tmp_path: Path) -> None:
    found = opened(tmp_path, make_tar({"a.py": CODE})[:1024])
    assert found.files == {"a.py": CODE}
    assert found.codes == {"archive.truncated"}


def test_data_behind_the_end_of_a_tar_is_read(tmp_path: Path) -> None:
    found = opened(tmp_path, make_tar({"a.py": CODE}) + make_tar({"b.py": CODE}))
    assert found.files == {"a.py": CODE, "b.py": CODE}
    assert found.codes == {"archive.trailing"}


def test_data_behind_a_gzip_stream_is_noted(tmp_path: Path) -> None:
    found = opened(tmp_path, make_tar({"a.py": CODE}, codec="gzip") + b"more")
    assert found.files == {"a.py": CODE}
    assert found.codes == {"archive.trailing"}


def test_wrong_gzip_checksum_loses_nothing(tmp_path: Path) -> None:
    data = bytearray(make_tar({"a.py": CODE}, codec="gzip"))
    data[-8] ^= 1
    found = opened(tmp_path, bytes(data))
    assert found.files == {"a.py": CODE}
    assert found.codes == {"archive.crc"}


def test_damaged_tar_header_is_passed_over(tmp_path: Path) -> None:
    data = bytearray(make_tar({"a.py": CODE, "b.py": CODE, "c.py": CODE}))
    data[1024 + 148] ^= 7
    found = opened(tmp_path, bytes(data))
    assert found.files == {"a.py": CODE, "c.py": CODE}
    assert found.codes == {"archive.damaged"}


@pytest.mark.parametrize("flags", [0x1, 0x41])
def test_encrypted_members(tmp_path: Path, flags: int) -> None:
    found = opened(tmp_path, raw_zip([(b"a.py", b"secret")], flags=flags), "a.whl")
    assert found.files == {}
    assert found.note("member.encrypted").file == "a.py"


@pytest.mark.parametrize("method", [1, 9, 93, 95, 99, 4711])
def test_unsupported_compression(tmp_path: Path, method: int) -> None:
    found = opened(tmp_path, raw_zip([(b"a.py", CODE)], method=method))
    assert found.files == {}
    assert "not supported" in found.note("member.unreadable").message


@pytest.mark.parametrize("method", [8, 12, 14])
def test_damaged_compressed_data(tmp_path: Path, method: int) -> None:
    found = opened(tmp_path, raw_zip([(b"a.py", b"\xff" * 100), (b"b.py", b"\x03\x00")], method=method))
    assert "member.unreadable" in found.codes


def test_wrong_checksum_is_noted_and_the_data_kept(tmp_path: Path) -> None:
    found = opened(tmp_path, raw_zip([(b"a.py", CODE)], crc=1))
    assert found.members == [Member("a.py", CODE, len(CODE))]
    assert found.codes == {"member.crc"}


def test_a_member_longer_than_it_declares(tmp_path: Path) -> None:
    found = opened(tmp_path, raw_zip([(b"a.py", CODE)], size=4, crc=zlib.crc32(CODE[:4])))
    assert found.files == {"a.py": CODE[:4]}
    assert found.codes == {"member.size"}


def test_a_member_shorter_than_it_declares(tmp_path: Path) -> None:
    found = opened(tmp_path, raw_zip([(b"a.py", CODE)], size=1 << 31))
    assert found.files == {"a.py": CODE}
    assert not found.members[0].complete
    assert found.codes == {"member.unreadable"}


def test_both_of_two_entries_of_one_name(tmp_path: Path) -> None:
    entries = [(b"a.py", b"first = 1\n"), (b"./a.py", b"second = 2\n")]
    for data in (raw_zip(entries), make_tar_of(tar_file(name.decode(), content) for name, content in entries)):
        found = opened(tmp_path, data)
        assert [(member.path, member.data) for member in found.members] == [
            ("a.py", b"first = 1\n"),
            ("a.py", b"second = 2\n"),
        ]
        assert found.note("member.duplicate").file == "a.py"


def test_entries_that_the_directory_does_not_list(tmp_path: Path) -> None:
    entries = [(b"a.py", CODE), (b"hidden.py", b"y = 2\n")]
    found = opened(tmp_path, raw_zip(entries, listed=1))
    assert found.files == {"a.py": CODE, "hidden.py": b"y = 2\n"}
    assert found.note("member.unlisted").file == "hidden.py"


def test_unlisted_entry_of_unknown_size(tmp_path: Path) -> None:
    packed = zlib.compress(CODE)[2:-4]
    hidden = b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, 8, 8, 0, 0, 0, 0, 0, 4, 0) + b"h.py" + packed
    found = opened(tmp_path, hidden + raw_zip([(b"a.py", CODE)]))
    assert found.files == {"a.py": CODE, "h.py": CODE}


def test_headers_that_name_a_member_differently(tmp_path: Path) -> None:
    found = opened(tmp_path, raw_zip([(b"notes.txt", CODE)], local_name=b"setup.py!"))
    assert found.files == {"notes.txt": CODE}
    assert "setup.py!" in found.note("member.mismatch").message


def test_unicode_path_field(tmp_path: Path) -> None:
    name = b"a.txt"
    field = b"\1" + struct.pack("<I", zlib.crc32(name)) + b"setup.py"
    found = opened(tmp_path, raw_zip([(name, CODE)], extra=struct.pack("<HH", 0x7075, len(field)) + field))
    assert found.files == {"setup.py": CODE}
    assert "a.txt" in found.note("member.path").message


@pytest.mark.parametrize(
    ("raw", "path", "problem"),
    [
        (b"caf\xe9.py", "caf\\xe9.py", "not UTF-8"),
        (b"a\x1b[2Jb.py", "a\\x1b[2Jb.py", "control"),
        ("a\u202egpj.py".encode(), "a\\u202egpj.py", "invisible"),
        (b"/etc/cron.d/x", "/etc/cron.d/x", "absolute"),
        (b"../../x.py", "../../x.py", "leaves the folder"),
        (b"C:/x.py", "C:/x.py", "absolute"),
    ],
)
def test_bad_names(tmp_path: Path, raw: bytes, path: str, problem: str) -> None:
    name = raw.decode("utf-8", "surrogateescape")
    for data in (raw_zip([(raw, CODE)], flags=0x800), make_tar({name: CODE}), make_tar({name: CODE}, codec="xz")):
        found = opened(tmp_path, data)
        assert found.files == {path: CODE}
        assert problem in found.note("member.path").message
        assert found.note("member.path").file == path
        path.encode()


def test_backslashes_in_zip_names_separate(tmp_path: Path) -> None:
    found = opened(tmp_path, raw_zip([(b"pkg\\mod.py", CODE)]))
    assert found.files == {"pkg/mod.py": CODE}
    assert "backslash" in found.note("member.path").message


def test_zip_names_end_at_a_nul(tmp_path: Path) -> None:
    found = opened(tmp_path, raw_zip([(b"a.pth\0.txt", CODE)]))
    assert found.files == {"a.pth": CODE}
    assert "NUL" in found.note("member.path").message


def test_a_member_without_name(tmp_path: Path) -> None:
    found = opened(tmp_path, raw_zip([(b"", CODE)]))
    assert found.files == {"(unnamed)": CODE}


def test_symbolic_links_in_zips_are_files(tmp_path: Path) -> None:
    found = opened(tmp_path, raw_zip([(b"setup.py", CODE)], mode=0o120777))
    assert found.files == {"setup.py": CODE}
    assert found.note("member.link").file == "setup.py"


def test_links_in_tars_stand_for_files_of_the_archive(tmp_path: Path) -> None:
    data = make_tar_of(
        [
            tar_file("p/hard.py", kind=tarfile.LNKTYPE, link="p/docs/notes.txt"),
            tar_file("p/docs/notes.txt", CODE),
            tar_file("p/setup.py", kind=tarfile.SYMTYPE, link="docs/../docs/notes.txt"),
            tar_file("p/chain.py", kind=tarfile.SYMTYPE, link="setup.py"),
            tar_file("p/out.py", kind=tarfile.SYMTYPE, link="../../etc/passwd"),
            tar_file("p/loop.py", kind=tarfile.SYMTYPE, link="loop.py"),
        ],
        codec="gzip",
    )
    found = opened(tmp_path, data)
    assert found.files == dict.fromkeys(["p/docs/notes.txt", "p/hard.py", "p/setup.py", "p/chain.py"], CODE)
    links = {note.file: note.message for note in found.notes if note.code == "member.link"}
    assert set(links) == {"p/out.py", "p/loop.py"}
    assert "../../etc/passwd" in links["p/out.py"]
    assert "3;" in found.note("archive.links").message


def test_devices_in_tars(tmp_path: Path) -> None:
    kinds = {"fifo": tarfile.FIFOTYPE, "char": tarfile.CHRTYPE, "block": tarfile.BLKTYPE}
    data = make_tar_of([*(tar_file(name, kind=kind) for name, kind in kinds.items()), tar_file("a.py", CODE)])
    found = opened(tmp_path, data)
    assert found.files == {"a.py": CODE}
    assert {note.file for note in found.notes if note.code == "member.device"} == set(kinds)


def test_unknown_tar_types_are_files_as_for_installers(tmp_path: Path) -> None:
    found = opened(tmp_path, make_tar_of([tar_file("a.py", CODE, kind=b"Z")]))
    assert found.files == {"a.py": CODE}


def _read(data: bytes) -> list[Member | Note]:
    limits = Limits(members=300, member_bytes=200_000, artifact_bytes=1_000_000, nesting=2)
    try:
        with open_artifact("-", limits=limits, stdin=io.BytesIO(data)) as artifact:
            return list(artifact.members())
    except ArtifactError as error:
        return [Note("error", str(error))]


NESTED = {"p/a.zip": make_zip({"x.py": CODE}), "p/b.tar": make_tar({"y.py": CODE}), "p/setup.py": CODE * 50}
SEEDS = [
    make_zip(WHEEL_FILES),
    make_zip(NESTED),
    make_zip(NESTED, method=12),
    make_zip(NESTED, method=14),
    raw_zip([(b"a.py", CODE), (b"b.py", CODE)], listed=1),
    make_tar(NESTED),
    make_tar(NESTED, form=tarfile.GNU_FORMAT),
    make_tar({"p/" + "n" * 200: CODE, "q": CODE}),
    *(pack(make_tar(NESTED)) for pack in PACK.values()),
]
cuts = st.tuples(st.sampled_from(["flip", "cut", "insert", "copy", "ones"]), st.integers(0), st.integers(0, 255))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.sampled_from(SEEDS), changes=st.lists(cuts, min_size=1, max_size=6))
@example(seed=SEEDS[0], changes=[("cut", 0, 0)])
def test_no_mutation_gets_through(seed: bytes, changes: list[tuple[str, int, int]]) -> None:
    data = bytearray(seed)
    for what, where, value in changes:
        at = where % (len(data) + 1)
        if what == "flip" and at < len(data):
            data[at] ^= value or 1
        elif what == "cut":
            del data[at : at + value * 8]
        elif what == "insert":
            data[at:at] = bytes([value]) * 9
        elif what == "copy":
            data[at:at] = data[at : at + value * 4]
        elif what == "ones":
            data[at : at + 8] = b"\xff" * len(data[at : at + 8])
    for item in _read(bytes(data)):
        text = item.path if isinstance(item, Member) else item.file + item.message
        text.encode()
        assert "\x1b" not in text
        assert "\n" not in text


@settings(max_examples=200, deadline=None)
@given(magic=st.sampled_from([b"PK\3\4", b"PK\5\6", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b""]), tail=st.binary())
def test_no_noise_gets_through(magic: bytes, tail: bytes) -> None:
    assert isinstance(_read(magic + tail), list)
