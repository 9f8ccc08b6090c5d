from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydepgate.model import Report
from pydepgate.report import extract
from pydepgate.report.extract import write_payloads
from tests.report.samples import CALM, LITELLM, LOADER, ONE_LINER, ORCHESTRATOR, STEALER, payload


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert all(info.flag_bits & 1 for info in archive.infolist())
        return {name: archive.read(name, pwd=b"infected") for name in archive.namelist()}


def with_contents(*items: bytes, final: str = "pe") -> Report:
    findings = tuple(
        dataclasses.replace(LITELLM.findings[1], payload=payload(item, line=1, column=1, length=len(item), final=final))
        for item in items
    )
    return dataclasses.replace(LITELLM, findings=findings)


def test_every_payload_once_by_its_own_hash(tmp_path: Path) -> None:
    (path,) = write_payloads(LITELLM, tmp_path / "new" / "folder")
    assert path.name == "litellm-000000000000.zip"
    written = contents(path)
    key = b"\x30\x82\x02\x22".ljust(550, b"\0")
    expected = {f"{hashlib.sha256(it).hexdigest()}.py": it for it in (LOADER, STEALER, ORCHESTRATOR, ONE_LINER)}
    assert written == expected | {f"{hashlib.sha256(key).hexdigest()}.bin": key}


def test_it_cannot_be_read_without_the_password(tmp_path: Path) -> None:
    (path,) = write_payloads(with_contents(b"payload payload payload"), tmp_path)
    assert b"payload" not in path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        name = archive.namelist()[0]
        with pytest.raises(RuntimeError, match="encrypted"):
            archive.read(name)
        with pytest.raises(RuntimeError, match="Bad password"):
            archive.read(name, pwd=b"wrong")


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    (first,) = write_payloads(LITELLM, tmp_path / "a")
    (second,) = write_payloads(LITELLM, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_nothing_to_write_writes_nothing(tmp_path: Path) -> None:
    assert write_payloads(CALM, tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_a_scanned_name_is_never_a_path(tmp_path: Path) -> None:
    report = with_contents(b"x", final="../../etc/passwd")
    report = dataclasses.replace(
        report,
        artifact=dataclasses.replace(report.artifact, name="../../up/\x1b[2J\udcff", sha256=""),
    )
    (path,) = write_payloads(report, tmp_path)
    assert path.parent == tmp_path
    assert path.name.isascii()
    assert path.name.isprintable()
    assert list(contents(path)) == [f"{hashlib.sha256(b'x').hexdigest()}.bin"]


def test_what_one_zip_cannot_hold_goes_on_in_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "_MAX_MEMBERS", 2)
    paths = write_payloads(with_contents(b"1", b"2", b"3"), tmp_path)
    assert [path.name for path in paths] == ["litellm-000000000000.zip", "litellm-000000000000-2.zip"]
    assert sorted(content for path in paths for content in contents(path).values()) == [b"1", b"2", b"3"]


@settings(max_examples=40)
@given(items=st.lists(st.binary(max_size=400), min_size=1, max_size=4))
def test_any_content_round_trips(items: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    (path,) = write_payloads(with_contents(*items), tmp_path_factory.mktemp("zip"))
    assert set(contents(path).values()) == set(items)
