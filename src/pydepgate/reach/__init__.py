"""When each piece of an artifact runs: at startup, on install, on import, by an entry point, on call, or never."""

from pydepgate.reach.times import reach

__all__ = ["reach"]
