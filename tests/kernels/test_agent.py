"""The agent of a guest, as a plain process: what it tells of a worker is what the runner would have seen itself."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from agent_driver import PATIENCE_S, PROBE, Agent, request

from bench import catalogue
from bench.kernels.wire import VERSION, Frame
from bench.measure.request import CommandLine
from bench.measure.samples import decode_arrivals


@pytest.fixture(scope="module")
def worker() -> Path:
    return catalogue.load().build.worker


@pytest.fixture
def agent(worker: Path, tmp_path: Path) -> Iterator[Agent]:
    with Agent(worker, tmp_path / "agent") as running:
        yield running


def shell(script: str) -> CommandLine:
    return CommandLine.of((), script)


def await_condition(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "the condition never came to hold"
        time.sleep(0.005)


# ---- reading


def test_it_greets_with_its_version_and_knows_that_it_is_not_process_1(agent: Agent) -> None:
    assert agent.greeting == {"version": VERSION, "first": False}


def test_it_reads_files_and_what_a_folder_holds_and_leaves_out_what_is_not_there(agent: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / name).write_text(name)
    (tmp_path / "large").write_bytes(large := os.urandom(300_000))

    found = agent.read(str(folder), "/proc/version", str(tmp_path / "large"), "/no/such/file")

    assert found == {
        f"{folder}/one": b"one",
        f"{folder}/two": b"two",
        "/proc/version": Path("/proc/version").read_bytes(),
        str(tmp_path / "large"): large,
    }


def test_what_only_nudges_it_means_nothing(agent: Agent) -> None:
    os.write(agent.line, b"\0\0\0")
    assert agent.read("/proc/sys/kernel/ostype") == {"/proc/sys/kernel/ostype": b"Linux\n"}
    os.write(agent.line, b"\0")
    assert agent.read("/proc/sys/kernel/ostype") == {"/proc/sys/kernel/ostype": b"Linux\n"}


# ---- a worker that does well


def test_a_worker_is_told_from_ready_to_its_end(agent: Agent) -> None:
    attended = agent.attend(request("fork_exec", PROBE, plan=(0,) * 20, warmup=5))

    ready, done = attended.said
    assert (ready["state"], done["state"], done["launches"]) == ("ready", "done", 20)
    assert [(sample.stage, sample.status) for sample in attended.samples] == [(0, 0)] * 20
    assert len(decode_arrivals(attended.files["arrivals"])) == 20
    assert attended.over == {"returncode": 0, "hung": None, "oom": False, "reason": None}
    assert attended.messages("left") == []


def test_what_was_in_force_is_told_before_the_launches(agent: Agent) -> None:
    attended = agent.attend(request("vfork_exec", PROBE))

    kinds = [frame.kind for frame in attended.frames]
    assert kinds[:6] == ["said", "held", "file", "file", "said", "held"]
    assert b"CommitLimit" in attended.files["/proc/meminfo"]
    mode = Path("/proc/sys/vm/overcommit_memory").read_bytes()
    assert attended.files["/proc/sys/vm/overcommit_memory"] == mode


def test_one_worker_comes_after_the_other(agent: Agent) -> None:
    for _ in range(3):
        attended = agent.attend(request("posix_spawn", PROBE, plan=(0, 0)))
        assert len(attended.samples) == len(decode_arrivals(attended.files["arrivals"])) == 2


def test_the_census_counts_a_helper_with_what_it_holds(agent: Agent) -> None:
    plain, helped = (agent.attend(request(name, PROBE)) for name in ("vfork_exec", "prefork_seqpacket"))

    assert [held["children"] for held in plain.messages("held")] == [0, 0]
    ready, done = helped.messages("held")
    assert ready == done
    assert (ready["children"], ready["threads"]) == (1, 2)
    assert ready["descriptors"] > plain.messages("held")[0]["descriptors"]


def test_the_census_agrees_with_the_one_from_outside(agent: Agent) -> None:
    agent.begin(request("vfork_exec", shell("sleep 0.5"), open_files=30))
    said, held = agent.hear(), agent.hear()
    process = psutil.Process(psutil.Process(agent.process.pid).children()[0].pid)

    assert said.message()["state"] == "ready"
    assert held.message() == {
        "zombies": 0,
        "children": 0,
        "descriptors": process.num_fds(),
        "threads": process.num_threads(),
    }
    agent.answer()


def test_the_worker_is_isolated_as_everywhere(agent: Agent, tmp_path: Path) -> None:
    report = tmp_path / "report"
    agent.attend(
        request("fork_exec", shell(f"cat /proc/$PPID/oom_score_adj > {report}; cat /proc/self/status >> {report}")),
        "isolate=cpus=0",
    )

    assert report.read_text().startswith("1000\n")
    assert "Cpus_allowed_list:\t0\n" in report.read_text()


def test_it_shares_the_cpu_with_no_worker_and_workers_share_it_as_usual(agent: Agent) -> None:
    if os.geteuid() != 0:
        pytest.skip("an ordinary user chooses no such policy")
    agent.begin(request("vfork_exec", shell("sleep 0.5")))
    agent.hear()
    worker = psutil.Process(agent.process.pid).children()[0].pid

    assert os.sched_getscheduler(agent.process.pid) == os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    assert os.sched_getscheduler(worker) == os.SCHED_OTHER
    agent.answer()


def test_the_calls_are_observed(agent: Agent) -> None:
    observed = str(agent.folder / "observed")

    attended = agent.attend(
        request("vfork_exec", PROBE), program=(str(agent.worker), "observe", observed, str(agent.worker))
    )

    assert attended.files["observed"] == b"worker vfork\nchild execve\n"


# ---- workers that do not


def test_a_refusal_is_passed_on(agent: Agent) -> None:
    attended = agent.attend(request("no_such_strategy", PROBE))

    (refusal,) = attended.said
    assert (refusal["state"], refusal["reason"]) == ("unsupported", "this worker has no strategy no_such_strategy")
    assert attended.over["hung"] is None


def test_a_worker_that_dies_has_its_signal_and_what_it_had_measured(agent: Agent) -> None:
    attended = agent.attend(request("fork_exec", PROBE, shell("kill -SEGV $PPID; sleep 5")))

    assert attended.over["returncode"] == -signal.SIGSEGV
    assert [message["state"] for message in attended.said] == ["ready"]
    assert attended.samples[0].status == 0


def test_a_worker_that_hangs_is_stopped_with_all_that_it_started(agent: Agent) -> None:
    attended = agent.attend(request("fork_exec", shell("exec sleep 1000")), "launch_ms=300")

    assert attended.over["hung"] == "launching"
    (left,) = attended.messages("left")
    assert left["name"] == "sleep"
    assert not psutil.pid_exists(left["pid"])


def test_a_stray_is_told_and_ended(agent: Agent) -> None:
    attended = agent.attend(request("fork_exec", shell("sleep 1000 & exit 0")))

    assert attended.over["returncode"] == 0
    (left,) = attended.messages("left")
    assert left["name"] == "sleep"
    assert not psutil.pid_exists(left["pid"])


def test_what_goes_to_stderr_is_kept(agent: Agent) -> None:
    attended = agent.attend(request("fork_exec", shell("echo something is wrong >&2")))

    assert attended.files["stderr"] == b"something is wrong\n"


def test_an_order_that_cannot_be_understood_is_told_and_does_no_harm(agent: Agent) -> None:
    refused = agent.attend(request("fork_exec", PROBE), "sooner=1")

    assert refused.over["reason"] == "sooner=1"
    assert agent.attend(request("fork_exec", PROBE)).over["returncode"] == 0


# ---- the line


def test_it_ends_when_told_so(agent: Agent) -> None:
    agent.send(Frame("stop").encode())

    assert agent.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    "damage", [b"garbage that is no frame", Frame("read", b"/proc/version\0").encode()[:-2] + b"?\0"]
)
def test_it_ends_when_what_comes_is_no_frame(agent: Agent, damage: bytes) -> None:
    agent.send(damage)

    assert agent.process.wait(PATIENCE_S) == 0
    assert agent.process.stderr is not None
    assert b"frame" in agent.process.stderr.read()


def test_neither_it_nor_its_worker_outlives_the_runner(agent: Agent) -> None:
    agent.begin(request("fork_exec", shell("exec sleep 1000")), "launch_ms=500")
    agent.hear()
    (child,) = psutil.Process(agent.process.pid).children()
    family = [child, *child.children(recursive=True)]

    agent.hang_up()

    assert agent.process.wait(PATIENCE_S) is not None
    await_condition(lambda: not any(process.is_running() for process in family))


def test_a_word_of_any_bytes_passes_the_line(agent: Agent) -> None:
    text = "".join(chr(number) for number in range(1, 128))
    attended = agent.attend(request("vfork_exec", CommandLine.of(("sh", "-c", 'printf %s "$1" >&2', "sh", text), "")))

    assert attended.files["stderr"] == text.encode()
    assert json.dumps(attended.over["reason"]) == "null"
