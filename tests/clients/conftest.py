"""Real clients and the places to run them in, for the tests of this folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.clients import Clients, Place, install_clients
from tests.guard.upstream import Index

KEPT = "PYDEPGATE_TEST_CLIENTS"
"""Variable with a folder in which the clients stay from one run to the next."""


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Clients:
    """Return the real clients; skip where there is no index to install them from."""
    if sys.platform == "win32":
        pytest.skip("the paths of virtual environments here are those of POSIX systems")
    base = tmp_path_factory.getbasetemp()
    folder = Path(os.environ.get(KEPT) or (base if worker_id == "master" else base.parent) / "clients")
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / "lock"):
        try:
            return install_clients(folder)
        except (subprocess.SubprocessError, OSError) as error:
            if "CI" in os.environ:  # there, to skip would be to test nothing and say nothing
                raise
            tail = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
            pytest.skip(f"the clients cannot be installed, is there a package index? {tail}")


@pytest.fixture
def place(tmp_path: Path, clients: Clients) -> Iterator[Place]:
    """Return a user's machine on which nothing is installed; afterwards, no request may have gone to the trap."""
    with Index(()) as trap:
        place = Place(tmp_path, clients, trap)
        for folder in ("home", "config", "etc", "cache", "data", "tmp", "work"):
            (tmp_path / folder).mkdir()
        yield place
        assert trap.seen == ()


@contextmanager
def _alone(path: Path, /) -> Iterator[None]:
    """Let one process at a time in."""
    import fcntl

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
