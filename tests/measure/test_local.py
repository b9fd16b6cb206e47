"""Workers that really run, on this machine, one at a time and 1 MiB large."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema
import psutil
import pytest
from imagined_runs import cell

from bench.machine import GuardError, GuardProcess
from bench.machine.guard import session_members
from bench.measure import LocalPlace, adopting, line, patience
from bench.measure.evidence import Evidence, Order, outcome
from bench.measure.judge import Expected, Manner
from bench.measure.request import CommandLine
from bench.measure.schedule import Planned
from bench.record import LAUNCH_OUTCOMES
from bench.record.schema import line_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.catalogue import Catalogue
    from bench.record import WorkerLine

MIB = 1 << 20
PROBE = CommandLine.of(("probe",), "")
PROBE_OK = Expected("exit", 0, tells_arrival=True)
SHELL_OK = Expected("exit", 0, tells_arrival=False)


def shell(text: str) -> CommandLine:
    return CommandLine.of((), text)


def as_line(order: Order, evidence: Evidence, *expected: Expected) -> WorkerLine:
    written = line.worked(
        Planned("c", 0, 0),
        cell(order.request.strategy),
        order,
        evidence,
        expected or [PROBE_OK] * len(order.request.commands),
        Manner(),
        session=0,
        started="2026-01-01T00:00:00.000+00:00",
    )
    jsonschema.validate(json.loads(json.dumps(written)), line_schema())
    return written


def launches(written: WorkerLine) -> list[str]:
    assert written["samples"] is not None
    return [LAUNCH_OUTCOMES[code] for code in written["samples"]["outcome"]]


def nothing_is_left(guard: GuardProcess) -> bool:
    return [child.pid for child in psutil.Process().children(recursive=True)] == [guard.pid]


@pytest.mark.parametrize("strategy", ["vfork_exec", "fork_exec", "posix_spawn", "system", "prefork_pipe", "popen"])
def test_a_worker_launches_measures_and_leaves_nothing(
    place: LocalPlace, guard: GuardProcess, order: Callable[..., Order], strategy: str
) -> None:
    asked = order(PROBE, strategy=strategy, plan=(0,) * 5, warmup=2)

    evidence = place.carry_out(asked)

    written = as_line(asked, evidence)
    assert written["outcome"] == {"kind": "finished"}
    assert launches(written) == ["ok"] * 5
    assert written["findings"] == []
    samples = written["samples"]
    assert samples is not None
    assert samples["warmup"] == [1, 1, 0, 0, 0]
    clocks = zip(samples["call"], samples["reached"], samples["reaped"], strict=True)
    assert all(0 <= call < reached < reaped for call, reached, reaped in clocks)
    assert nothing_is_left(guard)


def test_the_null_strategy_reaches_nothing(place: LocalPlace, order: Callable[..., Order]) -> None:
    asked = order(PROBE, strategy="null", plan=(0,) * 3)

    evidence = place.carry_out(asked)

    assert outcome(evidence) == {"kind": "finished"}
    assert evidence.arrivals == b""


def test_a_worker_in_python_does_the_same(place: LocalPlace, guard: GuardProcess, order: Callable[..., Order]) -> None:
    asked = order(PROBE, strategy="subprocess_run", plan=(0, 0))

    written = as_line(asked, place.carry_out(asked))

    assert written["outcome"] == {"kind": "finished"}
    assert launches(written) == ["ok", "ok"]
    assert nothing_is_left(guard)


def test_the_footprint_is_what_the_kernel_says(place: LocalPlace, order: Callable[..., Order]) -> None:
    asked = order(PROBE, footprint_bytes=8 * MIB)

    footprint = as_line(asked, place.carry_out(asked))["footprint"]

    assert footprint is not None
    assert (footprint["requested"], footprint["mapped"], footprint["rss"]) == (8 * MIB,) * 3
    assert (footprint["anon_huge"], footprint["vmas"]) == (0, 1)


def test_a_worker_and_its_commands_are_held_to_its_cpus(
    place: LocalPlace, order: Callable[..., Order], tmp_path: Path
) -> None:
    last = place.cpus()[-1]
    where = shell(f"grep Cpus_allowed_list /proc/self/status > {tmp_path}/cpus")
    asked = replace(order(where), cpus=(last,))

    written = as_line(asked, place.carry_out(asked), SHELL_OK)

    assert launches(written) == ["ok"]
    assert written["cpu"] == [last]
    assert (tmp_path / "cpus").read_text().split() == ["Cpus_allowed_list:", str(last)]


def test_a_worker_stands_alone_and_is_what_the_oom_killer_prefers(
    place: LocalPlace, order: Callable[..., Order], tmp_path: Path
) -> None:
    facts = f"""
        echo $PPID > {tmp_path}/worker
        cat /proc/$PPID/oom_score_adj > {tmp_path}/oom
        cut -d' ' -f5,6 /proc/$PPID/stat > {tmp_path}/group
        ls -l /proc/self/fd > {tmp_path}/descriptors
    """

    place.carry_out(order(shell(facts)))

    worker = (tmp_path / "worker").read_text().strip()
    assert (tmp_path / "oom").read_text() == "1000\n"
    assert (tmp_path / "group").read_text().split() == [worker, worker]
    # No descriptor of the host reaches a command: 0, 1, 2, and the folder that `ls` reads.
    descriptors = [row.split()[-3] for row in (tmp_path / "descriptors").read_text().splitlines()[1:]]
    assert descriptors == ["0", "1", "2", "3"]


def test_a_worker_is_out_of_the_terminals_reach_from_its_first_instruction(
    guard: GuardProcess, order: Callable[..., Order], tmp_path: Path
) -> None:
    # A Ctrl-C goes to the terminal's whole process group: one that reached a starting worker would be its crash.
    starter = tmp_path / "isolator"
    starter.write_text(f"#!/bin/sh\necho $$ $(cut -d' ' -f5,6 /proc/$$/stat) > {tmp_path}/ids\n")
    starter.chmod(0o755)

    LocalPlace(starter, guard).carry_out(order(PROBE))

    worker, group, session = (tmp_path / "ids").read_text().split()
    assert (group, session) == (worker, worker)


def test_what_commands_write_to_stderr_is_kept_from_its_end(place: LocalPlace, order: Callable[..., Order]) -> None:
    evidence = place.carry_out(order(shell("printf '%5000s' '' >&2; echo the end >&2")))

    assert evidence.stderr.endswith(" the end\n")
    assert len(evidence.stderr) == 2000


def test_one_worker_knows_nothing_of_the_one_before(place: LocalPlace, order: Callable[..., Order]) -> None:
    place.carry_out(order(shell("echo noise >&2"), PROBE, PROBE))

    second = place.carry_out(order(PROBE, strategy="null"))

    assert (second.stderr, second.arrivals, len(second.samples)) == ("", b"", 80)


def test_a_worker_that_hangs_is_stopped_with_the_launch_in_hand_timed_out(
    place: LocalPlace, guard: GuardProcess, order: Callable[..., Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_GRACE_S", 0.3)
    asked = order(PROBE, shell("sleep 1000"), PROBE, time_limit_ns=200_000_000)

    evidence = place.carry_out(asked)

    written = as_line(asked, evidence, PROBE_OK, SHELL_OK, PROBE_OK)
    assert written["outcome"] == {"kind": "hung", "reason": "stopped while launching"}
    assert launches(written) == ["ok", "timeout"]
    assert written["planned"] == 3
    assert nothing_is_left(guard)


def test_launches_beyond_the_time_limit_are_not_made(place: LocalPlace, order: Callable[..., Order]) -> None:
    asked = order(shell("sleep 0.1"), plan=(0,) * 100, time_limit_ns=50_000_000)

    written = as_line(asked, place.carry_out(asked), SHELL_OK)

    assert written["outcome"] == {"kind": "finished"}
    assert launches(written) == ["ok"]
    assert written["planned"] == 100


def test_a_killed_worker_keeps_what_it_had_measured(
    place: LocalPlace, guard: GuardProcess, order: Callable[..., Order]
) -> None:
    asked = order(PROBE, PROBE, shell("kill -9 $PPID; sleep 1000"), PROBE)

    written = as_line(asked, place.carry_out(asked), PROBE_OK, PROBE_OK, SHELL_OK, PROBE_OK)

    assert written["outcome"] == {"kind": "crashed", "signal": signal.SIGKILL}
    assert launches(written) == ["ok", "ok", "lost_status"]
    assert {"kind": "lost_status", "count": 1, "detail": None} in written["findings"]
    assert nothing_is_left(guard)


def test_a_footprint_that_is_refused_is_not_allocatable(place: LocalPlace, order: Callable[..., Order]) -> None:
    asked = order(PROBE, footprint_bytes=1 << 60)

    evidence = place.carry_out(asked)

    assert outcome(evidence) == {
        "kind": "not_allocatable",
        "errno": errno.ENOMEM,
        "reason": os.strerror(errno.ENOMEM),
    }
    assert as_line(asked, evidence)["samples"] is None


@pytest.mark.parametrize(("part", "name"), [("strategy", "clone9"), ("reaper", "nobody"), ("hygiene", "soap")])
def test_what_the_worker_does_not_have_is_unsupported(
    place: LocalPlace, order: Callable[..., Order], part: str, name: str
) -> None:
    evidence = place.carry_out(order(PROBE, **{part: name}) if part != "strategy" else renamed(order(PROBE), name))

    assert outcome(evidence) == {"kind": "unsupported", "reason": f"this worker has no {part} {name}"}


def renamed(asked: Order, strategy: str) -> Order:
    return replace(asked, request=replace(asked.request, strategy=strategy))


def test_a_worker_that_does_not_start_is_a_crash_with_its_last_words(
    place: LocalPlace, order: Callable[..., Order]
) -> None:
    asked = replace(order(PROBE), worker=("/no/such/worker",))

    evidence = place.carry_out(asked)

    assert outcome(evidence) == {"kind": "crashed", "reason": "ended with status 70 while starting"}
    assert evidence.stderr == "isolate: /no/such/worker: No such file or directory\n"


NONSENSE = ["not json", '"a string"', "[]", r"\377\376", '{"state": "ready"']


@pytest.mark.parametrize("words", NONSENSE)
def test_a_worker_that_talks_nonsense_and_ends_is_a_crash(
    place: LocalPlace, guard: GuardProcess, order: Callable[..., Order], words: str
) -> None:
    speaker = ("/bin/sh", "-c", f"read request; printf '{words}\\n' >&0")

    evidence = place.carry_out(replace(order(PROBE), worker=speaker))

    assert outcome(evidence) == {"kind": "crashed", "reason": "ended with status 0 while starting"}
    assert nothing_is_left(guard)


def test_a_worker_that_closes_its_ears_and_stays_hangs(
    place: LocalPlace, guard: GuardProcess, order: Callable[..., Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "EXIT_S", 0.2)

    evidence = place.carry_out(replace(order(PROBE), worker=("/bin/sh", "-c", "exec 0<&-; exec sleep 1000")))

    assert outcome(evidence)["kind"] == "hung"
    assert nothing_is_left(guard)


def test_a_worker_that_ends_without_a_word_is_a_crash(place: LocalPlace, order: Callable[..., Order]) -> None:
    evidence = place.carry_out(replace(order(PROBE), worker=("/bin/sh", "-c", "exit 3")))

    assert outcome(evidence) == {"kind": "crashed", "reason": "ended with status 3 while starting"}


def test_a_runner_that_was_stopped_and_goes_on_still_hears_the_worker() -> None:
    # GIVEN a runner in the background (Ctrl-Z) for longer than its patience, while the worker answered.
    # epoll_wait(2) then ends with EINTR, and Python does not look again once the time is over (PEP 475).
    waiting = """
        import os, signal, socket, threading, time
        from bench.measure.local import _Channel
        here, there = socket.socketpair()
        sleeper = os.fork()
        if sleeper == 0:
            os.kill(os.getppid(), signal.SIGSTOP)
            time.sleep(0.6)
            there.sendall(b'{"state": "done"}\\n')
            os.kill(os.getppid(), signal.SIGCONT)
            os._exit(0)
        print(_Channel(here).receive(0.5))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(waiting)], capture_output=True, text=True, check=False, timeout=60
    )

    assert result.stdout == "{'state': 'done'}\n", result.stderr


def test_what_outlives_the_worker_is_found_and_ended(
    place: LocalPlace, guard: GuardProcess, order: Callable[..., Order]
) -> None:
    asked = order(shell("sleep 1000 & exit 0"), plan=(0, 0))

    written = as_line(asked, place.carry_out(asked), SHELL_OK)

    assert written["outcome"] == {"kind": "finished"}
    assert written["findings"] == [{"kind": "stray", "count": 2, "detail": "sleep"}]
    assert written["census"] is not None
    assert [stray["name"] for stray in written["census"]["strays"]] == ["sleep", "sleep"]
    assert nothing_is_left(guard)


def test_what_fled_into_a_session_of_its_own_is_found_as_well(
    place: LocalPlace, guard: GuardProcess, order: Callable[..., Order]
) -> None:
    asked = order(shell("setsid sleep 1000 & exit 0"))

    written = as_line(asked, place.carry_out(asked), SHELL_OK)

    assert [(found["kind"], found["count"]) for found in written["findings"]] == [("stray", 1)]
    assert nothing_is_left(guard)


def test_what_the_runner_was_started_with_is_no_stray(catalogue: Catalogue, order: Callable[..., Order]) -> None:
    # GIVEN a child from before: `exec launchbench > >(tee log)`
    with subprocess.Popen(["sleep", "1000"]) as tee:
        try:
            with adopting(), GuardProcess() as guard:
                evidence = LocalPlace(catalogue.build.worker, guard).carry_out(order(PROBE))

            assert evidence.strays == []
            assert tee.poll() is None
        finally:
            tee.kill()


def test_where_the_time_went_adds_up(place: LocalPlace, order: Callable[..., Order]) -> None:
    spent = place.carry_out(order(PROBE, plan=(0, 0, 0))).spent

    assert set(spent) == {"start", "footprint", "launches", "release", "overhead"}
    assert all(value >= 0 for value in spent.values())


def test_the_scratch_folder_lives_as_long_as_the_run(catalogue: Catalogue, order: Callable[..., Order]) -> None:
    with adopting(), GuardProcess() as guard:
        place = LocalPlace(catalogue.build.worker, guard)
        place.carry_out(order(PROBE))
        scratch = place._scratch
        assert scratch.is_dir()

    assert not scratch.exists()


def test_a_run_without_its_guard_stops_and_leaves_nothing(catalogue: Catalogue, order: Callable[..., Order]) -> None:
    # GIVEN a command that kills the guard in the middle of the launches
    with adopting(), GuardProcess() as guard:
        place = LocalPlace(catalogue.build.worker, guard)
        asked = order(PROBE, shell(f"kill -9 {guard.pid}"), PROBE)

        with pytest.raises(GuardError, match=r"the guard (has died|does not answer)"):
            place.carry_out(asked)

    assert psutil.Process().children(recursive=True) == []
    assert not place._scratch.exists()


def test_an_exception_in_the_middle_leaves_no_worker(
    place: LocalPlace, guard: GuardProcess, order: Callable[..., Order]
) -> None:
    # GIVEN a signal (Ctrl-C twice, SIGTERM) that arrives while the worker launches
    class Stopped(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(Stopped):
            place.carry_out(order(shell(f"setsid sleep 1000 & kill -USR1 {os.getpid()}; sleep 1000")))
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert nothing_is_left(guard)


def test_the_session_of_a_worker_is_empty_afterwards(
    place: LocalPlace, order: Callable[..., Order], tmp_path: Path
) -> None:
    place.carry_out(order(shell(f"echo $PPID > {tmp_path}/worker; sleep 1000 & exit 0")))

    assert session_members(int((tmp_path / "worker").read_text())) == []
