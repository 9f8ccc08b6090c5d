"""`pydepgate scan`: scan artifacts and report on each."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from pydepgate.cli import EXIT_FAILED
from pydepgate.cli.options import Options, add_options, new_parser, read_options
from pydepgate.cli.output import Write, internal_error, open_output, print_error, print_message
from pydepgate.errors import ArtifactError, PydepgateError, UsageError
from pydepgate.model import Report
from pydepgate.report import FORMATS, View
from pydepgate.report.style import wants_colour

MAX_WIDTH = 100
"""Columns; longer lines are hard to read."""

_DESCRIPTION = """\
Scan wheels, sdists, eggs, other archives, directories, installed packages (by name),
single files, or standard input (-). Nothing of them is executed or unpacked to disk.
"""

_EPILOG = """\
Every option can be set in the environment: --fail-on as PYDEPGATE_FAIL_ON, switches with
1, true, yes, on or 0, false, no, off. The command line overrules the environment; each switch
has an opposite for that (--no-peek, --color).

examples:
  pydepgate scan package-1.0-py3-none-any.whl
  pydepgate scan package-1.0.tar.gz --peek --peek-chain
  pydepgate scan requests --python .venv/bin/python
  pydepgate scan dist/* --format jsonl --output reports.jsonl
  curl -s URL | pydepgate scan - --ci

exit status, the highest of all targets:
  0  pass: nothing was found
  1  review: something was found, nothing at or over --fail-on
  2  block: something was found at or over --fail-on
  3  a target could not be scanned, or the arguments are wrong
"""


def run(arguments: Sequence[str], /) -> int:
    """Scan what the arguments name, write the reports, return the exit status."""
    parser = new_parser("scan", usage="TARGET... [options]", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="what to scan")
    add_options(parser)
    parsed = parser.parse(arguments)
    options = read_options(parsed, environment=os.environ)
    targets = _targets(parsed)
    statuses: list[int] = []
    with open_output(options.output) as write:
        view = replace(_view(options), several=len(targets) > 1)
        _write_reports(_reports(targets, options, statuses), options, view, write)
    return max(statuses)


def _targets(parsed: argparse.Namespace, /) -> list[str]:
    targets: list[str] = parsed.targets
    if targets.count("-") > 1:
        raise UsageError("standard input (-) can be scanned only once")
    return targets


def _reports(targets: Sequence[str], options: Options, statuses: list[int], /) -> Iterator[Report]:
    """Scan one target after the other; `statuses` gets the exit status of each."""
    for target in targets:
        report = _scan_one(target, options)
        if report is None:
            statuses.append(EXIT_FAILED)
            continue
        if options.extract is not None:
            _extract(report, options.extract)
        statuses.append(report.verdict.exit_status)
        yield report


def _extract(report: Report, directory: Path, /) -> None:
    from pydepgate.report.extract import PASSWORD, write_payloads

    for path in write_payloads(report, directory):
        print_message(f"pydepgate: payloads written to {path} (password: {PASSWORD.decode()})")


def _scan_one(target: str, options: Options, /) -> Report | None:
    """The report on one target; None, and a line on standard error, where it cannot be scanned."""
    from pydepgate.scanner import scan

    try:
        with _progress(options) as advance:
            return scan(
                target,
                limits=options.limits,
                rules_dir=options.rules,
                fail_on=options.fail_on,
                python=options.python,
                workers=options.workers,
                keep_content=options.extract is not None,
                progress=advance,
                stdin=sys.stdin.buffer if target == "-" else None,
            )
    except (ArtifactError, OSError) as error:
        print_error(str(error))
    except PydepgateError:  # wrong rules or options: no other target would fare better
        raise
    except Exception:  # a fault of the program; the other targets still deserve an answer
        print_error(internal_error(f"while scanning {target}"))
    return None


@contextlib.contextmanager
def _progress(options: Options, /) -> Iterator[Callable[[int, str], None] | None]:
    if options.ci or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from pydepgate.report.progress import progress

    with progress(None, stream=sys.stderr, enabled=True) as advance:
        yield advance


def _write_reports(reports: Iterator[Report], options: Options, view: View, write: Write, /) -> None:
    """Write every report as soon as the format allows; nothing at all where there is none."""
    first = next(reports, None)
    if first is None:
        return
    name = options.format or ("json" if options.ci else "text")
    every = chain((first,), reports)
    shown = every if name == "text" else (_without_hidden(report, options) for report in every)
    for piece in FORMATS[name](shown, view):
        write(piece)


def _without_hidden(report: Report, options: Options, /) -> Report:
    """The report without the findings that `--min-severity` hides; its verdict stays what it was."""
    shown = tuple(finding for finding in report.findings if finding.severity >= options.min_severity)
    return replace(report, findings=shown)


def _view(options: Options, /) -> View:
    view = View(
        peek=options.peek,
        peek_chain=options.peek_chain,
        min_severity=options.min_severity,
        compact=options.ci,
    )
    if options.output != "-" or sys.stdout is None:
        return view
    return replace(
        view,
        colour=wants_colour(sys.stdout, no_color=options.no_color or options.ci, environ=os.environ),
        width=_terminal_width(),
        encoding=sys.stdout.encoding or "utf-8",
    )


def _terminal_width() -> int | None:
    """Columns of the terminal that standard output is, at most what reads well; None for no terminal."""
    try:
        return min(os.get_terminal_size(sys.stdout.fileno()).columns, MAX_WIDTH) or None
    except (OSError, ValueError):
        return None
