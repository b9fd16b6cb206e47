"""How often comparisons err on this machine: one scenario, run again and again, and a strategy slowed on purpose.

`python tests/simulation/on_this_machine.py --runs 10 --into FOLDER` adds to the result files in FOLDER and prints what
docs/method.md cites; it takes some 20 s a run, on an idle machine. Between runs of one program every difference is
false; inside a run `vfork_slowed` really takes `--spin` ns longer than `vfork_exec`, by turning in a loop.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.analysis import compare_by, compare_files, table
from bench.record import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.analysis import CompareResult, Comparison, WorkerRow

REFERENCE, SLOWER = "vfork_exec", "vfork_slowed"
CHECKOUT = Path(__file__).resolve().parents[2]

SCENARIO = """\
name: again
question: Does this machine give the same answer twice?
strategies: [vfork_exec, vfork_slowed, posix_spawn, prefork_seqpacket, fork_exec, system]
footprints: [1MiB, 64MiB]
launches: 60
warmup: 5
rounds: {rounds}
time_limit: 2s
reference: vfork_exec
"""

SLOWED = r"""
/* vfork() and execve(), after a loop of known length. */
#include "../host/host.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void launch(struct launch *launch)
{
	long long until = now() + SPIN_NS;
	pid_t pid;

	while (now() < until)
		;
	pid = vfork();
	if (pid == 0)
		host_exec(launch);
	if (pid < 0)
		host_spawn_failed(launch, errno);
	else
		launch->pid = pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "vfork_slowed",
	.summary = "vfork() and execve(), slowed on purpose",
	.traits = RUNS_CHILD_SIDE,
	.claims = SUSPENDS,
	.memory = MEMORY_SHARED,
	.launch = launch,
);
"""


def measure(folder: Path, runs: int, rounds: int, spin_ns: int) -> None:
    """Run the scenario in a copy of this checkout that has one strategy more."""
    with tempfile.TemporaryDirectory() as parent:
        copy = Path(parent) / "checkout"
        for name in ("bench", "strategies"):
            shutil.copytree(CHECKOUT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        (copy / "strategies/launch/vfork_slowed.c").write_text(SLOWED.replace("SPIN_NS", f"{spin_ns}LL"))
        (copy / "again.yaml").write_text(SCENARIO.format(rounds=rounds))
        done = len(list(folder.glob("*.jsonl")))
        for number in range(done, done + runs):
            arguments = ["run", str(copy / "again.yaml"), "-q", "-o", str(folder / f"{number:02}.jsonl")]
            subprocess.run(
                [sys.executable, "-m", "bench", *arguments],
                cwd=copy,
                env=os.environ | {"PYTHONPATH": str(copy)},
                check=True,
            )


def different(result: CompareResult) -> tuple[int, int]:
    """Count the rows that are called different, and all rows."""
    return sum(row.answer in {"faster", "slower", "transition"} for row in result.rows), len(result.rows)


def share(counts: Iterable[tuple[int, int]]) -> str:
    """Sum up and set as a share."""
    found, asked = (sum(column) for column in zip(*counts, strict=True))
    return f"{found} of {asked} ({found / asked:.1%})"


def between(files: Sequence[Sequence[WorkerRow]]) -> None:
    """Print how often files of one program are called different, one a side and half of them a side."""
    pairs = list(itertools.combinations(range(len(files)), 2))
    if not pairs:
        return
    print(f"one file a side, {len(pairs)} pairs:", share(different(_compare(files, [a], [b])) for a, b in pairs))
    half = len(files) // 2
    if half < 4:
        return
    print(
        f"{half} files a side, the first against the last:",
        share([different(_compare(files, range(half), range(half, 2 * half)))]),
    )
    splits = [one for one in itertools.combinations(range(2 * half), half) if 0 in one]
    others = [[at for at in range(2 * half) if at not in one] for one in splits]
    print(
        f"{half} files a side, all {len(splits)} divisions:",
        share(different(_compare(files, one, other)) for one, other in zip(splits, others, strict=True)),
    )


def _compare(files: Sequence[Sequence[WorkerRow]], base: Iterable[int], new: Iterable[int]) -> CompareResult:
    old, young = ([row for at in side for row in files[at]] for side in (base, new))
    return compare_files(old, young, ("base", "new"))


def inside(files: Sequence[Sequence[WorkerRow]]) -> None:
    """Print what `compare --by strategy` says of the slowed strategy, beside the one that is not, run by run."""
    found = [row for rows in files for row in slowed(rows)]
    said = Counter[str](row.answer for row in found)
    ratios = [row.ratio for row in found if row.ratio]
    floors = [row.floor for row in found if row.floor]
    print(f"{SLOWER} beside {REFERENCE}, run by run: {dict(said)}", end="; ")
    print(f"ratios {min(ratios):.3f} to {max(ratios):.3f}, floors {min(floors):.1%} to {max(floors):.1%}")


def slowed(rows: Sequence[WorkerRow]) -> list[Comparison]:
    """Select what the comparison of all strategies, with the floors of its own run, says of the slowed one.

    Raises ValueError when it was not beside the one that is not slowed.
    """
    result = compare_by(rows, "strategy")
    if result.base != REFERENCE:
        raise ValueError(f"the strategies were compared with {result.base}: {REFERENCE} was not the run's reference")
    return [row for row in result.rows if row.side == SLOWER]


def main() -> None:
    """Measure, then count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=10, help="to add to those in the folder; 0 only counts")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--spin", type=int, default=3750, help="ns; 5% of 75 us")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    measure(options.into, options.runs, options.rounds, options.spin)
    files = [table([read(path)]).rows for path in sorted(options.into.glob("*.jsonl"))]
    if files:
        inside(files)
        between(files)


if __name__ == "__main__":
    main()
