"""Every limit: what is over it is never made, and a note says what was cut and what raises the limit."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from pydepgate.limits import MIB, Limits
from tests.artifact.builders import CODE, PACK, make_tar, make_zip, opened

ZEROS = bytes(24 * MIB)


@pytest.mark.parametrize(
    "data", [make_zip({"a.py": CODE * 100, "b.py": CODE}), make_tar({"a.py": CODE * 100, "b.py": CODE})]
)
def test_member_bytes(tmp_path: Path, data: bytes) -> None:
    found = opened(tmp_path, data, limits=Limits(member_bytes=300))
    assert found.files == {"a.py": (CODE * 100)[:300], "b.py": CODE}
    assert [member.complete for member in found.members] == [False, True]
    assert found.members[0].size == len(CODE) * 100
    note = found.note("limit.member-bytes")
    assert note.file == "a.py"
    assert "300" in note.message
    assert "--max-member-bytes" in note.message


def test_a_member_of_exactly_the_limit_is_whole(tmp_path: Path) -> None:
    found = opened(tmp_path, make_zip({"a.py": CODE}), limits=Limits(member_bytes=len(CODE)))
    assert found.members[0].complete
    assert not found.notes


@pytest.mark.parametrize("codec", ["zip", *PACK])
def test_members(tmp_path: Path, codec: str) -> None:
    files = {f"{index}.py": CODE for index in range(10)}
    data = make_zip(files) if codec == "zip" else make_tar(files, codec=codec)
    found = opened(tmp_path, data, limits=Limits(members=4))
    assert list(found.files) == ["0.py", "1.py", "2.py", "3.py"]
    assert "--max-members" in found.note("limit.members").message
    assert not opened(tmp_path, data, limits=Limits(members=10)).notes


def test_members_of_nested_archives_count(tmp_path: Path) -> None:
    inner = make_zip({f"{index}.py": CODE for index in range(10)})
    found = opened(tmp_path, make_zip({"a.zip": inner, "b.py": CODE}), limits=Limits(members=5))
    assert len(found.members) == 5
    assert "limit.members" in found.codes


@pytest.mark.parametrize("codec", ["zip", *PACK])
def test_artifact_bytes(tmp_path: Path, codec: str) -> None:
    files = {f"{index}.py": CODE * 1000 for index in range(10)}
    data = make_zip(files) if codec == "zip" else make_tar(files, codec=codec)
    found = opened(tmp_path, data, limits=Limits(artifact_bytes=35_000))
    assert 20_000 <= sum(len(member.data) for member in found.members) <= 35_000
    assert "--max-artifact-bytes" in found.note("limit.artifact-bytes").message


@pytest.mark.parametrize("codec", ["zip", "gzip", "bzip2", "xz"])
def test_ratio(tmp_path: Path, codec: str) -> None:
    files = {"a.bin": ZEROS, "b.py": CODE}
    data = make_zip(files) if codec == "zip" else make_tar(files, codec=codec)
    found = opened(tmp_path, data)
    assert 7 * MIB < len(found.files["a.bin"]) < 9 * MIB
    assert not found.members[0].complete
    assert "--max-ratio" in found.note("limit.ratio").message
    assert ("b.py" in found.files) == (codec == "zip")
    assert "limit.ratio" not in opened(tmp_path, data, limits=Limits(ratio=10_000_000)).codes


def test_a_bomb_is_not_made(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive, archive.open("a.bin", "w") as file:
        for _ in range(200):
            file.write(bytes(MIB))
    tracemalloc.start()
    try:
        found = opened(tmp_path, buffer.getvalue())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "limit.ratio" in found.codes
    assert peak < 40 * MIB


def test_nesting(tmp_path: Path) -> None:
    data = make_zip({"x.py": CODE})
    for index in range(5):
        data = make_zip({f"{index}.zip": data})
    found = opened(tmp_path, data)
    assert list(found.files) == ["4.zip", "4.zip!/3.zip", "4.zip!/3.zip!/2.zip", "4.zip!/3.zip!/2.zip!/1.zip"]
    note = found.note("limit.nesting")
    assert note.file == "4.zip!/3.zip!/2.zip!/1.zip"
    assert "--max-nesting" in note.message
    assert opened(tmp_path, data, limits=Limits(nesting=5)).members[-1].data == CODE


def test_nesting_of_a_thousand_archives(tmp_path: Path) -> None:
    data = make_zip({"x.py": CODE})
    for _ in range(1000):
        data = make_zip({"z": data}, method=zipfile.ZIP_STORED)
    found = opened(tmp_path, data, limits=Limits(nesting=5000))
    assert found.members[-1].data == CODE


def test_a_truncated_zip_of_many_small_members(tmp_path: Path) -> None:
    data = make_zip({f"{index}.py": b"" for index in range(3000)} | {"pad": bytes(range(256)) * 20_000}, method=0)
    found = opened(tmp_path, data[:-300_000])
    assert len(found.members) == 3001


def test_a_file_of_empty_gzip_streams_ends(tmp_path: Path) -> None:
    data = PACK["gzip"](make_tar({"a.py": CODE})) + PACK["gzip"](b"") * 150_000
    found = opened(tmp_path, data)
    assert found.files == {"a.py": CODE}
    assert found.codes == {"archive.trailing"}


def test_very_long_names_lose_their_middle(tmp_path: Path) -> None:
    found = opened(tmp_path, make_tar({"a/" * 5000 + "b.py": CODE}))
    (path,) = found.files
    assert len(path) < 1100
    assert path.endswith("a/b.py")
    assert "longer" in found.note("member.path").message
