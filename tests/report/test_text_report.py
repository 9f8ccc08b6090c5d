from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pydepgate.model import Finding, Indicator, Layer, Note, Report, Severity, Verdict
from pydepgate.report.text import render_text
from tests.report.samples import CALM, LITELLM, payload
from tests.report.strategies import reports

SGR = re.compile(r"\x1b\[[0-9;]+m")


def text(
    report: Report,
    *,
    peek: bool = False,
    peek_chain: bool = False,
    colour: bool = False,
    min_severity: Severity = Severity.INFO,
    width: int | None = None,
    encoding: str = "utf-8",
) -> str:
    return render_text(
        report,
        peek=peek,
        peek_chain=peek_chain,
        colour=colour,
        min_severity=min_severity,
        width=width,
        encoding=encoding,
    )


def block(shown: str, start: str) -> str:
    """Return the lines from the one that starts with `start` to the next empty one."""
    paragraph = next(part for part in shown.split("\n\n") if part.lstrip().startswith(start))
    return paragraph.rstrip("\n")


PLAIN = """\
BLOCK  litellm 1.82.8 (wheel)  dist/litellm-1.82.8-py3-none-any.whl

critical  Decoded data is executed as code  [decode-then-execute]  T1027, T1059.006
  litellm_init.pth:1:1  runs at every start of Python
    Data that was encoded in the source is decoded and then run as code. Nobody who reads the source
    sees what it does, which honest packages have no reason for.
    │ subprocess.Popen([sys.executable, "-c", "import base64; exec(base64.b64decode(…))"])
    payload: text → python-source, 34,501 bytes (--peek shows it)
  litellm/proxy/proxy_server.py:130:14  runs on import
    │ b64_payload → base64.b64decode → open(…).write
    │ subprocess.run([sys.executable, p])
    payload: base64 → python-source, 25,844 bytes (--peek shows it)

high  A process is started every time Python starts  [process-at-startup]  T1546.018
  litellm_init.pth:1:31  runs at every start of Python
    A .pth line starts a process, so it runs in every Python program on the machine.
    │ subprocess.Popen

medium  The network is used on import  [network-on-import]
  litellm/http.py:12:5  runs on import
    Importing this module talks to hxxps://api[.]relay[.]example/v1 at 203[.]0[.]113[.]9.

notes
  limit.ratio
    data/bomb.bin: more than 250 bytes out for one byte in; the rest was not read
  source.syntax (4)
    litellm/broken_1.py: does not parse: invalid syntax on line 3
    litellm/broken_2.py: does not parse: invalid syntax on line 4
    litellm/broken_3.py: does not parse: invalid syntax on line 5
    … 1 more

4 findings (2 critical, 1 high, 1 medium) · 12 files, 1.2 MB, 8 analysed · 0.05 s
"""

PEEKED = """\
critical  Decoded data is executed as code  [decode-then-execute]  T1027, T1059.006
  litellm_init.pth:1:1  runs at every start of Python
    Data that was encoded in the source is decoded and then run as code. Nobody who reads the source
    sees what it does, which honest packages have no reason for.
    │ subprocess.Popen([sys.executable, "-c", "import base64; exec(base64.b64decode(…))"])
    payload: at 1:71  text, 34,501 bytes → python-source
    │  sha256       b369fded3a6aa9dcaa5dc0a77cec3fae93975aa5722d284138e77135943ec5e0
    │  > import base64; exec(base64.b64decode('aW1wb3J0############################################…
    │  import       base64
    │  exec         exec
    └─ at 1:36  base64 34,460 → 25,844 bytes → python-source
       │  sha256       3eaf3c738afec4c448b0fe83ac5ce5672bf8fa80e4b30c1b7aa1e9389d1e64f8
       │  > import subprocess
       │  > import tempfile
       │  > import os
       │  > import base64
       │  pem          rsa-public-key, 4096 bits, 550 bytes DER
       │  import       subprocess, tempfile, os, base64, sys
       ├─ at 7:7  text, 550 bytes → rsa-public-key
       │     sha256       39d4a06271d347d96133171ff7642d40f5cbdb21af373a63bb05113a0b8ce2ca
       └─ at 22:13  base64 23,044 → 17,281 bytes → python-source
          │  sha256       8628dc0b22d824c9d8d60fd76c412f5e236531e18954adc96f6df995e987518d
          │  > import os, sys, stat
          │  > PATHS = ['/etc/passwd', '.ssh/id_rsa']
          │  > NAMES = ['AWS_SECRET_ACCESS_KEY']
          │  > ####################################################################################…
          │  import       os, sys, stat
          │  path         /etc/passwd, .ssh/id_rsa
          │  environment  AWS_SECRET_ACCESS_KEY
          └─ at 278:16  base64 1,500 → 1,125 bytes → python-source
                sha256       5d6f5062910e5b3a58c400235692e4277693595588551d1aca28876265d6ed25
                > import urllib.request
                > import subprocess
                > URL = 'hxxps://relay[.]example/raw'
                > #################################################################################…
                import       urllib.request, subprocess
                url          hxxps://relay[.]example/raw
                domain       relay[.]example
  litellm/proxy/proxy_server.py:130:14  runs on import
    │ b64_payload → base64.b64decode → open(…).write
    │ subprocess.run([sys.executable, p])
    payload: base64 34,460 → 25,844 bytes → python-source
       same payload as above, sha256 3eaf3c738afec4c4…"""


def test_the_whole_report() -> None:
    assert text(LITELLM) == PLAIN


def test_peek_shows_the_tree_once_and_then_refers_to_it() -> None:
    assert block(text(LITELLM, peek=True), "critical") == PEEKED


def test_peek_chain_adds_layers_dumps_and_offsets() -> None:
    shown = text(LITELLM, peek_chain=True)
    assert "   │  layer 1  base64 34,460 → 25,844 bytes\n" in shown
    assert "│    00000000  69 6d 70 6f 72 74 20 73  75 62 70 72 6f 63 65 73  |import subproces|\n" in shown
    assert shown.count("  000000f0  ") == 5
    assert "00000100" not in shown
    assert "import       subprocess @7, tempfile @25, os @41, base64 @51, sys @65\n" in shown


@pytest.mark.parametrize("width", [80, 100])
def test_what_is_told_of_a_finding_fits_the_terminal(width: int) -> None:
    told = [line for line in text(LITELLM, peek_chain=True, width=width).split("\n") if line.startswith("    ")]
    assert [line for line in told if len(line) > width] == []
    assert any("|import subproce" in line for line in told) is (width == 100)


def test_evidence_that_the_message_quotes_is_not_told_twice() -> None:
    report = finding_with(message="Bad. Seen: exec(x)", evidence=("exec(x)", "eval(y)"))
    assert text(report).count("exec(x)") == 1
    assert "│ eval(y)" in text(report)


def test_a_chain_of_codecs() -> None:
    layers = (Layer("base64", 1_000, 750, b"x\x9c"), Layer("zlib", 750, 2_000, b"MZ"))
    packed = dataclasses.replace(
        payload(b"MZ", line=3, column=9, length=1_000, final="pe"),
        layers=layers,
        detail="x86-64",
        stopped="depth",
        size=2_000,
    )
    report = finding_with(payload=packed)
    assert "payload: base64 → zlib → pe (x86-64), 2,000 bytes (--peek shows it)\n" in text(report)
    shown = text(report, peek_chain=True)
    assert "base64 1,000 → zlib 750 → 2,000 bytes → pe (x86-64)\n" in shown
    assert "stopped early: depth\n" in shown
    assert re.search(r"layer 1  base64 1,000 → 750 bytes\n +00000000  78 9c .*\n +layer 2  zlib", shown)
    assert "content" not in shown


def test_a_payload_in_an_archive_is_named_by_its_path_there() -> None:
    inner = dataclasses.replace(
        payload(b"MZ", line=0, column=0, length=2, codec="", final="pe"), member="bin/a\x1b.exe", form="raw"
    )
    outer = dataclasses.replace(payload(b"PK", line=1, column=1, length=9, final="zip"), children=(inner,), sha256="1")
    assert "└─ at bin/a\\x1b.exe  raw, 2 bytes → pe\n" in text(finding_with(payload=outer), peek=True)


def finding_with(**changes: object) -> Report:
    finding = dataclasses.replace(LITELLM.findings[2], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(LITELLM, findings=(finding,), notes=())


def test_many_indicators_are_counted_unless_the_chain_is_asked_for() -> None:
    packed = dataclasses.replace(
        payload(b"x", line=1, column=1, length=1),
        indicators=tuple(Indicator("import", f"module_{number}", number) for number in range(40)),
    )
    shown = " ".join(text(finding_with(payload=packed), peek=True).split())
    assert "module_10, module_11, and 28 more" in shown
    assert "module_12" not in shown
    assert re.search(r"module_38 @38,\s+module_39 @39\n", text(finding_with(payload=packed), peek_chain=True))


def test_nothing_found_is_one_calm_line() -> None:
    assert text(CALM) == (
        "PASS  idna 3.10 (wheel)  dist/idna-3.10-py3-none-any.whl  nothing found in 13 files, 347.0 kB · 0.00 s\n"
    )


def test_notes_are_told_even_when_nothing_is_found() -> None:
    shown = text(dataclasses.replace(CALM, notes=(Note("limit.members", "only 5 members were read"),)))
    assert shown.splitlines()[1:] == ["", "notes", "  limit.members", "    only 5 members were read"]


def test_what_has_no_name_goes_by_its_path() -> None:
    artifact = dataclasses.replace(CALM.artifact, path="src/tool", kind="directory", name="", version="")
    assert text(dataclasses.replace(CALM, artifact=artifact)).startswith("PASS  src/tool (directory)  nothing")


def test_lesser_findings_are_hidden_and_counted() -> None:
    shown = text(LITELLM, min_severity=Severity.HIGH)
    assert "network-on-import" not in shown
    assert "process-at-startup" in shown
    assert shown.endswith(
        "1 finding (1 medium) hidden by --min-severity high\n"
        "4 findings (2 critical, 1 high, 1 medium) · 12 files, 1.2 MB, 8 analysed · 0.05 s\n"
    )


def test_the_verdict_does_not_depend_on_what_is_hidden() -> None:
    shown = text(finding_with(), min_severity=Severity.CRITICAL)
    assert shown.splitlines() == [
        "BLOCK  litellm 1.82.8 (wheel)  dist/litellm-1.82.8-py3-none-any.whl",
        "",
        "1 finding (1 high) hidden by --min-severity critical",
        "1 finding (1 high) · 12 files, 1.2 MB, 8 analysed · 0.05 s",
    ]


def test_an_encoding_without_lines_and_arrows_gets_ascii() -> None:
    shown = text(LITELLM, peek=True, encoding="ascii")
    assert shown.isascii()
    assert "   `- at 1:36  base64 34,460 -> 25,844 bytes -> python-source\n" in shown
    assert "    |  sha256 " in shown
    assert text(LITELLM, encoding="no-such-encoding").isascii()
    named = dataclasses.replace(CALM, artifact=dataclasses.replace(CALM.artifact, name="пакет"))
    assert text(named, encoding="latin-1").startswith(r"PASS  \u043f\u0430\u043a\u0435\u0442 3.10")


def test_prose_is_wrapped_and_paths_are_not() -> None:
    path = "a-rather/long/path/" * 5 + "module.py"
    shown = text(finding_with(file=path, message="word " * 40), width=60)
    assert f"  {path}:1:31  runs at every start of Python\n" in shown
    assert max(len(line) for line in shown.splitlines() if "word" in line) <= 60


def test_colour_only_adds_colour() -> None:
    for peek in (False, True):
        coloured = text(LITELLM, peek=peek, colour=True)
        assert coloured.startswith("\x1b[1;97;41mBLOCK\x1b[0m")
        assert SGR.sub("", coloured) == text(LITELLM, peek=peek)


FORGED = "\nPASS  forged 1.0 (wheel)  x.whl  nothing found\r\x1b[2J\u2028critical  forged \u202e"
HOSTILE = Report(
    artifact=dataclasses.replace(CALM.artifact, path=FORGED, name=FORGED, version=FORGED),
    verdict=Verdict.BLOCK,
    findings=(
        Finding(
            rule=FORGED,
            title=FORGED,
            severity=Severity.HIGH,
            runs=LITELLM.findings[0].runs,
            file=FORGED,
            line=1,
            column=1,
            message=FORGED * 20,
            evidence=(FORGED * 20,) * 20,
            attack=(FORGED,),
            payload=dataclasses.replace(
                payload(FORGED.encode() * 9, line=1, column=2, length=9),
                detail=FORGED,
                member=FORGED,
                stopped=FORGED,
                form=FORGED,
                indicators=(Indicator(FORGED, FORGED * 9, 0),),
            ),
        ),
    ),
    notes=(Note(FORGED, FORGED * 20, FORGED),),
)

OURS = re.compile(r"(critical|high|medium|low|info)  .*|notes|[\d,]+ findings? \(.*\) (·|hidden by --min-severity) .*")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    report=reports,
    peek=st.booleans(),
    peek_chain=st.booleans(),
    colour=st.booleans(),
    width=st.none() | st.integers(1, 120),
)
@example(report=HOSTILE, peek=True, peek_chain=True, colour=False, width=50)
@example(report=HOSTILE, peek=True, peek_chain=False, colour=True, width=None)
def test_no_report_steers_the_terminal_or_forges_a_line(
    report: Report, peek: bool, peek_chain: bool, colour: bool, width: int | None
) -> None:
    shown = text(report, peek=peek, peek_chain=peek_chain, colour=colour, width=width)
    bare = SGR.sub("", shown)
    assert colour or bare == shown
    assert bare.replace("\n", "").isprintable()
    assert not re.search(r"https?://", bare, re.IGNORECASE)
    first, *rest = bare.split("\n")
    assert first.startswith(f"{report.verdict.value.upper()}  ")
    # A line of the report's own starts at the margin; whatever was scanned is indented below one.
    for line in rest:
        assert line == "" or line.startswith("  ") or OURS.match(line)


@pytest.mark.parametrize("size", [0, 999, 1_000, 999_999, 2_500_000_000])
def test_sizes_read_well(size: int) -> None:
    shown = text(dataclasses.replace(CALM, stats=dataclasses.replace(CALM.stats, bytes=size)))
    told = {0: "0 bytes", 999: "999 bytes", 1_000: "1.0 kB", 999_999: "1.0 MB", 2_500_000_000: "2,500.0 MB"}
    assert f"in 13 files, {told[size]} ·" in shown
