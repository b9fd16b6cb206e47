"""Hazards for forms that have no room for a matrix: strategies with which a hazard came to the same, together. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.analysis import HazardSummary
from bench.report.typography import plain


@dataclass(frozen=True, slots=True)
class HazardGroup:
    """The strategies with which one hazard, as it comes or mitigated, came to the same."""

    hazard: str
    mitigation: str | None
    result: str
    """Such as `20/20 [0.84, 1.00], all hung`, or the reason why it was not tried."""
    tried: bool
    struck: bool
    against: str | None
    """What the oracle demands, or what else is demanded of a probe, when the result is something else."""
    strategies: tuple[str, ...]

    @property
    def title(self) -> str:
        """The hazard, and what it was mitigated with: `lock_mutex`, `lock_mutex, atfork`."""
        return plain(self.hazard if self.mitigation is None else f"{self.hazard}, {self.mitigation}")


def hazard_groups(hazards: Iterable[HazardSummary]) -> tuple[HazardGroup, ...]:
    """Group hazards in the order of their first appearance; what struck stands before what did not."""
    groups: dict[tuple[str, str | None, str, str | None], list[HazardSummary]] = {}
    for one in hazards:
        against = _against(one)
        groups.setdefault((one.hazard, one.mitigation, _result(one), against), []).append(one)
    first: dict[tuple[str, str | None], int] = {}
    for hazard, mitigation, _, _ in groups:
        first.setdefault((hazard, mitigation), len(first))
    found = [
        HazardGroup(
            hazard=hazard,
            mitigation=mitigation,
            result=result,
            tried=members[0].outcome == "tried",
            struck=members[0].hits > 0,
            against=against,
            strategies=tuple(plain(one.strategy) for one in members),
        )
        for (hazard, mitigation, result, against), members in groups.items()
    ]
    return tuple(
        sorted(found, key=lambda group: (first[group.hazard, group.mitigation], not group.struck, not group.tried))
    )


def _against(one: HazardSummary) -> str | None:
    if one.met is False:
        return one.oracle
    if one.outcome == "failed":
        return "what a probe must say"
    return "nothing may be left" if one.strays else None


def _result(one: HazardSummary) -> str:
    if one.outcome != "tried":
        return plain(f"{one.outcome.replace('_', ' ')}: {one.reason or 'no reason given'}")
    interval = "" if one.low is None or one.high is None else f" [{one.low:.2f}, {one.high:.2f}]"
    hung = "" if not one.hangs else ", all hung" if one.hangs == one.hits else f", {one.hangs} hung"
    missing = f", {one.not_made} more not made ({one.reason})" if one.not_made else ""
    left = f", {one.strays} left alive" if one.strays else ""
    return plain(f"{one.hits}/{one.trials}{interval}{hung}{missing}{left}")
