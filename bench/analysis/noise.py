"""How small a difference can be believed: the noise inside a run, and the drift between runs.

Inside a run the reference cell is planned twice a round under two names: what these two differ by, nobody did. Between
runs a machine drifts by more than that, and only repeated runs can say by how much.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.analysis import inference
from bench.analysis.comparison import NoiseFloor
from bench.analysis.pace import held
from bench.analysis.subject import INSTRUCTIONS, subjects
from bench.analysis.wording import percent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from bench.analysis.subject import Pair, Subject
    from bench.analysis.table import WorkerRow

NOISY = 0.05
"""A floor beyond which a run is refused rather than believed."""
ASSUMED = {True: 0.02, False: 0.05}
"""The floor inside a run that measured none, by whether its workers were held to one CPU."""
DRIFT = {True: 0.05, False: 0.10}
"""What two runs of one program may differ by, until repeated runs of the machine have shown it; likewise."""
COUNTED = 0.01
"""What instruction counts of one program may differ by, inside a run and between runs."""

_ENOUGH_REPEATS = 4
"""Degrees of freedom from which the drift that was seen replaces the one assumed, also when it is smaller."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The smallest difference that is believed, as a fraction."""

    value: float
    measured: bool
    """By the data at hand; else assumed."""


def noise_floors(rows: Iterable[WorkerRow]) -> tuple[NoiseFloor, ...]:
    """Compare each twin with its original, run by run; a run of too few rounds has none."""
    rows = tuple(rows)
    originals = {_name(subject): subject for subject in subjects(rows)}
    found = []
    for twin in subjects(rows, twins=True):
        original = originals.get(_name(twin))
        if original is None:
            continue
        for run in twin.runs:
            pairs = [pair for pair in twin.logs if pair[0] == run and pair in original.logs]
            if len(pairs) >= inference.FEWEST:
                found.append(_noise_floor(original, twin, run, pairs))
    return tuple(found)


def _name(subject: Subject) -> str:
    return repr(sorted((axis, value) for axis, value in subject.key.items() if axis != "twin"))


def _noise_floor(original: Subject, twin: Subject, run: str, pairs: Sequence[Pair]) -> NoiseFloor:
    raw = _apart(original, run, [twin.logs[pair] - original.logs[pair] for pair in pairs])
    against = held(original, twin, pairs)
    if against.slope is None:
        return raw
    return replace(_apart(original, run, list(against.differences.values())), slope=against.slope, unpaced=raw)


def _apart(original: Subject, run: str, logs: Sequence[float]) -> NoiseFloor:
    effect = inference.paired(logs)
    return NoiseFloor(
        machine=original.machine,
        scenario=str(original.key["scenario"]),
        run=run,
        cell=original.key,
        pairs=effect.n,
        ratio=effect.ratio,
        low=effect.low,
        high=effect.high,
        floor=math.expm1(_smallest(effect, inference.standard_error(logs))),
    )


def _smallest(effect: inference.Effect, error: float) -> float:
    """Return the log of the smallest difference that is believed beside a twin that differed by this.

    What the interval of the twin leaves no doubt of; else the root mean square of the difference and its standard
    error. The difference alone is one number, which may be small by luck, and its error is known from every round.
    """
    seen = abs(math.log(effect.ratio))
    certain = max(math.log(effect.low), -math.log(effect.high), 0.0)
    return max(certain, math.hypot(seen, error) / math.sqrt(2))


def too_noisy(noise: NoiseFloor) -> str:
    """Say why nothing is said of latency beside such an A/A; empty when it is quiet enough."""
    if noise.floor <= NOISY:
        return ""
    seen = math.expm1(abs(math.log(noise.ratio)))
    widest = math.expm1(max(abs(math.log(noise.low)), abs(math.log(noise.high))))
    doubt = "" if seen > NOISY else f", give or take {percent(widest)}"
    return f"noisy machine: A/A differed by {percent(seen)}{doubt}"


def as_held(noise: Iterable[NoiseFloor], *, paced: bool) -> tuple[NoiseFloor, ...]:
    """Return what stands beside comparisons that were held against the machine's pace, or that were not."""
    return tuple(one if paced or one.unpaced is None else one.unpaced for one in noise)


def within(noise: Iterable[NoiseFloor], runs: Collection[str], *, pinned: bool, paced: bool = False) -> Floor:
    """Return the floor of comparisons inside these runs: the root mean square of their twins'."""
    logs = [math.log1p(one.floor) for one in as_held(noise, paced=paced) if one.run in runs]
    if not logs:
        return Floor(ASSUMED[pinned], measured=False)
    return Floor(math.expm1(math.sqrt(statistics.fmean(log**2 for log in logs))), measured=True)


def between(sides: Iterable[Subject], inside: Floor) -> Floor:
    """Return the floor of comparisons of single runs, from every cell that has several runs on its side.

    1.96 times the deviation that the difference of two runs has; never below the floor inside the runs.
    """
    sides = tuple(sides)
    if any(side.machine.clock == INSTRUCTIONS for side in sides):
        return Floor(COUNTED, measured=False)
    assumed = DRIFT[all(side.pinned for side in sides)]
    repeated = [list(side.runs.values()) for side in sides if len(side.runs) > 1]
    if not repeated:
        return Floor(max(assumed, inside.value), measured=False)
    freedom = sum(len(logs) - 1 for logs in repeated)
    variance = sum(statistics.variance(logs) * (len(logs) - 1) for logs in repeated) / freedom
    seen = math.expm1(1.96 * math.sqrt(2 * variance))
    enough = max(len(logs) for logs in repeated) > _ENOUGH_REPEATS
    return Floor(max(inside.value, seen if enough else max(seen, assumed)), measured=enough)
