"""Which cells are set against which, by which unit, and what is said where nothing can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from result_lines import GIB, MACHINE, header, write
from told_runs import Told, answers, lines, recording, rows

from bench.analysis import NoSuchKey, compare_by, compare_files, in_one_manner, regressions, table
from bench.analysis import compared as anything_compared
from bench.record import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.analysis import CompareResult, Comparison, WorkerRow

VFORK, SPAWN = Told(us=33), Told(us=44)
TWO = {"vfork_exec": VFORK, "posix_spawn": SPAWN}


def files(folder: Path, cells: Mapping[str, Told], count: int, first: int, **changes: Any) -> list[WorkerRow]:
    return [
        row
        for seed in range(first, first + count)
        for row in rows(folder / f"{seed}.jsonl", cells, seed=seed, **changes)
    ]


def compared(base: Sequence[WorkerRow], new: Sequence[WorkerRow]) -> CompareResult:
    return compare_files(base, new, ("base", "new"))


def only(result: CompareResult) -> Comparison:
    (row,) = result.rows
    return row


# Inside a run


def test_strategies_of_one_run_are_compared_round_by_round_with_the_reference(tmp_path: Path) -> None:
    result = compare_by(rows(tmp_path / "r", TWO | {"posix_spawn+twin": SPAWN, "system": Told(us=300)}), "strategy")

    assert result.base == "posix_spawn"
    assert answers(result) == [("vfork_exec", "faster"), ("system", "slower")]
    vfork = result.rows[0]
    assert (vfork.unit, vfork.pairs) == ("round", 10)
    assert vfork.ratio == pytest.approx(0.75, rel=0.01)
    assert vfork.p == 2 / 1024
    assert vfork.base_ns == pytest.approx(44_000, rel=0.01)


def test_what_reaps_by_itself_is_compared_with_what_does_not(tmp_path: Path) -> None:
    cells = {"posix_spawn": SPAWN, "system": Told(us=300, axes={"reaper": "own"})}

    assert answers(compare_by(rows(tmp_path / "r", cells), "strategy")) == [("system", "slower")]


def test_values_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    cells = {
        f"vfork_exec#{kernel}": Told(us=us, changes={"place": {"kernel": kernel}}, axes={"kernel": kernel})
        for kernel, us in (("5.10", 40), ("4.4", 30), ("5.4", 35))
    }
    result = compare_by(rows(tmp_path / "r", cells), "kernel")

    assert (result.base, result.new) == ("4.4", ("5.4", "5.10"))
    assert [row.answer for row in result.rows] == ["slower", "slower"]
    assert result.rows[0].unit == "round"


@pytest.mark.parametrize(("key", "base"), [("worker", "glibc"), ("distro", "Debian 11")])
def test_a_libc_comes_along_with_the_build_and_with_the_distro(key: str, base: str, tmp_path: Path) -> None:
    cells = {
        f"vfork_exec#{number}": Told(
            us=30 + 10 * number,
            changes={"place": {"distro": distro, "libc": libc}},
            axes={"worker": worker, "distro": distro},
        )
        for number, (worker, distro, libc) in enumerate(
            [
                ("glibc", "Debian 11", "glibc 2.31"),
                ("glibc", "Debian 13", "glibc 2.41"),
                ("musl", "Debian 11", "musl 1.2.3"),
                ("musl", "Debian 13", "musl 1.2.3"),
            ]
        )
    }
    result = compare_by(rows(tmp_path / "r", cells), key)

    assert result.base == base
    assert [row.answer for row in result.rows] == ["slower", "slower"], "each has its counterpart"
    assert result.warnings == ()


def test_a_key_as_a_scenario_spells_it(tmp_path: Path) -> None:
    cells = {"fork_exec": Told(us=100), "fork_exec#2": Told(us=190, axes={"footprint_bytes": 2 * GIB})}

    assert only(compare_by(rows(tmp_path / "r", cells), "footprint")).answer == "slower"


def test_a_key_that_no_cell_has_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NoSuchKey, match=r"--by colour: no cell has this key: keys are backing, .*strategy"):
        compare_by(rows(tmp_path / "r", TWO), "colour")


def test_too_few_rounds_are_data(tmp_path: Path) -> None:
    row = only(compare_by(rows(tmp_path / "r", TWO, rounds=3), "strategy"))

    assert (row.answer, row.reason, row.ratio) == ("inconclusive", "needs more runs: 3 of 6 rounds", None)


# Between runs


def test_one_file_a_side_must_clear_what_runs_drift_by(tmp_path: Path) -> None:
    base = files(tmp_path, {"vfork_exec": Told(us=40)}, 1, first=1)

    def against(us: float, seed: int) -> Comparison:
        return only(compared(base, files(tmp_path, {"vfork_exec": Told(us=us)}, 1, first=seed)))

    near, little, far = against(40, 2), against(41.5, 3), against(46, 4)
    assert (near.answer, near.unit, near.floor) == ("same", "file", 0.05)
    assert (little.answer, little.reason) == (
        "inconclusive",
        "runs of one program differ by up to 5%: repeat the run on each side",
    )
    assert (far.answer, far.worse) == ("slower", True)


def test_workers_that_were_free_to_move_drift_by_more(tmp_path: Path) -> None:
    free = {"changes": {"cpu": [0, 1]}}
    base = files(tmp_path, {"vfork_exec": Told(us=40, **free)}, 1, first=1)
    new = files(tmp_path, {"vfork_exec": Told(us=43, **free)}, 1, first=2)

    assert (only(compared(base, new)).answer, only(compared(base, new)).floor) == ("inconclusive", 0.10)


def test_several_files_a_side_are_tested_as_runs(tmp_path: Path) -> None:
    cells = {"vfork_exec": Told(us=40), "posix_spawn": SPAWN, "posix_spawn+twin": SPAWN}
    base = files(tmp_path, cells, 5, first=1)
    result = compared(base, files(tmp_path, cells | {"vfork_exec": Told(us=42)}, 5, first=10))

    assert answers(result) == [("posix_spawn", "same"), ("vfork_exec", "slower")]
    row = result.rows[1]
    assert (row.unit, row.pairs) == ("run", 5)
    assert row.p == pytest.approx(2 / 252)
    assert row.floor is not None
    assert row.floor < 0.01


def test_what_repeated_runs_showed_takes_the_place_of_what_is_assumed(tmp_path: Path) -> None:
    steady = files(tmp_path, {"vfork_exec": Told(us=40)}, 6, first=1)
    shaky = [
        row
        for seed, us in enumerate((36, 44, 40, 38, 43, 41), start=20)
        for row in rows(tmp_path / f"{seed}.jsonl", {"vfork_exec": Told(us=us)}, seed=seed)
    ]
    new = files(tmp_path, {"vfork_exec": Told(us=45)}, 1, first=10)

    assert only(compared(steady, new)).answer == "slower"
    assert only(compared(shaky, new)).answer == "inconclusive"
    assert (only(compared(shaky, new)).floor or 0) > 0.15


def test_machines_are_compared_by_ratios_to_the_reference(tmp_path: Path) -> None:
    here = files(tmp_path, TWO, 1, first=1)
    # Twice as slow in everything, and vfork_exec half as slow again.
    there = {"vfork_exec": Told(us=99), "posix_spawn": Told(us=88)}
    result = compared(here, files(tmp_path, there, 1, first=2, machine=MACHINE | {"machine_id": "another"}))

    assert answers(result) == [("posix_spawn", "same"), ("vfork_exec", "slower")]
    assert result.rows[1].ratio == pytest.approx(1.5, rel=0.01)
    assert "machine differs too" not in "".join(result.warnings)


def test_machines_without_a_common_reference_cannot_be_compared(tmp_path: Path) -> None:
    here = files(tmp_path, {"system": Told(us=300)}, 1, first=1)
    there = files(tmp_path, {"system": Told(us=600)}, 1, first=2, machine=MACHINE | {"machine_id": "another"})

    assert only(compared(here, there)).reason == "different machines, and no reference strategy on both"


def test_clocks_are_never_mixed(tmp_path: Path) -> None:
    def clocked(seed: int, clock: str) -> list[WorkerRow]:
        return files(tmp_path, {"vfork_exec": Told(us=33, changes={"place": {"clock": clock}})}, 1, first=seed)

    hardware, emulated = clocked(1, "hardware"), clocked(2, "emulated")
    assert only(compared(hardware, emulated)).reason == (
        "works on both sides; hardware and emulated time are never compared"
    )


def test_of_emulated_time_behaviour_is_compared_and_nothing_is_said_of_latency(tmp_path: Path) -> None:
    def emulated(seed: int, told: Told) -> list[WorkerRow]:
        place = {"place": {"clock": "emulated"}}
        return files(tmp_path, {"vfork_exec": Told(us=told.us, fails=told.fails, changes=place)}, 1, first=seed)

    works, slow, fails = emulated(1, Told(us=33)), emulated(2, Told(us=99)), emulated(3, Told(fails=4))
    alike = only(compared(works, slow))
    assert (alike.answer, alike.ratio) == ("inconclusive", None)
    assert alike.reason == "works on both sides; emulated time is no latency"
    assert only(compared(works, fails)).reason == "works -> spawn:ENOMEM"


def test_counted_instructions_repeat_and_need_three_rounds_only(tmp_path: Path) -> None:
    counted = {"place": {"clock": "instructions"}}
    cells = {
        f"fork_exec#{kernel}": Told(us=us, spread=0.001, axes={"kernel": kernel},
                                    changes={"place": {**counted["place"], "kernel": kernel}})
        for kernel, us in (("4.4", 100), ("5.10", 103), ("6.1", 100.3))
    }  # fmt: skip
    result = compare_by(rows(tmp_path / "r", cells, rounds=3), "kernel")

    assert [(row.answer, row.floor) for row in result.rows] == [("slower", 0.01), ("same", 0.01)]


def booted(path: Path, boots: int, us: Mapping[str, float], clock: str = "instructions") -> tuple[WorkerRow, ...]:
    """Tell a run of two rounds a boot; boots of one kernel differ by 3% a boot."""
    cells = {
        f"fork_exec#{kernel}": Told(us=us[kernel], axes={"kernel": kernel}, changes={"place": {"kernel": kernel}})
        for kernel in us
    }
    told = lines(cells, 2 * boots, 1)
    for line in told[1:]:
        number = line["round"] // 2
        line["place"] = line["place"] | {"boot": f"0.{number}.1", "clock": clock}
        slower = 1.03**number if line["place"]["kernel"] == "6.1" else 1.0
        line["samples"]["reaped"] = [
            called + round(slower * (reaped - called))
            for called, reaped in zip(line["samples"]["call"], line["samples"]["reaped"], strict=True)
        ]
    return table([read(write(path, *told))]).rows


def test_a_boot_counts_once_however_many_workers_it_had(tmp_path: Path) -> None:
    equal = {"4.4": 100.0, "6.1": 100.0}

    few, enough = (only(compare_by(booted(tmp_path / "r", boots, equal), "kernel")) for boots in (2, 3))

    assert (few.answer, few.reason) == ("inconclusive", "needs more runs: 2 of 3 boots")
    assert (enough.unit, enough.pairs) == ("boot", 3)
    assert enough.answer == "same", "its boots differ by as much"
    clear = only(compare_by(booted(tmp_path / "r", 3, {"4.4": 100, "6.1": 120}), "kernel"))
    assert clear.answer == "slower"


def test_times_of_few_boots_are_not_tested(tmp_path: Path) -> None:
    kernels = {"4.4": 100.0, "6.1": 150.0}

    few, enough = (only(compare_by(booted(tmp_path / "r", boots, kernels, "hardware"), "kernel")) for boots in (3, 7))

    assert few.reason == "needs more runs: 3 of 6 boots"
    assert (enough.answer, enough.unit, enough.pairs) == ("slower", "boot", 7)


def test_cells_of_one_boot_are_pairs_of_a_round(tmp_path: Path) -> None:
    cells = {name: Told(us=us, changes={"place": {"kernel": "6.1", "boot": "0.0.1"}}) for name, us in
             (("posix_spawn", 40), ("fork_exec", 90))}  # fmt: skip
    row = only(compare_by(rows(tmp_path / "r", cells), "strategy"))

    assert (row.answer, row.unit, row.pairs) == ("slower", "round", 10)


# Transitions, missing cells, warnings


def test_what_no_longer_works_comes_first(tmp_path: Path) -> None:
    cells = {"vfork_exec": VFORK, "fork_exec": Told(us=900)}
    result = compared(
        files(tmp_path, cells, 1, first=1),
        files(tmp_path, cells | {"fork_exec": Told(fails=4)}, 1, first=2),
    )

    assert answers(result) == [("fork_exec", "transition"), ("vfork_exec", "same")]
    assert (result.rows[0].reason, result.rows[0].worse) == ("works -> spawn:ENOMEM", True)
    assert result.rows[0].success_p == pytest.approx(0, abs=1e-9)


def test_what_works_again_is_a_transition_but_not_for_the_worse(tmp_path: Path) -> None:
    row = only(
        compared(
            files(tmp_path, {"fork_exec": Told(fails=4)}, 1, first=1),
            files(tmp_path, {"fork_exec": Told()}, 1, first=2),
        )
    )

    assert (row.answer, row.reason, row.worse) == ("transition", "spawn:ENOMEM -> works", False)


def test_zombies_where_there_were_none_are_a_transition(tmp_path: Path) -> None:
    left = Told(us=33, changes={"findings": [{"kind": "zombie", "count": 4, "detail": None}]})
    row = only(
        compared(files(tmp_path, {"vfork_exec": VFORK}, 1, first=1), files(tmp_path, {"vfork_exec": left}, 1, first=2))
    )

    assert (row.answer, row.reason, row.worse) == ("transition", "clean -> 40 zombie", True)


ENDED = {
    "crashed": {"kind": "crashed", "signal": 11},
    "hung": {"kind": "hung"},
    "oom_killed": {"kind": "oom_killed"},
    "not_allocatable": {"kind": "not_allocatable", "errno": 12},
}


@pytest.mark.parametrize("outcome", ENDED)
@pytest.mark.parametrize("rounds", [2, 10])
def test_workers_that_fail_themselves_are_a_transition(tmp_path: Path, outcome: str, rounds: int) -> None:
    broken = Told(changes={"outcome": ENDED[outcome], "samples": None, "census": None})
    works = rows(tmp_path / "1", {"vfork_exec": VFORK}, rounds, seed=1)
    fails = rows(tmp_path / "2", {"vfork_exec": broken}, rounds, seed=2)

    worse, better, alike = (
        only(compared(*sides)) for sides in ((works, fails), (fails, works), (fails, [*fails, *fails]))
    )

    assert (worse.answer, worse.reason, worse.worse) == ("transition", f"works -> {outcome}", True)
    assert (better.answer, better.reason, better.worse) == ("transition", f"{outcome} -> works", False)
    assert (alike.answer, alike.reason) == ("same", f"fails on both sides: {outcome}")
    assert len(regressions(compared(works, fails), 0.05)[0]) == 1


def test_workers_that_crash_after_launches_that_worked_are_a_transition(tmp_path: Path) -> None:
    crash = Told(us=33, changes={"outcome": ENDED["crashed"]})
    row = only(
        compared(files(tmp_path, {"vfork_exec": VFORK}, 1, first=1), files(tmp_path, {"vfork_exec": crash}, 1, first=2))
    )

    assert (row.answer, row.reason) == ("transition", "works -> crashed")


def test_one_worker_of_many_that_crashes_is_no_transition(tmp_path: Path) -> None:
    works = files(tmp_path, {"vfork_exec": VFORK}, 1, first=1)
    crash = rows(tmp_path / "c", {"vfork_exec": Told(us=33, changes={"outcome": ENDED["crashed"]})}, 1, seed=2)

    row = only(compared(works, [*files(tmp_path, {"vfork_exec": VFORK}, 1, first=3), *crash]))

    assert row.answer == "same"


def test_what_always_worked_and_never_does_is_a_transition_among_hundreds_of_cells(tmp_path: Path) -> None:
    others = {f"strategy_{number}": Told(us=33, rounds=1, fails=number % 2) for number in range(200)}
    base = rows(tmp_path / "1", others | {"fork_exec": Told(rounds=1)}, 1, seed=1)
    new = rows(tmp_path / "2", others | {"fork_exec": Told(rounds=1, fails=4)}, 1, seed=2)

    changed = [row for row in compared(base, new).rows if row.answer == "transition"]

    assert [row.reason for row in changed] == ["works -> spawn:ENOMEM"]


def test_one_stray_launch_among_many_is_no_transition(tmp_path: Path) -> None:
    base = files(tmp_path, {"vfork_exec": VFORK}, 1, first=1)
    once = files(tmp_path, {"vfork_exec": VFORK}, 1, first=2)
    stray = Told(us=33, fails=1, rounds=1)
    once = [*rows(tmp_path / "stray", {"vfork_exec": stray}, seed=2), *once[1:]]

    assert only(compared(base, once)).answer == "same"


def test_what_never_works_is_the_same_on_both_sides(tmp_path: Path) -> None:
    fails = {"fork_exec": Told(fails=4)}
    row = only(compared(files(tmp_path, fails, 1, first=1), files(tmp_path, fails, 1, first=2)))

    assert (row.answer, row.reason) == ("same", "fails on both sides: spawn:ENOMEM")


def test_what_came_to_no_launch_has_not_failed(tmp_path: Path) -> None:
    empty = {"samples": {name: [] for name in ("warmup", "command", "outcome", "stage", "errno", "status", "call",
                                               "returned", "reached", "reaped", "minor_faults")}}  # fmt: skip
    works, none = files(tmp_path, {"a": Told()}, 1, first=1), files(tmp_path, {"a": Told(changes=empty)}, 1, first=2)

    stopped, never = only(compared(works, none)), only(compared(none, none))
    assert (stopped.answer, stopped.reason, stopped.worse) == ("missing", "new came to no launch", True)
    assert (never.reason, never.worse) == ("base came to no launch; new came to no launch", False)


def test_cells_of_one_side_only_are_named(tmp_path: Path) -> None:
    refused = {"outcome": {"kind": "unsupported", "reason": "no clone3"}, "samples": None, "census": None}
    result = compared(
        files(tmp_path, TWO | {"clone3_pidfd": Told(us=30)}, 1, first=1),
        files(tmp_path, {"vfork_exec": VFORK, "clone3_pidfd": Told(changes=refused)}, 1, first=2),
    )

    assert [(answer, row.reason) for (_, answer), row in zip(answers(result), result.rows, strict=True)] == [
        ("same", ""),
        ("missing", "new is unsupported: no clone3"),
        ("missing", "new has no such cell"),
    ]
    assert result.common == 1


def test_nothing_in_common_is_said(tmp_path: Path) -> None:
    result = compared(files(tmp_path, {"system": VFORK}, 1, first=1), files(tmp_path, {"popen": VFORK}, 1, first=2))

    assert [row.answer for row in result.rows] == ["missing", "missing"]
    assert result.geometric_mean is None
    assert result.warnings == ("nothing in common: no cell of one side has a counterpart on the other",)


def test_the_geometric_mean_is_of_common_rows(tmp_path: Path) -> None:
    result = compared(
        files(tmp_path, {"a": Told(us=10), "b": Told(us=10), "c": Told(us=10)}, 1, first=1),
        files(tmp_path, {"a": Told(us=20), "b": Told(us=80), "d": Told(us=10)}, 1, first=2),
    )

    assert result.common == 2
    assert result.geometric_mean == pytest.approx(4, rel=0.01)


def test_what_else_differs_between_two_places_is_a_warning(tmp_path: Path) -> None:
    old = MACHINE | {"kernel": "5.10", "libc": "glibc 2.31"}
    base = files(tmp_path, TWO, 1, first=1, machine=old)

    one = compared(base, files(tmp_path, TWO, 1, first=2, machine=old | {"kernel": "6.1"}))
    two = compared(base, files(tmp_path, TWO, 1, first=3, machine=old | {"kernel": "6.1", "libc": "glibc 2.36"}))
    assert one.warnings == ()
    assert two.warnings == (
        "kernel differs too (5.10 against 6.1): a difference may come from it",
        "libc differs too (glibc 2.31 against glibc 2.36): a difference may come from it",
    )


def test_every_place_of_the_new_side_is_compared_with_the_nearest_base(tmp_path: Path) -> None:
    base = files(tmp_path, {"vfork_exec": VFORK}, 1, first=1, machine=MACHINE | {"kernel": "5.10"})
    new = [
        *files(tmp_path, {"vfork_exec": Told(us=50)}, 1, first=2, machine=MACHINE | {"kernel": "6.1"}),
        *files(tmp_path, {"vfork_exec": Told(us=60)}, 1, first=3, machine=MACHINE | {"kernel": "6.12"}),
    ]
    result = compared(base, new)

    assert [(row.new["kernel"], row.answer) for row in result.rows if row.new] == [
        ("6.1", "slower"),
        ("6.12", "slower"),
    ]


def test_a_place_that_only_the_new_files_have_is_not_compared_with_anothers_counterpart(tmp_path: Path) -> None:
    base = files(tmp_path, {"vfork_exec": VFORK}, 1, first=1, machine=MACHINE | {"kernel": "6.12"})
    new = [
        *files(tmp_path, {"vfork_exec": Told(us=50)}, 1, first=2, machine=MACHINE | {"kernel": "6.12"}),
        *files(tmp_path, {"vfork_exec": Told(us=10)}, 1, first=3, machine=MACHINE | {"kernel": "6.1"}),
    ]
    result = compared(base, new)

    assert [(row.new["kernel"], row.answer, row.reason) for row in result.rows if row.new] == [
        ("6.12", "slower", ""),
        ("6.1", "missing", "base has no such cell"),
    ]


def test_files_measured_in_two_manners_are_told(tmp_path: Path) -> None:
    scenario = header([])["scenario"]
    one = recording(tmp_path / "1", TWO, seed=1)
    two = recording(tmp_path / "2", TWO, seed=2, scenario=scenario | {"settings": {"launches": 9, "warmup": 0}})
    short = recording(tmp_path / "3", {"vfork_exec": Told(rounds=2)}, seed=3)

    assert in_one_manner([one]) == ()
    assert in_one_manner([one, two]) == ("scenario big-parent was not measured alike: launches",)
    assert in_one_manner([short]) == (f"{tmp_path}/3: incomplete, 2 of 10 workers",)


# The gate


@pytest.mark.parametrize(
    ("us", "threshold", "failed", "undecided"),
    [
        (33.0, 0.05, 0, 0),
        (40.0, 0.05, 1, 0),
        (40.0, 0.30, 0, 0),
        (34.9, 0.02, 0, 1),  # 5.8%, but runs drift by 5%
        (34.9, 0.20, 0, 0),  # it may be drift, but it is not 20%
        (20.0, 0.05, 0, 0),
    ],
)
def test_a_gate_fails_only_what_clears_threshold_and_floor(
    tmp_path: Path, us: float, threshold: float, failed: int, undecided: int
) -> None:
    base = files(tmp_path, {"vfork_exec": VFORK}, 1, first=1)
    result = compared(base, files(tmp_path, {"vfork_exec": Told(us=us, spread=0.01)}, 1, first=2))

    assert [len(found) for found in regressions(result, threshold)] == [failed, undecided]


def test_a_gate_fails_what_no_longer_works_whatever_the_threshold(tmp_path: Path) -> None:
    base = files(tmp_path, {"fork_exec": Told()}, 1, first=1)
    broken = compared(base, files(tmp_path, {"fork_exec": Told(fails=4)}, 1, first=2))

    assert len(regressions(broken, 10.0)[0]) == 1


def gated(base: Sequence[WorkerRow], new: Sequence[WorkerRow]) -> list[int]:
    return [len(found) for found in regressions(compared(base, new), 0.05)]


def test_a_gate_is_not_passed_by_leaving_a_cell_out(tmp_path: Path) -> None:
    refused = {"outcome": {"kind": "unsupported", "reason": "no clone3"}, "samples": None, "census": None}
    both = files(tmp_path, TWO, 1, first=1)
    one = files(tmp_path, {"vfork_exec": VFORK}, 1, first=2)
    other = files(tmp_path, TWO | {"posix_spawn": Told(changes=refused)}, 1, first=3)

    assert gated(both, one) == gated(both, other) == [0, 1]
    assert gated(one, both) == gated(other, both) == [0, 0], "what is new has nothing to be worse than"


def test_a_gate_is_not_passed_by_what_looks_slower_and_was_not_shown(tmp_path: Path) -> None:
    steady, shaky = Told(us=33, spread=0.01), Told(us=37, spread=0.3)
    result = compare_by(rows(tmp_path / "r", {"posix_spawn": steady, "vfork_exec": shaky}), "strategy")

    row = only(result)
    assert row.answer == "same"
    assert (row.ratio or 0) > 1.05
    assert [len(found) for found in regressions(result, 0.05)] == [0, 1]


@pytest.mark.parametrize(
    ("base", "new"),
    [
        ({"fork_exec": Told(fails=4)}, {"fork_exec": Told(fails=4)}),
        ({"fork_exec": Told()}, {"vfork_exec": Told()}),
        ({"fork_exec": Told(rounds=2)}, {"fork_exec": Told(rounds=2)}),
        ({"fork_exec": Told()}, {"fork_exec": Told(rounds=0)}),
    ],
)
def test_where_nothing_was_compared_that_is_known(
    tmp_path: Path, base: Mapping[str, Told], new: Mapping[str, Told]
) -> None:
    assert not anything_compared(compared(files(tmp_path, base, 1, first=1), files(tmp_path, new, 1, first=2)))
    assert anything_compared(compared(files(tmp_path, TWO, 1, first=3), files(tmp_path, TWO, 1, first=4)))
