"""Regular expressions that are compiled when they are first used.

The hundreds that this program knows take longer to compile than most scans take altogether, and one scan
uses few of them.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr


class _Lazy:
    """Stands for a compiled pattern, and becomes as quick as one: its methods are kept as its own attributes."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self._source = (pattern, flags)

    def __getattr__(self, name: str) -> Any:
        compiled = self.__dict__.get("_compiled")
        if compiled is None:
            # two threads may both compile it: either result is right
            compiled = self.__dict__["_compiled"] = re.compile(*self._source)
        attribute = self.__dict__[name] = getattr(compiled, name)
        return attribute


def regex(pattern: AnyStr, flags: int = 0, /) -> re.Pattern[AnyStr]:
    """Return what `re.compile` returns, for all that is done with it by its methods, without compiling it yet."""
    lazy: Any = _Lazy(pattern, flags)
    return lazy  # type: ignore[no-any-return]
