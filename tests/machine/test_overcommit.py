"""The guard from outside, as a process: with a fake sysctl, and as root with the machine's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from test_guard import FakeSysctl

from bench.machine import (
    Busy,
    GuardError,
    GuardProcess,
    Settings,
    memory_facts,
    missing_right,
    read_settings,
    repair,
    scratch,
)
from bench.machine.guard import STATE_FOLDER, SYSCTL, Hold, apply, read_state
from bench.machine.overcommit import GuardProcess as FromItsModule

sys.path.insert(0, str(Path(__file__).parent.parent / "measure"))
from conditions import wait_until
from real_overcommit import kept

if TYPE_CHECKING:
    from collections.abc import Iterator

RATIO = Settings(memory=0, ratio=50, kbytes=0)
root = pytest.mark.root
needs_root = pytest.mark.skipif(missing_right() is not None, reason=f"{missing_right()}")


def ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def guard() -> Iterator[GuardProcess]:
    with GuardProcess() as guard:
        yield guard


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Stands for a worker: the leader of a session."""
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        yield process
        process.kill()


# Without any right


def test_who_may_write_misses_no_right(tmp_path: Path) -> None:
    (tmp_path / "overcommit_memory").write_text("0\n")

    assert missing_right(tmp_path) is None


def test_who_may_not_learns_what_it_takes(tmp_path: Path) -> None:
    assert missing_right(tmp_path / "nowhere") == (
        f"may not change vm.overcommit_memory (needs root, and a writable {tmp_path}/nowhere)"
    )


def test_the_guard_leads_a_session_of_its_own(guard: GuardProcess) -> None:
    assert os.getsid(guard.pid) == guard.pid != os.getsid(0)


def test_the_guard_ends_with_the_runner_and_so_does_what_it_watches(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with GuardProcess() as guard:
        folder = guard.scratch(tmp_path)
        assert folder.parent == tmp_path
        guard.watch(sleeper.pid)

    assert ended(guard.pid)
    assert sleeper.wait() == -signal.SIGKILL
    assert not folder.exists()


def test_a_session_that_ended_well_is_no_longer_watched(sleeper: subprocess.Popen[bytes]) -> None:
    with GuardProcess() as guard:
        guard.watch(sleeper.pid)
        guard.unwatch()

    assert sleeper.poll() is None


@pytest.mark.parametrize("name", ["with a space", "ünïcode", os.fsdecode(b"not\xffutf8")])
def test_a_scratch_folder_may_be_anywhere(tmp_path: Path, sleeper: subprocess.Popen[bytes], name: str) -> None:
    (tmp_path / name).mkdir()
    runner, guard = start_runner(tmp_path / name, sleeper.pid)
    assert len(list((tmp_path / name).iterdir())) == 1

    with runner:
        runner.kill()

    wait_until(lambda: ended(guard))
    assert not list((tmp_path / name).iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_terminals_signals_do_not_end_the_guard(guard: GuardProcess, number: int) -> None:
    guard.unwatch()  # it answers, and so has made itself deaf

    os.kill(guard.pid, number)

    guard.unwatch()
    assert not ended(guard.pid)


def test_nothing_is_set_without_a_hold(guard: GuardProcess) -> None:
    before = read_settings()

    with pytest.raises(GuardError, match="is not understood now"):
        guard.set(1, None)

    assert read_settings() == before


def test_nonsense_on_the_line_does_not_end_the_guard(guard: GuardProcess) -> None:
    for line in ("scratch", "watch me", os.fsdecode(b"\xff\xfe"), ""):
        with pytest.raises(GuardError):
            guard._say(line)

    guard.unwatch()


def test_a_killed_guard_is_noticed(guard: GuardProcess) -> None:
    os.kill(guard.pid, signal.SIGKILL)

    with pytest.raises(GuardError, match=r"the guard (has died|does not answer)"):
        guard.unwatch()


def test_closing_twice_is_harmless(guard: GuardProcess) -> None:
    guard.close()
    guard.close()


RUNNER = """
    import sys
    from pathlib import Path
    from bench.machine import GuardProcess
    guard = GuardProcess()
    guard.scratch(Path(sys.argv[1]))
    guard.watch(int(sys.argv[2]))
    for line in sys.argv[3:]:
        guard._say(line)
    print(guard.pid, flush=True)
    sys.stdin.read()
"""


def start_runner(*arguments: object) -> tuple[subprocess.Popen[str], int]:
    """A runner that has told its guard what to do, and the guard's process."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUNNER), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_a_runner_that_is_killed_leaves_no_worker_and_no_folder(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    runner, guard = start_runner(tmp_path, sleeper.pid)

    with runner:
        runner.kill()

    wait_until(lambda: ended(guard))
    assert sleeper.wait() == -signal.SIGKILL
    assert not list(tmp_path.iterdir())


@pytest.fixture
def killed_together(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> Path:
    """What a run leaves that is killed together with its guard."""
    runner, guard = start_runner(tmp_path, sleeper.pid)
    with runner:
        os.kill(guard, signal.SIGKILL)
        runner.kill()
    wait_until(lambda: ended(guard))
    (left,) = tmp_path.iterdir()
    (left / "trial").mkdir()
    (left / "trial" / "samples").write_bytes(b"1234")
    return left


def test_the_next_run_removes_what_one_left_that_was_killed_with_its_guard(killed_together: Path) -> None:
    with GuardProcess() as guard:
        own = guard.scratch(killed_together.parent)
        assert list(killed_together.parent.iterdir()) == [own]


def test_what_a_living_run_has_is_not_swept(killed_together: Path, guard: GuardProcess) -> None:
    own = guard.scratch(killed_together.parent / "..")
    others = (own.parent / "launchbench-somebody's", own.parent / "another")
    for other in others:
        other.mkdir()

    assert scratch.sweep(own.parent) == []
    assert all(folder.exists() for folder in (own, *others))


# Repairing after a guard was killed, on a fake sysctl


@pytest.fixture
def sysctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSysctl:
    return FakeSysctl(tmp_path / "vm", monkeypatch)


def test_there_is_nothing_to_repair_where_no_guard_was_killed(tmp_path: Path, sysctl: FakeSysctl) -> None:
    assert repair(tmp_path / "run", sysctl.folder) is None
    assert not (tmp_path / "run").exists()


def test_repairing_puts_back_what_was_left_once(tmp_path: Path, sysctl: FakeSysctl) -> None:
    left = Hold(tmp_path / "run", sysctl.folder)
    apply(2, 999, sysctl.folder)
    os.close(left._lock)

    assert repair(tmp_path / "run", sysctl.folder) == RATIO
    assert sysctl.now == RATIO
    assert repair(tmp_path / "run", sysctl.folder) is None


def test_nothing_is_repaired_under_a_run_that_goes_on(tmp_path: Path, sysctl: FakeSysctl) -> None:
    hold = Hold(tmp_path / "run", sysctl.folder)
    apply(1, None, sysctl.folder)

    with pytest.raises(Busy):
        repair(tmp_path / "run", sysctl.folder)

    assert sysctl.now.memory == 1
    hold.release()


# With the right, on the machine's own settings


@pytest.fixture
def machine() -> Iterator[Settings]:
    """The machine's own settings, put back whatever the test does."""
    with kept() as settings:
        yield settings


@pytest.fixture
def other_mode(machine: Settings) -> int:
    """A mode that is not the machine's, and harmless."""
    return 0 if machine.memory == 1 else 1


@root
@needs_root
def test_a_mode_is_in_force_until_it_is_restored(machine: Settings, guard: GuardProcess, other_mode: int) -> None:
    guard.hold()
    assert read_settings() == machine

    guard.set(other_mode, None)
    assert read_settings().memory == other_mode

    guard.restore()
    assert read_settings() == machine
    assert read_state() == machine

    guard.close()
    assert read_state() is None


@root
@needs_root
def test_a_limit_of_mode_2_comes_and_goes(machine: Settings, guard: GuardProcess) -> None:
    facts = memory_facts()
    plenty = (facts.committed_bytes or 0) + (12 << 30)
    guard.hold()

    guard.set(2, plenty >> 10)
    there = memory_facts()
    guard.restore()

    assert there.mode == 2
    assert there.commit_limit_bytes is not None
    assert abs(there.commit_limit_bytes - plenty - facts.swap_bytes) <= facts.page_bytes
    assert read_settings() == machine


@root
@needs_root
def test_the_end_of_the_guard_restores(machine: Settings, other_mode: int) -> None:
    with GuardProcess() as guard:
        guard.hold()
        guard.set(other_mode, None)

    assert read_settings() == machine
    assert read_state() is None


@root
@needs_root
def test_one_run_at_a_time_and_the_refused_one_disturbs_nothing(
    machine: Settings, guard: GuardProcess, other_mode: int
) -> None:
    guard.hold()
    guard.set(other_mode, None)

    with pytest.raises(GuardError, match=rf"held by another run \(process {guard.pid}\)"), GuardProcess() as second:
        second.hold()

    assert read_settings().memory == other_mode
    assert read_state() == machine


@root
@needs_root
def test_a_runner_that_is_killed_leaves_the_settings_as_they_were(
    machine: Settings, other_mode: int, sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    runner, guard = start_runner(tmp_path, sleeper.pid, "hold", f"set {other_mode} -")
    with runner:
        assert read_settings().memory == other_mode

        runner.kill()

    wait_until(lambda: ended(guard))
    assert read_settings() == machine
    assert read_state() is None
    assert sleeper.wait() == -signal.SIGKILL
    assert not list(tmp_path.iterdir())


@root
@needs_root
def test_closing_repairs_what_a_killed_guard_left(machine: Settings, guard: GuardProcess, other_mode: int) -> None:
    guard.hold()
    guard.set(other_mode, None)
    os.kill(guard.pid, signal.SIGKILL)
    wait_until(lambda: ended(guard.pid))
    assert read_settings().memory == other_mode

    guard.close()

    assert read_settings() == machine
    assert read_state() is None


@root
@needs_root
def test_when_guard_and_runner_were_killed_the_state_file_lets_anyone_repair(
    machine: Settings, other_mode: int, tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    runner, guard = start_runner(tmp_path, sleeper.pid, "hold", f"set {other_mode} -")
    with runner:
        os.kill(guard, signal.SIGKILL)
        runner.kill()
    wait_until(lambda: ended(guard))
    assert read_settings().memory == other_mode

    assert repair() == machine

    assert read_settings() == machine
    assert repair() is None


@root
@needs_root
def test_the_next_run_starts_from_the_machines_own_settings(
    machine: Settings, other_mode: int, tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    runner, guard = start_runner(tmp_path, sleeper.pid, "hold", f"set {other_mode} -")
    with runner:
        os.kill(guard, signal.SIGKILL)
        runner.kill()
    wait_until(lambda: ended(guard))

    with GuardProcess() as next_guard:
        next_guard.hold()
        assert read_settings() == machine

    assert read_settings() == machine


def test_the_state_is_forgotten_at_the_next_boot() -> None:
    assert STATE_FOLDER.is_relative_to("/run")
    assert Path("/proc/sys/vm") == SYSCTL
    assert FromItsModule is GuardProcess
