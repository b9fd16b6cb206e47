"""Matched cells to rows: which test fits, which floor must be cleared, and what the answer is.

Cells of one run are pairs, round by round. Cells of different runs are as many numbers as there are runs, and where
there is one run a side, only a difference beyond what runs drift by is believed. A boot is a stratum: workers of one
boot count once beside those of another. Which cells are matched is the caller's.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from bench.analysis import inference
from bench.analysis.comparison import Comparison
from bench.analysis.inference import ALPHA, Effect
from bench.analysis.noise import COUNTED, Floor, between, within
from bench.analysis.pace import held
from bench.analysis.subject import INSTRUCTIONS, measures_latency
from bench.analysis.transitions import Transition, transitions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.analysis.comparison import Answer, NoiseFloor
    from bench.analysis.subject import Pair, Subject

Unit: TypeAlias = Literal["round", "boot", "run", "file"]
_PAIRED = frozenset({"round", "boot"})
Logs: TypeAlias = "Mapping[Pair, float]"

_FEWEST_COUNTED = 3
"""Pairs, or boots, that instruction counts need: they repeat, and are not tested but held against their floor."""


@dataclass(frozen=True, slots=True)
class Match:
    """Two cells that one row is about; None where a side has no such cell."""

    base: Subject | None
    new: Subject | None
    side: str = ""
    """The name of the new side."""


@dataclass(frozen=True, slots=True)
class _Contest:
    """What is known of the latency of one match before the family is looked at."""

    unit: Unit
    base: Logs
    new: Logs
    """What is compared: logs of worker medians, or of their ratios to a reference; of pairs `new` is the difference."""
    obstacle: str = ""
    """Why latency cannot be compared."""
    behaviour: bool = False
    """Behaviour is all that can be compared: more runs would not help."""
    slope: float | None = None
    """Of what pairs were held against the machine's pace; None where they were not."""

    @property
    def common(self) -> list[Pair]:
        return [pair for pair in self.base if pair in self.new]

    def runs(self, logs: Logs) -> dict[str, float]:
        """Return one number a run: the median of its workers."""
        by_run: dict[str, list[float]] = {}
        for (run, _), log in logs.items():
            by_run.setdefault(run, []).append(log)
        return {run: statistics.median(values) for run, values in by_run.items()}


def answers(
    matches: Sequence[Match],
    noise: Sequence[NoiseFloor],
    reference: Callable[[Subject], Subject | None],
    *,
    family: Sequence[Match] = (),
) -> tuple[Comparison, ...]:
    """Return one row a match, in their order; all of them, and `family`, are one family.

    `reference` finds the cell of the reference strategy beside a cell: what machines are compared by.
    """
    found = transitions([(match.base, match.new) for match in matches])
    contests = [_contest(match, reference) for match in matches]
    adjusted = _adjust([*contests, *(_contest(match, reference) for match in family)])[: len(contests)]
    return tuple(
        _row(match, contest, transition, p_adjusted, noise)
        for match, contest, transition, p_adjusted in zip(matches, contests, found, adjusted, strict=True)
    )


def _contest(match: Match, reference: Callable[[Subject], Subject | None]) -> _Contest:
    base, new = match.base, match.new
    if base is None or new is None:
        return _Contest("file", {}, {}, obstacle="nothing to compare")
    clocks = base.machine.clock, new.machine.clock
    if clocks[0] != clocks[1]:
        return _no_latency(f"{clocks[0]} and {clocks[1]} time are never compared")
    if not measures_latency(base):
        return _no_latency(f"{clocks[0]} time is no latency")
    if not base.logs or not new.logs:
        return _no_latency("no latency on both sides")
    if base.runs.keys() & new.runs.keys():
        return _inside(base, new)
    logs: tuple[Logs, Logs] = base.logs, new.logs
    if base.machine.id != new.machine.id:
        beside = reference(base), reference(new)
        if beside[0] is None or beside[1] is None:
            return _Contest("file", {}, {}, obstacle="different machines, and no reference strategy on both")
        logs = _ratios(base, beside[0]), _ratios(new, beside[1])
    if min(len(base.runs), len(new.runs)) >= inference.FEWEST_RUNS:
        return _Contest("run", *logs)
    booted = any(side.boots[pair] for side in (base, new) for pair in side.logs)
    if booted:
        logs = _by_boot(base, logs[0]), _by_boot(new, logs[1])
    return _enough(_Contest("file", *logs), min(map(len, logs)), "boots" if booted else "workers", clocks[0])


def _inside(base: Subject, new: Subject) -> _Contest:
    """Compare cells of the same runs round by round; where the two sides are boots of their own, boot by boot."""
    boots = {pair: (base.boots[pair], new.boots[pair]) for pair in base.logs if pair in new.logs}
    if all(one == other for one, other in boots.values()):
        against = held(base, new, boots)
        contest = _Contest("round", dict.fromkeys(boots, 0.0), against.differences, slope=against.slope)
        return _enough(contest, len(boots), "rounds", base.machine.clock)
    fewest = min(zip(*boots.values(), strict=True), key=lambda side: (None in side, len(set(side))))
    rounds: dict[Any, list[Pair]] = {}
    for pair, boot in zip(boots, fewest, strict=True):
        rounds.setdefault((pair[0], boot), []).append(pair)
    differences = {
        pairs[0]: statistics.median(new.logs[pair] - base.logs[pair] for pair in pairs) for pairs in rounds.values()
    }
    by_boot = _Contest("boot", dict.fromkeys(differences, 0.0), differences)
    return _enough(by_boot, len(differences), "boots", base.machine.clock)


def _by_boot(cell: Subject, logs: Logs) -> dict[Pair, float]:
    """Return one number a boot: the median of its workers, under the name of the first."""
    boots: dict[Any, dict[Pair, float]] = {}
    for pair, log in logs.items():
        boots.setdefault((pair[0], cell.boots[pair]), {})[pair] = log
    return {next(iter(workers)): statistics.median(workers.values()) for workers in boots.values()}


def _no_latency(why: str) -> _Contest:
    return _Contest("file", {}, {}, obstacle=why, behaviour=True)


def _enough(contest: _Contest, count: int, noun: str, clock: str) -> _Contest:
    needed = _FEWEST_COUNTED if clock == INSTRUCTIONS else inference.FEWEST
    if count >= needed:
        return contest
    return _Contest(contest.unit, {}, {}, obstacle=f"needs more runs: {count} of {needed} {noun}")


def _ratios(cell: Subject, beside: Subject) -> dict[Pair, float]:
    return {pair: log - beside.logs[pair] for pair, log in cell.logs.items() if pair in beside.logs}


def _adjust(contests: Sequence[_Contest]) -> list[float | None]:
    """Adjust each row's p over the rows that are tested in the same way; None where nothing is tested."""
    adjusted: list[float | None] = [None] * len(contests)

    def fill(unit: Unit, adjust: Callable[[list[_Contest]], list[float]]) -> None:
        at = [index for index, contest in enumerate(contests) if contest.unit == unit and not contest.obstacle]
        for index, p in zip(at, adjust([contests[index] for index in at]), strict=True):
            adjusted[index] = p

    fill("round", lambda family: inference.adjust_paired([_differences(one) for one in family]))
    fill("boot", lambda family: inference.adjust_paired([_differences(one) for one in family]))
    fill("run", lambda family: inference.adjust_unpaired([(one.runs(one.base), one.runs(one.new)) for one in family]))
    fill("file", lambda family: inference.holm([_effect(one).p for one in family]))
    return adjusted


def _differences(contest: _Contest) -> dict[Pair, float]:
    return {pair: contest.new[pair] - contest.base[pair] for pair in contest.common}


def _effect(contest: _Contest) -> Effect:
    if contest.unit in _PAIRED:
        return inference.paired(list(_differences(contest).values()))
    if contest.unit == "run":
        return inference.unpaired(list(contest.runs(contest.base).values()), list(contest.runs(contest.new).values()))
    return inference.unpaired(list(contest.base.values()), list(contest.new.values()))


def _row(
    match: Match,
    contest: _Contest,
    transition: Transition,
    p_adjusted: float | None,
    noise: Sequence[NoiseFloor],
) -> Comparison:
    base, new = match.base, match.new
    effect = None if contest.obstacle else _effect(contest)
    floor = _floor(match, contest, noise) if effect else None
    answer, reason = _answer(match, contest, transition, effect, p_adjusted, floor)
    return Comparison(
        base=base.key if base else None,
        new=new.key if new else None,
        answer=answer,
        reason=reason,
        worse=_worse(match, answer, transition),
        base_ns=base.p50 if base else None,
        new_ns=new.p50 if new else None,
        ratio=effect.ratio if effect else None,
        low=effect.low if effect else None,
        high=effect.high if effect else None,
        p=effect.p if effect else None,
        p_adjusted=p_adjusted,
        floor=floor.value if floor else None,
        pairs=_count(contest),
        unit=contest.unit,
        success_p=transition.success_p,
        slope=contest.slope,
        side=match.side,
    )


def _worse(match: Match, answer: Answer, transition: Transition) -> bool:
    if answer == "missing":
        return bool(match.base and match.base.success[0])
    return transition.worse if answer == "transition" else answer == "slower"


def _count(contest: _Contest) -> int:
    if contest.unit in _PAIRED:
        return len(contest.common)
    return min(len(contest.runs(contest.base)), len(contest.runs(contest.new)))


def _floor(match: Match, contest: _Contest, noise: Sequence[NoiseFloor]) -> Floor:
    sides = [side for side in (match.base, match.new) if side]
    if sides[0].machine.clock == INSTRUCTIONS:
        return Floor(COUNTED, measured=False)
    runs = {run for side in sides for run in side.runs}
    inside = within(noise, runs, pinned=all(side.pinned for side in sides), paced=contest.slope is not None)
    return between(sides, inside) if contest.unit == "file" else inside


def _answer(
    match: Match,
    contest: _Contest,
    transition: Transition,
    effect: Effect | None,
    p_adjusted: float | None,
    floor: Floor | None,
) -> tuple[Answer, str]:
    if absent := _absent(match):
        return "missing", absent
    if transition.happened:
        return "transition", transition.text
    if transition.fails:
        return "same", transition.alike
    if effect is None or floor is None:
        told = f"{transition.alike}; {contest.obstacle}" if contest.behaviour else contest.obstacle
        return "inconclusive", told
    return judge(effect, p_adjusted, floor.value, contest.unit, counted=_counted(match))


def _counted(match: Match) -> bool:
    return match.base is not None and match.base.machine.clock == INSTRUCTIONS


def _absent(match: Match) -> str:
    sides = {"base": match.base, "new": match.new}
    missing = [f"{name} has no such cell" for name, side in sides.items() if side is None]
    refused = [f"{name} is {side.refusal}" for name, side in sides.items() if side and not side.tried]
    idle = [f"{name} came to no launch" for name, side in sides.items() if side and side.is_idle]
    return "; ".join(missing + refused + idle)


def judge(
    effect: Effect, p_adjusted: float | None, floor: float, unit: Unit, *, counted: bool = False
) -> tuple[Answer, str]:
    """Say what an effect is: different only when the test, over its family, and the near end of the interval agree.

    Instruction counts repeat: the interval alone is held against their floor. Between single files a difference that
    was seen, or could be there, and does not clear the floor may be drift: that is no answer.
    """
    shown = counted or (p_adjusted is not None and p_adjusted <= ALPHA)
    if shown and effect.low > 1 + floor:
        return "slower", ""
    if shown and effect.high < 1 / (1 + floor):
        return "faster", ""
    nothing_seen = effect.low <= 1 <= effect.high and effect.low >= 1 / (1 + floor) and effect.high <= 1 + floor
    if unit != "file" or nothing_seen:
        return "same", ""
    return "inconclusive", f"runs of one program differ by up to {floor:.0%}: repeat the run on each side"
