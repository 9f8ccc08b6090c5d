"""Requests to the local index and their answers.

A refused file is answered 403 and what could not be checked 424, at which installers stop at once. 401, 429 and 5xx
would make them prompt or try again, so they are never sent.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from pydepgate import __version__
from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.model import Decision, Outcome, Page, RemoteFile, Upstream
from pydepgate.guard.names import is_filename, is_project, normalise, project_of
from pydepgate.guard.pages import HTML, JSON, negotiate, render_html
from pydepgate.guard.ranges import unchanged, wanted_range
from pydepgate.guard.refusing import refusal, without_secrets
from pydepgate.guard.shelf import Sheet
from pydepgate.guard.summary import reason_phrase
from pydepgate.report.escape import printable

if TYPE_CHECKING:
    from pydepgate.guard.server import Listener

MAX_PHRASE = 200
"""Characters of a reason phrase; longer ones are cut."""

IDLE_SECONDS = 120.0
"""How long a client may keep silent on its connection, or take nothing of what is sent."""

_PROBLEM = "application/problem+json"
_CANNOT_CHECK = HTTPStatus.FAILED_DEPENDENCY
_PLAIN = "text/plain; charset=utf-8"


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server: Listener
    protocol_version = "HTTP/1.1"
    server_version = f"pydepgate/{__version__}"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    _body = b""
    _sent = False

    def setup(self) -> None:
        super().setup()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.do_handshake()

    def do_GET(self) -> None:
        with self.server.working():
            self._sent = False
            try:
                self._answer()
            except OSError as error:
                self.close_connection = True
                if not self._sent:  # else the client went away
                    self._fault(error)
            except Exception as error:
                self.close_connection = True
                self._fault(error)
            if self.server.closing:
                self.close_connection = True

    do_HEAD = do_GET  # noqa: N815

    def _fault(self, error: Exception, /) -> None:
        self.server.counters.add("faults")
        self.server.note(f"fault: {type(error).__name__}: {error}")
        if not self._sent:
            self._refuse(_CANNOT_CHECK, f"pydepgate: fault of the guard ({type(error).__name__})", str(error))

    def _answer(self) -> None:
        if self.server.passed_by is not None and not self.server.is_own(self.path):
            self._past(self.server.passed_by)
            return
        if not self.server.may_ask(self.headers):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "pydepgate: this host name is not served", "")
            return
        address = urlsplit(self.path)
        match [unquote(segment) for segment in address.path.split("/")[1:]]:
            case ["health"]:
                self._send(HTTPStatus.OK, _PLAIN, b"ok\n")
            case ["metrics"]:
                self._send(HTTPStatus.OK, "text/plain; version=0.0.4", self.server.counters.text().encode())
            case [name, ""] if upstream := self.server.upstreams.get(name):
                self._root(upstream)
            case [name, project, ""] if upstream := self.server.upstreams.get(name):
                self._project(upstream, project)
            case [name, project, filename] if (upstream := self.server.upstreams.get(name)) and is_filename(filename):
                self._file(upstream, project, filename)
            case [name] | [name, _] if name in self.server.upstreams:
                self._send(HTTPStatus.MOVED_PERMANENTLY, _PLAIN, b"", Location=quote(address.path, safe="/%") + "/")
            case _:
                self._absent("there is nothing here")

    def _past(self, passed_by: Callable[[str], None], /) -> None:
        """Refuse what a client asks another server for, with this one as its proxy."""
        target = without_secrets(self.path)
        passed_by(target)
        self.close_connection = True
        self._refuse(HTTPStatus.FORBIDDEN, refusal(target), "")

    def _root(self, upstream: Upstream, /) -> None:
        fetcher = self.server.fetcher
        try:
            if upstream.flat:
                body = render_html(_known_files(fetcher.links(upstream)), link=_below)
                self._send(HTTPStatus.OK, f"{HTML}; charset=utf-8", body)
                return
            names = fetcher.projects(upstream)
        except UpstreamError as error:
            self._cannot_check("", str(error))
            return
        if negotiate(self.headers.get("Accept", "")) == JSON:
            document = {"meta": {"api-version": "1.0"}, "projects": [{"name": name} for name in names]}
            self._send(HTTPStatus.OK, JSON, json.dumps(document).encode(), Vary="Accept")
        else:
            links = "".join(f'<a href="{name}/">{name}</a><br>\n' for name in names)
            page = f"<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n"
            self._send(HTTPStatus.OK, f"{HTML}; charset=utf-8", page.encode(), Vary="Accept")

    def _project(self, upstream: Upstream, project: str, /) -> None:
        content_type = negotiate(self.headers.get("Accept", ""))
        if not content_type:
            self._refuse(HTTPStatus.NOT_ACCEPTABLE, "pydepgate: pages are HTML or JSON (PEP 691)", "")
            return
        sheet = self._sheet(upstream, project)
        if sheet is None:
            return
        body, etag = sheet.rendered(content_type)
        type_ = content_type if content_type == JSON else f"{content_type}; charset=utf-8"
        if unchanged(self.headers.get("If-None-Match"), etag):
            self._send(HTTPStatus.NOT_MODIFIED, type_, None, ETag=etag, Vary="Accept")
        else:
            self._send(HTTPStatus.OK, type_, body, ETag=etag, Vary="Accept")

    def _sheet(self, upstream: Upstream, project: str, /) -> Sheet | None:
        """Return the page of a project; where there is none to show, say so to the client and return None."""
        name = normalise(project)
        if not is_project(name):
            self._absent("no project can have this name")
            return None
        try:
            sheet = self.server.shelf.sheet(upstream, name)
        except UpstreamError as error:
            self._cannot_check(name, str(error))
            return None
        if sheet is None:
            self._absent(f"this index has no {name}")
        return sheet

    def _file(self, upstream: Upstream, project: str, filename: str, /) -> None:
        sheet = self._sheet(upstream, project)
        if sheet is None:
            return
        if (file := sheet.files.get(filename)) is not None:
            self._content(file, upstream, sheet.page.name)
        elif (file := sheet.files.get(filename.removesuffix(".metadata"))) is not None and file.metadata is not None:
            self._metadata(file, upstream, sheet.page.name)
        else:
            self._absent("there is no such file")

    def _metadata(self, file: RemoteFile, upstream: Upstream, project: str, /) -> None:
        try:
            content = self.server.fetcher.metadata(file, upstream)
        except UpstreamError as error:
            self._cannot_check(project, str(error))
            return
        if content is None:
            self._absent("there is no such file")
        else:
            self.server.gate.expect(file, upstream, project=project, fetcher=self.server.fetcher)
            self._send(HTTPStatus.OK, "application/octet-stream", content)

    def _content(self, file: RemoteFile, upstream: Upstream, project: str, /) -> None:
        decision = self.server.gate.admit(file, upstream, project=project, fetcher=self.server.fetcher)
        self.server.counters.add("files", label=f'outcome="{decision.outcome}"')
        self.server.counters.add("scan_seconds", decision.seconds)
        if decision.outcome is Outcome.ADMITTED and decision.path is not None:
            self._serve(decision)
        else:
            status = HTTPStatus.FORBIDDEN if decision.outcome is Outcome.BLOCKED else _CANNOT_CHECK
            self._refuse(status, reason_phrase(decision), _details(decision))

    def _serve(self, decision: Decision, /) -> None:
        assert decision.path is not None
        with decision.path.open("rb") as stream:
            size = stream.seek(0, 2)
            etag = f'"{decision.sha256}"'
            if unchanged(self.headers.get("If-None-Match"), etag):
                self._head(HTTPStatus.NOT_MODIFIED, {"ETag": etag})
                return
            try:
                part = wanted_range(self.headers.get("Range"), self.headers.get("If-Range"), size=size, etag=etag)
            except ValueError:
                self._head(
                    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                    {"Content-Range": f"bytes */{size}", "Content-Length": "0"},
                )
                return
            start, length = part or (0, size)
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length), "ETag": etag}
            if part:
                headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
            self._head(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK, headers | {"Accept-Ranges": "bytes"})
            if self.command != "HEAD" and length:
                stream.seek(start)  # sendfile itself does not always
                sent = self.connection.sendfile(stream, start, length)
                self.server.counters.add("sent_bytes", sent)
                self.close_connection = self.close_connection or sent != length

    def _absent(self, why: str, /) -> None:
        self._refuse(HTTPStatus.NOT_FOUND, "Not Found", why)

    def _cannot_check(self, project: str, why: str, /) -> None:
        self.server.failed(project, why)
        self._refuse(_CANNOT_CHECK, f"pydepgate: {project or 'the index'} cannot be checked: {why}", "")

    def _refuse(self, status: HTTPStatus, phrase: str, details: str, /) -> None:
        phrase = printable_phrase(phrase)
        if _wants_text(self.headers.get("Accept", "")):
            body, type_ = f"{phrase}\n\n{details}\n".encode(errors="replace"), _PLAIN
        else:
            problem = {"type": "about:blank", "title": phrase, "status": status.value}
            body, type_ = json.dumps(problem | ({"detail": details} if details else {})).encode(), _PROBLEM
        self._send(status, type_, body, phrase)

    def _send(
        self, status: HTTPStatus, type_: str, body: bytes | None, phrase: str | None = None, /, **headers: str
    ) -> None:
        """Send an answer whose body is at hand; None if it may have none."""
        if body is None:
            self._head(status, headers, phrase)
            return
        fields = {"Content-Type": type_, "Content-Length": str(len(body)), **headers}
        self._head(status, fields, phrase, body=body if self.command != "HEAD" else b"")
        self.server.counters.add("sent_bytes", len(body))

    def _head(
        self, status: HTTPStatus, headers: dict[str, str], phrase: str | None = None, /, *, body: bytes = b""
    ) -> None:
        self._sent = True
        self.server.counters.add("requests", label=f'status="{status.value}"')
        self.server.note(printable(f"{self.client_address[0]} {self.command} {self.path} {status.value}"))
        self.send_response_only(status, phrase)
        self.send_header("Server", self.version_string())
        self.send_header("Date", self.date_time_string())
        # a verdict can change: what a client keeps it has to ask for again
        for name, value in {**headers, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}.items():
            self.send_header(name, value)
        if self.close_connection or self.server.closing:
            self.send_header("Connection", "close")
        self._body = body
        self.end_headers()

    def flush_headers(self) -> None:
        """Send head and body at once: in two writes, a small answer would be two packets."""
        self.wfile.write(b"".join(getattr(self, "_headers_buffer", ())) + self._body)
        self._headers_buffer: list[bytes] = []
        self._body = b""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no proper request; http.server's own statuses of the 5xx kind become 4xx."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus.BAD_REQUEST
        self.close_connection = True
        # what http.server did not come to read
        self.command, self.request_version = self.command or "GET", self.protocol_version
        self.path = getattr(self, "path", "")
        headers = {"Allow": "GET, HEAD"} if status is HTTPStatus.METHOD_NOT_ALLOWED else {}
        self._send(status, _PLAIN, f"{status.phrase}\n".encode(), **headers)

    def version_string(self) -> str:
        """Return the name under which the server presents itself."""
        return self.server_version

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Requests are noted when they are answered."""


def printable_phrase(text: str, /) -> str:
    """Return a text as a reason phrase can be: one line of printable ASCII, not too long."""
    plain = "".join(character if " " <= character <= "~" else "?" for character in " ".join(text.split()))
    return plain if len(plain) <= MAX_PHRASE else plain[: MAX_PHRASE - 3] + "..."


def _details(decision: Decision, /) -> str:
    """Return what a body says, with nothing in it that could move a cursor."""
    lines = [
        f"{each.severity.label}: {each.title} [{each.rule}] {each.file}:{each.line}" for each in decision.findings[:20]
    ]
    return "\n".join(map(printable, lines))


def _wants_text(accept: str, /) -> bool:
    # a browser asks for HTML before all else; installers do for JSON, or for anything
    return accept.strip().lower().startswith("text/")


def _known_files(page: Page, /) -> Page:
    return Page("", tuple(file for file in page.files if project_of(file.filename)))


def _below(file: RemoteFile, /) -> str:
    known = project_of(file.filename)
    assert known is not None
    return f"{known[0]}/{quote(file.filename, safe='')}"
