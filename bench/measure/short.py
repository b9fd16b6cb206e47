"""What can be measured of a footprint in less than a minute, as a scenario; what cannot is left to extrapolation.

How much memory a second can be filled is tried once, with little of it. Everything else decides and touches nothing.
"""

from __future__ import annotations

import mmap
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.machine import Budget, MemoryFacts, fit_reason

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 6
"""The fewest that anything is inferred from."""
LAUNCHES = 40
_SECONDS = 42.0
"""For all workers together; starting, counting and saying the answer take the rest of the minute."""
_WORKER_SECONDS = 0.12
"""What a worker takes beside its footprint: its start, its launches, two counts of processes."""
_TIME_LIMIT = "150ms"
_STEPS = (1, 4, 16)
"""The largest footprint that can be measured is measured as a whole and in these parts: three points show a line."""
_TRIED_BYTES = 64 << 20
_UNIT = 1 << 20
_LEAST = 16 * _UNIT
"""Measured whatever the time it takes, if there is room: below it there would be no three steps."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which footprints are measured in the place of the one that was asked for."""

    touched: tuple[int, ...]
    """Mapped and touched, ascending; the last is the one asked for, or as near to it as this machine gets."""
    untouched: int | None
    """Mapped and not touched, to see whether launches work there at all: the one asked for, when it is not in
    `touched`."""
    reason: str | None
    """Why it is not."""


def filled_per_second() -> float:
    """Return how many bytes of memory a process here can take and give back in a second, from a try with 64 MiB."""
    begun = time.perf_counter()
    with mmap.mmap(-1, _TRIED_BYTES) as memory:
        for at in range(0, _TRIED_BYTES, mmap.PAGESIZE):
            memory[at] = 1
    return _TRIED_BYTES / (time.perf_counter() - begun)


def reach(footprint: int, *, cells: int, memory: MemoryFacts, per_second: float) -> Reach:
    """Decide what to measure of `footprint` bytes with so many cells (twins included) at each footprint."""
    room = _room(memory, footprint)
    workers = ROUNDS * cells
    alone = int((_SECONDS / workers - _WORKER_SECONDS) * per_second)
    if footprint <= min(room, alone):
        return Reach((footprint,), None, None)
    share = sum(1 / part for part in _STEPS)
    together = int((_SECONDS / workers - (len(_STEPS) + 1) * _WORKER_SECONDS) / share * per_second)
    largest = min(room, max(together, _LEAST), footprint) // _UNIT * _UNIT
    steps = tuple(sorted({size for part in _STEPS if (size := largest // part // _UNIT * _UNIT)}))
    reason = "does not fit into this machine's memory" if footprint > room else "takes longer than a minute to measure"
    return Reach(steps or (_UNIT,), footprint, reason)


def _room(memory: MemoryFacts, most: int) -> int:
    """Return how much of `most` bytes a worker may hold here, to the unit."""
    if fit_reason(Budget(most), memory) is None:
        return most
    low, high = 0, most // _UNIT + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fit_reason(Budget(middle * _UNIT), memory) is None else (low, middle)
    return low * _UNIT


def scenario(
    found: Reach, *, strategies: Sequence[str], overcommit: str, commands: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Return the scenario as its file would have it; sizes are in bytes."""
    document: dict[str, Any] = {
        "name": "advise",
        "question": "How should a program of this size start a command on this machine?",
        "strategies": list(strategies),
        "footprints": [f"{size}B" for size in found.touched],
        "overcommit": [int(overcommit) if overcommit.isdecimal() else overcommit],
        "launches": LAUNCHES,
        "warmup": 3,
        "rounds": ROUNDS,
        "time_limit": _TIME_LIMIT,
    }
    if commands:
        document["commands"] = [{"argv": list(argv)} for argv in commands]
    if found.untouched is not None:
        whole = f"{found.untouched}B"
        document["backings"] = ["anon", "reserved"]
        document["exclude"] = [
            {"backing": "reserved", "footprint": list(document["footprints"])},
            {"backing": "anon", "footprint": whole},
        ]
        document["footprints"] = [*document["footprints"], whole]
    return document
