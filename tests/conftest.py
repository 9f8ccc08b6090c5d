"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# How long an example takes says more about the machine than about the program. In CI every run tries the same examples:
# new ones are looked for where somebody can mend what they find.
settings.register_profile("untimed", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("untimed")
