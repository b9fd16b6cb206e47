"""What became of a worker, told from what it left behind."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from bench.measure.evidence import Evidence, outcome

READY = {"state": "ready"}
DONE = {"state": "done", "began": 1}


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(ready=READY, done=DONE, returncode=0), {"kind": "finished"}),
        # The OOM killer may have run for somebody else.
        (Evidence(ready=READY, done=DONE, returncode=0, oom=True), {"kind": "finished"}),
        (Evidence(ready=READY, returncode=-9, oom=True), {"kind": "oom_killed"}),
        (Evidence(returncode=-9, oom=True), {"kind": "oom_killed"}),
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
