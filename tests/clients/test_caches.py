"""What clients have in their caches, and what they would leave behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.clients.clients import Place
from tests.clients.test_install import BLOCKED, only_the_guard_asked
from tests.guard import packages
from tests.guard.packages import CLEAN, DEPENDENT, MALICIOUS
from tests.guard.upstream import Index

HIDING = "papermoth"


def files_that_name_a_port(folder: Path, /, *, but: str) -> list[Path]:
    """Return the files below a folder that name a server on loopback other than `but`."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes().replace(but.encode(), b"")
            found += [path] if b"http://127.0.0.1:" in data or b"http://localhost:" in data else []
    return found


@pytest.mark.parametrize("client", ["new", "uv"])
def test_caches_smuggle_nothing(place: Place, client: str) -> None:
    # an sdist that is malicious when it is imported: building it, and keeping the wheel, does not run it
    sdist = packages.built(HIDING, source=packages.attack_source())
    with Index([*packages.everything(), sdist]) as index:
        place.configure(index.url)
        without = place.run(*place.install(client, HIDING, MALICIOUS))
        assert without.status == 0, without.text
        for name in (HIDING, MALICIOUS):
            ended = place.guard(*place.install(client, name, target=place.folder / "other"))
            assert ended.status == BLOCKED, ended.text


@pytest.mark.parametrize("client", ["new", "uv"])
def test_verdicts_are_kept(place: Place, client: str) -> None:
    with Index(packages.everything()) as index:
        place.configure(index.url)
        first = place.guard(*place.install(client, DEPENDENT))
        again = place.guard(*place.install(client, DEPENDENT))
    assert (first.status, again.status) == (BLOCKED, BLOCKED), again.text
    kept = place.run("python", "-m", "pydepgate", "cache", "--format", "json", PATH=_with_this_python())
    assert kept.status == 0, kept.text


def test_other_rules_judge_anew(place: Place) -> None:
    rule = (
        '[[rule]]\nid = "no-lanterns"\ntitle = "Nobody needs lanterns"\nattack = []\nwhy = "Fire."\n'
        'action = "None."\nwhen = { any = ["source.unparsed"] }\nseverity = { import = "critical" }\n'
        'bad = [{ path = "pkg/__init__.py", code = "print \\"x\\"" }]\ngood = []\n'
    )
    place.write("rules/more.toml", rule)
    with Index(packages.everything()) as index:
        place.configure(index.url)
        install = place.install("new", packages.REVIEWED)
        allowed = place.guard("--review", "allow", *install)
        assert allowed.status == 0, allowed.text
        ended = place.guard("--review", "allow", "--rules", str(place.folder / "rules"), *install, "--upgrade")
        assert ended.status == BLOCKED, ended.text


@pytest.mark.parametrize(
    "words",
    [
        ("uv", "sync"),
        ("uv", "lock"),
        ("uv", "add", CLEAN),
        ("uv", "tool", "install", CLEAN),
        ("uv", "run", "python", "-c", "0"),
        ("uv", "pip", "compile", "pyproject.toml", "-o", "requirements.txt", "--emit-index-url"),
        ("pip", "freeze"),
    ],
)
def test_nothing_that_is_left_behind_names_the_guard(place: Place, words: tuple[str, ...]) -> None:
    place.write(
        "work/pyproject.toml",
        f'[project]\nname = "work"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["{CLEAN}"]\n',
    )
    with Index(packages.everything()) as index:
        place.configure(index.url)
        ended = place.guard(*words)
        assert files_that_name_a_port(place.folder, but=index.root) == [], ended.text
        assert not index.seen or only_the_guard_asked(index)


@pytest.mark.parametrize("words", [("uv", "sync"), ("uv", "sync", "--frozen"), ("uv", "run", "python", "-c", "0")])
def test_what_a_lock_names_is_not_let_in_unscanned(place: Place, words: tuple[str, ...]) -> None:
    place.write(
        "work/pyproject.toml",
        f'[project]\nname = "work"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["{DEPENDENT}"]\n',
    )
    with Index(packages.everything()) as index:
        place.configure(index.url)
        locked = place.run("uv", "lock")
        assert locked.status == 0, locked.text
        before = len(index.seen)
        lock = (place.work / "uv.lock").read_bytes()
        ended = place.guard(*words)
        assert ended.status not in (0, 1, 2), ended.text
        assert all(one.agent.startswith("pydepgate/") for one in index.seen[before:])
    assert (place.work / "uv.lock").read_bytes() == lock
    assert not list((place.work / ".venv").rglob(MALICIOUS))


def _with_this_python() -> str:
    import sys

    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
