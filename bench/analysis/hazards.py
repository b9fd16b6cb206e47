"""Hazard lines to one row for each hazard, strategy and mitigation of a machine: how often it struck, and may it.

Counting, an interval, and the oracle's word over all files. What to do about it is the verdict's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis import inference
from bench.analysis.identity import Machine, machine_of
from bench.record import HazardKey, hazard_key, oracle_met

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.record import HazardLine, Recording

_MADE_OUT = ("tried", "failed", "not_tried", "never_possible")
"""When files differ, the first of these that any of them has: a trial says more than a refusal."""


@dataclass(frozen=True, slots=True)
class HazardSummary:
    """One hazard with one strategy on one machine, over every file that tried it."""

    machine: Machine
    scenario: str
    hazard: str
    strategy: str
    mitigation: str | None
    """None: as it comes."""
    outcome: str
    """Of `bench.record.HAZARD_OUTCOMES`."""
    reason: str | None
    """Why it was not tried, or why some of its trials were not made."""
    trials: int
    hits: int
    hangs: int
    """Hits in which something stood still for ever."""
    not_made: int
    """Trials whose circumstances did not come about: they are not among `trials`."""
    strays: int
    """Processes that were alive when their trial had ended, and were ended then."""
    low: float | None
    high: float | None
    """The 95% Wilson interval of hits / trials; null without trials, and without the extra `report`."""
    oracle: str | None
    """`always`, `sometimes`, `never`; null where the mechanism decides nothing, or nothing was tried."""
    met: bool | None
    """Whether the hits are what the oracle demands; null when it demands nothing."""
    detail: str | None
    """What was seen in a hit, in words; of the first file that says so."""


def hazards(recordings: Iterable[Recording]) -> tuple[HazardSummary, ...]:
    """Group hazard lines by machine, scenario, hazard, strategy and mitigation, in order of first appearance."""
    groups: dict[tuple[Machine, str, HazardKey], dict[str, HazardLine]] = {}
    for recording in recordings:
        header = recording.header
        machine, scenario = machine_of(header["machine"]), header["scenario"]["name"]
        for line in recording.hazards:
            group = groups.setdefault((machine, scenario, hazard_key(line)), {})
            group.setdefault(header["run"], line)  # a file and its own copy are one
    return tuple(_summary(machine, scenario, tuple(lines.values())) for (machine, scenario, _), lines in groups.items())


def _summary(machine: Machine, scenario: str, lines: Sequence[HazardLine]) -> HazardSummary:
    outcomes = {line["outcome"]["kind"]: line for line in reversed(lines)}
    outcome = next((kind for kind in _MADE_OUT if kind in outcomes), lines[0]["outcome"]["kind"])
    tried = [line for line in lines if line["outcome"]["kind"] == "tried"]
    trials, hits = sum(line["trials"] for line in tried), sum(line["hits"] for line in tried)
    low, high = (inference.wilson(hits, trials) if inference.available() else None) or (None, None)
    oracle = Counter(line["oracle"] for line in tried).most_common(1)[0][0] if tried else lines[0]["oracle"]
    return HazardSummary(
        machine=machine,
        scenario=scenario,
        hazard=lines[0]["hazard"],
        strategy=lines[0]["strategy"],
        mitigation=lines[0]["mitigation"],
        outcome=outcome,
        reason=next((why for line in lines if (why := _why(line, outcome))), None),
        trials=trials,
        hits=hits,
        hangs=sum(line["hangs"] for line in tried),
        not_made=sum(line.get("not_made", 0) for line in lines),
        strays=sum(len(line.get("strays", ())) for line in lines),
        low=low,
        high=high,
        oracle=oracle,
        met=oracle_met(oracle, trials=trials, hits=hits),
        detail=next((line["detail"] for line in lines if line["detail"]), None),
    )


def _why(line: HazardLine, outcome: str) -> str | None:
    return line["outcome"].get("reason") if line["outcome"]["kind"] == outcome else None
