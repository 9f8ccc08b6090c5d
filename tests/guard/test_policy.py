"""The user's own list of what is let through and what is not."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pydepgate.guard.folders import cache_folder, config_folder
from pydepgate.guard.policy import PolicyError, read_policy, user_policy
from pydepgate.guard.versions import canonical

HASH = "ab" * 32
NOW = datetime(2030, 6, 30, 12, tzinfo=UTC)


def _policy(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "guard.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"version": "1.0"}, "the name"),
        ({"version": "1.2.0"}, "bad version"),
        ({"version": "1.2+cu121"}, "bad version"),
        ({"version": None}, "bad version"),
        ({"version": "1.2", "sha256": HASH}, "the very file"),
        ({"version": "3.0"}, "good versions"),
        ({"version": "3.1-rc.1"}, "good versions"),
        ({"version": "3.0+local"}, "the name"),
    ],
)
def test_the_most_exact_entry_decides(asked: dict[str, str], answer: str, tmp_path: Path) -> None:
    policy = read_policy(
        _policy(
            tmp_path,
            f"""
            [[deny]]
            name = "Lantern_Fold"
            reason = "the name"
            [[allow]]
            name = "lantern.fold"
            reason = "never reached: denied as exactly"
            [[deny]]
            name = "lantern-fold"
            version = "v1.2"
            reason = "bad version"
            [[allow]]
            name = "lantern-fold"
            version = ["3.0", "3.1rc1"]
            reason = "good versions"
            [[allow]]
            sha256 = "{HASH.upper()}"
            reason = "the very file"
            """,
        )
    )
    entry = policy.ask("lantern-FOLD", **asked)  # type: ignore[arg-type]
    assert entry is not None
    assert entry.reason == answer
    assert policy.ask("another", version="1.2") is None


@pytest.mark.parametrize(
    ("until", "counts"),
    [
        ("2030-06-30", True),
        ("2030-06-29", False),
        ("2030-06-30T12:00:01Z", True),
        ("2030-06-30T12:00:00", False),
        ("9999-12-31", True),
    ],
)
def test_an_entry_ends_after_its_last_day(until: str, counts: bool, tmp_path: Path) -> None:
    policy = read_policy(_policy(tmp_path, f'[[allow]]\nname = "a"\nreason = "r"\nuntil = {until}\n'))
    assert (policy.ask("a", now=NOW) is not None) == counts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[alow]]\nname = "a"', "unknown key 'alow'; did you mean 'allow'?"),
        ('[[allow]]\nnames = "a"', "allow entry 1: unknown key 'names'; did you mean 'name'?"),
        ('[[deny]]\nname = "a"\nreason = "r"\n[[deny]]\nreason = "r"', "deny entry 2: needs a 'name' or a 'sha256'"),
        ('[[deny]]\nname = "a"', "deny entry 1: needs a 'reason'"),
        ('[[deny]]\nname = "a"\nreason = 1', "'reason' must be a text"),
        ('[[deny]]\nname = "a"\nreason = "r"\nversion = ">=1"', "'>=1' is not one exact version"),
        ('[[deny]]\nname = "a"\nreason = "r"\nversion = 1.0', "'version' must be one version or a list"),
        (f'[[deny]]\nsha256 = "{HASH}"\nreason = "r"\nversion = "1"', "a 'version' needs a 'name'"),
        ('[[deny]]\nsha256 = "abc"\nreason = "r"', "64 hexadecimal digits"),
        ('[[deny]]\nname = "a"\nreason = "r"\nuntil = "soon"', "'until' must be a date"),
        ("allow = 1", "must be an array of tables"),
        ("[[allow]", "cannot be read"),
    ],
)
def test_a_wrong_policy_is_an_error_that_helps(text: str, message: str, tmp_path: Path) -> None:
    path = _policy(tmp_path, text)
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_policy_that_everybody_can_write_is_an_error(tmp_path: Path) -> None:
    path = _policy(tmp_path, "")
    path.chmod(0o666)
    with pytest.raises(PolicyError, match="every user can write"):
        read_policy(path)


def test_the_policy_is_never_that_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, home = tmp_path / "project", tmp_path / "home"
    for folder in (project, project / "pydepgate", project / ".config" / "pydepgate", home):
        folder.mkdir(parents=True)
        (folder / "guard.toml").write_text("[[allow]]\nname = 'evil'\nreason = 'r'\n")
    monkeypatch.chdir(project)
    for variables in ({}, {"XDG_CONFIG_HOME": "."}, {"XDG_CONFIG_HOME": ".config"}):
        assert user_policy({"HOME": str(home), "USERPROFILE": str(home), **variables}).entries == ()


@pytest.mark.skipif(os.name != "posix", reason="absolute paths are those of POSIX")
@pytest.mark.parametrize(
    ("platform", "variables", "cache", "config"),
    [
        ("linux", {}, "/home/a/.cache/pydepgate", "/home/a/.config/pydepgate"),
        ("linux", {"XDG_CACHE_HOME": "/c", "XDG_CONFIG_HOME": "/d"}, "/c/pydepgate", "/d/pydepgate"),
        ("linux", {"XDG_CACHE_HOME": "c"}, "/home/a/.cache/pydepgate", "/home/a/.config/pydepgate"),
        (
            "darwin",
            {"XDG_CACHE_HOME": "/c"},
            "/home/a/Library/Caches/pydepgate",
            "/home/a/Library/Application Support/pydepgate",
        ),
        ("win32", {"LOCALAPPDATA": "/l", "APPDATA": "/r"}, "/l/pydepgate/Cache", "/r/pydepgate"),
        (
            "win32",
            {"USERPROFILE": "/u"},
            "/u/AppData/Local/pydepgate/Cache",
            "/u/AppData/Roaming/pydepgate",
        ),
        ("linux", {"PYDEPGATE_CACHE_DIR": "/x"}, "/x", "/home/a/.config/pydepgate"),
    ],
)
def test_folders_are_those_of_the_platform(platform: str, variables: dict[str, str], cache: str, config: str) -> None:
    environment = {"HOME": "/home/a", **variables}
    assert cache_folder(environment, platform=platform) == Path(cache)
    assert config_folder(environment, platform=platform) == Path(config)


@pytest.mark.parametrize(
    ("version", "same"),
    [
        ("1.0.0", "1"),
        ("v1.2", "1.2"),
        ("1.0-RC.1", "1rc1"),
        ("1.0alpha", "1a0"),
        ("1.0-1", "1.post1"),
        ("1.0.rev2", "1.post2"),
        ("1.0.dev03", "1.dev3"),
        ("0!01.2", "1.2"),
        ("2!1.2+Ubuntu_01", "2!1.2+ubuntu.1"),
        ("Not-A-Version", "not-a-version"),
    ],
)
def test_one_version_has_one_form(version: str, same: str) -> None:
    assert canonical(version) == same
    assert canonical(canonical(version)) == same
