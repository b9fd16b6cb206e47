"""What each reaper does with its children: bursts in which 200 of them end at one moment, 20 times, and one at a time.

The oracles are those of the kernel and of POSIX: SIGCHLD does not queue (signal(7)), who ignores it has no zombies and
no statuses (wait(2)), and everybody else gets every status exactly once.
"""

from __future__ import annotations

import errno
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from worker_driver import PROBE, Conversation, Done, children, command, descriptors, request

from bench import catalogue as catalogues
from bench.catalogue import Catalogue, Entry
from bench.measure.samples import join
from bench.record import STAGES

Talk = Callable[..., Conversation]
Launch = Callable[..., Done]

NONE, EXEC, WAIT = (STAGES.index(stage) for stage in ("none", "exec", "wait"))
IN_BURST, BURSTS = 200, 20
COMPLETE = [entry.name for entry in catalogues.load().of("reaper") if entry.available and not entry.loses_statuses]
"""Reapers that say of themselves that they lose nothing."""


@pytest.fixture
def burst(talk: Talk) -> Callable[..., tuple[Done, int]]:
    """Run bursts with a reaper, from `go` to `exit`; also how many zombies there are when the worker is done."""

    def run(entry: Entry, reaper: str, bursts: int = BURSTS) -> tuple[Done, int]:
        worker = talk(entry)
        asked = request(entry, PROBE, reaper=reaper, in_flight=IN_BURST, burst=True, plan=(0,) * (IN_BURST * bursts))
        ready = worker.ask(asked)
        assert ready["state"] == "ready", ready
        held = descriptors(worker.pid)
        worker.send(b"go\n")
        done = worker.hear()
        left = len(children(worker.pid))
        assert descriptors(worker.pid) == held
        returncode = worker.finish()
        return Done(ready, done, worker.samples(), worker.arrivals(), b"", b"", returncode), left

    return run


def test_one_wait_a_signal_leaves_zombies_in_every_burst(
    catalogue: Catalogue, burst: Callable[..., tuple[Done, int]]
) -> None:
    for _ in range(BURSTS):
        done, left = burst(catalogue.strategy("vfork_exec"), "sigchld_wait_once", bursts=1)

        collected = sum(sample.has_status for sample in done.samples)
        assert collected == 1
        assert left == IN_BURST - 1
        assert {(sample.stage, sample.error) for sample in done.samples if not sample.has_status} == {(WAIT, 0)}


@pytest.mark.parametrize("reaper", COMPLETE)
def test_everybody_else_gets_every_status_once(
    catalogue: Catalogue, burst: Callable[..., tuple[Done, int]], reaper: str
) -> None:
    done, left = burst(catalogue.strategy("vfork_exec"), reaper)

    assert [(sample.stage, sample.has_status, sample.status) for sample in done.samples] == [
        (NONE, 1, 0)
    ] * IN_BURST * BURSTS
    assert left == 0
    assert len({sample.pid for sample in done.samples}) == IN_BURST * BURSTS
    assert all(reached is not None for reached in join(done.samples, done.arrivals))
    assert done.returncode == 0


@pytest.mark.parametrize("reaper", ["sig_ign", "sa_nocldwait"])
def test_who_does_not_want_to_know_has_no_zombies_and_no_statuses(
    catalogue: Catalogue, burst: Callable[..., tuple[Done, int]], reaper: str
) -> None:
    done, left = burst(catalogue.strategy("fork_exec"), reaper)

    assert {(sample.stage, sample.error, sample.has_status) for sample in done.samples} == {(WAIT, errno.ECHILD, 0)}
    assert (left, done.done["zombies_peak"]) == (0, 0)
    assert len(done.arrivals) == IN_BURST * BURSTS


def test_nobody_waits_and_every_child_stays(catalogue: Catalogue, burst: Callable[..., tuple[Done, int]]) -> None:
    done, left = burst(catalogue.strategy("posix_spawn"), "none")

    assert left == done.done["zombies_peak"] == BURSTS * IN_BURST
    assert not any(sample.has_status for sample in done.samples)


def test_who_waits_late_has_all_of_them_until_then(
    catalogue: Catalogue, burst: Callable[..., tuple[Done, int]]
) -> None:
    done, left = burst(catalogue.strategy("vfork_exec"), "late")

    assert done.done["zombies_peak"] == BURSTS * IN_BURST
    assert left == 0


@pytest.mark.parametrize("reaper", ["waitpid", "sigchld_loop", "pidfd", "subreaper"])
def test_orphans_of_a_burst_are_adopted_and_collected_once(
    catalogue: Catalogue, burst: Callable[..., tuple[Done, int]], reaper: str
) -> None:
    done, left = burst(catalogue.strategy("double_fork"), reaper)

    assert done.done["zombies_peak"] == IN_BURST
    assert left == 0
    assert all(sample.has_status for sample in done.samples)
    assert len({sample.pid for sample in done.samples}) == IN_BURST * BURSTS


def _reapers(catalogue: Catalogue) -> list[str]:
    return [entry.name for entry in catalogue.of("reaper") if entry.available]


@pytest.mark.parametrize("name", ["fork_exec", "vfork_exec", "posix_spawn", "double_fork", "clone_vm", "shim"])
def test_one_at_a_time_tells_failures_apart(catalogue: Catalogue, tmp_path: Path, name: str) -> None:
    entry = catalogue.strategy(name)
    for reaper in _reapers(catalogue):
        with Conversation(catalogue, entry, tmp_path / reaper) as worker:
            commands = (PROBE, command("/bin/sh", "-c", "exit 3"), command("/bin/sh", "-c", "kill -9 $$"))
            missing = command("/no/such/command")
            done = worker.carry_out(request(entry, missing, *commands, missing, reaper=reaper, plan=(0, 1, 2, 3, 0)))
            *launched, last = done.samples
            known = [sample.status for sample in launched if sample.has_status and sample.stage == NONE]
            if entry.status_form == "shell":
                known = [status for status in known if status != 127 << 8]  # how a shell tells a missing command
            lossless = reaper in COMPLETE or reaper == "sigchld_wait_once"
            assert known == ([0, 3 << 8, 9] if lossless else []), reaper
            if entry.status_form == "wait":
                assert [(one.stage, one.error) for one in (launched[0], last)] == [(EXEC, errno.ENOENT)] * 2, reaper


@pytest.mark.parametrize("reaper", [*COMPLETE, "sigchld_wait_once"])
def test_a_window_of_launches_is_collected_in_order(catalogue: Catalogue, launch: Launch, reaper: str) -> None:
    done = launch(catalogue.strategy("vfork_exec"), PROBE, reaper=reaper, in_flight=16, plan=(0,) * 400)

    assert len(done.samples) == 400
    reaped = [sample.reaped for sample in done.samples]
    assert reaped == sorted(reaped)
    if reaper != "sigchld_wait_once":
        assert all(sample.has_status for sample in done.samples)


def test_a_helper_that_keeps_many_answers_for_each(catalogue: Catalogue, launch: Launch) -> None:
    commands = (command("/bin/sh", "-c", "sleep 0.05; exit 7"), PROBE)
    plan = (0, 1, 1, 1, 1, 0, 1, 1)

    done = launch(catalogue.strategy("prefork_seqpacket"), *commands, in_flight=8, plan=plan)

    assert [sample.status for sample in done.samples] == [7 << 8 if index == 0 else 0 for index in plan]


def test_more_answers_than_a_socket_holds_do_not_stop_it(catalogue: Catalogue, launch: Launch) -> None:
    done = launch(catalogue.strategy("prefork_seqpacket"), PROBE, in_flight=1500, plan=(0,) * 3000)

    assert [sample.has_status for sample in done.samples] == [1] * 3000


def test_as_many_answers_are_kept_as_may_be_in_flight(catalogue: Catalogue, launch: Launch) -> None:
    done = launch(catalogue.strategy("prefork_seqpacket"), PROBE, in_flight=8192, plan=(0,) * 8192)

    assert [sample.has_status for sample in done.samples] == [1] * 8192


def test_a_child_that_no_descriptor_could_be_had_for_is_lost_and_is_not_run_away_from(
    catalogue: Catalogue, talk: Talk, tmp_path: Path
) -> None:
    entry = catalogue.strategy("vfork_exec")
    worker = talk(entry)
    slow = command("/bin/sh", "-c", f"sleep 0.1; mkdir {tmp_path}/ended$$")
    worker.ask(request(entry, slow, reaper="pidfd", plan=(0,) * 3))
    free = len(descriptors(worker.pid))
    resource.prlimit(
        worker.pid, resource.RLIMIT_NOFILE, (free, resource.prlimit(worker.pid, resource.RLIMIT_NOFILE)[1])
    )

    worker.send(b"go\n")
    worker.hear()

    assert [(sample.stage, sample.error) for sample in worker.samples()] == [(WAIT, errno.EMFILE)] * 3
    assert len(list(tmp_path.glob("ended*"))) == 3


@pytest.mark.parametrize(
    ("name", "reaper", "settings", "reason"),
    [
        ("system", "own", {"in_flight": 2}, "waits for each command before the next"),
        ("prefork_seqpacket", "own", {"in_flight": 2, "burst": True}, "not the worker's own children"),
        ("prefork_clone_parent", "sa_nocldwait", {}, "its helper is a child as well"),
    ],
)
def test_what_cannot_be_says_so(
    catalogue: Catalogue, talk: Talk, name: str, reaper: str, settings: dict[str, object], reason: str
) -> None:
    entry = catalogue.strategy(name)

    answer = talk(entry).ask(request(entry, PROBE, reaper=reaper, **settings))

    assert answer["state"] == "unsupported"
    assert reason in answer["reason"]


def test_a_command_that_is_missing_does_not_hold_a_burst_up(catalogue: Catalogue, launch: Launch) -> None:
    commands = (PROBE, command("/no/such/command"))

    done = launch(catalogue.strategy("fork_exec"), *commands, in_flight=4, burst=True, plan=(0, 1, 0, 1))

    assert [sample.error for sample in done.samples] == [0, errno.ENOENT, 0, errno.ENOENT]
    assert done.done["zombies_peak"] == 4


def test_a_closing_wait_returns_when_all_have_gone(catalogue: Catalogue, launch: Launch, tmp_path: Path) -> None:
    slow = command("/bin/sh", "-c", f"sleep 0.2; echo >> {tmp_path}/ended")

    done = launch(catalogue.strategy("vfork_exec"), slow, reaper="sa_nocldwait", in_flight=4, plan=(0,) * 3)

    assert (tmp_path / "ended").read_text() == "\n" * 3
    assert [(sample.stage, sample.error) for sample in done.samples] == [(WAIT, errno.ECHILD)] * 3


@pytest.mark.parametrize("reaper", ["sigchld_loop", "reaper_thread"])
def test_the_process_between_takes_no_status(catalogue: Catalogue, launch: Launch, reaper: str) -> None:
    """A command that ends before the process between has gone is nobody's but the adopter's."""
    done = launch(catalogue.strategy("double_fork"), command("/no/such/command"), reaper=reaper, plan=(0,) * 1000)

    assert {(sample.stage, sample.error, sample.has_status) for sample in done.samples} == {(EXEC, errno.ENOENT, 1)}


def test_more_in_flight_than_statuses_can_be_kept_is_refused(catalogue: Catalogue, talk: Talk) -> None:
    entry = catalogue.strategy("vfork_exec")

    answer = talk(entry).ask(request(entry, PROBE, in_flight=8193))

    assert (answer["state"], "room for statuses" in answer["reason"]) == ("unsupported", True)


def test_statuses_that_nobody_asks_for_take_no_room(tmp_path: Path) -> None:
    """100,000 launches through the table itself, each with a status of a process between, and 200 in flight."""
    program = tmp_path / "statuses"
    source = Path(__file__).with_name("statuses_driver.c")
    subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-o", program, source], check=True)

    found = subprocess.run([program], check=True, capture_output=True, text=True)

    assert found.stdout == "100000 of 100000 were found\n"
