"""Verdicts as the page says them: the sentence, why, and where each cell stands in the ranking of its verdict."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis import cell_key, grouped
from bench.report.blocks import count, mode_name, verdicts_of
from bench.report.hazard_groups import HazardGroup, hazard_groups
from bench.report.outright import outright_failures
from bench.report.typography import UNICODE, duration, plain, size
from bench.report.verdict_groups import shared_conditions, verdict_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis import Analysis, CellKey, Choice, Comparison, NoiseFloor, Reason
    from bench.report.blocks import Section
    from bench.report.verdict_groups import VerdictGroup

_MOST_SHOWN = 4
"""Answers, and lines of what failed, that are shown at once; the others are folded."""
_AT_ONCE = 3
"""Reasons of each kind that stand below an answer, unfolded."""
_MOST_NAMES = 10
_DECISIVE = frozenset({"success", "hazard", "finding"})


@dataclass(frozen=True, slots=True)
class Clause:
    """Why a candidate was chosen or fell out."""

    name: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Conclusion:
    """An answer in words, and every verdict that comes to it."""

    where: str
    """Where it holds word for word, when that needs saying."""
    head: str
    """What to use: `use vfork_exec`."""
    rest: str
    """The clauses after it, their signs included."""
    others: Sequence[str]
    """Where else the same choice was reached, with other figures."""
    refused: bool
    nothing: bool
    """All that was tried fails."""
    because: Sequence[Clause]
    """The reasons that decided, the first of them."""
    reasons: Sequence[tuple[str, Sequence[Clause]]]
    """All reasons, by the sentence of each verdict."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What never worked."""

    names: str
    text: str


@dataclass(frozen=True, slots=True)
class Struck:
    """A hazard that struck, as it comes or in spite of what is recommended against it."""

    title: str
    result: str
    strategies: str
    against: str
    """What must be, when this is not it; else empty."""


@dataclass(frozen=True, slots=True)
class Conclusions:
    """The verdicts of one section."""

    shown: Sequence[Conclusion]
    folded: Sequence[Conclusion]
    everywhere: str
    """The conditions that all have in common."""
    failures: Sequence[Failure]
    failures_folded: Sequence[Failure]
    warnings: Sequence[str]
    """What any of them warns of, once."""
    noise: str
    hazards: str
    """How many were tried, and how many struck; empty when none was planned."""
    struck: Sequence[Struck]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a cell stands beside the fastest of its verdict."""

    chosen: bool
    tied: bool
    """It is chosen, and others are."""
    row: Comparison | None
    """None for the fastest itself, and for what was not compared by latency."""
    path: str
    """Where the machine-readable report has the row."""


def conclusions(section: Section, analysis: Analysis) -> Conclusions:
    """Put the verdicts of a section into words."""
    places = {cell.machine for cell in section.cells}
    groups = hazard_groups(
        one for one in analysis.hazards if (one.machine, one.scenario) == (section.machine, section.scenario)
    )
    verdicts = verdicts_of(section, analysis)
    found = [_conclusion(group) for group in verdict_groups(verdicts)]
    failures = [Failure(", ".join(one.names), one.text) for one in outright_failures(section.shown)]
    return Conclusions(
        shown=found[:_MOST_SHOWN],
        folded=found[_MOST_SHOWN:],
        everywhere=shared_conditions(verdicts),
        failures=failures[:_MOST_SHOWN],
        failures_folded=failures[_MOST_SHOWN:],
        warnings=list(dict.fromkeys(plain(warning) for verdict in verdicts for warning in verdict.warnings)),
        hazards=_hazards_said(groups),
        struck=[
            Struck(one.title, one.result, listed(one.strategies), one.against or "")
            for one in sorted(groups, key=lambda group: group.against is None)
            if one.struck or one.against
        ],
        noise=_noise([one for one in analysis.noise if one.scenario == section.scenario and one.machine in places]),
    )


def listed(names: Sequence[str]) -> str:
    """List names, the first of them where there are many."""
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _MOST_NAMES - 2])} and {len(names) - _MOST_NAMES + 2} others"


def _hazards_said(groups: Sequence[HazardGroup]) -> str:
    tried = {group.hazard for group in groups if group.tried}
    if not tried:
        return ""
    struck = {group.hazard for group in groups if group.struck and group.mitigation is None}
    against = sum(len(group.strategies) for group in groups if group.against)
    held = "every oracle was met" if not against else f"{against} against their oracle"
    return f"{len(struck)} of {count(len(tried), 'hazard')} struck with at least one strategy; {held}."


def _conclusion(group: VerdictGroup) -> Conclusion:
    answer = plain(group.answer)
    head = re.match(r"[^;:]*[^;:.]", answer)
    first = group.verdicts[0]
    because = [_clause(one) for one in first.reasons if one.chosen][:_AT_ONCE]
    because += [_clause(one) for one in first.reasons if not one.chosen and one.criterion in _DECISIVE][:_AT_ONCE]
    return Conclusion(
        where=group.first,
        head=_capital(head[0]) if head else "",
        rest=answer[head.end() :] if head else answer,
        others=group.others,
        refused=group.refused,
        nothing=not group.refused and not first.chosen,
        because=because,
        reasons=[
            (": ".join(filter(None, (where, plain(one.answer)))), [_clause(reason) for reason in one.reasons])
            for where, one in zip(group.each, group.verdicts, strict=True)
        ],
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _clause(reason: Reason) -> Clause:
    total = reason.values.get("total_ns")
    took = f", total {duration(total, UNICODE)}" if reason.chosen and isinstance(total, int | float) else ""
    return Clause(plain(_named(reason.choice)), f"{plain(reason.text)}{took}", reason.chosen)


def _named(choice: Choice) -> str:
    reaper = [choice.reaper] if choice.reaper not in {"waitpid", "own"} else []
    hygiene = [choice.hygiene] if choice.hygiene != "none" else []
    return "+".join([choice.strategy, *reaper, *hygiene])


def _noise(floors: Sequence[NoiseFloor]) -> str:
    """Say how far two measurements of one thing were apart in a run, at worst."""
    if not floors:
        return ""
    worst = max(floors, key=lambda one: one.floor)
    cell = ", ".join([plain(str(worst.cell["strategy"])), size(worst.cell["footprint_bytes"])])
    paced = "" if worst.slope is None else "held against the machine's pace "
    others = f" It is the worst of {len(floors)} such measurements." if len(floors) > 1 else ""
    return (
        f"Measured twice a round, {cell}, overcommit {mode_name(worst.cell.get('overcommit'))}, differed from itself "
        f"{paced}by a factor of {worst.ratio:.3f} [{worst.low:.3f}, {worst.high:.3f}] over {worst.pairs} pairs: "
        f"no difference below {worst.floor:.1%} is believed.{others}"
    )


def standings(analysis: Analysis) -> dict[int, Standing]:
    """Return where cells stand, by index of the cell."""
    indices = {_frozen(cell_key(group[0])): index for index, group in enumerate(grouped(analysis.rows))}
    found: dict[int, Standing] = {}
    for number, verdict in enumerate(analysis.verdicts):
        chosen = {(choice.strategy, choice.reaper, choice.hygiene) for choice in verdict.chosen}

        def stand(key: CellKey | None, row: Comparison | None, path: str) -> None:
            index = None if key is None else indices.get(_frozen(key))
            if key is None or index is None:
                return
            is_chosen = (key["strategy"], key["reaper"], key["hygiene"]) in chosen  # noqa: B023 - called in this turn
            found[index] = Standing(is_chosen, is_chosen and len(chosen) > 1, row, path)  # noqa: B023 - as above

        for at, row in enumerate(verdict.ranking):
            stand(row.base, None, "")
            stand(row.new, row, f"verdicts.{number}.ranking.{at}.ratio")
    return found


def _frozen(key: CellKey) -> frozenset[tuple[str, str]]:
    return frozenset((name, repr(value)) for name, value in key.items())
