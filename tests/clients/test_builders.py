"""What builds and runs packages: build, hatch, pipx, uv run, uvx."""

from __future__ import annotations

import pytest

from tests.clients.clients import Place
from tests.clients.test_install import BLOCKED, only_the_guard_asked
from tests.guard import packages
from tests.guard.packages import BACKEND, BUILT, CLEAN, DEPENDENT, MALICIOUS
from tests.guard.upstream import Index

APPLICATION = "paperlamp"


def application(name: str = APPLICATION, /, *, requires: tuple[str, ...] = ()) -> packages.Hosted:
    """Return a wheel with a command of its own name, which prints `lit`."""
    entry = f"[console_scripts]\n{name} = {name}:main\n".encode()
    files = {
        f"{name}/__init__.py": b'def main():\n    print("lit")\n',
        f"{name}-1.0.dist-info/entry_points.txt": entry,
    }
    return packages.wheel_of(name, "1.0", files, requires=requires)


@pytest.mark.parametrize("start", [("python", "-m", "build"), ("uv", "build")])
def test_build(place: Place, start: tuple[str, ...]) -> None:
    with Index(packages.everything()) as index:
        place.configure(index.url)
        place.lay("work", packages.source_tree(BUILT))
        ended = place.guard(*start, "--wheel")
        assert ended.status == 0, ended.text
        built = [path.name for path in (place.work / "dist").glob("*.whl")]
        assert built == [f"{BUILT}-1.0-py3-none-any.whl"]
        place.lay("work", packages.source_tree(BUILT, requires=(BACKEND, DEPENDENT)))
        ended = place.guard(*start, "--wheel")
        assert ended.status == BLOCKED, ended.text
        assert MALICIOUS in ended.text
        assert only_the_guard_asked(index)


@pytest.mark.parametrize("backend", ["pip", "uv"])
def test_pipx(place: Place, backend: str) -> None:
    files = application(), application("papermoth", requires=(MALICIOUS,)), packages.malicious()
    homes = {"PIPX_HOME": str(place.folder / "pipx"), "PIPX_BIN_DIR": str(place.folder / "bin")}
    homes["PIPX_SHARED_LIBS"] = str(place.clients.folder / "new")  # else it gets a newer pip for itself
    python = place.clients.python("tools")
    with Index(files) as index:
        place.configure(index.url)
        choice = ("--backend", backend)
        ended = place.guard("pipx", "install", *choice, "--python", python, APPLICATION, **homes)
        assert ended.status == 0, ended.text
        assert place.run(str(place.folder / "bin" / APPLICATION)).text == "lit\n"
        ended = place.guard("pipx", "install", *choice, "--python", python, "papermoth", **homes)
        assert ended.status == BLOCKED, ended.text
        assert not (place.folder / "bin" / "papermoth").exists()
        assert only_the_guard_asked(index)
    kept = (place.folder / "pipx").rglob("pipx_metadata.json")
    assert not any("http" in path.read_text() for path in kept)


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_hatch(place: Place, installer: str) -> None:
    def project(dependency: str) -> None:
        place.write(
            "work/pyproject.toml",
            f"[tool.hatch.envs.default]\ndetached = true\nskip-install = true\n"
            f'installer = "{installer}"\ndependencies = ["{dependency}"]\n',
        )

    with Index(packages.everything()) as index:
        place.configure(index.url)
        project(CLEAN)
        ended = place.guard("hatch", "run", "python", "-c", f"import {CLEAN}; print({CLEAN}.folds(2))")
        assert ended.status == 0, ended.text
        assert "7\n" in ended.text
        project(DEPENDENT)
        ended = place.guard("hatch", "run", "python", "-c", "print('ran')")
        assert ended.status == BLOCKED, ended.text
        assert only_the_guard_asked(index)


def test_uv_run_and_uvx(place: Place) -> None:
    with Index([*packages.everything(), application(), application("papermoth", requires=(MALICIOUS,))]) as index:
        place.configure(index.url)
        code = f"import {CLEAN}; print({CLEAN}.folds(2))"
        ended = place.guard("uv", "run", "--no-project", "--with", CLEAN, "python", "-c", code)
        assert ended.status == 0, ended.text
        assert "7\n" in ended.text
        ended = place.guard("uvx", APPLICATION)
        assert ended.status == 0, ended.text
        assert "lit\n" in ended.text
        for words in (("uv", "run", "--no-project", "--with", DEPENDENT, "python", "-c", "0"), ("uvx", "papermoth")):
            ended = place.guard(*words)
            assert ended.status == BLOCKED, ended.text
        assert only_the_guard_asked(index)


def test_a_script_with_dependencies_of_its_own(place: Place) -> None:
    with Index(packages.everything()) as index:
        place.configure(index.url)
        for name, status in ((CLEAN, 0), (MALICIOUS, BLOCKED)):
            text = f'# /// script\n# dependencies = ["{name}"]\n# ///\nimport {name}\nprint("ran")\n'
            ended = place.guard("uv", "run", str(place.write("work/script.py", text)))
            assert ended.status == status, ended.text
        assert only_the_guard_asked(index)


def test_poetry_is_refused_with_what_to_do(place: Place) -> None:
    ended = place.guard("poetry", "install")
    assert ended.status not in (0, 1, 2, BLOCKED), ended.text
    assert "poetry" in ended.text.lower()
    assert "source" in ended.text.lower()
