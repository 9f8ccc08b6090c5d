"""Reports to render: the shape of a real attack, with inert content."""

from __future__ import annotations

import hashlib

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


def padded(text: str, size: int) -> bytes:
    """Return `text` followed by comment lines up to `size` bytes."""
    return text.encode().ljust(size, b"#")


def indicator_offsets(content: bytes, found: tuple[tuple[str, str], ...]) -> tuple[Indicator, ...]:
    return tuple(Indicator(kind, value, max(0, content.find(value.encode()))) for kind, value in found)


def payload(
    content: bytes,
    *,
    line: int,
    column: int,
    length: int,
    codec: str = "base64",
    final: str = "python-source",
    found: tuple[tuple[str, str], ...] = (),
    children: tuple[Payload, ...] = (),
) -> Payload:
    layers = (Layer(codec, length, len(content), content[:256]),) if codec else ()
    return Payload(
        line=line,
        column=column,
        form="str",
        length=length,
        layers=layers,
        final=final,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        preview=content[:256],
        indicators=indicator_offsets(content, found),
        children=children,
        content=content,
    )


LOADER = padded(
    "import urllib.request\nimport subprocess\n\nURL = 'https://relay.example/raw'\n",
    1_125,
)
STEALER = padded(
    "import os, sys, stat\n\nPATHS = ['/etc/passwd', '.ssh/id_rsa']\nNAMES = ['AWS_SECRET_ACCESS_KEY']\n",
    17_281,
)
ORCHESTRATOR = padded(
    'import subprocess\nimport tempfile\nimport os\nimport base64\nimport sys\n\nKEY = """-----BEGIN PUBLIC KEY-----\n',
    25_844,
)
ONE_LINER = padded("import base64; exec(base64.b64decode('aW1wb3J0", 34_501)


def nested(*, line: int, column: int) -> Payload:
    """Return the three payloads inside each other, the outermost at that place."""
    loader = payload(
        LOADER,
        line=278,
        column=16,
        length=1_500,
        found=(
            ("import", "urllib.request"),
            ("import", "subprocess"),
            ("url", "https://relay.example/raw"),
            ("domain", "relay.example"),
        ),
    )
    stealer = payload(
        STEALER,
        line=22,
        column=13,
        length=23_044,
        found=(
            ("import", "os"),
            ("import", "sys"),
            ("import", "stat"),
            ("path", "/etc/passwd"),
            ("path", ".ssh/id_rsa"),
            ("environment", "AWS_SECRET_ACCESS_KEY"),
        ),
        children=(loader,),
    )
    key = payload(b"\x30\x82\x02\x22".ljust(550, b"\0"), line=7, column=7, length=800, codec="", final="rsa-public-key")
    return payload(
        ORCHESTRATOR,
        line=line,
        column=column,
        length=34_460,
        found=(
            ("import", "subprocess"),
            ("import", "tempfile"),
            ("import", "os"),
            ("import", "base64"),
            ("import", "sys"),
            ("pem", "rsa-public-key, 4096 bits, 550 bytes DER"),
        ),
        children=(key, stealer),
    )


WHY = (
    "Data that was encoded in the source is decoded and then run as code. Nobody who reads the source sees "
    "what it does, which honest packages have no reason for."
)

LITELLM = Report(
    artifact=ArtifactInfo(
        path="dist/litellm-1.82.8-py3-none-any.whl",
        kind="wheel",
        name="litellm",
        version="1.82.8",
        sha256="0" * 63 + "1",
        size=41_233,
    ),
    verdict=Verdict.BLOCK,
    findings=(
        Finding(
            rule="decode-then-execute",
            title="Decoded data is executed as code",
            severity=Severity.CRITICAL,
            runs=Runs.STARTUP,
            file="litellm_init.pth",
            line=1,
            column=1,
            message=WHY,
            evidence=('subprocess.Popen([sys.executable, "-c", "import base64; exec(base64.b64decode(…))"])',),
            attack=("T1027", "T1059.006"),
            payload=payload(
                ONE_LINER,
                line=1,
                column=71,
                length=34_501,
                codec="",
                found=(("import", "base64"), ("exec", "exec")),
                children=(nested(line=1, column=36),),
            ),
        ),
        Finding(
            rule="decode-then-execute",
            title="Decoded data is executed as code",
            severity=Severity.CRITICAL,
            runs=Runs.IMPORT,
            file="litellm/proxy/proxy_server.py",
            line=130,
            column=14,
            message=WHY,
            evidence=(
                "b64_payload → base64.b64decode → open(…).write",
                "subprocess.run([sys.executable, p])",
            ),
            attack=("T1027", "T1059.006"),
            payload=nested(line=130, column=14),
        ),
        Finding(
            rule="process-at-startup",
            title="A process is started every time Python starts",
            severity=Severity.HIGH,
            runs=Runs.STARTUP,
            file="litellm_init.pth",
            line=1,
            column=31,
            message="A .pth line starts a process, so it runs in every Python program on the machine.",
            evidence=("subprocess.Popen",),
            attack=("T1546.018",),
        ),
        Finding(
            rule="network-on-import",
            title="The network is used on import",
            severity=Severity.MEDIUM,
            runs=Runs.IMPORT,
            file="litellm/http.py",
            line=12,
            column=5,
            message="Importing this module talks to https://api.relay.example/v1 at 203.0.113.9.",
        ),
    ),
    notes=(
        Note("source.syntax", "does not parse: invalid syntax on line 3", "litellm/broken_1.py"),
        Note("source.syntax", "does not parse: invalid syntax on line 4", "litellm/broken_2.py"),
        Note("source.syntax", "does not parse: invalid syntax on line 5", "litellm/broken_3.py"),
        Note("source.syntax", "does not parse: invalid syntax on line 6", "litellm/broken_4.py"),
        Note("limit.ratio", "more than 250 bytes out for one byte in; the rest was not read", "data/bomb.bin"),
    ),
    stats=Stats(files=12, bytes=1_234_567, analysed=8, seconds=0.0512),
)

CALM = Report(
    artifact=ArtifactInfo("dist/idna-3.10-py3-none-any.whl", "wheel", "idna", "3.10", "0" * 63 + "2", 70_442),
    verdict=Verdict.PASS,
    stats=Stats(files=13, bytes=347_002, analysed=0, seconds=0.004),
)
