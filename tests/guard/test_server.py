"""The local index over real sockets: what it serves, what it refuses, and that it never opens a way around."""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pydepgate.guard.fetch import Fetcher
from pydepgate.guard.handler import MAX_PHRASE, printable_phrase
from pydepgate.guard.model import Decision, Outcome, RemoteFile, Upstream
from pydepgate.guard.pages import HTML, JSON, parse_page
from pydepgate.guard.server import IndexServer
from pydepgate.guard.transport import Patience, Transport
from tests.guard.packages import clean
from tests.guard.upstream import Fault, Form, Index, Listing

FILE = clean()
NAME = FILE.project


@dataclass
class Admission:
    """Admits files once they are on disk, apart from those that it is told to refuse."""

    folder: Path
    refused: dict[str, tuple[Outcome, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def admit(self, file: RemoteFile, upstream: Upstream, /, *, project: str, fetcher: Fetcher) -> Decision:
        self.asked.append(f"{upstream.name}/{project}/{file.filename}")
        self.before()
        if file.filename in self.refused:
            outcome, reason = self.refused[file.filename]
            return Decision(file.filename, project, outcome, reason)
        path = self.folder / f"{len(list(self.folder.iterdir()))}-{threading.get_ident()}-{file.filename}"
        with path.open("w+b") as to:
            fetcher.download(file, upstream, to=to, limit=1 << 20)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Decision(file.filename, project, Outcome.ADMITTED, "", sha256=digest, path=path, seconds=0.5)

    def expect(self, file: RemoteFile, upstream: Upstream, /, *, project: str, fetcher: Fetcher) -> None:
        self.expected.append(file.filename)


@dataclass(frozen=True)
class Answer:
    """What a client got."""

    status: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """A running server, and its client."""

    server: IndexServer
    gate: Admission
    reports: list[Decision]

    def ask(self, path: str, /, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.reason, fields, response.read())
        finally:
            connection.close()

    def names(self, path: str, /) -> list[str]:
        return [file["filename"] for file in self.ask(path, Accept=JSON).json["files"]]


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers in front of upstreams; they are stopped in the end."""
    with ExitStack() as stack:

        def served(*upstreams: Upstream, **options: Any) -> Served:
            patience = Patience(read=5.0, total=5.0, attempts=2, pause=0.0)
            fetcher = stack.enter_context(Fetcher(Transport(patience)))
            gate, reports = Admission(tmp_path), list[Decision]()
            options.setdefault("report", reports.append)
            server = stack.enter_context(IndexServer(gate, fetcher, upstreams, **options))
            return Served(server, gate, reports)

        yield served


@pytest.fixture
def index() -> Iterator[Index]:
    with Index((FILE,)) as made:
        yield made


FILE_PATH = f"/0/{NAME}/{FILE.filename}"


def test_pages_come_in_both_forms_with_links_to_the_server(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url))
    for accept, type_ in ((JSON, JSON), ("*/*", "text/html; charset=utf-8")):
        answer = served.ask(f"/0/{NAME.upper()}/", Accept=accept)
        assert (answer.status, answer.headers["content-type"]) == (200, type_)
        url = f"{served.server.url('0')}/{NAME}/"
        page = parse_page(answer.body, type_, url=url, project=NAME)
        assert [file.url for file in page.files] == [url + FILE.filename]
        assert page.files[0].hashes == {"sha256": FILE.sha256}
        again = served.ask(f"/0/{NAME}/", Accept=accept, If_None_Match=answer.headers["etag"])
        assert (again.status, again.body) == (304, b"")
    assert [seen.path for seen in index.seen] == [f"/simple/{NAME}/"]


def test_a_file_is_served_as_it_was_admitted(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url))
    answer = served.ask(FILE_PATH)
    assert (answer.status, answer.body) == (200, FILE.data)
    head = served.ask(FILE_PATH, "HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(FILE.data)))
    assert head.headers["accept-ranges"] == "bytes"
    assert served.ask(FILE_PATH, If_None_Match=head.headers["etag"]).status == 304
    assert served.ask(FILE_PATH + ".metadata").body == FILE.metadata
    assert set(served.gate.asked) == {FILE_PATH[1:]}
    assert served.gate.expected == [FILE.filename]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-3", slice(0, 4)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=10-", slice(10, None)),
        ("bytes=5-99999999", slice(5, None)),
        ("bytes=0-1,4-5", None),
        ("lines=1-2", None),
        ("bytes=7-3", None),
    ],
)
def test_parts_of_files(serve: Serve, index: Index, header: str, expected: slice | None) -> None:
    served = serve(Upstream("0", index.url))
    answer = served.ask(FILE_PATH, Range=header)
    assert answer.status == (200 if expected is None else 206)
    assert answer.body == FILE.data[expected or slice(None)]
    if expected is not None:
        start, stop, _ = expected.indices(len(FILE.data))
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(FILE.data)}"
        assert served.ask(FILE_PATH, Range=header, If_Range='"other"').status == 200


def test_a_part_that_is_not_there(serve: Serve, index: Index) -> None:
    answer = serve(Upstream("0", index.url)).ask(FILE_PATH, Range="bytes=99999999-")
    assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{len(FILE.data)}")


def test_a_no_reaches_the_person(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url))
    served.gate.refused[FILE.filename] = (Outcome.BLOCKED, "it steals\x1b[31m päss\r\nwords: yes" + "x" * 500)
    answer = served.ask(FILE_PATH)
    assert answer.status == 403
    assert FILE.filename in answer.phrase
    assert len(answer.phrase) <= MAX_PHRASE
    assert answer.phrase.isascii()
    assert answer.phrase.isprintable()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["title"] == answer.phrase
    assert served.ask(FILE_PATH, Accept="text/html").headers["content-type"].startswith("text/plain")
    served.gate.refused[FILE.filename] = (Outcome.FAILED, "the disk is full")
    answer = served.ask(FILE_PATH)
    assert (answer.status, "disk is full" in answer.phrase) == (424, True)
    # the status of a refused range or HEAD is the same
    assert served.ask(FILE_PATH, "HEAD").status == served.ask(FILE_PATH, Range="bytes=0-1").status == 424


def test_a_phrase_is_one_short_line_of_ascii() -> None:
    assert printable_phrase("a\r\nSet-Cookie: b\x1b\u202ec") == "a Set-Cookie: b??c"
    assert len(printable_phrase("x" * 999)) == MAX_PHRASE


def test_what_an_index_does_not_have(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url))
    for path in ("/", "/1/x/", "/0/unknown/", f"/0/{NAME}/other.whl", "/0/-/", f"/0/{NAME}/..%2f..%2fetc%2fpasswd"):
        assert served.ask(path).status == 404, path
    assert served.ask(f"/0/{NAME}").headers["location"] == f"/0/{NAME}/"
    assert served.ask("/0").status == 301
    assert not served.reports
    assert not served.gate.asked


def test_nothing_but_reading_is_answered(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url))
    answer = served.ask(f"/0/{NAME}/", "POST")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    for request in (b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", served.server.port), timeout=20) as client:
            client.sendall(request)
            assert b" 400 " in client.makefile("rb").readline()


def test_all_projects_are_listed(serve: Serve, index: Index, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / FILE.filename).write_bytes(FILE.data)
    served = serve(Upstream("0", index.url), Upstream("1", str(tmp_path / "links"), flat=True))
    assert served.ask("/0/", Accept=JSON).json["projects"] == [{"name": NAME}]
    assert f'<a href="{NAME}/">' in served.ask("/0/").body.decode()
    page = parse_page(served.ask("/1/").body, HTML, url="http://h/1/", project="")
    assert [file.url for file in page.files] == [f"http://h/1/{NAME}/{FILE.filename}"]
    assert served.ask(f"/1/{NAME}/{FILE.filename}").body == FILE.data


@pytest.mark.parametrize("host", ["evil.invalid", "127.0.0.1.evil.invalid", "192.0.2.1", "", "[::1"])
def test_only_loopback_names_are_served(serve: Serve, index: Index, host: str) -> None:
    served = serve(Upstream("0", index.url))
    assert served.ask(f"/0/{NAME}/", Host=host).status == 421
    assert not index.seen


def test_a_page_in_a_browser_cannot_use_the_index(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url), names=["team.example"])
    assert served.ask(f"/0/{NAME}/", Origin="http://evil.invalid").status == 421
    assert served.ask(f"/0/{NAME}/", Sec_Fetch_Site="cross-site").status == 421
    for host in ("localhost:1", "LOCALHOST", "[::1]:80", "127.0.0.2", "team.example"):
        assert served.ask(f"/0/{NAME}/", Host=host).status == 200


def test_a_server_for_all_is_asked_by_address_or_its_own_name(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url), host="0.0.0.0", names=["team.example"])
    assert served.server.url("0").startswith("http://127.0.0.1:")
    for host in ("192.0.2.1:8765", "[2001:db8::1]", socket.gethostname(), "Team.Example:8765"):
        assert served.ask("/health", Host=host).status == 200
    assert served.ask("/health", Host="evil.invalid").status == 421


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.RESET, Fault.SHORT])
def test_a_project_is_refused_from_all_when_one_fails(serve: Serve, index: Index, fault: Fault) -> None:
    with Index(Listing((FILE,), faults={NAME: fault})) as broken:
        served = serve(Upstream("0", index.url), Upstream("1", broken.url))
        for path in (f"/0/{NAME}/", f"/1/{NAME}/", FILE_PATH, FILE_PATH + ".metadata"):
            answer = served.ask(path)
            assert (answer.status, NAME in answer.phrase, broken.root in answer.phrase) == (424, True, True)
        assert served.ask("/0/unknown/").status == 404
    assert not served.gate.asked
    [report] = served.reports
    assert (report.project, report.outcome, report.filename) == (NAME, Outcome.FAILED, "")
    assert list(served.server.failures) == [NAME]


def test_an_index_that_is_searched_by_itself_fails_by_itself(serve: Serve, index: Index) -> None:
    with Index(Listing((FILE,), faults={NAME: Fault.ERROR})) as broken:
        served = serve(Upstream("0", index.url, together=False), Upstream("1", broken.url, together=False))
        assert served.ask(f"/1/{NAME}/").status == 424
        assert not index.seen
        assert served.ask(f"/0/{NAME}/").status == 200


def test_young_releases_are_left_out_whole(serve: Serve) -> None:
    now = datetime.now(UTC)
    old, young = clean("1.0"), clean("2.0")
    added = replace(clean("1.5"), upload_time=now - timedelta(days=9))
    files = (
        replace(old, upload_time=now - timedelta(days=9)),
        added,
        replace(added, filename=f"{NAME}-1.5.tar.gz", upload_time=now),
        replace(young, upload_time=now - timedelta(hours=1)),
    )
    with Index(Listing(files, form=Form.JSON)) as index:
        served = serve(Upstream("0", index.url), min_age=timedelta(days=3))
        assert served.names(f"/0/{NAME}/") == [old.filename]
        assert served.ask(f"/0/{NAME}/{young.filename}").status == 404
        assert {(each.project, each.version) for each in served.server.left_out} == {(NAME, "1.5"), (NAME, "2.0")}
        everything = serve(Upstream("0", index.url), min_age=timedelta(0))
        assert len(everything.names(f"/0/{NAME}/")) == 4


def test_releases_without_times_are_left_out_if_asked(serve: Serve, index: Index) -> None:
    upstream = Upstream("0", index.url)
    with Index(Listing((replace(FILE, upload_time=None),))) as undated:
        upstream = Upstream("0", undated.url)
        assert serve(upstream, min_age=timedelta(days=3)).names(f"/0/{NAME}/") == [FILE.filename]
        assert serve(upstream, min_age=timedelta(days=3), require_times=True).names(f"/0/{NAME}/") == []


def test_many_clients_at_once(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url))
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(served.ask, [f"/0/{NAME}/"] * 50 + [FILE_PATH] * 50))
    assert {answer.status for answer in answers} == {200}
    assert {answer.body for answer in answers[50:]} == {FILE.data}
    assert sum(seen.path == f"/simple/{NAME}/" for seen in index.seen) == 1


def test_faults_of_the_gate_are_no_5xx(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url))

    def fail() -> None:
        raise RuntimeError("a fault")

    served.gate.before = fail
    answer = served.ask(FILE_PATH)
    assert (answer.status, "RuntimeError" in answer.phrase) == (424, True)
    assert "pydepgate_faults_total 1" in served.ask("/metrics").body.decode()


def test_health_and_metrics(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url))
    assert served.ask("/health").body == b"ok\n"
    served.ask(FILE_PATH)
    metrics = served.ask("/metrics").body.decode()
    assert 'pydepgate_files_total{outcome="admitted"} 1\n' in metrics
    assert "# TYPE pydepgate_requests_total counter\n" in metrics
    assert "pydepgate_scan_seconds_total 0.5\n" in metrics


def test_what_has_begun_ends_before_the_server_does(serve: Serve, index: Index) -> None:
    served = serve(Upstream("0", index.url))
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        assert go_on.wait(20)

    served.gate.before = wait
    url = served.server.port
    with ThreadPoolExecutor(2) as pool, socket.create_connection(("127.0.0.1", url)) as idle:
        answer = pool.submit(served.ask, FILE_PATH)
        assert begun.wait(20)
        closing = pool.submit(served.server.close)
        go_on.set()
        closing.result(20)
        assert answer.result(20).body == FILE.data
        assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", url))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_tls(serve: Serve, index: Index, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
    subprocess.run([*made, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    served = serve(Upstream("0", index.url), certificate=certificate, key=key)
    assert served.server.url("0").startswith("https://")
    context = ssl.create_default_context(cafile=str(certificate))
    connection = http.client.HTTPSConnection("127.0.0.1", served.server.port, timeout=20, context=context)
    for _ in range(2):
        connection.request("GET", FILE_PATH)
        assert connection.getresponse().read() == FILE.data
    connection.close()
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=20) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert plain.recv(100)[:4] != b"HTTP"
    assert serve(Upstream("0", index.url)).ask("/health").status == 200


def test_two_upstreams_of_one_name_are_an_error(serve: Serve) -> None:
    with pytest.raises(ValueError, match="one name"):
        serve(Upstream("0", "http://a"), Upstream("0", "http://b"))
