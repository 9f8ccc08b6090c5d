from __future__ import annotations

import io

import pytest

from pydepgate.report.style import Style, wants_colour


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("no_color", "environ", "wanted"),
    [
        (False, {}, True),
        (False, {"TERM": "xterm-256color"}, True),
        (True, {}, False),
        (False, {"NO_COLOR": "1"}, False),
        (False, {"NO_COLOR": ""}, True),
        (False, {"TERM": "dumb"}, False),
    ],
)
def test_colour_on_a_terminal_unless_somebody_objects(no_color: bool, environ: dict[str, str], wanted: bool) -> None:
    assert wants_colour(Terminal(), no_color=no_color, environ=environ) is wanted


def test_no_colour_into_a_file() -> None:
    assert not wants_colour(io.StringIO(), no_color=False, environ={})


def test_paint() -> None:
    assert Style(colour=True).paint("x", "critical") == "\x1b[1;31mx\x1b[0m"
    assert Style(colour=True).paint("", "critical") == ""
    assert Style(colour=False).paint("x", "critical") == "x"
