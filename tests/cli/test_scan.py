"""`pydepgate scan`: what it hands to the scanner, writes, and returns."""

from __future__ import annotations

import io
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from pydepgate.cli import main
from pydepgate.limits import Limits
from pydepgate.model import Severity

Calls = list[tuple[str, dict[str, Any]]]


@pytest.mark.parametrize(
    ("targets", "status"),
    [
        (["pass.whl"], 0),
        (["review.whl"], 1),
        (["block.whl"], 2),
        (["broken.whl"], 3),
        (["pass.whl", "block.whl", "review.whl"], 2),
        (["broken.whl", "block.whl"], 3),
        (["block.whl", "broken.whl"], 3),
    ],
)
def test_the_exit_status_is_the_highest_of_all_targets(
    targets: list[str], status: int, scans: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", *targets]) == status
    assert [target for target, _ in scans] == targets


def test_a_broken_target_is_one_escaped_line_and_the_others_go_on(
    scans: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "broken.whl", "block.whl", "--format", "jsonl"]) == 3
    captured = capsys.readouterr()
    assert captured.err == "pydepgate: error: broken.whl: not an archive\\x1b[2J\n"
    assert [json.loads(line)["artifact"]["path"] for line in captured.out.splitlines()] == ["block.whl"]


def test_a_fault_of_the_program_is_status_3_and_the_others_go_on(
    scans: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "crash.whl", "pass.whl", "--format", "jsonl"]) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("pydepgate: error: internal error while scanning crash.whl")
    assert "\x1b" not in captured.err
    assert json.loads(captured.out)["artifact"]["path"] == "pass.whl"


def test_the_text_says_the_verdict(scans: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "block.whl"]) == 2
    captured = capsys.readouterr()
    assert "block" in captured.out.splitlines()[0].lower()
    assert "rule-critical" in captured.out
    assert "\x1b" not in captured.out
    assert captured.err == ""


def test_several_targets_are_one_json_document_and_jsonl_is_a_line_each(
    scans: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["scan", "pass.whl", "block.whl", "--format", "json"])
    reports = json.loads(capsys.readouterr().out)["reports"]
    main(["scan", "pass.whl", "block.whl", "--format", "jsonl"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == reports
    assert [report["verdict"] for report in reports] == ["pass", "block"]


def test_several_targets_give_the_same_shape_when_only_one_can_be_scanned(
    scans: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "broken.whl", "pass.whl", "--format", "json"]) == 3
    (report,) = json.loads(capsys.readouterr().out)["reports"]
    assert report["verdict"] == "pass"


def test_jsonl_is_written_as_each_is_done(
    scans: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "pass.whl", "interrupt.whl", "--format", "jsonl"]) == 130
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1
    assert captured.err == ""


def test_everything_reaches_the_scanner(scans: Calls, tmp_path: Path) -> None:
    arguments = (
        "--peek-depth 3 --peek-budget 10M --max-members 7 --max-member-bytes 1KiB --max-artifact-bytes 2GB "
        "--max-ratio 9 --max-nesting 0 --fail-on medium --workers 4 --python py --rules R --extract"
    )
    main(["scan", *arguments.split(), str(tmp_path / "out"), "pass.whl", "--output", str(tmp_path / "o")])
    ((target, options),) = scans
    assert target == "pass.whl"
    assert options.pop("progress") is None
    assert options == {
        "limits": Limits(
            members=7,
            member_bytes=1024,
            artifact_bytes=2_000_000_000,
            ratio=9,
            nesting=0,
            peek_depth=3,
            peek_budget=10 * 1024 * 1024,
        ),
        "rules_dir": Path("R"),
        "fail_on": Severity.MEDIUM,
        "python": "py",
        "workers": 4,
        "keep_content": True,
        "stdin": None,
    }


def test_no_more_depth_than_the_stack_bears(scans: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "pass.whl", "--peek-depth", "100000"]) == 3
    assert "deepest that is followed" in capsys.readouterr().err
    assert not scans


def test_without_options_the_scanner_gets_the_defaults(scans: Calls) -> None:
    main(["scan", "pass.whl", "--workers", "auto"])
    ((_, options),) = scans
    assert (options["limits"], options["fail_on"]) == (Limits(), Severity.HIGH)
    assert (options["workers"], options["rules_dir"], options["keep_content"]) == (None, None, False)


def test_the_environment_sets_options_and_the_command_line_overrules_it(
    scans: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYDEPGATE_FAIL_ON", "low")
    monkeypatch.setenv("PYDEPGATE_MAX_RATIO", "5")
    monkeypatch.setenv("PYDEPGATE_PEEK_BUDGET", "")
    assert main(["scan", "review.whl"]) == 2
    assert main(["scan", "review.whl", "--fail-on", "high"]) == 1
    assert [options["limits"].ratio for _, options in scans] == [5, 5]


@pytest.mark.parametrize("yes", ["1", "true", "YES", "on"])
@pytest.mark.parametrize("no", ["0", "false", "NO", "off"])
def test_switches_are_set_by_words_and_unset_by_their_opposites(
    yes: str, no: str, scans: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def output(*arguments: str) -> str:
        main(["scan", "block.whl", *arguments])
        return capsys.readouterr().out

    plain, peeked = output(), output("--peek")
    assert plain != peeked
    monkeypatch.setenv("PYDEPGATE_PEEK", yes)
    assert output() == peeked
    assert output("--no-peek") == plain
    monkeypatch.setenv("PYDEPGATE_PEEK", no)
    assert output() == plain


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PYDEPGATE_CI", "maybe", "'maybe' is neither yes"),
        ("PYDEPGATE_FORMAT", "jsno", "'jsno' is none of text, json, jsonl; did you mean 'json'?"),
        ("PYDEPGATE_WORKERS", "0", "'0' is neither 'auto' nor a whole number of at least 1"),
        ("PYDEPGATE_PEEK_BUDGET", "10X", "'10X' is not a size"),
        ("PYDEPGATE_MAX_MEMBERS", "-1", "'-1' is not a whole number of at least 1"),
        ("PYDEPGATE_MIN_SEVERITY", "worst", "'worst' is none of critical, high, medium, low, info"),
    ],
)
def test_a_wrong_value_in_the_environment_names_the_variable(
    variable: str,
    value: str,
    message: str,
    scans: Calls,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)
    assert main(["scan", "pass.whl"]) == 3
    assert capsys.readouterr().err.startswith(f"pydepgate: error: {variable}: {message}")
    assert scans == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("65536", 65536),
        ("1_000", 1000),
        ("10M", 10 * 2**20),
        ("10m", 10 * 2**20),
        ("64MiB", 64 * 2**20),
        ("64 mib", 64 * 2**20),
        ("10MB", 10_000_000),
        ("3kB", 3000),
        ("2G", 2 * 2**30),
        ("1T", 2**40),
        ("7B", 7),
        ("0", None),
        ("-5", None),
        ("1.5M", None),
        ("M", None),
        ("10X", None),
        ("10iB", None),
        ("9" * 5000, None),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, expected: int | None, scans: Calls) -> None:
    assert main(["scan", "pass.whl", f"--peek-budget={text}"]) == (3 if expected is None else 0)
    assert [options["limits"].peek_budget for _, options in scans] == ([] if expected is None else [expected])


def test_options_and_targets_may_be_mixed(scans: Calls) -> None:
    main(["scan", "pass-1", "--peek", "pass-2", "--fail-on", "low", "pass-3"])
    assert [target for target, _ in scans] == ["pass-1", "pass-2", "pass-3"]


def test_standard_input_is_given_as_bytes(scans: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO(b"x")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
    main(["scan", "-"])
    ((target, options),) = scans
    assert (target, options["stdin"]) == ("-", raw)


def test_min_severity_hides_findings_and_keeps_the_verdict(scans: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "block.whl", "--min-severity", "high", "--format", "json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert [finding["rule"] for finding in report["findings"]] == ["rule-critical"]
    assert main(["scan", "review.whl", "--min-severity", "critical"]) == 1
    assert "rule-low" not in capsys.readouterr().out


def test_ci_means_json_unless_told_otherwise(scans: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    main(["scan", "block.whl", "--ci"])
    out = capsys.readouterr().out
    assert json.loads(out)["verdict"] == "block"
    assert out.count("\n") == 1
    main(["scan", "pass.whl", "--ci", "--format", "text"])
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(capsys.readouterr().out)


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("arguments", "environment", "coloured"),
    [
        ([], {}, True),
        (["--no-color"], {}, False),
        (["--ci", "--format", "text"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"PYDEPGATE_NO_COLOR": "1"}, False),
        (["--color"], {"PYDEPGATE_NO_COLOR": "1"}, True),
        ([], {"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    arguments: list[str],
    environment: dict[str, str],
    coloured: bool,
    scans: Calls,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    main(["scan", "block.whl", *arguments])
    assert ("\x1b[" in terminal.getvalue()) is coloured


def test_progress_is_given_to_a_terminal_only(scans: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", _Terminal())
    main(["scan", "pass.whl"])
    main(["scan", "pass.whl", "--ci"])
    assert [callable(options["progress"]) for _, options in scans] == [True, False]


def test_an_output_file_is_complete_utf_8(scans: Calls, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.txt"
    assert main(["scan", "block.whl", "--output", str(file)]) == 2
    assert capsys.readouterr().out == ""
    assert "naïve" in file.read_text(encoding="utf-8")
    assert [left.name for left in tmp_path.iterdir()] == ["report.txt"]


@pytest.mark.parametrize("target", ["interrupt.whl", "broken.whl", "crash.whl"])
def test_a_scan_that_fails_leaves_the_old_output_and_nothing_else(target: str, scans: Calls, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")
    assert main(["scan", target, "--output", str(file), "--format", "json"]) in (3, 130)
    assert file.read_text() == "old"
    assert [left.name for left in tmp_path.iterdir()] == ["report.json"]


def test_an_interrupt_halfway_leaves_no_part_of_a_file(scans: Calls, tmp_path: Path) -> None:
    file = tmp_path / "report.jsonl"
    assert main(["scan", "pass.whl", "interrupt.whl", "--format", "jsonl", "--output", str(file)]) == 130
    assert [left.name for left in tmp_path.iterdir()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are POSIX's")
def test_an_output_link_stays_a_link_and_keeps_the_mode(scans: Calls, tmp_path: Path) -> None:
    file, link = tmp_path / "real", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    main(["scan", "pass.whl", "--output", str(link), "--format", "json"])
    assert link.is_symlink()
    assert json.loads(file.read_text())["verdict"] == "pass"
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/null")
def test_a_device_is_written_to_not_replaced(scans: Calls) -> None:
    assert main(["scan", "pass.whl", "--output", os.devnull]) == 0
    assert Path(os.devnull).is_char_device()


def test_an_output_that_cannot_be_is_said_before_anything_is_scanned(
    scans: Calls, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "pass.whl", "--output", str(tmp_path)]) == 3
    assert main(["scan", "pass.whl", "--output", str(tmp_path / "missing" / "x")]) == 3
    err = capsys.readouterr().err
    assert "is a directory" in err
    assert "no such directory" in err
    assert scans == []


def test_extract_writes_payloads_and_says_so(scans: Calls, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "block.whl", "--extract", str(tmp_path / "out")]) == 2
    (file,) = (tmp_path / "out").iterdir()
    assert file.suffix == ".zip"
    assert str(file) in capsys.readouterr().err


def test_wrong_rules_end_the_run_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pydepgate.errors import RuleError

    def scan(target: str, /, **options: Any) -> None:
        raise RuleError("r.toml: rule 'x': unknown key 'y'")

    scanner = types.ModuleType("pydepgate.scanner")
    vars(scanner)["scan"] = scan
    monkeypatch.setitem(sys.modules, "pydepgate.scanner", scanner)
    assert main(["scan", "one", "two", "--rules", "R"]) == 3
    assert capsys.readouterr().err == "pydepgate: error: r.toml: rule 'x': unknown key 'y'\n"
