"""What is let in and what is not, with the installers that people use."""

from __future__ import annotations

import pytest

from tests.clients.clients import Place
from tests.guard import packages
from tests.guard.packages import (
    BUILT,
    BUILT_BY_MALICIOUS,
    CLEAN,
    DEPENDENT,
    MALICIOUS,
    MALICIOUS_SDIST,
    REVIEWED,
    Hosted,
)
from tests.guard.upstream import Form, Index, Listing

BLOCKED = 40
"""Exit status: something was blocked."""

CLIENTS = pytest.mark.parametrize("client", ["old", "new", "uv"])


def only_the_guard_asked(index: Index, /) -> bool:
    """Say whether every request that an index got came from the guard, and there was one."""
    return bool(index.seen) and all(one.agent.startswith("pydepgate/") for one in index.seen)


@CLIENTS
def test_clean_packages_install_and_import(place: Place, client: str) -> None:
    with Index(packages.everything()) as index:
        place.configure(index.url)
        ended = place.guard(*place.install(client, CLEAN, BUILT))
        assert ended.status == 0, ended.text
        assert only_the_guard_asked(index)
    assert place.imports(CLEAN)
    assert place.imports(BUILT)
    assert list(place.temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("client", "asked", "refused"),
    [
        *((client, asked, MALICIOUS) for client in ("new", "uv") for asked in (DEPENDENT, BUILT_BY_MALICIOUS)),
        *((client, MALICIOUS_SDIST, MALICIOUS_SDIST) for client in ("old", "new", "uv")),
        ("old", MALICIOUS, MALICIOUS),
        ("uv", MALICIOUS, MALICIOUS),
    ],
)
def test_what_attacks_is_blocked_and_the_person_sees_why(place: Place, client: str, asked: str, refused: str) -> None:
    with Index(packages.everything()) as index:
        place.configure(index.url)
        ended = place.guard(*place.install(client, asked))
        assert ended.status == BLOCKED, ended.text
        assert only_the_guard_asked(index)
    assert not place.marker.exists()
    assert not {asked, refused} & place.installed()
    by_the_client, _, by_the_guard = ended.text.partition("BLOCKED")
    assert f"pydepgate blocked {refused}-1.0" in by_the_client, ended.text
    assert "fixed-download-executed" in by_the_client, ended.text
    assert "Code from a fixed address is executed" in by_the_guard, ended.text


@pytest.mark.parametrize(("client", "choice"), [("new", "block"), ("uv", "prompt")])
def test_review(place: Place, client: str, choice: str) -> None:
    with Index(packages.everything()) as index:
        place.configure(index.url)
        ended = place.guard("--review", choice, *place.install(client, REVIEWED))  # without a terminal, nobody is asked
        assert ended.status == BLOCKED, ended.text
        assert "unparsed-source" in ended.text
        ended = place.guard("--review", "allow", *place.install(client, REVIEWED))
        assert ended.status == 0, ended.text
    assert place.imports(REVIEWED)


@pytest.mark.parametrize(
    ("client", "form", "metadata"), [("new", Form.HTML, False), ("uv", Form.HTML, True), ("uv", Form.JSON, False)]
)
def test_both_forms_with_and_without_metadata_files(place: Place, client: str, form: Form, metadata: bool) -> None:
    listing = Listing(packages.everything(), form=form, metadata=metadata)
    with Index(listing) as index:
        place.configure(index.url)
        ended = place.guard(*place.install(client, CLEAN))
        assert ended.status == 0, ended.text
        ended = place.guard(*place.install(client, DEPENDENT))
        assert ended.status == BLOCKED, ended.text


@pytest.mark.parametrize(("client", "form"), [("new", Form.HTML), ("uv", Form.JSON)])
def test_yanked_releases_and_those_for_other_pythons_are_passed_over(place: Place, client: str, form: Form) -> None:
    def release(version: str, *, yanked: str | None = None, requires_python: str | None = None) -> Hosted:
        wheel = packages.clean(version)
        return Hosted(CLEAN, wheel.filename, wheel.data, wheel.metadata, yanked, requires_python)

    files = release("1.0"), release("2.0", yanked="broken"), release("3.0", requires_python=">=9")
    with Index(Listing(files, form=form)) as index:
        place.configure(index.url)
        ended = place.guard(*place.install(client, "--upgrade", CLEAN))
    assert ended.status == 0, ended.text
    assert f"{CLEAN}-1.0.dist-info" in place.installed()


def test_fifty_packages_at_once(place: Place) -> None:
    names = [f"{CLEAN}{number:02}" for number in range(49)]
    files = [packages.clean(name=name, padding=20_000) for name in names]
    with Index([*files, packages.clean(name=CLEAN, requires=names)]) as index:
        place.configure(index.url)
        ended = place.guard(*place.install("uv", CLEAN))
        assert ended.status == 0, ended.text
        assert len(set(index.downloads())) >= 50
    assert {CLEAN, *names} <= place.installed()


def test_one_malicious_release_does_not_stand_in_the_way_of_another(place: Place) -> None:
    with Index([packages.clean("1.0"), packages.malicious("2.0", name=CLEAN)]) as index:
        place.configure(index.url)
        ended = place.guard(*place.install("new", f"{CLEAN}<2"))
        assert ended.status == 0, ended.text
        ended = place.guard(*place.install("new", "--upgrade", CLEAN))
        assert ended.status == BLOCKED, ended.text
    assert f"{CLEAN}-1.0.dist-info" in place.installed()
