"""Control groups of a worker's own, on trees built to look like real machines, and real ones where they can be made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.machine import Counted, NoGroupError, WorkerGroups, groups
from bench.machine.guard import end_group, group_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

V2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = (
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "36 31 0:33 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    "37 31 0:34 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
BOTH = ("memory", "pids")


def plant(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def v2(root: Path, own: str, passed_on: Mapping[str, str]) -> Path:
    """A machine with one hierarchy; `passed_on` has a group's cgroup.subtree_control."""
    files = {"proc/self/cgroup": f"0::{own}\n", "proc/self/mountinfo": V2}
    files["sys/fs/cgroup/cgroup.controllers"] = "cpu memory pids\n"
    for group, controllers in passed_on.items():
        files[f"sys/fs/cgroup{group}/cgroup.subtree_control"] = f"{controllers}\n"
        files[f"sys/fs/cgroup{group}/cgroup.controllers"] = "cpu memory pids\n"
    (root / f"sys/fs/cgroup{own}").mkdir(parents=True, exist_ok=True)
    return plant(root, files)


def v1(root: Path) -> Path:
    for group in ("memory/jobs", "pids"):
        (root / "sys/fs/cgroup" / group).mkdir(parents=True)
    own = "4:memory:/jobs\n3:pids:/\n0::/\n"
    return plant(root, {"proc/self/cgroup": own, "proc/self/mountinfo": V1})


def shown(root: Path, found: WorkerGroups) -> list[str]:
    return [str(directory.relative_to(root / "sys/fs/cgroup")) for directory in found.directories]


def test_in_v2_it_is_made_where_the_controllers_are_passed_on(tmp_path: Path) -> None:
    # GIVEN a session as systemd makes it: its own group holds its processes, and passes nothing on
    root = v2(tmp_path, "/user/session", {"": "cpu memory pids", "/user": "memory pids", "/user/session": ""})

    found = WorkerGroups.named(BOTH, root)

    (directory,) = shown(root, found)
    assert directory.startswith(f"user/launchbench-{os.getpid()}-")
    assert found.version == 2
    assert not found.directories[0].exists()


def test_in_v2_one_group_serves_all_controllers(tmp_path: Path) -> None:
    root = v2(tmp_path, "/user/session", {"": "memory pids", "/user": "memory", "/user/session": ""})

    assert shown(root, WorkerGroups.named(["memory"], root))[0].startswith("user/launchbench-")
    assert shown(root, WorkerGroups.named(BOTH, root))[0].startswith("launchbench-")


def test_in_v1_each_controller_has_its_own(tmp_path: Path) -> None:
    root = v1(tmp_path)

    found = WorkerGroups.named(BOTH, root)

    memory, pids = shown(root, found)
    assert memory.startswith("memory/jobs/launchbench-")
    assert pids.startswith("pids/launchbench-")
    assert found.version == 1


def test_no_two_groups_have_one_name(tmp_path: Path) -> None:
    root = v1(tmp_path)

    assert WorkerGroups.named(BOTH, root).directories != WorkerGroups.named(BOTH, root).directories


def test_where_nothing_is_passed_on_it_is_said(tmp_path: Path) -> None:
    root = v2(tmp_path, "/job", {"": "", "/job": ""})

    reason = groups.missing_right(BOTH, root)

    directory = root / "sys/fs/cgroup/job"
    assert reason == (
        f"may not make a control group that limits memory and pids below {directory} (needs root, or a delegated group)"
    )
    with pytest.raises(NoGroupError, match="may not make a control group"):
        WorkerGroups.named(BOTH, root)


def test_without_the_controller_it_is_said(tmp_path: Path) -> None:
    assert groups.missing_right(["memory"], tmp_path) == "no control group has the memory controller here"


def test_the_limits_are_written_by_the_names_of_each_version(tmp_path: Path) -> None:
    root = v2(tmp_path, "/", {"": "memory pids"})
    found = WorkerGroups.named(BOTH, root)
    found.make()
    (directory,) = found.directories
    plant(directory, {"memory.swap.max": "max\n"})

    assert found.limit_memory(1 << 30) == 1 << 30
    assert found.limit_pids(20) == 20

    written = {file.name: file.read_text() for file in directory.iterdir()}
    assert written == {"memory.max": f"{1 << 30}\n", "memory.swap.max": "0\n", "pids.max": "20\n"}


def test_a_kernel_without_swap_is_not_told_of_it(tmp_path: Path) -> None:
    root = v1(tmp_path)
    found = WorkerGroups.named(["memory"], root)
    found.make()

    found.limit_memory(1 << 30)

    assert [file.name for file in found.directories[0].iterdir()] == ["memory.limit_in_bytes"]


@pytest.mark.parametrize(
    ("make", "files"),
    [
        (
            v1,
            {
                "memory.max_usage_in_bytes": "5000\n",
                "memory.failcnt": "7\n",
                "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
                "pids.events": "max 3\n",
            },
        ),
        (
            lambda root: v2(root, "/", {"": "memory pids"}),
            {
                "memory.peak": "5000\n",
                "memory.events": "low 0\nhigh 1\nmax 7\noom 2\noom_kill 2\noom_group_kill 0\n",
                "pids.events": "max 3\n",
            },
        ),
    ],
    ids=["v1", "v2"],
)
def test_what_was_counted_has_one_form(tmp_path: Path, make: object, files: dict[str, str]) -> None:
    assert callable(make)
    found = WorkerGroups.named(BOTH, make(tmp_path))
    found.make()
    for directory in found.directories:
        plant(directory, files)

    assert found.counted() == Counted(memory_peak=5000, memory_events=7, oom_kills=2, pids_events=3)


def test_what_is_not_counted_is_none(tmp_path: Path) -> None:
    found = WorkerGroups.named(["pids"], v1(tmp_path))
    found.make()

    assert found.counted() == Counted()


def test_a_group_is_abandoned_when_its_run_is_over(tmp_path: Path) -> None:
    stat = "({name}) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {began} 0"
    files = {
        f"proc/{pid}/stat": f"{pid} {stat.format(name='a b) (c', began=began)}" for pid, began in ((7, 700), (8, 1))
    }
    root = plant(v1(tmp_path), files)
    alive = ["launchbench-7-700-0", "launchbench-7-700-12", "launchbench-8", "launchbench-x", "somebody-9-9-9"]
    over = ["launchbench-7-699-0", "launchbench-9-900-1", "launchbench-9"]
    for name in (*alive, *over):
        (root / "sys/fs/cgroup/pids/jobs" / name).mkdir(parents=True)
    (root / "sys/fs/cgroup/unified" / "launchbench-9").mkdir(parents=True)

    gone, left = groups.sweep(root)

    top = root / "sys/fs/cgroup"
    assert sorted(gone) == sorted([*(top / "pids/jobs" / name for name in over), top / "unified/launchbench-9"])
    assert left == []
    assert sorted(found.name for found in (top / "pids/jobs").iterdir()) == sorted(alive)


def test_what_holds_something_is_left_and_named(tmp_path: Path) -> None:
    root = v1(tmp_path)
    held = root / "sys/fs/cgroup/pids/launchbench-9-900-1"
    plant(held, {"a file": "cannot be in a real one; like a process, it keeps rmdir from working"})

    assert groups.sweep(root) == ([], [held])


needs_groups = pytest.mark.skipif(groups.missing_right(BOTH) is not None, reason=f"{groups.missing_right(BOTH)}")


@pytest.fixture
def real() -> Iterator[WorkerGroups]:
    """Groups of this machine."""
    found = WorkerGroups.named(BOTH)
    found.make()
    yield found
    for directory in found.directories:
        end_group(directory)


@pytest.mark.root
@needs_groups
def test_ending_a_group_ends_what_is_in_it(real: WorkerGroups) -> None:
    enter = "".join(f"echo 0 > {directory}/cgroup.procs; " for directory in real.directories)
    sleeping = "exec sleep 1000"
    # Two, one of them out of reach of the other's session.
    script = f"{enter} setsid sh -c '{sleeping}' & echo ready; {sleeping}"
    process = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as told:
        assert told.readline() == b"ready\n"
    members = {*group_members(real.directories[0])}
    assert process.pid in members
    assert len(members) == 2

    assert [end_group(directory) for directory in real.directories] == [True] * len(real.directories)

    assert process.wait() == -9
    assert not any(directory.exists() for directory in real.directories)
    assert group_members(real.directories[0]) == []


@pytest.mark.root
@needs_groups
def test_the_kernel_takes_the_limits_that_are_written(real: WorkerGroups) -> None:
    assert real.limit_memory((64 << 20) + 1) == 64 << 20  # whole pages
    assert real.limit_pids(1) == 1
    counted = real.counted()
    assert (counted.memory_events, counted.oom_kills, counted.pids_events) == (0, 0, 0)

    enter = "".join(f"echo 0 > {directory}/cgroup.procs; " for directory in real.directories)
    subprocess.run(["/bin/sh", "-c", f"{enter} true & wait"], check=False, stderr=subprocess.DEVNULL)
    hungry = [sys.executable, "-I", "-S", "-c", f"{'x'!r} * (128 << 20)"]
    refused = subprocess.run(["/bin/sh", "-c", f'{enter} exec "$@"', "sh", *hungry], check=False)

    assert refused.returncode == -9
    counted = real.counted()
    assert (counted.oom_kills, counted.pids_events) == (1, 1)
    assert (counted.memory_events or 0) > 0
