"""What one worker left behind, wherever it ran, and what became of it. Pure.

A place (this machine, a guest) carries out an Order and returns Evidence; nothing after that knows where it was.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from bench.machine import NO_LIMITS, NOTHING_COUNTED, Counted, LimitRights, Limits, MemoryFacts, Settings
from bench.measure.census import Count
from bench.measure.inherited import Inherited
from bench.measure.request import PROBE, CommandLine, Request
from bench.record import PlaceFields

_OBSERVED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Mode:
    """A policy of vm.overcommit_* for the launches."""

    memory: int
    limit_bytes: int | None
    """Beyond what was committed before the footprint was mapped; None: the machine's own ratio."""
    while_mapping: bool
    """In force before the footprint is mapped already."""


@dataclass(frozen=True, slots=True)
class Order:
    """One worker to run."""

    worker: tuple[str, ...]
    """The command line of the worker's program."""
    request: Request
    cpus: tuple[int, ...] | None
    """CPUs that worker and children are held to; None: free."""
    mode: Mode | None
    """None: the machine's settings as they are."""
    limits: Limits = NO_LIMITS
    """In force from before the worker's program begins until it has ended."""
    paced: bool = False
    """The pacer is asked between launches, where the place has one."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a worker was held to, as the kernel took it, and what its control groups counted."""

    limits: Limits
    cgroup: int | None = None
    """The groups' version; None: it had none of its own."""
    user: int | None = None
    """Whom it ran as, so that RLIMIT_NPROC binds; None: as the runner."""
    counted: Counted = NOTHING_COUNTED


@dataclass(slots=True)
class Evidence:
    """What is known of one worker. Spans are in ns of wall time."""

    ready: dict[str, Any] | None = None
    done: dict[str, Any] | None = None
    refusal: dict[str, Any] | None = None
    """What the worker said instead of being ready."""
    returncode: int | None = None
    """As subprocess has it: negative for a signal."""
    hung: str | None = None
    """The state in which it had to be stopped."""
    oom: bool = False
    """The kernel's OOM killer ran meanwhile."""
    samples: bytes = b""
    arrivals: bytes = b""
    counted_ready: Count | None = None
    counted_done: Count | None = None
    strays: list[dict[str, Any]] = field(default_factory=list)
    in_force: dict[str, int | None] | None = None
    held: Held | None = None
    """None: the order had no limits."""
    mechanism: str | None = None
    """The calls that were observed in an untimed launch."""
    inherited: Inherited | None = None
    """What the command of that launch inherited."""
    stderr: str = ""
    spent: dict[str, int] = field(default_factory=dict)


def observation(order: Order, record: str) -> Order:
    """The order of one launch that is observed instead of timed: of the probe, from a small footprint.

    What is mapped makes no difference to the calls; and the scenario's commands would be run once more than was asked.
    The probe adds what it inherited to the record, the file that the observer writes to.
    """
    request = replace(
        order.request,
        footprint_bytes=_OBSERVED_BYTES,
        vmas=1,
        warmup=0,
        plan=(0,),
        commands=(CommandLine.of((PROBE,), ""),),
        in_flight=1,
        burst=False,
        writes=0,
        bystanders=0,
        inherited=record,
    )
    return replace(order, request=request, mode=None, limits=NO_LIMITS, paced=False)


def spans(marks: Mapping[str, int], evidence: Evidence, now: int) -> dict[str, int]:
    """Where the wall time of one worker went: ns that add up to `now` - begun.

    `marks` are moments: `begun` and `ended` always, `ready`, `go`, `done` and `exit` when it came so far.
    """
    ready = marks.get("ready", marks["ended"])
    # A worker's own clock is not the wall's where instructions are counted.
    footprint = min(int((evidence.ready or {}).get("footprint_ns", 0)), ready - marks["begun"])
    launches = marks["done"] - marks["go"] if "done" in marks else 0
    release = marks["ended"] - marks["exit"] if "exit" in marks else 0
    start = ready - marks["begun"] - footprint
    whole = now - marks["begun"]
    return {
        "start": start,
        "footprint": footprint,
        "launches": launches,
        "release": release,
        "overhead": whole - start - footprint - launches - release,
    }


class Place(Protocol):
    """Somewhere workers run: this machine, another root on it, or one boot of a guest (site.py opens it).

    A place that dies raises bench.measure.PlaceLostError from any of these.
    """

    def describe(self) -> PlaceFields:
        """What of it differs from the machine that the file's header describes; nothing for that machine itself."""

    def cpus(self) -> tuple[int, ...]:
        """The CPUs that a worker may use."""

    def memory(self) -> MemoryFacts:
        """The memory now."""

    def settings(self) -> Settings:
        """vm.overcommit_* now."""

    def missing_right(self) -> str | None:
        """Why vm.overcommit_* may not be changed here; None when it may."""

    def limit_rights(self) -> LimitRights:
        """What a worker cannot be limited to here, and why."""

    def carry_out(self, order: Order) -> Evidence:
        """Run one worker from start to end, and leave the place as it was."""

    def observe(self, order: Order) -> str | None:
        """Launch the probe once as an order would, untimed and observed: what strategies/host/observe.c writes.

        None when this place cannot observe, or the launch was not made.
        """


def outcome(evidence: Evidence) -> dict[str, Any]:
    """The one outcome of a worker (results/README.md)."""
    if evidence.hung:
        return {"kind": "hung", "reason": f"stopped while {evidence.hung}"}
    if evidence.refusal:
        return _refused(evidence.refusal)
    if evidence.returncode == 0 and evidence.done:
        return {"kind": "finished"}
    if evidence.returncode is not None and evidence.returncode < 0:
        number = -evidence.returncode
        if number == signal.SIGKILL and _killed_for_memory(evidence):
            return {"kind": "oom_killed", "reason": f"while {'launching' if evidence.ready else 'mapping'}"}
        return {"kind": "crashed", "signal": number}
    reason = f"ended with status {evidence.returncode} while {'launching' if evidence.ready else 'starting'}"
    return {"kind": "crashed", "reason": reason}


def _killed_for_memory(evidence: Evidence) -> bool:
    """Whether it was the OOM killer. A control group of the worker's own knows better than the machine's counter."""
    kills = evidence.held.counted.oom_kills if evidence.held else None
    return evidence.oom if kills is None else kills > 0


def _refused(refusal: dict[str, Any]) -> dict[str, Any]:
    number, reason = refusal.get("errno") or 0, refusal.get("reason") or ""
    match refusal.get("state"):
        case "unsupported":
            return {"kind": "unsupported", "reason": reason}
        case "not_allocatable" if number:
            return {"kind": "not_allocatable", "errno": number, "reason": reason}
        case "not_allocatable":
            return {"kind": "not_allocatable", "reason": reason}
    suffix = f" ({errno.errorcode.get(number, number)})" if number else ""
    return {"kind": "crashed", "reason": f"{reason}{suffix}"}
