"""How fast the guard's local index serves what it has scanned.

    python -m tests.bench.index

A server in a process of its own, in front of an index on loopback, is asked by one client over one connection for a
project's page with many files, and for one large file. Rates count by the wall clock, and by the processor time that
the server took, which is what one core of its own would give.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydepgate.guard.fetch import Fetcher
from pydepgate.guard.gate import Gate
from pydepgate.guard.model import Upstream
from pydepgate.guard.server import IndexServer
from tests.bench.table import table
from tests.guard.packages import clean
from tests.guard.upstream import Index

RELEASES: Final = 100
MEGABYTES: Final = 50
PAGES: Final = 1_000
DOWNLOADS: Final = 30
_ACCEPT: Final = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, slots=True)
class Rate:
    """How much of something was served, and the seconds that it took by the clock and of the processor."""

    what: str
    amount: float
    wall: float
    processor: float

    def row(self) -> list[str]:
        """Its line of the table."""
        return [self.what, f"{self.amount / self.wall:,.0f}", f"{self.amount / max(self.processor, 0.01):,.0f}"]


def serve() -> int:
    """Serve until standard input ends; each line of it is answered with the processor time so far."""
    large = clean("1.0", padding=MEGABYTES * 10**6)
    releases = (replace(clean(f"2.{number}"), upload_time=large.upload_time) for number in range(RELEASES))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        index = stack.enter_context(Index([large, *releases]))
        gate = Gate(folder / "spool")
        stack.callback(gate.close)
        fetcher = stack.enter_context(Fetcher())
        server = stack.enter_context(IndexServer(gate, fetcher, [Upstream("0", index.url)]))
        print(f"{server.url('0')}/{large.project}/", large.filename, flush=True)
        for _ in sys.stdin:
            print(time.process_time(), flush=True)
    return 0


def measure() -> list[Rate]:
    """Start a server and ask it."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.index", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin
    assert server.stdout
    try:
        url, filename = server.stdout.readline().split()
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.netloc, timeout=600)
        jobs = (
            ("project pages a second", address.path, PAGES),
            ("MB a second", address.path + filename, DOWNLOADS),
        )
        rates = []
        for what, path, times in jobs:
            size = _ask(connection, path)  # scanned and rendered from now on
            before, started = _spent(server), time.perf_counter()
            for _ in range(times):
                _ask(connection, path)
            wall = time.perf_counter() - started
            amount = times * size / 10**6 if "MB" in what else times
            rates.append(Rate(what, amount, wall, _spent(server) - before))
        connection.close()
        return rates
    finally:
        server.stdin.close()
        server.stdout.close()
        server.wait()


def _spent(server: subprocess.Popen[str]) -> float:
    assert server.stdin
    assert server.stdout
    server.stdin.write("\n")
    server.stdin.flush()
    return float(server.stdout.readline())


def _ask(connection: http.client.HTTPConnection, path: str) -> int:
    """Ask for a path and return the size of the answer in bytes."""
    connection.request("GET", path, headers={"Accept": _ACCEPT})
    response = connection.getresponse()
    buffer, size = bytearray(1 << 20), 0
    while count := response.readinto(buffer):
        size += count
    if response.status != 200:
        raise SystemExit(f"{path}: {response.status} {response.reason}")
    return size


def main() -> int:
    """Measure, print a table, and return the exit status."""
    if sys.argv[1:] == ["serve"]:
        return serve()
    print(table(("", "by the clock", "a core"), [rate.row() for rate in measure()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
