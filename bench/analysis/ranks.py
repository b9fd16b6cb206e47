"""What ranks say when nothing differs: the null distributions of Wilcoxon's and of Mann and Whitney's statistic.

Counted out where they are exact, and scipy is asked for the rest only: it gives the same, and importing its tests takes
longer than a report.
"""

from __future__ import annotations

import functools
import math
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

_MOST = 50
"""Up to so many numbers a null distribution is counted out, beyond that it is normal."""
_SMALL = 8
"""A side of so many is small enough for its exact test; with two larger ones the normal distribution serves."""


def signed_rank_p(d: Floats, statistic: int) -> float:
    """Return two-sided p of Wilcoxon's test of differences, not all of them 0.

    The statistic is the number of Walsh averages above 0 (Tukey, 1949). With ties or zeros, or many pairs, it is
    normal, corrected for ties; zeros are left out.
    """
    import numpy as np

    n = len(d)
    if n <= _MOST and _all_differ(np.abs(d)) and d.all():
        return _both_tails(signed_rank_distribution(n), statistic)
    d = d[d != 0]
    n = len(d)
    _, place, ties = np.unique(np.abs(d), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]
    variance = (n * (n + 1) * (2 * n + 1) - float((ties**3 - ties).sum()) / 2) / 24
    z = (float(ranks[d > 0].sum()) - n * (n + 1) / 4) / math.sqrt(variance)
    return math.erfc(abs(z) / math.sqrt(2))


def signed_rank_quantile(n: int, share: float) -> int:
    """Return how many values of the statistic of `n` pairs, from 0 on, lie in the lower `share` of its distribution."""
    if n > _MOST:
        return _normal_quantile(n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24, share)
    return _quantile(signed_rank_distribution(n), share)


@functools.lru_cache(maxsize=256)
def signed_rank_distribution(n: int) -> Floats:
    """Return the distribution function of the statistic of `n` pairs when nothing differs."""
    import numpy as np

    ways = np.zeros(n * (n + 1) // 2 + 1)
    ways[0] = 1
    for rank in range(1, n + 1):
        ways[rank:] += ways[: len(ways) - rank].copy()
    distribution: Floats = np.cumsum(ways) / 2.0**n
    return distribution


def rank_sum_p(x: Floats, y: Floats) -> float:
    """Return two-sided p of the Mann-Whitney test of two sides."""
    import numpy as np

    both = np.concatenate([x, y])
    if np.ptp(both) == 0:
        return 1.0
    if min(len(x), len(y)) <= _SMALL and len(both) <= _MOST and _all_differ(both):
        statistic = int((y[:, None] > x[None, :]).sum())
        return _both_tails(rank_sum_distribution(len(x), len(y)), statistic)
    from scipy import stats

    return float(stats.mannwhitneyu(y, x, alternative="two-sided").pvalue)


def rank_sum_quantile(m: int, n: int, share: float) -> int:
    """Return how many values of the statistic of sides of `m` and `n`, from 0 on, lie in its lower `share`."""
    if m + n > _MOST:
        return _normal_quantile(m * n / 2, m * n * (m + n + 1) / 12, share)
    return _quantile(rank_sum_distribution(m, n), share)


@functools.lru_cache(maxsize=256)
def rank_sum_distribution(m: int, n: int) -> Floats:
    """Return the distribution function of the statistic of sides of `m` and `n` when nothing differs."""
    import numpy as np

    # ways[j, u]: of the numbers so far, j belong to the first side, with u inversions (Mann and Whitney, 1947).
    ways = np.zeros((m + 1, m * n + 1))
    ways[0, 0] = 1
    for taken in range(1, m + n + 1):
        for j in range(min(taken, m), 0, -1):
            after = taken - j
            if after <= n:
                ways[j, after:] += ways[j - 1, : m * n + 1 - after]
    distribution: Floats = np.cumsum(ways[m]) / math.comb(m + n, m)
    return distribution


def _all_differ(values: Floats) -> bool:
    return len(set(values.tolist())) == len(values)


def _both_tails(distribution: Floats, statistic: int) -> float:
    tail = min(statistic, len(distribution) - 1 - statistic)
    return min(1.0, 2 * float(distribution[tail]))


def _quantile(distribution: Floats, share: float) -> int:
    import numpy as np

    return int(np.searchsorted(distribution, share, side="right"))


def _normal_quantile(mean: float, variance: float, share: float) -> int:
    return max(0, math.floor(mean + NormalDist().inv_cdf(share) * math.sqrt(variance)))
