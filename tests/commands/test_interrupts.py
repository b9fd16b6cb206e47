"""Ctrl-C and worse: what was done stays, what is missing can be resumed, and nothing is left on the machine."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from background_run import BackgroundRun, Standstill
from conditions import wait_until
from real_overcommit import kept

from bench.machine import Settings, groups, missing_right, read_settings, read_state
from bench.machine.cgroup import memberships, mounts
from bench.machine.guard import group_members
from bench.record import Recording, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


NO_GROUPS = groups.missing_right(("memory", "pids"))


def groups_of(pid: int) -> tuple[Path, ...]:
    """The control groups of a process that a run made."""
    lines = memberships(Path(f"/proc/{pid}/cgroup").read_text())
    points = mounts(Path("/proc/self/mountinfo").read_text())
    return tuple(
        Path(mount.point + line.path)
        for line in lines
        for mount in points
        if "/launchbench-" in line.path
        and set(line.controllers) <= set(mount.controllers)
        and (mount.version == 2) == (not line.controllers)
    )


@pytest.fixture
def standstill(tmp_path: Path) -> Standstill:
    return Standstill(tmp_path)


@pytest.fixture
def start(tmp_path: Path, tiny: Callable[..., Path], standstill: Standstill) -> Iterator[Callable[..., BackgroundRun]]:
    """Start a run of two workers, and return when the first one is in the middle of a launch."""
    started = []

    def run(*prefix: str, **keys: str) -> BackgroundRun:
        scenario = tiny(strategies="[vfork_exec]", rounds="2", launches="2", warmup="0",
                        commands=standstill.command, **keys)  # fmt: skip
        started.append(BackgroundRun(tmp_path, [scenario, "-o", tmp_path / "r.jsonl"], prefix))
        standstill.wait_for_it()
        return started[0]

    yield run
    standstill.go_on()
    for one in started:
        one.end()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "r.jsonl"


def resumed(launchbench: Callable[..., Any], file: Path) -> Recording:
    result = launchbench("run", "--resume", file)
    assert result.exit_code == 0, result.stderr
    recording = read(file)
    assert recording.footer is not None
    assert recording.footer["complete"] is True
    assert recording.warnings == ()
    return recording


def test_ctrl_c_once_finishes_the_worker_in_hand(
    start: Callable[..., BackgroundRun], standstill: Standstill, file: Path, launchbench: Callable[..., Any]
) -> None:
    run = start()

    run.interrupt_and_be_heard()
    standstill.go_on()

    assert run.wait() == 4
    assert run.stderr.splitlines()[-1] == f"interrupted by SIGINT; continue with: launchbench run --resume {file}"
    assert standstill.nothing_is_left()
    recording = read(file)
    assert [line["outcome"]["kind"] for line in recording.workers] == ["finished"]
    assert recording.workers[0]["samples"] is not None
    assert len(recording.workers[0]["samples"]["call"]) == 2
    assert recording.footer is not None
    assert (recording.footer["complete"], recording.footer["interrupted"]) == (False, "SIGINT")
    assert [line["session"] for line in resumed(launchbench, file).workers] == [0, 1]


def stop_twice(run: BackgroundRun) -> str:
    run.interrupt_and_be_heard()
    run.send(signal.SIGINT)
    return "SIGINT"


def terminate(run: BackgroundRun) -> str:
    run.send(signal.SIGTERM)
    return "SIGTERM"


def hang_up(run: BackgroundRun) -> str:
    run.send(signal.SIGHUP)
    return "SIGHUP"


@pytest.mark.parametrize("stop", [stop_twice, terminate, hang_up])
def test_ctrl_c_twice_and_other_signals_stop_at_once(
    start: Callable[..., BackgroundRun],
    standstill: Standstill,
    file: Path,
    launchbench: Callable[..., Any],
    stop: Callable[[BackgroundRun], str],
) -> None:
    run = start()
    guard = run.guard()

    name = stop(run)

    assert run.wait() == 4
    assert run.stderr.splitlines()[-1] == f"stopped by {name}; continue with: launchbench run --resume {file}"
    assert standstill.nothing_is_left()
    assert not psutil.pid_exists(guard)
    assert read(file).workers == ()
    standstill.go_on()
    assert len(resumed(launchbench, file).workers) == 2


def test_a_killed_run_leaves_nothing_but_its_file(
    start: Callable[..., BackgroundRun], standstill: Standstill, file: Path, launchbench: Callable[..., Any]
) -> None:
    run = start()

    run.send(signal.SIGKILL)

    assert run.wait() == -signal.SIGKILL
    wait_until(standstill.nothing_is_left)
    standstill.go_on()
    assert len(resumed(launchbench, file).workers) == 2


@pytest.mark.root
@pytest.mark.skipif(NO_GROUPS is not None, reason=f"{NO_GROUPS}")
def test_a_killed_run_leaves_none_of_its_control_groups(
    start: Callable[..., BackgroundRun], standstill: Standstill, file: Path, launchbench: Callable[..., Any]
) -> None:
    run = start(limits="{memory: 1GiB, pids: 50}")
    made = groups_of(standstill.worker)
    assert made
    assert all(directory.exists() for directory in made)

    run.send(signal.SIGKILL)

    assert run.wait() == -signal.SIGKILL
    wait_until(lambda: not any(directory.exists() for directory in made))
    wait_until(standstill.nothing_is_left)
    standstill.go_on()
    assert [line["outcome"]["kind"] for line in resumed(launchbench, file).workers] == ["finished"] * 2


@pytest.mark.root
@pytest.mark.skipif(NO_GROUPS is not None, reason=f"{NO_GROUPS}")
def test_what_a_run_left_that_was_killed_with_its_guard_is_named_and_removed(
    start: Callable[..., BackgroundRun], standstill: Standstill, launchbench: Callable[..., Any]
) -> None:
    run = start(limits="{pids: 50}")
    (made,) = groups_of(standstill.worker)
    guard = run.guard()
    for pid in (run.process.pid, guard):
        os.kill(pid, signal.SIGSTOP)  # so that neither sees the other die
    for pid in (guard, run.process.pid):
        os.kill(pid, signal.SIGKILL)
    run.wait()
    standstill.go_on()
    wait_until(lambda: not group_members(made))  # the worker died with the runner; its command has seen the file
    assert made in groups.abandoned()
    assert "control groups: launchbench doctor --restore" in launchbench("doctor").stdout

    restored = launchbench("doctor", "--restore")

    assert restored.exit_code == 0, restored.stderr
    assert str(made) in restored.stdout
    assert not made.exists()


def test_a_killed_guard_ends_the_run_and_not_what_was_measured(
    start: Callable[..., BackgroundRun], standstill: Standstill, file: Path, launchbench: Callable[..., Any]
) -> None:
    run = start()

    psutil.Process(run.guard()).kill()
    standstill.go_on()

    assert run.wait() == 4
    assert "the guard" in run.stderr
    assert standstill.nothing_is_left()
    assert len(resumed(launchbench, file).workers) == 2


def test_a_run_under_nohup_does_not_heed_the_terminals_end(
    start: Callable[..., BackgroundRun], standstill: Standstill, file: Path
) -> None:
    run = start("nohup")

    run.send(signal.SIGHUP)
    standstill.go_on()

    assert run.wait() == 0
    assert len(read(file).workers) == 2


def test_a_file_in_use_is_not_resumed(
    start: Callable[..., BackgroundRun], file: Path, launchbench: Callable[..., Any]
) -> None:
    start()

    result = launchbench("run", "--resume", file)

    assert result.exit_code == 2
    assert result.stderr == f"{file}: another launchbench is writing to it: wait for it to end\n"


# As root


@pytest.fixture
def machine() -> Iterator[Settings]:
    """The machine's own settings, put back whatever the test does."""
    with kept() as settings:
        yield settings


@pytest.mark.root
@pytest.mark.skipif(missing_right() is not None, reason=f"{missing_right()}")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_dies_in_another_mode_leaves_the_machines_own(
    machine: Settings,
    start: Callable[..., BackgroundRun],
    standstill: Standstill,
    file: Path,
    launchbench: Callable[..., Any],
    number: int,
) -> None:
    mode = 0 if machine.memory == 1 else 1
    run = start(overcommit=str(mode))
    assert standstill.mode == mode == read_settings().memory

    run.send(number)

    assert run.wait() in {-signal.SIGKILL, 4}
    wait_until(lambda: read_settings() == machine)
    wait_until(standstill.nothing_is_left)
    wait_until(lambda: read_state() is None)
    standstill.go_on()
    workers = resumed(launchbench, file).workers
    assert [line["overcommit"]["mode"] for line in workers if line["overcommit"]] == [mode, mode]
    assert read_settings() == machine


@pytest.mark.root
@pytest.mark.skipif(missing_right() is not None, reason=f"{missing_right()}")
def test_a_guard_that_is_killed_in_another_mode_is_stood_in_for(
    machine: Settings, start: Callable[..., BackgroundRun], standstill: Standstill
) -> None:
    run = start(overcommit="0" if machine.memory == 1 else "1")

    psutil.Process(run.guard()).kill()
    standstill.go_on()

    assert run.wait() == 4
    assert read_settings() == machine
    assert read_state() is None


@pytest.mark.root
@pytest.mark.skipif(missing_right() is not None, reason=f"{missing_right()}")
def test_a_second_run_that_needs_the_settings_is_told_who_has_them(
    machine: Settings,
    start: Callable[..., BackgroundRun],
    tiny: Callable[..., Path],
    tmp_path: Path,
    launchbench: Callable[..., Any],
) -> None:
    mode = 0 if machine.memory == 1 else 1
    run = start(overcommit=str(mode))
    guard = run.guard()

    result = launchbench("run", tiny(overcommit=f"{2 if mode == 0 else 0}"), "-o", tmp_path / "second.jsonl")

    # The second one sees the mode of the first: 0 is no longer what the machine has.
    assert result.exit_code == 4
    assert f"vm.overcommit_* is held by another run (process {guard})" in result.stderr
    assert "this is a bug" not in result.stderr
    assert read_settings().memory == mode


def test_lines_of_a_session_say_which(
    start: Callable[..., BackgroundRun], standstill: Standstill, file: Path, launchbench: Callable[..., Any]
) -> None:
    run = start()
    run.interrupt_and_be_heard()
    standstill.go_on()
    run.wait()

    resumed(launchbench, file)

    kinds = [(line["type"], line.get("session")) for line in map(json.loads, file.read_text().splitlines())]
    assert kinds == [("header", None), ("worker", 0), ("footer", 0), ("session", 1), ("worker", 1), ("footer", 1)]
