"""Which indexes are asked: what pip and uv would read, from arguments, variables and files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pydepgate.errors import PydepgateError, UsageError
from pydepgate.guard.model import Credentials, Upstream
from pydepgate.guard.upstreams import DEFAULT_INDEX, fetcher_for, pip_upstreams, uv_upstreams

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the files stand elsewhere on Windows")

A, B, C, D = (f"https://{letter}.example/simple" for letter in "abcd")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("home/.config/pip", "home/.config/uv", "home/.pip", "xdg/pip", "xdg/uv", "work/inner", "venv/bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "venv/pyvenv.cfg").touch()
    program = tmp_path / "venv/bin/pip"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path


def _environment(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    return {"HOME": str(home / "home"), "XDG_CONFIG_DIRS": str(home / "xdg"), "PATH": str(home / "venv/bin"), **more}


@pytest.fixture
def pip(home: Path) -> Callable[..., tuple[Upstream, ...]]:
    return lambda *arguments, **more: pip_upstreams(_environment(home, more), arguments=arguments, folder=home / "work")


@pytest.fixture
def uv(home: Path) -> Callable[..., tuple[Upstream, ...]]:
    return lambda *arguments, **more: uv_upstreams(
        _environment(home, more), arguments=arguments, folder=home / "work/inner"
    )


Read = Callable[..., tuple[Upstream, ...]]


def _urls(upstreams: tuple[Upstream, ...]) -> list[str]:
    return [upstream.url for upstream in upstreams]


def test_without_any_configuration_the_default_is_asked(pip: Read, uv: Read) -> None:
    assert pip() == (Upstream("0", DEFAULT_INDEX),)
    assert uv() == (Upstream("uv0", DEFAULT_INDEX, together=False),)


def test_pip_arguments_beat_variables_which_beat_files(home: Path, pip: Read) -> None:
    (home / "home/.config/pip/pip.conf").write_text(f"[global]\nindex-url = {A}\n[install]\nindex_url = {B}\n")
    assert _urls(pip("pip", "download", "x")) == [A]
    assert _urls(pip("pip", "install", "x")) == [B]
    assert _urls(pip("pip", "install", "x", PIP_INDEX_URL=C)) == [C]
    assert _urls(pip("pip", "install", "x", PIP_INDEX_URL="")) == [B]
    assert _urls(pip("pip", "install", "x", PIP_PYPI_URL=C)) == [C]
    for arguments in (["-i", D], [f"-i{D}"], ["-Ui", D], [f"--index-url={D}"], ["--pypi-url", D]):
        assert _urls(pip("pip", "install", "x", *arguments, PIP_INDEX_URL=C)) == [D]


def test_pip_files_override_each_other_by_level(home: Path, pip: Read) -> None:
    levels = ["xdg/pip/pip.conf", "home/.pip/pip.conf", "home/.config/pip/pip.conf", "venv/pip.conf"]
    for number, name in enumerate(levels):
        (home / name).write_text(f"[global]\nindex-url = https://{number}.example/simple\n")
        assert _urls(pip("pip")) == [f"https://{number}.example/simple"]
    named = home / "named.conf"
    named.write_text(f"[global]\nextra-index-url = {A}\n    {B}\n")
    own = pip("pip", PIP_CONFIG_FILE=str(named))
    assert _urls(own) == ["https://3.example/simple", A, B]
    assert [each.name for each in own] == ["0", "1", "2"]
    (home / "venv/pip.conf").unlink()
    assert _urls(pip("pip", PIP_CONFIG_FILE=str(named))) == ["https://0.example/simple", A, B]
    assert _urls(pip("pip", PIP_CONFIG_FILE="/dev/null", PIP_EXTRA_INDEX_URL=C)) == [DEFAULT_INDEX, C]
    assert _urls(pip("pip", "--isolated", PIP_EXTRA_INDEX_URL=C)) == ["https://0.example/simple"]


def test_pip_lists_add_up_and_paths_become_addresses(home: Path, pip: Read) -> None:
    (home / "work/wheels").mkdir()
    found = pip("-f", "wheels", "--extra-index-url", B, "--extra-index-url", B, PIP_FIND_LINKS=A, PIP_EXTRA_INDEX_URL=C)
    assert _urls(found) == [DEFAULT_INDEX, C, B, A, (home / "work/wheels").as_uri()]
    assert [each.flat for each in found] == [False, False, False, True, True]
    assert all(each.together for each in found)
    assert _urls(pip("--find-links", "~/w", PIP_NO_INDEX="1")) == [(home / "home/w").as_uri()]
    assert pip("--no-index") == ()


def test_pip_trusts_hosts_by_name_and_port(pip: Read) -> None:
    options = {"PIP_EXTRA_INDEX_URL": "http://b.example:81/s", "PIP_TRUSTED_HOST": "a.example b.example:80"}
    assert [each.verify for each in pip("-i", A, **options)] == [False, True]
    assert [each.verify for each in pip("-i", A, "--trusted-host", "b.example:81", **options)] == [False, False]


def test_credentials_are_taken_out_of_addresses_and_from_netrc(home: Path, pip: Read, uv: Read) -> None:
    (home / "home/.netrc").write_text("machine b.example login bob password p4ss\n")
    address = "https://me:s%40cret@a.example/simple"
    for found in (pip("-i", address, "--extra-index-url", B), uv("--index", B, "--default-index", address)):
        by_url = {each.url: each.credentials for each in found}
        assert by_url == {A: Credentials("me", "s@cret"), B: Credentials("bob", "p4ss")}
        assert "cret" not in repr(found)
        assert "p4ss" not in repr(found)


@pytest.mark.parametrize("text", ["[global\n", "index-url = x\n"])
def test_a_broken_file_is_an_error(home: Path, pip: Read, text: str) -> None:
    (home / "home/.config/pip/pip.conf").write_text(text)
    with pytest.raises(UsageError, match=r"pip\.conf"):
        pip()


def test_what_cannot_be_asked_is_an_error(home: Path, pip: Read, uv: Read) -> None:
    with pytest.raises(UsageError, match="git\\+ssh"):
        pip("-i", "git+ssh://me@a.example/x")
    with pytest.raises(UsageError, match="neither"):
        pip(PIP_NO_INDEX="perhaps")
    (home / "work/uv.toml").write_text("index = [")
    with pytest.raises(PydepgateError, match=r"uv\.toml"):
        uv()


_PROJECT = f"""
[tool.uv]
extra-index-url = ["{D}"]
[[tool.uv.index]]
name = "inner"
url = "{A}"
explicit = true
ignore-error-codes = [418]
[[tool.uv.index]]
url = "{B}"
[[tool.uv.index]]
name = "main"
url = "{C}"
default = true
"""


def test_uv_reads_the_project_and_keeps_the_order(home: Path, uv: Read) -> None:
    (home / "work/pyproject.toml").write_text(_PROJECT)
    (home / "home/.config/uv/uv.toml").write_text('[[index]]\nname = "inner"\nurl = "https://later.example/simple"\n')
    found = uv("pip", "install", "x")
    assert [(each.name, each.url) for each in found] == [("inner", A), ("uv0", B), ("uv1", D), ("main", C)]
    assert found[0].absent == frozenset((418,))
    assert not any(each.together for each in found)
    assert _urls(uv(UV_NO_CONFIG="1")) == _urls(uv("--no-config")) == [DEFAULT_INDEX]
    first = uv(
        "--index", "https://x.example/s", UV_INDEX="https://not.example/s", UV_DEFAULT_INDEX="https://y.example/s"
    )
    assert _urls(first) == ["https://x.example/s", A, B, D, "https://y.example/s"]


def test_uv_variables(uv: Read) -> None:
    found = uv(
        UV_INDEX=f"one={A} {B}",
        UV_DEFAULT_INDEX=C,
        UV_FIND_LINKS="/wheels,https://links.example/",
        UV_INDEX_ONE_USERNAME="me",
        UV_INDEX_ONE_PASSWORD="s3cret",
        UV_INSECURE_HOST="b.example",
        UV_INDEX_STRATEGY="unsafe-best-match",
    )
    assert _urls(found) == [A, B, C, "file:///wheels", "https://links.example/"]
    assert found[0].credentials == Credentials("me", "s3cret")
    assert [each.verify for each in found] == [True, False, True, True, True]
    assert [each.flat for each in found] == [False, False, False, True, True]
    assert all(each.together for each in found)
    assert _urls(uv(UV_NO_INDEX="1", UV_FIND_LINKS="/wheels")) == ["file:///wheels"]
    assert _urls(uv(UV_INDEX_URL=A, UV_EXTRA_INDEX_URL=f"{B} {C}")) == [B, C, A]


def test_uv_pip_has_a_table_of_its_own(home: Path, uv: Read) -> None:
    (home / "work/uv.toml").write_text(f'index-url = "{A}"\n[pip]\nindex-url = "{B}"\n')
    assert _urls(uv("pip", "install", "x")) == [B]
    assert _urls(uv("sync")) == [A]


def test_uv_asks_by_plain_http_without_further_ado(uv: Read) -> None:
    assert [each.verify for each in uv(UV_DEFAULT_INDEX="http://a.example/simple")] == [False]


def test_the_network_is_reached_as_pip_would(home: Path) -> None:
    environment = _environment(home, {"https_proxy": "http://proxy.example:1", "NO_PROXY": "b.example, .c.example"})
    proxies = fetcher_for(environment, folder=home).transport.proxies

    def proxy(url: str) -> str | None:
        return proxies.proxy_for(urlsplit(url))

    assert proxy(A) == "http://proxy.example:1"
    assert proxy(B) is proxy("https://x.c.example/") is proxy("http://a.example/") is None
    assert proxy("https://notb.example/") == "http://proxy.example:1"
    told = fetcher_for(_environment(home, {"PIP_PROXY": "me:pw@p.example:2", "PIP_CERT": "ca.pem"}), folder=home)
    assert told.transport.proxies.proxy_for(urlsplit(A)) == "http://me:pw@p.example:2"
    assert told.transport.trust.authorities == home / "ca.pem"
    assert "pw" not in repr(told)
