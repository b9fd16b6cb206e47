"""What works on one side and not on the other, or is clean on one side only: what comes before any latency.

Counts of launches, and of workers, are held against each other with Fisher's exact test, adjusted by Holm's method over
every count of the comparison. A single stray launch among thousands is no transition. What worked always and now never
does is no matter of chance: it needs no adjustment, and of workers that crash one and all no test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis import inference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis.subject import Subject

_SUCCESS = "success"
_WORKERS = ("not_allocatable", "oom_killed", "crashed", "hung")
"""How a worker itself fails."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What became of success and of findings between two cells."""

    success_p: float | None
    """Fisher's exact test of ok / launches, of this row alone; null without launches on both sides."""
    text: str = ""
    """`works -> spawn:ENOMEM`, `works -> crashed`, `clean -> 200 zombie`; empty when nothing changed."""
    worse: bool = False
    alike: str = ""
    """How both sides fare, when nothing changed: `works on both sides`, `fails on both sides: spawn:ENOMEM`."""
    fails: bool = False
    """Neither side ever worked."""

    @property
    def happened(self) -> bool:
        """Something changed."""
        return bool(self.text)


@dataclass(frozen=True, slots=True)
class _Test:
    row: int
    what: str
    """`success`, the outcome of a worker, or a finding."""
    counts: tuple[int, int]
    """Of either side: ok launches, workers with that outcome, or findings."""
    sizes: tuple[int, int]
    """How many there could be."""

    @property
    def all_or_nothing(self) -> bool:
        """One side has it always, and the other never."""
        return {self.counts[0] / self.sizes[0], self.counts[1] / self.sizes[1]} == {0.0, 1.0}

    @property
    def p(self) -> float:
        """Spare the test where both sides are all or nothing alike."""
        shares = {count / size for count, size in zip(self.counts, self.sizes, strict=True)}
        if shares in ({0.0}, {1.0}):
            return 1.0
        base, new = zip(self.counts, self.sizes, strict=True)
        return inference.fisher(base, new)


def transitions(matches: Sequence[tuple[Subject | None, Subject | None]]) -> list[Transition]:
    """Return one for each pair of cells, in their order."""
    tests = [test for row, (base, new) in enumerate(matches) if base and new for test in _tests(row, base, new)]
    alone = [test.p for test in tests]
    shown: dict[int, list[_Test]] = {}
    success: dict[int, float] = {}
    for test, p, adjusted in zip(tests, alone, inference.holm(alone), strict=True):
        if test.what == _SUCCESS:
            success[test.row] = p
        if _is_shown(test, p, adjusted):
            shown.setdefault(test.row, []).append(test)
    return [_transition(base, new, success.get(row), shown.get(row, [])) for row, (base, new) in enumerate(matches)]


def _is_shown(test: _Test, p: float, adjusted: float) -> bool:
    if test.all_or_nothing and test.what in _WORKERS:
        return True
    return (p if test.all_or_nothing and test.what == _SUCCESS else adjusted) <= inference.ALPHA


def _tests(row: int, base: Subject, new: Subject) -> list[_Test]:
    found = []
    (ok, n), (other_ok, other_n) = base.success, new.success
    if base.tried and new.tried:
        found = [
            _Test(row, outcome, (base.failures[outcome], new.failures[outcome]), (base.tried, new.tried))
            for outcome in _WORKERS
            if base.failures[outcome] or new.failures[outcome]
        ]
    if n and other_n:
        found.append(_Test(row, _SUCCESS, (ok, other_ok), (n, other_n)))
        for finding in dict.fromkeys([*base.findings, *new.findings]):
            if finding not in _WORKERS:
                counts = min(base.findings[finding], n), min(new.findings[finding], other_n)
                found.append(_Test(row, finding, counts, (n, other_n)))
    return found


def _transition(
    base: Subject | None, new: Subject | None, success_p: float | None, shown: Sequence[_Test]
) -> Transition:
    if base is None or new is None:
        return Transition(success_p)
    parts, worse = [], False
    for test in shown:
        before, after = (count / size for count, size in zip(test.counts, test.sizes, strict=True))
        if test.what == _SUCCESS:
            parts.append(f"{state(base)} -> {state(new)}")
            worse |= after < before
        elif test.what in _WORKERS:
            parts.append(f"{_ended(base, test.what)} -> {_ended(new, test.what)}")
            worse |= after > before
        elif not all(test.counts):
            parts.append(f"{_left(base, test.what)} -> {_left(new, test.what)}")
            worse |= after > before
    text = "; ".join(dict.fromkeys(parts))
    if text:
        return Transition(success_p, text, worse)
    return Transition(success_p, alike=_alike(base, new), fails=_never(base) and _never(new))


def _never(cell: Subject) -> bool:
    """Say whether it was tried and never worked."""
    ok, n = cell.success
    return not ok and bool(n or cell.failures)


def _alike(base: Subject, new: Subject) -> str:
    before, after = state(base), state(new)
    if _never(base) and _never(new):
        return f"fails on both sides: {before}" + (f", {after}" if before != after else "")
    return f"{before} on both sides" if before == after else f"{before}, and then {after}"


def state(cell: Subject) -> str:
    """Say in a word how a cell fares: `works`, the error of one that never does, or the share that is ok."""
    ok, n = cell.success
    worst = next(iter(cell.failures.most_common(1)), None)
    if worst and (worst[1] == cell.tried or not n):
        return worst[0]
    if n == 0:
        return "no launch was made"
    if ok == n:
        return f"works but {_some(worst[1], cell.tried, worst[0])}" if worst else "works"
    return cell.main_error if ok == 0 else f"{ok / n:.1%} ok ({cell.main_error})"


def _ended(cell: Subject, outcome: str) -> str:
    """Say how a cell fares as to one outcome of its workers."""
    count = cell.failures[outcome]
    if not count:
        return state(cell)
    return outcome if count == cell.tried else _some(count, cell.tried, outcome)


def _some(count: int, tried: int, outcome: str) -> str:
    return f"{count} of {tried} workers {outcome}"


def _left(cell: Subject, finding: str) -> str:
    count = cell.findings[finding]
    return f"{count} {finding}" if count else "clean"
