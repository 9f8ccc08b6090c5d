"""Reports with arbitrary strings, as hostile as hypothesis makes them."""

from __future__ import annotations

from hypothesis import strategies as st

from pydepgate.model import (
    ArtifactInfo,
    Finding,
    Indicator,
    Layer,
    Note,
    Payload,
    Report,
    Runs,
    Severity,
    Stats,
    Verdict,
)

_NASTY = "\x1b\x9b\n\r\t\0\x7f\x85\u202e\u2066\u2069\u200b\u2028\u2029\ufeff\ufe0f\U000e0041\ud800\udcff│└→"
_PIECES = (
    "\x1b[2J",
    "\x1b]8;;https://evil.example/\x07",
    "\nBLOCK  forged 1.0 (wheel)",
    "\r\nPASS  forged",
    "https://evil.example/a?b=c.d",
    "HTTP://203.0.113.7:8080/x",
    "1.2.3.4",
    "relay.evil.com",
    "critical  forged",
    "3 findings",
    "[red]",
    "{0}",
    "%s",
)

# Surrogates too: file names that are not UTF-8 have them.
strings = st.one_of(
    st.text(st.characters() | st.sampled_from(_NASTY), max_size=20),
    st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=6).map("".join),
)
counts = st.integers(0, 2**40)
digests = st.sampled_from(["", "0" * 64, "a" * 64, "b" * 64])

_layers = st.builds(Layer, strings, counts, counts, st.binary(max_size=40))
_indicators = st.builds(
    Indicator, st.sampled_from(["url", "domain", "ip", "import", "path"]) | strings, strings, counts
)


def _payloads(children: st.SearchStrategy[tuple[Payload, ...]]) -> st.SearchStrategy[Payload]:
    return st.builds(
        Payload,
        line=counts,
        column=counts,
        form=strings,
        length=counts,
        layers=st.lists(_layers, max_size=2).map(tuple),
        final=st.sampled_from(["python-source", "text", "pe"]) | strings,
        size=counts,
        sha256=digests,
        preview=st.binary(max_size=300),
        detail=strings,
        member=strings,
        indicators=st.lists(_indicators, max_size=3).map(tuple),
        children=children,
        stopped=strings,
        content=st.none() | st.binary(max_size=50),
    )


payloads = st.recursive(
    _payloads(st.just(())),
    lambda nested: _payloads(st.lists(nested, min_size=1, max_size=2).map(tuple)),
    max_leaves=3,
)

_findings = st.builds(
    Finding,
    rule=strings,
    title=strings,
    severity=st.sampled_from(Severity),
    runs=st.sampled_from(Runs),
    file=strings,
    line=counts,
    column=counts,
    message=strings,
    evidence=st.lists(strings, max_size=2).map(tuple),
    attack=st.lists(strings, max_size=2).map(tuple),
    payload=st.none() | payloads,
)

_KINDS = ("wheel", "sdist", "egg", "directory", "installed", "python", "pth", "zip", "tar", "file")

reports = st.builds(
    Report,
    artifact=st.builds(ArtifactInfo, strings, st.sampled_from(_KINDS), strings, strings, digests, counts),
    verdict=st.sampled_from(Verdict),
    findings=st.lists(_findings, max_size=3).map(tuple),
    notes=st.lists(st.builds(Note, strings, strings, strings), max_size=4).map(tuple),
    stats=st.builds(Stats, counts, counts, counts, st.floats(min_value=0) | st.just(float("nan"))),
)
