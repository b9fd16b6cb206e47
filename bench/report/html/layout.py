"""How cells are laid out for the eye: a panel for each set of circumstances, a series for each thing that is compared.

A series keeps its colour, mark and dash in every panel and figure of its section. Nothing here draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis import EMULATED, natural
from bench.report.blocks import FLOOR, axis, axis_name, axis_text, clock_title, mode_order, mode_title, telling
from bench.report.typography import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.analysis import CellSummary
    from bench.report.blocks import Section

MOST_SERIES = 12
"""Series that one panel can hold before nobody can tell them apart."""

INK = "#1b1f24"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito, 2008, the darkest first; without its yellow, which no white page shows."""
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
DASHES = ((1, 0), (6, 3), (2, 2), (8, 2, 2, 2), (12, 3))
"""Lengths of stroke and gap. The three cycles have no common length, so 210 series differ."""
_USUAL: Mapping[str, tuple[object, ...]] = {
    "reaper": ("waitpid", "own"),
    "hygiene": ("none",),
    "backing": ("anon",),
    "in_flight": (1,),
    "bystanders": (0,),
    "open_files": (0,),
    "vmas": (1,),
    "memory_limit_bytes": (None,),
    "pids_limit": (None,),
    "nofile_limit": (None,),
    "nproc_limit": (None,),
}
"""What a label leaves out: it is what a reader assumes."""


@dataclass(frozen=True, slots=True)
class Series:
    """What one line stands for: a strategy, under the circumstances that vary inside a panel."""

    index: int
    label: str

    @property
    def colour(self) -> str:
        """Its colour, which others have too when there are many series."""
        return COLOURS[self.index % len(COLOURS)]

    @property
    def shape(self) -> str:
        """Its mark, in Vega's words."""
        return SHAPES[self.index % len(SHAPES)]

    @property
    def dash(self) -> tuple[int, ...]:
        """Its line."""
        return DASHES[self.index % len(DASHES)]


@dataclass(frozen=True, slots=True)
class Item:
    """A cell with its place on the page."""

    index: int
    """Of the cell, in the analysis and in `--format json`."""
    cell: CellSummary
    series: Series
    panel: int

    @property
    def footprint(self) -> int:
        """In bytes."""
        return int(self.cell.axes["footprint_bytes"])


@dataclass(frozen=True, slots=True)
class Layout:
    """The cells of one section, floors apart."""

    panels: tuple[str, ...]
    """Their titles, which say what is the same in all of a panel and not in the others."""
    apart: tuple[str, ...]
    """The axes of rows that make panels, beside the mode."""
    everywhere: str
    """What is the same in all panels, when there are several."""
    pale: frozenset[int]
    """The panels whose times are no hardware's: their behaviour counts, their latency is shown and not believed."""
    series: tuple[Series, ...]
    items: tuple[Item, ...]
    """By panel, series and footprint."""
    floors: tuple[tuple[int, CellSummary], ...]
    """Index and cell of what launches nothing."""

    @property
    def footprints(self) -> tuple[int, ...]:
        """In bytes, ascending."""
        return tuple(sorted({item.footprint for item in self.items}))

    def of(self, panel: int, footprint: int | None = None) -> list[Item]:
        """Return the items of a panel, or those of one footprint in it."""
        return [item for item in self.items if item.panel == panel and footprint in {None, item.footprint}]


def layout_of(section: Section, indices: Mapping[int, int]) -> Layout:
    """Lay out what a section shows; `indices` maps a cell's identity to its index in the analysis."""
    planned = [str(cell["strategy"]) for file in section.files for cell in file.header["cells"]]
    return lay_out({indices[id(cell)]: cell for cell in section.shown}, planned)


def lay_out(cells: Mapping[int, CellSummary], strategies: Sequence[str]) -> Layout:
    """Lay out the cells of one section, given by index; series are in the order of `strategies`, then by label."""
    launching = {index: cell for index, cell in cells.items() if cell.strategy != FLOOR}
    apart = _panel_axes(list(launching.values()))
    inside = [name for name in telling(list(launching.values())) if name not in apart]
    titles = {_panel_key(cell, apart): _panel_parts(cell, apart) for cell in launching.values()}
    parts = list(titles.values())
    common = [part for part in parts[0] if all(part in others for others in parts)] if len(parts) > 1 else []
    panels = sorted(titles, key=lambda key: (key[0], [natural(str(value)) for value in key[1]]))
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys(strategies))}
    named = {_label(cell, inside): ranks.get(cell.strategy, len(ranks)) for cell in launching.values()}
    labels = sorted(named, key=lambda label: (named[label], natural(label)))
    series = tuple(Series(index, label) for index, label in enumerate(labels))
    return Layout(
        panels=tuple(_title(part for part in titles[key] if part not in common) for key in panels),
        apart=tuple(apart),
        everywhere=_title(part for part in common),
        pale=frozenset(at for at, key in enumerate(panels) if key[0][1] == EMULATED),
        series=series,
        items=tuple(
            sorted(
                (
                    Item(index, cell, series[labels.index(_label(cell, inside))], panels.index(_panel_key(cell, apart)))
                    for index, cell in launching.items()
                ),
                key=lambda item: (item.panel, item.series.index, item.footprint),
            )
        ),
        floors=tuple((index, cell) for index, cell in cells.items() if cell.strategy == FLOOR),
    )


def _panel_axes(cells: Sequence[CellSummary]) -> list[str]:
    """Choose the axes that make panels rather than series, as few as leave each panel readable."""
    inside, apart = telling(cells), list[str]()

    def most() -> int:
        panels: dict[object, set[str]] = {}
        for cell in cells:
            panels.setdefault(_panel_key(cell, apart), set()).add(_label(cell, inside))
        return max(map(len, panels.values()), default=0)

    while most() > MOST_SERIES and inside:
        apart.append(inside.pop())
    return apart


def _panel_key(cell: CellSummary, apart: Iterable[str]) -> tuple[tuple[bool, str, int, int], tuple[object, ...]]:
    return mode_order(cell), tuple(axis(cell, name) for name in apart)


def panel_title(cell: CellSummary, apart: Iterable[str]) -> str:
    """Name what the cells of one mode, and of one value of each of these axes, have in common."""
    return _title(_panel_parts(cell, apart))


def _panel_parts(cell: CellSummary, apart: Iterable[str]) -> list[str]:
    parts = [mode_title(cell), clock_title(cell), *(_axis(cell, name) for name in apart)]
    return [part for part in parts if part]


def _title(parts: Iterable[str]) -> str:
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _label(cell: CellSummary, inside: Iterable[str]) -> str:
    told = (name for name in inside if axis(cell, name) not in _USUAL.get(name, ()))
    return ", ".join([plain(cell.strategy), *(_axis(cell, name) for name in told)])


def _axis(cell: CellSummary, name: str) -> str:
    return f"{axis_name(name)} {axis_text(name, axis(cell, name))}"
