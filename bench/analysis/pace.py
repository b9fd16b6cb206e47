"""Pairs of workers held against the machine's pace: what else was slow while they were is not theirs.

A pacer launches one and the same thing before each of a worker's launches, so that its times tell how fast the machine
was just then. They are a control variate (Lavenberg and Welch, Management Science 27, 1981) of the pair's ratio. The
slope comes from the sums of the pairs, never from their differences: exchanging the names of a round, and any true
difference, leave the sums as they are, so that tests stay exact and the estimate unbiased. docs/method.md says more.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.inference import FEWEST, standard_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.analysis.subject import Pair, Subject

_STEEPEST = 1.2
"""No cost grows much faster than the pace: what lies beyond is an accident."""
_LACKING = 0.25
"""A comparison of which a greater share of pairs lacks a pace stays as it was measured."""
_LAID_TO_PACER = 0.5
"""The share of what the paces leave unexplained that is laid to their own noise."""


@dataclass(frozen=True, slots=True)
class Held:
    """The differences of pairs, log(new / base), held against the machine's pace."""

    differences: Mapping[Pair, float]
    slope: float | None
    """What was taken off is so many times the difference of the paces' logs; None without paces: nothing was."""


def held(base: Subject, new: Subject, pairs: Iterable[Pair]) -> Held:
    """Hold the workers of each pair against their paces. A pair that lacks one, among many that do not, stays."""
    raw = {pair: new.logs[pair] - base.logs[pair] for pair in pairs}
    paced = [pair for pair in raw if pair in base.paces and pair in new.paces]
    if len(paced) < max(FEWEST, (1 - _LACKING) * len(raw)):
        return Held(raw, None)
    paces = {pair: new.paces[pair] - base.paces[pair] for pair in paced}
    levels = _about_median({pair: new.logs[pair] + base.logs[pair] for pair in paced})
    sums = _about_median({pair: new.paces[pair] + base.paces[pair] for pair in paced})
    slope = slope_of(levels, sums, list(paces.values()))
    return Held({pair: log - slope * paces.get(pair, 0.0) for pair, log in raw.items()}, slope)


def _about_median(values: Mapping[Pair, float]) -> list[float]:
    """Return them less the median of their run: runs are an hour apart, and differ by more than pace."""
    by_run: dict[str, list[float]] = {}
    for (run, _), value in values.items():
        by_run.setdefault(run, []).append(value)
    medians = {run: statistics.median(found) for run, found in by_run.items()}
    return [value - medians[run] for (run, _), value in values.items()]


def slope_of(levels: Sequence[float], sums: Sequence[float], differences: Sequence[float]) -> float:
    """Return the slope to hold pairs against: from 0, where the pace carries nothing, to `_STEEPEST`.

    `levels` and `sums` are the sums of each pair's logs of medians and of paces; `differences` those of its paces. The
    slope of `levels` over `sums` (Jaeckel, Ann. Math. Stat. 43, 1972) shrinks twice: by its own error (James and Stein
    1961, the positive part), and by how much of `differences` is the pacer's noise, which only adds to the pair's.
    """
    slope = _steepness(levels, sums)
    if slope <= 0:
        return 0.0
    n = len(levels)
    rest = [level - slope * at for level, at in zip(levels, sums, strict=True)]
    unexplained = standard_error(rest) ** 2 * n * n / (n - 2)
    moved = slope**2 * sum(value**2 for value in differences) / n
    error = unexplained / sum((at - statistics.fmean(sums)) ** 2 for at in sums)
    kept = max(0.0, 1 - error / slope**2) * (max(0.0, 1 - _LAID_TO_PACER * unexplained / moved) if moved else 0.0)
    return min(slope, _STEEPEST) * kept


def _steepness(levels: Sequence[float], at: Sequence[float]) -> float:
    """Return the median of the slopes between every two points, each weighing as much as they are apart."""
    import numpy as np

    y, x = np.asarray(levels, dtype=np.float64), np.asarray(at, dtype=np.float64)
    one, other = np.triu_indices(len(x), 1)
    rise, run = y[other] - y[one], x[other] - x[one]
    apart = run != 0
    if not apart.any():
        return 0.0
    slopes, weights = rise[apart] / run[apart], np.abs(run[apart])
    order = np.argsort(slopes, kind="stable")
    reached = np.cumsum(weights[order])
    return float(slopes[order][int(np.searchsorted(reached, reached[-1] / 2))])
