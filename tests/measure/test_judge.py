"""Every outcome that a launch can have."""

from __future__ import annotations

import errno
import signal

import pytest
from launch_files import EXEC, SPAWN, UNDER_WAY, WAIT, arrival, sample

from bench.measure.judge import Expected, Manner, columns, judge
from bench.measure.samples import decode, decode_arrivals, join
from bench.record import LAUNCH_OUTCOMES, SAMPLE_COLUMNS

WAIT_FORM, SHELL_FORM = Manner(), Manner(status_form="shell")
NULL = Manner(launches_nothing=True)

EXIT_0 = Expected("exit", 0, tells_arrival=False)
EXIT_3 = Expected("exit", 3, tells_arrival=False)
PROBE = Expected("exit", 0, tells_arrival=True)
KILLED = Expected("signal", signal.SIGKILL, tells_arrival=False)
NO_FILE = Expected("exec_error", errno.ENOENT, tells_arrival=False)
NO_PROBE = Expected("exec_error", errno.E2BIG, tells_arrival=True)


def exited(code: int) -> bytes:
    return sample(1000, status=code << 8)


def killed(number: int, core: int = 0) -> bytes:
    return sample(1000, status=number | core)


def failed(stage: int, error: int) -> bytes:
    return sample(1000, stage=stage, error=error, status=None)


def outcome(
    data: bytes, expected: Expected, manner: Manner = WAIT_FORM, *, reached: int | None = None, hung: bool = False
) -> str:
    (found,) = decode(data)
    return LAUNCH_OUTCOMES[judge(found, reached, expected, manner, hung=hung)]


BOTH = (WAIT_FORM, SHELL_FORM)


@pytest.mark.parametrize("manner", BOTH)
@pytest.mark.parametrize(
    ("data", "expected", "is_"),
    [
        (exited(0), EXIT_0, "ok"),
        (exited(3), EXIT_3, "ok"),
        (exited(3), EXIT_0, "wrong_status"),
        (exited(0), EXIT_3, "wrong_status"),
        (exited(0), KILLED, "wrong_status"),
        (exited(0), NO_FILE, "wrong_status"),
        (killed(9), KILLED, "ok"),
        (killed(9, core=0x80), KILLED, "ok"),
        (killed(15), KILLED, "wrong_status"),
        (killed(9), EXIT_0, "wrong_status"),
        (killed(9), NO_FILE, "wrong_status"),
        (failed(SPAWN, errno.ENOMEM), EXIT_0, "spawn_error"),
        (failed(SPAWN, errno.ENOMEM), KILLED, "spawn_error"),
        (failed(SPAWN, errno.ENOENT), NO_FILE, "spawn_error"),
        (failed(EXEC, errno.ENOENT), EXIT_0, "exec_error"),
        (failed(EXEC, errno.ENOENT), KILLED, "exec_error"),
        (failed(EXEC, errno.ENOENT), NO_FILE, "ok"),
        (failed(EXEC, errno.EACCES), NO_FILE, "exec_error"),
        (failed(WAIT, errno.ECHILD), EXIT_0, "lost_status"),
        (failed(WAIT, errno.ECHILD), NO_FILE, "lost_status"),
        (sample(1000, status=None), EXIT_0, "lost_status"),
        (sample(1000, status=None), KILLED, "lost_status"),
    ],
)
def test_what_was_recorded_is_held_against_what_was_expected(
    data: bytes, expected: Expected, manner: Manner, is_: str
) -> None:
    assert outcome(data, expected, manner) == is_


@pytest.mark.parametrize(
    ("data", "expected", "as_wait", "as_shell"),
    [
        (exited(137), KILLED, "wrong_status", "ok"),
        (exited(143), KILLED, "wrong_status", "wrong_status"),
        (exited(127), NO_FILE, "wrong_status", "ok"),
        (exited(126), NO_FILE, "wrong_status", "wrong_status"),
        (exited(126), Expected("exec_error", errno.EACCES, tells_arrival=False), "wrong_status", "ok"),
        (exited(127), Expected("exec_error", errno.EACCES, tells_arrival=False), "wrong_status", "wrong_status"),
        (exited(127), Expected("exec_error", errno.E2BIG, tells_arrival=False), "wrong_status", "ok"),
        (exited(125), NO_FILE, "wrong_status", "wrong_status"),
        (exited(127), EXIT_0, "wrong_status", "wrong_status"),
        (exited(137), Expected("exit", 137, tells_arrival=False), "ok", "ok"),
    ],
)
def test_a_shell_tells_signals_and_failed_execs_as_exit_statuses(
    data: bytes, expected: Expected, as_wait: str, as_shell: str
) -> None:
    assert outcome(data, expected, WAIT_FORM) == as_wait
    assert outcome(data, expected, SHELL_FORM) == as_shell


@pytest.mark.parametrize("manner", BOTH)
def test_a_probe_that_did_not_tell_its_arrival_did_not_run(manner: Manner) -> None:
    assert outcome(exited(0), PROBE, manner, reached=1050) == "ok"
    assert outcome(exited(0), PROBE, manner, reached=None) == "wrong_status"
    assert outcome(exited(1), PROBE, manner, reached=1050) == "wrong_status"


def test_a_probe_whose_exec_must_fail_need_not_arrive() -> None:
    assert outcome(failed(EXEC, errno.E2BIG), NO_PROBE) == "ok"
    assert outcome(exited(126), NO_PROBE, SHELL_FORM) == "ok"


@pytest.mark.parametrize("manner", [*BOTH, NULL])
def test_a_launch_under_way_timed_out_when_the_worker_hung_and_is_lost_when_it_died(manner: Manner) -> None:
    begun = sample(1000, state=UNDER_WAY)

    assert outcome(begun, EXIT_0, manner, hung=True) == "timeout"
    assert outcome(begun, EXIT_0, manner, hung=False) == "lost_status"


def test_launches_before_the_hang_keep_their_outcome() -> None:
    assert outcome(exited(0), EXIT_0, hung=True) == "ok"
    assert outcome(failed(SPAWN, errno.EAGAIN), EXIT_0, hung=True) == "spawn_error"


@pytest.mark.parametrize("expected", [EXIT_0, EXIT_3, PROBE, KILLED, NO_FILE])
def test_what_launches_nothing_is_always_ok(expected: Expected) -> None:
    assert outcome(exited(0), expected, NULL) == "ok"


def test_columns_count_from_when_the_worker_was_told_to_go() -> None:
    samples = decode(
        sample(1100, warmup=1)
        + sample(1300, command=1, stage=SPAWN, error=12, status=None, minor_faults=9)
        + sample(1500, state=UNDER_WAY)
    )
    reached = join(samples, decode_arrivals(arrival(1150)))

    found = columns(samples, reached, (PROBE, EXIT_0), WAIT_FORM, began=1000, hung=True)

    assert found == {
        "warmup": [1, 0, 0],
        "command": [0, 1, 0],
        "outcome": [LAUNCH_OUTCOMES.index(name) for name in ("ok", "spawn_error", "timeout")],
        "stage": [0, SPAWN, 0],
        "errno": [0, 12, 0],
        "status": [0, None, None],
        "call": [100, 300, 500],
        "returned": [140, 340, None],
        "reached": [150, None, None],
        "reaped": [200, None, None],
        "minor_faults": [3, 9, None],
    }
    assert tuple(found) == SAMPLE_COLUMNS
