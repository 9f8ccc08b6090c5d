"""`pydepgate guard`: run an installer, and scan each file before it gets its first byte."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydepgate.cli.guarding import add_guard_options, read_guard_options, to_stderr, width_of
from pydepgate.cli.options import Option, Parser, new_parser
from pydepgate.cli.output import internal_error, print_error
from pydepgate.errors import PydepgateError

_DESCRIPTION = """\
Run COMMAND, an installer such as pip, uv or pipx, against a local index that passes the
configured ones through. Every file is scanned before the installer gets its first byte,
dependencies and what builds need included. The first word that is no option starts COMMAND.
"""

_EPILOG = """\
What was blocked, and why, is written to standard error once COMMAND has ended.

examples:
  pydepgate guard pip install flask
  pydepgate guard --review block --min-age 3d uv pip install -r requirements.txt
  pydepgate guard uv sync
  pydepgate guard pipx run black
  pydepgate guard python -m build

exit status: that of COMMAND (128 and the number if a signal ended or stopped it), but
   40  something was blocked
   41  the guard could not do its work: an index failed, a file could not be checked,
       COMMAND is not supported, or the arguments are wrong
  127  there is no such COMMAND
"""

_OPTIONS = (
    Option("allow-direct", "", "fetch and scan direct addresses and git repositories too"),
    Option("quiet", "", "write a summary only if something was refused"),
    Option("no-color", "", "no colour; NO_COLOR does the same"),
)


def run(arguments: Sequence[str], /) -> int:
    """Run the command that the arguments end with; return the exit status."""
    from pydepgate.guard.runner import EXIT_UNABLE

    try:
        return _run(arguments)
    except (PydepgateError, OSError) as error:
        print_error(str(error))
    except KeyboardInterrupt:
        return 130
    except Exception:  # a fault of the program must not end with a status of the command
        print_error(internal_error("in the guard"))
    return EXIT_UNABLE


def _run(arguments: Sequence[str], /) -> int:
    from pydepgate.guard.gate import Review
    from pydepgate.guard.runner import GuardOptions, guard
    from pydepgate.guard.scanning import ScanOptions
    from pydepgate.report.style import wants_colour

    parser = new_parser("guard", usage="[options] COMMAND ...", description=_DESCRIPTION, epilog=_EPILOG)
    add_guard_options(parser, _OPTIONS)
    own, command = _split(parser, arguments)
    parsed = parser.parse(own)
    given, scans = read_guard_options(parsed, environment=os.environ, more=_OPTIONS)
    if not command:
        parser.error("give the command to run, such as: pydepgate guard pip install NAME")
    values: dict[str, Any] = dict(given)
    no_color = bool(values.pop("no_color", False))
    review = Review(values.pop("review", "allow"))
    colour = sys.stderr is not None and wants_colour(sys.stderr, no_color=no_color, environ=os.environ)
    options = GuardOptions(
        scan=ScanOptions(scans.limits, scans.rules, scans.fail_on),
        review=review,
        workers=scans.workers,
        colour=colour,
        width=width_of(sys.stderr),
        **values,
    )
    return guard(command, options=options, environment=dict(os.environ), folder=Path.cwd(), write=to_stderr)


def _split(parser: Parser, arguments: Sequence[str], /) -> tuple[list[str], list[str]]:
    """Split the guard's own options from the command, which starts with the first word that is none."""
    valued = {name for action in parser._actions for name in action.option_strings if action.nargs is None}
    place = 0
    while place < len(arguments) and arguments[place].startswith("-"):
        if arguments[place] == "--":
            return list(arguments[:place]), list(arguments[place + 1 :])
        place += 2 if arguments[place] in valued else 1
    return list(arguments[:place]), list(arguments[place:])
