"""The statistics: numbers in, intervals and probabilities out. It knows nothing of cells, files or machines.

Everything is of logarithms of times, so that a difference is a ratio. Randomness comes from fixed seeds: the same
numbers give the same answer. numpy is imported by the functions that compute: not every machine has it. `ranks` has the
null distributions, and asks scipy where they cannot be counted out.

Sources: Wilson, J. Am. Stat. Assoc. 22 (1927); Wilcoxon, Biometrics Bulletin 1 (1945); Mann and Whitney, Ann. Math.
Stat. 18 (1947); Hodges and Lehmann, Ann. Math. Stat. 34 (1963); Holm, Scand. J. Stat. 6 (1979); Efron, Ann. Stat. 7
(1979); Westfall and Young, Resampling-Based Multiple Testing (1993). docs/method.md says why these.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import math
import statistics
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.analysis import ranks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

ALPHA = 0.05
"""The rate of false differences that is accepted, and what an interval leaves out."""
FEWEST = 6
"""Pairs, or workers, below which nothing is inferred: the signed-rank test of five can never reach 5%."""
FEWEST_RUNS = 4
"""Runs a side below which runs are not tested: three and three can be divided in twenty ways only."""

_RESAMPLES = 4096
_SEED = 20_260_101
_EQUAL = 1e-7
"""Probabilities whose logarithms differ by less are one, as in R's fisher.test."""
_PULL_IN = 3.0
"""A pair further out than so many medians of all pairs' distances counts as so many: one bad round hides nothing."""


class MissingExtra(Exception):  # noqa: N818 - the name says what is wrong
    """numpy or scipy is not installed; one line with the remedy."""


@dataclass(frozen=True, slots=True)
class Effect:
    """How much longer the new side takes: ratios new / base."""

    ratio: float
    low: float
    high: float
    """The 95% interval, of this comparison alone."""
    p: float
    """Two-sided, of this comparison alone."""
    n: int
    """Pairs, or the size of the smaller side."""


@functools.cache
def available() -> bool:
    """Say whether what inference needs is installed, without importing it."""
    return all(importlib.util.find_spec(name) for name in ("numpy", "scipy"))


def require(what: str) -> None:
    """Raise MissingExtra when it is not; `what` needs it."""
    if not available():
        raise MissingExtra(f"{what} needs numpy and scipy: pip install 'launchbench[report]'")


def wilson(hits: int, n: int) -> tuple[float, float] | None:
    """Return the 95% score interval of a share; None of nothing."""
    if n == 0:
        return None
    z = NormalDist().inv_cdf(1 - ALPHA / 2)
    share, weight = hits / n, z * z / n
    centre = (share + weight / 2) / (1 + weight)
    reach = z * math.sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    return (0.0 if hits == 0 else centre - reach), (1.0 if hits == n else centre + reach)


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95% percentile bootstrap interval of the median; None for fewer than `FEWEST` values."""
    if len(values) < FEWEST:
        return None
    import numpy as np

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    below, above = _middles(len(values))
    medians = (ordered[below] + ordered[above]) / 2
    places = [(_RESAMPLES - 1) * share for share in (ALPHA / 2, 1 - ALPHA / 2)]
    found = np.partition(medians, [at for place in places for at in (math.floor(place), math.ceil(place))])
    low, high = (float(np.interp(place, *_around(found, place))) for place in places)
    return low, high


def _around(ordered: Floats, place: float) -> tuple[list[int], list[float]]:
    """Return the whole places around `place` and what stands there, to interpolate between."""
    at = [math.floor(place), math.ceil(place)]
    return at, [float(ordered[one]) for one in at]


@functools.lru_cache(maxsize=64)
def _middles(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the ranks of the two middle values of each resample: resampling ranks once serves all samples of `n`.

    Nothing is resampled, since the distribution of the two is known: of `n` uniform numbers, the lower middle one is
    of a beta distribution, and the next above it the least of those that are left (David and Nagaraja 2003, ch. 2).
    """
    import numpy as np

    random = np.random.default_rng(_SEED)
    lower = (n + 1) // 2
    below = random.beta(lower, n - lower + 1, _RESAMPLES)
    above = below if n % 2 else below + (1 - below) * random.beta(1, n - lower, _RESAMPLES)
    return (below * n).astype(np.intp), (above * n).astype(np.intp)


def paired(logs: Sequence[float]) -> Effect:
    """Compare by pairs: `logs` are log(new / base), one a pair, at least `FEWEST`.

    Wilcoxon's signed-rank test, the Hodges-Lehmann estimate, and the interval that inverts the test: it leaves out 1
    exactly when the test, where it is exact, rejects.
    """
    import numpy as np

    d = np.asarray(logs, dtype=np.float64)
    n = len(d)
    if not d.any():
        return Effect(1.0, 1.0, 1.0, 1.0, n)
    rows, columns = np.triu_indices(n)
    walsh = np.sort((d[rows] + d[columns]) / 2)
    at = _rejected(ranks.signed_rank_quantile(n, ALPHA / 2), len(walsh))
    return Effect(
        ratio=math.exp(statistics.median(walsh.tolist())),
        low=math.exp(float(walsh[at])),
        high=math.exp(float(walsh[-1 - at])),
        p=ranks.signed_rank_p(d, int((walsh > 0).sum())),
        n=n,
    )


def standard_error(logs: Sequence[float]) -> float:
    """Return the standard error of the ratio of `paired`, as a log.

    From the median deviation, so that tails do not count: 1.4826 times it is the standard deviation of a normal
    distribution (Hampel, J. Am. Stat. Assoc. 69, 1974).
    """
    middle = statistics.median(logs)
    return 1.4826 * statistics.median(abs(log - middle) for log in logs) / math.sqrt(len(logs))


def unpaired(base: Sequence[float], new: Sequence[float]) -> Effect:
    """Compare two sides of logs of times, at least one each: the Mann-Whitney test, and what belongs to it as above."""
    import numpy as np

    x, y = np.asarray(base, dtype=np.float64), np.asarray(new, dtype=np.float64)
    differences = np.sort(np.subtract.outer(y, x).ravel())
    at = _rejected(ranks.rank_sum_quantile(len(x), len(y), ALPHA / 2), len(differences))
    return Effect(
        ratio=math.exp(statistics.median(differences.tolist())),
        low=math.exp(float(differences[at])),
        high=math.exp(float(differences[-1 - at])),
        p=ranks.rank_sum_p(x, y),
        n=min(len(x), len(y)),
    )


def _rejected(quantile: int, count: int) -> int:
    """Return the index of an interval's end among `count` sorted values; the outermost when nothing can be rejected."""
    return min(max(quantile - 1, 0), (count - 1) // 2)


def adjust_paired(family: Sequence[Mapping[Any, float]]) -> list[float]:
    """Adjust the comparisons of a family together: each maps a pair's name (its round) to log(new / base).

    Step-down max-t over the ways in which the names within each round could have been exchanged, in all comparisons at
    once: the family-wise error is `ALPHA` whatever the correlations, and six rounds can decide a family of any size.
    Holm's correction of the signed-rank test cannot: of six pairs its smallest p is 0.031.
    """
    import numpy as np

    if not family:
        return []
    rounds = sorted({name for comparison in family for name in comparison}, key=repr)
    present = np.array([[name in comparison for name in rounds] for comparison in family])
    values = np.array([[comparison.get(name, 0.0) for name in rounds] for comparison in family])
    pulled = np.array([_pulled_in(row, there) for row, there in zip(values, present, strict=True)])
    n = present.sum(axis=1)
    squares = np.divide((pulled**2).sum(axis=1), n, where=n > 0, out=np.zeros(len(n)))
    flips = _signs(len(rounds)) @ pulled.T

    def t(sums: Floats) -> Floats:
        means = np.divide(sums, n, where=n > 0, out=np.zeros_like(sums))
        deviations: Floats = np.sqrt(np.maximum(squares - means**2, _tiny(squares)))
        magnitudes: Floats = np.abs(means) * np.sqrt(n) / deviations
        return magnitudes

    return _step_down(t(pulled.sum(axis=1)), t(flips))


def _pulled_in(row: Floats, there: NDArray[np.bool_]) -> Floats:
    import numpy as np

    if not there.any():
        return row
    reach = _PULL_IN * statistics.median(np.abs(row[there]).tolist())
    return row if reach == 0 else np.clip(row, -reach, reach)


def _tiny(squares: Floats) -> Floats:
    import numpy as np

    return np.maximum(squares * 1e-12, np.finfo(np.float64).tiny)


@functools.lru_cache(maxsize=32)
def _signs(n: int) -> Floats:
    """Return the exchanges of `n` rounds as rows of signs: all when they are few, else the identity and a draw."""
    import numpy as np

    if 2 ** (n - 1) <= _RESAMPLES:  # the other half only turns every sign
        codes = np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1
    else:
        codes = np.random.default_rng(_SEED).integers(0, 2, (_RESAMPLES, n))
        codes[0] = 0
    signs: Floats = 1.0 - 2.0 * codes.astype(np.float64)
    return signs


def adjust_unpaired(family: Sequence[tuple[Mapping[Any, float], Mapping[Any, float]]]) -> list[float]:
    """Adjust comparisons of runs together: each has its base and its new side, run to log of time.

    As `adjust_paired`, with Welch's t over the ways in which the runs could have been divided between the sides.
    """
    import numpy as np

    if not family:
        return []
    base = sorted({run for one, _ in family for run in one}, key=repr)
    new = sorted({run for _, other in family for run in other}, key=repr)
    values = np.array([[one.get(run, np.nan) for run in base] + [other.get(run, np.nan) for run in new]
                       for one, other in family])  # fmt: skip
    first = _divisions(len(base), len(new))
    statistics = _welch(values, first)
    return _step_down(statistics[0], statistics)


def _welch(values: Floats, first: Floats) -> Floats:
    """Return |t| of each comparison (rows of `values`) in each division (rows of `first`); 0 of a side of one."""
    import numpy as np

    there = ~np.isnan(values)
    centred = np.where(there, values - np.nanmean(values, axis=1, keepdims=True), 0.0)

    def side(mask: Floats) -> tuple[Floats, Floats]:
        n = mask @ there.T
        mean = np.divide(mask @ centred.T, n, where=n > 0, out=np.zeros_like(n))
        squares = np.maximum(mask @ (centred**2).T - n * mean**2, 0.0)
        # The variance of a mean of one is unknown: as good as infinite.
        return mean, np.divide(squares, n * (n - 1), where=n > 1, out=np.full_like(n, np.inf))

    (mean, spread), (other_mean, other_spread) = side(first), side(1.0 - first)
    return np.abs(mean - other_mean) / np.sqrt(np.maximum(spread + other_spread, 1e-24))


def _divisions(m: int, n: int) -> Floats:
    """Return the ways to take the first side of `m` out of `m + n`, as rows of 1 and 0; the actual one comes first."""
    import numpy as np

    if math.comb(m + n, m) <= _RESAMPLES:
        chosen = list(itertools.combinations(range(m + n), m))
    else:
        generator = np.random.default_rng(_SEED)
        chosen = [tuple(range(m)), *(tuple(generator.permutation(m + n)[:m]) for _ in range(_RESAMPLES - 1))]
    divisions = np.zeros((len(chosen), m + n))
    np.put_along_axis(divisions, np.array(chosen), 1.0, axis=1)
    return divisions


def _step_down(observed: Floats, resampled: Floats) -> list[float]:
    """Return adjusted p, in the family's order: `resampled` has one row a resampling, the identity among them."""
    import numpy as np

    order = np.argsort(-observed, kind="stable")
    largest = np.maximum.accumulate(resampled[:, order][:, ::-1], axis=1)[:, ::-1]
    share = (largest >= observed[order] * (1 - 1e-9)).mean(axis=0)
    adjusted = np.empty_like(share)
    adjusted[order] = np.maximum.accumulate(share)
    return [float(value) for value in adjusted]


def fisher(base: tuple[int, int], new: tuple[int, int]) -> float:
    """Return p of Fisher's exact test, two-sided; a side is (ok, launches)."""
    import numpy as np

    (ok, n), (other_ok, other_n) = base, new
    both = ok + other_ok
    # In how many ways the first side can have k of the successes: each k beside the one before it (Fisher, 1935).
    fewest = max(0, both - other_n)
    k = np.arange(fewest, min(both, n))
    steps = np.log((both - k) * (n - k)) - np.log((k + 1) * (other_n - both + k + 1))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    weights = np.exp(logs - logs.max())
    as_rare = logs <= logs[ok - fewest] + _EQUAL
    return float(weights[as_rare].sum() / weights.sum())


def holm(p: Sequence[float]) -> list[float]:
    """Adjust by Holm's step-down method, in the order given."""
    adjusted = [1.0] * len(p)
    worst = 0.0
    for place, at in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        worst = max(worst, min(1.0, p[at] * (len(p) - place)))
        adjusted[at] = worst
    return adjusted
