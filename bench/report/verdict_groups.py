"""Verdicts that come to the same choice, together: a page says an answer once and names where it holds. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis import Verdict
from bench.report.conditions import Conditions, point

PACED = "Ratios are held against the machine's pace."


def held_against_pace(verdicts: Sequence[Verdict]) -> bool:
    """Say whether a ratio of theirs is: then `PACED` is said once."""
    return any(row.slope is not None for one in verdicts for row in one.ranking)


@dataclass(frozen=True, slots=True)
class VerdictGroup:
    """Verdicts with the same choice, refusal and failures."""

    verdicts: tuple[Verdict, ...]
    """In reading order: the first is whose figures the answer gives."""
    first: str
    """Where the answer holds word for word; empty when there is one place and set of conditions only."""
    others: tuple[str, ...]
    """Where else the same choice was reached, with other figures."""
    each: tuple[str, ...]
    """Where each verdict holds, as the others do."""

    @property
    def answer(self) -> str:
        """What the first says, without its conditions: `use vfork_exec; fork_exec fails`."""
        return self.verdicts[0].answer

    @property
    def sentence(self) -> str:
        """Say the answer and where it holds."""
        if not self.first:
            return self.verdicts[0].sentence
        same = "The same" if self.refused else "The same choice"
        others = f" {same}: {'; '.join(self.others)}." if self.others else ""
        return f"{self.first}: {self.answer}{others}"

    @property
    def refused(self) -> bool:
        """Tell whether nothing could be said."""
        return self.verdicts[0].refusal is not None


def verdict_groups(verdicts: Sequence[Verdict]) -> tuple[VerdictGroup, ...]:
    """Group verdicts of one section; groups are in the order of their first verdicts."""
    conditions = Conditions(_point(one) for one in verdicts)
    groups: dict[object, list[Verdict]] = {}
    for one in verdicts:
        groups.setdefault(_answer(one), []).append(one)
    return tuple(_group(group, conditions) for group in groups.values())


def _group(verdicts: Sequence[Verdict], conditions: Conditions) -> VerdictGroup:
    alike = [one for one in verdicts if one.answer == verdicts[0].answer]
    others = [one for one in verdicts if one.answer != verdicts[0].answer]
    return VerdictGroup(
        verdicts=(*alike, *others),
        first="; ".join(conditions.phrases(map(_point, alike))),
        others=tuple(conditions.phrases(map(_point, others))),
        each=tuple("; ".join(conditions.phrases([_point(one)])) for one in (*alike, *others)),
    )


def shared_conditions(verdicts: Sequence[Verdict]) -> str:
    """Say what all of these verdicts were reached under."""
    return Conditions(_point(one) for one in verdicts).common


def _point(verdict: Verdict) -> tuple[tuple[str, str], ...]:
    return point(verdict.scope.machine, verdict.scope.circumstances)


def _answer(verdict: Verdict) -> object:
    """Return what makes an answer the same: not its ratios, which differ from footprint to footprint."""
    failed = {(reason.choice, reason.criterion) for reason in verdict.reasons if reason.criterion != "latency"}
    nothing_works = not verdict.chosen and verdict.refusal is None
    return (verdict.refusal, frozenset(verdict.chosen), frozenset(failed), verdict.answer if nothing_works else "")
