"""Every kind of container, told by its content."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pydepgate.artifact import open_artifact
from pydepgate.artifact.formats import may_be_archive
from pydepgate.errors import ArtifactError
from pydepgate.limits import HEAD_BYTES, Limits
from pydepgate.model import Member
from tests.artifact.builders import (
    CODE,
    EGG_FILES,
    SDIST_FILES,
    WHEEL_FILES,
    make_tar,
    make_tar_of,
    make_zip,
    opened,
    tar_file,
)

NAMES = ["a.whl", "a.zip", "a.egg", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz", "a.tar", "a", "a.py"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("data", "kind", "files"),
    [
        (make_zip(WHEEL_FILES), "wheel", WHEEL_FILES),
        (make_zip(EGG_FILES), "egg", EGG_FILES),
        (make_zip(SDIST_FILES), "sdist", SDIST_FILES),
        (make_tar(SDIST_FILES), "sdist", SDIST_FILES),
        (make_tar(SDIST_FILES, codec="gzip"), "sdist", SDIST_FILES),
        (make_tar(SDIST_FILES, codec="bzip2"), "sdist", SDIST_FILES),
        (make_tar(SDIST_FILES, codec="xz"), "sdist", SDIST_FILES),
    ],
)
def test_content_tells_the_container_whatever_its_name(
    tmp_path: Path, name: str, data: bytes, kind: str, files: dict[str, bytes]
) -> None:
    found = opened(tmp_path, data, name)

    assert (found.info.kind, found.info.name, found.info.version) == (kind, "demo-pkg", "1.2.3")
    assert found.files == files
    assert found.codes == ({"wheel.no-dist-info"} if name == "a.whl" and kind != "wheel" else set())
    assert found.info.sha256 == hashlib.sha256(data).hexdigest()
    assert found.info.size == len(data)
    assert found.info.path == str(tmp_path / name)
    assert all(member.complete for member in found.members)


def test_archives_of_no_package_are_zip_or_tar(tmp_path: Path) -> None:
    files = {"a/b/data.txt": b"x", "c.txt": b""}
    assert opened(tmp_path, make_zip(files)).info.kind == "zip"
    assert opened(tmp_path, make_tar(files, codec="gzip")).info.kind == "tar"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_zip_compression(tmp_path: Path, method: int) -> None:
    files = {"pkg/a.py": CODE * 5000, "pkg/empty.py": b"", "pkg/b.bin": bytes(range(256)) * 100}
    found = opened(tmp_path, make_zip(files, method=method))
    assert found.files == files
    assert not found.notes


def test_zip_written_as_a_stream_with_data_descriptors(tmp_path: Path) -> None:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    buffer = Unseekable()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pkg/a.py", CODE * 100)
        archive.writestr("pkg/b.py", CODE)
    found = opened(tmp_path, buffer.getvalue())
    assert found.files == {"pkg/a.py": CODE * 100, "pkg/b.py": CODE}
    assert not found.notes


def test_zip64_sizes(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("pkg/a.py", "w", force_zip64=True) as file:
        file.write(CODE)
    found = opened(tmp_path, buffer.getvalue())
    assert found.files == {"pkg/a.py": CODE}
    assert not found.notes


def test_zip_behind_a_prefix_and_in_front_of_a_comment(tmp_path: Path) -> None:
    buffer = io.BytesIO(b"#!/usr/bin/env python\n" * 50)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("__main__.py", CODE)
        archive.comment = b"a comment" * 1000
    found = opened(tmp_path, buffer.getvalue(), "app.pyz")
    assert found.files == {"__main__.py": CODE}
    assert found.info.kind == "zip"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_dialects_with_long_names(tmp_path: Path, form: int) -> None:
    long = "/".join(["folder" * 3] * 9) + "/module.py"
    found = opened(tmp_path, make_tar({long: CODE, "b.py": b"y = 2\n"}, form=form))
    assert found.files == {long: CODE, "b.py": b"y = 2\n"}
    assert not found.notes


def test_tar_of_several_gzip_streams(tmp_path: Path) -> None:
    plain = make_tar(SDIST_FILES)
    data = gzip.compress(plain[:700]) + gzip.compress(plain[700:]) + b"\0" * 512
    found = opened(tmp_path, data, "a.tar.gz")
    assert found.files == SDIST_FILES
    assert not found.notes


def test_gzip_header_fields_are_passed_over(tmp_path: Path) -> None:
    packed = make_tar(SDIST_FILES, codec="gzip")
    header = b"\x1f\x8b\x08" + bytes([4 | 8 | 16 | 2]) + packed[4:10] + b"\3\0abc" + b"name\0" + b"comment\0" + b"hc"
    found = opened(tmp_path, header + packed[10:])
    assert found.files == SDIST_FILES


def test_sparse_files_give_what_is_stored(tmp_path: Path) -> None:
    info, data = tar_file("a.py", b"1\n0\n10\n".ljust(512, b"\0") + CODE)
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "b.py"}
    found = opened(tmp_path, make_tar_of([(info, data), tar_file("c.py", CODE)]))
    assert found.files == {"b.py": CODE, "c.py": CODE}
    assert found.codes == {"member.sparse"}


@pytest.mark.parametrize(("name", "kind"), [("a.py", "python"), ("b.pth", "pth"), ("c.txt", "file"), ("d", "file")])
def test_a_lone_file(tmp_path: Path, name: str, kind: str) -> None:
    found = opened(tmp_path, CODE, name)
    assert found.info.kind == kind
    assert found.items == [Member(name, CODE, len(CODE))]


def test_an_empty_python_file_is_fine(tmp_path: Path) -> None:
    assert opened(tmp_path, b"", "a.py").items == [Member("a.py", b"", 0)]


def test_a_lone_gzip_that_is_no_tar_is_a_file(tmp_path: Path) -> None:
    data = gzip.compress(b"some text" * 200)
    found = opened(tmp_path, data, "notes.gz")
    assert found.info.kind == "file"
    assert found.files == {"notes.gz": data}


@pytest.mark.parametrize(
    ("data", "kind", "path"),
    [
        (make_zip(WHEEL_FILES), "wheel", "demo_pkg/__init__.py"),
        (CODE, "python", "stdin.py"),
        (b"a\0b", "file", "stdin"),
    ],
)
def test_standard_input(data: bytes, kind: str, path: str) -> None:
    with open_artifact("-", stdin=io.BytesIO(data)) as artifact:
        assert (artifact.info.path, artifact.info.kind) == ("-", kind)
        assert path in {item.path for item in artifact.members() if isinstance(item, Member)}


def test_standard_input_is_cut_at_the_limit() -> None:
    with open_artifact("-", stdin=io.BytesIO(CODE * 10), limits=Limits(artifact_bytes=25)) as artifact:
        note, member = artifact.members()
    assert isinstance(member, Member)
    assert member.data == (CODE * 10)[:25]
    assert "--max-artifact-bytes" in str(note)


def test_empty_standard_input() -> None:
    with pytest.raises(ArtifactError, match="standard input is empty"), open_artifact("-", stdin=io.BytesIO()):
        pass


def test_members_can_be_read_twice(tmp_path: Path) -> None:
    target = tmp_path / "a.tar.gz"
    target.write_bytes(make_tar(SDIST_FILES, codec="gzip"))
    with open_artifact(target) as artifact:
        assert list(artifact.members()) == list(artifact.members()) != []


def test_nested_archives(tmp_path: Path) -> None:
    inner = make_zip({"inner.py": CODE})
    middle = make_tar({"lib/inner.zip": inner}, codec="gzip")
    found = opened(tmp_path, make_tar({"pkg/data.bin": middle, "z.py": CODE}))
    assert found.files == {
        "pkg/data.bin": middle,
        "pkg/data.bin!/lib/inner.zip": inner,
        "pkg/data.bin!/lib/inner.zip!/inner.py": CODE,
        "z.py": CODE,
    }
    assert [member.path for member in found.members][-1] == "z.py"


def test_damage_in_a_nested_archive_is_placed_there(tmp_path: Path) -> None:
    found = opened(tmp_path, make_zip({"a.zip": make_zip({"b.py": CODE})[:-30], "c.py": CODE}))
    assert found.files["a.zip!/b.py"] == CODE
    assert found.note("archive.truncated").file == "a.zip"
    assert found.files["c.py"] == CODE


@pytest.mark.parametrize(
    "head",
    [
        b"\x7fELF\2\1\1\0",
        (b"MZ" + b"\0" * 58 + b"\x80\0\0\0").ljust(128, b"\0") + b"PE\0\0",
        b"\xcf\xfa\xed\xfe\7\0\0\1",
    ],
)
def test_only_the_head_of_native_binaries_is_read(tmp_path: Path, head: bytes) -> None:
    data = head + b"\0" * 100_000
    found = opened(tmp_path, make_zip({"lib.so": data, "trick.py": data}))
    binary, python = found.members
    assert (binary.data, binary.size, binary.complete) == (data[:HEAD_BYTES], len(data), False)
    assert python.data == data
    assert not found.notes


def test_python_that_starts_like_a_binary_is_read_whole(tmp_path: Path) -> None:
    data = b"MZ = 1\n" + b"x = 2\n" * 2000
    assert opened(tmp_path, make_zip({"data.txt": data})).files == {"data.txt": data}


@pytest.mark.parametrize("codec", ["", "gzip"])
def test_a_file_that_is_a_tar_and_a_zip_is_read_as_both(tmp_path: Path, codec: str) -> None:
    data = make_tar(SDIST_FILES, codec=codec) + make_zip({"setup.py": b"other = 1\n"}, method=zipfile.ZIP_STORED)
    found = opened(tmp_path, data)
    assert "archive.polyglot" in found.codes
    assert found.files["setup.py"] == b"other = 1\n"
    assert found.files["demo_pkg-1.2.3/setup.py"] == CODE


def test_metadata_ends_at_the_first_empty_line_and_is_made_printable(tmp_path: Path) -> None:
    metadata = b"Name: a\x1b[31m\nVersion: 1\n  folded\n\nName: b\n"
    found = opened(tmp_path, make_zip({"x.dist-info/METADATA": metadata}), "x.whl")
    assert (found.info.name, found.info.version) == ("a\\x1b[31m", "1")


def test_a_wheel_without_dist_info_is_noted(tmp_path: Path) -> None:
    found = opened(tmp_path, make_zip({"a.py": CODE}), "a-1-py3-none-any.whl")
    assert found.info.kind == "zip"
    assert found.codes == {"wheel.no-dist-info"}
    assert found.files == {"a.py": CODE}


def test_an_empty_zip_is_noted(tmp_path: Path) -> None:
    found = opened(tmp_path, make_zip({}), "a.zip")
    assert found.codes == {"archive.empty"}


paths = st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=40), min_size=1, max_size=4).map(
    "/".join
)
plain = st.binary(max_size=2000).filter(lambda data: not may_be_archive(data))
contents = st.dictionaries(paths, plain, min_size=1, max_size=5).filter(
    lambda files: not any(other.startswith(path + "/") for path in files for other in files)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=contents, form=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), codec=st.sampled_from(["", "gzip"])
)
def test_tar_and_zip_give_back_what_the_standard_library_wrote(
    tmp_path: Path, files: dict[str, bytes], form: int, codec: str
) -> None:
    for data in (make_tar(files, form=form, codec=codec), make_zip(files)):
        found = opened(tmp_path, data)
        assert found.files == files
        assert not found.notes
