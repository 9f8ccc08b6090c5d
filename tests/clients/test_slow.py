"""Upstreams that are slow, with a guard of less patience than that of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pydepgate.guard.fetch import Fetcher
from pydepgate.guard.gate import Gate
from pydepgate.guard.model import Decision, Outcome, Upstream
from pydepgate.guard.server import IndexServer
from pydepgate.guard.transport import Patience, Transport
from tests.clients.clients import Place
from tests.guard import packages
from tests.guard.packages import CLEAN
from tests.guard.upstream import Fault, Index, Listing

HASTY = Patience(read=0.4, total=0.6, rate=1024 * 1024, attempts=2, pause=0.05)


@contextmanager
def hasty_guard(place: Place, index: Index, /) -> Iterator[tuple[str, list[Decision]]]:
    """Serve an index to clients; give the address, and the list of what is decided."""
    decisions: list[Decision] = []
    folder = place.folder / "gate"
    folder.mkdir(exist_ok=True)
    with (
        Fetcher(Transport(patience=HASTY)) as fetcher,
        Gate(folder, report=decisions.append) as gate,
        IndexServer(gate, fetcher, [Upstream("0", index.url)], report=decisions.append) as server,
    ):
        yield server.url("0"), decisions


@pytest.mark.parametrize("client", ["new", "uv"])
@pytest.mark.parametrize("what", ["page", "file"])
def test_what_drips_is_given_up(place: Place, client: str, what: str) -> None:
    wheel = packages.clean()
    slow = wheel.filename if what == "file" else CLEAN
    with (
        Index(Listing((wheel,), faults={slow: Fault.DRIP})) as index,
        hasty_guard(place, index) as (url, decisions),
    ):
        ended = place.run(*place.install(client, CLEAN, "--index-url", url))
    assert ended.status in (1, 2), ended.text
    assert {decision.outcome for decision in decisions} == {Outcome.FAILED}
    assert not place.installed()
