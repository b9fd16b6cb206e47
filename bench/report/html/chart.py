"""What all figures have in common, as parts of Vega-Lite specifications: fonts, colours, logarithmic axes with units.

Specifications are plain data. Altair, which builds the same, copies a chart whenever it is composed: half a second for
a figure of three panels, against a tenth for drawing it. The tests hold every specification against Altair's schema.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.report.html.layout import COLOURS, INK, Series
from bench.report.html.scale import dodge, fraction, ticks
from bench.report.typography import UNICODE, clip, duration, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Spec: TypeAlias = dict[str, Any]

MUTED = "#57606a"
GRID = "#e6e8eb"
PAPER = "#ffffff"
HEAT = ("#deebf7", "#b3cfe8", "#7fb0d9", "#4a8fc7", "#1f6aab", "#0b4880")
"""From few launches to many."""
DARK: Mapping[str, str] = MappingProxyType(
    {
        INK: "#e6e9ed",
        MUTED: "#9aa4af",
        GRID: "#262c34",
        PAPER: "#0f1318",
        "#000000": "#f2f2f2",
        "#0072B2": "#3d9bdc",
        **dict(zip(HEAT, ("#14273a", "#1b4266", "#2a6496", "#4a8fc7", "#86bbe6", "#d3e8fa"), strict=True)),
    }
)
"""What a colour becomes on a dark page. A figure is drawn once, in the colours of the light one."""
PALETTE = frozenset({INK, MUTED, GRID, PAPER, *COLOURS, *HEAT})
"""Every colour that a figure may have."""

_PALE = 0.4

FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"
FONT_SIZE = 11
LETTER = 6.2
"""The width of an average letter at `FONT_SIZE`, generously."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much room a figure has."""

    width: int
    """In CSS pixels, labels included."""
    columns: int
    """Panels side by side."""


WIDE = Room(1080, 3)
NARROW = Room(356, 1)


def layer(rows: Iterable[Mapping[str, Any]], mark: str | Spec, **encoding: Spec | None) -> Spec:
    """Return one layer with its own rows; an encoding of None is left out."""
    return {
        "data": {"values": list(rows)},
        "mark": mark,
        "encoding": {channel: value for channel, value in encoding.items() if value is not None},
    }


def paled(layers: Iterable[Spec]) -> list[Spec]:
    """Return layers in a weak print."""
    return [{**one, "mark": {**one["mark"], "opacity": _PALE * one["mark"].get("opacity", 1)}} for one in layers]


def log(low: float, high: float, base: float = 10) -> Spec:
    """Return a logarithmic scale with exactly these ends."""
    return {"type": "log", "base": base, "domain": [low, high], "nice": False}


def linear(low: float, high: float) -> Spec:
    """Return a linear scale with exactly these ends."""
    return {"domain": [low, high], "nice": False, "zero": False}


def time_axis(low: float, high: float, *, labels: bool = True, name: str | None = None) -> Spec:
    """Return an axis of ns, labelled with units."""
    at = ticks(low, high)
    return {
        "values": at,
        "labelOpacity": float(labels),  # without its labels, an axis would move the panel's title
        "title": name,
        "labelExpr": _lookup({f"{tick:.0f}": short(tick) for tick in at}),
    }


def footprint_axis(footprints: Sequence[int]) -> Spec:
    """Return an axis with a tick at each footprint."""
    return {
        "values": list(footprints),
        "title": "footprint",
        "labelExpr": _lookup({str(footprint): size(footprint) for footprint in footprints}),
    }


def _lookup(names: Mapping[str, str]) -> str:
    return f"({json.dumps(names)})[format(datum.value, '.0f')] || ''"


def short(ns: float) -> str:
    """Set a round time shortly: `20 µs`, `1 ms`."""
    number, unit = duration(ns, UNICODE).split()
    return f"{float(number):g} {unit}"


def by_series(channel: str, series: Sequence[Series]) -> Spec:
    """Return the encoding of a channel (`color`, `fill`, `shape`, `strokeDash`) that tells series apart."""
    values: dict[str, list[Any]] = {
        "shape": [one.shape for one in series],
        "strokeDash": [list(one.dash) for one in series],
    }
    return {
        "field": "s",
        "type": "nominal",
        "legend": None,
        "scale": {
            "domain": [one.index for one in series],
            "range": values.get(channel, [one.colour for one in series]),
        },
    }


def nominal(field: str) -> Spec:
    """Return the encoding of a field as it is."""
    return {"field": field, "type": "nominal"}


def label(rows: Iterable[Mapping[str, Any]], x: float, y: Spec) -> Spec:
    """Return a layer of text to the right of a panel; rows have `name` and `key`."""
    mark = {"type": "text", "align": "left", "baseline": "middle", "color": INK, "fontSize": FONT_SIZE}
    return layer(rows, mark, x={"value": x}, y=y, text=nominal("name"), description=nominal("key"))


def label_before(rows: Iterable[Mapping[str, Any]], x: float, y: Spec) -> Spec:
    """Return a layer of text to the left of a panel, as an axis has it; rows have `name`."""
    mark = {"type": "text", "align": "right", "baseline": "middle", "color": MUTED, "fontSize": FONT_SIZE}
    return layer(rows, mark, x={"value": x}, y=y, text=nominal("name"))


LONGEST = 26
"""Letters of a label beside a line."""
_LEAST_OF_STRATEGY = 8
"""Letters that are left of a strategy's name, so that it can be told."""
LABEL_GAP = FONT_SIZE + 3
"""Pixels between the base lines of two labels."""


def height(least: int, labels: int) -> int:
    """Return the height of a panel that has room for so many labels."""
    return max(least, (labels + 1) * LABEL_GAP)


_TITLE_LETTER = 7.2
"""The width of an average letter of a panel's title, generously."""
_AXIS = 62
"""Pixels for the axis on the left of a row."""
_GUTTER = 18
_BELOW = 84
"""Pixels between two rows, for the axis of the upper and the title of the lower."""


@dataclass(frozen=True, slots=True)
class Grid:
    """How panels stand in a figure."""

    columns: int
    width: float
    """Of the plot of one panel, without axes and labels."""
    labels: float
    """Pixels for the labels on its right."""

    def starts_row(self, panel: int) -> bool:
        """Tell whether a panel has the axis that its row shares."""
        return panel % self.columns == 0


def grid(room: Room, panels: int, names: Iterable[str]) -> Grid:
    """Divide the room among panels, each with its labels on the right."""
    columns = min(room.columns, panels)
    labels = LETTER * max(map(len, names), default=0) + 14
    width = (room.width - _AXIS - _GUTTER * (columns - 1)) / columns - labels
    return Grid(columns, max(120.0, min(620.0, width)), labels)


def title(text: str, place: Grid) -> Spec:
    """Return the title of a panel, in two lines where it is wider than the panel with its labels."""
    width = int((place.width + place.labels) / _TITLE_LETTER)
    first, *rest = textwrap.wrap(text, width) or [""]
    return {"text": [first, clip(" ".join(rest), width, UNICODE)] if rest else first}


@dataclass(frozen=True, slots=True)
class Plot:
    """What the panels of a figure share: a logarithmic axis of ns, and their size."""

    low: float
    high: float
    width: float
    height: int
    """Pixels from `low` to `high`."""
    rail: int = 0
    """Pixels above that, for what has no time."""

    @property
    def size(self) -> Spec:
        """The size of a panel."""
        return {"width": self.width, "height": self.height + self.rail}

    def at(self, pixels: float) -> float:
        """Return what stands so many pixels above `low`."""
        return float(self.low * (self.high / self.low) ** (pixels / self.height))

    def y(self, field: str, axis: Spec | None) -> Spec:
        """Return the encoding of a field in ns."""
        scale = log(self.low, self.at(self.height + self.rail))
        return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}

    def named(self, ends: Iterable[Mapping[str, Any]], series: Sequence[Series]) -> list[Mapping[str, Any]]:
        """Name lines at the right, by their last points, moved apart where they lie on each other.

        Adds to each of `ends` the `name`, and `at`, where the name stands on the axis.
        """
        ends = list(ends)
        wanted = [fraction(end["y"], self.low, self.high) * self.height for end in ends]
        placed = dodge(wanted, LABEL_GAP, 2, self.height - 2)
        return [
            {
                **end,
                "at": self.at(at),
                "name": name_of(series[end["s"]]),
            }
            for end, at in zip(ends, placed, strict=True)
        ]


def name_of(series: Series) -> str:
    """Return a series's label, cut to what fits beside a line: in the strategy's name, where what follows fits.

    Series of one strategy differ in what follows.
    """
    strategy, comma, rest = series.label.partition(", ")
    room = LONGEST - len(comma + rest)
    if len(series.label) > LONGEST and comma and room >= _LEAST_OF_STRATEGY:
        return clip(strategy, room, UNICODE) + comma + rest
    return clip(series.label, LONGEST, UNICODE)


def figure(panels: Sequence[Spec], place: Grid) -> Spec:
    """Put panels into rows, plots aligned whatever stands around them, and add what is common to all figures."""
    return {
        "concat": list(panels),
        "columns": place.columns,
        "bounds": "flush",
        "spacing": {"row": _BELOW, "column": place.labels + _GUTTER},
        "config": CONFIG,
    }


_TEXT = {"labelFont": FONT, "titleFont": FONT, "labelFontSize": FONT_SIZE, "titleFontSize": FONT_SIZE}
CONFIG: Spec = {
    "background": "transparent",
    "padding": 2,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        **_TEXT,
        "labelColor": MUTED,
        "titleColor": MUTED,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "gridColor": GRID,
        "domainColor": MUTED,
        "tickColor": MUTED,
        "labelOverlap": "greedy",
        "labelSeparation": 8,
    },
    "axisY": {"domain": False},
    "title": {
        "font": FONT,
        "fontSize": 12,
        "fontWeight": 600,
        "color": INK,
        "anchor": "start",
        "frame": "group",
        "offset": 8,
    },
    "text": {"font": FONT, "fontSize": FONT_SIZE},
}
