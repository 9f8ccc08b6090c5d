"""Run a command, and print the most memory that it held, in MiB; its output goes nowhere.

A child's peak begins at what its parent held when it started it, so this is a script that imports next to nothing, and
is run by the interpreter whose own size is the yardstick.
"""

import os
import resource
import sys


def main() -> int:
    """Run, wait, print; the exit status is the command's."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 2**20)
    return status


if __name__ == "__main__":
    sys.exit(main())
