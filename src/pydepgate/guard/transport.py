"""HTTP to an index: connections that are used again, bounded waits, redirects and retries.

Credentials go to their own host alone, and no redirect leads from https to plain http or to anything else.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydepgate import __version__
from pydepgate.guard.addresses import PORTS, Proxies, basic, host_and_port, in_address, redirected, same_host, same_name
from pydepgate.guard.errors import UpstreamError
from pydepgate.guard.model import Credentials

MAX_REDIRECTS = 10
_RETRIED = frozenset((408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds. `read`: for the next bytes; `total`: for all of an answer, to which comes the time
    that its bytes take at `rate` bytes a second; `pause`: before the second of the `attempts`, then twice as long."""

    read: float = 30.0
    total: float = 90.0
    rate: int = 16 * 1024
    attempts: int = 3
    pause: float = 0.4


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to trust, and what to show: `authorities` is a file or folder of certificates (the system's by default),
    `certificate` a file with the client's own certificate and key."""

    authorities: Path | None = None
    certificate: Path | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body is still to be read. `url`: where it came from in the end."""

    status: int
    url: str
    headers: Mapping[str, str]
    length: int | None
    read: Callable[[], bytes]

    def pieces(self) -> Iterator[bytes]:
        """Yield the body in pieces; raises OSError if it ends before its length, or after."""
        received = 0
        while piece := self.read():
            received += len(piece)
            yield piece
        if self.length is not None and received != self.length:
            raise ConnectionError(f"{received:,} of {self.length:,} bytes came")


class TooSlow(TimeoutError):
    """Bytes came, but too few for the time that they took."""


class _Clock:
    """What is left of the time for one answer."""

    def __init__(self, patience: Patience, /) -> None:
        self._patience = patience
        self._started = time.monotonic()
        self.received = 0

    def wait(self) -> float:
        """Return how long the next read may take; raises TooSlow if all time is used up."""
        patience = self._patience
        left = self._started + patience.total + self.received / patience.rate - time.monotonic()
        if left <= 0:
            raise TooSlow("it sends too slowly")
        return min(patience.read, left)


class _Stream(io.RawIOBase):
    """What is read from a socket, against the clock."""

    def __init__(self, raw: Any, sock: socket.socket, clock: _Clock, /) -> None:
        self._raw, self._sock, self._clock = raw, sock, clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._sock.settimeout(self._clock.wait())
        try:
            count = self._raw.readinto(buffer) or 0
        except TimeoutError:
            self._clock.wait()  # says so if all time is used up
            raise
        self._clock.received += count
        return int(count)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


@dataclass(frozen=True, slots=True)
class _TimedSocket:
    """What an HTTPResponse takes for a socket."""

    sock: socket.socket
    clock: _Clock

    def makefile(self, _mode: str, /) -> io.BufferedReader:
        # http.client closes the connection's socket early; the raw file keeps it open until it is read
        raw = self.sock.makefile("rb", buffering=0)
        return io.BufferedReader(_Stream(raw, self.sock, self.clock), 256 * 1024)


_Origin = tuple[str, str, int, bool, str]
"""What connections can be used for again: scheme, host, port, whether it is verified, and the proxy."""


@dataclass(frozen=True, slots=True)
class Transport:
    """Connections to indexes. Closing it closes those that are idle; it can be used by several threads."""

    patience: Patience = Patience()
    trust: Trust = Trust()
    proxies: Proxies = field(default_factory=Proxies)
    _idle: dict[_Origin, list[http.client.HTTPConnection]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _contexts: dict[bool, ssl.SSLContext] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            connections = [connection for idle in self._idle.values() for connection in idle]
            self._idle.clear()
        for connection in connections:
            connection.close()

    @contextmanager
    def get(
        self, url: str, /, *, accept: str, encoding: str, credentials: Credentials | None, verify: bool
    ) -> Iterator[Answer]:
        """Ask once for an address and follow redirects; raises OSError, HTTPException or UpstreamError.

        `credentials` and `verify=False` are meant for the host of `url` alone.
        """
        own = urlsplit(url)
        credentials = in_address(own) or credentials
        for _ in range(MAX_REDIRECTS + 1):
            address = urlsplit(url)
            at_home = same_host(own, address)
            headers = {"Accept": accept, "Accept-Encoding": encoding, "User-Agent": f"pydepgate/{__version__}"}
            if known := in_address(address) or (credentials if at_home else None):
                headers["Authorization"] = basic(known)
            with self._exchange(address, headers, verify=verify or not same_name(own, address)) as answer:
                target = answer.headers.get("location")
                if answer.status not in _REDIRECTS or not target:
                    yield answer
                    return
                url = redirected(url, target)
        raise UpstreamError("it redirects without end")

    @contextmanager
    def _exchange(self, address: SplitResult, headers: dict[str, str], /, *, verify: bool) -> Iterator[Answer]:
        response, connection, origin = self._ask(address, headers, verify=verify)
        reusable = False
        try:
            yield Answer(
                status=response.status,
                url=address._replace(netloc=host_and_port(address)).geturl(),
                headers={name.lower(): value for name, value in reversed(response.getheaders())},
                length=response.length,
                read=lambda: response.read1(256 * 1024),
            )
            reusable = response.isclosed() or (response.length == 0 and not response.will_close)
        finally:
            response.close()
            if reusable and connection.sock is not None:
                self._give(origin, connection)
            else:
                connection.close()

    def _ask(
        self, address: SplitResult, headers: dict[str, str], /, *, verify: bool
    ) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection, _Origin]:
        proxy = self.proxies.proxy_for(address) or ""
        origin = (address.scheme, address.hostname or "", address.port or PORTS[address.scheme], verify, proxy)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        headers = {"Host": host_and_port(address), **headers}
        if proxy and address.scheme == "http":
            target = f"http://{host_and_port(address)}{target}"
            if known := in_address(urlsplit(proxy)):
                headers["Proxy-Authorization"] = basic(known)
        while True:
            connection = self._take(origin)
            used_before = connection is not None
            connection = connection or self._connect(origin)
            try:
                return _response(connection, target, headers, self.patience), connection, origin
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # an idle connection may have been closed by the server at any time
                if not used_before or isinstance(error, TimeoutError):
                    raise

    def _take(self, origin: _Origin, /) -> http.client.HTTPConnection | None:
        while True:
            with self._lock:
                idle = self._idle.get(origin)
                if not idle:
                    return None
                connection = idle.pop()
            if connection.sock is not None and not _readable(connection.sock):
                return connection
            connection.close()  # the server closed it, or sent more than it said

    def _give(self, origin: _Origin, connection: http.client.HTTPConnection, /) -> None:
        with self._lock:
            self._idle.setdefault(origin, []).append(connection)

    def _connect(self, origin: _Origin, /) -> http.client.HTTPConnection:
        scheme, host, port, verify, proxy = origin
        timeout = self.patience.read
        near = urlsplit(proxy) if proxy else None
        if near is not None and (near.scheme != "http" or not near.hostname):
            raise UpstreamError(f"a proxy of the kind {near.scheme!r} is not supported, only http")
        reached = (near.hostname or "", near.port or 80) if near is not None else (host, port)
        if scheme == "http":
            return http.client.HTTPConnection(*reached, timeout=timeout)
        connection = http.client.HTTPSConnection(*reached, timeout=timeout, context=self._context(verify))
        if near is not None:
            known = in_address(near)
            connection.set_tunnel(host, port, {"Proxy-Authorization": basic(known)} if known else {})
        return connection

    def _context(self, verify: bool, /) -> ssl.SSLContext:
        with self._lock:
            if verify not in self._contexts:
                self._contexts[verify] = _context(self.trust, verify=verify)
            return self._contexts[verify]


def _context(trust: Trust, /, *, verify: bool) -> ssl.SSLContext:
    path = trust.authorities
    try:
        is_folder = path is not None and path.is_dir()
        context = ssl.create_default_context(
            cafile=str(path) if path and not is_folder else None, capath=str(path) if path and is_folder else None
        )
        if trust.certificate:
            context.load_cert_chain(trust.certificate)
    except OSError as error:
        raise UpstreamError(f"certificates cannot be read: {error}") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _response(
    connection: http.client.HTTPConnection, target: str, headers: Mapping[str, str], patience: Patience, /
) -> http.client.HTTPResponse:
    clock = _Clock(patience)
    connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if connection.sock is not None:
        connection.sock.settimeout(patience.read)
    connection.endheaders()
    connection.response_class = _timed_by(clock)
    return connection.getresponse()


def _timed_by(clock: _Clock, /) -> Any:
    def respond(sock: Any, *rest: Any, **named: Any) -> http.client.HTTPResponse:
        timed: Any = _TimedSocket(sock, clock)
        return http.client.HTTPResponse(timed, *rest, **named)

    return respond


def _readable(sock: socket.socket, /) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])


def plain(answer: Answer, /, *, limit: int, what: str) -> Iterator[bytes]:
    """Yield the body of an answer, unpacked if it is compressed; raises UpstreamError once it exceeds `limit` bytes."""
    unpacker = zlib.decompressobj(wbits=31) if answer.headers.get("content-encoding", "").lower() == "gzip" else None
    size = 0
    for piece in answer.pieces():
        rest = piece
        while rest:
            try:
                out = unpacker.decompress(rest, limit - size + 1) if unpacker else rest
            except zlib.error as error:
                raise ConnectionError(f"what it sent is damaged ({error})") from None
            rest = unpacker.unconsumed_tail if unpacker else b""
            size += len(out)
            if size > limit:
                raise UpstreamError(f"{what}: it is larger than the {limit:,} bytes allowed")
            yield out
    if unpacker is not None and not unpacker.eof:
        raise ConnectionError("it ended in the middle")


def is_passing(status: int, /) -> bool:
    """Whether what an HTTP status says may be over when one asks again."""
    return status in _RETRIED


def retry_pauses(patience: Patience, /) -> Iterator[float]:
    """Yield how long to wait before each further attempt."""
    for attempt in range(patience.attempts - 1):
        yield patience.pause * 2**attempt
