"""Fit the weights of the rule that adds up weak signals, on artifacts of known kind.

    python -m tests.bench.fit_score observe OUT.jsonl DIR...
    python -m tests.bench.fit_score fit --malicious OUT.jsonl --families LIST.tsv --benign OUT.jsonl... [--write RULES]

`observe` scans every file under the folders and keeps the signals of each, with when their code runs. `fit` finds
weights over these by logistic regression with weights that are zero or more (nothing an attacker adds speaks for a
package) and a penalty on their sum, which leaves few of them. It prints what the fitted sum blocks in families that it
was not fitted on, and in honest artifacts that it was not fitted on. LIST.tsv has a line for each malicious
artifact: its path under the folder, its campaign, its family.

Needs numpy and scipy.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize

from pydepgate.detect import SIGNALS
from pydepgate.judge.condition import AT, INNER, AllOf, Condition, Weighs, matches
from pydepgate.judge.judge import judge, verdict
from pydepgate.judge.rules import load_rules
from pydepgate.model import Verdict
from pydepgate.scanner import observe

RULE: Final = "many-weak-signs"
"""The rule whose weights are fitted; left out when it is asked what the other rules block."""

_TIMES: Final[Mapping[str, tuple[str, ...]]] = {
    "install": ("startup", "install"),
    "import": ("import",),
    "entry-point": ("entry-point", "main-guard"),
    "call": ("call",),
}
"""Times of running that get one weight: few artifacts run anything at startup or under a main guard."""
_TIME_OF: Final = {time: bucket for bucket, times in _TIMES.items() for time in times}
_MIN_ARTIFACTS: Final = 6
"""Malicious artifacts that must show a signal for it to get a weight."""
_MIN_FAMILIES: Final = 4
_FOLDS: Final = 5
_MAX_WEIGHT: Final = 4.0
ONLY_ADDING: Final = (
    "metadata.no-",
    "metadata.short-",
    "metadata.few-",
    "metadata.version-zero",
    "metadata.version-first",
    "metadata.empty",
    "metadata.none",
    "metadata.free-mail",
    "metadata.throwaway-",
    "metadata.placeholder-",
    "metadata.sample",
    "package.",
    "name.affixed",
    "name.builds-on",
    "name.random",
    "name.trial",
)
"""Signs of how a package presents itself, not of what it does or pretends: a small package that nobody described shows
a dozen of them, and they must not be enough."""
LEAST_WITHOUT: Final = 0.3
"""What the others have to weigh."""
_LEFT_OUT: Final = ("archive.", "member.", "limit.")
"""Beginnings of signals that tell how an archive was stored, which collections of malware may have changed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One artifact: its file, the features that it shows, and whether the other rules block it.

    `family` is that of the malware, or the group of honest artifacts that it belongs to; `open` whether what the rule
    asks for besides the weights holds; `cost` what it costs to judge it wrongly.
    """

    path: str
    features: frozenset[str]
    blocked: bool
    family: str
    open: bool
    cost: float = 1.0


def observe_all(out: Path, folders: Sequence[Path], /, *, workers: int) -> None:
    """Scan every file under the folders, and write a line of JSON for each."""
    files = sorted(str(path) for folder in folders for path in folder.rglob("*") if path.is_file())
    with ProcessPoolExecutor(workers) as pool, out.open("w", encoding="utf-8") as stream:
        for row in pool.map(_observe, files, chunksize=4):
            stream.write(json.dumps(row) + "\n")


def _observe(path: str) -> dict[str, Any]:
    seen = observe(path)
    rules = [rule for rule in load_rules(known_signals=frozenset(SIGNALS)) if rule.id != RULE]
    names = {
        f"{name}{AT}{runs}"
        for signal, runs in seen.signals
        for name in (signal.name, *(INNER + inner for inner in (signal.payload.signals if signal.payload else ())))
    }
    found = judge(seen.signals, rules)
    return {
        "path": path,
        "names": sorted(names),
        "blocked": verdict(found) is Verdict.BLOCK,
        "rules": sorted({finding.rule for finding in found}),
    }


def read_malicious(file: Path, /, *, families: Mapping[str, str]) -> list[Row]:
    """Read what `observe` wrote; `families` maps the end of an artifact's path to its family."""
    rows = []
    for entry in _entries(file):
        parts = entry["path"].split("/")
        family = next(families[tail] for n in range(len(parts)) if (tail := "/".join(parts[n:])) in families)
        rows.append(_row(entry, family))
    size = Counter(row.family for row in rows)
    # many campaigns of one family show one behaviour, so a family counts by the root of its size
    return [replace(row, cost=size[row.family] ** -0.5) for row in rows]


def read_honest(given: str, /) -> list[Row]:
    """Read what `observe` wrote of honest artifacts, from `FILE` or `FILE=COST`."""
    name, _, cost = given.partition("=")
    return [replace(_row(entry, Path(name).name), cost=float(cost or 1.0)) for entry in _entries(Path(name))]


def _row(entry: Mapping[str, Any], family: str) -> Row:
    names = frozenset((*entry["names"], *(name.partition(AT)[0] for name in entry["names"])))
    is_open = all(matches(part, names) for part in _besides_weights())
    return Row(entry["path"], frozenset(_features(entry["names"])), entry["blocked"], family, is_open)


@cache
def _besides_weights() -> tuple[Condition, ...]:
    rule = next(rule for rule in load_rules(known_signals=frozenset(SIGNALS)) if rule.id == RULE)
    return (
        tuple(part for part in rule.when.parts if not isinstance(part, Weighs)) if isinstance(rule.when, AllOf) else ()
    )


def _entries(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _features(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        signal, _, time = name.partition(AT)
        if time in _TIME_OF and not signal.removeprefix(INNER).startswith(_LEFT_OUT):
            yield f"{signal}{AT}{_TIME_OF[time]}"


def choose_features(malicious: Sequence[Row], /) -> list[str]:
    """Return the features that enough artifacts of enough families show."""
    count: Counter[str] = Counter()
    families: defaultdict[str, set[str]] = defaultdict(set)
    for row in malicious:
        for feature in row.features:
            count[feature] += 1
            families[feature].add(row.family)
    return sorted(f for f, n in count.items() if n >= _MIN_ARTIFACTS and len(families[f]) >= _MIN_FAMILIES)


def enough(table: np.ndarray, features: Sequence[str], weights: np.ndarray, /) -> np.ndarray:
    """Return for each row whether it weighs enough without what only adds."""
    alone = np.array([not feature.startswith(ONLY_ADDING) for feature in features])
    return (table[:, alone] @ weights[alone]) >= LEAST_WITHOUT


def matrix(rows: Sequence[Row], features: Sequence[str], /) -> np.ndarray:
    """Return one line a row, one column a feature: 1.0 where the row shows it."""
    column = {feature: index for index, feature in enumerate(features)}
    table = np.zeros((len(rows), len(features)))
    for number, row in enumerate(rows):
        for feature in row.features if row.open else ():
            if feature in column:
                table[number, column[feature]] = 1.0
    return table


def fit(
    table: np.ndarray, labels: np.ndarray, importance: np.ndarray, /, *, penalty: float
) -> tuple[np.ndarray, float]:
    """Return weights (zero or more) and bias that minimise the weighted logistic loss plus penalties on the weights."""

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = x[:-1], x[-1]
        margin = (table @ weights + bias) * np.where(labels, 1.0, -1.0)
        value = float(importance @ np.logaddexp(0.0, -margin)) + penalty * (
            float(weights.sum()) + 0.1 * float(weights @ weights)
        )
        slope = -importance / (1.0 + np.exp(np.clip(margin, -50, 50))) * np.where(labels, 1.0, -1.0)
        gradient = np.append(table.T @ slope + penalty * (1.0 + 0.2 * weights), slope.sum())
        return value, gradient

    start = np.append(np.full(table.shape[1], 0.1), -3.0)
    bounds = [*((0.0, _MAX_WEIGHT) for _ in range(table.shape[1])), (None, 0.0)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000})
    return found.x[:-1], float(found.x[-1])


def held_out_scores(
    malicious: Sequence[Row], benign: Sequence[Row], features: Sequence[str], /, *, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return every row's sum minus bias under weights that its family, or its fold, had no part in."""
    families = sorted({row.family for row in malicious})
    shuffler = random.Random(1)
    shuffler.shuffle(families)
    fold_of = {family: index % _FOLDS for index, family in enumerate(families)}
    benign_folds = [index % _FOLDS for index in range(len(benign))]
    shuffler.shuffle(benign_folds)
    all_rows = [*malicious, *benign]
    folds = np.array([*(fold_of[row.family] for row in malicious), *benign_folds])
    table = matrix(all_rows, features)
    labels = np.array([True] * len(malicious) + [False] * len(benign))
    importance = np.array([row.cost for row in all_rows])
    scores = np.zeros(len(all_rows))
    for fold in range(_FOLDS):
        training = folds != fold
        weights, bias = fit(table[training], labels[training], importance[training], penalty=penalty)
        held_out = table[~training]
        scores[~training] = np.where(enough(held_out, features, weights), held_out @ weights + bias, -np.inf)
    return scores[: len(malicious)], scores[len(malicious) :]


def report(malicious: Sequence[Row], benign: Sequence[Row], scores: tuple[np.ndarray, np.ndarray], /) -> None:
    """Print, for several thresholds, what would be blocked with and without the other rules."""
    bad, good = scores
    by_rules = np.array([row.blocked for row in malicious])
    groups = dict.fromkeys(row.family for row in benign)
    honest = {group: np.array([row.family == group for row in benign]) for group in groups}
    ruled = np.array([row.blocked for row in benign])
    print(f"the other rules block {by_rules.mean():.2%} of malicious")
    for group, inside in honest.items():
        print(f"  and {int((ruled & inside).sum())} of {int(inside.sum())} in {group}")
    for threshold in (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0):
        alone = ", ".join(str(int(((good >= threshold) & ~ruled & inside).sum())) for inside in honest.values())
        print(
            f"over {threshold:+.1f}: {(bad >= threshold).mean():.2%} of malicious,"
            f" {((bad >= threshold) | by_rules).mean():.2%} with the other rules; honest besides: {alone}"
        )


def write_weights(file: Path, weights: Mapping[str, float], threshold: float, /) -> None:
    """Put the weights and what they have to add up to into the rule file, in place of those that stand there."""
    lines = file.read_text(encoding="utf-8").splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("at_least ="))
    last = next(index for index in range(first, len(lines)) if lines[index].startswith("[rule.severity]"))
    new = [
        f"at_least = {threshold:.2f}",
        f"only_adding = [{', '.join(map(json.dumps, ONLY_ADDING))}]",
        f"at_least_without = {LEAST_WITHOUT:.2f}",
        "[rule.when.weights]",
    ]
    for feature in sorted(weights):
        signal, _, bucket = feature.partition(AT)
        new += [f'"{signal}{AT}{time}" = {weights[feature]:.2f}' for time in _TIMES[bucket]]
    file.write_text("\n".join([*lines[:first], *new, *lines[last:]]) + "\n", encoding="utf-8")


def main() -> None:
    """Run one of the two steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    observing = steps.add_parser("observe")
    observing.add_argument("out", type=Path)
    observing.add_argument("folders", type=Path, nargs="+")
    observing.add_argument("--workers", type=int, default=2)
    fitting = steps.add_parser("fit")
    fitting.add_argument("--malicious", type=Path, required=True)
    fitting.add_argument("--families", type=Path, required=True)
    fitting.add_argument("--benign", nargs="+", required=True, metavar="OUT.jsonl[=COST]")
    fitting.add_argument("--penalty", type=float, default=0.7)
    fitting.add_argument("--threshold", type=float, default=-1.0, help="log-odds from which the rule matches")
    fitting.add_argument("--write", type=Path, metavar="RULE.toml")
    given = parser.parse_args()
    if given.step == "observe":
        observe_all(given.out, given.folders, workers=given.workers)
        return
    lines = [line.split("\t") for line in given.families.read_text(encoding="utf-8").splitlines()]
    malicious = read_malicious(given.malicious, families={path: family for path, _, family in lines})
    benign = [row for file in given.benign for row in read_honest(file)]
    features = choose_features(malicious)
    report(
        malicious,
        benign,
        held_out_scores(malicious, benign, features, penalty=given.penalty),
    )
    rows = [*malicious, *benign]
    labels = np.array([True] * len(malicious) + [False] * len(benign))
    weights, bias = fit(
        matrix(rows, features),
        labels,
        np.array([row.cost for row in rows]),
        penalty=given.penalty,
    )
    kept = {feature: float(weight) for feature, weight in zip(features, weights, strict=True) if weight >= 0.05}
    table, final = matrix(rows, list(kept)), np.array(list(kept.values()))
    scores = np.where(enough(table, list(kept), final), table @ final + bias, -np.inf)
    print(f"{len(kept)} weights, bias {bias:.2f}; fitted on all:")
    report(malicious, benign, (scores[: len(malicious)], scores[len(malicious) :]))
    for score, row in sorted(zip(scores[len(malicious) :], benign, strict=True), key=lambda each: -each[0])[:12]:
        print(f"  {score:+.2f} {row.path}")
    if given.write is not None:
        write_weights(given.write, kept, given.threshold - bias)


if __name__ == "__main__":
    main()
