"""One machine and scenario as the page shows it: every section's figures, tables and sentences, as data for a template.

It concludes nothing: verdicts, intervals and ties are the analysis's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.blocks import (
    build_facts,
    count,
    machine_facts,
    places,
    refusals,
    run_facts,
)
from bench.report.guests import boots_said, guests, lost_boots
from bench.report.html.behind import curve_table, round_table, tail_table
from bench.report.html.conclusion import Conclusions, Standing, conclusions
from bench.report.html.figures import Figure, curve_figure, largest_footprints, multiples_shown, tails_figure
from bench.report.html.layout import Layout, layout_of
from bench.report.html.leftovers import (
    hazard_table,
    inheritance_table,
    is_clean,
    is_timed_beside,
    left_behind,
    mechanism_table,
    refused_text,
)
from bench.report.html.marks import key
from bench.report.html.multiples import Multiple, distributions, drifts
from bench.report.html.ranking import rankings
from bench.report.html.sentences import curve_said, floor_said, left_said, spread_said, success_said, tails_said
from bench.report.html.success import matrices
from bench.report.html.tables import Records, Table
from bench.report.typography import plain, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.analysis import Analysis, CellSummary, ResultFile, Spread
    from bench.report.blocks import Section


@dataclass(frozen=True, slots=True)
class Choice:
    """The rankings of one footprint, one for each panel that has it."""

    footprint: int
    label: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Cells that were not measured, for one reason."""

    outcome: str
    reason: str
    whom: str
    cells: str


@dataclass(frozen=True, slots=True)
class Key:
    """A series in a legend."""

    index: int
    label: str
    markup: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What the template sets."""

    id: str
    name: str
    question: str
    facts: Mapping[str, str]
    places: Sequence[str]
    boots: str
    """Of guests, in one line; empty without any."""
    guests: Sequence[str]
    files: Sequence[tuple[str, str, str]]
    """Of each file: path, how it came to be, what wrote it."""
    conclusions: Conclusions
    flags: Sequence[str]
    measured: bool
    panels: Sequence[str]
    legend: Sequence[Key]
    refused: Sequence[Refused]
    success: Sequence[Table]
    success_said: str
    curve: Figure | None
    curve_said: str
    curve_table: Sequence[Table]
    choices: Sequence[Choice]
    floor: str
    tails: Figure | None
    tails_said: str
    tail_table: Sequence[Table]
    distributions: Sequence[Multiple]
    drifts: Sequence[Multiple]
    spread_said: str
    round_table: Sequence[Table]
    left: Table | None
    left_said: str
    telling: bool
    """Some cell left something behind, made other threads stand still or wrote to its own memory."""
    mechanism: Table | None
    inherited: Table | None
    hazards: Table | None


def subject(
    number: int,
    section: Section,
    analysis: Analysis,
    records: Records,
    indices: Mapping[int, int],
    spreads: Mapping[int, Spread],
    standings: Mapping[int, Standing],
) -> Subject:
    """Set up one subject; `indices` maps a cell's identity to its index in the analysis."""
    name = f"s{number}"
    layout = layout_of(section, indices)
    largest = largest_footprints(layout)
    header = section.files[0].header["scenario"]
    shown = multiples_shown(layout, largest, spreads)
    panels = range(len(layout.panels))
    return Subject(
        id=name,
        name=plain(section.scenario),
        question=plain(header["question"]),
        facts=machine_facts(analysis.fingerprints[section.machine], section.machine),
        places=places(section),
        boots=boots_said(section.files),
        guests=[*guests(section.files), *lost_boots(section.files)],
        files=[(file.path, run_facts(file), build_facts(file)) for file in section.files],
        conclusions=conclusions(section, analysis),
        flags=_flags(section.files, section.cells),
        measured=bool(layout.items),
        panels=layout.panels,
        legend=[Key(series.index, series.label, key(series)) for series in layout.series],
        refused=[
            Refused(outcome.replace("_", " "), plain(reason), refused_text(cells), count(len(cells), "cell"))
            for outcome, reason, cells in refusals(section.cells)
        ],
        success=matrices(layout, records),
        success_said=success_said(layout),
        curve=curve_figure(name, layout),
        curve_said=curve_said(layout),
        curve_table=[curve_table(layout, panel, records) for panel in panels],
        choices=_choices(layout, records, standings),
        floor=floor_said(layout),
        tails=tails_figure(name, layout, largest),
        tails_said=tails_said(layout, largest),
        tail_table=[tail_table(layout, panel, records) for panel in panels],
        distributions=distributions(shown, spreads) if shown else [],
        drifts=drifts(shown, spreads) if shown else [],
        spread_said=spread_said(layout, largest, shown, spreads),
        round_table=[round_table(layout, panel, records) for panel in panels],
        left=left_behind(layout, records) if layout.items else None,
        left_said=left_said(section.shown),
        telling=not all(is_clean(cell) and not is_timed_beside(cell) for cell in section.shown),
        mechanism=mechanism_table(section.cells),
        inherited=inheritance_table(section.cells),
        hazards=hazard_table(
            one for one in analysis.hazards if (one.machine, one.scenario) == (section.machine, section.scenario)
        ),
    )


def _flags(files: Sequence[ResultFile], cells: Sequence[CellSummary]) -> list[str]:
    """Say what stands in the way of believing the figures, beside what the verdicts say of noise."""
    flags = []
    for file in files:
        if not file.complete:
            flags.append(f"{plain(file.path)} is incomplete: {file.workers} of {file.planned} workers")
        if file.torn:
            flags.append(f"{plain(file.path)} has a torn last line, which is left out")
    measured = [cell for cell in cells if cell.launches]
    few = [cell for cell in measured if cell.workers_by_outcome.get("finished", 0) < 6]
    if few:
        flags.append(f"{len(few)} of {count(len(measured), 'cell')} rest on fewer than 6 finished workers")
    return flags


def _choices(layout: Layout, records: Records, standings: Mapping[int, Standing]) -> list[Choice]:
    """Return the rankings, the largest footprint first: it is what the question is about."""
    return [
        Choice(footprint, size(footprint), tuple(rankings(layout, footprint, records, standings)))
        for footprint in reversed(layout.footprints)
    ]
