"""What the clients do without the guard: the packages of these tests would do their work."""

from __future__ import annotations

import pytest

from tests.clients.clients import Place
from tests.guard import packages
from tests.guard.packages import CLEAN, DEPENDENT, MALICIOUS, MALICIOUS_SDIST
from tests.guard.upstream import Form, Index, Listing


@pytest.mark.parametrize("client", ["old", "new", "uv"])
def test_everything_is_let_in(place: Place, client: str) -> None:
    with Index(packages.everything()) as index:
        place.configure(index.url)
        ended = place.run(*place.install(client, CLEAN, DEPENDENT, packages.BUILT_BY_MALICIOUS))
    assert ended.status == 0, ended.text
    assert {CLEAN, DEPENDENT, MALICIOUS, packages.BUILT_BY_MALICIOUS} <= place.installed()
    assert place.imports(CLEAN)


def test_the_setup_py_runs(place: Place) -> None:
    with Index(packages.everything()) as index:
        place.configure(index.url)
        place.run(*place.install("old", "--no-build-isolation", MALICIOUS_SDIST))
    assert place.marker.exists()


@pytest.mark.parametrize("form", [Form.HTML, Form.JSON])
def test_both_forms_are_understood(place: Place, form: Form) -> None:
    with Index(Listing(packages.everything(), form=form)) as index:
        place.configure(index.url)
        for client in ("new", "uv"):
            assert place.run(*place.install(client, "--upgrade", DEPENDENT)).status == 0
