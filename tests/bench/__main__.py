"""Measure the speed of this project.

    python -m tests.bench speed     beside a bare parse and other scanners, on popular wheels
    python -m tests.bench scale     how cost grows with files, bytes and workers

Nothing that is scanned is installed, imported or run. `tests/bench/fit_score.py` is not part of it.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

from tests.bench import scale, speed
from tests.bench.corpus import cache_folder
from tests.bench.interpreters import Interpreter, install
from tests.bench.measure import BenchError, say
from tests.bench.peers import PEERS


def main() -> int:
    """Run the command line; the exit status is 0, 1 if something could not be measured, or 130 if interrupted."""
    options = _parser().parse_args()
    try:
        options.cache.mkdir(parents=True, exist_ok=True)
        interpreters = tuple(install(path, options.cache) for path in options.python or [sys.executable])
        if options.what == "speed":
            return _speed(options, interpreters)
        for one in interpreters:
            print(
                scale.measure(one, options.cache, rounds=options.rounds, limit=options.limit, markdown=options.markdown)
            )
    except BenchError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130
    return 0


def _speed(options: argparse.Namespace, interpreters: tuple[Interpreter, ...]) -> int:
    result = speed.Result()
    setting = speed.Setting(
        interpreters=interpreters,
        cache=options.cache,
        peers_folder=options.peers,
        corpus=options.corpus,
        malicious=options.malicious,
        peers=() if options.no_peers else tuple(peer for peer in PEERS if peer.name not in options.without),
        parts=frozenset(options.only or speed.PARTS),
        rounds=options.rounds,
        limit=options.limit,
    )
    try:
        speed.measure(setting, result)
    finally:  # what is done is shown, whatever ended the rest
        if result.rows:
            print(f"{_machine()}; rounds: {options.rounds}\n")
            print(speed.show(result, markdown=options.markdown), flush=True)
    return 1 if any(one.failure for one in result.measured.values()) else 0


def _machine() -> str:
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--python", action="append", metavar="PATH", help="an interpreter to measure; may be repeated (default: this)"
    )
    shared.add_argument("--rounds", type=_count, default=3, help="runs of everything (default: 3)")
    shared.add_argument(
        "--limit", type=float, default=1800.0, metavar="SECONDS", help="the most that one process may take (1800)"
    )
    shared.add_argument("--cache", type=Path, default=cache_folder(), metavar="DIR", help=f"default: {cache_folder()}")
    shared.add_argument("--markdown", action="store_true", help="print Markdown")

    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="what", required=True)
    fast = commands.add_parser("speed", parents=[shared], help="beside a bare parse and other scanners")
    fast.add_argument("--corpus", type=Path, metavar="DIR", help="wheels to scan (default: downloads a pinned list)")
    fast.add_argument("--malicious", type=Path, metavar="DIR", help="malicious archives; they are only read")
    fast.add_argument("--only", action="append", choices=speed.PARTS, help="measure this part; may be repeated")
    fast.add_argument("--no-peers", action="store_true", help="leave other scanners out: they take minutes")
    fast.add_argument(
        "--without", action="append", default=[], choices=[peer.name for peer in PEERS], help="leave one of them out"
    )
    peers = cache_folder().with_name("pydepgate-peers")
    fast.add_argument("--peers", type=Path, default=peers, metavar="DIR", help=f"where they are (default: {peers})")
    commands.add_parser("scale", parents=[shared], help="growth with files, bytes and workers")
    return parser


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


if __name__ == "__main__":
    sys.exit(main())
