"""What a probe says that it inherited, and what a hygiene promised."""

from __future__ import annotations

import signal

import pytest

from bench.measure import observed
from bench.measure.inherited import broken, read

LINE = (
    "pid=7 parent=6 session=5 group=7 umask=27 blocked=10000 ignored=180001000 "
    "descriptors=0-2,5,9-11 cgroup=4:pids:/a b;0::/;"
)


def test_a_line_is_read() -> None:
    found = read(LINE)

    assert found.descriptors == (0, 1, 2, 5, 9, 10, 11)
    assert found.beyond_standard == (5, 9, 10, 11)
    assert found.blocked == (signal.SIGCHLD,)
    assert found.ignored == (signal.SIGPIPE, 32, 33)
    assert (found.umask, found.own_session, found.own_group) == (0o27, False, True)
    assert found.cgroup == "4:pids:/a b;0::/"
    assert found.as_record()["descriptors"] == "0-2,5,9-11"
    assert found.as_record()["ignored"] == ["SIGPIPE", "32", "33"]


@pytest.mark.parametrize("line", ["", "pid=7", "pid=7 umask=22 cgroup=-", LINE.replace("blocked=", "b=")])
def test_what_is_no_such_line_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="without"):
        read(line)


def test_only_what_was_promised_can_be_broken() -> None:
    found = read(LINE)

    assert broken(found, ()) == ()
    assert broken(found, ("descriptors",)) == ("against the promise: 4 descriptors: 5,9-11",)
    assert broken(found, ("blocked", "ignored")) == (
        "against the promise: blocked signals: SIGCHLD",
        "against the promise: ignored signals: SIGPIPE, 32, 33",
    )


def test_a_record_has_both_in_any_order() -> None:
    seen = observed.read(f"worker vfork\n{LINE}\nchild execve\n")

    assert seen.mechanism == "vfork -> execve"
    assert seen.inherited == read(LINE)
    assert observed.read(None) == observed.Observed(None, None)
