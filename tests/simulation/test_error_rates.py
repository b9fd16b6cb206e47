"""The promised error rates, on as many synthetic runs as a test may take; `make simulate` asks a thousand times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyperf
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from error_rates import NOISES, OTHERS, OURS, between_runs, pyperf_compare_to, rates, samples
from synthetic import REFERENCE, Noise, Truth, write_run

from bench.analysis import analyse, table
from bench.record import read


def test_equal_cells_are_rarely_called_different_whatever_the_noise() -> None:
    found = rates(Truth(NOISES["all of these"]), 12, OTHERS, first_seed=1, jobs=1)

    assert found[OURS] <= 0.1  # 60 comparisons at 5%: more than 6 have a probability of 3%
    assert found["Mann-Whitney, all launches"] > 0.15


def test_a_difference_that_is_there_is_found() -> None:
    truth = Truth(Noise(worker=0.015, drift=0.1, tails=0.01), effects={OTHERS[0]: 0.05})

    assert rates(truth, 5, OTHERS[:1], first_seed=1, jobs=1)[OURS] == 1.0


def test_files_of_runs_that_drift_are_not_called_different() -> None:
    assert between_runs(1, 20, 0.0, Noise(worker=0.02, run=0.02), first_seed=1) <= 0.05


def test_a_synthetic_run_is_a_result_file_like_any_other(tmp_path: Path) -> None:
    recording = read(write_run(tmp_path / "r.jsonl", Truth(rounds=6, launches=20), seed=1))
    analysis = analyse([recording])

    assert recording.warnings == ()
    assert len(recording.workers) == recording.planned == 42
    assert len(analysis.noise) == 1
    assert {cell.strategy for cell in analysis.cells} == {REFERENCE, *OTHERS}
    again = write_run(tmp_path / "again.jsonl", Truth(rounds=6, launches=20), seed=1)
    assert again.read_bytes() == (tmp_path / "r.jsonl").read_bytes()


@pytest.mark.parametrize("effect", [0.0, 0.3])
def test_pyperf_is_asked_what_its_own_command_line_answers(tmp_path: Path, effect: float) -> None:
    truth = Truth(Noise(worker=0.03), effects={"system": effect}, rounds=6, launches=20)
    found = samples(table([read(write_run(tmp_path / "r.jsonl", truth, seed=3))]).rows)
    for strategy in (REFERENCE, "system"):
        runs = [
            pyperf.Run([ns / 1e9 for ns in worker], metadata={"name": "launch"}, collect_metadata=False)
            for worker in found[strategy]
        ]
        pyperf.Benchmark(runs).dump(str(tmp_path / f"{strategy}.json"))
    said = subprocess.run(
        [
            sys.executable,
            "-m",
            "pyperf",
            "compare_to",
            *(str(tmp_path / f"{name}.json") for name in (REFERENCE, "system")),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert ("not significant" not in said.lower()) == pyperf_compare_to(found[REFERENCE], found["system"])
    assert json.loads((tmp_path / "system.json").read_text())["benchmarks"]
