"""What is said of a strategy slowed on purpose is the product's own answer, floors and family included."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import on_this_machine
import synthetic
from on_this_machine import slowed

from bench.analysis import compare_by, table
from bench.record import read


@pytest.fixture
def truth(monkeypatch: pytest.MonkeyPatch) -> synthetic.Truth:
    """Tell a run whose reference is the strategy that is not slowed."""
    monkeypatch.setattr(synthetic, "REFERENCE", on_this_machine.REFERENCE)
    names = (on_this_machine.REFERENCE, on_this_machine.SLOWER, "system")
    return synthetic.Truth(synthetic.Noise(), effects={on_this_machine.SLOWER: 0.1}, strategies=names, rounds=8)


def test_the_answer_is_that_of_the_comparison_of_all_strategies(tmp_path: Path, truth: synthetic.Truth) -> None:
    rows = table([read(synthetic.write_run(tmp_path / "r.jsonl", truth, seed=1))]).rows

    (row,) = slowed(rows)

    assert row in compare_by(rows, "strategy").rows
    assert row.answer == "slower"
    assert row.floor not in {None, 0.02, 0.05}, "measured by the run's own twin"


def test_a_run_with_another_reference_is_refused(tmp_path: Path, truth: synthetic.Truth) -> None:
    other = replace(truth, strategies=("posix_spawn", *truth.strategies[1:]))
    rows = table([read(synthetic.write_run(tmp_path / "r.jsonl", other, seed=1))]).rows
    rows = tuple(row for row in rows if not row.cell.get("twin"))

    with pytest.raises(ValueError, match="was not the run's reference"):
        slowed(rows)
