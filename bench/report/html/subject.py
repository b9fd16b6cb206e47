"""One machine and scenario as the page shows it: every section's figures, tables and sentences, as data for a template.

It concludes nothing: verdicts, intervals and ties are the analysis's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis import TAIL, growth
from bench.report.blocks import (
    build_facts,
    count,
    machine_facts,
    places,
    refusals,
    run_facts,
)
from bench.report.html.chart import NARROW, WIDE, Room, Spec
from bench.report.html.conclusion import Conclusions, Standing, conclusions
from bench.report.html.curve import curve
from bench.report.html.drawing import Drawing, draw
from bench.report.html.layout import Item, Layout, lay_out
from bench.report.html.leftovers import hazard_table, is_clean, left_behind, mechanism_table, refused_text
from bench.report.html.marks import key
from bench.report.html.multiples import Multiple, distributions, drifts
from bench.report.html.ranking import rankings
from bench.report.html.success import matrix, series_head
from bench.report.html.tables import Entry, Head, Records, Row, Table
from bench.report.html.tails import tails
from bench.report.typography import UNICODE, duration, factor, plain, size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.analysis import Analysis, CellSummary, ResultFile, Spread
    from bench.report.blocks import Section

_MOST_PANELS = 12
"""Panels of a figure before it is no overview."""
_MOST_SERIES = 40
"""Series of a figure before its lines cannot be followed."""
_MOST_MULTIPLES = 24


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure for wide pages and for narrow ones, and what it shows in words."""

    name: str
    title: str
    caption: str
    wide: Drawing
    narrow: Drawing


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
    left: Sequence[Table]
    left_said: str
    mechanism: Table | None
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
    planned = [str(cell["strategy"]) for file in section.files for cell in file.header["cells"]]
    layout = lay_out({indices[id(cell)]: cell for cell in section.shown}, planned)
    largest = [max((item.footprint for item in layout.of(panel)), default=0) for panel in range(len(layout.panels))]
    header = section.files[0].header["scenario"]
    shown = _shown(layout, largest, spreads)
    panels = range(len(layout.panels))
    return Subject(
        id=name,
        name=plain(section.scenario),
        question=plain(header["question"]),
        facts=machine_facts(analysis.fingerprints[section.machine], section.machine),
        places=places(section),
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
        success=[matrix(layout, panel, records) for panel in panels],
        success_said=_success_said(layout),
        curve=_curve(name, layout),
        curve_said=_curve_said(layout),
        curve_table=[_curve_table(layout, panel, records) for panel in panels],
        choices=_choices(layout, records, standings),
        floor=_floor(layout),
        tails=_tails(name, layout, largest),
        tails_said=_at_largest(layout, largest),
        tail_table=[_tail_table(layout, panel, records) for panel in panels],
        distributions=distributions(shown, spreads) if shown else [],
        drifts=drifts(shown, spreads) if shown else [],
        spread_said=_spread_said(layout, largest, shown, spreads),
        round_table=[_round_table(layout, panel, records) for panel in panels],
        left=[left_behind(layout, panel, records) for panel in panels],
        left_said=_left_said(section.shown),
        mechanism=mechanism_table(section.cells),
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


def _figure(name: str, title: str, caption: str, specify: Callable[[Room], Spec]) -> Figure:
    wide, narrow = (
        draw(specify(room), title, caption, f"{name}-{size_}") for room, size_ in ((WIDE, "wide"), (NARROW, "narrow"))
    )
    return Figure(name, title, caption, wide, narrow)


def _is_too_much(layout: Layout) -> bool:
    return len(layout.panels) > _MOST_PANELS or len(layout.series) > _MOST_SERIES


def _curve(name: str, layout: Layout) -> Figure | None:
    if len(layout.footprints) < 2 or _is_too_much(layout) or not any(item.cell.total_ns for item in layout.items):
        return None
    return _figure(
        f"{name}-curve",
        "Latency against footprint",
        "Across: the footprint; upwards: the p50 of total. Both axes are logarithmic, and the same in every panel. "
        "A band is the 95% interval. A cross on the rail above says that launches failed, a large one that all did; "
        "the line is then broken.",
        lambda room: curve(layout, room),
    )


def _curve_said(layout: Layout) -> str:
    if not layout.items:
        return "Nothing was measured, so there is no curve."
    if len(layout.footprints) < 2:
        return f"There is one footprint only, {size(layout.footprints[0])}: no curve to draw. The ranking has it all."
    if not any(item.cell.total_ns for item in layout.items):
        return "No launch was ok, so there is no latency to draw: the table of success says what failed."
    if _is_too_much(layout):
        panels, series = count(len(layout.panels), "panel"), len(layout.series)
        return f"{panels} of up to {series} series are too much for a figure; the table has every one."
    return _growth_said(layout)


def _growth_said(layout: Layout) -> str:
    """Say who grows with the footprint and who does not, in the first panel."""
    grown = {
        series.label: found
        for series in layout.series
        if (found := growth(item.cell for item in layout.of(0) if item.series == series))
    }
    if not grown:
        return "No strategy worked at two footprints."
    steep = sorted((label for label in grown if grown[label].ratio >= _STEEP), key=lambda label: -grown[label].ratio)
    flat = [label for label in grown if label not in steep]
    said = []
    if steep:
        growths = ", ".join(f"{label} {UNICODE.times}{factor(grown[label].ratio)}" for label in steep)
        said.append(f"Grows with the footprint: {growths}.")
    if flat:
        most = max(grown[label].ratio for label in flat)
        said.append(f"Flat: {', '.join(flat)}, at most {UNICODE.times}{most:.2f}.")
    smallest, largest = layout.footprints[0], layout.footprints[-1]
    where = f" in {layout.panels[0].lower()}" if len(layout.panels) > 1 else ""
    return f"From {size(smallest)} to {size(largest)}{where}. {' '.join(said)}"


_STEEP = 1.3
"""A p50 that grows by less from the smallest footprint to the largest counts as flat."""


def _curve_table(layout: Layout, panel: int, records: Records) -> Table:
    items = layout.of(panel)
    footprints = sorted({item.footprint for item in items})
    found = {(item.series, item.footprint): item.index for item in items}
    series = list(dict.fromkeys(item.series for item in items))
    return Table(
        caption=f"{layout.panels[panel]}: total, p50",
        heads=(Head("strategy", number=False), *(Head(size(footprint)) for footprint in footprints)),
        rows=tuple(
            Row(
                series_head(one),
                tuple(
                    records.time(found[one, footprint], "total_ns.p50") if (one, footprint) in found else Entry("")
                    for footprint in footprints
                ),
                series=one.index,
            )
            for one in series
        ),
    )


def _choices(layout: Layout, records: Records, standings: Mapping[int, Standing]) -> list[Choice]:
    """Return the rankings, the largest footprint first: it is what the question is about."""
    return [
        Choice(footprint, size(footprint), tuple(rankings(layout, footprint, records, standings)))
        for footprint in reversed(layout.footprints)
    ]


def _floor(layout: Layout) -> str:
    floors = [cell.total_ns.p50 for _, cell in layout.floors if cell.total_ns]
    if not floors:
        return ""
    low, high = duration(min(floors), UNICODE), duration(max(floors), UNICODE)
    return f"The floor, what measuring itself costs: {low if low == high else f'{low} to {high}'} (null)."


def _tails(name: str, layout: Layout, largest: Sequence[int]) -> Figure | None:
    if not any(len(item.cell.total_tail_ns) > 1 for item in layout.items) or _is_too_much(layout):
        return None
    return _figure(
        f"{name}-tails",
        "Tails",
        "Across: percentiles of launches, stretched towards the rare ones: 90 to 99 is as wide as 99 to 99.9. "
        "Upwards: total. A line ends where fewer than ten launches lie beyond it.",
        lambda room: tails(layout, largest, room),
    )


def _at_largest(layout: Layout, largest: Sequence[int]) -> str:
    if not any(item.cell.total_tail_ns for item in layout.items):
        return "No cell has launches enough for a percentile."
    footprints = sorted(set(largest))
    return f"At the largest footprint of each panel: {', '.join(map(size, footprints))}. The table has them all."


def _tail_table(layout: Layout, panel: int, records: Records) -> Table:
    return Table(
        caption=f"{layout.panels[panel]}: percentiles of total",
        heads=(
            Head("strategy", number=False),
            Head("footprint"),
            *(Head(f"p{name}", "over all ok launches pooled") for name in TAIL),
            Head("max"),
            Head("n", "ok launches"),
        ),
        rows=tuple(
            Row(
                series_head(item.series),
                (
                    records.bytes(item.index, "footprint_bytes"),
                    *(records.tail(item.index, name) for name in TAIL),
                    records.time(item.index, "total_ns.max"),
                    records.count(item.index, "total_ns.n"),
                ),
                series=item.series.index,
            )
            for item in layout.of(panel)
            if item.cell.total_ns
        ),
    )


def _shown(layout: Layout, largest: Sequence[int], spreads: Mapping[int, Spread]) -> list[Item]:
    found = [
        item
        for panel, footprint in enumerate(largest)
        for item in sorted(layout.of(panel, footprint), key=lambda item: item.series.index)
        if item.index in spreads
    ]
    return found[:_MOST_MULTIPLES]


def _spread_said(layout: Layout, largest: Sequence[int], shown: Sequence[Item], spreads: Mapping[int, Spread]) -> str:
    if not shown and any(item.cell.ok for item in layout.items):
        return "These files are too many to look at launch by launch: report fewer of them to see it."
    if not shown:
        return "No launch was ok, so there is nothing to distribute."
    at = ", ".join(size(footprint) for footprint in sorted(set(largest)))
    total = sum(item.index in spreads for panel, at_ in enumerate(largest) for item in layout.of(panel, at_))
    left_out = f" The first {len(shown)} of {total} cells." if total > len(shown) else ""
    return f"At the largest footprint of each panel: {at}.{left_out}"


def _round_table(layout: Layout, panel: int, records: Records) -> Table:
    items = [item for item in layout.of(panel) if item.cell.total_rounds_ns]
    rounds = sorted({number for item in items for number in item.cell.total_rounds_ns})
    return Table(
        caption=f"{layout.panels[panel]}: median total of each round",
        heads=(
            Head("strategy", number=False),
            Head("footprint"),
            *(Head(f"round {number + 1}") for number in rounds),
        ),
        rows=tuple(
            Row(
                series_head(item.series),
                (
                    records.bytes(item.index, "footprint_bytes"),
                    *(records.time(item.index, f"total_rounds_ns.{number}") for number in rounds),
                ),
                series=item.series.index,
            )
            for item in items
        ),
    )


def _success_said(layout: Layout) -> str:
    """Say in how many cells everything worked, something, nothing."""
    tried = [item.cell for item in layout.items if item.cell.launches]
    if not tried:
        return "No launch was tried."
    every = sum(cell.ok == cell.launches for cell in tried)
    none = sum(not cell.ok for cell in tried)
    some = len(tried) - every - none
    parts = [f"{every} of {count(len(tried), 'cell')} always worked"]
    parts += [f"{some} sometimes"] if some else []
    parts += [f"{none} never"] if none else []
    return f"{', '.join(parts)}. A cell says how many launches were ok, of all that were tried, and names what failed."


def _left_said(cells: Sequence[CellSummary]) -> str:
    counted = [cell for cell in cells if cell.zombies is not None]
    if not counted:
        return "No census was taken."
    dirty = [cell for cell in counted if not is_clean(cell)]
    unknown = len(cells) - len(counted)
    said = (
        f"{len(dirty)} of {count(len(counted), 'cell')} left something behind or lost a status."
        if dirty
        else f"Nothing was left behind in {count(len(counted), 'cell')}: every worker had, when it was done, what it "
        "had when it was ready, and every status arrived."
    )
    return f"{said} Of {count(unknown, 'cell')} no census was taken." if unknown else said
