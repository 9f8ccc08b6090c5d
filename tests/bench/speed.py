"""Time and memory of this project beside a bare parse and other scanners."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench.corpus import Corpus, evenly, litellm_wheel, open_corpus, popular_wheels
from tests.bench.generate import package
from tests.bench.interpreters import Interpreter
from tests.bench.measure import BenchError, Command, Measured, alternate, say
from tests.bench.peers import PEERS, Peer, command, deep_peek
from tests.bench.table import number, ratio, table

PARTS: Final = ("wheels", "small", "litellm", "memory", "malicious")
HEADER: Final = ("", "interpreter", "this", "least", "against", "that", "least", "ratio", "of least", "of CPU", "")
SMALL_FILES: Final = 12
SMALL_BYTES: Final = 50_000
"""What the generated small wheel weighs, about."""
MALICIOUS: Final = 100
_DONE: Final = frozenset({0, 1, 2})
_QUICK: Final = 4
"""Runs a round of what takes a fraction of a second."""
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured, how often, and where things are."""

    interpreters: tuple[Interpreter, ...]
    cache: Path
    peers_folder: Path
    corpus: Path | None = None
    malicious: Path | None = None
    peers: tuple[Peer, ...] = PEERS
    parts: frozenset[str] = frozenset(PARTS)
    rounds: int = 3
    limit: float = 1800.0


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: names of measured commands, `that` being the yardstick, or none."""

    label: str
    interpreter: str
    this: str
    that: str = ""
    against: str = ""
    unit: str = "s"


@dataclass(slots=True)
class Result:
    """The rows so far, and what their commands took."""

    rows: list[Row] = field(default_factory=list)
    measured: dict[str, Measured] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def measure(setting: Setting, result: Result, /) -> None:
    """Measure part by part, adding to the result, so that an interrupt leaves what is done."""
    peers = _present(setting, result)
    if setting.parts & {"wheels", "memory"}:
        wheels = popular_wheels(setting.cache) if setting.corpus is None else sorted(setting.corpus.rglob("*.whl"))
        corpus = open_corpus(wheels, setting.cache)
        say(str(corpus))
        result.notes.append(f"All wheels: {corpus}. The largest is {corpus.largest.name}.")
        if "wheels" in setting.parts:
            _wheels(setting, result, corpus, peers)
        if "memory" in setting.parts:
            _memory(setting, result, corpus)
    if "small" in setting.parts:
        _small(setting, result)
    if "litellm" in setting.parts:
        _litellm(setting, result, peers)
    if "malicious" in setting.parts and setting.malicious is not None:
        _malicious(setting, result, setting.malicious)


def _present(setting: Setting, result: Result) -> list[Peer]:
    missing = [peer for peer in setting.peers if not peer.program(setting.peers_folder).exists()]
    for peer in missing:
        say(f"{peer.label} is not there. To have it: {peer.how_to_get(setting.peers_folder)}")
    if missing:
        result.notes.append(f"Not there: {', '.join(peer.label for peer in missing)}.")
    return [peer for peer in setting.peers if peer not in missing]


def _scan(name: str, one: Interpreter, targets: Sequence[Path], /, *options: str, cores: int = 1) -> Command:
    argv = (one.program, "scan", *map(str, targets), "--format", "jsonl", *options)
    return Command(name, (argv,), _DONE, cores=cores)


def _wheels(setting: Setting, result: Result, corpus: Corpus, peers: Sequence[Peer]) -> None:
    say("all wheels")
    commands, rows = [], []
    for one in setting.interpreters:
        this, two, parse = f"all {one}", f"all, two workers {one}", f"ast.parse {one}"
        commands += [
            _scan(this, one, corpus.wheels, "--workers", "1"),
            _bare_parse(parse, one, corpus),
            _scan(two, one, corpus.wheels, "--workers", "2", cores=2),
        ]
        rows.append(Row("all wheels", one.version, this, parse, "ast.parse alone"))
        rows += [Row("all wheels", one.version, this, peer.label, peer.label) for peer in peers]
        rows.append(Row("all wheels, two workers", one.version, two, this, "one worker"))
    commands += [command(peer, setting.peers_folder, corpus) for peer in peers]
    _run(setting, result, rows, commands)


def _bare_parse(name: str, one: Interpreter, corpus: Corpus) -> Command:
    return Command(name, ((one.python, "-I", str(_HERE / "bare_parse.py"), str(corpus.unpacked)),), printed=True)


def _memory(setting: Setting, result: Result, corpus: Corpus) -> None:
    if sys.platform == "win32":
        result.notes.append("Peak memory is not measured on this system.")
        return
    say("peak memory")
    commands, rows = [], []
    for one in setting.interpreters:
        this, bare = f"memory {one}", f"memory, bare {one}"
        launcher = (one.binary, "-I", "-S", str(_HERE / "peak_memory.py"))
        scan = (one.program, "scan", str(corpus.largest), "--format", "jsonl")
        commands += [
            Command(this, ((*launcher, *scan),), _DONE, printed=True),
            Command(bare, ((*launcher, one.binary, "-I", "-c", "pass"),), printed=True),
        ]
        rows.append(Row("peak memory, largest wheel", one.version, this, bare, "bare interpreter", "MiB"))
    _run(setting, result, rows, commands)


def _small(setting: Setting, result: Result) -> None:
    say("a small wheel")
    wheel = setting.cache / "paperwork-1.0-py3-none-any.whl"
    wheel.write_bytes(package("paperwork", files=SMALL_FILES, file_bytes=SMALL_BYTES // SMALL_FILES))
    commands, rows = [], []
    for one in setting.interpreters:
        this, start = f"small {one}", f"start {one}"
        commands += [
            _scan(this, one, [wheel]),
            Command(start, ((one.binary, "-I", "-c", "pass"),)),
        ]
        label = f"a wheel of {wheel.stat().st_size / 1000:.0f} kB"
        rows.append(Row(label, one.version, this, start, "python -I -c pass"))
    _run(setting, result, rows, commands, times=_QUICK)


def _litellm(setting: Setting, result: Result, peers: Sequence[Peer]) -> None:
    say("LiteLLM with the shape of the attack")
    wheel = litellm_wheel(setting.cache)
    label = f"litellm {wheel.name.split('-')[1]} with the attack's shape, --peek"
    older = next((peer for peer in peers if peer.name == "pydepgate"), None)
    commands, rows = [], []
    for one in setting.interpreters:
        commands.append(_scan(f"litellm {one}", one, [wheel], "--peek"))
        rows.append(Row(label, one.version, f"litellm {one}", *(("litellm, older", f"{older.label}") if older else ())))
    if older is not None:
        processes = deep_peek(str(older.program(setting.peers_folder)), [wheel])
        commands.append(Command("litellm, older", processes, older.statuses))
    _run(setting, result, rows, commands)


def _malicious(setting: Setting, result: Result, folder: Path) -> None:
    files = evenly(sorted(path for path in folder.rglob("*") if path.is_file()), MALICIOUS)
    if not files:
        raise BenchError(f"there are no files in {folder}, which --malicious names")
    say(f"{len(files)} malicious archives")
    commands, rows = [], []
    for one in setting.interpreters:
        this = f"malicious {one}"
        processes = tuple((one.program, "scan", str(path), "--format", "jsonl") for path in files)
        commands.append(Command(this, processes, _DONE | {3}, combine="median"))
        rows.append(Row(f"a malicious archive, median of {len(files)}", one.version, this))
    _run(setting, result, rows, commands)


def _run(
    setting: Setting, result: Result, rows: Sequence[Row], commands: Sequence[Command], /, *, times: int = 1
) -> None:
    result.measured.update(alternate(commands, rounds=setting.rounds * times, limit=setting.limit))
    result.rows += rows


def lines(rows: Sequence[Row], measured: Mapping[str, Measured], /) -> list[tuple[str, ...]]:
    """Return the cells of the table under `HEADER`."""
    return [_cells(row, measured[row.this], measured.get(row.that)) for row in rows]


def _cells(row: Row, this: Measured, that: Measured | None) -> tuple[str, ...]:
    failed = "; ".join(dict.fromkeys(one.failure for one in (this, that) if one is not None and one.failure))
    cells = [row.label, row.interpreter, *_figures(this, row.unit), row.against]
    if that is None:
        return (*cells, "", "", "", "", "", failed)
    cells += _figures(that, row.unit)
    if failed:
        return (*cells, "", "", "", failed)
    pairs = [(this.median, that.median), (this.least, that.least)]
    if this.cpu and that.cpu:
        pairs.append((this.cpu, that.cpu))
    ratios = [ratio(*pair) for pair in pairs]
    return (*cells, *ratios, *[""] * (3 - len(ratios)), "")


def _figures(one: Measured, unit: str) -> tuple[str, str]:
    if one.failure:
        return "", ""
    return f"{number(one.median)} {unit}", f"{number(one.least)} {unit}"


def show(result: Result, /, *, markdown: bool = False) -> str:
    """Return the table, and the notes under it."""
    body = lines(result.rows, result.measured)
    kept = [at for at, title in enumerate(HEADER) if title or at == 0 or any(line[at] for line in body)]
    rows = [[line[at] for at in kept] for line in (HEADER, *body)]
    return "\n\n".join((table(rows[0], rows[1:], markdown=markdown), *result.notes))
