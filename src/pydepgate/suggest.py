"""Naming the nearest known word in an error message."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], /) -> str:
    """Return `; did you mean 'x'?` for the known word nearest to `word`, or an empty string."""
    import difflib  # only needed once something is wrong; start-up should not pay for it

    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""
