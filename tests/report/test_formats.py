from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from pydepgate.model import Report
from pydepgate.report import FORMATS, View
from pydepgate.report.json import report_to_dict
from tests.report.samples import CALM, LITELLM


def test_the_formats() -> None:
    assert list(FORMATS) == ["text", "json", "jsonl"]


def test_lines_come_as_each_report_is_done() -> None:
    def one_then_fail() -> Iterator[Report]:
        yield CALM
        raise AssertionError("the first line must not wait for the second report")

    for name in ("text", "jsonl"):
        assert next(FORMATS[name](one_then_fail(), View())).endswith("\n")


def test_jsonl_is_one_report_a_line() -> None:
    lines = "".join(FORMATS["jsonl"]([LITELLM, CALM], View())).splitlines()
    assert [json.loads(line) for line in lines] == [report_to_dict(LITELLM), report_to_dict(CALM)]


def test_json_does_not_depend_on_what_text_shows() -> None:
    plain = "".join(FORMATS["json"]([LITELLM], View()))
    assert plain == "".join(FORMATS["json"]([LITELLM], View(peek=True, peek_chain=True, colour=True)))


def test_text_reports_are_apart() -> None:
    text = "".join(FORMATS["text"]([CALM, CALM], View()))
    assert text.count("PASS  idna") == 2
    assert "\n\nPASS" in text


def test_importing_the_room_imports_no_format() -> None:
    code = (
        "import sys, pydepgate.report; "
        "print([name for name in ('json', 'textwrap', 'rich', 'zipfile') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output == "[]\n"
