"""What an agent tells becomes the evidence that this machine's own place would have gathered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_driver import PROBE, Agent, Attended, request

from bench import catalogue
from bench.kernels.account import Account
from bench.kernels.wire import BrokenLinkError, Frame
from bench.measure import Count
from bench.measure.evidence import outcome
from bench.measure.request import CommandLine
from bench.measure.samples import decode


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with Agent(catalogue.load().build.worker, tmp_path / "agent") as running:
        yield running


def account(attended: Attended) -> Account:
    """Take the frames a millisecond apart."""
    taken = Account(0)
    for number, frame in enumerate(attended.frames, start=1):
        taken.take(frame, number * 1_000_000)
    return taken


def told(kind: str, **message: Any) -> Frame:
    return Frame(kind, json.dumps(message).encode())


def test_a_worker_that_does_well_has_finished(agent: Agent) -> None:
    attended = agent.attend(request("fork_exec", PROBE, plan=(0,) * 3))

    evidence = account(attended).evidence

    assert outcome(evidence) == {"kind": "finished"}
    assert len(decode(evidence.samples)) == 3
    assert evidence.counted_ready == evidence.counted_done == Count(0, 0, evidence.counted_ready.descriptors, 1)
    assert evidence.in_force is not None
    assert evidence.in_force.keys() == {"mode", "commit_limit", "committed"}
    assert None not in evidence.in_force.values()


def test_the_time_it_took_is_divided_among_what_it_did(agent: Agent) -> None:
    attended = agent.attend(request("fork_exec", PROBE))

    spent = account(attended).evidence.spent

    assert sum(spent.values()) == len(attended.frames) * 1_000_000
    # From the last that was told before `go` to what was said at its end.
    assert spent["launches"] == 1_000_000


@pytest.mark.parametrize(
    ("command", "settings", "expected"),
    [
        (CommandLine.of((), "kill -ABRT $PPID; exec sleep 5"), (), {"kind": "crashed", "signal": 6}),
        (
            CommandLine.of((), "exec sleep 1000"),
            ("launch_ms=200",),
            {"kind": "hung", "reason": "stopped while launching"},
        ),
    ],
)
def test_how_a_worker_ended_is_its_outcome(
    agent: Agent, command: CommandLine, settings: tuple[str, ...], expected: dict[str, Any]
) -> None:
    evidence = account(agent.attend(request("fork_exec", command), *settings)).evidence

    assert outcome(evidence) == expected
    assert [stray["state"] for stray in evidence.strays] == ["sleeping"]


def test_a_refusal_is_its_outcome(agent: Agent) -> None:
    evidence = account(agent.attend(request("dig", PROBE))).evidence

    assert outcome(evidence) == {"kind": "unsupported", "reason": "this worker has no strategy dig"}
    assert evidence.samples == b""


def test_what_an_agent_could_not_start_has_a_reason(agent: Agent) -> None:
    assert account(agent.attend(request("fork_exec", PROBE), "make=/no/such/folder")).reason == (
        "No such file or directory"
    )


@pytest.mark.parametrize("frame", [told("what"), Frame("said", b"ready"), Frame("file", b"no name")])
def test_what_cannot_be_understood_is_told(frame: Frame) -> None:
    with pytest.raises(BrokenLinkError):
        Account(0).take(frame, 1)
