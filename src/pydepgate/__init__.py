"""pydepgate scans Python packages for encoded and dangerous code before anything installs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydepgate.model import Report
    from pydepgate.scanner import scan, scan_many

__version__ = "0.1.0"
__all__ = ["Report", "scan", "scan_many"]


def __getattr__(name: str) -> Any:
    # the command line imports this package for its version alone: the scanner is loaded when it is asked for
    if name in ("scan", "scan_many"):
        from pydepgate import scanner

        return getattr(scanner, name)
    if name == "Report":
        from pydepgate.model import Report

        return Report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
