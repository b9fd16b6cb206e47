"""Judges launches: what was recorded, held against what the command had to do. Pure.

A launch is ok only when its command was seen to run and its status came back as expected.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.measure.samples import UNDER_WAY, Sample
from bench.record import LAUNCH_OUTCOMES, STAGES

_OK, _SPAWN_ERROR, _EXEC_ERROR, _WRONG_STATUS, _LOST_STATUS, _TIMEOUT = range(len(LAUNCH_OUTCOMES))
_SPAWN, _EXEC, _WAIT = (STAGES.index(name) for name in ("spawn", "exec", "wait"))
# What a shell makes of a signal and of an exec that failed (POSIX.1-2017, XCU 2.8.2): 127 for a command that is not
# found, 126 for one that is not executable.
_SHELL_SIGNAL = 128
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
# Shells differ on what else is "not found"; and of a shell that could not be started itself, 127 is all that is told.
_EITHER = frozenset({errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.E2BIG})


@dataclass(frozen=True, slots=True)
class Expected:
    """What a launch of one command must come to."""

    kind: Literal["exit", "signal", "exec_error"]
    number: int
    """Exit status, signal or errno."""
    tells_arrival: bool
    """The program itself says when it was reached; without that it did not run, whatever its status says."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What of a strategy and a hygiene decides how outcomes are read."""

    launches_nothing: bool = False
    status_form: Literal["wait", "shell"] = "wait"
    memory: Literal["copied", "shared"] | None = None
    """What its name claims about the memory between the launch and the exec."""
    promises: tuple[str, ...] = ()
    """What its hygiene keeps from the command."""


def judge(sample: Sample, reached: int | None, expected: Expected, manner: Manner, *, hung: bool) -> int:
    """The outcome of one launch, as an index into LAUNCH_OUTCOMES. `hung`: the worker had to be stopped."""
    if sample.state == UNDER_WAY:
        return _TIMEOUT if hung else _LOST_STATUS
    if manner.launches_nothing:
        return _OK
    if sample.stage == _SPAWN:
        return _SPAWN_ERROR
    if sample.stage == _EXEC:
        return _OK if expected.kind == "exec_error" and sample.error == expected.number else _EXEC_ERROR
    if sample.stage == _WAIT or not sample.has_status:
        return _LOST_STATUS
    if not _as_expected(sample.status, expected, manner):
        return _WRONG_STATUS
    ran = reached is not None or expected.kind == "exec_error" or not expected.tells_arrival
    return _OK if ran else _WRONG_STATUS


def _as_expected(status: int, expected: Expected, manner: Manner) -> bool:
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    through_shell = manner.status_form == "shell"
    match expected.kind:
        case "exit":
            return code == expected.number
        case "signal":
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == expected.number
            return killed or (through_shell and code == _SHELL_SIGNAL + expected.number)
        case "exec_error":
            return through_shell and code in _shell_codes(expected.number)


def _shell_codes(error: int) -> tuple[int, ...]:
    """How a shell can tell an exec that failed with this errno."""
    if error in _EITHER:
        return (_NOT_FOUND, _NOT_EXECUTABLE)
    return (_NOT_FOUND,) if error == errno.ENOENT else (_NOT_EXECUTABLE,)


def columns(
    samples: Sequence[Sample],
    reached: Sequence[int | None],
    expected: Sequence[Expected],
    manner: Manner,
    *,
    began: int,
    hung: bool,
) -> dict[str, Any]:
    """The `samples` of a worker's line (results/README.md): columns of one length, clocks in ns since `began`."""

    def since(moment: int | None) -> int | None:
        return moment - began if moment else None

    over = [sample.state != UNDER_WAY for sample in samples]
    told = {name: [getattr(sample, name) for sample in samples] for name in ("written", "pace")}
    return {name: column for name, column in told.items() if any(column)} | {
        "warmup": [sample.warmup for sample in samples],
        "command": [sample.command for sample in samples],
        "outcome": [
            judge(sample, when, expected[sample.command], manner, hung=hung)
            for sample, when in zip(samples, reached, strict=True)
        ],
        "stage": [sample.stage for sample in samples],
        "errno": [sample.error for sample in samples],
        "status": [sample.status if sample.has_status else None for sample in samples],
        "call": [sample.call - began for sample in samples],
        "returned": [since(sample.returned) for sample in samples],
        "reached": [since(when) for when in reached],
        # Without a status nothing was reaped; the moment is there all the same, as the end of the launch.
        "reaped": [since(sample.reaped) if sample.has_status else None for sample in samples],
        "minor_faults": [
            sample.minor_faults if finished else None for sample, finished in zip(samples, over, strict=True)
        ],
    }
