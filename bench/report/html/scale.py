"""Logarithmic axes: their ends, their ticks, and labels that keep out of each other's way. Pure numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STEPS = (1, 2, 5)


def span(values: Iterable[float]) -> tuple[float, float]:
    """Return ends of the form 1, 2 or 5 times a power of ten that hold all values, or (1, 10) when there is none."""
    found = [value for value in values if value > 0]
    if not found:
        return 1.0, 10.0
    grid = steps(min(found) / 10, max(found) * 10)
    # A twentieth of slack, so that no mark stands on the frame.
    low = max(tick for tick in grid if tick <= min(found) / 1.05)
    high = min(tick for tick in grid if tick >= max(found) * 1.05)
    return low, high


def steps(low: float, high: float) -> list[float]:
    """Return every 1, 2 and 5 times a power of ten from `low` to `high`."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10.0**decade for decade in decades for step in _STEPS if low <= step * 10.0**decade <= high]


def ticks(low: float, high: float) -> list[float]:
    """Return the ticks of an axis: each step of a short one, powers of ten of a long one."""
    every = steps(low, high)
    return every if high / low <= 1000 else [tick for tick in every if math.log10(tick).is_integer()]


def fraction(value: float, low: float, high: float) -> float:
    """Return where a value stands on the axis, 0 at `low` and 1 at `high`."""
    return math.log(value / low) / math.log(high / low)


def dodge(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move positions apart so that neighbours differ by `gap` at least, each as little as that takes.

    Runs of labels that touch are centred on what they were centred on (pool adjacent violators); all stay between
    `low` and `high` when there is room for them.
    """
    ranked = sorted(range(len(wanted)), key=lambda at: wanted[at])
    runs: list[list[int]] = []
    for at in ranked:
        runs.append([at])
        while len(runs) > 1 and _start(runs[-1], wanted, gap) - _end(runs[-2], wanted, gap) < gap:
            runs[-2:] = [runs[-2] + runs[-1]]
    placed = [0.0] * len(wanted)
    for run in runs:
        for step, at in enumerate(run):
            placed[at] = _start(run, wanted, gap) + step * gap
    return _keep_inside(placed, ranked, gap, low, high)


def _start(run: Sequence[int], wanted: Sequence[float], gap: float) -> float:
    return sum(wanted[at] for at in run) / len(run) - gap * (len(run) - 1) / 2


def _end(run: Sequence[int], wanted: Sequence[float], gap: float) -> float:
    return _start(run, wanted, gap) + gap * (len(run) - 1)


def _keep_inside(placed: list[float], ranked: Sequence[int], gap: float, low: float, high: float) -> list[float]:
    floor = low
    for at in ranked:
        placed[at] = max(placed[at], floor)
        floor = placed[at] + gap
    ceiling = high
    for at in reversed(ranked):
        placed[at] = min(placed[at], ceiling)
        ceiling = placed[at] - gap
    return placed
