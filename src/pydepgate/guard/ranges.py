"""Conditions and byte ranges of HTTP requests (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re

from pydepgate.regex import regex

_RANGE = regex(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)


def unchanged(if_none_match: str | None, etag: str, /) -> bool:
    """Whether what the client has is what it would get."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def wanted_range(header: str | None, if_range: str | None, /, *, size: int, etag: str) -> tuple[int, int] | None:
    """Return the offset and length of the part that is asked for, None for all.

    A request for several parts gets all, as for units that are not known. Raises ValueError if there is no such part.
    """
    matched = _RANGE.fullmatch(header or "")
    if matched is None or (if_range is not None and if_range.strip() != etag):
        return None
    first, last = matched.groups()
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < int(first):
            return None
    elif last:
        start, end = max(size - int(last), 0), size - 1
    else:
        return None
    if start >= size or start > end:
        raise ValueError("there is no such part")
    return start, end - start + 1
