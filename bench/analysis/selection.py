"""Which candidate is chosen: success first, then hazards and findings, then latency; ties are named as ties.

It decides from what the tests say and puts it into words. The tests are `answers`' and `inference`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from bench.analysis import inference
from bench.analysis.answers import Match, answers
from bench.analysis.comparison import Comparison
from bench.analysis.noise import as_held, too_noisy
from bench.analysis.subject import EMULATED, FLOOR, INSTRUCTIONS, group_by, subjects
from bench.analysis.transitions import state
from bench.analysis.verdict import CHOICES, Choice, Reason, Scope, Verdict
from bench.analysis.wording import conditions, listed, times

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from bench.analysis.comparison import NoiseFloor
    from bench.analysis.hazards import HazardSummary
    from bench.analysis.subject import Subject
    from bench.analysis.table import WorkerRow

_NOT_CIRCUMSTANCES = frozenset({*CHOICES, "machine", "kernel", "distro", "libc", "clock", "scenario"})


def verdicts(
    rows: Iterable[WorkerRow], noise: Sequence[NoiseFloor], hazards: Sequence[HazardSummary]
) -> tuple[Verdict, ...]:
    """Return one verdict for each place, scenario and set of circumstances, in order of first appearance."""
    cells = [cell for cell in subjects(rows) if cell.strategy != FLOOR]
    scopes = group_by(cells, lambda cell: {axis: value for axis, value in cell.key.items() if axis not in CHOICES})
    return tuple(_verdict(scope, noise, hazards) for scope in scopes)


@dataclass(slots=True)
class _Deliberation:
    """A verdict in the making; the only thing here that changes."""

    left: list[Subject]
    """Who can still be chosen, fastest first."""
    out: list[Reason] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def everyone(self) -> set[Choice]:
        return {choice_of(cell) for cell in self.left} | {reason.choice for reason in self.out}

    def drop(self, cell: Subject, criterion: Any, text: str, **values: Any) -> None:
        self.left.remove(cell)
        self.out.append(Reason(criterion, choice_of(cell), chosen=False, text=text, values=values))


def choice_of(cell: Subject) -> Choice:
    """Return what a program would do to be this cell."""
    return Choice(*(str(cell.key[axis]) for axis in CHOICES))


def _fastest_first(cell: Subject) -> tuple[float, Choice]:
    return math.inf if cell.p50 is None else cell.p50, choice_of(cell)


def _verdict(cells: Sequence[Subject], noise: Sequence[NoiseFloor], hazards: Sequence[HazardSummary]) -> Verdict:
    scope = _scope(cells[0])
    runs = {row.run for cell in cells for row in cell.rows}
    here = as_held(
        [one for one in noise if one.run in runs and one.machine.clock == scope.machine.clock],
        paced=all(cell.paces for cell in cells if cell.logs),
    )
    at_hand = _Deliberation(sorted((cell for cell in cells if cell.success[1]), key=_fastest_first))
    if not at_hand.left:
        reasons = dict.fromkeys(cell.refusal or state(cell) for cell in cells)
        return _refuse(scope, f"nothing was measured: {'; '.join(reasons)}", at_hand, here)
    _by_success(at_hand)
    at_hand.out += [_broken(cell) for cell in cells if cell.failures and not cell.success[1]]
    if not at_hand.left:
        errors = dict.fromkeys(state(cell) for cell in cells if cell.tried)
        text = f"nothing works here: every launch fails ({', '.join(errors)})"
        return Verdict(scope, _sentence(scope, text), (), None, tuple(at_hand.out), (), _worst(here), ())
    _by_hazards(at_hand, hazards)
    _by_findings(at_hand)
    if len(at_hand.left) == 1:
        return _choose(scope, at_hand, (), here)
    if scope.machine.clock == EMULATED:
        at_hand.warnings.append("emulated time says nothing of speed: measure latency on hardware")
        return _choose(scope, at_hand, (), here)
    if all(cell.p50 is None for cell in at_hand.left):
        at_hand.warnings.append("launches that are held, as in a burst, have no time of their own: success decides")
        return _choose(scope, at_hand, (), here)
    if refusal := _too_little(at_hand, here):
        return _refuse(scope, refusal, at_hand, here)
    return _choose(scope, at_hand, _by_latency(at_hand, here), here)


def _scope(cell: Subject) -> Scope:
    axes = {axis: value for axis, value in cell.key.items() if axis not in _NOT_CIRCUMSTANCES}
    return Scope(cell.machine, str(cell.key["scenario"]), axes)


def _by_success(at_hand: _Deliberation) -> None:
    """Drop who succeeds less often than the one with the highest lower bound, by Fisher's exact test (Holm)."""
    bounds = {id(cell): inference.wilson(*cell.success) or (0.0, 0.0) for cell in at_hand.left}
    leader = max(at_hand.left, key=lambda cell: bounds[id(cell)][0])
    if not leader.success[0]:
        for cell in list(at_hand.left):
            at_hand.drop(cell, "success", _success_text(cell), **_success_values(cell))
        return
    others = [cell for cell in at_hand.left if cell is not leader]
    adjusted = inference.holm([inference.fisher(leader.success, cell.success) for cell in others])
    for cell, p in zip(others, adjusted, strict=True):
        if p <= inference.ALPHA and _share(cell) < _share(leader):
            at_hand.drop(cell, "success", _success_text(cell), **_success_values(cell), p_adjusted=p)
    if _share(leader) < 1:
        at_hand.warnings.append(f"even {choice_of(leader).strategy} {_success_text(leader)}")


def _broken(cell: Subject) -> Reason:
    """Say of a candidate that never came to a launch how its workers ended."""
    text = ", ".join(f"{outcome} in {count} of {cell.tried} workers" for outcome, count in cell.failures.most_common())
    return Reason("success", choice_of(cell), chosen=False, text=text, values={"workers": cell.tried, **cell.failures})


def _share(cell: Subject) -> float:
    ok, n = cell.success
    return ok / n


def _success_text(cell: Subject) -> str:
    ok, n = cell.success
    return f"works in {ok} of {n} launches" + (f" ({cell.main_error})" if cell.main_error else "")


def _success_values(cell: Subject) -> dict[str, Any]:
    low, high = inference.wilson(*cell.success) or (None, None)
    ok, n = cell.success
    return {"ok": ok, "launches": n, "success_low": low, "success_high": high}


def _by_hazards(at_hand: _Deliberation, hazards: Sequence[HazardSummary]) -> None:
    """Drop who falls, as it comes, into a hazard that another does not, where the other falls into none besides.

    A hazard counts between two candidates only when it is known of both.
    """
    place = at_hand.left[0].machine
    here = [
        one
        for one in hazards
        if one.mitigation is None and (one.machine.id, one.machine.kernel) == (place.id, place.kernel)
    ]
    known = {one.strategy: _Exposure() for one in here}
    for one in here:
        known[one.strategy].add(one)
    nothing = _Exposure()
    exposed = {choice_of(cell): known.get(cell.strategy, nothing) for cell in at_hand.left}
    for cell in list(at_hand.left):
        own = exposed[choice_of(cell)]
        spared = {name for other in exposed.values() if other.is_safer_than(own) for name in own.struck_beside(other)}
        if spared:
            hits = [own.struck[name] for name in sorted(spared)]
            text = ", ".join(f"{one.hazard} in {one.hits} of {one.trials} tries" for one in hits)
            at_hand.drop(cell, "hazard", text, **{one.hazard: {"hits": one.hits, "trials": one.trials} for one in hits})


NO_TIE = 0.10
"""Beyond it, and the noise, nobody is as fast as the fastest, and nobody whose interval reaches beyond it is shown to
be; the luckiest of many equal ones is not that far off."""
UNCERTAIN = "so few rounds are not certain"
"""The end of a reason of someone who looks slower, and whom the data do not carry."""


@dataclass(slots=True)
class _Exposure:
    """Which hazards are known of a strategy, and into which it falls."""

    known: set[str] = field(default_factory=set)
    struck: dict[str, HazardSummary] = field(default_factory=dict)

    def add(self, one: HazardSummary) -> None:
        if one.outcome in {"tried", "never_possible"}:
            self.known.add(one.hazard)
        if one.hits:
            self.struck[one.hazard] = one

    def struck_beside(self, other: _Exposure) -> set[str]:
        """Return the hazards that are known of both, and into which only this one falls."""
        return {name for name in self.struck if name in other.known and name not in other.struck}

    def is_safer_than(self, other: _Exposure) -> bool:
        return bool(other.struck_beside(self)) and not self.struck_beside(other)


def _by_findings(at_hand: _Deliberation) -> None:
    """Drop who leaves something behind, or whose workers break, while others do not."""
    if all(cell.findings for cell in at_hand.left):
        at_hand.warnings.append("every way leaves something behind: see what")
        return
    for cell in [cell for cell in at_hand.left if cell.findings]:
        text = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in cell.findings.most_common())
        at_hand.drop(cell, "finding", f"leaves {text}", **cell.findings)


def _too_little(at_hand: _Deliberation, noise: Sequence[NoiseFloor]) -> str | None:
    """Say why latency cannot decide; drop who has too few workers where the others have enough."""
    needed = 3 if at_hand.left[0].machine.clock == INSTRUCTIONS else inference.FEWEST
    counts = {id(cell): len(cell.logs) for cell in at_hand.left}
    enough = [cell for cell in at_hand.left if counts[id(cell)] >= needed]
    if len(enough) < 2:
        return f"needs more runs: {min(counts.values())} of {needed} workers"
    for cell in [cell for cell in at_hand.left if counts[id(cell)] < needed]:
        count = counts[id(cell)]
        at_hand.drop(cell, "data", f"needs more runs: {count} of {needed} workers", workers=count, needed=needed)
    worst = _worst(noise)
    return (too_noisy(worst) or None) if worst else None


def _worst(noise: Sequence[NoiseFloor]) -> NoiseFloor | None:
    return max(noise, key=lambda one: one.floor, default=None)


def _by_latency(at_hand: _Deliberation, noise: Sequence[NoiseFloor]) -> tuple[Comparison, ...]:
    """Drop who is slower than the fastest; return all beside the fastest.

    The family is every pair of candidates: the fastest is only known from the same data, and the luckiest of many equal
    ones would else be believed. A pair whose own interval is far from 1, and which the family does not carry (one
    round among few was disturbed), is no tie either: it is left undecided, and said to be.
    """
    cells = list(at_hand.left)
    matches = [Match(base, new) for base, new in combinations(cells, 2)]
    beside = len(cells) - 1  # the first of the combinations are the fastest's
    ranking = answers(matches[:beside], noise, lambda _: None, family=matches[beside:])
    for cell, row in zip(cells[1:], ranking, strict=True):
        if row.answer == "slower" and row.ratio and row.low and row.high:
            text = f"takes {times(row.ratio)} as long [{row.low:.3g}, {row.high:.3g}]"
            values = {"ratio": row.ratio, "low": row.low, "high": row.high, "p_adjusted": row.p_adjusted}
            at_hand.drop(cell, "latency", text, **values)
        elif row.answer == "inconclusive":
            at_hand.drop(cell, "data", row.reason)
        elif row.ratio and row.low and row.high and row.low > _reach(noise):
            text = f"took {times(row.ratio)} as long [{row.low:.3g}, {row.high:.3g}], of which {UNCERTAIN}"
            values = {"ratio": row.ratio, "low": row.low, "high": row.high, "p_adjusted": row.p_adjusted}
            at_hand.drop(cell, "data", text, **values)
    return ranking


def _choose(
    scope: Scope, at_hand: _Deliberation, ranking: tuple[Comparison, ...], noise: Sequence[NoiseFloor]
) -> Verdict:
    chosen = at_hand.left
    tie = len(chosen) > 1
    tied = _tie(scope, at_hand, ranking, _reach(noise)) if tie else ""
    kept = [
        Reason(
            "latency" if ranking else "success",
            choice_of(cell),
            chosen=True,
            text=f"{_success_text(cell)}{_BESIDE.get(tied, '')}",
            values={**_success_values(cell), "total_ns": cell.p50},
        )
        for cell in chosen
    ]
    if not noise and ranking:
        at_hand.warnings.append("no A/A was measured in this run: its noise floor is assumed")
    names = _names([choice_of(cell) for cell in chosen], at_hand.everyone)
    text = f"use {names[0]}" if not tie else f"use {listed(names, 'or')}: {tied}"
    return Verdict(
        scope=scope,
        sentence=_sentence(scope, text, _because(at_hand.out, at_hand.everyone)),
        chosen=tuple(choice_of(cell) for cell in chosen),
        refusal=None,
        reasons=(*kept, *at_hand.out),
        ranking=ranking,
        noise=_worst(noise),
        warnings=tuple(at_hand.warnings),
    )


def _reach(noise: Sequence[NoiseFloor]) -> float:
    """Return how far apart two may be that are called equal."""
    worst = _worst(noise)
    return 1 + max(NO_TIE, worst.floor if worst else 0.0)


_TIE, UNTOLD = "a tie", "so few rounds do not tell which is faster"
_BESIDE = {_TIE: ", as fast as the others chosen", UNTOLD: ", not told apart from the others chosen"}


def _tie(scope: Scope, at_hand: _Deliberation, ranking: Sequence[Comparison], reach: float) -> str:
    """Name a tie only where the intervals of all who share it say that they are near."""
    if scope.machine.clock == EMULATED:
        return "emulated time does not say which is fastest"
    if not ranking:
        return "all of them work"
    tied = {id(cell.key) for cell in at_hand.left}
    beside = [row for row in ranking if id(row.new) in tied]
    return _TIE if all(row.high is not None and row.high <= reach for row in beside) else UNTOLD


def _refuse(scope: Scope, why: str, at_hand: _Deliberation, noise: Sequence[NoiseFloor]) -> Verdict:
    names = _names([choice_of(cell) for cell in at_hand.left], at_hand.everyone)
    text = f"no verdict: {why}" + (f"; {listed(names, 'and')} work" + "s" * (len(names) == 1) if names else "")
    return Verdict(
        scope=scope,
        sentence=_sentence(scope, text, _because(at_hand.out, at_hand.everyone)),
        chosen=(),
        refusal=why,
        reasons=tuple(at_hand.out),
        ranking=(),
        noise=_worst(noise),
        warnings=tuple(at_hand.warnings),
    )


def _names(choices: Sequence[Choice], everyone: Collection[Choice]) -> list[str]:
    """Name choices by their strategy, and by what else tells candidates of one strategy apart."""
    names: list[str] = []
    if axis := _all_strategies_alike(choices, everyone):
        return [str(value) for value in dict.fromkeys(getattr(choice, axis) for choice in choices)]
    for choice in choices:
        others = [other for other in everyone if other.strategy == choice.strategy]
        more = [getattr(choice, axis) for axis in CHOICES[1:] if len({getattr(other, axis) for other in others}) > 1]
        names.append("+".join([choice.strategy, *more]))
    return names


def _all_strategies_alike(choices: Sequence[Choice], everyone: Collection[Choice]) -> str | None:
    """Return the axis that tells these choices from the others, when they are the same ones of every strategy."""
    strategies = {choice.strategy for choice in everyone}
    varying = [axis for axis in CHOICES[1:] if len({getattr(choice, axis) for choice in everyone}) > 1]
    if len(strategies) < 2 or len(varying) != 1:
        return None
    (axis,) = varying
    sets = [{getattr(choice, axis) for choice in choices if choice.strategy == name} for name in strategies]
    return axis if sets[0] and all(one == sets[0] for one in sets) else None


def _sentence(scope: Scope, text: str, because: str = "") -> str:
    return f"{conditions(scope.circumstances)}: {text}{because}."


def _because(out: Sequence[Reason], everyone: Collection[Choice]) -> str:
    """Return the strongest reasons in words: everyone who fails, the nearest and the furthest who is slower."""

    def name(reason: Reason) -> str:
        return _names([reason.choice], everyone)[0]

    said = []
    failed = [reason for reason in out if reason.criterion == "success"]
    if failed:
        names = _names([reason.choice for reason in failed], everyone)
        said.append(f"{listed(names, 'and')} fail{'s' * (len(names) == 1)}")
    for criterion in ("hazard", "finding"):
        said += [f"{name(one)}: {one.text}" for one in out if one.criterion == criterion][:2]
    slower = sorted((one for one in out if one.criterion == "latency"), key=lambda one: float(one.values["ratio"]))
    for reason in slower[:1] + slower[1:][-1:]:
        said.append(f"{name(reason)} takes {times(float(reason.values['ratio']))} as long")
    unsure = [name(one) for one in out if one.criterion == "data" and one.text.endswith(UNCERTAIN)]
    if unsure:
        said.append(f"{listed(unsure, 'and')} took longer, for certain only with more rounds")
    return "".join(f"; {clause}" for clause in said)
