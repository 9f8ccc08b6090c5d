"""A proxy that lets nothing through: where a client goes when it leaves the local index."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Self
from urllib.parse import urlsplit

_MAX_TRIED = 1_000


class RefusingProxy:
    """Answers every request with 403, and remembers what was asked for; used as a context manager.

    It listens on loopback, on a port that is free.
    """

    def __init__(self) -> None:
        self._tried: dict[str, int] = {}
        self._lock = threading.Lock()
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._listener = _Listener(self)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, name="pydepgate-refusing", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        listener, self._listener = self._listener, None
        if listener is not None and self._thread is not None:
            listener.shutdown()
            self._thread.join()
            listener.server_close()

    @property
    def url(self) -> str:
        """Its address."""
        if self._listener is None:
            raise RuntimeError("the proxy is not running")
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    @property
    def tried(self) -> tuple[str, ...]:
        """What was asked for, each once, in order: hosts, and addresses without what may be secret in them."""
        with self._lock:
            return tuple(self._tried)

    def note(self, target: str, /) -> None:
        """Remember what was asked for."""
        with self._lock:
            if target in self._tried or len(self._tried) < _MAX_TRIED:
                self._tried[target] = self._tried.get(target, 0) + 1


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, proxy: RefusingProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look up its own name, which can take seconds
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks is its client's matter."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def parse_request(self) -> bool:
        """Any method is refused, so none needs to be known."""
        if not super().parse_request():
            return False
        server = self.server
        assert isinstance(server, _Listener)
        target = printable_ascii(self.path) if self.command == "CONNECT" else without_secrets(self.path)
        server.proxy.note(target)
        body = (
            f"pydepgate guard refused a connection to {target}: only packages of the configured indexes are let "
            "through, after they were scanned.\nDirect addresses and version control need --allow-direct.\n"
        ).encode("ascii", "backslashreplace")
        self.close_connection = True
        self.send_response(403, refusal(target))
        self.send_header("Content-Type", "text/plain; charset=us-ascii")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        return False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing is written: standard error is the client's."""


def refusal(target: str, /) -> str:
    """Return the reason phrase that refuses a connection."""
    return f"pydepgate guard refused {target[:120]}: only configured indexes are reached"


def without_secrets(url: str, /) -> str:
    """Return an address in printable ASCII, without credentials, query and fragment."""
    try:
        address = urlsplit(url)
    except ValueError:
        return "an address"
    return printable_ascii(f"{address.scheme or 'http'}://{address.netloc.rpartition('@')[2]}{address.path}")


def printable_ascii(text: str, /) -> str:
    """Return the start of a text with question marks for what is not printable ASCII."""
    return "".join(character if 32 < ord(character) < 127 else "?" for character in text[:300])
