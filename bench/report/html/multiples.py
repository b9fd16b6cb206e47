"""Small multiples, one picture a cell: how its launches were distributed, and how they drifted over the run.

Dozens of pictures of a few dozen points each: they are drawn here, each a small image of its own that the page lays
out as its width allows. Vega-Lite takes a second for what takes a millisecond so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from bench.report.html.chart import FONT_SIZE, GRID, HEAT, MUTED, short
from bench.report.html.layout import INK
from bench.report.html.scale import fraction, span, ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.analysis import Spread
    from bench.report.html.layout import Item

_SVG = "http://www.w3.org/2000/svg"
WIDTH, HEIGHT = 220, 118
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 6, 6, 20


@dataclass(frozen=True, slots=True)
class Multiple:
    """One picture and what it is of."""

    item: Item
    markup: str


def distributions(items: Sequence[Item], spreads: Mapping[int, Spread]) -> list[Multiple]:
    """Draw the distribution function of each item, all on one time axis; every item has its spread."""
    low, high = span(ns for item in items for ns, _ in spreads[item.index].distribution)

    def x(ns: float) -> float:
        return _LEFT + fraction(ns, low, high) * (WIDTH - _LEFT - _RIGHT)

    def y(share: float) -> float:
        return _TOP + (1 - share) * (HEIGHT - _TOP - _BOTTOM)

    def draw(item: Item) -> Multiple:
        svg = _canvas(f"distribution of total, {item.series.label}")
        _across(svg, [(x(tick), short(tick)) for tick in ticks(low, high)])
        _upwards(svg, [(y(share), f"{share:.0%}") for share in (0, 0.5, 1)])
        points = spreads[item.index].distribution
        path = f"M{x(points[0][0]):.1f},{y(0):.1f}" + "".join(f"H{x(ns):.1f}V{y(share):.1f}" for ns, share in points)
        outline = {"fill": "none", "stroke": item.series.colour, "stroke-width": "1.8", "stroke-linejoin": "round"}
        ET.SubElement(svg, "path", {"d": f"{path}H{WIDTH - _RIGHT}", **outline})
        return _finished(item, svg)

    return [draw(item) for item in items]


def drifts(items: Sequence[Item], spreads: Mapping[int, Spread]) -> list[Multiple]:
    """Draw heat maps: launch order across, latency upwards, the darker the more launches; a line between rounds."""
    low, high = span(end for item in items for part in spreads[item.index].order for end in (part.low_ns, part.high_ns))

    def draw(item: Item) -> Multiple:
        spread = spreads[item.index]

        def x(slot: float) -> float:
            return _LEFT + slot / spread.slots * (WIDTH - _LEFT - _RIGHT)

        def y(ns: float) -> float:
            return _TOP + (1 - fraction(ns, low, high)) * (HEIGHT - _TOP - _BOTTOM)

        svg = _canvas(f"total in order of launch, {item.series.label}")
        _upwards(svg, [(y(tick), short(tick)) for tick in ticks(low, high)])
        begins = [0.0, *spread.rounds]
        _across(svg, [(x(begin), str(number)) for number, begin in enumerate(begins, 1)])
        most = max(part.count for part in spread.order)
        outlines: dict[str, str] = {}
        for part in spread.order:
            colour = HEAT[(part.count * len(HEAT) - 1) // most]
            top, bottom = y(part.high_ns), y(part.low_ns)
            box = f"M{x(part.slot):.1f},{top:.1f}H{x(part.slot + 1):.1f}V{bottom:.1f}H{x(part.slot):.1f}Z"
            outlines[colour] = outlines.get(colour, "") + box
        for colour in sorted(outlines, key=HEAT.index):
            ET.SubElement(svg, "path", {"d": outlines[colour], "fill": colour})
        return _finished(item, svg)

    return [draw(item) for item in items]


def _canvas(title: str) -> ET.Element:
    return ET.Element(
        "svg",
        {"xmlns": _SVG, "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria-label": title},
    )


def _across(svg: ET.Element, marks: Iterable[tuple[float, str]]) -> None:
    """Draw the grid and labels of the axis at the bottom, leaving out labels that would touch."""
    free = 0.0
    for at, text in marks:
        _line(svg, at, _TOP, at, HEIGHT - _BOTTOM)
        half = len(text) * 3.1
        if at - half >= free and at + half <= WIDTH:
            _text(svg, at, HEIGHT - 6, text, "middle")
            free = at + half + 6


def _upwards(svg: ET.Element, marks: Iterable[tuple[float, str]]) -> None:
    """Draw the grid and labels of the axis on the left, leaving out labels that would touch."""
    free = float(HEIGHT)
    for at, text in sorted(marks, reverse=True):
        _line(svg, _LEFT, at, WIDTH - _RIGHT, at)
        if at <= free:
            _text(svg, _LEFT - 5, at + 3.5, text, "end")
            free = at - FONT_SIZE - 2


def _line(svg: ET.Element, x1: float, y1: float, x2: float, y2: float) -> None:
    ends: dict[str, Any] = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    ET.SubElement(svg, "line", {**{name: f"{value:.1f}" for name, value in ends.items()}, "stroke": GRID})


def _text(svg: ET.Element, x: float, y: float, text: str, anchor: str) -> None:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    ET.SubElement(svg, "text", {**place, "fill": MUTED, "font-size": str(FONT_SIZE - 1)}).text = text


def _finished(item: Item, svg: ET.Element) -> Multiple:
    return Multiple(item, ET.tostring(svg, encoding="unicode"))


def sheet(multiples: Sequence[Multiple], panels: Sequence[str], columns: int) -> str:
    """Put pictures onto one, a row of headings above each panel's, as a page lays them out."""
    svg = ET.Element(f"{{{_SVG}}}svg")
    top, gap, caption = 0, 16, 18
    for panel, title in enumerate(panels):
        theirs = [one for one in multiples if one.item.panel == panel]
        if not theirs:
            continue
        top += 22
        _heading(svg, 0, top - 8, title, "600")
        for at, one in enumerate(theirs):
            row, column = divmod(at, columns)
            x, y = column * (WIDTH + gap), top + row * (HEIGHT + caption + gap)
            _heading(svg, x, y + 12, one.item.series.label, "400")
            picture = ET.fromstring(one.markup)  # noqa: S314 - drawn above
            picture.attrib.update(
                {"x": str(x), "y": str(y + caption), "width": str(WIDTH), "height": str(HEIGHT), "overflow": "visible"}
            )
            svg.append(picture)
        top += -(-len(theirs) // columns) * (HEIGHT + caption + gap)
    width = columns * (WIDTH + gap) - gap
    svg.attrib.update({"viewBox": f"0 0 {width} {top}", "width": str(width), "height": str(top)})
    ET.register_namespace("", _SVG)
    return ET.tostring(svg, encoding="unicode")


def _heading(svg: ET.Element, x: int, y: int, text: str, weight: str) -> None:
    place = {"x": str(x), "y": str(y), "font-size": str(FONT_SIZE), "font-weight": weight, "fill": INK}
    ET.SubElement(svg, f"{{{_SVG}}}text", place).text = text
