"""From observed calls to a mechanism, and to what it denies."""

from __future__ import annotations

import pytest

from bench.measure.mechanism import contradiction, describe, memory


@pytest.mark.parametrize(
    ("observed", "text"),
    [
        ("worker vfork\nchild execve\n", "vfork -> execve"),
        ("worker clone(SIGCHLD)\nchild clone(SIGCHLD)\nchild execve\n", "clone(SIGCHLD) -> clone(SIGCHLD) -> execve"),
        ("helper vfork\nchild execve\n", "helper: vfork -> execve"),
        ("thread clone3(CLONE_VM|CLONE_VFORK)\nchild execve\n", "thread: clone3(CLONE_VM|CLONE_VFORK) -> execve"),
        # A thread that the library makes for itself is no process.
        ("worker vfork\nchild execve\nworker clone3(CLONE_VM|CLONE_SIGHAND|CLONE_THREAD)\n", "vfork -> execve"),
        # One that could not be made is not the call before it.
        (
            "worker vfork\nchild execve\nworker clone3(CLONE_VM|CLONE_THREAD)\nworker failed 38\n",
            "vfork -> execve",
        ),
        # A library that tries the newer call first; a failed exec along PATH; a fork that is refused.
        (
            "worker clone3(CLONE_VM|CLONE_VFORK)\nworker failed 38\nworker clone(CLONE_VM|CLONE_VFORK)\nchild execve\n",
            "clone3(CLONE_VM|CLONE_VFORK)=ENOSYS -> clone(CLONE_VM|CLONE_VFORK) -> execve",
        ),
        ("worker vfork\nchild execve\nchild failed 2\nchild execve\n", "vfork -> execve=ENOENT -> execve"),
        ("worker clone(SIGCHLD)\nworker failed 12\n", "clone(SIGCHLD)=ENOMEM"),
        ("worker failed 38\n", None),
        ("", None),
    ],
)
def test_what_was_observed_becomes_one_line(observed: str, text: str | None) -> None:
    assert describe(observed) == text


@pytest.mark.parametrize(
    ("mechanism", "does"),
    [
        ("vfork -> execve", "shared"),
        ("clone(CLONE_VM) -> execve", "shared"),
        ("helper: clone3(CLONE_VM|CLONE_VFORK) -> execve", "shared"),
        ("fork -> execve", "copied"),
        ("clone(SIGCHLD) -> execve", "copied"),
        ("helper: clone(SIGCHLD) -> execve", "copied"),
        ("clone3(CLONE_VM|CLONE_VFORK)=ENOSYS -> clone(SIGCHLD) -> execve", "copied"),
        ("clone(SIGCHLD)=ENOMEM", None),
        ("execve", None),
    ],
)
def test_the_first_call_says_what_becomes_of_the_memory(mechanism: str, does: str | None) -> None:
    assert memory(mechanism) == does


def test_a_vfork_that_is_a_fork_is_said_in_words() -> None:
    assert contradiction("shared", "clone(SIGCHLD) -> execve") == (
        "it is taken to share the caller's memory, but the observed call copies it: clone(SIGCHLD) -> execve"
    )


@pytest.mark.parametrize(
    ("claim", "mechanism"), [("shared", "vfork -> execve"), (None, "clone(SIGCHLD) -> execve"), ("copied", None)]
)
def test_what_is_as_claimed_or_claims_nothing_is_no_contradiction(claim: str | None, mechanism: str | None) -> None:
    assert contradiction(claim, mechanism) is None  # type: ignore[arg-type]
