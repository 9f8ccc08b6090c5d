from __future__ import annotations

import contextlib
import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.payload.pickles import PickleError, read_pickle


class Calls:
    """Its pickle names `os.getpid`, which is never called here."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.getpid, ("an argument",)


@pytest.mark.parametrize("protocol", range(6))
def test_globals_and_strings(protocol: int) -> None:
    found = read_pickle(pickle.dumps([Calls(), "a string"], protocol))
    assert [name.rpartition(".")[2] for name in found.globals if name.endswith("getpid")] == ["getpid"]
    assert next(iter(found.globals)).rpartition(".")[0] in {"os", "posix", "nt"}
    assert {"an argument", "a string"} <= set(found.strings)
    assert found.reduces
    assert found.whole
    assert not found.truncated


def test_global_names_from_the_memo() -> None:
    # The module and name are stored, taken off the stack, and fetched again for STACK_GLOBAL.
    data = b"\x80\x04\x8c\x02os\x940\x8c\x06system\x940h\x00h\x01\x93\x8c\x02id\x85R."
    assert tuple(read_pickle(data).globals) == ("os.system",)


def test_plain_data_call_nothing() -> None:
    found = read_pickle(pickle.dumps({"a": [1, 2.5, None], "b": b"blob"}, 4))
    assert (tuple(found.globals), found.reduces, tuple(found.blobs)) == ((), False, (b"blob",))


def test_cut_pickles_keep_what_was_read() -> None:
    data = pickle.dumps([Calls(), "a string"], 2)
    found = read_pickle(data[:-4])
    assert found.truncated
    assert found.globals


def test_what_follows_the_end() -> None:
    assert not read_pickle(pickle.dumps(1, 2) + b"more").whole


@pytest.mark.parametrize("data", [b"", b"\xff\xff", b"zzz", b"Icat\n"])
def test_no_pickle(data: bytes) -> None:
    with pytest.raises(PickleError):
        read_pickle(data)


@given(st.binary(max_size=200))
def test_never_raises_another_error(data: bytes) -> None:
    for start in (b"", b"\x80\x04", b"cos\nsystem\n"):
        with contextlib.suppress(PickleError):
            read_pickle(start + data)
