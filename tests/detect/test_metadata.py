"""Names and metadata: what is evidence, and what is left alone."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from pydepgate import scan
from pydepgate.detect.names import is_gibberish, is_trial, likeness, popularity
from pydepgate.detect.package import package_signals
from pydepgate.metadata import core_fields, read_metadata
from pydepgate.model import ArtifactInfo, FileFacts, Runs, Signal


@pytest.mark.parametrize(
    ("name", "target", "how"),
    [
        ("reqeusts", "requests", "edit"),
        ("requestss", "requests", "edit"),
        ("easyflask", "flask", "affix"),
        ("Requets", "requests", "edit"),
        ("nunpy", "numpy", "edit"),
        ("co1orama", "colorama", "edit"),
        ("dateutil-python", "python-dateutil", "order"),
        ("python-requests", "requests", "affix"),
        ("requests-sdk", "requests", "affix"),
        ("aiohttp-garden", "aiohttp", "word"),
        ("typingextensions", "typing-extensions", "edit"),
        ("charsetnormalizer", "charset-normalizer", "edit"),
        ("charsetnormaliser", "charset-normalizer", "look-alike"),
        ("request5", "requests", "look-alike"),
    ],
)
def test_names_like_popular_ones(name: str, target: str, how: str) -> None:
    like = likeness(name)
    assert like is not None
    assert (like.target, like.how) == (target, how)


@pytest.mark.parametrize("name", ["requests", "Charset_Normalizer", "abc", "garden-weather-station", "x", ""])
def test_names_like_none(name: str) -> None:
    assert likeness(name) is None


def test_popular_names_are_in_the_order_of_downloads() -> None:
    requests, unknown = popularity("Requests"), popularity("garden-weather-station")
    assert requests is not None
    assert requests < 100
    assert unknown is None


@pytest.mark.parametrize(
    ("name", "gibberish"),
    [("xkqzvbnwpt", True), ("aaaabbbbxq", True), ("lab-7e11c0de", True), ("weather-station", False), ("numpy", False)],
)
def test_gibberish(name: str, gibberish: bool) -> None:
    assert is_gibberish(name) is gibberish


@pytest.mark.parametrize(
    ("name", "trial"), [("my-poc", True), ("test-upload-12", True), ("pytest", False), ("testament", False)]
)
def test_trials(name: str, trial: bool) -> None:
    assert is_trial(name) is trial


def test_core_metadata_is_read_with_its_continued_lines_and_body() -> None:
    fields = core_fields("Name: pkg\nLicense: one\n        two\nRequires-Dist: a\nRequires-Dist: b\n\nText: x\n")
    assert fields == {
        "name": ["pkg"],
        "license": ["one\ntwo"],
        "requires-dist": ["a", "b"],
        "description": ["Text: x"],
    }


def _file(path: str, text: str) -> FileFacts:
    return FileFacts(path, "data", len(text), text=text)


def test_what_was_built_counts_before_what_it_was_built_from() -> None:
    metadata = read_metadata(
        [
            _file(
                "p-1/setup.cfg", "[metadata]\nname = other\nauthor = me\n[options]\ninstall_requires =\n    a\n    b\n"
            ),
            _file("p-1/p.egg-info/PKG-INFO", "Name: pkg\nSummary: UNKNOWN\n"),
        ],
        base="p-1/",
    )
    assert metadata.first("name") == "pkg"
    assert not metadata.first("summary")
    assert not metadata.first("author")
    assert metadata.all("requires-dist") == ["a", "b"]


def test_metadata_of_a_copy_inside_is_not_the_package_s() -> None:
    metadata = read_metadata(
        [
            _file("pkg/_vendor/other-1.dist-info/METADATA", "Name: other\nAuthor: she\nRequires-Dist: x\n"),
            _file("pkg-1.dist-info/METADATA", "Name: pkg\n"),
        ]
    )
    assert metadata.fields == {"name": ["pkg"]}


def _names(*files: FileFacts, kind: str = "sdist", path: str = "pkg-1.tar.gz") -> set[str]:
    info = ArtifactInfo(path, kind)
    return {signal.name for signal in package_signals(info, files, [])}


def test_a_folder_that_is_no_package_shows_nothing() -> None:
    assert not _names(FileFacts("a.py", "python", 1, code_lines=1), kind="directory", path="folder")


@pytest.mark.parametrize(
    ("version", "high"),
    [
        ("99.0.0", True),
        ("9.9.9", True),
        ("1337.1", True),
        ("2024.1", False),
        ("20240131", False),
        ("9", False),
        ("80.9", False),
    ],
)
def test_versions_that_win(version: str, high: bool) -> None:
    found = _names(_file("pkg-1/PKG-INFO", f"Name: garden-tools\nVersion: {version}\n"))
    assert ("metadata.version-high" in found) is high


@pytest.mark.parametrize(
    ("path", "mismatch"),
    [
        ("garden-tools-1.0.tar.gz", False),
        ("garden_tools-1.0-2.tar.gz", True),
        ("Garden.Tools-1.0-py3-none-any.whl", False),
        ("lawn-4-tools-1.0.tar.gz", True),
        ("garden.zip", False),
    ],
)
def test_names_that_differ(path: str, mismatch: bool) -> None:
    found = _names(_file("pkg-1/PKG-INFO", "Name: garden-tools\nVersion: 1.0\n"), path=path)
    assert ("metadata.mismatch" in found) is mismatch


def test_what_is_said_of_the_author() -> None:
    text = "Name: garden-tools\nAuthor: {}\nAuthor-email: {}\n"
    assert "metadata.throwaway-author" in _names(_file("p/PKG-INFO", text.format("test", "a@garden.example")))
    assert "metadata.throwaway-author" in _names(_file("p/PKG-INFO", text.format("Ann Lee", "x@example.com")))
    good = _names(_file("p/PKG-INFO", text.format("Ann Lee", "hello@garden.invalid")))
    assert not good & {"metadata.throwaway-author", "metadata.no-email", "metadata.no-author"}


def test_a_started_file_that_is_not_there() -> None:
    setup = FileFacts("p/setup.py", "python", 9, code_lines=3)
    start = Signal("process.start", "p/setup.py", 3, 1, evidence=("subprocess.Popen: python collect.py",))

    def found(*files: FileFacts, runs: Runs = Runs.INSTALL) -> set[str]:
        info = ArtifactInfo("p-1.tar.gz", "sdist")
        return {signal.name for signal in package_signals(info, files, [(start, runs)])}

    assert "hook.missing-script" in found(setup)
    assert "hook.missing-script" not in found(setup, runs=Runs.CALL)
    assert "hook.missing-script" not in found(setup, FileFacts("p/collect.py", "python", 1))


def test_a_wheel_that_is_named_as_a_source_archive(tmp_path: Path) -> None:
    path = tmp_path / "reqeusts-1.0.tar.gz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("reqeusts/__init__.py", "def hello():\n    print('hello')\n")
        archive.writestr("reqeusts-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: reqeusts\nVersion: 1.0\n")
        archive.writestr("reqeusts-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    assert "empty-imitation" in [finding.rule for finding in scan(path).findings]


def test_constants_of_the_setup_script_are_its_metadata(tmp_path: Path) -> None:
    script = b"from setuptools import setup\nN = 'reqeu' + 'sts'\nsetup(name=N, version='1')\n"
    path = tmp_path / "r-1.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("r-1/setup.py")
        member.size = len(script)
        archive.addfile(member, io.BytesIO(script))
    assert "empty-imitation" in [finding.rule for finding in scan(path).findings]


def test_little_code_is_told_from_none(tmp_path: Path) -> None:
    small = FileFacts("p/p/__init__.py", "python", 9, code_lines=2)
    assert {"package.tiny", "package.single-file"} <= _names(small)
    assert "package.no-code" in _names(FileFacts("p/p/__init__.py", "python", 0))
    assert "package.large" in _names(FileFacts("p/p/__init__.py", "python", 9, code_lines=4_000))
    assert "package.large" not in _names(small)
    assert "package.no-code" not in _names(_file("p/p/__init__.pyi", ""))
