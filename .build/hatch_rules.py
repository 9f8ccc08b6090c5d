"""Build hook: wheels carry the rules in their quick form as well (see `pydepgate.judge.compiled`)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RulesHook(BuildHookInterface[Any]):
    """Reads and checks `rules/`, so that no wheel is built with a wrong rule, and adds what came of it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the file, outside the checkout, which is to be scanned with its rules as they are."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name, "rules.json")
        file.write_bytes(_compiled(Path(self.root)))
        build_data["force_include"][str(file)] = "pydepgate/data/rules.json"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the file once it is in the wheel."""
        if version != "editable":
            self._folder.cleanup()


def _compiled(root: Path) -> bytes:
    sys.path.insert(0, str(root / "src"))
    try:
        from pydepgate.detect import SIGNALS
        from pydepgate.judge.compiled import compile_rules
        from pydepgate.judge.rules import load_rules

        return compile_rules(load_rules(known_signals=frozenset(SIGNALS)))
    finally:
        sys.path.remove(str(root / "src"))
