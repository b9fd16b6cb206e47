"""The section on what is left and what goes wrong: census, statuses, stalls, mechanism, hazards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.report.blocks import mechanisms
from bench.report.html.success import series_head
from bench.report.html.tables import NONE, Entry, Head, Row, Table
from bench.report.inheritance import inheritances
from bench.report.typography import UNICODE, duration, plain, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.analysis import CellSummary, HazardSummary
    from bench.report.html.layout import Item, Layout
    from bench.report.html.tables import Records

_COUNTS = {
    "zombies": ("zombies", "children that nobody had waited for when the worker was done; summed over workers"),
    "zombies_peak": ("peak", "the most zombies at one moment"),
    "leaked_fds": ("descriptors", "open when the worker was done and not when it was ready"),
    "leaked_threads": ("threads", "running when the worker was done and not when it was ready"),
    "live_children": ("children", "still running when the worker was done"),
    "strays": ("strays", "processes that outlived their worker"),
    "errors.lost_status": ("lost", "exit statuses that never came"),
    "errors.lost_status:ECHILD": ("taken", "exit statuses that somebody else took: the wait found no child (ECHILD)"),
}
_TIMES = {
    "bystander_max_ns": ("longest stall", "of a bystander thread while launches were made, over workers"),
    "bystander_control_max_ns": ("its control", "the longest stall in as much time without launches"),
    "written_ns.p50": ("own writes", "what the worker's writes to its own memory took after a launch, p50"),
}
_A_PAGE = "written_ns.p50/pages_written"
_NOUGHT = frozenset({"", "0", NONE})
_ALWAYS = frozenset({"zombies", "descriptors", "strays"})
"""Columns that are there always: that a census was taken and found nothing is said by them."""


def left_behind(layout: Layout, records: Records) -> Table:
    """Return what workers left, in a row for each cell; what no cell has is left out."""
    heads = (
        Head("strategy", number=False),
        Head("under", number=False),
        Head("footprint"),
        *(Head(name, note) for name, note in _COUNTS.values()),
        Head("not reached", "launches that were planned and that the time limit, or the worker's end, cut off"),
        *(Head(name, note) for name, note in _TIMES.values()),
        Head("a page", "of them"),
    )
    rows = tuple(_row(item, layout, records) for item in layout.items)
    there = [any(row.entries[at].text not in _NOUGHT for row in rows) for at in range(len(heads) - 1)]
    said = [at for at, found in enumerate(there) if found or (heads[at + 1].text in _ALWAYS)]
    return Table(
        caption="The census",
        titled=True,
        heads=(heads[0], *(heads[at + 1] for at in said)),
        rows=tuple(replace(row, entries=tuple(row.entries[at] for at in said)) for row in rows),
    )


def _row(item: Item, layout: Layout, records: Records) -> Row:
    index = item.index
    entries = (
        Entry(layout.panels[item.panel] if len(layout.panels) > 1 else "", value=item.panel),
        records.bytes(index, "footprint_bytes"),
        *(records.count(index, column, "" if column == "zombies_peak" else "bad") for column in _COUNTS),
        records.count(index, "not_reached", "warn"),
        *(records.time(index, column) for column in _TIMES),
        _a_page(index, records),
    )
    return Row(series_head(item.series), entries, series=item.series.index)


def _a_page(index: int, records: Records) -> Entry:
    took, pages = records.value(index, "written_ns.p50"), records.value(index, "pages_written")
    each = took / pages if took is not None and pages else None
    return Entry(NONE if each is None else duration(each, UNICODE), "number", each, index, _A_PAGE)


def is_clean(cell: CellSummary) -> bool:
    """Tell whether every count that there is is nought."""
    counts = (cell.zombies, cell.leaked_fds, cell.leaked_threads, cell.live_children, cell.strays)
    return not any(counts) and not any(error.startswith("lost_status") for error in cell.errors)


def is_timed_beside(cell: CellSummary) -> bool:
    """Tell whether something else than its launches was timed: bystanders, or the worker's own writes."""
    return cell.bystander_max_ns is not None or cell.written_ns is not None


def mechanism_table(cells: Sequence[CellSummary]) -> Table | None:
    """Return which calls really made the process, and where they deny the strategy's name."""
    seen, denied = mechanisms(cells)
    if not seen:
        return None
    rows = tuple(
        Row(
            Entry(name, "name", name),
            (
                Entry(" | ".join(texts), "code"),
                *([Entry("; ".join(denied.get(name, ())), "warn")] if denied else []),
            ),
        )
        for name, texts in seen.items()
    )
    return Table(
        caption="Mechanism, observed in a launch that is not timed",
        heads=(
            Head("strategy", number=False),
            Head("calls", "that made the process and started the program", number=False),
            *([Head("against its name", number=False)] if denied else []),
        ),
        rows=rows,
    )


def inheritance_table(cells: Sequence[CellSummary]) -> Table | None:
    """Return what commands inherited that few expect, and with which choices."""
    found = inheritances(cells)
    if not found:
        return None
    return Table(
        caption="Inherited by the command",
        heads=(Head("inherited", number=False), Head("with", number=False)),
        rows=tuple(
            Row(Entry(one.text, "broken" if one.broken else "", one.text), (Entry("; ".join(one.names), "code"),))
            for one in found
        ),
        sortable=False,
    )


def hazard_table(hazards: Iterable[HazardSummary]) -> Table | None:
    """Return hazards by strategy: hits of trials, or why there are none."""
    hazards = list(hazards)
    if not hazards:
        return None
    strategies = list(dict.fromkeys(one.strategy for one in hazards))
    kinds = list(dict.fromkeys((one.hazard, one.mitigation) for one in hazards))
    found = {(one.hazard, one.mitigation, one.strategy): one for one in hazards}
    rows = tuple(
        Row(
            Entry(plain(hazard if mitigation is None else f"{hazard}, {mitigation}"), "name", hazard),
            tuple(_hazard(found.get((hazard, mitigation, strategy))) for strategy in strategies),
        )
        for hazard, mitigation in kinds
    )
    return Table(
        caption="Hazards: trials in which it struck, of all trials",
        heads=(Head("hazard", number=False), *(Head(plain(strategy), number=False) for strategy in strategies)),
        rows=rows,
        sortable=False,
        turned=True,
    )


_UNTRIED = {"never_possible": "n/a", "not_tried": "·"}
"""What stands in the matrix for what was not tried; the reason is its note."""


def _hazard(one: HazardSummary | None) -> Entry:
    if one is None:
        return Entry(NONE, "outcome none", note="not asked for")
    if one.outcome != "tried":
        said = one.outcome.replace("_", " ")
        text = _UNTRIED.get(one.outcome, said)
        return Entry(text, "outcome none", note=plain(f"{said}: {one.reason}" if one.reason else said))
    interval = "" if one.low is None or one.high is None else f"; 95% interval {one.low:.1%} to {one.high:.1%}"
    demanded = "" if one.oracle is None else f"; must be {one.oracle}"
    missing = f"; {one.not_made} more not made: {plain(one.reason or '')}" if one.not_made else ""
    left = f", left {one.strays} alive" if one.strays else ""
    note = f"{plain(one.detail or '')}{interval}{demanded}{missing}".strip("; ")
    kind = "some" if one.met is False or one.strays else "no" if one.hits else "all"
    unmet = "!" if one.met is False else ""
    return Entry(f"{one.hits}/{one.trials}{unmet}{left}", f"outcome {kind}", one.hits, note=note)


def refused_text(cells: Iterable[CellSummary]) -> str:
    """Say of which strategies and footprints some cells are."""
    cells = list(cells)
    names = ", ".join(sorted({plain(cell.strategy) for cell in cells}))
    footprints = ", ".join(size(value) for value in sorted({cell.axes["footprint_bytes"] for cell in cells}))
    return f"{names}; footprint {footprints}"
