"""Every bound in one place. Each can be set by an option of the same name (`--max-members`, ...).

Work is bounded by counting, never by the clock: the same artifact gets the same answer on a slow machine.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB

MAX_MEMBERS = 200_000
"""Members of one artifact, those of nested archives included."""

MAX_MEMBER_BYTES = 64 * MIB
"""Bytes of one member that are read; the rest is cut."""

MAX_ARTIFACT_BYTES = 2048 * MIB
"""Bytes of all members together."""

MAX_RATIO = 250
"""Bytes out for one byte in, of one member; counted once it is larger than `RATIO_FLOOR_BYTES`."""

RATIO_FLOOR_BYTES = 8 * MIB

MAX_NESTING = 3
"""Archives inside archives that are opened."""

MAX_SOURCE_BYTES = 16 * MIB
"""A Python file larger than this is searched by bytes, not parsed."""

PEEK_DEPTH = 32
"""Layers and nested payloads that are followed below one literal."""

DEEPEST = 48
"""Layers and nested payloads that are followed at the most, whatever is asked for: each takes some of the stack."""

PEEK_BUDGET = 32 * MIB
"""Bytes that peeling may produce for one file, over all layers of all its literals."""

FOLD_BYTES = 4 * MIB
"""Size of a value that constant folding may make."""

EVAL_STEPS = 400_000
"""Expressions that the evaluator may visit in one file."""

HEAD_BYTES = 4 * KIB
"""What is read of a native binary (ELF, PE, Mach-O): enough to name it."""

PREVIEW_BYTES = 256
"""Bytes of a payload or layer that a report may carry."""

MAX_INDICATORS = 64
"""Indicators listed for one payload."""

MAX_CHILDREN = 64
"""Nested payloads listed below one payload."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one scan; the defaults are the constants of this module."""

    members: int = MAX_MEMBERS
    member_bytes: int = MAX_MEMBER_BYTES
    artifact_bytes: int = MAX_ARTIFACT_BYTES
    ratio: int = MAX_RATIO
    nesting: int = MAX_NESTING
    peek_depth: int = PEEK_DEPTH
    peek_budget: int = PEEK_BUDGET
