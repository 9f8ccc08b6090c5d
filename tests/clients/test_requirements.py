"""Requirement and constraint files, with all that may stand in them."""

from __future__ import annotations

import pytest

from tests.clients.clients import Place
from tests.clients.test_install import BLOCKED, only_the_guard_asked
from tests.guard import packages
from tests.guard.packages import BUILT, CLEAN, DEPENDENT, MALICIOUS
from tests.guard.upstream import Index

BOTH = pytest.mark.parametrize("client", ["new", "uv"])


@BOTH
def test_hashes(place: Place, client: str) -> None:
    right, wrong = packages.clean().sha256, "0" * 64
    with Index(packages.everything()) as index:
        place.configure(index.url)
        file = place.write("work/requirements.txt", f"{CLEAN}==1.0 --hash=sha256:{wrong}\n")
        ended = place.guard(*place.install(client, "--require-hashes", "-r", str(file)))
        assert ended.status not in (0, BLOCKED), ended.text
        assert not place.imports(CLEAN)
        place.write("work/requirements.txt", f"{CLEAN}==1.0 --hash=sha256:{right}\n")
        ended = place.guard(*place.install(client, "--require-hashes", "-r", str(file)))
        assert ended.status == 0, ended.text
    assert place.imports(CLEAN)


@BOTH
def test_constraints(place: Place, client: str) -> None:
    with Index([packages.clean("1.0"), packages.clean("2.0")]) as index:
        place.configure(index.url)
        constraints = place.write("work/constraints.txt", f"{CLEAN}<2\n")
        ended = place.guard(*place.install(client, "-c", str(constraints), CLEAN))
        assert ended.status == 0, ended.text
    assert f"{CLEAN}-1.0.dist-info" in place.installed()


@pytest.mark.parametrize(
    ("client", "option"),
    [
        ("old", "--extra-index-url"),
        ("new", "--index-url"),
        ("new", "--find-links"),
        ("uv", "-i"),
        ("uv", "--find-links"),
    ],
)
def test_index_lines_do_not_lead_around_the_guard(place: Place, client: str, option: str) -> None:
    with Index([packages.clean()]) as index, Index(packages.everything()) as other:
        place.configure(index.url)
        place.write("work/more.txt", f"{option} {other.url}\n{DEPENDENT}\n")
        file = place.write("work/requirements.txt", f"{CLEAN}\n-r more.txt\n")
        ended = place.guard(*place.install(client, "-r", str(file)))
        assert ended.status != 0, ended.text
        assert not other.seen or only_the_guard_asked(other)
    assert not place.imports(MALICIOUS)


@BOTH
def test_index_lines_are_served_through_the_guard(place: Place, client: str) -> None:
    with Index([]) as index, Index(packages.everything()) as other:
        place.configure(index.url)
        file = place.write("work/requirements.txt", f"--index-url {other.url}\n{BUILT}\n")
        ended = place.guard(*place.install(client, "-r", "requirements.txt"))
        assert ended.status == 0, ended.text
        assert only_the_guard_asked(other)
    assert place.imports(BUILT)
    assert file.read_text() == f"--index-url {other.url}\n{BUILT}\n"


@pytest.mark.parametrize(("client", "option"), [("new", "--extra-index-url"), ("uv", "--index-url")])
def test_index_options_of_the_command(place: Place, client: str, option: str) -> None:
    with Index([]) as index, Index(packages.everything()) as other:
        place.configure(index.url)
        ended = place.guard(*place.install(client, option, other.url, DEPENDENT))
        assert ended.status == BLOCKED, ended.text
        ended = place.guard(*place.install(client, f"{option}={other.url}", CLEAN))
        assert ended.status == 0, ended.text
        assert only_the_guard_asked(other)
        assert not index.seen or only_the_guard_asked(index)


@BOTH
def test_direct_addresses_are_refused(place: Place, client: str) -> None:
    with Index(packages.everything()) as index:
        place.configure(index.url)
        address = f"{index.root}/files/{packages.malicious().filename}"
        file = place.write("work/requirements.txt", f"{MALICIOUS} @ {address}\n")
        for words in ([address], [f"{MALICIOUS} @ {address}"], ["-r", str(file)], [f"git+{index.root}/thing.git"]):
            ended = place.guard(*place.install(client, *words))
            assert ended.status not in (0, 1, 2), ended.text
            assert "--allow-direct" in ended.text
        assert not index.seen
    assert not place.imports(MALICIOUS)


@BOTH
def test_a_dependency_with_an_address_does_not_go_around_the_guard(place: Place, client: str) -> None:
    with Index(packages.everything()) as index:
        address = f"{index.root}/files/{packages.malicious().filename}"
        wheel = packages.clean(name="paperkite", requires=[f"{MALICIOUS} @ {address}"])
        index.listing = type(index.listing)((wheel,))
        place.configure(index.url)
        ended = place.guard("--review", "allow", *place.install(client, "paperkite"))
        assert ended.status != 0, ended.text
        assert only_the_guard_asked(index)
    assert not place.imports(MALICIOUS)


@BOTH
def test_local_files_are_scanned_first(place: Place, client: str) -> None:
    wheels = {file.filename: file.data for file in (packages.dependent(), packages.malicious(), packages.clean())}
    folder = place.lay("work/wheels", wheels)
    with Index([]) as index:
        place.configure(index.url)
        for words in (
            [str(folder / packages.malicious().filename)],
            ["--no-index", "--find-links", str(folder), DEPENDENT],
        ):
            ended = place.guard(*place.install(client, *words))
            assert ended.status == BLOCKED, ended.text
            assert MALICIOUS in ended.text
        assert not place.installed()
        ended = place.guard(*place.install(client, str(folder / packages.clean().filename)))
        assert ended.status == 0, ended.text
    assert place.imports(CLEAN)
