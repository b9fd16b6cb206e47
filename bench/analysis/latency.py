"""Centre and tails of latencies that come in groups, one group a worker.

Integers in, integers out, in ns. Which launches count is summary's.
"""

from __future__ import annotations

import functools
import statistics
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

from bench.analysis import inference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

TAIL: Mapping[str, Fraction] = MappingProxyType(
    {name: Fraction(name) for name in ("50", "75", "90", "95", "99", "99.5", "99.9")}
)
"""The percentiles that describe a tail, by the name that they are shown under."""

_TAIL_SAMPLES = 10
"""A percentile p is given only where at least so many of the n observations are expected beyond it."""


@dataclass(frozen=True, slots=True)
class Latency:
    """One kind of latency of a cell, in ns, over `n` launches."""

    p50: int
    """The median of worker medians: launches of one worker are not independent."""
    p50_low: int | None
    p50_high: int | None
    """Its 95% bootstrap interval over workers; null for fewer than six, and without the extra `report`."""
    p90: int | None
    p99: int | None
    """Over all launches pooled, by nearest rank; null where n(1-p) < 10."""
    max: int
    n: int


def latency(workers: Iterable[Sequence[int]]) -> Latency | None:
    """Sum up the latencies of each worker's launches; None when there is no launch at all."""
    measured = [worker for worker in workers if worker]
    if not measured:
        return None
    pooled = sorted(value for worker in measured for value in worker)
    return latency_of([statistics.median(worker) for worker in measured], len(pooled), lambda at: pooled[at - 1])


def latency_of(medians: Sequence[float], n: int, at: Callable[[int], int]) -> Latency:
    """As `latency`, from the medians of workers, and the launch at each of the `ranks` of all `n` pooled."""
    low, high = (inference.median_interval(medians) if inference.available() else None) or (None, None)
    ninety, ninety_nine = rank(n, 90), rank(n, 99)
    return Latency(
        p50=round(statistics.median(medians)),
        p50_low=None if low is None else round(low),
        p50_high=None if high is None else round(high),
        p90=ninety and at(ninety),
        p99=ninety_nine and at(ninety_nine),
        max=at(n),
        n=n,
    )


def ranks(n: int) -> tuple[int, ...]:
    """Return the places, from 1, of all observations among `n` that a latency or a tail shows."""
    shown = {rank(n, 90), rank(n, 99), n, *_tail_places(n).values()}
    return tuple(sorted(at for at in shown if at))


def percentile(ordered: Sequence[int], percent: int | Fraction) -> int | None:
    """Return the nearest-rank percentile of an ascending sequence, or None where n(1-p) < 10."""
    at = rank(len(ordered), percent)
    return None if at is None else ordered[at - 1]


def rank(n: int, percent: int | Fraction) -> int | None:
    """Return the place, from 1, of a percentile among `n` ascending observations, or None where n(1-p) < 10.

    A fraction keeps 99.9 exact, so that it is the observation it should be.

    Nearest rank: the smallest observation that at least `percent` of them do not exceed (Hyndman and Fan 1996, type 1).
    """
    if n * (100 - percent) < _TAIL_SAMPLES * 100:  # in integers: 100 * (1 - 0.9) is less than 10 in floating point
        return None
    return int(-(-n * percent // 100))


def tail(pooled: Iterable[int]) -> Mapping[str, int]:
    """Return the percentiles of `TAIL` of all launches pooled, ending where n ends; `50` is no median of medians."""
    ordered = sorted(pooled)
    return tail_of(len(ordered), lambda at: ordered[at - 1])


def tail_of(n: int, at: Callable[[int], int]) -> Mapping[str, int]:
    """As `tail`, from the launch at each of the `ranks` of all `n` pooled."""
    return {name: at(place) for name, place in _tail_places(n).items()}


@functools.lru_cache(maxsize=4096)
def _tail_places(n: int) -> Mapping[str, int]:
    places = {name: rank(n, percent) for name, percent in TAIL.items()}
    return MappingProxyType({name: place for name, place in places.items() if place})
