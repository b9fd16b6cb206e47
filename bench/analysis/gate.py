"""Whether a comparison lets a change pass: what became worse, and what cannot be told.

It opens only to what was shown. What the data cannot carry is undecided, and a gate says so rather than let it through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.analysis.comparison import CompareResult, Comparison


def regressions(result: CompareResult, threshold: float) -> tuple[list[Comparison], list[Comparison]]:
    """Return the rows that fail a gate of `threshold` (0.05 is 5%), and those that can neither fail nor pass it.

    A row fails when it is worse by a transition, or slower with its interval's near end beyond threshold and floor.
    """
    failed = [row for row in result.rows if _fails(row, threshold)]
    return failed, [row for row in result.rows if not _fails(row, threshold) and _undecided(row, threshold)]


def _fails(row: Comparison, threshold: float) -> bool:
    if row.answer == "transition":
        return row.worse
    return row.answer == "slower" and row.low is not None and row.low > 1 + threshold


def _undecided(row: Comparison, threshold: float) -> bool:
    """Say whether a row stands in the way: what is not known, or looks worse than the threshold, and was not shown."""
    if row.answer == "missing":
        return row.worse
    if row.answer == "inconclusive":
        return row.high is None or row.high > 1 + threshold
    return row.answer in {"same", "slower"} and row.ratio is not None and row.ratio > 1 + threshold


def compared(result: CompareResult) -> bool:
    """Say whether anything was: times on both sides, or what works on one of them."""
    return any(row.answer == "transition" or row.ratio is not None for row in result.rows)
