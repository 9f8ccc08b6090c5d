"""The command line: one module a subcommand, imported only when it is asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from pydepgate import __version__
from pydepgate.cli.output import internal_error, print_error, print_text
from pydepgate.errors import PydepgateError, UsageError

COMMANDS = {
    "scan": "say whether packages attack the machine that would install them",
    "explain": "say what a rule looks for, why it matters and what to do",
    "guard": "run pip, uv and others; scan each package before they get it",
    "proxy": "serve an index of scanned packages to a team or a CI farm",
    "cache": "show or clear what the guard keeps from one run to the next",
}

EXIT_FAILED = 3
"""The command could not be completed; 0, 1 and 2 are verdicts."""

EXIT_INTERRUPTED = 130
"""Stopped by Ctrl-C: 128 and the number of SIGINT, as shells count it."""

_HELP = f"""\
usage: pydepgate COMMAND ...

Scans Python packages for encoded and dangerous code before anything installs them.
Nothing that is scanned is executed.

commands:
{chr(10).join(f"  {name:<9} {summary}" for name, summary in COMMANDS.items())}

options:
  -h, --help     show this help, or with a command, the help of that command
  -V, --version  show the version

examples:
  pydepgate scan package-1.0-py3-none-any.whl
  pydepgate scan package-1.0.tar.gz --peek --peek-chain
  pydepgate explain --list
  pydepgate guard pip install NAME

exit status:
  0  pass: nothing was found
  1  review: something was found, nothing at or over --fail-on
  2  block: something was found at or over --fail-on (default: high)
  3  the scan could not be completed
'guard' ends as the command that it runs, or with 40 (blocked) or 41 (could not be checked).
"""


def main(argv: Sequence[str] | None = None, /) -> int:
    """Run the command line (that of the process by default) and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(arguments)
    except SystemExit as stop:  # how argparse ends after --help
        return stop.code if isinstance(stop.code, int) else 0
    except (PydepgateError, OSError) as error:
        print_error(str(error))
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception:  # a fault of the program must not end with status 1, which says "review"
        print_error(internal_error("in the command line"))
        return EXIT_FAILED


def _run(arguments: Sequence[str], /) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print_text(_HELP)
        return 0
    if arguments[0] in ("-V", "--version"):
        print_text(f"pydepgate {__version__}\n")
        return 0
    return _command(arguments[0], arguments[1:])


def _command(name: str, arguments: Sequence[str], /) -> int:
    if name not in COMMANDS:
        from pydepgate.suggest import did_you_mean

        what = "option" if name.startswith("-") else "command"
        known = ("--help", "--version") if what == "option" else COMMANDS
        raise UsageError(f"unknown {what} {name!r}{did_you_mean(name, known)} (see 'pydepgate --help')")
    status = importlib.import_module(f"pydepgate.cli.{name}").run(arguments)
    assert isinstance(status, int)
    return status
