"""The local index: what installers ask instead of the real ones."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from email.message import Message
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from pydepgate.guard.cooldown import Cooldown, LeftOut
from pydepgate.guard.counters import Counters
from pydepgate.guard.fetch import Fetcher
from pydepgate.guard.handler import Handler
from pydepgate.guard.model import Decision, Outcome, RemoteFile, Upstream
from pydepgate.guard.shelf import Shelf

MAX_CONNECTIONS = 512
GRACE_SECONDS = 10.0
"""How long answers that have begun may take once the server is to stop."""

PAGE_SECONDS = 300.0
"""How long a project's page is kept."""


class Admits(Protocol):
    """What decides about files."""

    def admit(self, file: RemoteFile, upstream: Upstream, /, *, project: str, fetcher: Fetcher) -> Decision:
        """Return what is to become of a file, with the bytes to serve if it is admitted."""

    def expect(self, file: RemoteFile, upstream: Upstream, /, *, project: str, fetcher: Fetcher) -> None:
        """Get ready for a file that will probably be asked for, without waiting for it."""


class Listener(ThreadingHTTPServer):
    """Accepts connections, and holds what their handlers share."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, index: IndexServer, address: tuple[str, int], tls: ssl.SSLContext | None, /) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.gate, self.fetcher, self.shelf = index.gate, index.fetcher, index.shelf
        self.upstreams = {upstream.name: upstream for upstream in index.upstreams}
        self.counters = index.counters
        self.note, self.failed, self.passed_by = index.note, index.failed, index.passed_by
        self.closing = False
        self._names = index.names
        self._tls = tls
        self._changed = threading.Condition()
        self._working = 0
        self._connections: set[socket.socket] = set()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        # HTTPServer would look up its own name, which can take seconds
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:  # the handshake is left to the thread of the connection
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            if self.closing or len(self._connections) >= MAX_CONNECTIONS:
                request.close()
                return
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is its client's matter."""

    @contextmanager
    def working(self) -> Iterator[None]:
        """Let the server wait for what happens inside before it stops."""
        with self._changed:
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def may_ask(self, headers: Message, /) -> bool:
        """Whether a request is made by a client that was pointed here, and by no page in a browser."""
        if "Origin" in headers or headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return False
        host = _host_of(headers.get("Host", ""))
        return host is not None and (host in self._names or _is_address(host, own=str(self.server_address[0])))

    def is_own(self, target: str, /) -> bool:
        """Whether a request is for this server: one that is sent to a proxy names the server that it is for."""
        if target.startswith("/"):
            return True
        try:
            address = urlsplit(target)
            host, port = address.hostname or "", address.port or 80
        except ValueError:
            return False
        own = host in self._names or _is_address(host, own=str(self.server_address[0]))
        return address.scheme == "http" and own and port == self.server_port

    def finish(self, *, grace: float) -> None:
        """Let answers that have begun end, for `grace` seconds, then close all connections."""
        with self._changed:
            self.closing = True
            self._changed.wait_for(lambda: self._working == 0, timeout=grace)
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        with self._changed:
            self._changed.wait_for(lambda: not self._connections, timeout=2.0)


class IndexServer:
    """Serves upstreams on a port of its own, each below its name; used as a context manager.

    `port`: 0 for any that is free. `certificate`, `key`: files for TLS. `min_age`: leaves out younger releases, and
    with `require_times` those of which the index does not tell the age. `names`: further host names by which it may be
    asked. `report` gets a decision without a file name for each project that is refused because an index failed. `log`
    gets a line for each request. With `passed_by`, it can be a client's proxy as well: what the client asks of other
    servers is refused, and `passed_by` gets it.
    """

    def __init__(
        self,
        gate: Admits,
        fetcher: Fetcher,
        upstreams: Sequence[Upstream],
        /,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: Path | None = None,
        key: Path | None = None,
        min_age: timedelta | None = None,
        require_times: bool = False,
        names: Sequence[str] = (),
        page_seconds: float = PAGE_SECONDS,
        report: Callable[[Decision], None] | None = None,
        log: Callable[[str], None] | None = None,
        passed_by: Callable[[str], None] | None = None,
    ) -> None:
        self.gate, self.fetcher, self.upstreams = gate, fetcher, tuple(upstreams)
        if len({upstream.name for upstream in self.upstreams}) != len(self.upstreams):
            raise ValueError("two upstreams have one name")
        cooldown = Cooldown(min_age, require_times) if min_age is not None and min_age > timedelta() else None
        self.shelf = Shelf(fetcher, self.upstreams, cooldown=cooldown, seconds=page_seconds)
        self.counters = Counters()
        self.names = _served_names(host, names)
        self._host, self._port, self._tls = host, port, _tls(certificate, key)
        self._report, self._log = report, log
        self.passed_by = passed_by
        self._failures: dict[str, str] = {}
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._listener = Listener(self, (self._host, self._port), self._tls)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, name="pydepgate-index", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, *, grace: float = GRACE_SECONDS) -> None:
        """Stop: accept nothing more, let answers that have begun end for `grace` seconds."""
        listener, self._listener = self._listener, None
        if listener is None or self._thread is None:
            return
        listener.shutdown()
        self._thread.join()
        listener.finish(grace=grace)
        listener.server_close()
        self.shelf.close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._listener is None:
            raise RuntimeError("the server is not running")
        return int(self._listener.server_address[1])

    @property
    def failures(self) -> dict[str, str]:
        """Projects that were refused because an index failed, and why."""
        with self._lock:
            return dict(self._failures)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Releases that the cooldown removed from the pages that were asked for."""
        return tuple(self.shelf.left_out.values())

    def url(self, name: str, /) -> str:
        """Return the address of an upstream's simple API, without a slash at its end."""
        if name not in {upstream.name for upstream in self.upstreams}:
            raise KeyError(name)
        host = "127.0.0.1" if self._host in ("", "0.0.0.0") else "::1" if self._host == "::" else self._host
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self._tls else 'http'}://{shown}:{self.port}/{name}"

    def note(self, line: str, /) -> None:
        """Pass a line about a request on to the log."""
        if self._log is not None:
            self._log(line)

    def failed(self, project: str, why: str, /) -> None:
        """Remember that an index failed for a project, and report it the first time."""
        with self._lock:
            is_new = project not in self._failures
            self._failures[project] = why
        if is_new and self._report is not None:
            self._report(Decision(filename="", project=project, outcome=Outcome.FAILED, reason=why))


def _tls(certificate: Path | None, key: Path | None, /) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def _served_names(host: str, names: Sequence[str], /) -> frozenset[str]:
    own = {host, *names}
    if host in ("", "0.0.0.0", "::"):
        own |= {socket.gethostname()}
    return frozenset(name.lower().strip("[]") for name in own | {"localhost"})


def _host_of(header: str, /) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None


def _is_address(host: str, /, *, own: str) -> bool:
    """Whether a host is a loopback address, or, where the server listens on all, any address: what a page in a browser
    can turn to another machine is a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or own in ("0.0.0.0", "::")
