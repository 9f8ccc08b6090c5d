"""What the benchmark makes of what it measured; nothing here is timed."""

from __future__ import annotations

import ast
import io
import sys
import zipfile
from pathlib import Path

import pytest

from pydepgate import scan
from pydepgate.model import Verdict
from tests.bench.corpus import LIST, evenly
from tests.bench.generate import BUSY_SHARE, package
from tests.bench.growth import exponent
from tests.bench.measure import Command, Measured, RunError, Sample, alternate, run
from tests.bench.speed import HEADER, Result, Row, lines, show
from tests.bench.table import number, ratio, table


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_power_of_a_law_is_found(power: float) -> None:
    sizes = [50, 100, 200, 400]
    assert exponent(sizes, [3.0 * size**power for size in sizes]) == pytest.approx(power)


@pytest.mark.parametrize(("sizes", "costs"), [([1], [1.0]), ([1, 2], [0.0, 1.0]), ([0, 2], [1.0, 1.0])])
def test_no_law_without_positive_numbers(sizes: list[float], costs: list[float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        exponent(sizes, costs)


def test_a_table_sets_figures_flush_right() -> None:
    rows = [("all wheels", "9.5 s"), ("one", "12.0 s"), ("none", "")]
    assert table(("", "this"), rows).splitlines() == [
        "              this",
        "----------  ------",
        "all wheels   9.5 s",
        "one         12.0 s",
        "none",
    ]
    assert table(("", "this"), rows, markdown=True).splitlines()[:3] == [
        "|            |   this |",
        "| ---------- | -----: |",
        "| all wheels |  9.5 s |",
    ]


def test_numbers_have_the_digits_that_matter() -> None:
    assert [number(value) for value in (0.02811, 1.234, 12.34, 123.4, 1234.5)] == [
        "0.028",
        "1.23",
        "12.3",
        "123",
        "1,234",
    ]
    assert ratio(3.0, 2.0) == "1.50"
    assert ratio(3.0, 0.0) == ""


def test_a_row_compares_medians_least_and_processor_time() -> None:
    measured = {
        "us": Measured((Sample(2.0, 1.0), Sample(9.0, 1.0), Sample(4.0, 3.0))),
        "them": Measured((Sample(8.0, 4.0), Sample(8.0, 4.0), Sample(1.0, 4.0))),
        "late": Measured(failure="took longer than 1 s"),
    }
    rows = [
        Row("all", "3.11", "us", "them", "others"),
        Row("all", "3.11", "us", "late", "late"),
        Row("own", "3.11", "us"),
    ]
    good, failed, alone = (dict(zip(HEADER, line, strict=True)) for line in lines(rows, measured))
    assert lines(rows, measured)[0][2:4] == ("4.00 s", "2.00 s")
    assert (good["ratio"], good["of least"], good["of CPU"]) == ("0.500", "2.00", "0.250")
    assert (failed["ratio"], failed[""]) == ("", "took longer than 1 s")
    assert (alone["this"], alone["that"], alone["ratio"]) == ("4.00 s", "", "")
    assert "took longer" in show(Result(rows, measured))


def test_commands_take_turns_and_one_that_fails_is_dropped() -> None:
    seen = []

    def run_one(command: Command, limit: float) -> Sample:
        seen.append(command.name)
        if command.name == "b":
            raise RunError("broken")
        return Sample(limit)

    measured = alternate([Command(name, ()) for name in "abc"], rounds=2, limit=5.0, run_one=run_one)
    assert "".join(seen) == "abcca"
    assert measured["b"].failure == "broken"
    assert [sample.value for sample in measured["a"].samples] == [5.0, 5.0]


def test_a_run_reads_what_is_printed_and_tells_what_went_wrong() -> None:
    def code(text: str) -> tuple[tuple[str, ...], ...]:
        return ((sys.executable, "-I", "-S", "-c", text),)

    assert run(Command("prints", code("print(2.5, 1)"), printed=True), 60.0) == Sample(2.5, 1.0)
    with pytest.raises(RunError, match="exit status 4: why"):
        run(Command("fails", code("import sys; print('why', file=sys.stderr); sys.exit(4)")), 60.0)
    with pytest.raises(RunError, match="longer than"):
        run(Command("hangs", code("import time; time.sleep(60)")), 0.05)
    with pytest.raises(RunError, match="cannot be started"):
        run(Command("missing", (("/nowhere/program",),)), 60.0)


def test_a_sample_is_spread_evenly() -> None:
    paths = [Path(str(index)) for index in range(10)]
    assert evenly(paths, 4) == [paths[0], paths[2], paths[5], paths[7]]
    assert evenly(paths, 20) == paths


def test_generated_wheels_are_the_same_ordinary_code_every_time(tmp_path: Path) -> None:
    made = package("grown", files=6, file_bytes=2_000)
    assert made == package("grown", files=6, file_bytes=2_000)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        modules = [archive.read(name) for name in archive.namelist() if "module_" in name]
    for module in modules:
        ast.parse(module)
        assert 2_000 <= len(module) < 4_000
    assert sum(b"subprocess" in module for module in modules) == -(-len(modules) // BUSY_SHARE)
    wheel = tmp_path / "grown-1.0-py3-none-any.whl"
    wheel.write_bytes(made)
    assert scan(wheel).verdict is not Verdict.BLOCK


def test_every_wheel_of_the_list_is_pinned_once() -> None:
    names = [line.partition("==")[::2] for line in LIST.read_text(encoding="utf-8").split()]
    assert all(version for _, version in names)
    assert len({name for name, _ in names}) == len(names) == 61
