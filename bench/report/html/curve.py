"""The figure of latency against footprint: what a growing parent costs, and where a strategy stops working.

Both axes are logarithmic, panels share them. Where nothing worked, the line is broken and a cross stands on the rail
above; nothing is ever drawn at zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.report.html import chart
from bench.report.html.chart import MUTED, PAPER, Grid, Plot, Room, Spec
from bench.report.html.drawing import described
from bench.report.html.scale import span
from bench.report.typography import UNICODE, duration, plain, size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from bench.report.html.layout import Item, Layout, Series

_LEAST = 290
"""The height of a panel, unless it has more labels than that holds."""
_LANE = 15
"""Pixels for each series on the rail of failures."""
_ABOVE = 6
"""Pixels between the axis and the rail above it."""
_CROSS = "M-.5,-.5L.5,.5M-.5,.5L.5,-.5"


def curve(layout: Layout, room: Room) -> Spec:
    """Return the specification of the figure."""
    low, high = span(
        value
        for item in layout.items
        if (total := item.cell.total_ns)
        for value in (total.p50, total.p50_low, total.p50_high)
        if value is not None
    )
    numbers = range(len(layout.panels))
    place = chart.grid(room, len(layout.panels), map(chart.name_of, layout.series))
    most = max(len({item.series for item in layout.of(panel)}) for panel in numbers)
    lanes = max(len(_failing(layout.of(panel))) for panel in numbers)
    plot = Plot(low, high, place.width, chart.height(_LEAST, most), _LANE * lanes + _ABOVE if lanes else 0)
    return chart.figure([_panel(layout, panel, plot, place) for panel in numbers], place)


def _panel(layout: Layout, panel: int, plot: Plot, place: Grid) -> Spec:
    items, first = layout.of(panel), place.starts_row(panel)
    footprints = layout.footprints
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": chart.log(footprints[0] / 1.15, footprints[-1] * 1.15, base=2),
        "axis": chart.footprint_axis(footprints),
    }
    axis = chart.time_axis(plot.low, plot.high, labels=first, name="total, p50" if first else None)
    layers = [*_lines(layout, items, plot, x, axis), *_rail(layout, items, plot, x, axis, first=first)]
    shown = chart.paled(layers) if panel in layout.pale else layers
    return {"title": chart.title(layout.panels[panel], place), "layer": shown, **plot.size}


def _lines(layout: Layout, items: Sequence[Item], plot: Plot, x: Spec, axis: Spec) -> list[Spec]:
    series = layout.series
    points = [row for one in series for row in _points(one, items)]

    def y(field: str) -> Spec:
        return plot.y(field, axis)

    labels = plot.named(_ends(layout, points, {one.index for one in _failing(items)}), series)
    key, tip = chart.nominal("key"), chart.nominal("tip")
    intervals = [row for row in points if row["low"] is not None and row["high"] is not None]
    colour = chart.by_series("color", series)
    return [
        chart.layer(
            intervals,
            {"type": "area", "opacity": 0.2},
            x=x,
            y=y("low"),
            y2={"field": "high"},
            color=colour,
            detail=chart.nominal("run"),
            description=key,
        ),
        chart.layer(
            points,
            {"type": "line", "strokeWidth": 1.6},
            x=x,
            y=y("y"),
            color=colour,
            strokeDash=chart.by_series("strokeDash", series),
            detail=chart.nominal("run"),
            description=key,
        ),
        chart.layer(
            points,
            {"type": "point", "size": 50, "filled": True, "opacity": 1, "stroke": PAPER, "strokeWidth": 0.8},
            x=x,
            y=y("y"),
            fill=chart.by_series("fill", series),
            shape=chart.by_series("shape", series),
            description=tip,
        ),
        chart.layer(
            labels,
            {"type": "rule", "color": MUTED, "strokeWidth": 0.7},
            x={"value": plot.width},
            x2={"value": plot.width + 8},
            y=y("y"),
            y2={"field": "at"},
            description=key,
        ),
        chart.label(labels, plot.width + 11, y("at")),
    ]


def _points(series: Series, items: Iterable[Item]) -> Iterable[dict[str, Any]]:
    """Return the points of a series; `run` counts up where a footprint in between has no latency."""
    run = 0
    for item in sorted((item for item in items if item.series == series), key=lambda item: item.footprint):
        total = item.cell.total_ns
        if total is None:
            run += 1
            continue
        yield {
            "s": series.index,
            "run": f"{series.index}.{run}",
            "x": item.footprint,
            "y": total.p50,
            "low": total.p50_low,
            "high": total.p50_high,
            "key": described(series.index, ""),
            "tip": described(series.index, tip_of(item)),
        }


def tip_of(item: Item) -> str:
    """Say what there is to know about a point."""
    cell, total = item.cell, item.cell.total_ns
    said = f"{item.series.label}, {size(item.footprint)}: {cell.ok} of {cell.launches} ok"
    if total is None:
        return said
    said += f"; total p50 {duration(total.p50, UNICODE)}"
    if total.p50_low is not None and total.p50_high is not None:
        said += f" [{duration(total.p50_low, UNICODE)}, {duration(total.p50_high, UNICODE)}]"
    return said if total.p99 is None else f"{said}, p99 {duration(total.p99, UNICODE)}"


def _ends(layout: Layout, points: Iterable[dict[str, Any]], failing: Collection[int]) -> Iterable[dict[str, Any]]:
    """Return the last point of each line that is named beside it.

    A line that breaks off before the last footprint has its name on the rail of failures, if it is there.
    """
    last = layout.footprints[-1]
    return {row["s"]: row for row in points if row["x"] == last or row["s"] not in failing}.values()


def _failing(items: Iterable[Item]) -> list[Series]:
    """Return the series of which a launch failed."""
    return list(dict.fromkeys(item.series for item in items if item.cell.launches > item.cell.ok))


def _rail(layout: Layout, items: Sequence[Item], plot: Plot, x: Spec, axis: Spec, *, first: bool) -> list[Spec]:
    """Return the rail: a lane for each series that failed, a cross where it did, larger where nothing worked."""
    failing = _failing(items)
    if not failing:
        return []
    lanes = [plot.at(plot.height + plot.rail - _LANE * (at + 0.5)) for at in range(len(failing))]
    rows = [
        {
            "x": item.footprint,
            "lane": lanes[failing.index(item.series)],
            "size": 50 if item.cell.ok else 110,
            "s": item.series.index,
            "tip": described(item.series.index, _failure(item)),
        }
        for item in items
        if item.cell.launches > item.cell.ok
    ]
    names = [
        {"lane": lane, "name": chart.name_of(series), "key": described(series.index, "")}
        for lane, series in zip(lanes, failing, strict=True)
    ]
    y = plot.y("lane", axis)
    title = [{"lane": (lanes[0] * lanes[-1]) ** 0.5, "name": "failed"}]
    return [
        chart.layer(
            names,
            {"type": "rule", "color": chart.GRID},
            x={"value": 0},
            x2={"value": plot.width},
            y=y,
            description=chart.nominal("key"),
        ),
        chart.layer(
            rows,
            {"type": "point", "shape": _CROSS, "strokeWidth": 2.2, "opacity": 1},
            x=x,
            y=y,
            size={"field": "size", "type": "quantitative", "scale": None, "legend": None},
            color=chart.by_series("color", layout.series),
            description=chart.nominal("tip"),
        ),
        chart.label(names, plot.width + 11, y),
        *([chart.label_before(title, -9, y)] if first else []),
    ]


def _failure(item: Item) -> str:
    cell = item.cell
    errors = ", ".join(f"{plain(error)} {UNICODE.times}{count}" for error, count in cell.errors.items())
    return f"{item.series.label}, {size(item.footprint)}: {cell.launches - cell.ok} of {cell.launches} failed: {errors}"
