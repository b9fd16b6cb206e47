"""The section that ranks: at one footprint, who is how fast, with the interval, and who is as good as the first.

The order, the ratios and the ties are the verdict's; where there is none, rows stand as they are read and nothing is
called a tie.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.report.blocks import order
from bench.report.contrasts import ratio_text
from bench.report.html.marks import axis, nothing, range_of
from bench.report.html.scale import span
from bench.report.html.success import outcome, series_head
from bench.report.html.tables import NONE, Entry, Head, Row, Table, without_empty
from bench.report.typography import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.report.html.conclusion import Standing
    from bench.report.html.layout import Item, Layout
    from bench.report.html.tables import Records


def rankings(layout: Layout, footprint: int, records: Records, standings: Mapping[int, Standing]) -> Iterator[Table]:
    """Return the ranking of each panel that has the footprint, all on one axis.

    `standings` has, by index of the cell, those that a verdict compared with its fastest.
    """
    measured = any(item.cell.total_ns for item in layout.items if item.footprint == footprint)
    ends = span(
        value
        for item in layout.items
        if item.footprint == footprint and (total := item.cell.total_ns)
        for value in (total.p50, total.p50_low, total.p50_high)
        if value is not None
    )
    for panel, title in enumerate(layout.panels):
        if items := layout.of(panel, footprint):
            table = _ranking(title, items, ends if measured else None, records, standings)
            yield replace(without_empty(table), pale=panel in layout.pale)


def _ranking(
    title: str,
    items: Sequence[Item],
    ends: tuple[float, float] | None,
    records: Records,
    standings: Mapping[int, Standing],
) -> Table:
    ranked = order(item.cell for item in items)
    items = sorted(items, key=lambda item: ranked.index(item.cell))
    scale = axis(ends) if ends else ""
    heads = (
        Head("strategy", number=False),
        Head("ok", "launches that were ok, of all that were tried"),
        Head("total", "from the call until the exit status is there: median of worker medians"),
        Head("total, p50", "dot: median of worker medians; bar: its 95% interval", number=False, mark=scale),
        Head("95% interval", "of total"),
        Head("ratio", "to the fastest, with its 95% interval; ~: no difference was shown"),
        Head("blocked", "from the call until the caller may go on"),
        Head("reach", "from the call until the first instruction of the new program"),
        Head("p99", "of total, over all launches; only where at least ten are beyond it"),
    )
    return Table(
        caption=title,
        heads=heads,
        rows=tuple(_row(item, ends, records, standings) for item in items),
    )


def _row(item: Item, ends: tuple[float, float] | None, records: Records, standings: Mapping[int, Standing]) -> Row:
    index, total = item.index, item.cell.total_ns
    interval = (
        (float(total.p50_low), float(total.p50_high))
        if total and total.p50_low is not None and total.p50_high is not None
        else None
    )
    picture = ""
    if ends:
        picture = range_of(item.series, total.p50, interval, ends) if total else nothing(ends)
    standing = standings.get(index)
    entries = (
        outcome(index, item.cell, records),
        records.time(index, "total_ns.p50", "strong"),
        Entry("", "picture", total.p50 if total else None, mark=picture),
        records.interval(index, "total_ns"),
        _ratio(standing),
        records.time(index, "blocked_ns.p50"),
        records.time(index, "reach_ns.p50"),
        records.time(index, "total_ns.p99"),
    )
    tied = standing is not None and standing.tied
    return Row(series_head(item.series), entries, kind="tie" if tied else "", series=item.series.index)


def _ratio(standing: Standing | None) -> Entry:
    if standing is None:
        return Entry(NONE, "number")
    row = standing.row
    if row is None or row.ratio is None:
        return Entry("1" if row is None else NONE, "number", 1.0 if row is None else None)
    return Entry(ratio_text(row), "number", row.ratio, column=standing.path, note=plain(row.reason))
