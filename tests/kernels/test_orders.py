"""An order says to a guest's agent what the runner would do here, and limits are held in the groups that it has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.kernels import orders
from bench.kernels.wire import Frame
from bench.machine import Counted, Limits, MemoryFacts
from bench.measure import Order
from bench.measure.evidence import Mode
from bench.measure.request import CommandLine, Request

MIB = 1 << 20
STATUS = {"/proc/self/status": "Name:\tinit\nSeccomp:\t0\n"}
V2 = STATUS | {"/sys/fs/cgroup/cgroup.controllers": "cpuset cpu memory pids\n"}
V1 = STATUS | {"/sys/fs/cgroup/memory/cgroup.procs": "1\n", "/sys/fs/cgroup/pids/cgroup.procs": "1\n"}
MEMORY = MemoryFacts(total_bytes=1 << 30, available_bytes=900 * MIB, committed_bytes=2 * MIB)

ORDER = Order(
    worker=("/builds/abc-glibc-static/launchbench-worker",),
    request=Request(
        strategy="fork_exec",
        reaper="waitpid",
        hygiene="none",
        backing="anon",
        footprint_bytes=64 * MIB,
        open_files=0,
        time_limit_ns=5 * 10**9,
        warmup=0,
        plan=(0,),
        commands=(CommandLine.of(("probe",), ""),),
    ),
    cpus=(0,),
    mode=None,
)


def words(order: Order, told: dict[str, str] = V2) -> tuple[list[str], bytes]:
    """The words of an order, and the request that comes after them."""
    confined = orders.confinement(order, orders.versions(told))
    frame = orders.frame(order, ("/launchbench/worker",), confined, MEMORY)
    assert isinstance(frame, Frame)
    assert frame.kind == "work"
    head, _, request = frame.payload.partition(b"\0\0")
    return head.decode().split("\0"), request


def test_it_has_the_worker_its_isolation_and_its_environment() -> None:
    said, request = words(ORDER)

    assert said == [
        "program=/launchbench/worker",
        "isolate=cpus=0",
        "isolate=open_files=max",
        "env=PATH=/launchbench/abc-glibc-static:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "env=LC_ALL=C",
        "env=LAUNCHBENCH_ARRIVALS=/run/launchbench/arrivals",
        "start_ms=32000",
        "launch_ms=15000",
        "exit_ms=60000",
    ]
    assert request.startswith(b"request ")
    assert b"samples=/run/launchbench/samples\0" in request


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode(1, None, while_mapping=False), ["mode=1"]),
        (Mode(2, None, while_mapping=True), ["mode=2", "while_mapping=1"]),
        # In whole pages, from what was committed before.
        (Mode(2, 96 * MIB, while_mapping=False), ["mode=2", f"kbytes={98 << 10}"]),
    ],
)
def test_it_says_the_mode_and_the_limit_in_the_guests_memory(mode: Mode, expected: list[str]) -> None:
    said, _ = words(replace(ORDER, mode=mode))

    assert [word for word in said if word.split("=")[0] in ("mode", "kbytes", "while_mapping")] == expected


def test_groups_of_version_2_are_one() -> None:
    said, _ = words(replace(ORDER, limits=Limits(memory_bytes=128 * MIB, pids=9)))

    assert [word for word in said if "cgroup" in word] == [
        "isolate=cgroup=/sys/fs/cgroup/worker",
        "make=/sys/fs/cgroup/worker",
        f"set=/sys/fs/cgroup/worker/memory.max={128 * MIB}",
        "tell=/sys/fs/cgroup/worker/memory.max",
        "tell=/sys/fs/cgroup/worker/memory.peak",
        "tell=/sys/fs/cgroup/worker/memory.events",
        "set=/sys/fs/cgroup/worker/pids.max=9",
        "tell=/sys/fs/cgroup/worker/pids.max",
        "tell=/sys/fs/cgroup/worker/pids.events",
    ]


def test_groups_of_version_1_are_one_a_controller() -> None:
    said, _ = words(replace(ORDER, limits=Limits(memory_bytes=128 * MIB, pids=9)), V1)

    assert [word for word in said if word.startswith(("make", "isolate=cgroup"))] == [
        "isolate=cgroup=/sys/fs/cgroup/memory/worker",
        "isolate=cgroup=/sys/fs/cgroup/pids/worker",
        "make=/sys/fs/cgroup/memory/worker",
        "make=/sys/fs/cgroup/pids/worker",
    ]


def test_rlimits_make_no_group() -> None:
    said, _ = words(replace(ORDER, limits=Limits(nofile=64, nproc=5)))

    assert [word for word in said if word.startswith("isolate")] == [
        "isolate=cpus=0",
        "isolate=open_files=64",
        "isolate=user=61184",
        "isolate=processes=5",
    ]
    assert not any("cgroup" in word for word in said)


def test_what_was_counted_is_read_from_what_the_agent_told() -> None:
    limits = Limits(memory_bytes=128 * MIB, pids=9)
    confined = orders.confinement(replace(ORDER, limits=limits), {"memory": 2, "pids": 2})
    told = {
        "/sys/fs/cgroup/worker/memory.max": f"{127 * MIB}\n",  # as the kernel took it
        "/sys/fs/cgroup/worker/memory.peak": "70000000\n",
        "/sys/fs/cgroup/worker/memory.events": "low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n",
        "/sys/fs/cgroup/worker/pids.max": "9\n",
        "/sys/fs/cgroup/worker/pids.events": "max 3\n",
    }

    held = orders.held(confined, told)

    assert held is not None
    assert held.limits == Limits(memory_bytes=127 * MIB, pids=9)
    assert held.cgroup == 2
    assert held.counted == Counted(memory_peak=70_000_000, memory_events=4, oom_kills=1, pids_events=3)


def test_without_limits_nothing_was_held() -> None:
    assert orders.held(orders.confinement(ORDER, {}), {}) is None


def test_a_kernel_without_a_controller_says_which() -> None:
    rights = orders.rights(STATUS | {"/sys/fs/cgroup/cgroup.controllers": "cpu pids\n"})

    assert rights.memory == "the guest's kernel has no memory controller"
    assert rights.pids is None
    assert rights.no_fork is None


def test_a_kernel_with_neither_version_has_rlimits_alone() -> None:
    rights = orders.rights({"/proc/self/status": "Name:\tinit\n"})

    assert rights.missing_right(Limits(pids=3)) == "the guest's kernel has no pids controller"
    assert rights.missing_right(Limits(nofile=64, nproc=5)) is None
    assert rights.no_fork == "the kernel has no seccomp filters"


def test_a_program_lies_in_a_folder_of_its_builds_name() -> None:
    from bench.kernels.contents import path_of

    assert str(path_of(Path("/builds/abc-musl/probe"))) == "/launchbench/abc-musl/probe"
