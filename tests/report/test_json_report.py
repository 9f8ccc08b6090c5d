from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pydepgate import __version__
from pydepgate.model import Finding, Payload, Report, Runs, Severity, Stats, Verdict
from pydepgate.report.json import render_json, render_json_line, report_to_dict, schema
from tests.report.samples import CALM, LITELLM, ORCHESTRATOR
from tests.report.strategies import reports

jsonschema: Any = pytest.importorskip("jsonschema")

VALIDATOR = jsonschema.Draft202012Validator(schema())


def load(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_schema_knows_every_value_of_the_model() -> None:
    definitions = schema()["$defs"]
    finding = definitions["finding"]["properties"]
    assert finding["runs"]["enum"] == [runs.value for runs in Runs]
    assert finding["severity"]["enum"] == [severity.label for severity in Severity]
    assert definitions["report"]["properties"]["verdict"]["enum"] == [verdict.value for verdict in Verdict]
    fields = {field.name for field in dataclasses.fields(Finding)}
    assert set(finding) == fields


def test_the_contract() -> None:
    document = load(render_json([LITELLM]))
    assert list(document) == ["schema_version", "tool", "artifact", "verdict", "findings", "notes", "stats"]
    assert document["schema_version"] == 1
    assert document["tool"] == {"name": "pydepgate", "version": __version__}
    assert document["artifact"] == {
        "path": "dist/litellm-1.82.8-py3-none-any.whl",
        "kind": "wheel",
        "name": "litellm",
        "version": "1.82.8",
        "sha256": "0" * 63 + "1",
        "size": 41_233,
    }
    assert document["verdict"] == "block"
    assert document["notes"][0] == {
        "code": "source.syntax",
        "message": "does not parse: invalid syntax on line 3",
        "file": "litellm/broken_1.py",
    }
    assert document["stats"] == {"files": 12, "bytes": 1_234_567, "analysed": 8, "seconds": 0.051}
    finding = document["findings"][1]
    assert [finding[key] for key in ("rule", "severity", "runs", "file", "line", "column")] == [
        "decode-then-execute",
        "critical",
        "import",
        "litellm/proxy/proxy_server.py",
        130,
        14,
    ]
    assert finding["attack"] == ["T1027", "T1059.006"]
    payload = finding["payload"]
    assert payload["layers"] == [{"codec": "base64", "in": 34_460, "out": 25_844}]
    assert (payload["final"], payload["size"]) == ("python-source", 25_844)
    assert payload["preview_hex"] == ORCHESTRATOR[:256].hex()
    assert payload["indicators"][0] == {"kind": "import", "value": "subprocess", "offset": 7}
    key, stealer = payload["children"]
    assert (key["final"], key["layers"]) == ("rsa-public-key", [])
    assert (stealer["line"], stealer["column"], stealer["size"]) == (22, 13, 17_281)
    assert (stealer["children"][0]["line"], stealer["children"][0]["size"]) == (278, 1_125)
    assert document["findings"][2]["payload"] is None


def test_what_is_always_empty_is_left_out_and_what_matters_is_there() -> None:
    outer = LITELLM.findings[1].payload
    assert outer is not None
    assert not {"detail", "member", "stopped"} & set(payload_document(outer))
    told = dataclasses.replace(outer, detail="4096 bits", member="a/b.py", stopped="depth of 16")
    shown = payload_document(told)
    assert (shown["detail"], shown["member"], shown["stopped"]) == ("4096 bits", "a/b.py", "depth of 16")


def payload_document(payload: Payload) -> dict[str, Any]:
    finding = dataclasses.replace(LITELLM.findings[1], payload=payload)
    document = load(render_json([dataclasses.replace(LITELLM, findings=(finding,))]))
    VALIDATOR.validate(document)
    shown: dict[str, Any] = document["findings"][0]["payload"]
    return shown


def test_several_reports_are_wrapped() -> None:
    document = load(render_json([LITELLM, CALM]))
    VALIDATOR.validate(document)
    assert document == {"schema_version": 1, "reports": [report_to_dict(LITELLM), report_to_dict(CALM)]}
    assert load(render_json([])) == {"schema_version": 1, "reports": []}


def test_a_name_that_is_not_utf8_stays_readable() -> None:
    artifact = dataclasses.replace(CALM.artifact, path="dist/\udcff\ud83d\ude00.whl")
    text = render_json([dataclasses.replace(CALM, artifact=artifact)])
    assert load(text)["artifact"]["path"] == r"dist/\udcff\ud83d\ude00.whl"


def test_a_preview_is_bounded_whatever_the_payload_carries() -> None:
    outer = LITELLM.findings[1].payload
    assert outer is not None
    shown = payload_document(dataclasses.replace(outer, preview=b"x" * 10_000))
    assert shown["preview_hex"] == "78" * 256


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_no_number_that_json_lacks(seconds: float) -> None:
    report = dataclasses.replace(CALM, stats=Stats(seconds=seconds))
    assert load(render_json([report]))["stats"]["seconds"] == 0.0


def test_a_deep_tree_is_no_trouble() -> None:
    outer = LITELLM.findings[1].payload
    assert outer is not None
    for _ in range(100):
        outer = dataclasses.replace(outer, children=(outer,))
    shown = payload_document(outer)
    for _ in range(100):
        shown = shown["children"][0]
    assert shown["children"][0]["final"] == "rsa-public-key"


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "maybe"},
        {"schema_version": 2},
        {"extra": 1},
        {"findings": [{"rule": "x"}]},
        {"stats": {"files": -1, "bytes": 0, "analysed": 0, "seconds": 0.0}},
    ],
)
def test_the_schema_refuses(wrong: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid(report_to_dict(CALM) | wrong)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(reports, max_size=2))
def test_any_report_is_valid_by_the_schema_and_plain_ascii(some: list[Report]) -> None:
    text = render_json(some)
    assert text.isascii()
    assert text.endswith("\n")
    assert text.replace("\n", "").isprintable()
    VALIDATOR.validate(load(text))
    for report in some:
        line = render_json_line(report)
        assert line[-1] == "\n"
        assert line[:-1].isprintable()
        assert load(line) == report_to_dict(report)
