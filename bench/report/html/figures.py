"""Which figures a section has, for pages wide and narrow: what is too much for one, or too little, has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.html.chart import NARROW, WIDE, Room, Spec
from bench.report.html.curve import curve
from bench.report.html.drawing import Drawing, draw
from bench.report.html.tails import tails

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.analysis import Spread
    from bench.report.html.layout import Item, Layout

_MOST_PANELS = 12
"""Panels of a figure before it is no overview."""
_MOST_SERIES = 40
"""Series of a figure before its lines cannot be followed."""
_MOST_MULTIPLES = 24


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure for wide pages and for narrow ones, and what it shows in words."""

    name: str
    title: str
    caption: str
    wide: Drawing
    narrow: Drawing


def largest_footprints(layout: Layout) -> list[int]:
    """Return the largest footprint of each panel, which figures of one footprint show."""
    return [max((item.footprint for item in layout.of(panel)), default=0) for panel in range(len(layout.panels))]


def is_too_much(layout: Layout) -> bool:
    """Tell whether there are more panels or series than a figure can show."""
    return len(layout.panels) > _MOST_PANELS or len(layout.series) > _MOST_SERIES


def curve_figure(name: str, layout: Layout) -> Figure | None:
    """Return latency against footprint; None for a single footprint, and where nothing has a latency."""
    if len(layout.footprints) < 2 or is_too_much(layout) or not any(item.cell.total_ns for item in layout.items):
        return None
    return _figure(
        f"{name}-curve",
        "Latency against footprint",
        "Across: the footprint; upwards: the p50 of total. Both axes are logarithmic, and the same in every panel. "
        "A band is the 95% interval. A cross on the rail above says that launches failed, a large one that all did; "
        "the line is then broken.",
        lambda room: curve(layout, room),
    )


def tails_figure(name: str, layout: Layout, largest: Sequence[int]) -> Figure | None:
    """Return the tails at the largest footprint of each panel; None without launches enough for any."""
    if not any(len(item.cell.total_tail_ns) > 1 for item in layout.items) or is_too_much(layout):
        return None
    return _figure(
        f"{name}-tails",
        "Tails",
        "Across: percentiles of launches, stretched towards the rare ones: 90 to 99 is as wide as 99 to 99.9. "
        "Upwards: total. A line ends where fewer than ten launches lie beyond it.",
        lambda room: tails(layout, largest, room),
    )


def _figure(name: str, title: str, caption: str, specify: Callable[[Room], Spec]) -> Figure:
    wide, narrow = (
        draw(specify(room), title, caption, f"{name}-{size_}") for room, size_ in ((WIDE, "wide"), (NARROW, "narrow"))
    )
    return Figure(name, title, caption, wide, narrow)


def multiples_shown(layout: Layout, largest: Sequence[int], spreads: Mapping[int, Spread]) -> list[Item]:
    """Return the cells that small multiples show: those of the largest footprints, up to a limit."""
    found = [
        item
        for panel, footprint in enumerate(largest)
        for item in sorted(layout.of(panel, footprint), key=lambda item: item.series.index)
        if item.index in spreads
    ]
    return found[:_MOST_MULTIPLES]
