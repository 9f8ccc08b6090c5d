"""What goes wrong on the way to an index."""

from __future__ import annotations

from pydepgate.errors import PydepgateError


class UpstreamError(PydepgateError):
    """An index did not give what it should; the message says which and why, and carries no credentials."""
