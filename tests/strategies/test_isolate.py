"""What `isolate` makes of a process before it becomes the worker; all of it is still so in the program that follows."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.catalogue import Catalogue
from bench.machine import WorkerGroups, groups
from bench.machine.guard import end_group

sys.path.insert(0, str(Path(__file__).parent.parent / "measure"))
from conditions import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
_NO_GROUPS = groups.missing_right(("memory", "pids"))
needs_groups = pytest.mark.skipif(_NO_GROUPS is not None, reason=f"{_NO_GROUPS}")

Isolate = Callable[..., "subprocess.CompletedProcess[str]"]

FACTS = ("stat", "status", "limits", "oom_score_adj")


@pytest.fixture
def isolator(catalogue: Catalogue) -> str:
    return str(catalogue.build.worker)


@pytest.fixture
def isolate(isolator: str) -> Isolate:
    """`launchbench-worker isolate` with these words."""

    def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run([isolator, "isolate", *words], capture_output=True, text=True, check=False, **options)

    return run


@pytest.fixture
def facts(isolate: Isolate) -> Callable[..., dict[str, str]]:
    """What /proc says of an isolated process: field or file, and its text."""

    def read(*settings: str, **options: Any) -> dict[str, str]:
        result = isolate(*settings, "--", "/bin/cat", *(f"/proc/self/{fact}" for fact in FACTS), **options)
        assert (result.returncode, result.stderr) == (0, "")
        stat, *lines, oom_score_adj = result.stdout.splitlines()
        fields = {key: text.strip() for key, _, text in (line.partition(":") for line in lines)}
        limits = {line[:26].strip(): line[26:] for line in lines}
        return {"stat": stat, "oom_score_adj": oom_score_adj} | fields | limits

    return read


@pytest.fixture
def blocked_and_ignored() -> Iterator[None]:
    """This process blocks one signal and ignores another, and children inherit both."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    ignored = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGUSR2, ignored)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def test_it_leads_a_session_and_a_process_group(facts: Callable[..., dict[str, str]]) -> None:
    pid, _, _, _, group, session = facts()["stat"].split()[:6]

    assert pid == group == session


def test_it_is_what_the_oom_killer_prefers(facts: Callable[..., dict[str, str]]) -> None:
    assert facts()["oom_score_adj"] == "1000"


def test_it_leaves_no_core(facts: Callable[..., dict[str, str]]) -> None:
    assert facts()["Max core file size"].split()[:2] == ["0", "0"]


@pytest.mark.usefixtures("blocked_and_ignored")
def test_signals_are_as_a_login_has_them(facts: Callable[..., dict[str, str]]) -> None:
    found = facts(restore_signals=False)

    assert [int(found[mask], 16) for mask in ("SigBlk", "SigIgn", "SigCgt")] == [0, 0, 0]


def test_it_is_held_to_the_cpus_that_are_named(facts: Callable[..., dict[str, str]]) -> None:
    last = max(os.sched_getaffinity(0))

    assert facts(f"cpus={last}")["Cpus_allowed_list"] == str(last)


def test_it_keeps_its_cpus_when_none_are_named(facts: Callable[..., dict[str, str]]) -> None:
    here = Path("/proc/self/status").read_text()

    assert f"Cpus_allowed_list:\t{facts()['Cpus_allowed_list']}\n" in here


def test_open_files_are_raised_to_what_is_allowed(isolator: str) -> None:
    script = 'ulimit -Sn 64; exec "$@"'
    shown = subprocess.run(
        ["/bin/sh", "-c", script, "sh", isolator, "isolate", "open_files=max", "--", "/bin/sh", "-c", "ulimit -Sn"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert shown.strip() == str(hard)


def test_open_files_are_limited_for_good(facts: Callable[..., dict[str, str]]) -> None:
    assert facts("open_files=20")["Max open files"].split()[:2] == ["20", "20"]


def test_processes_are_limited_for_good(facts: Callable[..., dict[str, str]]) -> None:
    assert facts("processes=30000")["Max processes"].split()[:2] == ["30000", "30000"]


@needs_root
def test_another_user_keeps_roots_reach_and_nothing_else_of_it(facts: Callable[..., dict[str, str]]) -> None:
    found = facts("user=61184")

    assert found["Uid"].split() == found["Gid"].split() == ["61184"] * 4
    assert found["Groups"] == ""
    # CAP_DAC_OVERRIDE, bit 1: files are where they were.
    assert {int(found[kind], 16) for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {1 << 1}


@needs_root
def test_another_user_dies_with_its_parent_as_well(isolator: str) -> None:
    # Becoming another user forgets the signal; a shell that isolates a process and is killed must not leave it.
    script = '"$0" isolate user=61184 -- /bin/sleep 1000 & echo $!; wait'
    shell = subprocess.Popen(["/bin/sh", "-c", script, isolator], stdout=subprocess.PIPE, text=True)
    assert shell.stdout is not None
    with shell.stdout as told:
        sleeper = psutil.Process(int(told.readline()))
    wait_until(lambda: sleeper.name() == "sleep")

    shell.kill()
    shell.wait()

    wait_until(lambda: not sleeper.is_running() or sleeper.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.root
@needs_groups
def test_it_is_in_its_group_before_the_program_begins(isolate: Isolate) -> None:
    found = WorkerGroups.named(["memory", "pids"])
    found.make()
    try:
        words = [f"cgroup={directory}" for directory in found.directories]
        shown = isolate(*words, "--", "/bin/cat", "/proc/self/cgroup").stdout
    finally:
        gone = [end_group(directory) for directory in found.directories]

    lines = [line for line in shown.splitlines() if line.endswith(f"/{found.directories[0].name}")]
    assert len(lines) == len(found.directories)
    assert all(gone)


def test_its_words_and_environment_arrive(isolate: Isolate) -> None:
    result = isolate("--", "/bin/sh", "-c", 'echo "$@" $GREETING', "sh", "a b", "--", env={"GREETING": "hello"})

    assert (result.returncode, result.stdout) == (0, "a b -- hello\n")


def test_it_does_not_work_for_a_parent_that_has_died(isolate: Isolate) -> None:
    assert isolate(f"parent={os.getpid()}", "--", "/bin/echo", "hello").stdout == "hello\n"

    orphan = isolate("parent=1", "--", "/bin/echo", "hello")
    assert (orphan.returncode, orphan.stdout, orphan.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["sessions=2", "--", "/bin/true"], "sessions=2: Invalid argument"),
        (["open_files=many", "--", "/bin/true"], "open_files=many: Invalid argument"),
        (["cpus=first", "--", "/bin/true"], "cpus=first: Invalid argument"),
        (["cpus=99999", "--", "/bin/true"], "cpus=99999: Invalid argument"),
        (["cpus=", "--", "/bin/true"], "cpus=: Invalid argument"),
        (["open_files=0", "--", "/bin/true"], "open_files=0: Invalid argument"),
        (["processes=-", "--", "/bin/true"], "processes=-: Invalid argument"),
        (["processes=5x", "--", "/bin/true"], "processes=5x: Invalid argument"),
        (["user=", "--", "/bin/true"], "user=: Invalid argument"),
        (["user", "--", "/bin/true"], "user: Invalid argument"),
        (["use=5", "--", "/bin/true"], "use=5: Invalid argument"),
        (["cgroup=/no/such/group", "--", "/bin/true"], "cgroup=/no/such/group: No such file or directory"),
        (["--"], "no program: Invalid argument"),
        (["cpus=0"], "no program: Invalid argument"),
        (["--", "/no/such/program"], "/no/such/program: No such file or directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_it_cannot_do_it_says(isolate: Isolate, words: list[str], complaint: str) -> None:
    result = isolate(*words)

    assert (result.returncode, result.stderr) == (70, f"isolate: {complaint}\n")


def test_a_process_group_without_a_session_is_refused(isolator: str) -> None:
    # As a job of an interactive shell is: the leader of a process group can make no session (setsid(2)).
    lead_group = "import os, sys; os.setpgid(0, 0); os.execv(sys.argv[1], sys.argv[1:])"
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", lead_group, isolator, "isolate", "--", "/bin/true"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stderr) == (70, "isolate: session: Operation not permitted\n")


def test_other_words_show_the_usage(isolator: str) -> None:
    for words in ([], ["isolate"], ["work", "hard"], ["rest"]):
        result = subprocess.run([isolator, *words], capture_output=True, text=True, check=False)
        assert result.returncode == 2
        assert result.stderr.startswith("usage: ")
