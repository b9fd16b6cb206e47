"""What every strategy keeps to, whichever way it launches.

The command that runs is the one that was asked for, what became of it is what is reported, and nothing is left.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from worker_driver import PROBE, Conversation, Done, await_condition, children, command, descriptors, request, shell

from bench.catalogue import Catalogue, Entry
from bench.measure.samples import Sample, join
from bench.record import STAGES

Launch = Callable[..., Done]
Talk = Callable[..., Conversation]
Shells = Callable[[Entry], bool]

NONE, SPAWN, EXEC = (STAGES.index(stage) for stage in ("none", "spawn", "exec"))
KIB = 1 << 10
# It reads the command's output itself, as its callers do; what a test looks for there has gone through the worker.
READ_THE_OUTPUT = {"popen"}
# glibc 2.36's popen() leaves ENOMEM in errno whatever made it fail; see the strategy.
SAY_ENOMEM = {"popen"}
# What a shell adds to the environment it passes on.
ADDED_BY_SHELLS = {"PWD", "OLDPWD", "SHLVL", "_"}
# Each launch starts an interpreter, or copies one; a thousand would take longer than the time limit.
INTERPRETERS = {"multiprocessing_spawn", "multiprocessing_forkserver"}


def exited(status: int) -> int:
    """The wait status of exit(status)."""
    return status << 8


def ended(sample: Sample) -> tuple[int, int, int | None]:
    """Stage, errno and wait status."""
    return sample.stage, sample.error, sample.status if sample.has_status else None


def refused_by_exec(sample: Sample, entry: Entry, number: int, *shell_statuses: int) -> bool:
    """The errno at stage exec, or from a shell one of its own statuses for that."""
    if entry.status_form == "wait":
        return (sample.stage, sample.error) == (EXEC, number)
    return ended(sample) in [(NONE, 0, exited(status)) for status in shell_statuses]


# ---- what the command gets


WORDS = ["two words", 'a"b', "it's", "$HOME", "`id`", "a\\b", "line\nbreak", "größe €", "*", "", "-n", "\udcff", "end "]


def test_arguments_arrive_exactly(launching: Entry, launch: Launch, tmp_path: Path) -> None:
    script = f"""printf '%s\\0' "$@" > {tmp_path}/words"""

    done = launch(launching, command("/bin/sh", "-c", script, "sh", *WORDS))

    assert ended(done.samples[0]) == (NONE, 0, exited(0))
    assert (tmp_path / "words").read_bytes().split(b"\0")[:-1] == [os.fsencode(word) for word in WORDS]


def test_the_environment_arrives_exactly(
    launching: Entry, launch: Launch, through_shell: Shells, tmp_path: Path
) -> None:
    environment = {"PATH": "/usr/bin:/bin", "EMPTY": "", "A": "b=c", "LINES_": "two\nlines 'in' $HOME", "UTF8": "größe"}

    launch(launching, command("cp", "/proc/self/environ", f"{tmp_path}/environ"), environment=environment)

    arrived = [word.decode() for word in (tmp_path / "environ").read_bytes().split(b"\0")[:-1]]
    if through_shell(launching):
        arrived = [word for word in arrived if word.partition("=")[0] not in ADDED_BY_SHELLS]
    assert sorted(arrived) == sorted(f"{name}={value}" for name, value in environment.items())


def test_standard_input_is_empty(launching: Entry, launch: Launch, tmp_path: Path) -> None:
    done = launch(launching, shell(f"readlink /proc/self/fd/0 > {tmp_path}/input; wc -c >> {tmp_path}/input"))

    assert ended(done.samples[0]) == (NONE, 0, exited(0))
    assert (tmp_path / "input").read_text().split() == ["/dev/null", "0"]


def test_output_goes_where_the_workers_goes(launching: Entry, launch: Launch) -> None:
    done = launch(launching, shell("echo out; echo err >&2"))

    assert done.stdout == (b"" if launching.name in READ_THE_OUTPUT else b"out\n")
    assert done.stderr == b"err\n"


def test_a_command_that_writes_more_than_a_pipe_holds_is_not_stuck(launching: Entry, launch: Launch) -> None:
    done = launch(launching, shell("head -c 1000000 /dev/zero"))

    assert ended(done.samples[0]) == (NONE, 0, exited(0))
    assert len(done.stdout) == (0 if launching.name in READ_THE_OUTPUT else 1_000_000)


@pytest.mark.parametrize("policy", [os.SCHED_OTHER, os.SCHED_BATCH], ids=["other", "batch"])
def test_it_is_scheduled_as_its_caller(launching: Entry, launch: Launch, tmp_path: Path, policy: int) -> None:
    usual = os.sched_getscheduler(0)
    os.sched_setscheduler(0, policy, os.sched_param(0))
    try:
        launch(launching, command("cp", "/proc/self/stat", f"{tmp_path}/stat"))
    finally:
        os.sched_setscheduler(0, usual, os.sched_param(0))

    fields = (tmp_path / "stat").read_text().rpartition(") ")[2].split()
    nice, scheduled = int(fields[19 - 3]), int(fields[41 - 3])  # proc_pid_stat(5); the third comes first here
    assert (nice, scheduled) == (os.nice(0), policy)


def test_only_standard_descriptors_are_inherited(launching: Entry, launch: Launch, tmp_path: Path) -> None:
    done = launch(launching, shell(f"ls -l /proc/self/fd > {tmp_path}/open"), open_files=5)

    listed = [line.split(" -> ") for line in (tmp_path / "open").read_text().splitlines()[1:]]
    beyond = [target for words, target in listed if int(words.split()[-1]) > 2]
    assert ended(done.samples[0]) == (NONE, 0, exited(0))
    # ls itself has the folder open. Neither the control channel, nor the samples, nor a pipe, nor a held file.
    assert [Path(target).parts[::3] for target in beyond] == [("/", "fd")]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["x" * 100 * KIB], id="one-argument"),
        pytest.param([f"{n:09}" for n in range(10 * KIB)], id="many-arguments"),
    ],
)
def test_long_arguments_arrive(launching: Entry, launch: Launch, tmp_path: Path, words: list[str]) -> None:
    script = f"""printf '%s\\0' "$@" > {tmp_path}/words"""

    done = launch(launching, command("/bin/sh", "-c", script, "sh", *words), PROBE, plan=(0, 1, 0))

    assert [ended(sample) for sample in done.samples] == [(NONE, 0, exited(0))] * 3
    assert (tmp_path / "words").read_bytes() == "".join(f"{word}\0" for word in words).encode()


# ---- what comes back


def test_exit_statuses_come_back(launching: Entry, launch: Launch) -> None:
    done = launch(launching, *(command("/bin/sh", "-c", f"exit {status}") for status in (0, 3, 255)))

    assert [ended(sample) for sample in done.samples] == [(NONE, 0, exited(status)) for status in (0, 3, 255)]


def test_deaths_by_signal_come_back(launching: Entry, launch: Launch) -> None:
    signals = (signal.SIGKILL, signal.SIGTERM)

    done = launch(launching, *(command("/bin/sh", "-c", f"kill -{number:d} $$") for number in signals))

    for sample, number in zip(done.samples, signals, strict=True):
        as_killed, as_shell = (NONE, 0, int(number)), (NONE, 0, exited(128 + number))
        assert ended(sample) in ([as_killed] if launching.status_form == "wait" else [as_killed, as_shell])


@pytest.mark.parametrize("name", ["/no/such/command", "no-such-command"])
def test_a_missing_command_is_an_exec_error(launching: Entry, launch: Launch, name: str) -> None:
    (sample,) = launch(launching, command(name)).samples

    assert refused_by_exec(sample, launching, errno.ENOENT, 127)


def test_a_file_that_is_not_executable_is_an_exec_error(launching: Entry, launch: Launch, tmp_path: Path) -> None:
    file = tmp_path / "not-executable"
    file.write_text("#!/bin/sh\n")

    (sample,) = launch(launching, command(str(file))).samples

    assert refused_by_exec(sample, launching, errno.EACCES, 126)


def test_a_directory_is_an_exec_error(launching: Entry, launch: Launch, tmp_path: Path) -> None:
    (sample,) = launch(launching, command(str(tmp_path))).samples

    assert refused_by_exec(sample, launching, errno.EACCES, 126)


def test_text_without_an_interpreter_is_run_by_shells_alone(
    launching: Entry, launch: Launch, through_shell: Shells, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("exit 7\n")
    script.chmod(stat.S_IRWXU)

    (sample,) = launch(launching, command(str(script))).samples

    if through_shell(launching):
        assert ended(sample) == (NONE, 0, exited(7))  # POSIX.1-2017, XCU 2.9.1.1: a shell runs it as a script
    else:
        assert refused_by_exec(sample, launching, errno.ENOEXEC, 126)


def test_an_argument_that_is_too_long_is_an_exec_error(launching: Entry, launch: Launch) -> None:
    # MAX_ARG_STRLEN is 32 pages (execve(2)). Where the whole line is one argument, it is the shell that cannot be run.
    (sample,) = launch(launching, command("/bin/true", "x" * 200 * KIB)).samples

    said = errno.ENOMEM if launching.name in SAY_ENOMEM else errno.E2BIG
    assert (sample.stage, sample.error) == (EXEC, said) or refused_by_exec(sample, launching, said, 126, 127)


def full_at(pid: int) -> int:
    """The number that the next descriptor of a process would get: a limit of that many leaves it none."""
    taken = {int(file.name) for file in Path(f"/proc/{pid}/fd").iterdir()}
    return min(set(range(len(taken) + 1)) - taken)


def test_without_a_free_descriptor_a_launch_works_or_is_a_spawn_error(launching: Entry, talk: Talk) -> None:
    worker = talk(launching)
    worker.ask(request(launching, PROBE, command("/bin/true", "x" * 70 * KIB)))
    held = descriptors(worker.pid)
    _, hard = resource.prlimit(worker.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (full_at(worker.pid), hard))

    worker.send(b"go\n")
    worker.hear()

    assert descriptors(worker.pid) == held
    for sample in worker.samples():
        assert ended(sample) in [(NONE, 0, exited(0)), (SPAWN, errno.EMFILE, None)]


@pytest.mark.parametrize("name", ["prefork_seqpacket", "prefork_late"])
def test_a_helper_does_not_take_the_cpu_from_its_caller(catalogue: Catalogue, talk: Talk, name: str) -> None:
    worker = talk(catalogue.strategy(name))
    worker.ask(request(worker.entry, PROBE))
    (helper,) = children(worker.pid)

    assert (os.sched_getscheduler(worker.pid), os.sched_getscheduler(helper)) == (os.SCHED_OTHER, os.SCHED_BATCH)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_helper_without_room_for_what_is_passed_to_it_keeps_none_of_it(
    catalogue: Catalogue, talk: Talk, room: int
) -> None:
    """A full descriptor table takes some of the descriptors in a message only (unix(7), MSG_CTRUNC)."""
    passing = catalogue.strategy("prefork_seqpacket")
    worker = talk(passing)
    worker.ask(request(passing, PROBE, plan=(0,) * 5))
    (helper,) = children(worker.pid)
    held = descriptors(helper)
    resource.prlimit(helper, resource.RLIMIT_NOFILE, (full_at(helper) + room,) * 2)

    worker.send(b"go\n")
    worker.hear()

    assert [ended(sample) for sample in worker.samples()] == [(SPAWN, errno.EMFILE, None)] * 5
    # It may have something to close after it has answered.
    await_condition(lambda: descriptors(helper) == held)


def test_the_launch_after_a_failure_is_none(launching: Entry, launch: Launch) -> None:
    done = launch(launching, command("/no/such/command"), PROBE, plan=(0, 1, 0, 1))

    assert [sample.status for sample in done.samples[1::2]] == [exited(0)] * 2
    assert [sample.stage for sample in done.samples[1::2]] == [NONE] * 2
    assert len(done.arrivals) == 2


# ---- what is left


def test_a_thousand_launches_leave_nothing(strategy: Entry, talk: Talk) -> None:
    worker = talk(strategy)
    mix = (PROBE, command("/no/such/command"), command("/bin/sh"), command("/tmp", "x" * 70 * KIB))
    launches = 50 if strategy.name in INTERPRETERS else 1000
    ready = worker.ask(request(strategy, *mix, plan=(0, 0, 0, 0, 0, 0, 0, 1, 2, 3) * (launches // 10)))
    helpers = children(worker.pid)
    held = {pid: descriptors(pid) for pid in (worker.pid, *helpers)}

    worker.send(b"go\n")
    done = worker.hear()

    assert (ready["state"], done["state"], done["launches"]) == ("ready", "done", launches)
    assert children(worker.pid) == helpers
    # A helper may have something to close after a launch was over for its caller: after the first too, before `held`.
    await_condition(lambda: all(set(descriptors(pid)) <= set(open_before) for pid, open_before in held.items()))
    assert [children(helper) for helper in helpers] == [[] for _ in helpers]
    assert worker.finish() == 0
    assert (worker.folder / "stderr").read_text().count("Traceback") == 0


def test_a_helper_ends_before_its_worker(strategy: Entry, talk: Talk) -> None:
    worker = talk(strategy)
    worker.ask(request(strategy, PROBE))
    worker.send(b"go\n")
    worker.hear()
    helpers = children(worker.pid)

    assert worker.finish() == 0
    # The worker has waited for each: nothing of them is left, not even a zombie.
    assert not [pid for pid in helpers if Path(f"/proc/{pid}").exists()]


# ---- what is measured


class Fifty(NamedTuple):
    """A worker that launched fifty times."""

    pid: int
    done: Done


@pytest.fixture(scope="module")
def fifties() -> dict[str, Fifty]:
    return {}


@pytest.fixture
def fifty(launching: Entry, talk: Talk, fifties: dict[str, Fifty]) -> Fifty:
    """One for each strategy: several tests look at what it left."""
    if launching.name not in fifties:
        worker = talk(launching)
        fifties[launching.name] = Fifty(worker.pid, worker.carry_out(request(launching, PROBE, plan=(0,) * 50)))
    return fifties[launching.name]


def test_clocks_are_ordered(fifty: Fifty) -> None:
    done = fifty.done

    reached = join(done.samples, done.arrivals)
    assert len(done.samples) == 50
    for sample, when in zip(done.samples, reached, strict=True):
        assert when is not None
        assert done.done["began"] <= sample.call <= sample.returned <= sample.reaped <= done.done["ended"]
        assert sample.call <= when <= sample.reaped


def test_each_launch_arrives_once_as_the_process_that_was_reported(launching: Entry, fifty: Fifty) -> None:
    done = fifty.done

    assert len(done.arrivals) == len(done.samples) == 50
    for sample, arrival in zip(done.samples, done.arrivals, strict=True):
        if sample.pid:
            assert sample.pid == arrival.pid
            # The one who forked it twice is its parent only when the child between has ended; a helper's is the helper.
            assert arrival.parent == fifty.pid or launching.name == "double_fork" or launching.own_reaper
        else:
            assert launching.own_reaper, "a reaper can only wait for a child that is reported"


def test_warm_up_launches_are_marked(strategy: Entry, launch: Launch) -> None:
    done = launch(strategy, PROBE, plan=(0,) * 5, warmup=2)

    assert [sample.warmup for sample in done.samples] == [1, 1, 0, 0, 0]


def test_the_plan_is_kept_to(strategy: Entry, launch: Launch) -> None:
    plan = (2, 0, 1, 1, 2, 0)

    done = launch(strategy, PROBE, command("/bin/sh", "-c", ":"), command("/bin/true"), plan=plan)

    assert tuple(sample.command for sample in done.samples) == plan


def test_the_time_limit_stops_launching_and_leaves_the_rest_untouched(launching: Entry, talk: Talk) -> None:
    worker = talk(launching)
    slow = command("/bin/sleep", "0.05")

    done = worker.carry_out(request(launching, slow, plan=(0,) * 1000, time_limit_ns=200_000_000))

    made = done.done["launches"]
    assert 0 <= made < 1000
    assert len(done.samples) == made
    record = len(worker.samples_file.read_bytes()) // 1000
    assert not any(worker.samples_file.read_bytes()[made * record :])


def test_nothing_is_launched_when_no_time_is_given(strategy: Entry, launch: Launch) -> None:
    done = launch(strategy, PROBE, plan=(0,) * 3, time_limit_ns=0)

    assert (done.done["launches"], done.samples, done.arrivals) == (0, [], [])


def test_the_floor_launches_nothing(floor: Entry, launch: Launch) -> None:
    done = launch(floor, PROBE, plan=(0,) * 5)

    assert done.arrivals == []
    assert [ended(sample) for sample in done.samples] == [(NONE, 0, 0)] * 5
