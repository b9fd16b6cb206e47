"""What can be measured of a footprint in less than a minute, as a scenario; what cannot is left to extrapolation.

How much memory a second can be filled is tried once, with little of it, and how long the command takes. Everything else
decides and touches nothing.
"""

from __future__ import annotations

import mmap
import os
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.machine import Budget, MemoryFacts, fit_reason
from bench.measure.request import environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePath

ROUNDS = 6
"""The fewest that anything is inferred from."""
MOST_ROUNDS = 30
"""Where six do not carry the answer and the minute is not over."""
UNTIL_SECONDS = 48.0
"""After the start, no worker begins that may end later: one that hangs, and saying the answer, take the rest."""
LAUNCHES, _WARMUP = 40, 3
_SECONDS = 38.0
"""For the workers of the fewest rounds together, on a machine that does nothing else."""
_WORKER_SECONDS = 0.12
"""What a worker takes beside its footprint: its start, launches of the program that does nothing, two counts."""
_TIME_LIMIT_MS = 150
_STEPS = (1, 4, 16)
"""The largest footprint that can be measured is measured as a whole and in these parts: three points show a line."""
_FEWER_STEPS = (_STEPS, _STEPS[::2], _STEPS[:1])
"""A slow command leaves time for fewer."""
_QUICK_SECONDS = 0.002
"""A command up to here is launched as often as the program that does nothing, or until the time limit."""
_LAUNCHING = 0.7
"""Of the time of a worker, what launches of a slow command may take; memory is filled in the rest."""
_PATIENCE_SECONDS = 5.0
_TRIED_BYTES = 64 << 20
_UNIT = 1 << 20
_LEAST = 16 * _UNIT
"""Measured whatever the time it takes, if there is room: below it there would be no three steps."""


class CommandError(Exception):
    """A command that nothing can be measured with; one line that says why."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often each worker launches the command."""

    warmup: int = _WARMUP
    launches: int = LAUNCHES
    seconds: float = 0.0
    """What that takes beyond launches of the program that does nothing."""

    @property
    def slowed(self) -> bool:
        """The command is too slow to be launched as often as usual."""
        return self.seconds > 0


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
    pace: Pace = Pace()


def rehearse(commands: Sequence[Sequence[str]], programs: PurePath) -> float:
    """Launch each command as workers do, and return the seconds that one takes, of the slowest; 0 without commands.

    The second time counts: the first one reads files. Raises `CommandError` for one that cannot be launched, does not
    exit 0, or takes too long.
    """
    surroundings = environment(programs, programs / "arrivals")
    taken = [0.0]
    for argv in commands:
        first = _launched(argv, surroundings)
        taken.append(first if first > 1 else min(first, _launched(argv, surroundings)))
    return max(taken)


def _launched(argv: Sequence[str], surroundings: dict[str, str]) -> float:
    name = shlex.join(argv)
    begun = time.perf_counter()
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=surroundings,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise CommandError(
            f"{name}: cannot be launched: {error.strerror} (it is searched for in {surroundings['PATH']})"
        ) from None
    try:
        status = process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        raise CommandError(f"{name}: {_too_long(f'did not end within {_PATIENCE_SECONDS:.0f} s')}") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if status:
        ended = f"exits {status}" if status > 0 else f"is killed by {signal.Signals(-status).name}"
        raise CommandError(f"{name}: {ended}, and must exit 0: what goes wrong at once tells nothing of its launch")
    return time.perf_counter() - begun


def _too_long(how: str) -> str:
    return (
        f"{how}, which is too long to be launched often enough in a minute: give a quicker one, or none: "
        "how long a command runs makes no difference between ways to launch it"
    )


def filled_per_second() -> float:
    """Return how many bytes of memory a process here can take and give back in a second, from a try with 64 MiB."""
    begun = time.perf_counter()
    with mmap.mmap(-1, _TRIED_BYTES) as memory:
        for at in range(0, _TRIED_BYTES, mmap.PAGESIZE):
            memory[at] = 1
    return _TRIED_BYTES / (time.perf_counter() - begun)


def reach(footprint: int, *, cells: int, memory: MemoryFacts, per_second: float, command_seconds: float = 0.0) -> Reach:
    """Decide what to measure of `footprint` bytes with so many cells (twins included) at each footprint.

    Raises `CommandError` when a command that takes `command_seconds` cannot be launched often enough.
    """
    room = _room(memory, footprint)
    whole = _pace(command_seconds, _share(cells, 1))
    if whole and footprint <= min(room, int((_share(cells, 1) - whole.seconds) * per_second)):
        return Reach((footprint,), None, None, whole)
    for parts in _FEWER_STEPS:
        time_left = _share(cells, len(parts) + 1)
        pace = _pace(command_seconds, time_left)
        if pace:
            break
    else:
        raise CommandError(_too_long(f"takes {command_seconds:.2g} s"))
    share = sum(1 / part for part in parts)
    together = int((time_left - pace.seconds) * (len(parts) + 1) / share * per_second)
    largest = min(room, max(together, _LEAST), footprint) // _UNIT * _UNIT
    steps = tuple(sorted({size for part in parts if (size := largest // part // _UNIT * _UNIT)}))
    reason = "does not fit into this machine's memory" if footprint > room else "takes longer than a minute to measure"
    return Reach(steps or (_UNIT,), footprint, reason, pace)


def _share(cells: int, footprints: int) -> float:
    """Return the seconds that each worker has for its memory, and for a command that takes time."""
    return _SECONDS / (ROUNDS * cells * footprints) - _WORKER_SECONDS


def _pace(command_seconds: float, seconds: float) -> Pace | None:
    """Say how often a command is launched in a worker's time; None when that is less than once beside a warm-up."""
    if command_seconds <= _QUICK_SECONDS:
        return Pace()
    times = min(_WARMUP + LAUNCHES, int(_LAUNCHING * seconds / command_seconds))
    warmup = _WARMUP if times > 3 * _WARMUP else 1
    return Pace(warmup, times - warmup, times * command_seconds) if times > warmup else None


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
        "launches": found.pace.launches,
        "warmup": found.pace.warmup,
        "rounds": MOST_ROUNDS,
        "time_limit": f"{_TIME_LIMIT_MS + round(1500 * found.pace.seconds)}ms",
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
