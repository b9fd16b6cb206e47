"""Pairs held against the machine's pace: what is found by it, what it leaves alone, and why its tests stay exact."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
from result_lines import cell, header, ok, worker, write

from bench.analysis import analyse, compare_by, inference, noise_floors, table
from bench.analysis.answers import Match
from bench.analysis.answers import answers as answered
from bench.analysis.pace import held, slope_of
from bench.analysis.subject import subjects
from bench.record import read
from bench.report import Options, formats
from bench.report.conclusion_records import comparison_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.analysis import Comparison, WorkerRow
    from bench.analysis.subject import Subject

TWIN = "posix_spawn+twin"
LONGER: Mapping[str, float] = {"posix_spawn": 1.0, TWIN: 1.0, "vfork_exec": 1.05}


def two_gears(
    path: Path,
    *,
    longer: Mapping[str, float] = LONGER,
    follows: Mapping[str, float] | None = None,
    paces: Callable[[float, int], Any] = lambda pace, _: [round(30_000 * pace)] * 5,
    rounds: int = 16,
    seed: int = 4,
    **changes: Any,
) -> tuple[WorkerRow, ...]:
    """Write a run of a machine that is in one of two gears beside each worker, and whose pacer says in which."""
    noise = random.Random(seed)
    planned = {name: cell(name.removesuffix("+twin")) | {"id": name} for name in longer}
    if TWIN in planned:
        planned[TWIN]["twin"] = True
    lines = [header(planned.values(), rounds=rounds, run=f"run-{seed}")]
    for number in range(rounds):
        for name, factor in longer.items():
            gear = noise.choice((1.0, 1.4))
            took = 40_000 * factor * gear ** (follows or {}).get(name, 1.0) * math.exp(noise.gauss(0, 0.01))
            pace = paces(gear * math.exp(noise.gauss(0, 0.01)), number)
            launches = [replace(ok(round(took)), pace=ns) for ns in (*(pace or ()), *[0] * 5)[:5]]
            lines.append(worker(planned[name], launches, round_=number, **changes))
    return table([read(write(path, *lines))]).rows


def of(rows: Sequence[WorkerRow], strategy: str = "vfork_exec") -> Comparison:
    (found,) = (row for row in compare_by(rows, "strategy").rows if row.side == strategy)
    return found


def pair_of(rows: Sequence[WorkerRow], strategy: str = "vfork_exec") -> tuple[Subject, Subject]:
    cells = {one.strategy: one for one in subjects(rows)}
    return cells["posix_spawn"], cells[strategy]


def unpaced(_pace: float, _number: int) -> None:
    return None


def test_what_the_gears_hide_is_found_beside_the_pacer(tmp_path: Path) -> None:
    raw, paced = of(two_gears(tmp_path / "raw", paces=unpaced)), of(two_gears(tmp_path / "paced"))

    assert (raw.answer, raw.slope) == ("same", None)
    assert paced.answer == "slower"
    assert paced.ratio == pytest.approx(1.05, abs=0.01)
    assert paced.slope == pytest.approx(1.0, abs=0.1)
    assert (paced.base_ns, paced.new_ns) == (raw.base_ns, raw.new_ns), "what was measured is shown as it was"


def test_the_floor_of_twins_is_held_too_and_is_not_for_comparisons_that_are_not(tmp_path: Path) -> None:
    (paced,) = noise_floors(two_gears(tmp_path / "paced"))
    (raw,) = noise_floors(two_gears(tmp_path / "raw", paces=unpaced))

    assert paced.unpaced == raw
    assert paced.floor < 0.01
    assert raw.floor > 0.05
    rows = [
        row if row.cell["strategy"] == "posix_spawn" else other
        for row, other in zip(
            two_gears(tmp_path / "some"),
            two_gears(tmp_path / "others", paces=unpaced),
            strict=True,
        )
    ]
    beside = of(rows)
    assert beside.slope is None
    assert beside.floor == raw.floor


def test_costs_that_do_not_follow_the_pace_are_left_alone(tmp_path: Path) -> None:
    follows = dict.fromkeys(LONGER, 0.0)
    raw = of(two_gears(tmp_path / "raw", follows=follows, paces=unpaced))
    paced = of(two_gears(tmp_path / "paced", follows=follows))

    assert paced.slope == pytest.approx(0.0, abs=0.02)
    assert paced.ratio == pytest.approx(raw.ratio, abs=0.002)


def test_costs_that_follow_it_by_half_are_held_against_half_of_it(tmp_path: Path) -> None:
    found = of(two_gears(tmp_path / "half", follows=dict.fromkeys(LONGER, 0.5)))

    assert found.slope == pytest.approx(0.5, abs=0.06)
    assert found.answer == "slower"


@pytest.mark.parametrize("pace", [None, [30_000] * 4])
def test_without_a_pace_everything_is_as_it_was(tmp_path: Path, pace: Any) -> None:
    def told(_pace: float, _number: int) -> Any:
        return pace

    rows = two_gears(tmp_path / "r", paces=told)
    (noise,) = noise_floors(rows)
    base, new = pair_of(rows)
    found = of(rows)

    logs = [new.logs[pair] - base.logs[pair] for pair in base.logs]
    effect = inference.paired(logs)
    assert (found.ratio, found.low, found.high, found.p) == (effect.ratio, effect.low, effect.high, effect.p)
    assert (found.slope, noise.slope, noise.unpaced) == (None, None, None)
    assert not comparison_record(found)["paced"]


def test_guests_and_other_clocks_have_no_pace(tmp_path: Path) -> None:
    place = {"kernel": "6.1.0", "distro": "none", "libc": "musl 1.2", "boot": "1", "clock": "emulated"}

    assert not any(one.paces for one in subjects(two_gears(tmp_path / "r", place=place)))


def test_a_pair_without_a_pace_stays_as_measured_and_many_such_leave_the_comparison(tmp_path: Path) -> None:
    def until(first: int) -> Callable[[float, int], Any]:
        return lambda pace, number: None if number < first else [round(30_000 * pace)] * 5

    few, many = (pair_of(two_gears(tmp_path / f"{first}", paces=until(first))) for first in (3, 5))
    pairs = list(few[0].logs)
    found = held(*few, pairs)

    assert found.slope is not None
    assert [found.differences[pair] == few[1].logs[pair] - few[0].logs[pair] for pair in pairs[:4]] == [True] * 3 + [
        False
    ]
    assert held(*many, pairs).slope is None


def test_exchanging_names_of_rounds_turns_signs_and_changes_nothing_else(tmp_path: Path) -> None:
    rows = two_gears(tmp_path / "r", longer={"posix_spawn": 1.0, "vfork_exec": 1.0}, rounds=8)
    base, new = pair_of(rows)
    before = held(base, new, base.logs)
    assert before.slope

    for exchanged in itertools.islice(itertools.product((False, True), repeat=8), 0, 256, 17):
        names = {"posix_spawn": "vfork_exec", "vfork_exec": "posix_spawn"}
        turned = [_renamed(row, names[str(row.cell["strategy"])]) if exchanged[row.round] else row for row in rows]
        after = held(*pair_of(turned), base.logs)
        assert after.slope == pytest.approx(before.slope, rel=1e-9)
        for pair, at in before.differences.items():
            assert after.differences[pair] == pytest.approx(-at if exchanged[pair[1]] else at, abs=1e-9)


def _renamed(row: WorkerRow, strategy: str) -> WorkerRow:
    return replace(row, cell={**row.cell, "strategy": strategy, "id": strategy})


@pytest.mark.parametrize("factor", [1.05, 3.0, 50.0])
def test_a_difference_leaves_the_slope_as_it_is_and_none_of_it_is_taken_off(tmp_path: Path, factor: float) -> None:
    equal = pair_of(two_gears(tmp_path / "equal", longer=dict(LONGER, vfork_exec=1.0)))
    longer = pair_of(two_gears(tmp_path / "longer", longer=dict(LONGER, vfork_exec=factor)))
    (one, other) = (held(*pair, pair[0].logs) for pair in (equal, longer))

    assert other.slope == pytest.approx(one.slope, abs=0.001)
    apart = [other.differences[pair] - one.differences[pair] for pair in one.differences]
    assert statistics.median(apart) == pytest.approx(math.log(factor), abs=0.001)


def test_equal_cells_are_called_different_as_rarely_as_promised(tmp_path: Path) -> None:
    equal = dict.fromkeys(("posix_spawn", "vfork_exec"), 1.0)
    p = []
    for seed in range(100):
        base, new = pair_of(two_gears(tmp_path / f"{seed}", longer=equal, rounds=7, seed=seed))
        p.append(inference.paired(list(held(base, new, base.logs).differences.values())).p)

    assert sum(one <= 0.05 for one in p) <= 11  # at 5%: more have a probability of 1%
    assert sum(one <= 0.5 for one in p) > 30


def test_pace_that_moved_less_than_its_noise_is_not_taken_off() -> None:
    noise = random.Random(1)
    drift = [at / 24 for at in range(24)]
    levels = [2 * at + noise.gauss(0, 0.02) for at in drift]
    sums = [2 * at + noise.gauss(0, 0.05) for at in drift]

    assert slope_of(levels, sums, [0.4 * (-1) ** at for at in range(24)]) > 0.9
    assert slope_of(levels, sums, [0.03 * (-1) ** at for at in range(24)]) < 0.6
    assert slope_of(levels, sums, [0.0] * 24) == 0.0
    assert slope_of(levels, [0.0] * 24, [0.1] * 24) == 0.0
    assert slope_of([-one for one in levels], sums, [0.4] * 24) == 0.0


def test_the_forms_say_once_that_ratios_are_held_against_the_pace(tmp_path: Path) -> None:
    two_gears(tmp_path / "paced")
    two_gears(tmp_path / "raw", paces=unpaced)

    for name, said in (("paced", 1), ("raw", 0)):
        analysis = analyse([read(tmp_path / name)])
        for form in ("terminal", "markdown"):
            text = str(formats()[form].render(analysis, Options()))
            assert " ".join(text.split()).count("held against the machine's pace") == said
        assert any(row.slope is not None for one in analysis.verdicts for row in one.ranking) == bool(said)
        if said:
            assert str(formats()["html"].render(analysis, Options())).count("held against the machine") == 1


def test_a_verdict_that_was_refused_on_a_machine_of_two_gears_is_given_beside_a_pacer(tmp_path: Path) -> None:
    two_gears(tmp_path / "paced")
    two_gears(tmp_path / "raw", paces=unpaced)
    (paced,), (raw,) = (analyse([read(tmp_path / name)]).verdicts for name in ("paced", "raw"))

    assert raw.refusal
    assert raw.refusal.startswith("noisy machine")
    assert paced.refusal is None
    assert [one.strategy for one in paced.chosen] == ["posix_spawn"]


def test_the_record_of_a_row_says_what_was_taken_off(tmp_path: Path) -> None:
    rows = two_gears(tmp_path / "r")
    base, new = pair_of(rows)
    (row,) = answered([Match(base, new)], noise_floors(rows), lambda _: None)

    assert comparison_record(row)["pace_slope"] == asdict(row)["slope"] == held(base, new, base.logs).slope


def test_the_pace_follows_a_machine_that_changes_under_a_worker(tmp_path: Path) -> None:
    """Just under half of the launches are in the slow gear: medians of launches and of paces would miss it."""
    gears = [1.0, 1.4, 1.0, 1.4, 1.0, 1.0, 1.4, 1.4, 1.4]
    launches = [replace(ok(round(40_000 * gear)), pace=round(30_000 * gear)) for gear in gears]
    odd = replace(launches[0], pace=round(30_000 * 1.4))  # the gear changed between the two
    planned = cell("posix_spawn")
    lines = [header([planned], rounds=2), worker(planned, launches), worker(planned, [odd, *launches[1:]], round_=1)]

    (one,) = subjects(table([read(write(tmp_path / "r", *lines))]).rows)

    first, second = (one.logs[pair] - one.paces[pair] for pair in one.logs)
    assert first == pytest.approx(math.log(4 / 3), abs=1e-3)
    assert second == pytest.approx(first, abs=1e-3)
