"""How cost grows with the number of files, with their size, and with workers, on generated wheels."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.generate import package
from tests.bench.growth import exponent
from tests.bench.interpreters import Interpreter
from tests.bench.measure import Command, Measured, alternate, say
from tests.bench.table import number, ratio, table

FILES: Final = (50, 100, 200, 400, 800)
KILOBYTES: Final = (4, 8, 16, 32, 64)
FIXED_FILES: Final = 50
FIXED_BYTES: Final = 4_000
WORKERS: Final = (1, 2, 4)
HEADER: Final = ("", "files", "kB", "workers", "median", "least", "less start", "per MB", "to the one before")
_DONE: Final = frozenset({0, 1, 2})


@dataclass(frozen=True, slots=True)
class Point:
    """One wheel and number of workers; `size` is what grows along its series."""

    series: str
    wheel: Path
    files: int
    workers: int
    size: int

    @property
    def name(self) -> str:
        """What its command is called."""
        return f"{self.series}: {self.size:,}"

    @property
    def bytes(self) -> int:
        """How large the wheel is, which stores its files as they are."""
        return self.wheel.stat().st_size


def points(cache: Path, /) -> list[Point]:
    """Write the wheels, and return the series."""
    folder = cache / "scale"
    folder.mkdir(parents=True, exist_ok=True)
    grown = [Point("files", _wheel(folder, count, FIXED_BYTES), count, 1, count) for count in FILES]
    sized = [Point("kB a file", _wheel(folder, FIXED_FILES, size * 1000), FIXED_FILES, 1, size) for size in KILOBYTES]
    shared = _wheel(folder, FILES[-1], FIXED_BYTES)
    return [*grown, *sized, *(Point("workers", shared, FILES[-1], count, count) for count in WORKERS)]


def _wheel(folder: Path, files: int, file_bytes: int) -> Path:
    path = folder / f"grown_{files}_{file_bytes}-1.0-py3-none-any.whl"
    path.write_bytes(package("grown", files=files, file_bytes=file_bytes))
    return path


def measure(one: Interpreter, cache: Path, /, *, rounds: int, limit: float, markdown: bool = False) -> str:
    """Return the table of one interpreter, and the growth of each series."""
    series = points(cache)
    empty = _wheel(cache / "scale", 1, 0)
    start = Command("start", ((one.program, "scan", str(empty), "--format", "jsonl"),), _DONE)
    say(f"scale on {one}")
    measured = alternate([start, *(_command(one, point) for point in series)], rounds=rounds, limit=limit)
    base = measured["start"]
    if base.failure:
        return f"{one}: {base.failure}"
    rows = []
    for at, point in enumerate(series):
        before = series[at - 1] if at and series[at - 1].series == point.series else None
        rows.append(_cells(point, measured[point.name], base, measured[before.name] if before else None))
    body = table(HEADER, rows, markdown=markdown)
    said = [_growth(name, [p for p in series if p.series == name], measured, base) for name in ("files", "kB a file")]
    cores = os.cpu_count()
    return "\n\n".join((f"{one}, {cores} cores, start {number(base.median)} s", body, *(line for line in said if line)))


def _command(one: Interpreter, point: Point) -> Command:
    argv = (one.program, "scan", str(point.wheel), "--format", "jsonl", "--workers", str(point.workers))
    return Command(point.name, (argv,), _DONE, cores=point.workers)


def _cells(point: Point, this: Measured, base: Measured, before: Measured | None) -> tuple[str, ...]:
    head = (point.series, f"{point.files}", f"{point.bytes / 1000:,.0f}", f"{point.workers}")
    if this.failure:
        return (*head, this.failure, "", "", "", "")
    net = this.median - base.median
    growth = ratio(net, before.median - base.median) if before is not None and not before.failure else ""
    times = (this.median, this.least, net, net / point.bytes * 1e6)
    return (*head, *(f"{number(value)} s" for value in times), growth)


def _growth(name: str, series: Sequence[Point], measured: Mapping[str, Measured], base: Measured) -> str:
    done = [(point.bytes, measured[point.name]) for point in series if not measured[point.name].failure]
    if len(done) < 2:
        return ""
    powers = []
    # round by round: a machine that is slow for a whole round does not bend its line
    for at, start in enumerate(base.samples):
        costs = [one.samples[at].value - start.value for _, one in done]
        if min(costs) > 0:
            powers.append(exponent([size for size, _ in done], costs))
    if not powers:
        return ""
    power = statistics.median(powers)
    return (
        f"With more {name}, time grows as bytes to the power of {power:.2f}: twice the bytes take {2**power:.2f} times."
    )
