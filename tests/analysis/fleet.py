"""Makes result files by the thousand, and measures what it takes to sum them up. No test: a command.

    python tests/analysis/fleet.py FOLDER --files 10000 --launches 10

writes the files into FOLDER (those that are there stay), has `launchbench report` make Parquet of them in a process of
its own, and says what that took, and what a query of the Parquet takes. The numbers depend on `--launches` most: files
are read as fast as their bytes are parsed.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "record"))

from result_lines import MACHINE, Launch, cell, failed, footer, header, ok, worker, write

from bench.record.journal import encode

KERNELS = ("4.19.0", "5.10.0", "6.1.0", "6.12.0", "7.3.0")
STRATEGIES = ("fork_exec", "vfork_exec", "posix_spawn", "posix_spawnp", "popen", "system", "shim", "clone_vm",
              "prefork_pipe", "prefork_seqpacket")  # fmt: skip
FOOTPRINTS = (1 << 20, 64 << 20, 256 << 20, 1 << 30, 4 << 30)
CELLS = tuple(cell(strategy, footprint_bytes=size) for strategy in STRATEGIES for size in FOOTPRINTS)
FAILURES = 0.01
"""The share of launches that fail with ENOMEM."""
QUERY = """
    SELECT strategy, footprint_bytes, kernel, median(total_ns_p50), sum(ok) / sum(launches)
    FROM read_parquet(?)
    GROUP BY ALL
"""


def generate(folder: Path, *, files: int, launches: int, rounds: int, machines: int, seed: int = 1) -> list[Path]:
    """Write files of 50 cells, each machine with a kernel of `KERNELS`; a file that is there already stays."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number:05}.jsonl" for number in range(files)]
    for number, path in enumerate(paths):
        if path.exists():
            continue
        rng = random.Random(f"{seed} {number}")
        identity = number % machines
        machine = MACHINE | {
            "machine_id": f"{identity:032x}",
            "kernel": KERNELS[identity % len(KERNELS)],
            "load_avg_1min": round(rng.random(), 2),
        }
        lines = [header(CELLS, rounds=rounds, run=f"{seed:x}-{number:x}", machine=machine)]
        for round_ in range(rounds):
            for position, one in enumerate(rng.sample(CELLS, k=len(CELLS))):
                usual = rng.randint(30_000, 60_000) + (
                    one["footprint_bytes"] >> 8 if one["strategy"] == "fork_exec" else 0
                )
                tried = [_launch(rng, usual) for _ in range(launches)]
                lines.append(worker(one, tried, round_=round_, position=position, mechanism="vfork -> execve"))
        write(path, *map(encode, [*lines, footer()]))
    return paths


def _launch(rng: random.Random, usual: int) -> Launch:
    if rng.random() < FAILURES:
        return failed("spawn_error", 12)
    total = usual + int(rng.expovariate(1 / 2000))
    return ok(total, blocked=total // 3, reach=total // 2)


def _report(folder: Path, output: Path) -> tuple[float, float, float]:
    """Make Parquet of the files, and return wall seconds, CPU seconds, and the peak of memory in MiB."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", "report", str(folder / "*.jsonl"), "--format", "parquet", "-o", str(output)]
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"launchbench report ended with {process.returncode}")
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _query(output: Path) -> tuple[float, int]:
    """Return the median seconds of a query by strategy, footprint and kernel, a new connection each, and its rows."""
    import duckdb

    taken, rows = [], 0
    for _ in range(9):
        begun = time.perf_counter()
        with duckdb.connect() as database:
            rows = len(database.execute(QUERY, [str(output)]).fetchall())
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken), rows


def main() -> None:
    """Generate, report, query."""
    parser = argparse.ArgumentParser(description="Measure the summing up of many result files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--launches", type=int, default=10, help="of each worker")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--machines", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    paths = generate(
        asked.folder, files=asked.files, launches=asked.launches, rounds=asked.rounds, machines=asked.machines
    )
    size = sum(path.stat().st_size for path in paths)
    print(
        f"{len(paths)} files of {len(CELLS)} cells, {size / 1e6:.0f} MB, {asked.launches} launches a worker", flush=True
    )
    output = asked.folder / "cells.parquet"
    for _ in range(asked.repeat):
        wall, cpu, peak = _report(asked.folder, output)
        print(f"report: {wall:.1f} s, {cpu:.1f} s of CPU, {peak:.0f} MiB at the peak", flush=True)
    seconds, rows = _query(output)
    print(f"query:  {seconds * 1000:.0f} ms for {rows} groups")


if __name__ == "__main__":
    main()
