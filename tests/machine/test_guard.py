"""The guard from inside: the hold, the protocol, and what it does when the runner has gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.machine import guard
from bench.machine.guard import (
    Busy,
    Guard,
    Hold,
    Settings,
    apply,
    end_session,
    put_back,
    read_settings,
    read_state,
    session_members,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.insert(0, str(Path(__file__).parent.parent / "measure"))
from conditions import wait_until

RATIO = Settings(memory=0, ratio=50, kbytes=0)
KBYTES = Settings(memory=2, ratio=0, kbytes=4_000_000)


class FakeSysctl:
    """A folder to be given for /proc/sys/vm, and what was written to it, in order.

    As in the kernel, ratio and kbytes are one setting with two names.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.written: list[tuple[str, int]] = []
        self.broken: set[str] = set()
        folder.mkdir()
        self.set(Settings(memory=0, ratio=50, kbytes=0))
        monkeypatch.setattr(guard, "_write", self._write)

    def set(self, settings: Settings) -> None:
        for name in ("memory", "ratio", "kbytes"):
            (self.folder / f"overcommit_{name}").write_text(f"{getattr(settings, name)}\n")

    @property
    def now(self) -> Settings:
        return read_settings(self.folder)

    def _write(self, folder: Path, name: str, value: int) -> None:
        assert folder == self.folder, "the machine's own settings are not for this test"
        if name in self.broken:
            raise PermissionError(13, "Permission denied", str(folder / f"overcommit_{name}"))
        self.written.append((name, value))
        (folder / f"overcommit_{name}").write_text(f"{value}\n")
        other = {"ratio": "kbytes", "kbytes": "ratio"}.get(name)
        if other:
            (folder / f"overcommit_{other}").write_text("0\n")


@pytest.fixture
def sysctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSysctl:
    return FakeSysctl(tmp_path / "vm", monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "launchbench"


def test_settings_are_read_as_numbers(sysctl: FakeSysctl) -> None:
    sysctl.set(KBYTES)

    assert read_settings(sysctl.folder) == KBYTES


def test_the_real_settings_can_be_read_by_anyone() -> None:
    assert read_settings().memory in {0, 1, 2}


def test_the_limit_is_set_before_the_mode_that_heeds_it(sysctl: FakeSysctl) -> None:
    apply(2, 1_000_000, sysctl.folder)

    assert sysctl.written == [("kbytes", 1_000_000), ("memory", 2)]


def test_a_mode_without_a_limit_leaves_the_limit_alone(sysctl: FakeSysctl) -> None:
    apply(1, None, sysctl.folder)

    assert sysctl.now == Settings(memory=1, ratio=50, kbytes=0)


@pytest.mark.parametrize(
    ("old", "written"),
    [
        (RATIO, [("memory", 0), ("ratio", 50)]),
        (KBYTES, [("memory", 2), ("kbytes", 4_000_000)]),
        (Settings(memory=1, ratio=0, kbytes=0), [("memory", 1), ("ratio", 0)]),
    ],
)
def test_the_mode_is_put_back_first_and_then_the_limit_by_the_name_it_had(
    sysctl: FakeSysctl, old: Settings, written: list[tuple[str, int]]
) -> None:
    apply(2, 77, sysctl.folder)
    sysctl.written.clear()

    put_back(old, sysctl.folder)

    assert sysctl.written == written
    assert sysctl.now == old


def test_a_hold_remembers_the_settings_in_a_file(sysctl: FakeSysctl, folder: Path) -> None:
    hold = Hold(folder, sysctl.folder)

    assert hold.old == RATIO == read_state(folder)
    assert json.loads((folder / "overcommit.json").read_text()) == {"memory": 0, "ratio": 50, "kbytes": 0}
    assert sysctl.written == []
    hold.release()


@pytest.mark.parametrize("old", [RATIO, KBYTES])
def test_restoring_keeps_the_hold_and_releasing_ends_it(sysctl: FakeSysctl, folder: Path, old: Settings) -> None:
    sysctl.set(old)
    hold = Hold(folder, sysctl.folder)

    for _ in range(2):
        apply(1, None, sysctl.folder)
        hold.restore()
        assert sysctl.now == old
        assert read_state(folder) == old

    apply(2, 12_345, sysctl.folder)
    hold.release()
    assert sysctl.now == old
    assert read_state(folder) is None
    Hold(folder, sysctl.folder).release()


def test_one_hold_at_a_time_and_who_is_refused_learns_by_whom(sysctl: FakeSysctl, folder: Path) -> None:
    hold = Hold(folder, sysctl.folder)

    with pytest.raises(Busy, match=rf"held by another run \(process {os.getpid()}\)"):
        Hold(folder, sysctl.folder)

    assert read_state(folder) == RATIO
    hold.release()


def test_a_lock_that_names_nobody_is_busy_all_the_same(sysctl: FakeSysctl, folder: Path) -> None:
    hold = Hold(folder, sysctl.folder)
    (folder / "lock").write_text("")

    with pytest.raises(Busy, match="process unknown"):
        Hold(folder, sysctl.folder)

    hold.release()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_refused_hold_leaves_no_descriptor(sysctl: FakeSysctl, folder: Path) -> None:
    hold = Hold(folder, sysctl.folder)
    before = open_descriptors()

    with pytest.raises(Busy):
        Hold(folder, sysctl.folder)

    assert open_descriptors() == before
    hold.release()


def test_what_a_killed_guard_left_is_put_back_first(sysctl: FakeSysctl, folder: Path) -> None:
    # GIVEN a guard that died with mode 2 in force
    left = Hold(folder, sysctl.folder)
    apply(2, 999, sysctl.folder)
    os.close(left._lock)

    hold = Hold(folder, sysctl.folder)

    assert sysctl.now == RATIO
    assert hold.old == RATIO == read_state(folder)
    hold.release()


def test_a_hold_without_the_right_lets_go_of_the_lock(sysctl: FakeSysctl, folder: Path) -> None:
    os.close(Hold(folder, sysctl.folder)._lock)
    sysctl.broken = {"memory"}

    with pytest.raises(PermissionError):
        Hold(folder, sysctl.folder)

    sysctl.broken.clear()
    Hold(folder, sysctl.folder).release()


def test_what_cannot_be_put_back_is_remembered_for_later(sysctl: FakeSysctl, folder: Path) -> None:
    hold = Hold(folder, sysctl.folder)
    sysctl.broken = {"ratio"}

    with pytest.raises(PermissionError):
        hold.release()

    assert read_state(folder) == RATIO
    os.close(hold._lock)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"memory": 1}', '{"memory": 0, "ratio": 5, "kbytes": 0, "x": 1}']
)
def test_a_state_file_that_says_nothing_is_none(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "overcommit.json").write_text(text)

    assert read_state(folder) is None


@pytest.fixture
def obedient(sysctl: FakeSysctl, folder: Path) -> Iterator[Guard]:
    obedient = Guard(folder, sysctl.folder)
    yield obedient
    if obedient.hold:
        obedient.hold.release()


def test_a_guard_sets_and_restores_while_it_holds(obedient: Guard, sysctl: FakeSysctl) -> None:
    assert obedient.obey("hold\n") == "ok"
    assert obedient.obey("hold\n") == "ok"  # once is enough

    assert obedient.obey("set 2 5000\n") == "ok"
    assert sysctl.now == Settings(memory=2, ratio=0, kbytes=5000)
    assert obedient.obey("set 1 -\n") == "ok"
    assert sysctl.now.memory == 1

    assert obedient.obey("restore\n") == "ok"
    assert sysctl.now == RATIO


@pytest.mark.parametrize(
    "line",
    ["", "\n", "set 1 -", "restore", "hold on", "watch", "watch me", "watch 1 2", "unwatch 1", "scratch", "scratch  \n",
     "group", "ungroup", "release", "set", "\x00", "héllo", os.fsdecode(b"\xff\xfe")],
)  # fmt: skip
def test_what_a_guard_does_not_understand_now_it_refuses(obedient: Guard, sysctl: FakeSysctl, line: str) -> None:
    answer = obedient.obey(line)

    assert answer.startswith("no ")
    assert "\n" not in answer
    assert sysctl.written == []
    assert (obedient.hold, obedient.watched, obedient.scratch) == (None, None, [])


def test_a_guard_removes_the_groups_that_it_was_told_of(obedient: Guard, tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("with a blank", "b", "c"))
    for directory in (first, second, third):
        directory.mkdir()
        assert obedient.obey(f"group {directory}\n") == "ok"
    assert obedient.obey(f"ungroup {second}\n") == "ok"
    third.rmdir()  # gone already, as when the runner was killed in between

    obedient.end()

    assert [first.exists(), second.exists()] == [False, True]


def test_a_group_that_it_does_not_know_is_not_forgotten(obedient: Guard, tmp_path: Path) -> None:
    assert obedient.obey(f"ungroup {tmp_path}").startswith("no ")


@pytest.mark.parametrize("line", ["set", "set 1", "set one -", "set 1 lots", "set 1 - -"])
def test_nonsense_while_it_holds_changes_nothing(obedient: Guard, sysctl: FakeSysctl, line: str) -> None:
    obedient.obey("hold")

    assert obedient.obey(line).startswith("no ")

    assert sysctl.now == RATIO


def test_a_kernel_that_refuses_is_told_to_the_runner(obedient: Guard, sysctl: FakeSysctl) -> None:
    obedient.obey("hold")
    sysctl.broken = {"memory"}

    assert "Permission denied" in obedient.obey("set 1 -")

    sysctl.broken.clear()


def test_a_hold_that_somebody_has_is_told_to_the_runner(obedient: Guard, sysctl: FakeSysctl, folder: Path) -> None:
    hold = Hold(folder, sysctl.folder)

    assert obedient.obey("hold") == f"no vm.overcommit_* is held by another run (process {os.getpid()})"

    hold.release()


def test_want_of_memory_does_not_end_the_guard(
    obedient: Guard, sysctl: FakeSysctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a mode 2 whose limit leaves the guard itself nothing to allocate
    obedient.obey("hold")

    def exhausted(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(guard, "put_back", exhausted)
        assert obedient.obey("restore").startswith("no ")

    assert obedient.obey("restore") == "ok"
    assert sysctl.now == RATIO


def test_the_end_puts_settings_back_ends_the_session_and_removes_the_scratch_folder(
    obedient: Guard, sysctl: FakeSysctl, folder: Path, tmp_path: Path
) -> None:
    scratch = tmp_path / "with a space"
    scratch.mkdir()
    (scratch / "samples").write_bytes(b"1234")
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as worker:
        for line in ("hold", f"scratch {scratch}\n", f"watch {worker.pid}\n", "set 2 5000"):
            assert obedient.obey(line) == "ok"

        obedient.end()

        assert worker.wait() == -9
    obedient.hold = None
    assert sysctl.now == RATIO
    assert read_state(folder) is None
    assert not scratch.exists()


def test_settings_that_cannot_be_put_back_do_not_keep_the_session_alive(
    obedient: Guard, sysctl: FakeSysctl, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scratch").mkdir()
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as worker:
        for line in ("hold", f"scratch {tmp_path}/scratch", f"watch {worker.pid}"):
            obedient.obey(line)
        sysctl.broken = {"memory"}

        obedient.end()

        assert worker.wait() == -9
    assert not (tmp_path / "scratch").exists()
    assert "vm.overcommit_* could not be put back: [Errno 13] Permission denied" in capfd.readouterr().err
    sysctl.broken.clear()


def test_what_is_no_longer_watched_is_left_alone(obedient: Guard) -> None:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as worker:
        obedient.obey(f"watch {worker.pid}")
        obedient.obey("unwatch")

        obedient.end()

        assert worker.poll() is None
        worker.kill()


FAMILY = """
import os, subprocess, sys, time
# A session of four: a grandchild, a group of its own, and a name that would mislead who splits at blanks.
subprocess.Popen(["sh", "-c", "sleep 1000 & wait"])
subprocess.Popen(["sleep", "1000"], preexec_fn=os.setpgrp)
open("/proc/self/comm", "w").write("a) Z 0 (b")
print(flush=True)
time.sleep(1000)
"""


def test_a_session_is_ended_whole_and_no_other(tmp_path: Path) -> None:
    with (
        subprocess.Popen(["sleep", "1000"], start_new_session=True) as bystander,
        subprocess.Popen(
            [sys.executable, "-c", FAMILY], start_new_session=True, stdout=subprocess.PIPE, cwd=tmp_path
        ) as leader,
    ):
        assert leader.stdout is not None
        leader.stdout.readline()
        wait_until(lambda: len(session_members(leader.pid)) == 4)

        end_session(leader.pid)

        assert session_members(leader.pid) == []
        assert leader.wait() == -9
        assert bystander.poll() is None
        bystander.kill()


def test_the_dead_are_no_members() -> None:
    with subprocess.Popen(["true"], start_new_session=True) as leader:
        os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)

        assert session_members(leader.pid) == []


def test_ending_a_session_that_is_over_takes_no_time() -> None:
    with subprocess.Popen(["true"], start_new_session=True) as leader:
        leader.wait()

        end_session(leader.pid)
