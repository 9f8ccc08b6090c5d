"""Every connection that a client written in Python makes goes to the guard, and every name it looks up is loopback."""

from __future__ import annotations

import json

import pytest

from tests.clients.clients import Place
from tests.guard import packages
from tests.guard.packages import BUILT, CLEAN
from tests.guard.upstream import Index

WATCHER = """\
import json
import os
import sys


def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        address = arguments[1] if event == "socket.connect" else arguments[:2]
        if isinstance(address, tuple):
            line = json.dumps([sys.orig_argv, [str(part) for part in address[:2]]]) + "\\n"
            file = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, line.encode())
            os.close(file)


sys.addaudithook(note)
"""


def connections(place: Place, /) -> set[tuple[bool, str, str]]:
    """Return who connected where: whether it was the guard, the host and the port."""
    lines = (place.folder / "watched").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return {("pydepgate" in command or "-I" in command[:3], *address) for command, address in found}


@pytest.mark.parametrize("client", ["old", "build", "hatch"])
def test_clients_talk_to_the_guard_alone(place: Place, client: str) -> None:
    place.lay("work", packages.source_tree(BUILT, dependencies=[CLEAN]))
    commands = {
        "build": ["pyproject-build"],
        "hatch": ["hatch", "run", "python", "-c", "0"],
    }
    command = commands.get(client) or place.install(client, BUILT)
    watcher = place.write("watcher/sitecustomize.py", WATCHER).parent
    variables = {"PYTHONPATH": str(watcher), "WATCHED": str(place.folder / "watched")}
    with Index(packages.everything()) as index:
        place.configure(index.url)
        ended = place.guard(*command, **variables)
        port = index.root.rpartition(":")[2]
    seen = connections(place)
    assert (True, "127.0.0.1", port) in seen, (seen, ended.text)
    others = {(host, to) for by_the_guard, host, to in seen if not by_the_guard}
    assert others, ended.text
    assert {host for host, _ in others} <= {"127.0.0.1", "localhost", "::1"}, ended.text
    assert port not in {to for _, to in others}, ended.text
