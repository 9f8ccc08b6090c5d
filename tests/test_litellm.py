"""The LiteLLM-shaped wheel: every number of the attack, from both of its entrances."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.litellm_shape import FILE_NAME, litellm_wheel
from pydepgate import Report, scan
from pydepgate.model import Finding, Payload, Runs, Verdict

PROXY = "litellm/proxy/proxy_server.py"
PTH = "litellm_init.pth"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    path = tmp_path_factory.mktemp("litellm") / FILE_NAME
    path.write_bytes(litellm_wheel())
    return scan(path)


def _findings(report: Report, file: str) -> Iterator[Finding]:
    return (finding for finding in report.findings if finding.file == file and finding.payload is not None)


def _child(payload: Payload, line: int, column: int) -> Payload:
    return next(child for child in payload.children if (child.line, child.column) == (line, column))


def _assert_tree(stage: Payload) -> None:
    """Check the payload that both entrances carry, down to its last stage."""
    assert [(layer.codec, layer.size_in, layer.size_out) for layer in stage.layers] == [("base64", 34_460, 25_844)]
    assert (stage.final, stage.size) == ("python-source", 25_844)
    imports = [indicator for indicator in stage.indicators if indicator.kind == "import"]
    assert [indicator.value for indicator in imports][:5] == ["subprocess", "tempfile", "os", "base64", "sys"]
    key = next(indicator for indicator in stage.indicators if indicator.kind == "pem")
    assert key.offset > imports[4].offset
    assert "rsa-public-key, 4096 bits" in key.value
    assert "550 bytes" in key.value

    collector = _child(stage, 22, 13)
    assert [(layer.codec, layer.size_in, layer.size_out) for layer in collector.layers] == [("base64", 23_044, 17_281)]
    assert (collector.final, collector.size) == ("python-source", 17_281)
    named = {indicator.value for indicator in collector.indicators}
    assert {"/etc/passwd", ".ssh/id_rsa", "AWS_SECRET_ACCESS_KEY"} <= named

    agent = _child(collector, 278, 16)
    assert [(layer.codec, layer.size_in, layer.size_out) for layer in agent.layers] == [("base64", 1_500, 1_125)]
    assert (agent.final, agent.size) == ("python-source", 1_125)
    imported = {indicator.value for indicator in agent.indicators if indicator.kind == "import"}
    assert "subprocess" in imported
    assert any(value.split(".")[0] == "urllib" for value in imported)


def test_verdict_is_block(report: Report) -> None:
    assert report.verdict is Verdict.BLOCK
    assert (report.artifact.kind, report.artifact.name, report.artifact.version) == ("wheel", "litellm", "1.82.8")


def test_module_entrance(report: Report) -> None:
    finding = next(f for f in _findings(report, PROXY) if (f.line, f.column) == (130, 14))
    assert finding.payload is not None
    assert finding.payload.length == 34_460
    _assert_tree(finding.payload)


def test_startup_entrance(report: Report) -> None:
    finding = next(f for f in _findings(report, PTH) if f.rule == "hidden-python-command")
    assert finding.line == 1
    assert finding.runs is Runs.STARTUP
    command = finding.payload
    assert command is not None
    assert (command.length, command.size, command.final) == (34_501, 34_501, "python-source")
    (stage,) = command.children
    _assert_tree(stage)
