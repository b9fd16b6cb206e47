"""How the launches of a cell are spread: over time a launch takes, and over the course of the run. For figures.

It condenses: a figure needs a few dozen points, whatever the number of launches. What a table shows is summary's.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.summary import grouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.analysis.table import WorkerRow

_STEPS = 64
"""Points of a distribution function: more than a figure of some 200 pixels can tell apart."""
SLOTS = 48
"""Slots that the launches of a cell are laid into, in the order in which they were made."""
BANDS_PER_DECADE = 16
"""Bands of latency: neighbours are 15% apart."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Launches of one slot of the order and one band of latency."""

    slot: int
    low_ns: float
    high_ns: float
    count: int


@dataclass(frozen=True, slots=True)
class Spread:
    """The ok launches of one cell, in order of round and then of launch."""

    distribution: tuple[tuple[int, float], ...]
    """(ns, share of launches that took no longer), ascending; the last has share 1."""
    order: tuple[Bin, ...]
    slots: int
    """`SLOTS`, or fewer when there are fewer launches."""
    rounds: tuple[float, ...]
    """Where each round but the first begins, in slots."""


def spreads(rows: Iterable[WorkerRow]) -> tuple[Spread | None, ...]:
    """Return the spread of each cell in the order of `summarise`; None for a cell without an ok launch."""
    return tuple(_spread(group) for group in grouped(rows))


def _spread(rows: Sequence[WorkerRow]) -> Spread | None:
    values: list[int] = []
    begins: list[int] = []
    for row in sorted(rows, key=lambda one: one.round):
        begins.append(len(values))
        values += [
            total
            for total, result in zip(row.launches.total, row.launches.result, strict=True)
            if result == "ok" and total is not None
        ]
    if not values:
        return None
    slots = min(SLOTS, len(values))
    return Spread(
        distribution=_distribution(sorted(values)),
        order=_bins(values, slots),
        slots=slots,
        rounds=tuple(begin * slots / len(values) for begin in dict.fromkeys(begins) if 0 < begin < len(values)),
    )


def _distribution(ordered: Sequence[int]) -> tuple[tuple[int, float], ...]:
    """Take observations at even ranks, the first and the last among them."""
    n = len(ordered)
    ranks = sorted({1 + step * (n - 1) // _STEPS for step in range(_STEPS + 1)})
    return tuple((ordered[rank - 1], rank / n) for rank in ranks)


def _bins(values: Sequence[int], slots: int) -> tuple[Bin, ...]:
    counts = Counter(
        (at * slots // len(values), math.floor(math.log10(max(value, 1)) * BANDS_PER_DECADE))
        for at, value in enumerate(values)
    )
    return tuple(
        Bin(slot, 10 ** (band / BANDS_PER_DECADE), 10 ** ((band + 1) / BANDS_PER_DECADE), count)
        for (slot, band), count in sorted(counts.items())
    )
