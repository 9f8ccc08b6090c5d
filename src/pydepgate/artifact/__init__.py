"""Opening what is to be scanned: a target becomes members, one at a time, under limits."""

from __future__ import annotations

from pydepgate.artifact.artifact import Artifact
from pydepgate.artifact.open import open_artifact

__all__ = ["Artifact", "open_artifact"]
