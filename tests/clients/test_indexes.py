"""Several indexes, credentials, and the many places in which an index can be configured."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.clients.clients import Place
from tests.clients.test_install import BLOCKED, only_the_guard_asked
from tests.guard import packages
from tests.guard.packages import BACKEND, BUILT, CLEAN, DEPENDENT, MALICIOUS
from tests.guard.upstream import Fault, Index, Listing

FAILED = 41
"""Exit status: the guard could not do its work."""

LOGIN = ("lantern", "p4per-s3cret")
BOTH = pytest.mark.parametrize("client", ["new", "uv"])


@BOTH
def test_credentials_in_the_address(place: Place, client: str) -> None:
    with Index(Listing(packages.everything(), login=LOGIN)) as index:
        place.configure(index.url_with_login)
        ended = place.guard(*place.install(client, CLEAN))
        assert ended.status == 0, ended.text
        blocked = place.guard(*place.install(client, DEPENDENT))
        assert blocked.status == BLOCKED, blocked.text
        assert only_the_guard_asked(index)
    assert LOGIN[1] not in ended.text + blocked.text


@BOTH
def test_credentials_of_netrc(place: Place, client: str) -> None:
    with Index(Listing(packages.everything(), login=LOGIN)) as index:
        place.configure(index.url)
        place.write("home/.netrc", "machine 127.0.0.1 login {} password {}\n".format(*LOGIN)).chmod(0o600)
        ended = place.guard(*place.install(client, CLEAN))
        assert ended.status == 0, ended.text
    assert LOGIN[1] not in ended.text


def test_wrong_credentials_are_said_and_nobody_is_asked_for_better_ones(place: Place) -> None:
    with Index(Listing(packages.everything(), login=LOGIN)) as index:
        place.configure(index.url)
        ended = place.guard(*place.install("new", CLEAN))
    assert ended.status == FAILED, ended.text
    assert "401" in ended.text
    assert "User for" not in ended.text


@BOTH
def test_credentials_go_to_their_own_host_alone(place: Place, client: str) -> None:
    with Index(packages.everything()) as store:
        elsewhere = store.root.replace("127.0.0.1", "localhost")
        with Index(Listing(packages.everything(), login=LOGIN, elsewhere=elsewhere)) as index:
            place.configure(index.url_with_login)
            ended = place.guard(*place.install(client, CLEAN))
            assert ended.status == 0, ended.text
            expected = "Basic " + b64encode(":".join(LOGIN).encode()).decode()
            assert {one.authorization for one in index.seen if one.status == 200} == {expected}
        assert {one.authorization for one in store.seen} == {None}


@BOTH
def test_two_indexes(place: Place, client: str) -> None:
    with Index([packages.clean("1.0")]) as first, Index([packages.clean("2.0"), packages.backend()]) as second:
        place.configure(first.url, second.url)
        ended = place.guard(*place.install(client, CLEAN, BACKEND))
        assert ended.status == 0, ended.text
        assert only_the_guard_asked(first)
        assert only_the_guard_asked(second)
    # pip takes the best of all its indexes, uv that of the first index which has the project
    assert f"{CLEAN}-{'1.0' if client == 'uv' else '2.0'}.dist-info" in place.installed()


@pytest.mark.parametrize(("client", "fault"), [("old", Fault.ERROR), ("new", Fault.RESET), ("uv", Fault.ERROR)])
def test_no_index_stands_in_for_one_that_fails(place: Place, client: str, fault: Fault) -> None:
    with (
        Index(Listing((packages.clean("1.0"),), faults={CLEAN: fault})) as first,
        Index([packages.malicious("2.0", name=CLEAN), packages.clean("0.5")]) as second,
    ):
        place.configure(first.url, second.url)
        ended = place.guard(*place.install(client, CLEAN))
    assert ended.status == FAILED, ended.text
    assert not place.installed()


def test_places_of_pip(place: Place) -> None:
    with Index([]) as wrong, Index(packages.everything()) as index:
        place.configure(wrong.url)
        by_variable = place.guard(*place.install("new", CLEAN), PIP_INDEX_URL=index.url)
        assert by_variable.status == 0, by_variable.text
        own = place.write("own.conf", f"[install]\nindex-url = {index.url}\n")
        by_file = place.guard(*place.install("new", DEPENDENT), PIP_CONFIG_FILE=str(own))
        assert by_file.status == BLOCKED, by_file.text
        assert only_the_guard_asked(index)
    assert not place.imports(MALICIOUS)


def test_places_of_uv(place: Place) -> None:
    with Index([]) as wrong, Index(packages.everything()) as index:
        place.configure(wrong.url)
        for variable, words in {
            "UV_DEFAULT_INDEX": (CLEAN, 0),
            "UV_INDEX": (DEPENDENT, BLOCKED),
            "UV_EXTRA_INDEX_URL": (DEPENDENT, BLOCKED),
            "UV_INDEX_URL": (BUILT, 0),
        }.items():
            ended = place.guard(*place.install("uv", words[0]), **{variable: index.url})
            assert ended.status == words[1], (variable, ended.text)
        assert only_the_guard_asked(index)


@pytest.mark.parametrize("client", ["new"])
def test_find_links(place: Place, client: str) -> None:
    folder = place.lay("links", {packages.malicious().filename: packages.malicious().data})
    with Index([packages.clean(), packages.dependent()]) as index:
        place.configure(index.url)
        ended = place.guard(*place.install(client, DEPENDENT), PIP_FIND_LINKS=str(folder))
        assert ended.status == BLOCKED, ended.text
    assert not place.imports(MALICIOUS)
