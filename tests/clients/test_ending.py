"""How the guard ends, by itself and by signals, and `pydepgate proxy`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.clients.clients import SECONDS, Place, guard_command
from tests.clients.test_install import BLOCKED, only_the_guard_asked
from tests.guard import packages
from tests.guard.packages import CLEAN, DEPENDENT, MALICIOUS
from tests.guard.upstream import Fault, Index, Listing


def test_status_and_streams_are_those_of_the_command(place: Place) -> None:
    with Index([]) as index:
        place.configure(index.url)
        code = "import sys; print(sys.stdin.read().upper()); sys.exit(7)"
        ended = subprocess.run(
            guard_command(sys.executable, "-c", code),
            env=place.environment(),
            input="passed on",
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    assert ended.returncode == 7, ended.stderr
    assert ended.stdout == "PASSED ON\n"


def test_a_command_that_is_not_there(place: Place) -> None:
    ended = place.guard("no-such-command-here")
    assert ended.status not in (0, 1, 2), ended.text
    assert "no-such-command-here" in ended.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(place: Place, number: signal.Signals) -> None:
    wheel = packages.clean(padding=50_000)
    with Index(Listing((wheel,), faults={wheel.filename: Fault.DRIP})) as index:
        place.configure(index.url)
        process = place.start(*guard_command(*place.install("new", CLEAN)), new_session=True)
        assert process.stdout
        index.await_request(wheel.filename)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        text, _ = process.communicate(timeout=SECONDS)
    assert process.returncode in (128 + number, -number), text
    assert "Traceback" not in text
    assert list(place.temporary.iterdir()) == []
    assert not place.installed()


def test_a_killed_guard_leaves_no_server_and_no_broken_cache(place: Place) -> None:
    wheel = packages.clean(padding=50_000)
    with Index(Listing((wheel, packages.malicious()), faults={wheel.filename: Fault.DRIP})) as index:
        place.configure(index.url)
        process = place.start(*guard_command(*place.install("new", CLEAN)))
        index.await_request(wheel.filename)
        process.kill()
        process.communicate(timeout=SECONDS)  # until nobody holds the pipe: neither the client nor a scanner
        ended = place.guard(*place.install("uv", MALICIOUS))
    assert ended.status == BLOCKED, ended.text
    assert not place.installed()


def test_the_refusing_proxy_stands_in_the_way(place: Place) -> None:
    code = "import urllib.request as r\nr.urlopen('http://updates.fixture.invalid/x')"
    with Index([]) as index:
        place.configure(index.url)
        ended = place.guard(sys.executable, "-c", code)
        assert ended.status not in (0, 2), ended.text
        assert "updates.fixture.invalid" in ended.text
        assert "403" in ended.text


@contextmanager
def _proxy(place: Place, *words: str) -> Iterator[str]:
    """Run `pydepgate proxy` and give the address that it prints."""
    process = place.start(sys.executable, "-u", "-m", "pydepgate", "proxy", "--port", "0", *words)
    assert process.stdout
    try:
        address = None
        while not address:
            line = process.stdout.readline()
            assert line, "it ended without an address"
            address = re.search(r"https?://[^\s/]+(?:/[^\s,]*)?", line)
        yield address[0]
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)
    assert process.returncode in (0, 128 + signal.SIGTERM)


@pytest.mark.parametrize("client", ["new", "uv"])
def test_proxy(place: Place, client: str) -> None:
    with Index(packages.everything()) as index, _proxy(place, "--upstream", index.url) as url:
        ended = place.run(*place.install(client, CLEAN, "--index-url", url))
        assert ended.status == 0, ended.text
        ended = place.run(*place.install(client, DEPENDENT, "--index-url", url))
        assert ended.status != 0, ended.text
        assert MALICIOUS in ended.text
        assert "403" in ended.text
        root = re.match(r"https?://[^/]+", url)
        assert root
        with urllib.request.urlopen(f"{root[0]}/metrics") as answer:
            assert b"blocked" in answer.read()
        assert only_the_guard_asked(index)
    assert place.imports(CLEAN)
    assert not place.imports(MALICIOUS)
