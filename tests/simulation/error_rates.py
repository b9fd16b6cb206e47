"""How often a method calls equal cells different, and how often it finds a difference that is there.

`make simulate` (or `python tests/simulation/error_rates.py`) writes synthetic runs with known truth, asks every method
about the same data, and prints the table of docs/method.md as Markdown. Not for measured data: there, truth is unknown.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyperf
from pyperf._compare import is_significant_benchs  # what `pyperf compare_to` prints its "Not significant!" by
from scipy import stats
from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import OTHERS, REFERENCE, Noise, Truth, write_run

from bench.analysis import compare_by, compare_files, table
from bench.record import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.analysis import WorkerRow

EFFECT = 0.05
ALPHA = 0.05
OURS = "launchbench"

TWO_GEARS = Noise(worker=0.015, gear=0.35)
"""A hyperthread's sibling is busy or not: everything takes as long as it takes, or 1.35 times as long."""
NOISES: Mapping[str, Noise] = {
    "nothing but launches": Noise(),
    "10% drift over the run": Noise(drift=0.10),
    "3% between workers": Noise(worker=0.03),
    "1% tails": Noise(tails=0.01),
    "unequal n": Noise(lost=0.05),
    "all of these": Noise(worker=0.03, drift=0.10, tails=0.01, lost=0.05),
    **{
        f"two gears, {name}": replace(TWO_GEARS, **how)
        for name, how in {
            "without a pacer": {},
            "with a pacer": {"paced": True},
            "with a pacer, of 0.6 of its pace": {"paced": True, "scales": 0.6},
            "with a pacer, not of its pace": {"paced": True, "scales": 0.0},
            "lasting longer, without a pacer": {"gear_lasts": 100.0},
            "lasting longer, with a pacer": {"gear_lasts": 100.0, "paced": True},
        }.items()
    },
}


@dataclass(frozen=True)
class Question:
    """One run, asked about every strategy beside the reference."""

    truth: Truth
    seed: int
    peers: Sequence[str]


Samples = dict[str, list[list[int]]]
"""Strategy to the launches of each of its workers, ns."""


def samples(rows: Sequence[WorkerRow]) -> Samples:
    """Collect the launches of the cells, without twins."""
    found: Samples = {}
    for row in rows:
        if not row.cell.get("twin"):
            found.setdefault(str(row.cell["strategy"]), []).append([ns for ns in row.launches.total if ns])
    return found


def ours(rows: Sequence[WorkerRow]) -> dict[str, bool]:
    """Ask `compare --by strategy`."""
    result = compare_by(rows, "strategy")
    return {str(row.new["strategy"]): row.answer in {"faster", "slower"} for row in result.rows if row.new}


def welch(base: list[list[int]], new: list[list[int]]) -> bool:
    """Compare all launches as if they were independent, by Welch's t test."""
    pooled = ([ns for worker in side for ns in worker] for side in (base, new))
    return float(stats.ttest_ind(*pooled, equal_var=False).pvalue) <= ALPHA


def mann_whitney(base: list[list[int]], new: list[list[int]]) -> bool:
    """Compare all launches as if they were independent, by the Mann-Whitney test."""
    pooled = ([ns for worker in side for ns in worker] for side in (base, new))
    return float(stats.mannwhitneyu(*pooled).pvalue) <= ALPHA


def mann_whitney_of_workers(base: list[list[int]], new: list[list[int]]) -> bool:
    """Compare worker medians, without pairing them."""
    medians = ([statistics.median(worker) for worker in side] for side in (base, new))
    return float(stats.mannwhitneyu(*medians).pvalue) <= ALPHA


def pyperf_compare_to(base: list[list[int]], new: list[list[int]]) -> bool:
    """Do as `pyperf compare_to` does with one Run a worker."""
    benchmarks = [
        pyperf.Benchmark(
            [
                pyperf.Run([ns / 1e9 for ns in worker], metadata={"name": "launch"}, collect_metadata=False)
                for worker in side
            ]
        )
        for side in (base, new)
    ]
    return bool(is_significant_benchs(*benchmarks)[0])


PEERS: Mapping[str, Callable[[list[list[int]], list[list[int]]], bool]] = {
    "pyperf compare_to": pyperf_compare_to,
    "Welch, all launches": welch,
    "Mann-Whitney, all launches": mann_whitney,
    "Mann-Whitney, worker medians": mann_whitney_of_workers,
}


def ask(question: Question) -> Counter[tuple[str, str]]:
    """Count, by method and strategy, who calls the strategy different from the reference in one run."""
    with tempfile.TemporaryDirectory() as folder:
        rows = table([read(write_run(Path(folder) / "run.jsonl", question.truth, question.seed))]).rows
    said: Counter[tuple[str, str]] = Counter()
    for strategy, different in ours(rows).items():
        said[OURS, strategy] += different
    found = samples(rows)
    for name in question.peers:
        for strategy in found:
            if strategy != REFERENCE:
                said[name, strategy] += PEERS[name](found[REFERENCE], found[strategy])
    return said


def rates(
    truth: Truth, runs: int, strategies: Sequence[str], first_seed: int, jobs: int, peers: Sequence[str] = tuple(PEERS)
) -> dict[str, float]:
    """Return, by method, the share of comparisons of `strategies` with the reference that it calls different."""
    said: Counter[tuple[str, str]] = Counter()
    with ProcessPoolExecutor(jobs) as pool:
        for one in pool.map(ask, (Question(truth, first_seed + at, peers) for at in range(runs)), chunksize=4):
            said.update(one)
    return {
        name: sum(said[name, strategy] for strategy in strategies) / (runs * len(strategies)) for name in (OURS, *peers)
    }


def between_runs(runs_a_side: int, comparisons: int, effect: float, noise: Noise, first_seed: int) -> float:
    """Return the share of cells that `compare BASE NEW` calls different, of `runs_a_side` files a side."""
    truth = Truth(noise, strategies=(REFERENCE, *OTHERS[:4]), rounds=10, launches=40)
    slowed = replace(truth, effects=dict.fromkeys(truth.strategies, effect))
    different = asked = 0
    with tempfile.TemporaryDirectory() as folder:
        for at in range(comparisons // len(truth.strategies)):
            seed = first_seed + at * 2 * runs_a_side
            sides = [
                table(
                    [
                        read(write_run(Path(folder) / f"{side}-{run}.jsonl", of, seed + side * runs_a_side + run))
                        for run in range(runs_a_side)
                    ]
                ).rows
                for side, of in enumerate((truth, slowed))
            ]
            result = compare_files(sides[0], sides[1], ("base", "new"))
            different += sum(row.answer in {"faster", "slower"} for row in result.rows)
            asked += len(result.rows)
    return different / asked


def percent(share: float) -> str:
    return f"{share * 100:.1f}%"


def inside_runs(options: argparse.Namespace) -> None:
    """Print the table of comparisons inside one run."""
    runs, differences = options.comparisons // len(OTHERS), options.differences
    peers = () if options.alone else tuple(PEERS)
    print(f"Inside a run of {Truth().rounds} rounds: share of {runs * len(OTHERS)} comparisons of equal cells called")
    print(f"different / share of {differences} true differences of {EFFECT:.0%} found.\n")
    rows = []
    for name in options.noise or NOISES:
        truth = Truth(NOISES[name])
        first = options.seed + list(NOISES).index(name) * 1_000_000
        equal = rates(truth, runs, OTHERS, first, options.jobs, peers)
        slower = replace(truth, effects={OTHERS[0]: EFFECT})
        found = rates(slower, differences, OTHERS[:1], first + 500_000, options.jobs, peers)
        rows.append([name, *(f"{percent(equal[method])} / {percent(found[method])}" for method in equal)])
    print(tabulate(rows, ["noise", OURS, *peers], tablefmt="github"))


def among_runs(sides: Sequence[int], comparisons: int, seed: int) -> None:
    """Print the table of comparisons of files."""
    print("Between runs that differ by 2%, with 3% between workers and 1% tails: share of cells called different.\n")
    noise = Noise(worker=0.03, tails=0.01, run=0.02)
    rows = [[n, *(percent(between_runs(n, comparisons, e, noise, seed)) for e in (0.0, EFFECT))] for n in sides]
    print(tabulate(rows, ["files a side", "equal", f"{EFFECT:.0%} slower"], tablefmt="github"))


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=1000, help="of equal cells, for each row")
    parser.add_argument("--differences", type=int, default=200, help="true ones, for each row of the first table")
    parser.add_argument("--alone", action="store_true", help=f"ask {OURS} only, and no peer: many times as fast")
    parser.add_argument("--noise", action="append", choices=NOISES, help="only this row of the first table")
    parser.add_argument("--files", action="append", type=int, help="only this row of the second table: files a side")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.noise or not options.files:
        inside_runs(options)
    if options.files or not options.noise:
        among_runs(options.files or (1, 5, 10), options.comparisons, options.seed + 9_000_000)


if __name__ == "__main__":
    main()
