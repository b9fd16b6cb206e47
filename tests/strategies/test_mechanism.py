"""The system calls by which a strategy makes its processes are the ones that its name promises, as strace sees them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from worker_driver import PROBE, Conversation, request

from bench.catalogue import Catalogue, Entry
from bench.measure import mechanism

Talk = Callable[..., Conversation]

# No other mapping has this length: where it is made, the footprint begins.
FOOTPRINT = 3 * (1 << 20) + 4096
LAUNCHES = 5

COPY = frozenset[str]()  # fork(2): a process of its own, with everything copied
BORROW = frozenset({"CLONE_VM", "CLONE_VFORK"})  # vfork(2): in the caller's memory, and the caller waits


class Promise(NamedTuple):
    """Who makes the processes, and how."""

    maker: str
    sharing: frozenset[str]


# What a strategy's summary says of it, in system calls. One that is not named here is not held against any.
PROMISED = {
    "fork_exec": Promise("worker", COPY),
    "vfork_exec": Promise("worker", BORROW),
    "posix_spawn": Promise("worker", BORROW),
    "posix_spawnp": Promise("worker", BORROW),
    "system": Promise("worker", BORROW),
    "popen": Promise("worker", BORROW),
    "prefork_pipe": Promise("helper", COPY),
    "prefork_system": Promise("helper", BORROW),
    "prefork_seqpacket": Promise("helper", BORROW),
    "fork_dontfork": Promise("worker", COPY),
    "double_fork": Promise("worker", COPY),
    "pidfd_spawn": Promise("worker", BORROW),
    "thread_fork_exec": Promise("helper", COPY),
    "thread_vfork_exec": Promise("helper", BORROW),
    "clone_vm": Promise("worker", frozenset({"CLONE_VM"})),
    "clone_vm_vfork": Promise("worker", BORROW),
    "clone3_vfork": Promise("worker", BORROW),
    "clone3_pidfd": Promise("worker", BORROW),
    "clone3_clear_sighand": Promise("worker", BORROW),
    "clone3_into_cgroup": Promise("worker", BORROW),
    "posix_spawn_attributes": Promise("worker", BORROW),
    "posix_spawn_actions": Promise("worker", BORROW),
    "shim": Promise("worker", BORROW),
    "prefork_clone_parent": Promise("helper", BORROW),
    "prefork_late": Promise("late helper", BORROW),
    "subprocess_preexec_fn": Promise("worker", COPY),
    "subprocess_user": Promise("worker", COPY),
    "subprocess_close_fds_false": Promise("worker", BORROW),
    "os_system": Promise("worker", BORROW),
    "os_fork_exec": Promise("worker", COPY),
    "os_posix_spawn": Promise("worker", BORROW),
    "subprocess_run": Promise("worker", BORROW),
}
# What CPython launches by vfork() as a rule, and here by fork().
COPIES_ALL_THE_SAME = {"subprocess_preexec_fn", "subprocess_user"}


@dataclass(frozen=True)
class Made:
    """One call that made a process: by whom, which of the two sharing flags it had, and whether the footprint stood."""

    maker: int
    sharing: frozenset[str]
    signals_parent: bool
    beside_footprint: bool


def read_trace(trace: str) -> list[Made]:
    """The calls of `strace -f -o` that make processes. Their arguments stand in the line in which they begin."""
    made = []
    footprint = False
    for line in trace.splitlines():
        match = re.match(r"(\d+) +(clone3?|v?fork|mmap)\((.*)", line)
        if match is None:
            continue
        pid, call, arguments = int(match[1]), match[2], match[3]
        if call == "mmap":
            footprint |= f", {FOOTPRINT}, " in arguments
            continue
        flags = {"fork": COPY, "vfork": BORROW}.get(call, BORROW & set(re.findall(r"\w+", arguments)))
        made.append(Made(pid, flags, call.endswith("fork") or "SIGCHLD" in arguments, footprint))
    return made


@pytest.fixture(scope="session")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed (package strace)")
    if subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("strace may not trace here (ptrace is refused)")
    return found


@pytest.fixture
def observe(talk: Talk, strace: str, tmp_path: Path) -> Callable[[Entry], tuple[list[Made], list[Made]]]:
    """The processes that the worker made and those that its helpers made, while it launched."""

    def run(entry: Entry) -> tuple[list[Made], list[Made]]:
        output = tmp_path / "trace"
        tracer = [strace, "-f", "-o", str(output), "-e", "trace=clone,clone3,fork,vfork,mmap"]
        worker = talk(entry, tracer=tracer)
        worker.carry_out(request(entry, PROBE, plan=(0,) * LAUNCHES, footprint_bytes=FOOTPRINT))
        trace = output.read_text()
        first = int(trace.split(maxsplit=1)[0])
        made = read_trace(trace)
        helpers = [int(pid) for pid in re.findall(rf"^{first} +.*(?:clone3?|fork)\b.* = (\d+)$", trace, re.MULTILINE)]
        return [one for one in made if one.maker == first], [one for one in made if one.maker in helpers]

    return run


def test_processes_are_made_as_promised(
    launching: Entry, observe: Callable[[Entry], tuple[list[Made], list[Made]]]
) -> None:
    if launching.runtime == "python" and launching.name not in PROMISED:
        pytest.skip("a library of Python's makes other processes around it")
    promise = PROMISED[launching.name]

    by_worker, by_helpers = observe(launching)

    launches = [made for made in (by_worker if promise.maker == "worker" else by_helpers) if made.beside_footprint]
    assert [made.sharing for made in launches] == [promise.sharing] * LAUNCHES
    assert all(made.signals_parent for made in launches)


def test_a_double_fork_is_two_copies_a_launch(
    catalogue: Catalogue, observe: Callable[[Entry], tuple[list[Made], list[Made]]]
) -> None:
    by_worker, by_those_between = observe(catalogue.strategy("double_fork"))

    assert [made.sharing for made in by_worker] == [COPY] * LAUNCHES
    assert [made.sharing for made in by_those_between] == [COPY] * LAUNCHES
    assert len({made.maker for made in by_those_between}) == LAUNCHES


@pytest.mark.parametrize("name", [name for name, promise in PROMISED.items() if promise.maker == "helper"])
def test_a_helper_is_made_before_the_footprint_and_launches_by_itself(
    catalogue: Catalogue, name: str, observe: Callable[[Entry], tuple[list[Made], list[Made]]]
) -> None:
    by_worker, _ = observe(catalogue.strategy(name))

    assert [made.beside_footprint for made in by_worker] == [False]


def test_the_workers_own_observer_sees_what_the_name_claims(
    launching: Entry, talk: Talk, catalogue: Catalogue, tmp_path: Path
) -> None:
    record = tmp_path / "observed"
    worker = talk(launching, tracer=[str(catalogue.build.worker), "observe", str(record)])
    worker.carry_out(request(launching, PROBE, plan=(0,)))

    seen = mechanism.describe(record.read_text())

    assert seen is not None
    assert seen.endswith("execve")
    if launching.name not in COPIES_ALL_THE_SAME:
        assert mechanism.contradiction(launching.memory, seen) is None
    else:
        assert mechanism.contradiction(launching.memory, seen) == (
            f"it is taken to share the caller's memory, but the observed call copies it: {seen}"
        )


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="registers are read on x86-64 alone")
def test_an_older_kernels_registers_tell_the_same(
    launching: Entry, talk: Talk, catalogue: Catalogue, tmp_path: Path
) -> None:
    older = [sys.executable, str(Path(__file__).with_name("without_syscall_info.py"))]
    seen = []
    for number, before in enumerate(([], older)):
        record = tmp_path / f"observed{number}"
        worker = talk(launching, tracer=[*before, str(catalogue.build.worker), "observe", str(record)])
        worker.carry_out(request(launching, PROBE, plan=(0,)))
        seen.append(record.read_text())

    assert seen[0] == seen[1]


def test_an_observed_copy_contradicts_a_name_that_claims_sharing(
    catalogue: Catalogue, talk: Talk, tmp_path: Path
) -> None:
    record = tmp_path / "observed"
    worker = talk(catalogue.strategy("fork_exec"), tracer=[str(catalogue.build.worker), "observe", str(record)])
    worker.carry_out(request(catalogue.strategy("fork_exec"), PROBE, plan=(0,)))

    assert mechanism.contradiction("shared", mechanism.describe(record.read_text())) == (
        "it is taken to share the caller's memory, but the observed call copies it: clone(SIGCHLD) -> execve"
    )


def test_the_floor_makes_no_process(floor: Entry, observe: Callable[[Entry], tuple[list[Made], list[Made]]]) -> None:
    assert observe(floor) == ([], [])


def test_a_trial_of_what_the_kernel_can_asks_for_nothing_but_the_end_of_its_child(
    catalogue: Catalogue, strace: str, tmp_path: Path
) -> None:
    # wait4() writes where its fourth argument points: what a register happened to hold may be a return address.
    output = tmp_path / "calls"
    subprocess.run([strace, "-o", output, "-e", "trace=wait4", catalogue.build.worker, "list"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip

    trials = [line for line in output.read_text().splitlines() if "__WALL" in line]
    assert trials
    assert all(re.search(r"__WALL, NULL\)", line) for line in trials)
