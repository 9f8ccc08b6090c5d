"""What peeling may still spend."""

from __future__ import annotations

from dataclasses import dataclass

from pydepgate import limits

STOPPED_BY_DEPTH = "stopped after {} layers (--peek-depth)"
STOPPED_BY_BUDGET = "stopped by the byte budget (--peek-budget)"
STOPPED_BY_TRIES = "stopped after {} attempts at decoding"


@dataclass(slots=True)
class Budget:
    """The bounds of peeling for one file: a counter that all its literals share.

    `bytes_left` is what decoding may still produce, dead ends included; `depth_limit` is how many layers and
    nested payloads are followed below one literal; `keep_content` keeps the final contents.
    """

    bytes_left: int = limits.PEEK_BUDGET
    depth_limit: int = limits.PEEK_DEPTH
    keep_content: bool = False

    def __post_init__(self) -> None:
        self.depth_limit = min(self.depth_limit, limits.DEEPEST)

    def spend(self, size: int, /) -> None:
        """Take `size` bytes off what is left; it never falls below 0."""
        self.bytes_left = max(0, self.bytes_left - size)

    @property
    def exhausted(self) -> bool:
        """Whether nothing more may be produced."""
        return self.bytes_left <= 0
