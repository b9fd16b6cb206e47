"""What a worker answers to requests that it cannot serve, and that it ends with whoever it works for."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
from worker_driver import (
    PATIENCE_S,
    PROBE,
    ChannelEndError,
    Conversation,
    await_end,
    children,
    command,
    request,
)

from bench.catalogue import Catalogue, Entry
from bench.machine.guard import end_session
from bench.measure.samples import OVER, UNDER_WAY
from bench.record import STAGES

Talk = Callable[..., Conversation]

FOREVER = command("/bin/sleep", "1000")


def framed(*words: str) -> bytes:
    """Words as a request."""
    body = b"".join(word.encode() + b"\0" for word in words)
    return b"request %d\n" % len(body) + body


def whole(worker: Conversation, **changed: str) -> list[str]:
    """The words of a request that can be served, some of them changed."""
    words = {
        "strategy": worker.entry.name,
        "reaper": "waitpid",
        "hygiene": "none",
        "backing": "anon",
        "footprint": "1048576",
        "open_files": "0",
        "time_limit": "1000000000",
        "warmup": "0",
        "samples": str(worker.samples_file),
        "plan": "0",
    }
    return [f"{key}={value}" for key, value in (words | changed).items()]


def ends_after(worker: Conversation) -> bool:
    """Whether nothing more is said, and the worker ends as one that did its duty."""
    with pytest.raises(ChannelEndError):
        worker.hear()
    return worker.process.wait(PATIENCE_S) == 0


# ---- requests that are none


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"hello\n", "instead of a request: hello"),
        (b"request\n", "instead of a request: request"),
        (b"request many\n", "instead of a request: request many"),
        (b"request 0\n", "a request of 0 bytes"),
        (b"request 99999999999\n", "a request of 99999999999 bytes"),
        (b"request 5\nword=", "the request's last word does not end"),
        (b"x" * 100, "instead of a request: " + "x" * 40),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else "",
)
def test_a_request_without_a_proper_frame_is_refused(worker_of: Entry, talk: Talk, head: bytes, reason: str) -> None:
    worker = talk(worker_of)

    worker.send(head)

    assert worker.hear() == {"state": "failed", "errno": errno.EINVAL, "reason": reason}
    assert ends_after(worker)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"nonsense": "1"}, "the request says nonsense=1"),
        ({"footprint": "lots"}, "footprint=lots is not a number"),
        ({"warmup": "1x"}, "warmup=1x is not a number"),
        ({"plan": "0,1"}, "the plan names command 1 of 1"),
        ({"plan": "4294967296"}, "the plan "),
        ({"plan": "0 0 0 0 0 0"}, "the plan is malformed"),
        ({"plan": "0,,0"}, "the plan is malformed"),
        ({"plan": "-1"}, "the plan "),
        ({"plan": ""}, "the "),
    ],
    ids=lambda value: "-".join(*value.items()) if isinstance(value, dict) else "",
)
def test_a_request_that_makes_no_sense_is_refused(
    worker_of: Entry, talk: Talk, changed: dict[str, str], reason: str
) -> None:
    worker = talk(worker_of)

    worker.send(framed(*whole(worker, **changed), "command=true", "arg=true"))

    answer = worker.hear()
    assert (answer["state"], answer["errno"]) == ("failed", errno.EINVAL)
    assert answer["reason"].startswith(reason)
    assert ends_after(worker)


@pytest.mark.parametrize("part", ["strategy", "hygiene", "samples", "plan"])
def test_a_request_that_lacks_a_part_is_refused(worker_of: Entry, talk: Talk, part: str) -> None:
    worker = talk(worker_of)

    words = [word for word in whole(worker) if not word.startswith(f"{part}=")]
    worker.send(framed(*words, "command=true", "arg=true"))

    assert worker.hear() == {"state": "failed", "errno": errno.EINVAL, "reason": "the request lacks a part"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "the request lacks a part"),
        (["command=true"], "command 0 has no arguments"),
        (["arg=true"], "the request says arg=true"),
    ],
    ids=["no-command", "no-arguments", "argument-of-nothing"],
)
def test_a_request_without_a_whole_command_is_refused(
    worker_of: Entry, talk: Talk, words: list[str], reason: str
) -> None:
    worker = talk(worker_of)

    worker.send(framed(*whole(worker), *words))

    assert worker.hear() == {"state": "failed", "errno": errno.EINVAL, "reason": reason}


@pytest.mark.parametrize("kind", ["strategy", "reaper", "hygiene", "backing"])
def test_what_the_worker_has_not_is_unsupported(worker_of: Entry, talk: Talk, kind: str) -> None:
    worker = talk(worker_of)

    worker.send(framed(*whole(worker, **{kind: "of_another_day"}), "command=true", "arg=true"))

    answer = worker.hear()
    assert (answer["state"], answer["errno"]) == ("unsupported", 0)
    assert kind in answer["reason"]
    assert "of_another_day" in answer["reason"]
    assert ends_after(worker)


def test_a_child_that_is_the_callers_needs_a_reaper(talk: Talk, catalogue: Catalogue) -> None:
    entry = next(entry for entry in catalogue.of("strategy") if entry.runtime == "native" and not entry.own_reaper)
    worker = talk(entry)

    words = [word for word in whole(worker) if not word.startswith("reaper=")]
    worker.send(framed(*words, "command=true", "arg=true"))

    assert worker.hear() == {"state": "failed", "errno": errno.EINVAL, "reason": "the request names no reaper"}


def test_files_beyond_the_limit_are_unsupported(worker_of: Entry, talk: Talk) -> None:
    worker = talk(worker_of)
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (64, 64))

    answer = worker.ask(request(worker_of, PROBE, open_files=100))

    assert (answer["state"], answer["errno"]) == ("unsupported", errno.EMFILE)
    assert " of 100 files could be opened: " in answer["reason"]


def test_samples_that_cannot_be_kept_are_a_failure(talk: Talk, catalogue: Catalogue) -> None:
    worker = talk(catalogue.strategy("fork_exec"))

    worker.send(framed(*whole(worker, samples="/no/such/folder/samples"), "command=true", "arg=true"))

    assert worker.hear() == {
        "state": "failed",
        "errno": errno.ENOENT,
        "reason": "the samples' file cannot be made",
    }


def test_another_word_than_go_ends_the_worker(strategy: Entry, talk: Talk) -> None:
    worker = talk(strategy)
    worker.ask(request(strategy, PROBE))

    worker.send(b"gone\n")

    assert ends_after(worker)
    assert worker.arrivals() == []


# ---- the end of the channel is the end


def test_the_end_of_the_channel_ends_a_worker_without_a_request(worker_of: Entry, talk: Talk) -> None:
    worker = talk(worker_of)

    worker.hang_up()

    assert worker.process.wait(PATIENCE_S) == 0


def test_the_end_of_the_channel_ends_a_worker_with_half_a_request(worker_of: Entry, talk: Talk) -> None:
    worker = talk(worker_of)

    worker.send(b"request 1000\nstrategy=")
    worker.hang_up()

    assert worker.process.wait(PATIENCE_S) == 0
    assert (worker.folder / "stderr").read_text() == ""


def test_the_end_of_the_channel_ends_a_worker_that_is_ready(strategy: Entry, talk: Talk) -> None:
    worker = talk(strategy)
    worker.ask(request(strategy, PROBE))
    helpers = children(worker.pid)

    worker.hang_up()

    await_end(worker.pid, *helpers)
    assert worker.arrivals() == []


def test_the_end_of_the_channel_ends_a_worker_when_it_has_launched(launching: Entry, talk: Talk) -> None:
    worker = talk(launching)
    worker.ask(request(launching, command("/bin/sleep", "0.1")))
    helpers = children(worker.pid)

    worker.send(b"go\n")
    worker.hang_up()

    await_end(worker.pid, *helpers)
    assert [sample.state for sample in worker.samples()] == [OVER]


def test_the_end_of_the_channel_ends_a_worker_that_is_done(strategy: Entry, talk: Talk) -> None:
    worker = talk(strategy)
    worker.ask(request(strategy, PROBE))
    helpers = children(worker.pid)
    worker.send(b"go\n")
    worker.hear()

    worker.hang_up()

    await_end(worker.pid, *helpers)


# ---- no worker without its runner


RUNNER = """
import subprocess, sys
channel, program = int(sys.argv[1]), sys.argv[2:]
print(subprocess.Popen(program, stdin=channel).pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("launching_now", [False, True], ids=["ready", "launching"])
def test_a_killed_runner_takes_its_worker_and_helper_along(launching: Entry, talk: Talk, launching_now: bool) -> None:
    """The channel is held open by this test: only the death of its parent can tell the worker."""
    ours = talk(launching)  # a second worker, only for its files and its request
    here, there = socket.socketpair()
    isolate = [str(ours.catalogue.build.worker), "isolate", "--", *ours.catalogue.worker(launching), "work"]
    with here, there:
        runner = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", RUNNER, str(there.fileno()), *isolate],
            pass_fds=[there.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert runner.stdin
        assert runner.stdout
        with runner.stdin, runner.stdout as told:
            worker = int(told.readline())
            here.settimeout(PATIENCE_S)
            here.sendall(request(launching, FOREVER).encode(ours.samples_file, (0,), ours.environment))
            assert b"ready" in here.recv(4096)
            helpers = children(worker)
            if launching_now:
                here.sendall(b"go\n")
                ours.await_launch()
            runner.kill()
            runner.wait()
        await_end(worker, *helpers)
        end_session(worker)  # the command that it had launched


def test_the_samples_of_a_killed_worker_survive_it(launching: Entry, talk: Talk) -> None:
    worker = talk(launching)
    worker.ask(request(launching, PROBE, FOREVER, plan=(0, 0, 0, 1, 0)))
    worker.send(b"go\n")
    worker.await_launch(3)

    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait(PATIENCE_S)

    samples = worker.samples()
    assert [sample.state for sample in samples] == [OVER, OVER, OVER, UNDER_WAY]
    assert samples[3].call >= samples[2].reaped > 0
    assert samples[3].reaped == 0
    assert len(worker.arrivals()) == 3


def test_without_its_helper_a_strategy_fails_to_launch(strategy: Entry, talk: Talk) -> None:
    if strategy.name.startswith("multiprocessing_"):
        pytest.skip("multiprocessing starts its helpers again by itself")
    worker = talk(strategy)
    worker.ask(request(strategy, PROBE, plan=(0, 0)))
    helpers = children(worker.pid)
    for pid in helpers:
        os.kill(pid, signal.SIGKILL)
    await_end(*helpers)

    worker.send(b"go\n")

    assert worker.hear()["launches"] == 2
    failed = (STAGES.index("spawn"), errno.EPIPE, 0)
    launched = (STAGES.index("none"), 0, 1)
    found = [(sample.stage, sample.error, sample.has_status) for sample in worker.samples()]
    assert found == [failed if helpers else launched] * 2
