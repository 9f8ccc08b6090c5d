"""A web server for tests that answers each path as it is told."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reply:
    """What a path is answered with. `hangs_up`: the connection is closed afterwards without a word."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs_up: bool = False


@dataclass(slots=True)
class Scripted:
    """The server. `seen`: paths that were asked for, each with its `Authorization`."""

    root: str
    replies: dict[str, Reply | Callable[[], Reply]]
    seen: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for."""
        return [path for path, _ in self.seen]


@contextmanager
def scripted(
    replies: Mapping[str, Reply | Callable[[], Reply]] | None = None, /, *, certificate: Path | None = None
) -> Iterator[Scripted]:
    """Serve replies by path, over TLS if there is a certificate; further ones can be added while it runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            site.seen.append((self.path, self.headers.get("Authorization")))
            reply = site.replies.get(self.path, Reply(status=404))
            reply = reply() if callable(reply) else reply
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = self.close_connection or reply.hangs_up

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the base class
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that do not trust the server go away."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "http" if certificate is None else "https"
    site = Scripted(f"{scheme}://127.0.0.1:{server.server_address[1]}", dict(replies or {}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
