"""What the observed system calls say: the mechanism as text, and whether it is what the strategy's name claims. Pure.

The observer is strategies/host/observe.c; each of its lines is who calls and what.
"""

from __future__ import annotations

import errno
from typing import Literal

_CHILD = "child"
_FAILED = "failed "


def describe(observed: str) -> str | None:
    """The mechanism as one line, such as `vfork -> execve` or `helper: clone3(CLONE_VM|CLONE_VFORK) -> execve`.

    A call that failed has its errno: `clone3(CLONE_VM|CLONE_VFORK)=ENOSYS`. None when no process was made and nothing
    executed. Threads are no processes and are left out.
    """
    calls: list[str] = []
    last: dict[str, int] = {}
    for line in observed.splitlines():
        caller, _, call = line.partition(" ")
        if call.startswith(_FAILED):
            number = int(call.removeprefix(_FAILED))
            if caller in last:
                calls[last.pop(caller)] += f"={errno.errorcode.get(number, number)}"
        elif "CLONE_THREAD" in call:
            last.pop(caller, None)  # should it fail, it is not the call before it that failed
        else:
            last[caller] = len(calls)
            calls.append(call if caller in (_CHILD, "worker") else f"{caller}: {call}")
    return " -> ".join(calls) or None


def memory(mechanism: str) -> Literal["copied", "shared"] | None:
    """What the first call that makes a process does with its caller's memory; None when there is none."""
    made = [call for call in mechanism.split(" -> ") if "=" not in call]
    first = made[0].rpartition(": ")[2] if made else ""
    name, _, flags = first.partition("(")
    if name == "vfork" or "CLONE_VM" in flags:
        return "shared"
    return "copied" if name in ("fork", "clone", "clone3") else None


def contradiction(claim: Literal["copied", "shared"] | None, mechanism: str | None) -> str | None:
    """A sentence when the observed call is not what the strategy is taken for; None when it is, or claims nothing."""
    if claim is None or mechanism is None:
        return None
    seen = memory(mechanism)
    if seen is None or seen == claim:
        return None
    taken = {"copied": "copy", "shared": "share"}[claim]
    does = {"copied": "copies", "shared": "shares"}[seen]
    return f"it is taken to {taken} the caller's memory, but the observed call {does} it: {mechanism}"
