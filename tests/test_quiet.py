from __future__ import annotations

import ast
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from pydepgate.payload.classify import classify
from pydepgate.payload.pickles import read_pickle
from pydepgate.quiet import parse_quietly

BAD_ESCAPES = "import os\nos.system('\\d')\n"


def test_no_warning_about_scanned_code_whatever_the_filters_are() -> None:
    for action in ("error", "always"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter(action)
            assert isinstance(parse_quietly(BAD_ESCAPES), ast.Module)
            assert classify(BAD_ESCAPES.encode()).name == "python-source"
            assert list(read_pickle(b"S'a\\d'\n.").strings) == ["a\\d"]
        assert not caught


def test_warnings_about_other_code_stay() -> None:
    parse_quietly(BAD_ESCAPES)
    with pytest.raises(SyntaxError, match="escape"):  # what the parser makes of a warning that is an error
        ast.parse(BAD_ESCAPES, "other.py")


def test_threads_leave_the_filters_as_they_were() -> None:
    parse_quietly(BAD_ESCAPES)
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(parse_quietly, [BAD_ESCAPES] * 200))
    assert warnings.filters == before
