"""What the README says in tables and examples is what the program does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fixtures.litellm_shape import FILE_NAME, litellm_wheel
from pydepgate.cli import main
from pydepgate.cli.options import OPTIONS
from pydepgate.detect import SIGNALS
from pydepgate.guard.policy import read_policy
from pydepgate.judge.rules import load_rules
from pydepgate.limits import MIB, Limits
from pydepgate.payload.codecs import CODECS
from pydepgate.report.json import schema

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `--([a-z-]+)[^|]*\|[^|]*\| ([^|]*) \|$", README, re.MULTILINE))
"""The default that the tables give for each option."""


def block(language: str, *, beginning: str = "") -> str:
    """The first code block in that language that begins so."""
    return (
        README.partition(f"```{language}\n{beginning}")[1].partition("\n")[2]
        + (README.partition(f"```{language}\n{beginning}")[2].partition("\n```")[0])
    )


def test_the_session_is_real_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *shown = block("console").splitlines()
    target = tmp_path / "build" / "fixtures" / FILE_NAME
    target.parent.mkdir(parents=True)
    target.write_bytes(litellm_wheel())
    monkeypatch.chdir(tmp_path)
    assert main(command.removeprefix("$ pydepgate ").split()) == 2
    written = iter(re.sub(r"[0-9.]+ s$", "", line) for line in capsys.readouterr().out.splitlines())
    for line in shown:  # each in its order; what is left out is marked
        if line.strip(" │") != "…":
            assert re.sub(r"[0-9.]+ s$", "", line) in written, line


def test_every_option_is_listed_with_its_default() -> None:
    assert set(ROWS) == {option.name for option in OPTIONS}
    limits = Limits()
    for option in OPTIONS:
        key = option.key.removeprefix("max_")
        if key in Limits.__dataclass_fields__:
            value = getattr(limits, key)
            assert ROWS[option.name] == (f"{value // MIB} MiB" if "BYTES" in option.metavar else f"{value:,}")


@pytest.mark.parametrize("name", sorted(codec.name for codec in CODECS))
def test_every_codec_is_named(name: str) -> None:
    said = {"alphabet": "substitution alphabets", "escape": r"`\x` and `\u` escapes", "int-list": "lists of numbers"}
    said |= {"reverse": "reversed text", "utf-16": "UTF-16", "deflate": "raw deflate"}
    assert said.get(name, name) in " ".join(README.partition("- Codecs: ")[2].partition("\n- ")[0].split())


def test_the_json_example_keeps_to_the_schema() -> None:
    jsonschema: Any = pytest.importorskip("jsonschema")
    jsonschema.validate(json.loads(block("json")), schema())


def test_the_rules_example_loads(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(block("toml", beginning="[[rule]]"), encoding="utf-8")
    shipped = {rule.id: rule for rule in load_rules(known_signals=frozenset(SIGNALS))}
    rules = {rule.id: rule for rule in load_rules(extra=tmp_path, known_signals=frozenset(SIGNALS))}
    assert "request-on-import" in rules.keys() - shipped.keys()
    assert "process-at-install" in shipped.keys() - rules.keys()
    assert "call" in {runs.value for runs, _ in shipped["hidden-program"].severity}
    assert "call" not in {runs.value for runs, _ in rules["hidden-program"].severity}


def test_the_policy_example_is_read(tmp_path: Path) -> None:
    path = tmp_path / "guard.toml"
    path.write_text(block("toml", beginning="[[allow]]"), encoding="utf-8")
    policy = read_policy(path)
    allowed, denied = policy.ask("example", version="1.2.3", sha256=""), policy.ask("examplee", version="1", sha256="")
    assert allowed is not None
    assert denied is not None
    assert (allowed.allow, denied.allow) == (True, False)


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("package-1.0-py3-none-any.whl", "one.whl", "two.tar.gz"):
        (tmp_path / name).write_bytes(litellm_wheel())
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(block("python"), names)
    assert names["report"].verdict == "block"


def test_files_it_links_to_are_there() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)]+)\)", README)
    assert targets
    assert [target for target in targets if not Path(__file__).parents[1].joinpath(target).exists()] == []
