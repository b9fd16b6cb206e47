"""One row a worker, complete in itself."""

from dataclasses import replace
from pathlib import Path

import pytest
from result_lines import MACHINE, Launch, cell, census, failed, header, ok, refused, worker, write

from bench.analysis import Leftovers, Machine, table
from bench.analysis.identity import machine_of
from bench.analysis.table import errno_name, result_name
from bench.record import read

ONE = cell("posix_spawn")


def test_a_row_has_the_machine_and_scenario_of_its_file(tmp_path: Path) -> None:
    rows = table([read(write(tmp_path / "r", header([ONE]), worker(ONE, [ok(1000)])))]).rows

    assert rows[0].host == Machine("3fa29c11d04b", "6.1.0-18-amd64", "Debian GNU/Linux 12 (bookworm)", "glibc 2.36")
    assert rows[0].machine == rows[0].host
    assert rows[0].scenario == "big-parent"
    assert rows[0].cell == ONE | {"worker": "glibc"}  # what it was before there was a choice


def test_a_worker_elsewhere_has_what_its_place_says_and_the_rest_of_its_file(tmp_path: Path) -> None:
    place = {"kernel": "5.10.0-28-amd64", "libc": "musl 1.2.3", "clock": "emulated", "boot": "5.10 1"}
    lines = [worker(ONE, [ok(1000)], place=place), worker(ONE, [ok(1000)], round_=1)]
    elsewhere, here = table([read(write(tmp_path / "r", header([ONE], rounds=2), *lines))]).rows

    assert here.machine == here.host == elsewhere.host
    assert elsewhere.machine == replace(
        here.host, kernel="5.10.0-28-amd64", libc="musl 1.2.3", clock="emulated"
    )  # its distro and its machine are the file's
    assert (elsewhere.boot, here.boot) == ("5.10 1", None)


def test_a_worker_that_never_came_to_run_elsewhere_has_the_names_that_were_asked_for(tmp_path: Path) -> None:
    asked = ONE | {"kernel": "4.4", "distro": "bullseye"}
    (row,) = table([read(write(tmp_path / "r", header([asked]), refused(asked, "skipped", reason="no QEMU")))]).rows

    assert (row.machine.kernel, row.machine.distro) == ("4.4", "bullseye")


def test_clocks_become_latencies_and_warm_up_is_left_out(tmp_path: Path) -> None:
    launches = [Launch(warmup=1), ok(1000, blocked=400, reach=700), failed("timeout"), ok(2000, blocked=500)]

    row = table([read(write(tmp_path / "r", header([ONE]), worker(ONE, launches, planned=9)))]).rows[0]

    assert row.launches.result == ("ok", "timeout", "ok")
    assert row.launches.total == (1000, None, 2000)
    assert row.launches.blocked == (400, 5_000, 500)
    assert row.launches.reach == (700, None, None)
    assert len(row.launches) == 3
    assert row.not_reached == 5


@pytest.mark.parametrize(
    ("outcome", "number", "status", "name"),
    [
        ("ok", 0, 0, "ok"),
        ("spawn_error", 12, None, "spawn:ENOMEM"),
        ("spawn_error", 35, None, "spawn:EDEADLOCK"),
        ("exec_error", 2, None, "exec:ENOENT"),
        ("exec_error", 4095, None, "exec:4095"),
        ("wrong_status", 0, 127 << 8, "status:exit:127"),
        ("wrong_status", 0, 9, "status:signal:SIGKILL"),
        ("wrong_status", 0, 0x80 | 11, "status:signal:SIGSEGV"),
        ("wrong_status", 0, 40, "status:signal:40"),
        ("wrong_status", 0, 0x137F, "status:stopped:SIGSTOP"),
        ("wrong_status", 0, None, "status:unknown"),
        ("lost_status", 0, None, "lost_status"),
        ("timeout", 0, None, "timeout"),
    ],
)
def test_results_have_the_names_that_errors_are_counted_under(
    outcome: str, number: int, status: int | None, name: str
) -> None:
    assert result_name(outcome, number, status, {"35": "EDEADLOCK"}) == name


def test_an_errno_is_named_by_the_machine_that_was_measured_first() -> None:
    assert errno_name(11, {"11": "EDEADLK"}) == "EDEADLK"
    assert errno_name(11, {}) == "EAGAIN"


def test_an_outcome_of_a_later_version_is_a_failure_with_its_number(tmp_path: Path) -> None:
    line = worker(ONE, [ok(1000), ok(1000)])
    line["samples"]["outcome"] = [17, -1]

    rows = table([read(write(tmp_path / "r", header([ONE]), line))]).rows

    assert rows[0].launches.result == ("outcome-17", "outcome--1")


def test_what_is_left_is_counted_against_the_workers_own_baseline(tmp_path: Path) -> None:
    found = {
        "ready": census(zombies=0, descriptors=4, threads=3),
        "done": census(zombies=2, descriptors=7, threads=1),
        "strays": [{"pid": 9, "name": "sh", "state": "S"}],
    }
    lines = [worker(ONE, [ok(1)], census=found), worker(ONE, [ok(1)], census=found | {"done": None}, round_=1)]

    counted, killed = table([read(write(tmp_path / "r", header([ONE]), *lines))]).rows

    assert counted.left == Leftovers(zombies=2, children=0, descriptors=3, threads=0, strays=1)
    assert counted.zombies_peak == 2
    assert killed.left is None
    assert killed.zombies_peak is None


def test_a_watched_peak_counts_before_the_last_count(tmp_path: Path) -> None:
    watched = {"ready": census(), "done": census(zombies=2), "strays": [], "zombies_peak": 7}

    row = table([read(write(tmp_path / "r", header([ONE]), worker(ONE, [ok(1)], census=watched)))]).rows[0]

    assert row.zombies_peak == 7


def test_reasons_are_words(tmp_path: Path) -> None:
    lines = [
        refused(ONE, "skipped", reason="too big", round_=0),
        refused(ONE, "not_allocatable", errno=12, round_=1),
        refused(ONE, "crashed", signal=11, round_=2),
        refused(ONE, "hung", round_=3),
    ]

    rows = table([read(write(tmp_path / "r", header([ONE], rounds=4), *lines))]).rows

    assert [row.reason for row in rows] == ["too big", "ENOMEM", "SIGSEGV", ""]


def test_a_copy_of_a_file_does_not_count_twice(tmp_path: Path) -> None:
    first, second = worker(ONE, [ok(1)]), worker(ONE, [ok(2)], round_=1)
    partial = write(tmp_path / "partial", header([ONE], rounds=2), first)
    whole = write(tmp_path / "whole", header([ONE], rounds=2), first, second)

    joined = table([read(partial), read(whole)])

    assert [row.round for row in joined.rows] == [0, 1]
    assert joined.warnings == (f"{whole}: 1 of its workers are in another file too: they count once",)


def test_a_fingerprint_that_says_nothing_is_unknown() -> None:
    assert machine_of({}) == Machine("unknown", "unknown", "unknown")
    assert machine_of({"hostname": "box", "machine_id": "", "distro_id": "alpine"}) == Machine(
        "box", "unknown", "alpine"
    )
    assert machine_of(MACHINE).id == "3fa29c11d04b"


def test_warm_up_launches_stand_apart(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.jsonl", header([ONE]), worker(ONE, [Launch(warmup=1, total=90_000), ok(30_000)], position=4)
    )

    (row,) = table([read(path)]).rows

    assert (row.warmup.total, row.launches.total) == ((90_000,), (30_000,))
    assert (row.position, row.started) == (4, "2026-01-03T10:22:01Z")
