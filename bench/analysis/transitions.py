"""What works on one side and not on the other, or is clean on one side only: what comes before any latency.

Counts of launches are held against each other with Fisher's exact test, adjusted by Holm's method over every count of
the comparison. A single stray launch among thousands is no transition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis import inference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis.subject import Subject


@dataclass(frozen=True, slots=True)
class Transition:
    """What became of success and of findings between two cells."""

    success_p: float | None
    """Fisher's exact test of ok / launches, of this row alone; null without launches on both sides."""
    text: str = ""
    """`works -> spawn:ENOMEM`, `clean -> 200 zombie`; empty when nothing changed."""
    worse: bool = False
    fails: str = ""
    """What both sides fail with, when neither ever worked."""

    @property
    def happened(self) -> bool:
        """Something changed."""
        return bool(self.text)


@dataclass(frozen=True, slots=True)
class _Test:
    row: int
    finding: str | None
    """None: success."""
    p: float


def transitions(matches: Sequence[tuple[Subject | None, Subject | None]]) -> list[Transition]:
    """Return one for each pair of cells, in their order."""
    tests = [test for row, (base, new) in enumerate(matches) if base and new for test in _tests(row, base, new)]
    adjusted = inference.holm([test.p for test in tests])
    shown: dict[int, list[_Test]] = {}
    for test, p in zip(tests, adjusted, strict=True):
        if p <= inference.ALPHA:
            shown.setdefault(test.row, []).append(test)
    success = {test.row: test.p for test in tests if test.finding is None}
    return [_transition(base, new, success.get(row), shown.get(row, [])) for row, (base, new) in enumerate(matches)]


def _tests(row: int, base: Subject, new: Subject) -> list[_Test]:
    (ok, n), (other_ok, other_n) = base.success, new.success
    if not n or not other_n:
        return []
    found = [_Test(row, None, _fisher((ok, n), (other_ok, other_n)))]
    for finding in dict.fromkeys([*base.findings, *new.findings]):
        counts = min(base.findings[finding], n), min(new.findings[finding], other_n)
        found.append(_Test(row, finding, _fisher((counts[0], n), (counts[1], other_n))))
    return found


def _fisher(base: tuple[int, int], new: tuple[int, int]) -> float:
    """Spare the test where both sides are all or nothing alike."""
    shares = base[0] / base[1], new[0] / new[1]
    return 1.0 if shares in {(0.0, 0.0), (1.0, 1.0)} else inference.fisher(base, new)


def _transition(
    base: Subject | None, new: Subject | None, success_p: float | None, shown: Sequence[_Test]
) -> Transition:
    if base is None or new is None:
        return Transition(success_p)
    parts, worse = [], False
    for test in shown:
        if test.finding is None:
            parts.append(f"{state(base)} -> {state(new)}")
            worse |= _share(new) < _share(base)
        elif not (base.findings[test.finding] and new.findings[test.finding]):
            parts.append(f"{_left(base, test.finding)} -> {_left(new, test.finding)}")
            worse |= bool(new.findings[test.finding])
    fails = ""
    if success_p is not None and not base.success[0] and not new.success[0]:
        fails = f"fails on both sides: {base.main_error}"
        if base.main_error != new.main_error:
            fails += f", {new.main_error}"
    return Transition(success_p, "; ".join(parts), worse, fails)


def state(cell: Subject) -> str:
    """Say in a word how a cell fares: `works`, the error of one that never does, or the share that is ok."""
    ok, n = cell.success
    if ok == n:
        return "works"
    return cell.main_error if ok == 0 else f"{ok / n:.1%} ok ({cell.main_error})"


def _share(cell: Subject) -> float:
    ok, n = cell.success
    return ok / n


def _left(cell: Subject, finding: str) -> str:
    count = cell.findings[finding]
    return f"{count} {finding}" if count else "clean"
