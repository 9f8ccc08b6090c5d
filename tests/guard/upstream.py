"""A package index for tests, on loopback: both forms of the simple API, credentials, and faults on demand.

It follows the specification of the simple repository API (PEP 503, 592, 629, 658, 691, 700, 714), apart from what a
fault makes it do.
"""

from __future__ import annotations

import enum
import html
import json
import re
import socket
import struct
import threading
from base64 import b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from tests.guard.packages import Hosted

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html; charset=utf-8"


class Form(enum.Enum):
    """What form of its pages an index speaks."""

    BOTH = "both"
    HTML = "html"
    JSON = "json"


class Fault(enum.Enum):
    """What is wrong with the answers for a path."""

    ERROR = "500 every time"
    ERROR_ONCE = "500 the first time"
    RESET = "the connection is reset in the middle"
    DRIP = "a few bytes, and then no more, while the connection stays open"
    SHORT = "the connection ends before the length that was announced"
    FORBIDDEN = "403"
    GONE = "404"
    OTHER_BYTES = "as many bytes, but others"
    TOO_MANY = "429"


_STATUS = {Fault.ERROR: 500, Fault.ERROR_ONCE: 500, Fault.FORBIDDEN: 403, Fault.GONE: 404, Fault.TOO_MANY: 429}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came in. `agent`: what the client calls itself."""

    method: str
    path: str
    agent: str
    authorization: str | None
    status: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What an index has and how it behaves.

    `login`: name and password that every request needs. `metadata`: whether wheels have metadata files. `hashes`:
    whether pages give hashes. `sizes`: by file name, sizes that the pages claim. `faults`: by the last part of a path,
    a project's name or a file's. `elsewhere`: the root of another server that has the files.
    """

    files: tuple[Hosted, ...]
    form: Form = Form.BOTH
    login: tuple[str, str] | None = None
    metadata: bool = True
    hashes: bool = True
    sizes: Mapping[str, int] = field(default_factory=dict)
    faults: Mapping[str, Fault] = field(default_factory=dict)
    elsewhere: str = ""


class Index:
    """The index, served from its making until the end of its `with`."""

    def __init__(self, listing: Listing | Iterable[Hosted], /) -> None:
        self.listing = listing if isinstance(listing, Listing) else Listing(tuple(listing))
        self.closing = threading.Event()
        self._seen: list[Seen] = []
        self._failed_once: set[str] = set()
        self._lock = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.index = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def root(self) -> str:
        """Its address without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The address of its simple API, without credentials."""
        return f"{self.root}/simple/"

    @property
    def url_with_login(self) -> str:
        """The address of its simple API, with the credentials it asks for."""
        assert self.listing.login
        return self.url.replace("://", "://{}:{}@".format(*self.listing.login))

    @property
    def seen(self) -> tuple[Seen, ...]:
        """All requests so far."""
        with self._lock:
            return tuple(self._seen)

    def downloads(self) -> list[str]:
        """Return the names of the files that were asked for with GET, in order."""
        return [one.path.rpartition("/")[2] for one in self.seen if one.method == "GET" and "/files/" in one.path]

    def await_request(self, ending: str, /, *, seconds: float = 30) -> None:
        """Wait until a request came in whose path ends so. Raises TimeoutError."""
        with self._lock:
            if not self._lock.wait_for(lambda: any(one.path.endswith(ending) for one in self._seen), seconds):
                raise TimeoutError(f"nobody asked for {ending}")

    def note(self, seen: Seen, /) -> None:
        """Keep a request that came in."""
        with self._lock:
            self._seen.append(seen)
            self._lock.notify_all()

    def fault(self, path: str, /) -> Fault | None:
        """Return what is to go wrong with this request."""
        name = path.rstrip("/").rpartition("/")[2]
        fault = self.listing.faults.get(name)
        if fault is Fault.ERROR_ONCE:
            with self._lock:
                if name in self._failed_once:
                    return None
                self._failed_once.add(name)
        return fault

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    index: Index
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away in the middle are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out in two writes
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_CONNECT(self) -> None:
        """Note and refuse who takes this server for a proxy."""
        self._send(403, b"this is no proxy", HTML)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the base class
        """Print nothing: requests are kept in `Index.seen`."""

    def _answer(self) -> None:
        index = self.server.index
        path = unquote(self.path.partition("?")[0])
        if not self._may_enter():
            return self._send(401, b"who are you?", HTML, more={"WWW-Authenticate": 'Basic realm="index"'})
        fault = index.fault(path)
        if fault in _STATUS:
            return self._send(_STATUS[fault], b"the index says no", HTML)
        body, content_type = self._content(path)
        if body is None:
            return self._send(404, b"not found", HTML)
        return self._send(200, body, content_type, fault=fault)

    def _may_enter(self) -> bool:
        login = self.server.index.listing.login
        if login is None:
            return True
        expected = "Basic " + b64encode(":".join(login).encode()).decode()
        return self.headers.get("Authorization") == expected

    def _content(self, path: str) -> tuple[bytes | None, str]:
        listing = self.server.index.listing
        if found := re.fullmatch(r"/simple/(?:([^/]+)/)?", path):
            return self._page(found[1])
        name = path.removeprefix("/files/")
        for file in listing.files:
            if name == file.filename:
                return file.data, "application/octet-stream"
            if name == f"{file.filename}.metadata" and listing.metadata:
                return file.metadata, "application/octet-stream"
        return None, HTML

    def _page(self, project: str | None) -> tuple[bytes | None, str]:
        index = self.server.index
        files = [file for file in index.listing.files if _normalised(file.project) == project]
        as_json = index.listing.form is Form.JSON or (
            index.listing.form is Form.BOTH and JSON in self.headers.get("Accept", "")
        )
        root = f"{index.listing.elsewhere or index.root}/files/"
        if project is None:
            names = sorted({file.project for file in index.listing.files})
            return (_json_root(names), JSON) if as_json else (_html_root(names), HTML)
        if not files:
            return None, HTML
        if as_json:
            return _json_page(project, files, index.listing, root), JSON
        return _html_page(files, index.listing, root), HTML

    def _send(
        self, status: int, body: bytes, content_type: str, *, more: Mapping[str, str] = {}, fault: Fault | None = None
    ) -> None:
        agent = self.headers.get("User-Agent", "")
        self.server.index.note(Seen(self.command, self.path, agent, self.headers.get("Authorization"), status))
        if fault is Fault.OTHER_BYTES:
            body = bytes(byte ^ 1 for byte in body)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault in (Fault.RESET, Fault.DRIP, Fault.SHORT):
            self._break_off(body, fault)
        else:
            self.wfile.write(body)

    def _break_off(self, body: bytes, fault: Fault) -> None:
        self.close_connection = True
        self.wfile.write(body[: len(body) // 2])
        if fault is Fault.DRIP:
            self._drip(body[len(body) // 2 : -1])
        if fault is Fault.RESET:
            # to close with a time of zero to linger is to reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _drip(self, rest: bytes) -> None:
        with suppress(OSError):  # until the client gives up
            for byte in rest:
                if self.server.index.closing.wait(0.2):
                    return
                self.wfile.write(bytes([byte]))
            self.server.index.closing.wait()


def _json_root(names: Iterable[str]) -> bytes:
    return json.dumps({"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]}).encode()


def _html_root(names: Iterable[str]) -> bytes:
    return "\n".join(["<!DOCTYPE html>", *(f'<a href="{name}/">{name}</a>' for name in names)]).encode()


def _hashes(file: Hosted, listing: Listing) -> dict[str, str]:
    return (dict(file.hashes) or {"sha256": file.sha256}) if listing.hashes else {}


def _metadata_hash(file: Hosted, listing: Listing) -> str | None:
    return sha256(file.metadata).hexdigest() if listing.metadata and file.metadata is not None else None


def _json_page(project: str, files: Iterable[Hosted], listing: Listing, root: str) -> bytes:
    entries = [_json_file(file, listing, root) for file in files]
    versions = sorted({file.filename.split("-")[1].removesuffix(".tar.gz") for file in files})
    document = {"meta": {"api-version": "1.1"}, "name": project, "versions": versions, "files": entries}
    return json.dumps(document).encode()


def _json_file(file: Hosted, listing: Listing, root: str) -> dict[str, object]:
    entry: dict[str, object] = {
        "filename": file.filename,
        "url": root + file.filename,
        "hashes": _hashes(file, listing),
        "size": listing.sizes.get(file.filename, len(file.data)),
        "yanked": file.yanked if file.yanked is not None else False,
    }
    if file.requires_python:
        entry["requires-python"] = file.requires_python
    if file.upload_time:
        entry["upload-time"] = file.upload_time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if digest := _metadata_hash(file, listing):
        entry["core-metadata"] = {"sha256": digest}
        entry["dist-info-metadata"] = {"sha256": digest}
    return entry


def _html_page(files: Iterable[Hosted], listing: Listing, root: str) -> bytes:
    lines = ["<!DOCTYPE html>", '<html><head><meta name="pypi:repository-version" content="1.1"></head><body>']
    lines += [_html_link(file, listing, root) for file in files]
    return "\n".join([*lines, "</body></html>"]).encode()


def _html_link(file: Hosted, listing: Listing, root: str) -> str:
    fragment = "".join(f"#{name}={value}" for name, value in list(_hashes(file, listing).items())[:1])
    attributes = {"href": root + file.filename + fragment}
    if file.requires_python:
        attributes["data-requires-python"] = file.requires_python
    if file.yanked is not None:
        attributes["data-yanked"] = file.yanked
    if digest := _metadata_hash(file, listing):
        attributes["data-core-metadata"] = attributes["data-dist-info-metadata"] = f"sha256={digest}"
    written = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<a {written}>{html.escape(file.filename)}</a><br>"


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
