"""`python -m pydepgate`, and the command of that name."""

import contextlib
import os
import sys
from typing import NoReturn

from pydepgate.cli import EXIT_INTERRUPTED, main


def run() -> NoReturn:
    """Run the command line as the whole program."""
    status = main()
    if status == EXIT_INTERRUPTED:
        # Python would wait for workers to finish what they are at
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    run()
