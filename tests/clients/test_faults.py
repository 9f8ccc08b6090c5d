"""Upstreams that fail: nothing of theirs is let in, and the message says what went wrong."""

from __future__ import annotations

import pytest

from tests.clients.clients import Place
from tests.clients.test_indexes import FAILED
from tests.guard import packages
from tests.guard.packages import CLEAN, Hosted
from tests.guard.upstream import Fault, Form, Index, Listing

BOTH = pytest.mark.parametrize("client", ["new", "uv"])
WHEEL = packages.clean().filename


@pytest.mark.parametrize(
    ("client", "what", "fault"),
    [
        ("new", CLEAN, Fault.ERROR),
        ("new", WHEEL, Fault.RESET),
        ("new", WHEEL, Fault.TOO_MANY),
        ("uv", CLEAN, Fault.RESET),
        ("uv", CLEAN, Fault.SHORT),
        ("uv", WHEEL, Fault.ERROR),
        ("uv", WHEEL, Fault.SHORT),
    ],
)
def test_faults(place: Place, client: str, what: str, fault: Fault) -> None:
    with Index(Listing((packages.clean(),), faults={what: fault})) as index:
        place.configure(index.url)
        ended = place.guard(*place.install(client, CLEAN))
    assert ended.status == FAILED, ended.text
    assert CLEAN in ended.text
    assert not place.installed()


@pytest.mark.parametrize(("client", "form"), [("new", Form.HTML), ("uv", Form.JSON)])
def test_wrong_hash(place: Place, client: str, form: Form) -> None:
    with Index(Listing((packages.clean(),), form=form, faults={WHEEL: Fault.OTHER_BYTES})) as index:
        place.configure(index.url)
        ended = place.guard(*place.install(client, CLEAN))
    assert ended.status == FAILED, ended.text
    assert "sha256" in ended.text.lower()
    assert not place.installed()


def test_wrong_length(place: Place) -> None:
    with Index(Listing((packages.clean(),), form=Form.JSON, sizes={WHEEL: 99})) as index:
        place.configure(index.url)
        ended = place.guard(*place.install("new", CLEAN))
    assert ended.status == FAILED, ended.text
    assert not place.installed()


@BOTH
def test_an_index_that_fails_once_is_asked_again(place: Place, client: str) -> None:
    faults = {CLEAN: Fault.ERROR_ONCE, WHEEL: Fault.ERROR_ONCE}
    with Index(Listing((packages.clean(),), faults=faults)) as index:
        place.configure(index.url)
        ended = place.guard(*place.install(client, CLEAN))
    assert ended.status == 0, ended.text
    assert place.imports(CLEAN)


@BOTH
def test_a_project_that_no_index_has(place: Place, client: str) -> None:
    with Index([packages.clean()]) as index:
        place.configure(index.url)
        ended = place.guard(*place.install(client, "paperkite"))
    assert ended.status not in (0, 40, FAILED), ended.text


@BOTH
def test_no_index_at_all(place: Place, client: str) -> None:
    with Index([]) as index:
        place.configure(index.url)
    ended = place.guard(*place.install(client, CLEAN))
    assert ended.status == FAILED, ended.text
    assert not place.installed()


def test_a_file_without_any_hash_is_scanned_all_the_same(place: Place) -> None:
    with Index(Listing(packages.everything(), hashes=False)) as index:
        place.configure(index.url)
        assert place.guard(*place.install("new", CLEAN)).status == 0
        assert place.guard(*place.install("new", packages.MALICIOUS)).status == 40


def test_a_broken_archive_is_not_let_in(place: Place) -> None:
    data = packages.clean().data[:-40]
    with Index([Hosted(CLEAN, WHEEL, data, packages.clean().metadata)]) as index:
        place.configure(index.url)
        ended = place.guard(*place.install("new", CLEAN))
    assert ended.status == 41, ended.text
    assert "unreadable-archive" in ended.text
    assert not place.installed()
