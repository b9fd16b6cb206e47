"""The section that ranks: at one footprint, who is how fast, with the interval, and who is as good as the first.

The order, the ratios and the ties are the verdict's; where there is none, rows stand as they are read and nothing is
called a tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.blocks import order
from bench.report.html.marks import axis, nothing, range_of
from bench.report.html.scale import span
from bench.report.html.success import outcome, series_head
from bench.report.html.tables import NONE, Entry, Head, Row, Table, without_empty

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.analysis import Comparison
    from bench.report.html.layout import Item, Layout
    from bench.report.html.tables import Records


@dataclass(frozen=True, slots=True)
class Beside:
    """A cell beside the fastest of its scope."""

    row: Comparison
    path: str
    """Where the machine-readable report has the row."""


def rankings(layout: Layout, footprint: int, records: Records, compared: Mapping[int, Beside]) -> Iterator[Table]:
    """Return the ranking of each panel that has the footprint, all on one axis.

    `compared` has, by index of the cell, those that a verdict compared with its fastest.
    """
    ends = span(
        value
        for item in layout.items
        if item.footprint == footprint and (total := item.cell.total_ns)
        for value in (total.p50, total.p50_low, total.p50_high)
        if value is not None
    )
    for panel, title in enumerate(layout.panels):
        if items := layout.of(panel, footprint):
            yield without_empty(_ranking(title, items, ends, records, compared))


def _ranking(
    title: str,
    items: Sequence[Item],
    ends: tuple[float, float],
    records: Records,
    compared: Mapping[int, Beside],
) -> Table:
    ranked = order(item.cell for item in items)
    items = sorted(items, key=lambda item: ranked.index(item.cell))
    heads = (
        Head("strategy", number=False),
        Head("ok", "launches that were ok, of all that were tried"),
        Head("total, p50", "dot: median of worker medians; bar: its 95% interval", number=False, mark=axis(ends)),
        Head("total", "from the call until the exit status is there: median of worker medians"),
        Head("95% interval", "of total"),
        *([Head("ratio", "to the fastest that always worked; ~: no difference was shown")] if compared else []),
        Head("blocked", "from the call until the caller may go on"),
        Head("reach", "from the call until the first instruction of the new program"),
        Head("p99", "of total, over all launches; only where at least ten are beyond it"),
    )
    return Table(
        caption=title,
        heads=heads,
        rows=tuple(_row(item, ends, records, compared) for item in items),
    )


def _row(item: Item, ends: tuple[float, float], records: Records, compared: Mapping[int, Beside]) -> Row:
    index, total = item.index, item.cell.total_ns
    interval = (
        (float(total.p50_low), float(total.p50_high))
        if total and total.p50_low is not None and total.p50_high is not None
        else None
    )
    picture = range_of(item.series, total.p50, interval, ends) if total else nothing(ends)
    beside = compared.get(index)
    entries = (
        outcome(index, item.cell, records),
        Entry("", "picture", total.p50 if total else None, mark=picture),
        records.time(index, "total_ns.p50", "strong"),
        records.interval(index, "total_ns"),
        *([_ratio(beside)] if compared else []),
        records.time(index, "blocked_ns.p50"),
        records.time(index, "reach_ns.p50"),
        records.time(index, "total_ns.p99"),
    )
    tie = beside is not None and beside.row.answer == "same"
    return Row(series_head(item.series), entries, kind="tie" if tie else "", series=item.series.index)


def _ratio(beside: Beside | None) -> Entry:
    if beside is None or beside.row.ratio is None:
        return Entry(NONE, "number")
    row = beside.row
    text = f"{row.ratio:.2f}"
    if row.low is not None and row.high is not None:
        text += f" [{row.low:.2f}, {row.high:.2f}]"
    return Entry(
        f"~ {text}" if row.answer == "same" else text, "number", row.ratio, column=beside.path, note=row.reason
    )
