from __future__ import annotations

import ast
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

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


def test_threads_that_begin_at_once_put_the_filter_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # the second time it would be taken out first, and what is parsed just then would not be quiet
    real, calls = warnings.filterwarnings, []

    def slow(action: Literal["ignore"], *, module: str) -> None:
        calls.append(module)
        time.sleep(0.02)
        real(action, module=module)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setattr(warnings, "filterwarnings", slow)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(parse_quietly, [BAD_ESCAPES] * 4))
    assert len(calls) == 1


def test_threads_leave_the_filters_as_they_were() -> None:
    parse_quietly(BAD_ESCAPES)
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(parse_quietly, [BAD_ESCAPES] * 200))
    assert warnings.filters == before


def test_threads_that_parse_at_once_do_not_disturb_each_other() -> None:
    # Python 3.11 counts the nesting of all threads' trees together; finalizers make it change threads amid one
    class Finalized:
        def __del__(self) -> None:
            sum(range(50))

    text = Path(ast.__file__).read_text(encoding="utf-8")

    def parse(_: int) -> ast.Module:
        ring = [Finalized() for _ in range(20)]
        for one in ring:
            vars(one)["ring"] = ring
        return parse_quietly(text)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(parse, range(100)))
    finally:
        sys.setswitchinterval(interval)
