"""Verdicts as the page says them: the sentence, why, and where each cell stands in the ranking of its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis import cell_key, grouped
from bench.report.blocks import mode_name, place_of, verdicts_of
from bench.report.typography import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis import Analysis, CellKey, Comparison, NoiseFloor, Verdict
    from bench.report.blocks import Section

_MOST_SHOWN = 6
"""Verdicts that are shown at once; the others are folded."""


@dataclass(frozen=True, slots=True)
class Clause:
    """Why a candidate was chosen or fell out."""

    name: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A verdict in words."""

    place: str
    """Where it holds, when verdicts hold in several places."""
    sentence: str
    refused: bool
    reasons: Sequence[Clause]


@dataclass(frozen=True, slots=True)
class Conclusions:
    """The verdicts of one section."""

    shown: Sequence[Conclusion]
    folded: Sequence[Conclusion]
    warnings: Sequence[str]
    """What any of them warns of, once."""
    noise: Sequence[str]


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
    verdicts = verdicts_of(section, analysis)
    found = [_conclusion(verdict, place_of(verdict, verdicts)) for verdict in verdicts]
    warnings = dict.fromkeys(plain(warning) for verdict in verdicts for warning in verdict.warnings)
    noise = [one for one in analysis.noise if one.scenario == section.scenario and one.machine in places]
    return Conclusions(found[:_MOST_SHOWN], found[_MOST_SHOWN:], list(warnings), [_noise(one) for one in noise])


def _conclusion(verdict: Verdict, place: str) -> Conclusion:
    return Conclusion(
        place=place,
        sentence=plain(verdict.sentence),
        refused=verdict.refusal is not None,
        reasons=[
            Clause(plain(reason.choice.strategy), plain(reason.text), reason.chosen) for reason in verdict.reasons
        ],
    )


def _noise(noise: NoiseFloor) -> str:
    """Say how far two measurements of one thing were apart in a run."""
    where = f"{plain(str(noise.cell['strategy']))}, overcommit {mode_name(noise.cell.get('overcommit'))}"
    return (
        f"Measured twice a round, {where} differed from itself by a factor of {noise.ratio:.3f} "
        f"[{noise.low:.3f}, {noise.high:.3f}] over {noise.pairs} pairs: "
        f"no difference below {noise.floor:.1%} is believed."
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
