"""What the page says in words beside its figures and tables: what one sees there, and why there may be nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis import growth
from bench.report.blocks import count
from bench.report.html.conclusion import listed
from bench.report.html.figures import is_too_much
from bench.report.html.leftovers import is_clean
from bench.report.typography import UNICODE, duration, factor, plain, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.analysis import CellSummary, Spread
    from bench.report.html.layout import Item, Layout

_STEEP = 1.3
"""A p50 that grows by less from the smallest footprint to the largest counts as flat."""


def curve_said(layout: Layout) -> str:
    """Say who grows with the footprint, or why there is no curve."""
    if not layout.items:
        return "Nothing was measured, so there is no curve."
    if len(layout.footprints) < 2:
        return f"There is one footprint only, {size(layout.footprints[0])}: no curve to draw. The ranking has it all."
    if not any(item.cell.total_ns for item in layout.items):
        if any(item.cell.ok for item in layout.items):
            return (
                "Launches here have no total of their own, as when they are held or end in a burst: no curve to draw."
            )
        return "No launch was ok, so there is no latency to draw: the table of success says what failed."
    if is_too_much(layout):
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
        said.append(f"Flat: {listed(flat)}, at most {UNICODE.times}{most:.2f}.")
    smallest, largest = layout.footprints[0], layout.footprints[-1]
    where = f" in {layout.panels[0].lower()}" if len(layout.panels) > 1 else ""
    return f"From {size(smallest)} to {size(largest)}{where}. {' '.join(said)}"


def floor_said(layout: Layout) -> str:
    """Say what measuring itself costs, when that was measured."""
    floors = [cell.total_ns.p50 for _, cell in layout.floors if cell.total_ns]
    if not floors:
        return ""
    low, high = duration(min(floors), UNICODE), duration(max(floors), UNICODE)
    return f"The floor, what measuring itself costs: {low if low == high else f'{low} to {high}'} (null)."


def tails_said(layout: Layout, largest: Sequence[int]) -> str:
    """Say at which footprints the tails are shown."""
    if not any(item.cell.total_tail_ns for item in layout.items):
        return "No cell has launches enough for a percentile."
    footprints = sorted(set(largest))
    return f"At the largest footprint of each panel: {', '.join(map(size, footprints))}. The table has them all."


def spread_said(layout: Layout, largest: Sequence[int], shown: Sequence[Item], spreads: Mapping[int, Spread]) -> str:
    """Say which cells are shown launch by launch, or why none is."""
    if not shown and any(item.cell.ok for item in layout.items):
        return "These files are too many to look at launch by launch: report fewer of them to see it."
    if not shown:
        return "No launch was ok, so there is nothing to distribute."
    at = ", ".join(size(footprint) for footprint in sorted(set(largest)))
    total = sum(item.index in spreads for panel, at_ in enumerate(largest) for item in layout.of(panel, at_))
    left_out = f" The first {len(shown)} of {total} cells." if total > len(shown) else ""
    return f"At the largest footprint of each panel: {at}.{left_out}"


def success_said(layout: Layout) -> str:
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
    said = [f"{', '.join(parts)}."]
    said += [f"Everywhere: {layout.everywhere[:1].lower()}{layout.everywhere[1:]}."] if layout.everywhere else []
    said.append("A cell says how many launches were ok, of all that were tried, and names what failed.")
    return " ".join(said)


def left_said(cells: Sequence[CellSummary]) -> str:
    """Say in how many cells something was left behind."""
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
    said += f" Of {count(unknown, 'cell')} no census was taken." if unknown else ""
    return " ".join(filter(None, [said, _stalls_said(cells), _writes_said(cells)]))


def _stalls_said(cells: Sequence[CellSummary]) -> str:
    """Say with whom a bystander stood still the longest, and for how long without launches."""
    stalled = [cell for cell in cells if cell.bystander_max_ns is not None]
    if not stalled:
        return ""
    worst = max(stalled, key=lambda cell: cell.bystander_max_ns or 0)
    controls = [cell.bystander_control_max_ns for cell in stalled if cell.bystander_control_max_ns is not None]
    control = f"; without launches, {duration(max(controls), UNICODE)} at most" if controls else ""
    return f"Another thread stood still for up to {_duration(worst.bystander_max_ns)} with {_place(worst)}{control}."


def _writes_said(cells: Sequence[CellSummary]) -> str:
    """Say who made the caller's own writes dearest, and who least."""
    took = {
        _place(cell): cell.written_ns.p50 / cell.pages_written
        for cell in cells
        if cell.written_ns and cell.pages_written
    }
    if not took:
        return ""
    dearest, cheapest = max(took, key=lambda name: took[name]), min(took, key=lambda name: took[name])
    said = f"After a launch, the caller's own writes took {_duration(took[dearest])} a page with {dearest}"
    return f"{said}, {_duration(took[cheapest])} with {cheapest}." if cheapest != dearest else f"{said}."


def _place(cell: CellSummary) -> str:
    backing = "" if cell.axes["backing"] == "anon" else f", {plain(str(cell.axes['backing']))}"
    return f"{plain(cell.strategy)} ({size(cell.axes['footprint_bytes'])}{backing})"


def _duration(ns: float | None) -> str:
    return duration(ns or 0, UNICODE)
