"""Workers that really run under limits: what binds them, what each strategy says to it, and that nothing is left."""

from __future__ import annotations

import errno
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.machine import Limits, WorkerGroups, limit_rights
from bench.measure.evidence import Held, outcome
from bench.measure.limits import Confinement, as_record
from bench.measure.request import CommandLine
from bench.measure.samples import decode
from bench.record import STAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.catalogue import Catalogue
    from bench.machine import GuardProcess
    from bench.measure import LocalPlace, Order
    from bench.measure.evidence import Evidence

MIB = 1 << 20
PROBE = CommandLine.of(("probe",), "")
RIGHTS = limit_rights()

needs_groups = pytest.mark.skipif(bool(RIGHTS.memory or RIGHTS.pids), reason=f"{RIGHTS.memory or RIGHTS.pids}")
NO_USER = "needs root, for a user of the worker's own" if os.getuid() else RIGHTS.nproc
needs_user = pytest.mark.skipif(NO_USER is not None, reason=f"{NO_USER}")
# pids and nproc bind in the same way: the one by a group, the other by a user of the worker's own, which only root can
# give it. Of an ordinary user everything counts, these tests among it.
by_either = pytest.mark.parametrize(
    "key",
    [
        pytest.param("pids", marks=[pytest.mark.root, needs_groups]),
        pytest.param("nproc", marks=[pytest.mark.root, needs_user]),
    ],
)


@pytest.fixture
def run(place: LocalPlace, order: Callable[..., Order], guard: GuardProcess) -> Callable[..., Evidence]:
    """A few launches of one strategy under limits. Afterwards its groups are gone."""

    def carry_out(strategy: str, limits: Limits, *commands: CommandLine, **changes: Any) -> Evidence:
        asked = order(*(commands or [PROBE] * 3), strategy=strategy, **changes)
        evidence = place.carry_out(replace(asked, limits=limits))
        assert guard._groups == []
        assert own_groups() == []
        return evidence

    return carry_out


def own_groups() -> list[Path]:
    """Groups that this process has made and that are there still."""
    directories = WorkerGroups.named(["memory", "pids"]).directories if not (RIGHTS.memory or RIGHTS.pids) else ()
    mine = directories[0].name.rsplit("-", 1)[0] if directories else ""
    return [found for directory in directories for found in directory.parent.glob(f"{mine}-*")]


def failures(evidence: Evidence) -> Counter[str]:
    """How often launches failed where and with what; launches that did not fail by stage are not in it."""
    found = ((sample.stage, sample.error) for sample in decode(evidence.samples) if sample.stage)
    return Counter(f"{STAGES[stage]}:{errno.errorcode[error]}" for stage, error in found)


def reached(evidence: Evidence) -> int:
    """How many commands said that they ran."""
    return len(evidence.arrivals) // 16


@pytest.mark.root
@needs_groups
@pytest.mark.parametrize("strategy", ["vfork_exec", "subprocess_run"])
def test_what_held_a_worker_is_told(run: Callable[..., Evidence], strategy: str) -> None:
    limits = Limits(memory_bytes=200 * MIB + 100, pids=20, nofile=100)

    evidence = run(strategy, limits, footprint_bytes=64 * MIB)

    assert outcome(evidence) == {"kind": "finished"}
    held = evidence.held
    assert held is not None
    assert held.limits == replace(limits, memory_bytes=200 * MIB)  # the kernel counts pages
    assert held.cgroup in {1, 2}
    assert held.user is None
    counted = held.counted
    assert counted.memory_peak is None or 64 * MIB < counted.memory_peak < 200 * MIB
    assert (counted.memory_events, counted.oom_kills, counted.pids_events) == (0, 0, 0)


def test_a_worker_without_limits_tells_of_none(run: Callable[..., Evidence]) -> None:
    assert run("vfork_exec", Limits()).held is None


@pytest.mark.root
@needs_groups
def test_fork_needs_room_in_the_memory_limit_and_the_parent_is_killed_for_it(run: Callable[..., Evidence]) -> None:
    # fork copies the page tables, 8 bytes a page, and they are charged to the group. Room for half of them is room for
    # everything else: the launcher is the one process worth killing.
    footprint = 512 * MIB
    tables = footprint // 512
    roomy = run("vfork_exec", Limits(memory_bytes=1024 * MIB), footprint_bytes=footprint)
    assert roomy.held is not None
    peak = roomy.held.counted.memory_peak
    if peak is None:
        pytest.skip("this kernel does not tell a group's peak")
    tight = Limits(memory_bytes=peak + tables // 2)

    borrowed = run("vfork_exec", tight, footprint_bytes=footprint)
    copied = run("fork_exec", tight, footprint_bytes=footprint)

    assert outcome(borrowed) == {"kind": "finished"}
    assert reached(borrowed) == 3
    assert outcome(copied) == {"kind": "oom_killed", "reason": "while launching"}
    assert copied.held is not None
    assert copied.held.counted.oom_kills == 1
    assert (copied.held.counted.memory_events or 0) > 0
    assert reached(copied) == 0


@pytest.mark.root
@needs_groups
@pytest.mark.parametrize("strategy", ["vfork_exec", "subprocess_run"])
def test_a_footprint_that_just_does_not_fit_is_killed_while_it_is_mapped(
    run: Callable[..., Evidence], strategy: str
) -> None:
    evidence = run(strategy, Limits(memory_bytes=64 * MIB), footprint_bytes=64 * MIB)

    assert outcome(evidence) == {"kind": "oom_killed", "reason": "while mapping"}
    assert evidence.samples == bytes(len(evidence.samples))  # no launch was begun


# What each says when not even one more process may be made. popen() has one errno for all that goes wrong in it
# (libio/iopopen.c, since glibc 2.30), and os.system() only a shell's status.
ALONE = {
    "fork_exec": "spawn:EAGAIN",
    "vfork_exec": "spawn:EAGAIN",
    "double_fork": "spawn:EAGAIN",
    "clone_vm": "spawn:EAGAIN",
    "clone_vm_vfork": "spawn:EAGAIN",
    "clone3_vfork": "spawn:EAGAIN",
    "clone3_pidfd": "spawn:EAGAIN",
    "posix_spawn": "spawn:EAGAIN",
    "posix_spawnp": "spawn:EAGAIN",
    "posix_spawn_attributes": "spawn:EAGAIN",
    "posix_spawn_actions": "spawn:EAGAIN",
    "system": "spawn:EAGAIN",
    "popen": "spawn:ENOMEM",
    "shim": "spawn:EAGAIN",
    "os_fork_exec": "spawn:EAGAIN",
    "os_posix_spawn": "spawn:EAGAIN",
    "subprocess_run": "spawn:EAGAIN",
    "subprocess_preexec_fn": "spawn:EAGAIN",
    "asyncio_subprocess": "spawn:EAGAIN",
}


@by_either
@pytest.mark.parametrize("strategy", ALONE)
def test_no_process_more_is_a_failed_spawn(
    catalogue: Catalogue, run: Callable[..., Evidence], strategy: str, key: str
) -> None:
    reason = catalogue.strategy(strategy).reason
    if reason:
        pytest.skip(reason)

    evidence = run(strategy, Limits(**{key: 1}))

    assert outcome(evidence) == {"kind": "finished"}
    assert failures(evidence) == {ALONE[strategy]: 3}
    assert reached(evidence) == 0
    if key == "pids":
        assert evidence.held is not None
        assert (evidence.held.counted.pids_events or 0) >= 3


@by_either
@pytest.mark.parametrize("strategy", ["prefork_pipe", "prefork_system", "prefork_seqpacket", "prefork_clone_parent"])
def test_a_helper_is_one_of_the_processes(
    catalogue: Catalogue, run: Callable[..., Evidence], strategy: str, key: str
) -> None:
    reason = catalogue.strategy(strategy).reason
    if reason:
        pytest.skip(reason)

    alone, beside_it, room = (run(strategy, Limits(**{key: number})) for number in (1, 2, 4))

    told = "fork of the helper: Resource temporarily unavailable"
    assert outcome(alone) == {"kind": "unsupported", "reason": told}
    assert (outcome(beside_it), reached(beside_it)) == ({"kind": "finished"}, 0)
    assert (outcome(room), reached(room)) == ({"kind": "finished"}, 3)


@by_either
@pytest.mark.parametrize("strategy", ["fork_exec", "vfork_exec", "posix_spawn", "subprocess_run"])
def test_room_for_one_child_is_enough_for_one_at_a_time(run: Callable[..., Evidence], strategy: str, key: str) -> None:
    evidence = run(strategy, Limits(**{key: 2}))

    assert (outcome(evidence), failures(evidence), reached(evidence)) == ({"kind": "finished"}, {}, 3)


@pytest.mark.root
@needs_user
def test_a_limit_of_the_user_is_the_workers_own_and_files_are_within_reach_as_before(
    run: Callable[..., Evidence], tmp_path: Path
) -> None:
    # Whoever else runs here as this process's user does not count, and commands write where they could before.
    tmp_path.chmod(0o700)

    telling = f"id -u > {tmp_path}/user; grep processes /proc/self/limits > {tmp_path}/limit"

    evidence = run("vfork_exec", Limits(nproc=3), CommandLine.of((), telling))

    assert outcome(evidence) == {"kind": "finished"}
    assert evidence.stderr == ""
    assert (tmp_path / "limit").read_text().split()[2:4] == ["3", "3"]
    assert evidence.held is not None
    user = (tmp_path / "user").read_text().strip()
    assert user == str(evidence.held.user)


@pytest.mark.parametrize(
    ("strategy", "failure"),
    [
        ("fork_exec", {}),
        ("vfork_exec", {}),
        ("posix_spawn", {}),
        ("system", {}),
        ("popen", {"spawn:EMFILE": 3}),  # a pipe
        ("subprocess_run", {"spawn:EMFILE": 3}),  # a pipe for the exec's errno
        ("subprocess_close_fds_false", {}),
        ("clone3_pidfd", {}),  # one, and one is left
    ],
)
def test_descriptors_run_out_for_those_who_need_more_than_one(
    catalogue: Catalogue, run: Callable[..., Evidence], strategy: str, failure: dict[str, int]
) -> None:
    reason = catalogue.strategy(strategy).reason
    if reason:
        pytest.skip(reason)
    ready = run(strategy, Limits()).counted_ready
    assert ready is not None
    # The worker itself opens one more to read what its footprint is.
    nofile = ready.descriptors + 20 + 1

    evidence = run(strategy, Limits(nofile=nofile), open_files=20)

    assert outcome(evidence) == {"kind": "finished"}
    assert failures(evidence) == failure
    assert reached(evidence) == (0 if failure else 3)
    assert evidence.held == Held(Limits(nofile=nofile))


@pytest.mark.parametrize("strategy", ["vfork_exec", "subprocess_run"])
def test_more_open_files_than_the_limit_allows_are_a_reason(run: Callable[..., Evidence], strategy: str) -> None:
    evidence = run(strategy, Limits(nofile=50), open_files=60)

    found = outcome(evidence)
    assert found["kind"] == "unsupported"
    assert found["reason"].endswith(" of 60 files could be opened: Too many open files")


def test_isolate_is_told_in_the_order_that_its_rights_go() -> None:
    confinement = Confinement(Limits(nofile=100, nproc=5), user=61184)

    assert confinement.settings == ["open_files=100", "user=61184", "processes=5"]
    assert Confinement(Limits()).settings == ["open_files=max"]


def test_the_line_has_a_null_for_what_is_not_limited() -> None:
    assert as_record(Held(Limits(nproc=5), user=61184)) == {
        "memory": None,
        "pids": None,
        "nofile": None,
        "nproc": 5,
        "cgroup": None,
        "user": 61184,
        "memory_peak": None,
        "memory_events": None,
        "oom_kills": None,
        "pids_events": None,
    }
