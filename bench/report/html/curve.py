"""The figure of latency against footprint: what a growing parent costs, and where a strategy stops working.

Both axes are logarithmic, panels share them. Where nothing worked, the line is broken and a cross stands on the rail
above; nothing is ever drawn at zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.report.html import chart
from bench.report.html.chart import MUTED, PAPER, Plot, Room, Spec, name_of
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
_CROSS = "M-.5,-.5L.5,.5M-.5,.5L.5,-.5"


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all panels share."""

    layout: Layout
    plot: Plot
    lanes: int
    """On the rail of failures."""


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
    place = chart.grid(room, len(layout.panels), map(name_of, layout.series))
    most = max(len({item.series for item in layout.of(panel)}) for panel in numbers)
    plot = Plot(low, high, place.width, chart.height(_LEAST, most))
    frame = _Frame(layout, plot, max(len(_failing(layout.of(panel))) for panel in numbers))
    return chart.figure([_panel(frame, panel, first=place.starts_row(panel)) for panel in numbers], place)


def _panel(frame: _Frame, panel: int, *, first: bool) -> Spec:
    items = frame.layout.of(panel)
    lines = _lines(frame, items, first=first)
    heading = {"title": chart.title(frame.layout.panels[panel])}
    return (
        {"vconcat": [_rail(frame, items, first=first), lines], "spacing": 2} | heading
        if frame.lanes
        else lines | heading
    )


def _x(frame: _Frame, axis: Spec | None) -> Spec:
    footprints = frame.layout.footprints
    ends = chart.log(footprints[0] / 1.15, footprints[-1] * 1.15, base=2)
    return {"field": "x", "type": "quantitative", "scale": ends, "axis": axis}


def _lines(frame: _Frame, items: Sequence[Item], *, first: bool) -> Spec:
    series = frame.layout.series
    points = [row for one in series for row in _points(one, items)]
    axis = chart.time_axis(frame.plot.low, frame.plot.high, labels=first, name="total, p50" if first else None)
    x = _x(frame, chart.footprint_axis(frame.layout.footprints))

    def y(field: str) -> Spec:
        return frame.plot.y(field, axis)

    labels = frame.plot.named(_ends(frame, points, {one.index for one in _failing(items)}), series)
    key, tip = chart.nominal("key"), chart.nominal("tip")
    intervals = [row for row in points if row["low"] is not None and row["high"] is not None]
    colour = chart.by_series("color", series)
    return {
        "width": frame.plot.width,
        "height": frame.plot.height,
        "layer": [
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
                x={"value": frame.plot.width},
                x2={"value": frame.plot.width + 8},
                y=y("y"),
                y2={"field": "at"},
                description=key,
            ),
            chart.label(labels, frame.plot.width + 11, y("at")),
        ],
    }


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


def _ends(frame: _Frame, points: Iterable[dict[str, Any]], failing: Collection[int]) -> Iterable[dict[str, Any]]:
    """Return the last point of each line that is named beside it.

    A line that breaks off before the last footprint has its name on the rail of failures, if it is there.
    """
    last = frame.layout.footprints[-1]
    return {row["s"]: row for row in points if row["x"] == last or row["s"] not in failing}.values()


def _failing(items: Iterable[Item]) -> list[Series]:
    """Return the series of which a launch failed."""
    return list(dict.fromkeys(item.series for item in items if item.cell.launches > item.cell.ok))


def _rail(frame: _Frame, items: Sequence[Item], *, first: bool) -> Spec:
    """Return the rail: a lane for each series that failed, a cross where it did, larger where nothing worked."""
    failing = _failing(items)
    rows = [
        {
            "x": item.footprint,
            "lane": failing.index(item.series) + 0.5,
            "size": 50 if item.cell.ok else 110,
            "s": item.series.index,
            "tip": described(item.series.index, _failure(item)),
        }
        for item in items
        if item.cell.launches > item.cell.ok
    ]
    names = [
        {"lane": at + 0.5, "name": name_of(series), "key": described(series.index, "")}
        for at, series in enumerate(failing)
    ]
    y = {"field": "lane", "type": "quantitative", "axis": None, "scale": {"domain": [frame.lanes, 0], "nice": False}}
    return {
        "width": frame.plot.width,
        "height": _LANE * frame.lanes,
        "layer": [
            chart.layer(names, {"type": "rule", "color": chart.GRID}, y=y, description=chart.nominal("key")),
            chart.layer(
                rows,
                {"type": "point", "shape": _CROSS, "strokeWidth": 2.2, "opacity": 1},
                x=_x(frame, None),
                y=y,
                size={"field": "size", "type": "quantitative", "scale": None, "legend": None},
                color=chart.by_series("color", frame.layout.series),
                description=chart.nominal("tip"),
            ),
            chart.label(names, frame.plot.width + 11, y),
            *([chart.label_before([{"lane": len(failing) / 2, "name": "failed"}], -9, y)] if first and failing else []),
        ],
    }


def _failure(item: Item) -> str:
    cell = item.cell
    errors = ", ".join(f"{plain(error)} {UNICODE.times}{count}" for error, count in cell.errors.items())
    return f"{item.series.label}, {size(item.footprint)}: {cell.launches - cell.ok} of {cell.launches} failed: {errors}"
