"""Every rule of summing up, with numbers computed by hand."""

from pathlib import Path
from typing import Any

import pytest
from result_lines import GIB, MACHINE, Launch, cell, census, failed, header, ok, refused, worker, write

from bench.analysis import CellSummary, Latency, analyse, summarise, table
from bench.record import read

ONE = cell("posix_spawn")


@pytest.fixture
def summed(tmp_path: Path) -> Any:
    """Sum up worker lines of one file that must all be of one cell."""

    def sum_up(*lines: dict[str, Any]) -> CellSummary:
        (found,) = summarise(table([read(write(tmp_path / "r", header([ONE], rounds=len(lines)), *lines))]).rows)
        return found

    return sum_up


@pytest.mark.parametrize(
    "other", [{"kernel": "5.10.0"}, {"distro": "Debian 11"}, {"libc": "musl 1.2.3"}, {"clock": "instructions"}]
)
def test_workers_of_different_places_are_never_one_cell(other: dict[str, str], tmp_path: Path) -> None:
    lines = [worker(ONE, [ok(1000)]), worker(ONE, [ok(9000)], round_=1, place=other)]
    here, there = summarise(table([read(write(tmp_path / "r", header([ONE], rounds=2), *lines))]).rows)

    assert [cell.total_ns.p50 for cell in (here, there) if cell.total_ns] == [1000, 9000]
    assert here.host == there.host == here.machine != there.machine


def test_boots_of_one_kernel_are_one_cell(tmp_path: Path) -> None:
    lines = [worker(ONE, [ok(1000)], round_=at, place={"kernel": "5.10", "boot": str(at)}) for at in range(3)]
    (found,) = summarise(table([read(write(tmp_path / "r", header([ONE], rounds=3), *lines))]).rows)

    assert found.workers == 3


def test_failures_count_in_launches_and_never_in_latency(summed: Any) -> None:
    found = summed(worker(ONE, [ok(1000), failed("spawn_error", 12), ok(3000), failed("timeout")]))

    assert (found.launches, found.ok, found.success) == (4, 2, 0.5)
    assert found.total_ns == Latency(2000, None, None, None, None, 3000, 2)
    assert found.blocked_ns == Latency(10_000, None, None, None, None, 10_000, 2)


def test_a_failure_with_clocks_has_no_latency_either(summed: Any) -> None:
    found = summed(worker(ONE, [Launch("wrong_status", total=9, blocked=9, reach=9, status=256)]))

    assert (found.blocked_ns, found.reach_ns, found.total_ns) == (None, None, None)


def test_warm_up_is_in_nothing(summed: Any) -> None:
    found = summed(worker(ONE, [Launch("spawn_error", errno=12, warmup=1), Launch(total=9, warmup=1), ok(1000)]))

    assert (found.launches, found.ok, found.errors) == (1, 1, {})
    assert found.total_ns is not None
    assert found.total_ns.max == 1000


def test_the_centre_is_the_median_of_worker_medians(summed: Any) -> None:
    found = summed(
        worker(ONE, [ok(1000), ok(1100), ok(9000)]),  # 1100
        worker(ONE, [ok(2000)], round_=1),  # 2000
        worker(ONE, [ok(5000), ok(7000)], round_=2),  # 6000
    )

    assert found.total_ns == Latency(2000, None, None, None, None, 9000, 6)
    assert found.workers == 3


def test_tails_are_null_until_there_are_enough_launches(summed: Any) -> None:
    few = summed(worker(ONE, [ok(at) for at in range(1, 100)]))
    enough = summed(
        worker(ONE, [ok(at) for at in range(1, 501)]), worker(ONE, [ok(at) for at in range(501, 1001)], round_=1)
    )

    assert (few.total_ns.p90, few.total_ns.p99, few.total_ns.max) == (None, None, 99)
    assert (enough.total_ns.p90, enough.total_ns.p99, enough.total_ns.max) == (900, 990, 1000)


def test_reach_is_of_the_launches_that_were_seen_to_reach(summed: Any) -> None:
    found = summed(worker(ONE, [ok(1000, reach=700), ok(2000), ok(3000, reach=900)]))

    assert found.reach_ns == Latency(800, None, None, None, None, 900, 2)
    assert summed(worker(ONE, [ok(1000)])).reach_ns is None


def test_a_mix_of_commands_is_also_summed_up_by_command(summed: Any) -> None:
    found = summed(
        worker(ONE, [ok(1000), ok(50_000, command=1), failed("exec_error", 2, command=2), ok(1200)]),
        worker(ONE, [ok(1400), ok(70_000, command=1)], round_=1),
    )

    # All: medians 1200 and 35700. Command 0: medians 1100 and 1400.
    assert found.total_ns.p50 == 18_450
    assert {command: (by.ok, by.launches) for command, by in found.by_command.items()} == {
        0: (3, 3),
        1: (2, 2),
        2: (0, 1),
    }
    assert found.by_command[0].total_ns.p50 == 1250
    assert found.by_command[1].total_ns.p50 == 60_000
    assert found.by_command[2].total_ns is None


def test_errors_are_counted_by_name_most_frequent_first(summed: Any) -> None:
    launches = [
        failed("timeout"),
        failed("wrong_status", status=127 << 8),
        *[failed("spawn_error", 12)] * 3,
        *[failed("lost_status")] * 2,
    ]

    found = summed(worker(ONE, launches))

    assert list(found.errors.items()) == [
        ("spawn:ENOMEM", 3),
        ("lost_status", 2),
        ("timeout", 1),
        ("status:exit:127", 1),
    ]


def test_workers_that_never_launched_count_as_workers_only(summed: Any) -> None:
    found = summed(
        worker(ONE, [ok(1000)], planned=1),
        refused(ONE, "skipped", reason="too big", round_=1),
        refused(ONE, "unsupported", reason="no pidfd", round_=2),
        refused(ONE, "not_allocatable", errno=12, round_=3),
    )

    assert found.workers == 4
    assert found.workers_by_outcome == {"finished": 1, "skipped": 1, "unsupported": 1, "not_allocatable": 1}
    assert (found.launches, found.planned_launches, found.not_reached) == (1, 1, 0)
    assert found.zombies == 0
    assert dict(found.reasons) == {
        ("skipped", "too big"): 1,
        ("unsupported", "no pidfd"): 1,
        ("not_allocatable", "ENOMEM"): 1,
    }


def test_what_a_killed_worker_had_measured_survives_it(summed: Any) -> None:
    found = summed(worker(ONE, [ok(1000), ok(3000)], planned=10, outcome={"kind": "oom_killed"}, census=None))

    assert (found.launches, found.ok, found.not_reached, found.planned_launches) == (2, 2, 8, 10)
    assert found.total_ns.p50 == 2000
    assert (found.zombies, found.leaked_fds, found.leaked_threads, found.strays) == (None, None, None, None)


def test_leftovers_are_sums_over_workers_and_peaks_are_not(summed: Any) -> None:
    def left(zombies: int, descriptors: int, threads: int, strays: int) -> dict[str, Any]:
        stray = {"pid": 9, "name": "sh", "state": "S"}
        return {"ready": census(), "done": census(zombies, descriptors, threads), "strays": [stray] * strays}

    found = summed(
        worker(ONE, [ok(1)], census=left(3, 6, 2, 1), bystander_max_ns=500),
        worker(ONE, [ok(1)], census=left(1, 2, 1, 2), bystander_max_ns=900, round_=1),  # fewer descriptors than before
        worker(ONE, [ok(1)], round_=2),
    )

    assert (found.zombies, found.leaked_fds, found.leaked_threads, found.strays) == (4, 2, 1, 3)
    assert (found.zombies_peak, found.bystander_max_ns) == (3, 900)


def test_findings_and_mechanisms_of_all_workers_are_kept(summed: Any) -> None:
    zombie, stray = ({"kind": kind, "count": 2, "detail": None} for kind in ("zombie", "stray"))

    found = summed(
        worker(ONE, [ok(1)], findings=[zombie, stray], mechanism="clone execve"),
        worker(ONE, [ok(1)], findings=[zombie], mechanism="clone execve", round_=1),
        worker(ONE, [ok(1)], mechanism="fork execve", round_=2),
    )

    assert found.findings == {"zombie": 4, "stray": 2}
    assert found.mechanism == "clone execve | fork execve"


def test_a_cell_without_launches_has_no_success_to_speak_of(summed: Any) -> None:
    found = summed(worker(ONE, None))

    assert (found.launches, found.success, found.total_ns) == (0, None, None)


def summaries(tmp_path: Path, *files: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    recordings = [read(write(tmp_path / f"{at}", *lines)) for at, lines in enumerate(files)]
    return [(cell.strategy, cell.workers, cell.launches) for cell in analyse(recordings).cells]


def test_files_of_one_machine_and_scenario_merge(tmp_path: Path) -> None:
    other_id = ONE | {"id": "called-otherwise"}

    assert summaries(
        tmp_path,
        [header([ONE], run="a"), worker(ONE, [ok(1000)])],
        [header([other_id], run="b"), worker(other_id, [ok(3000), ok(5000)])],
    ) == [("posix_spawn", 2, 3)]


@pytest.mark.parametrize(
    "change",
    [
        {"machine": MACHINE | {"machine_id": "another"}},
        {"machine": MACHINE | {"kernel": "6.12.0"}},
        {"machine": MACHINE | {"distro": "Alpine Linux v3.20"}},
        {"scenario": header([])["scenario"] | {"name": "another"}},
    ],
)
def test_files_of_another_machine_kernel_distro_or_scenario_do_not(tmp_path: Path, change: dict[str, Any]) -> None:
    assert summaries(
        tmp_path,
        [header([ONE], run="a"), worker(ONE, [ok(1000)])],
        [header([ONE], run="b", **change), worker(ONE, [ok(1000)])],
    ) == [("posix_spawn", 1, 1), ("posix_spawn", 1, 1)]


@pytest.mark.parametrize(
    "axis",
    [
        {"reaper": "pidfd"},
        {"hygiene": "closefrom"},
        {"backing": "thp"},
        {"footprint_bytes": 2 * GIB},
        {"overcommit": 2},
        {"overcommit": "current"},
        {"limit_bytes": GIB},
        {"in_flight": 2},
        {"pids_limit": 100},
        {"of_a_later_version": ["x"]},
    ],
)
def test_every_axis_tells_cells_apart(tmp_path: Path, axis: dict[str, Any]) -> None:
    other = cell("posix_spawn", **axis) | {"id": "other"}

    assert len(summaries(tmp_path, [header([ONE, other]), worker(ONE, [ok(1)]), worker(other, [ok(1)])])) == 2
