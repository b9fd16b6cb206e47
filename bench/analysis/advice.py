"""What a short run says to somebody who has to choose: one verdict a language, and how far it may be carried.

Where the footprint was not measured as a whole, latency is extrapolated along a straight line, which is how the cost
of copying page tables grows, and is never mixed with what was measured: a `Course` is not a `CellSummary`. Whether
launches work at all is measured at the full size, with memory that is mapped and not touched: the kernel counts what is
mapped.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.selection import UNTOLD, verdicts
from bench.analysis.subject import subjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.analysis.overview import Analysis
    from bench.analysis.subject import Subject
    from bench.analysis.table import WorkerRow
    from bench.analysis.verdict import Choice, Verdict

FLAT = 1.3
"""Up to this ratio of p50 at the largest footprint to that at the smallest, a launch does not follow the footprint."""
_NO_SLOWER = 1.1
_UNTOUCHED = "reserved"


@dataclass(frozen=True, slots=True)
class Course:
    """How a strategy's time follows the footprint: measured at some, extrapolated to the one that was asked for."""

    strategy: str
    points: tuple[tuple[int, int], ...]
    """(footprint in bytes, p50 of `total` in ns), measured, ascending."""
    grows: bool
    ns: float
    low: float
    high: float
    """Extrapolated: the median, the least and the largest of the lines of each round."""
    as_fast_below: int | None
    """The footprint, in bytes, up to which it takes no more than 1.1 times the fastest that does not grow; None when
    there is none such, or it does not grow itself."""


@dataclass(frozen=True, slots=True)
class Survival:
    """Whether launches work at the full size, where the memory is mapped and not touched."""

    strategy: str
    ok: int
    launches: int
    error: str
    """The most frequent way to fail; empty when none did."""
    refusal: str | None
    """Why nothing was launched."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to use in one language."""

    language: str
    verdict: Verdict | None
    """At the largest footprint that was measured as a whole; None when there is nothing left to judge."""
    choice: Choice | None
    """Of those that the verdict ties, the one that is easiest to get right; None after a refusal."""
    fails_when_whole: tuple[str, ...]
    """Strategies that were left out because no launch works at the full size."""
    untried_when_whole: tuple[str, ...] = ()
    """Strategies that remain, and of which nothing is known at the full size beyond what smaller ones showed."""
    unsettled: bool = False
    """More rounds may say more: too few, or too noisy ones, leave it open whether somebody is slower."""


@dataclass(frozen=True, slots=True)
class Advice:
    """The answer to one question."""

    footprint: int
    """In bytes, as asked."""
    measured: int
    """The largest footprint that was mapped and touched; 0 when the run ended before any was."""
    recommendations: tuple[Recommendation, ...]
    courses: tuple[Course, ...]
    """Empty when the footprint itself was measured."""
    survivals: tuple[Survival, ...]

    @property
    def unsettled(self) -> bool:
        """More rounds may say more, in some language."""
        return any(one.unsettled for one in self.recommendations)

    @property
    def extrapolated(self) -> bool:
        """The footprint itself was not measured as a whole."""
        return self.measured < self.footprint


def advise(analysis: Analysis, footprint: int, languages: Mapping[str, Sequence[str]]) -> Advice:
    """Conclude from a run of `bench.measure.short`; `languages` has the strategies of each, the easiest first.

    Raises `MissingExtra` without the extra `report`.
    """
    whole = [row for row in analysis.rows if row.cell["backing"] != _UNTOUCHED]
    measured = max(map(_footprint, whole), default=0)
    survivals = tuple(
        _survival(cell) for cell in subjects(row for row in analysis.rows if row.cell["backing"] == _UNTOUCHED)
    )
    failing = {one.strategy for one in survivals if one.launches and not one.ok}
    untried = {one.strategy for one in survivals if not one.launches}
    at_hand = [row for row in whole if _footprint(row) == measured]
    return Advice(
        footprint=footprint,
        measured=measured,
        recommendations=tuple(
            _recommendation(language, strategies, at_hand, failing, untried, analysis)
            for language, strategies in languages.items()
        ),
        courses=_courses(whole, footprint) if measured < footprint else (),
        survivals=survivals,
    )


def _footprint(row: WorkerRow) -> int:
    return int(str(row.cell["footprint_bytes"]))


def _survival(cell: Subject) -> Survival:
    ok, launches = cell.success
    return Survival(cell.strategy, ok, launches, cell.main_error, cell.refusal)


def _recommendation(
    language: str,
    strategies: Sequence[str],
    rows: Sequence[WorkerRow],
    failing: set[str],
    untried: set[str],
    analysis: Analysis,
) -> Recommendation:
    theirs = [row for row in rows if row.cell["strategy"] in strategies]
    left = [row for row in theirs if row.cell["strategy"] not in failing]
    found = verdicts(left, analysis.noise, analysis.hazards)
    verdict = found[0] if found else None
    tied = {choice.strategy: choice for choice in verdict.chosen} if verdict else {}
    return Recommendation(
        language=language,
        verdict=verdict,
        choice=next((tied[strategy] for strategy in strategies if strategy in tied), None),
        fails_when_whole=tuple(strategy for strategy in strategies if strategy in failing),
        untried_when_whole=tuple(strategy for strategy in strategies if strategy in untried),
        unsettled=any(row.launches.result for row in left) and _is_open(verdict),
    )


def _is_open(verdict: Verdict | None) -> bool:
    return verdict is not None and (
        verdict.refusal is not None
        or UNTOLD in verdict.sentence
        or any(reason.criterion == "data" for reason in verdict.reasons)
    )


def _courses(rows: Iterable[WorkerRow], footprint: int) -> tuple[Course, ...]:
    """Draw each strategy's line; the fastest that does not grow is the mark for those that do."""
    by_strategy: dict[str, list[Subject]] = {}
    for cell in subjects(rows):
        if cell.p50 is not None:
            by_strategy.setdefault(cell.strategy, []).append(cell)
    drawn = {
        strategy: sorted(cells, key=lambda cell: _footprint(cell.rows[0]))
        for strategy, cells in by_strategy.items()
        if len(cells) > 1
    }
    flat = [cells[-1].p50 or 0 for cells in drawn.values() if not _grows(cells)]
    return tuple(
        course
        for strategy, cells in drawn.items()
        if (course := _course(strategy, cells, footprint, min(flat, default=None)))
    )


def _grows(cells: Sequence[Subject]) -> bool:
    return (cells[-1].p50 or 0) > FLAT * (cells[0].p50 or 0)


def _course(strategy: str, cells: Sequence[Subject], footprint: int, flat: int | None) -> Course | None:
    rounds = set.intersection(*(set(cell.medians) for cell in cells))
    sizes = [_footprint(cell.rows[0]) for cell in cells]
    lines = [statistics.linear_regression(sizes, [cell.medians[pair] for cell in cells]) for pair in sorted(rounds)]
    if not lines:
        return None
    reached = sorted(line.intercept + line.slope * footprint for line in lines)
    grows = _grows(cells)
    below = None
    if grows and flat is not None:
        slope = statistics.median(line.slope for line in lines)
        intercept = statistics.median(line.intercept for line in lines)
        below = max(0, int((_NO_SLOWER * flat - intercept) / slope)) if slope > 0 else None
    return Course(
        strategy=strategy,
        points=tuple((size, cell.p50 or 0) for size, cell in zip(sizes, cells, strict=True)),
        grows=grows,
        ns=statistics.median(reached),
        low=reached[0],
        high=reached[-1],
        as_fast_below=below,
    )
