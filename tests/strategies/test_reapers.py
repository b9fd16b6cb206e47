"""What each reaper does with its children: bursts in which 200 of them end at one moment, 20 times, and one at a time.

The oracles are those of the kernel and of POSIX: SIGCHLD does not queue (signal(7)), who ignores it has no zombies and
no statuses (wait(2)), and everybody else gets every status exactly once.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from worker_driver import PROBE, Conversation, Done, children, command, descriptors, request

from bench.catalogue import Catalogue, Entry
from bench.measure.samples import join
from bench.record import STAGES

Talk = Callable[..., Conversation]
Launch = Callable[..., Done]

NONE, WAIT = STAGES.index("none"), STAGES.index("wait")
IN_BURST, BURSTS = 200, 20
COMPLETE = ["waitpid", "sigchld_loop", "self_pipe", "signalfd", "pidfd", "reaper_thread", "subreaper", "late"]
"""Reapers that lose nothing."""


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
    done, left = burst(catalogue.strategy("posix_spawn"), "none", bursts=2)

    assert left == done.done["zombies_peak"] == 2 * IN_BURST
    assert not any(sample.has_status for sample in done.samples)


def test_who_waits_late_has_all_of_them_until_then(
    catalogue: Catalogue, burst: Callable[..., tuple[Done, int]]
) -> None:
    done, left = burst(catalogue.strategy("vfork_exec"), "late", bursts=3)

    assert done.done["zombies_peak"] == 3 * IN_BURST
    assert left == 0


@pytest.mark.parametrize("reaper", ["waitpid", "sigchld_loop", "pidfd", "subreaper"])
def test_a_burst_is_seen_as_zombies_before_it_is_collected(
    catalogue: Catalogue, burst: Callable[..., tuple[Done, int]], reaper: str
) -> None:
    done, _ = burst(catalogue.strategy("double_fork"), reaper, bursts=2)

    assert done.done["zombies_peak"] == IN_BURST
    assert all(sample.has_status for sample in done.samples)


def _reapers(catalogue: Catalogue) -> list[str]:
    return [entry.name for entry in catalogue.of("reaper") if entry.available]


@pytest.mark.parametrize("name", ["fork_exec", "vfork_exec", "posix_spawn", "double_fork", "clone_vm", "shim"])
def test_one_at_a_time_tells_failures_apart(catalogue: Catalogue, tmp_path: Path, name: str) -> None:
    entry = catalogue.strategy(name)
    for reaper in _reapers(catalogue):
        with Conversation(catalogue, entry, tmp_path / reaper) as worker:
            commands = (PROBE, command("/bin/sh", "-c", "exit 3"), command("/bin/sh", "-c", "kill -9 $$"))
            done = worker.carry_out(request(entry, *commands, reaper=reaper))
            known = [sample.status for sample in done.samples if sample.has_status]
            lossless = reaper in COMPLETE or reaper == "sigchld_wait_once"
            assert known == ([0, 3 << 8, 9] if lossless else []), reaper


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
