"""Holds one worker of this machine to the limits of its cell, and lets go of it: groups, rlimits, a user of its own.

    with confined(order.limits, guard) as confinement:
        isolate(*confinement.settings, ...)     # it enters the groups itself, before it becomes the worker
        ...
        confinement.held()                      # what was in force, and what the groups counted

Not for: whether that may be done here (bench.machine.limits), or what a cell asks for (admission.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.machine import GuardProcess, Limits, WorkerGroups, spare_user
from bench.measure.evidence import Held
from bench.scenario import Cell


def limits_of(cell: Cell) -> Limits:
    """What a cell's worker is held to."""
    return Limits(cell.memory_limit_bytes, cell.pids_limit, cell.nofile_limit, cell.nproc_limit)


@dataclass(frozen=True, slots=True)
class Confinement:
    """The limits of one worker as they are in force; `groups` is None where it has none of its own."""

    limits: Limits
    groups: WorkerGroups | None = None
    user: int | None = None

    @property
    def settings(self) -> list[str]:
        """What isolate is told (strategies/host/isolate.c), in its order: another user may not enter groups."""
        words = [f"cgroup={directory}" for directory in (self.groups.directories if self.groups else ())]
        words.append("open_files=max" if self.limits.nofile is None else f"open_files={self.limits.nofile}")
        if self.user is not None:
            words.append(f"user={self.user}")
        if self.limits.nproc is not None:
            words.append(f"processes={self.limits.nproc}")
        return words

    def held(self) -> Held | None:
        """What was in force and what was counted until now; None without limits."""
        if not self.limits:
            return None
        if self.groups is None:
            return Held(self.limits, user=self.user)
        return Held(self.limits, self.groups.version, self.user, self.groups.counted())


@contextmanager
def confined(limits: Limits, guard: GuardProcess) -> Iterator[Confinement]:
    """Make what the limits need; at the end it is gone, and so is every process that it held.

    Raises OSError, NoGroupError and LookupError when the machine has changed since its rights were read.
    """
    controllers = [
        name for name, limit in (("memory", limits.memory_bytes), ("pids", limits.pids)) if limit is not None
    ]
    user = spare_user() if limits.nproc is not None else None
    if not controllers:
        yield Confinement(limits, user=user)
        return
    groups = WorkerGroups.named(controllers)
    try:
        for directory in groups.directories:
            guard.group(directory)  # first: it must know of what a runner that is killed now has made
        groups.make()
        if limits.memory_bytes is not None:
            limits = replace(limits, memory_bytes=groups.limit_memory(limits.memory_bytes))
        if limits.pids is not None:
            limits = replace(limits, pids=groups.limit_pids(limits.pids))
        yield Confinement(limits, groups, user)
    finally:
        guard.ungroup()


def as_record(held: Held) -> dict[str, Any]:
    """The `limits` of a worker's line (results/README.md)."""
    limits = asdict(held.limits)
    counted = asdict(held.counted)
    return {
        "memory": limits.pop("memory_bytes"),
        **limits,
        "cgroup": held.cgroup,
        "user": held.user,
        **counted,
    }
