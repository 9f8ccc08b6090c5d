"""The JSON report, `schema_version` 1; `schema-v1.json` beside this module is its JSON Schema."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from importlib import resources
from typing import Any

from pydepgate import __version__
from pydepgate.limits import PREVIEW_BYTES
from pydepgate.model import ArtifactInfo, Finding, Note, Payload, Report, Stats
from pydepgate.report.escape import without_surrogates

SCHEMA_VERSION = 1


def report_to_dict(report: Report, /) -> dict[str, object]:
    """Return the report as the JSON contract has it: plain values, keys in a fixed order.

    Lone surrogates (file names that are not UTF-8) are written out as text, `\\udc80`.
    """
    document: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "pydepgate", "version": __version__},
        "artifact": _artifact(report.artifact),
        "verdict": report.verdict.value,
        "findings": [_finding(finding) for finding in report.findings],
        "notes": [_note(note) for note in report.notes],
        "stats": _stats(report.stats),
    }
    return {key: _writable(value) for key, value in document.items()}


def _writable(value: object) -> object:
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_writable(item) for item in value]
    return {key: _writable(item) for key, item in value.items()} if isinstance(value, dict) else value


def render_json(reports: Iterable[Report], /, *, several: bool = False, compact: bool = False) -> str:
    """Return one document: the report itself if there is one, else `{"reports": [...]}`.

    `several` asks for the second form even then, so that the form depends on what was asked for and not on
    what could be scanned. The document is indented, or on one line if `compact`.
    """
    documents = [report_to_dict(report) for report in reports]
    indent = None if compact else 2
    if len(documents) == 1 and not several:
        return _dumps(documents[0], indent=indent)
    return _dumps({"schema_version": SCHEMA_VERSION, "reports": documents}, indent=indent)


def render_json_line(report: Report, /) -> str:
    """Return the report on one line, for JSON Lines."""
    return _dumps(report_to_dict(report), indent=None)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) that every output of `render_json` keeps to."""
    text = resources.files("pydepgate.report").joinpath("schema-v1.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _dumps(document: dict[str, object], *, indent: int | None) -> str:
    # Escaping all but ASCII keeps the output valid in any encoding, and harmless on a terminal.
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(document, indent=indent, separators=separators, ensure_ascii=True, allow_nan=False)
    return f"{text}\n"


def _artifact(artifact: ArtifactInfo) -> dict[str, object]:
    return {
        "path": artifact.path,
        "kind": artifact.kind,
        "name": artifact.name,
        "version": artifact.version,
        "sha256": artifact.sha256,
        "size": artifact.size,
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "title": finding.title,
        "severity": finding.severity.label,
        "runs": finding.runs.value,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "evidence": list(finding.evidence),
        "attack": list(finding.attack),
        "payload": None if finding.payload is None else _payload(finding.payload),
    }


def _payload(payload: Payload) -> dict[str, object]:
    document: dict[str, object] = {
        "line": payload.line,
        "column": payload.column,
        "form": payload.form,
        "length": payload.length,
        "layers": [{"codec": layer.codec, "in": layer.size_in, "out": layer.size_out} for layer in payload.layers],
        "final": payload.final,
        "size": payload.size,
        "sha256": payload.sha256,
        "preview_hex": payload.preview[:PREVIEW_BYTES].hex(),
        "indicators": [
            {"kind": found.kind, "value": found.value, "offset": found.offset} for found in payload.indicators
        ],
        "children": [_payload(child) for child in payload.children],
    }
    # Most payloads have none of these.
    further = {"detail": payload.detail, "member": payload.member, "stopped": payload.stopped}
    return document | {key: value for key, value in further.items() if value}


def _note(note: Note) -> dict[str, object]:
    return {
        "code": note.code,
        "message": note.message,
        "file": note.file,
    }


def _stats(stats: Stats) -> dict[str, object]:
    seconds = round(stats.seconds, 3) if math.isfinite(stats.seconds) else 0.0
    return {"files": stats.files, "bytes": stats.bytes, "analysed": stats.analysed, "seconds": seconds}
