"""What becomes of commands, their requirements files, their variables and settings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from pydepgate.guard.clients import Indexes, Prepared, RefusedCommand, Understood, prepare, understand
from pydepgate.guard.model import Upstream

ROOT = "http://127.0.0.1:5"
REFUSING = "http://127.0.0.1:6"


def _understand(folder: Path, line: str, /, **environment: str) -> Understood:
    variables = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config")} | environment
    return understand(line.split(), environment=variables, folder=folder, scratch=folder / "scratch")


def _prepare(
    folder: Path, line: str, /, *, indexes: Indexes | None = None, environment: Mapping[str, str] | None = None
) -> Prepared:
    variables = {
        "HOME": str(folder / "home"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CONFIG_DIRS": str(folder),
    }
    variables |= environment or {}
    two = Upstream("0", "https://one.invalid/simple"), Upstream("1", "https://two.invalid/simple")
    return prepare(
        understand(line.split(), environment=variables, folder=folder, scratch=folder / "scratch"),
        environment=variables,
        index=lambda name: f"{ROOT}/{name}",
        indexes=indexes or Indexes(two, two),
        root=ROOT,
        refusing_proxy=REFUSING,
    )


@pytest.mark.parametrize(
    ("line", "command", "options"),
    [
        ("pip install -i U x", "pip install x", "--index-url U"),
        ("pip install -Ui U x", "pip install -U x", "--index-url U"),
        ("pip install --extra-index-url=U --no-index x", "pip install x", "--extra-index-url U --no-index"),
        ("pip install --trusted-host H -f L x", "pip install x", "--trusted-host H --find-links L"),
        ("pip --isolated --cache-dir C --timeout 3 install x", "pip install x", "--isolated"),
        ("uv pip install --index a=U --default-index D x", "uv pip install x", "--index a=U --default-index D"),
        ("uv --no-config pip install --cache-dir C -fL x", "uv pip install x", "--no-config --find-links L"),
        ("uvx --index U black --index V", "uvx black --index V", "--index U"),
        ("pipx install -i U black", "pipx install black", "--index-url U"),
        ("pipx run black -i U", "pipx run --no-cache black -i U", ""),
        ("hatch -v build", "hatch -v build", ""),
    ],
)
def test_options_of_indexes_are_taken_out(tmp_path: Path, line: str, command: str, options: str) -> None:
    understood = _understand(tmp_path, line)
    assert " ".join(understood.command) == command
    assert " ".join(understood.index_options) == options


@pytest.mark.parametrize(
    "line",
    [
        "pip install --index-u U x",
        "pip install --proxy P x",
        "pip install git+ssh://git@host.invalid/x.git",
        "pip install x@https://host.invalid/x-1.tar.gz",
        "pip install -e git+https://host.invalid/x.git#egg=x",
        "pip install -r https://host.invalid/requirements.txt",
        "pip install -r pylock.toml",
        "uv pip install --torch-backend cpu torch",
        "uv pip compile x.in --emit-index-url",
        "uv pip compile x.in -o pylock.toml",
        "uv lock",
        "uv add x",
        "uv sync",
        "uv tool install x",
        "uv export",
        "pipx run --spec https://host.invalid/x-1.tar.gz x",
        "pipx install x --lock pylock.toml",
    ],
)
def test_what_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(RefusedCommand):
        _understand(tmp_path, line)


def test_a_requirements_file_without_indexes_stays(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("b\n")
    (tmp_path / "r.txt").write_text("# all of it\n-r more.txt\na==1 \\\n  --hash=sha256:00\n--only-binary :all:\n")
    understood = _understand(tmp_path, "pip install -r r.txt -c more.txt")
    assert understood.command == ("pip", "install", "-r", "r.txt", "-c", "more.txt")
    assert not (tmp_path / "scratch").exists()


def test_a_requirements_file_with_indexes_is_rewritten(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "links").mkdir()
    (tmp_path / "sub" / "more.txt").write_text("--extra-index-url ${HOST}/b\n-f links\nb # why\n")
    (tmp_path / "plain.txt").write_text("c<2\n")
    text = "-i https://one.invalid/a\n-r sub/more.txt\n-c plain.txt\na==1 \\\n  --hash=sha256:00\n"
    (tmp_path / "r.txt").write_text(text)
    understood = _understand(tmp_path, "pip install -Ur r.txt", HOST="https://two.invalid")
    *start, copy = understood.command
    assert start == ["pip", "install", "-U", "-r"]
    lines = Path(copy).read_text().splitlines()
    assert Path(copy).parent == tmp_path / "scratch"
    assert f"-c {tmp_path / 'plain.txt'}" in lines
    assert "a==1   --hash=sha256:00" in lines
    assert not any("invalid" in line for line in lines)
    (nested,) = [line.split()[1] for line in lines if line.startswith("-r")]
    assert "b # why" in Path(nested).read_text()
    assert understood.index_options == (
        *("--index-url", "https://one.invalid/a", "--extra-index-url", "https://two.invalid/b"),
        *("--find-links", str(tmp_path / "sub" / "links")),
    )
    assert (tmp_path / "r.txt").read_text() == text


def test_requirements_files_that_name_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r b.txt\n")
    (tmp_path / "b.txt").write_text("-i https://one.invalid/\n-r a.txt\n")
    with pytest.raises(RefusedCommand, match="itself"):
        _understand(tmp_path, "pip install -r a.txt")


def test_what_lies_on_disk_is_named(tmp_path: Path) -> None:
    for name in ("one-1.0.tar.gz", "two-1.0-py3-none-any.whl"):
        (tmp_path / name).touch()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").touch()
    (tmp_path / "r.txt").write_text(f"-e ./project[extra]\ntwo @ file://{tmp_path}/two-1.0-py3-none-any.whl ; python\n")
    understood = _understand(tmp_path, "pip install one-1.0.tar.gz project -r r.txt requests ./missing")
    named = {path.name for path in understood.scan_first}
    assert named == {"one-1.0.tar.gz", "project", "two-1.0-py3-none-any.whl"}


def test_direct_addresses_are_fetched_if_that_is_allowed(tmp_path: Path) -> None:
    here = tmp_path / "x-1.tar.gz"
    here.touch()
    asked: list[str] = []

    def fetch(address: str) -> Path:
        asked.append(address)
        return here

    understood = understand(
        ["pip", "install", "https://host.invalid/x-1.tar.gz", "x @ https://host.invalid/x-1.tar.gz"],
        environment={},
        folder=tmp_path,
        scratch=tmp_path / "scratch",
        fetch=fetch,
    )
    assert understood.command == ("pip", "install", str(here), f"x @ {here.as_uri()}")
    assert understood.scan_first == (here,)
    assert asked == ["https://host.invalid/x-1.tar.gz"] * 2


def test_variables_of_both_families(tmp_path: Path) -> None:
    given = {
        "PIP_INDEX_URL": "https://old.invalid/",
        "PIP_extra_index_url": "https://old.invalid/",
        "PIP_CACHE_DIR": "/old",
        "PIP_PROXY": "http://old.invalid",
        "PIP_NO_BINARY": "numpy",
        "UV_INDEX_CORP_PASSWORD": "secret",
        "UV_CACHE_DIR": "/old",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_RESOLUTION": "lowest",
        "https_proxy": "http://old.invalid",
        "NO_PROXY": "*",
        "OTHER": "kept",
    }
    variables = _prepare(tmp_path, "python -m build", environment=given).environment
    assert "old" not in " ".join(value for value in variables.values() if "://" in value or value.startswith("/old"))
    assert "secret" not in variables.values()
    assert variables["PIP_INDEX_URL"] == f"{ROOT}/0/"
    assert variables["PIP_EXTRA_INDEX_URL"] == f"{ROOT}/1/"
    assert variables["UV_INDEX"] == f"{ROOT}/0/"
    assert variables["UV_DEFAULT_INDEX"] == f"{ROOT}/1/"
    assert variables["HTTPS_PROXY"] == variables["https_proxy"] == REFUSING
    assert "*" not in variables["NO_PROXY"]
    kept = {"PIP_NO_BINARY": "numpy", "UV_INDEX_STRATEGY": "unsafe-best-match", "UV_RESOLUTION": "lowest"}
    assert kept.items() | {("OTHER", "kept")} <= variables.items()


def test_an_installer_has_the_index_for_its_proxy(tmp_path: Path) -> None:
    for line in ("pip install x", "uv pip install x"):
        variables = _prepare(tmp_path, line, environment={"NO_PROXY": "*"}).environment
        assert variables["HTTP_PROXY"] == ROOT
        assert "NO_PROXY" not in variables


def test_settings_of_pip_that_concern_no_index_stay(tmp_path: Path) -> None:
    indexes = Indexes((Upstream("0", "https://one.invalid"),), (), {"index-url": "U", "only-binary": "a", "pre": "1"})
    variables = _prepare(tmp_path, "pip install x", indexes=indexes, environment={"PIP_PRE": "0"}).environment
    assert (variables["PIP_ONLY_BINARY"], variables["PIP_PRE"]) == ("a", "0")
    isolated = _prepare(tmp_path, "pip --isolated install x", indexes=indexes, environment={"PIP_PRE": "0"})
    assert isolated.environment["PIP_PRE"] == "1"


def test_settings_of_uv_that_concern_no_index_stay(tmp_path: Path) -> None:
    (tmp_path / "config" / "uv").mkdir(parents=True)
    (tmp_path / "config" / "uv" / "uv.toml").write_text('no-build-package = ["a"]\nindex-url = "https://old.invalid"\n')
    (tmp_path / "pyproject.toml").write_text(
        '[tool.uv]\nno-build-package = ["b"]\nexclude-newer = "2030-01-01T00:00:00Z"\n'
        '[[tool.uv.index]]\nname = "corp"\nurl = "https://corp.invalid"\nexplicit = true\n'
        '[tool.uv.pip]\nindex-url = "https://old.invalid"\ncompile-bytecode = true\n'
        '[tool.uv.sources]\nx = { path = "x" }\n'
    )
    upstreams = Upstream("corp", "https://corp.invalid"), Upstream("uv0", "https://one.invalid")
    variables = _prepare(tmp_path, "uv pip install x", indexes=Indexes(upstreams, upstreams)).environment
    written = tomllib.loads(Path(variables["UV_CONFIG_FILE"]).read_text())
    assert written == {
        "no-build-package": ["b", "a"],
        "exclude-newer": "2030-01-01T00:00:00Z",
        "pip": {"compile-bytecode": True},
        "index": [{"name": "corp", "url": f"{ROOT}/corp/", "explicit": True}],
    }
    assert variables["UV_DEFAULT_INDEX"] == f"{ROOT}/uv0/"
    assert "UV_INDEX" not in variables


def test_files_that_variables_name(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("-i https://one.invalid/\nb<2\n")
    for name in ("PIP_CONSTRAINT", "UV_CONSTRAINT"):
        understood = _understand(tmp_path, "python -m build", **{name: "c.txt"})
        assert understood.index_options == ("--index-url", "https://one.invalid/")
        variables = _prepare(tmp_path, "python -m build", environment={name: "c.txt"}).environment
        assert Path(variables[name]).parent == tmp_path / "scratch"
        assert "b<2" in Path(variables[name]).read_text()
