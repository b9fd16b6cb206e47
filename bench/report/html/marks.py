"""Pictures inside text: the key of a series, and a range on an axis that a table's rows share.

Their coordinates across are percentages, so that they are as wide as their column whatever the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from bench.report.html.chart import FONT_SIZE, GRID, MUTED, PAPER, short
from bench.report.html.layout import INK
from bench.report.html.scale import fraction, ticks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.report.html.layout import Series

_OUTLINES: Mapping[str, str] = {
    "circle": "M-4,0A4,4,0,1,1,4,0A4,4,0,1,1,-4,0Z",
    "square": "M-3.5,-3.5H3.5V3.5H-3.5Z",
    "triangle-up": "M0,-4L4,3.5H-4Z",
    "diamond": "M0,-4.8L4.2,0L0,4.8L-4.2,0Z",
    "cross": "M-4,-1.4H-1.4V-4H1.4V-1.4H4V1.4H1.4V4H-1.4V1.4H-4Z",
    "triangle-down": "M0,4L4,-3.5H-4Z",
}
_ROW = 26


def key(series: Series) -> str:
    """Draw a series's line and mark."""
    svg = _svg("0 0 30 12", {"class": "key", "aria-hidden": "true"})
    dash = {} if series.dash == (1, 0) else {"stroke-dasharray": ",".join(map(str, series.dash))}
    ends = {"x1": "0", "y1": "6", "x2": "30", "y2": "6"}
    ET.SubElement(svg, "line", {**ends, **dash, "stroke": series.colour, "stroke-width": "1.8"})
    _mark(svg, series, "15", "6")
    return _text_of(svg)


def range_of(series: Series, p50: float, interval: tuple[float, float] | None, ends: tuple[float, float]) -> str:
    """Draw a dot at `p50` with its interval, on an axis with these ends."""
    svg = _svg(None, {"class": "range", "aria-hidden": "true", "height": str(_ROW)})
    for tick in ticks(*ends):
        _line(svg, tick, tick, ends, stroke=GRID)
    if interval:
        _line(svg, *interval, ends, stroke=series.colour, width="5", y=_ROW / 2)
    place = ET.SubElement(svg, "svg", {"x": _percent(p50, ends), "y": str(_ROW / 2), "overflow": "visible"})
    _mark(place, series, "0", "0")
    return _text_of(svg)


def nothing(ends: tuple[float, float]) -> str:
    """Draw the row of what has no latency: the grid, and a cross at its end."""
    svg = _svg(None, {"class": "range", "aria-hidden": "true", "height": str(_ROW)})
    for tick in ticks(*ends):
        _line(svg, tick, tick, ends, stroke=GRID)
    place = ET.SubElement(svg, "svg", {"x": "99%", "y": str(_ROW / 2), "overflow": "visible"})
    ET.SubElement(place, "path", {"d": "M-9,-4L-1,4M-9,4L-1,-4", "stroke": INK, "stroke-width": "2"})
    return _text_of(svg)


def beside(ratio: float, interval: tuple[float, float] | None, ends: tuple[float, float], *, muted: bool) -> str:
    """Draw a ratio with its interval, beside a line at 1."""
    svg = _svg(None, {"class": "range", "aria-hidden": "true", "height": str(_ROW)})
    for tick in ratio_ticks(*ends):
        _line(svg, tick, tick, ends, stroke=MUTED if tick == 1 else GRID)
    colour = MUTED if muted else INK
    if interval:
        _line(svg, *interval, ends, stroke=colour, width="4", y=_ROW / 2)
    place = ET.SubElement(svg, "svg", {"x": _percent(ratio, ends), "y": str(_ROW / 2), "overflow": "visible"})
    ET.SubElement(place, "path", {"d": _OUTLINES["circle"], "fill": colour, "stroke": PAPER, "stroke-width": "0.8"})
    return _text_of(svg)


def ratio_ticks(low: float, high: float) -> list[float]:
    """Return 1 and its doubles and halves, or its powers of ten where those are too many."""
    step = 2 if high / low < 100 else 10
    powers = range(-12, 13)
    return [float(step) ** power for power in powers if low <= float(step) ** power <= high]


def ratio_axis(low: float, high: float) -> str:
    """Draw the axis above ratios."""
    return _axis([(tick, f"{tick:.3g}") for tick in ratio_ticks(low, high)], (low, high))


def axis(ends: tuple[float, float]) -> str:
    """Draw the axis above such rows."""
    return _axis([(tick, short(tick)) for tick in ticks(*ends)], ends)


def _axis(marks: Sequence[tuple[float, str]], ends: tuple[float, float]) -> str:
    svg = _svg(None, {"class": "range", "aria-hidden": "true", "height": str(_ROW)})
    free = 0.0
    for tick, text in marks:
        at = fraction(tick, *ends)
        half = len(text) * 0.021  # of a column that may be 150 pixels narrow
        if at - half >= free or not free:
            anchor = "start" if at < half else "end" if at > 1 - half else "middle"
            place = {"x": f"{at:.2%}", "y": "20", "text-anchor": anchor, "fill": MUTED, "font-size": str(FONT_SIZE)}
            ET.SubElement(svg, "text", place).text = text
            free = at + half + 0.02
    return _text_of(svg)


def _svg(box: str | None, attributes: Mapping[str, str]) -> ET.Element:
    view = {"viewBox": box} if box else {"width": "100%"}
    return ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **view, **attributes})


def _mark(parent: ET.Element, series: Series, x: str, y: str) -> None:
    outline = {"d": _OUTLINES[series.shape], "transform": f"translate({x},{y})"}
    ET.SubElement(parent, "path", {**outline, "fill": series.colour, "stroke": PAPER, "stroke-width": "0.8"})


def _line(
    svg: ET.Element,
    low: float,
    high: float,
    ends: tuple[float, float],
    *,
    stroke: str,
    width: str = "1",
    y: float | None = None,
) -> None:
    across = {"x1": _percent(low, ends), "x2": _percent(high, ends), "stroke": stroke, "stroke-width": width}
    top, bottom = ("0", str(_ROW)) if y is None else (str(y), str(y))
    opacity = {} if y is None else {"stroke-opacity": "0.45"}
    ET.SubElement(svg, "line", {**across, "y1": top, "y2": bottom, **opacity})


def _percent(value: float, ends: tuple[float, float]) -> str:
    return f"{fraction(value, *ends):.2%}"


def _text_of(svg: ET.Element) -> str:
    return ET.tostring(svg, encoding="unicode")
