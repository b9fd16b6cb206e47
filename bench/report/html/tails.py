"""The figure of tails: latency against percentile, from the median to as far as the number of launches carries.

The axis is logarithmic in what is beyond the percentile: 90 to 99 is as long as 99 to 99.9.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bench.analysis import TAIL
from bench.report.html import chart
from bench.report.html.chart import MUTED, PAPER, Plot, Room, Spec, name_of
from bench.report.html.drawing import described
from bench.report.html.scale import span
from bench.report.typography import UNICODE, duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.report.html.layout import Item, Layout

_LEAST = 250
"""The height of a panel, unless it has more labels than that holds."""


def tails(layout: Layout, footprints: Sequence[int], room: Room) -> Spec:
    """Return the specification of the figure; `footprints` has the one that each panel shows."""
    shown = [layout.of(panel, footprint) for panel, footprint in enumerate(footprints)]
    low, high = span(value for items in shown for item in items for value in item.cell.total_tail_ns.values())
    place = chart.grid(room, len(shown), (name_of(item.series) for items in shown for item in items))
    plot = Plot(low, high, place.width, chart.height(_LEAST, max(map(len, shown))))
    return chart.figure(
        [
            {
                "title": chart.title(layout.panels[panel], place),
                "layer": chart.paled(layers) if panel in layout.pale else layers,
                **plot.size,
            }
            for panel, items in enumerate(shown)
            for layers in [_layers(layout, items, plot, first=place.starts_row(panel))]
        ],
        place,
    )


def _at(percentile: str) -> float:
    """Return where a percentile stands: 0 at 50, 1 for each tenfold fewer launches beyond it."""
    return abs(math.log10(float(1 - TAIL[percentile] / 100) / 0.5))


def _layers(layout: Layout, items: Sequence[Item], plot: Plot, *, first: bool) -> list[Spec]:
    names = [name for name in TAIL if name not in {"95", "99.5"}]
    end = max((_at(name) for item in layout.items for name in item.cell.total_tail_ns), default=_at("90"))
    axis = {
        "values": [_at(name) for name in names],
        "title": "percentile of launches",
        "labelExpr": f"({ {f'{_at(name):.3f}': name for name in names} })[format(datum.value, '.3f')] || ''",
    }
    x = {"field": "x", "type": "quantitative", "scale": chart.linear(-0.04, end * 1.03), "axis": axis}
    y_axis = chart.time_axis(plot.low, plot.high, labels=first, name="total" if first else None)

    def y(field: str) -> Spec:
        return plot.y(field, y_axis)

    points = [row for item in items for row in _points(item)]
    labels = plot.named({row["s"]: row for row in points}.values(), layout.series)
    key, series = chart.nominal("key"), layout.series
    line, point = {"type": "line", "strokeWidth": 1.6}, {"type": "point", "size": 34, "filled": True, "opacity": 1}
    return [
        chart.layer(
            points,
            line,
            x=x,
            y=y("y"),
            color=chart.by_series("color", series),
            strokeDash=chart.by_series("strokeDash", series),
            description=key,
        ),
        chart.layer(
            points,
            {**point, "stroke": PAPER, "strokeWidth": 0.8},
            x=x,
            y=y("y"),
            fill=chart.by_series("fill", series),
            shape=chart.by_series("shape", series),
            description=chart.nominal("tip"),
        ),
        chart.layer(
            labels,
            {"type": "rule", "color": MUTED, "strokeWidth": 0.5, "strokeDash": [1, 2]},
            x=x,
            x2={"value": plot.width + 8},
            y=y("y"),
            y2={"field": "at"},
            description=key,
        ),
        chart.label(labels, plot.width + 11, y("at")),
    ]


def _points(item: Item) -> Iterable[dict[str, Any]]:
    total = item.cell.total_ns
    n = total.n if total else 0
    for name, value in item.cell.total_tail_ns.items():
        said = f"{item.series.label}: {name}% of {n} launches took no longer than {duration(value, UNICODE)}"
        key = described(item.series.index, "")
        yield {
            "s": item.series.index,
            "x": _at(name),
            "y": value,
            "key": key,
            "tip": described(item.series.index, said),
        }
