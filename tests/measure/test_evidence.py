"""What became of a worker, told from what it left behind."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from bench.machine import Counted, Limits
from bench.measure.evidence import Evidence, Held, outcome

READY = {"state": "ready"}
DONE = {"state": "done", "began": 1}


def held(oom_kills: int | None) -> Held:
    return Held(Limits(memory_bytes=1 << 30), cgroup=1, counted=Counted(oom_kills=oom_kills))


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(ready=READY, done=DONE, returncode=0), {"kind": "finished"}),
        # The OOM killer may have run for somebody else.
        (Evidence(ready=READY, done=DONE, returncode=0, oom=True), {"kind": "finished"}),
        (Evidence(ready=READY, returncode=-9, oom=True), {"kind": "oom_killed", "reason": "while launching"}),
        (Evidence(returncode=-9, oom=True), {"kind": "oom_killed", "reason": "while mapping"}),
        (Evidence(returncode=-9, oom=True, held=held(oom_kills=1)), {"kind": "oom_killed", "reason": "while mapping"}),
        # A group of its own knows that it was somebody else's process, or a kill from outside.
        (Evidence(returncode=-9, oom=True, held=held(oom_kills=0)), {"kind": "crashed", "signal": 9}),
        (Evidence(returncode=-9, oom=False, held=held(oom_kills=None)), {"kind": "crashed", "signal": 9}),
        (Evidence(ready=READY, done=DONE, returncode=0, oom=True, held=held(oom_kills=3)), {"kind": "finished"}),
        (Evidence(ready=READY, returncode=-9), {"kind": "crashed", "signal": 9}),
        (Evidence(ready=READY, returncode=-11, oom=True), {"kind": "crashed", "signal": 11}),
        (Evidence(ready=READY, done=DONE, returncode=-6), {"kind": "crashed", "signal": 6}),
        (Evidence(returncode=70), {"kind": "crashed", "reason": "ended with status 70 while starting"}),
        (Evidence(ready=READY, returncode=0), {"kind": "crashed", "reason": "ended with status 0 while launching"}),
        (Evidence(hung="mapping", returncode=-9), {"kind": "hung", "reason": "stopped while mapping"}),
        (Evidence(ready=READY, hung="launching", returncode=-9, oom=True), {"kind": "hung"}),
        (Evidence(ready=READY, done=DONE, hung="ending", returncode=-9), {"kind": "hung"}),
    ],
)
def test_a_worker_that_was_started_has_one_outcome(evidence: Evidence, expected: dict[str, Any]) -> None:
    assert outcome(evidence).items() >= expected.items()


@pytest.mark.parametrize("done", [None, DONE])
def test_a_worker_that_says_it_is_done_and_fails_did_not_finish(done: dict[str, Any] | None) -> None:
    assert outcome(Evidence(ready=READY, done=done, returncode=3))["kind"] == "crashed"


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (
            {"state": "unsupported", "errno": 0, "reason": "no pidfd before Linux 5.3"},
            {"kind": "unsupported", "reason": "no pidfd before Linux 5.3"},
        ),
        (
            {"state": "not_allocatable", "errno": errno.ENOMEM, "reason": "Cannot allocate memory"},
            {"kind": "not_allocatable", "errno": errno.ENOMEM, "reason": "Cannot allocate memory"},
        ),
        (
            {"state": "not_allocatable", "errno": 0, "reason": "4096 of 8192 bytes are resident"},
            {"kind": "not_allocatable", "reason": "4096 of 8192 bytes are resident"},
        ),
        (
            {"state": "failed", "errno": errno.ENOSPC, "reason": "the samples' file cannot be made"},
            {"kind": "crashed", "reason": "the samples' file cannot be made (ENOSPC)"},
        ),
        ({"state": "failed", "errno": 0, "reason": "the request lacks a part"},
         {"kind": "crashed", "reason": "the request lacks a part"}),
        ({"state": "failed", "errno": 9999, "reason": "odd"}, {"kind": "crashed", "reason": "odd (9999)"}),
    ],
)  # fmt: skip
def test_a_worker_that_refuses_says_why(refusal: dict[str, Any], expected: dict[str, Any]) -> None:
    assert outcome(Evidence(refusal=refusal, returncode=0)) == expected
