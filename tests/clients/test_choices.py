"""What the user chooses: the age of releases, and a policy of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.clients.clients import Place
from tests.clients.test_install import BLOCKED
from tests.guard import packages
from tests.guard.packages import CLEAN, MALICIOUS
from tests.guard.upstream import Index


@pytest.mark.parametrize("client", ["new", "uv"])
def test_young_releases_are_left_out(place: Place, client: str) -> None:
    now = datetime.now(UTC)
    old = replace(packages.clean("1.0"), upload_time=now - timedelta(days=9))
    young = replace(packages.clean("2.0"), upload_time=now - timedelta(hours=9))
    with Index([old, young]) as index:
        place.configure(index.url)
        ended = place.guard("--min-age", "3d", *place.install(client, CLEAN))
    assert ended.status == 0, ended.text
    assert f"left out: {CLEAN} 2.0" in ended.text
    assert f"{CLEAN}-1.0.dist-info" in place.installed()


def test_the_policy_is_the_users_and_not_the_projects(place: Place) -> None:
    policy = f'[[deny]]\nname = "{CLEAN}"\nreason = "no lanterns in here"\n'
    allow = f'[[allow]]\nname = "{MALICIOUS}"\nreason = "trust me"\n'
    for path in ("work/guard.toml", "work/pydepgate/guard.toml"):
        place.write(path, allow)
    place.write("config/pydepgate/guard.toml", policy)
    with Index(packages.everything()) as index:
        place.configure(index.url)
        ended = place.guard(*place.install("new", CLEAN))
        assert ended.status == BLOCKED, ended.text
        assert "no lanterns in here" in ended.text
        ended = place.guard(*place.install("uv", MALICIOUS))
        assert ended.status == BLOCKED, ended.text
    assert not place.installed()
