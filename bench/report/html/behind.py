"""The tables behind the figures: every number that one draws, and those of the footprints that it leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis import TAIL
from bench.report.html.success import series_head
from bench.report.html.tables import Entry, Head, Row, Table, without_empty
from bench.report.typography import size

if TYPE_CHECKING:
    from bench.report.html.layout import Layout
    from bench.report.html.tables import Records


def curve_table(layout: Layout, panel: int, records: Records) -> Table:
    """Return the p50 of total by footprint."""
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


def tail_table(layout: Layout, panel: int, records: Records) -> Table:
    """Return the percentiles of total of every cell of a panel."""
    every = Table(
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
    return without_empty(every)


def round_table(layout: Layout, panel: int, records: Records) -> Table:
    """Return the medians of total by round, of every cell of a panel."""
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
