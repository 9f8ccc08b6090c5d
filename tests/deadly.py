"""What workers are told to make of members by `test_workers.py`; a module of its own, since they import it."""

from __future__ import annotations

import os
import signal

from pydepgate.model import FileFacts, Member


def deadly(member: Member, /) -> FileFacts:
    """End the process that comes to a deadly member, as a fault of the parser would."""
    if member.data == b"# deadly":
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    return FileFacts(member.path, "python", member.size)


def failing(member: Member, /) -> FileFacts:
    """Raise what no analysis should raise."""
    if member.path == "pkg/large.py":
        raise LookupError(member.path)
    return FileFacts(member.path, "python", member.size)


def digest(member: Member, /) -> tuple[str, bytes, int]:
    """Return what a member is known by."""
    return member.path, member.data[-32:], member.size


def lost_digest(path: str, size: int, /) -> tuple[str, bytes, int]:
    """Return what a member is known by that was lost."""
    return path, b"lost", size
