"""Detectors: small modules that look at a tree and raise signals, one behaviour each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydepgate.detect.catalogue import DETECTORS, SIGNALS

__all__ = ["DETECTORS", "SIGNALS"]


def __getattr__(name: str) -> Any:
    # what looks at names and metadata only is needed for every artifact, the detectors only where code is looked at
    if name in __all__:
        from pydepgate.detect import catalogue

        return getattr(catalogue, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
