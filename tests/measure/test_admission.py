"""Whether a cell is measured on this machine at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from imagined_runs import CATALOGUE, cell, scenario

from bench.machine import LimitRights, MemoryFacts, Settings
from bench.measure.admission import Situation, mode_for, refusal
from bench.measure.evidence import Mode

if TYPE_CHECKING:
    from bench.scenario import Cell

MIB, GIB = 1 << 20, 1 << 30

# A machine of 16 GiB in mode 0, half of it committable.
MEMORY = MemoryFacts(
    total_bytes=16 * GIB, available_bytes=12 * GIB, commit_limit_bytes=8 * GIB, committed_bytes=1 * GIB, mode=0
)
HEURISTIC = Settings(memory=0, ratio=50, kbytes=0)
NO_RIGHT = "may not change vm.overcommit_memory (needs root, and a writable /proc/sys/vm)"


def situation(
    memory: MemoryFacts = MEMORY, settings: Settings = HEURISTIC, missing_right: str | None = None, **keys: Any
) -> Situation:
    return Situation(CATALOGUE, scenario(**keys), memory, settings, missing_right, cpus=(0, 1))


def test_an_ordinary_cell_is_measured() -> None:
    assert refusal(cell("vfork_exec", footprint_bytes=GIB), situation()) is None


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (cell("subprocess_run", vmas=2), "the Python worker maps its footprint in one piece"),
        (cell("subprocess_run", in_flight=2, bystanders=3), "the Python worker does not have in_flight, bystanders"),
        (cell("vfork_exec", reaper="pidfd"), "this version's workers do not have the reaper pidfd"),
        (cell("vfork_exec", hygiene="close_range"), "this version's workers do not have the hygiene close_range"),
        (cell("vfork_exec", backing="hugetlb"), "this version's workers do not have the backing hugetlb"),
        (cell("clone3"), "this version's workers do not have the strategy clone3"),
        (cell("clone3_pidfd"), "strategy clone3_pidfd: no clone3 before Linux 5.3"),
        (cell("vfork_exec", backing="thp"), "backing thp: transparent huge pages are off"),
        (cell("subprocess_run", backing="reserved"), "the Python worker has no backing reserved"),
    ],
)
def test_what_the_workers_do_not_have_is_unsupported(asked: Cell, reason: str) -> None:
    assert refusal(asked, situation()) == {"kind": "unsupported", "reason": reason}


NO_FILTERS = "the kernel has no seccomp filters"
NO_GROUP = "may not make a control group that limits memory"
NO_USER = "RLIMIT_NPROC does not bind root, and no user is free for it"
RIGHTS = LimitRights(memory=NO_GROUP, pids=NO_GROUP, nproc=NO_USER, most_files=1024, no_fork=NO_FILTERS)


def test_a_kernel_that_cannot_refuse_forks_is_a_reason() -> None:
    lacking = replace(situation(no_fork=True), limit_rights=RIGHTS)

    assert refusal(cell("vfork_exec"), lacking) == {"kind": "unsupported", "reason": NO_FILTERS}
    assert refusal(cell("vfork_exec"), situation(no_fork=True)) is None
    assert refusal(cell("vfork_exec"), replace(situation(), limit_rights=RIGHTS)) is None


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"memory_limit_bytes": GIB}, NO_GROUP),
        ({"pids_limit": 10}, NO_GROUP),
        ({"nproc_limit": 10}, NO_USER),
        ({"nofile_limit": 1025}, "may not raise RLIMIT_NOFILE to 1025, only to 1024"),
        ({"nofile_limit": 1024}, None),
        ({}, None),
    ],
)
def test_a_limit_that_may_not_be_set_is_a_reason(limits: dict[str, int], reason: str | None) -> None:
    asked = cell("vfork_exec", **limits)

    found = refusal(asked, replace(situation(), limit_rights=RIGHTS))

    assert found == (None if reason is None else {"kind": "skipped", "reason": reason})
    assert refusal(asked, situation()) is None


@pytest.mark.parametrize(
    ("backing", "footprint", "reason"),
    [
        ("anon", GIB, None),  # whether a launch still has room is the question
        ("anon", GIB + 4096, "the footprint of 1GiB is larger than the memory limit of 1GiB"),
        ("anon", 2 * GIB, "the footprint of 2GiB is larger than the memory limit of 1GiB"),
        ("reserved", 2 * GIB, None),
    ],
)
def test_a_footprint_larger_than_its_memory_limit_is_skipped(backing: str, footprint: int, reason: str | None) -> None:
    asked = cell("vfork_exec", backing=backing, footprint_bytes=footprint, memory_limit_bytes=GIB)

    assert refusal(asked, situation()) == (None if reason is None else {"kind": "skipped", "reason": reason})


def test_a_strategy_that_reaps_by_itself_needs_no_reaper() -> None:
    assert refusal(cell("system", reaper="own"), situation()) is None


def test_what_is_missing_is_said_before_what_does_not_fit() -> None:
    found = refusal(cell("clone3", footprint_bytes=100 * GIB), situation())

    assert found is not None
    assert found["kind"] == "unsupported"


IN_MODE_2 = {"overcommit": 2, "limit_bytes": 3 * GIB}
NEVER = Settings(memory=2, ratio=50, kbytes=0)


@pytest.mark.parametrize(
    ("asked", "here", "reason"),
    [
        # RAM
        (cell(footprint_bytes=13 * GIB), situation(), "needs 13.3GiB, 12GiB available"),
        (
            cell(footprint_bytes=2 * GIB),
            situation(replace(MEMORY, cgroup_free_bytes=GIB)),
            "needs 2.3GiB, 1GiB left below the cgroup's memory limit",
        ),
        (cell(footprint_bytes=13 * GIB, backing="reserved"), situation(), None),
        # the machine's own mode 2 binds what is mapped in it, reserved or not
        (
            cell(footprint_bytes=8 * GIB),
            situation(replace(MEMORY, mode=2), NEVER),
            "needs 8GiB, 7GiB left to commit (CommitLimit, overcommit mode 2)",
        ),
        (
            cell(footprint_bytes=8 * GIB, backing="reserved"),
            situation(replace(MEMORY, mode=2), NEVER),
            "needs 8GiB, 7GiB left to commit (CommitLimit, overcommit mode 2)",
        ),
        # the right
        (cell(overcommit=1), situation(missing_right=NO_RIGHT), NO_RIGHT),
        (cell(overcommit=1), situation(), None),
        (cell(overcommit="current"), situation(missing_right=NO_RIGHT), None),
        (cell(overcommit=0), situation(missing_right=NO_RIGHT), None),
        (cell(overcommit=2), situation(replace(MEMORY, mode=2), NEVER, NO_RIGHT), None),
        (cell(**IN_MODE_2), situation(replace(MEMORY, mode=2), NEVER, NO_RIGHT), NO_RIGHT),
        # a limit below swap cannot be set
        (
            cell(footprint_bytes=GIB, overcommit=2, limit_bytes=2 * GIB),
            situation(replace(MEMORY, swap_bytes=4 * GIB)),
            "a commit limit of 3GiB is out of reach: swap alone is 4GiB",
        ),
        # the rest of the machine
        (cell(footprint_bytes=GIB, **IN_MODE_2), situation(), None),
        (
            cell(footprint_bytes=3 * GIB, **IN_MODE_2),
            situation(),
            "the commit limit leaves nothing beyond the footprint, the rest of the machine needs 256MiB",
        ),
        (cell(footprint_bytes=3 * GIB, **IN_MODE_2), situation(crowd=True), None),
        (cell(footprint_bytes=4 * GIB, **IN_MODE_2), situation(crowd=True), None),  # over the limit from the start
        (
            cell(footprint_bytes=7 * GIB, overcommit=2),
            situation(),
            "the commit limit leaves nothing beyond the footprint, the rest of the machine needs 256MiB",
        ),
        (cell(footprint_bytes=3 * GIB, overcommit=1, limit_bytes=None), situation(), None),
    ],
)
def test_what_cannot_fit_here_is_skipped(asked: Cell, here: Situation, reason: str | None) -> None:
    assert refusal(asked, here) == (None if reason is None else {"kind": "skipped", "reason": reason})


@pytest.mark.parametrize(
    ("asked", "machine", "map_in_mode", "reason"),
    [
        # Mapped inside the mode, the footprint itself has to pass the limit ...
        (
            cell(footprint_bytes=4 * GIB, **IN_MODE_2),
            0,
            True,
            "needs 4GiB, 3GiB left to commit (CommitLimit, overcommit mode 2)",
        ),
        # ... mapped before it, it is over the limit when the launches begin, which is a question one may ask.
        (cell(footprint_bytes=4 * GIB, **IN_MODE_2), 0, False, None),
        # A machine in mode 2 lets a footprint in that is mapped inside mode 1, and no other.
        (cell(footprint_bytes=8 * GIB, overcommit=1), 2, True, None),
        (
            cell(footprint_bytes=8 * GIB, overcommit=1),
            2,
            False,
            "needs 8GiB, 7GiB left to commit (CommitLimit, overcommit mode 2)",
        ),
    ],
)
def test_the_footprint_is_mapped_in_the_machines_mode_unless_the_scenario_says_otherwise(
    asked: Cell, machine: int, map_in_mode: bool, reason: str | None
) -> None:
    here = situation(replace(MEMORY, mode=machine), Settings(machine, 50, 0), crowd=True, map_in_mode=map_in_mode)

    assert refusal(asked, here) == (None if reason is None else {"kind": "skipped", "reason": reason})


@pytest.mark.parametrize(
    ("asked", "machine", "mode"),
    [
        (cell(overcommit="current"), 0, None),
        (cell(overcommit="current"), 2, None),
        (cell(overcommit=0), 0, None),
        (cell(overcommit=0), 2, Mode(0, None, while_mapping=False)),
        (cell(overcommit=1), 0, Mode(1, None, while_mapping=False)),
        (cell(overcommit=2), 2, None),
        (cell(overcommit=2), 0, Mode(2, None, while_mapping=False)),
        (cell(**IN_MODE_2), 2, Mode(2, 3 * GIB, while_mapping=False)),
    ],
)
def test_a_mode_is_changed_only_where_it_differs(asked: Cell, machine: int, mode: Mode | None) -> None:
    assert mode_for(asked, Settings(machine, 50, 0), while_mapping=False) == mode


def test_a_cpu_that_is_not_there_is_a_reason() -> None:
    assert refusal(cell(), situation(cpu=[0, 99])) == {"kind": "skipped", "reason": "CPU 99 cannot be used here"}
    assert refusal(cell(), situation(cpu=[1])) is None
