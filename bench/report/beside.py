"""What a run shows beside its verdicts, in sentences: how blocked grows, how long others stand still, what writes cost.

A verdict says what to use; some questions ask for a figure. Only what was measured is said, the best first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.analysis import growth
from bench.report.blocks import (
    FLOOR,
    ROW_AXES,
    axis,
    axis_name,
    axis_text,
    clock_title,
    mode_order,
    mode_title,
    telling,
    varying,
)
from bench.report.typography import duration, factor, plain, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.analysis import CellSummary
    from bench.report.blocks import Section
    from bench.report.typography import Glyphs

_MOST = 24
"""So many are named in one sentence; of more there are the tables."""
_APART = 1.3
"""Where `total` grows otherwise by so much, it is not by the footprint: a helper ran in the caller's place."""


def beside_the_verdicts(section: Section, glyphs: Glyphs) -> Iterator[tuple[str, str]]:
    """Yield (label, sentence)."""
    cells = [cell for cell in section.shown if cell.strategy != FLOOR]
    names = _names(cells)
    yield from _growth(cells, names, glyphs)
    for circumstances, theirs in _circumstances(cells).items():
        yield from _stalls(circumstances, theirs, names, glyphs)
        yield from _writes(circumstances, theirs, names, glyphs, held=_holds_child(section))


def _names(cells: Sequence[CellSummary]) -> Mapping[int, str]:
    """Name each cell by strategy, and by what else was chosen with it."""
    chosen = [name for name in telling(cells) if name in {"reaper", "hygiene"}]
    return {
        id(cell): " ".join([plain(cell.strategy), *(axis_text(name, axis(cell, name)) for name in chosen)])
        for cell in cells
    }


def _circumstances(cells: Sequence[CellSummary]) -> Mapping[str, list[CellSummary]]:
    """Group cells by all that is no choice, in words."""
    axes = [name for name in varying(cells) if name not in {"reaper", "hygiene"}]
    several = len({mode_order(cell) for cell in cells}) > 1
    groups: dict[str, list[CellSummary]] = {}
    for cell in sorted(cells, key=lambda cell: -cell.axes["footprint_bytes"]):
        said = [size(cell.axes["footprint_bytes"]), *(f"{axis_name(name)} {_value(cell, name)}" for name in axes)]
        said += [mode_title(cell), clock_title(cell)] if several else []
        groups.setdefault(", ".join(filter(None, said)), []).append(cell)
    return groups


def _value(cell: CellSummary, name: str) -> str:
    return axis_text(name, axis(cell, name))


def _growth(cells: Sequence[CellSummary], names: Mapping[int, str], glyphs: Glyphs) -> Iterator[tuple[str, str]]:
    """How many times as long the caller is blocked at the largest footprint as at the smallest."""
    series: dict[tuple[Any, ...], list[CellSummary]] = {}
    for cell in sorted(cells, key=lambda cell: cell.axes["footprint_bytes"]):
        if cell.blocked_ns and cell.blocked_ns.p50:
            key = (names[id(cell)], mode_order(cell), *(repr(axis(cell, name)) for name in ROW_AXES))
            series.setdefault(key, []).append(cell)
    grown = [theirs for theirs in series.values() if len(theirs) > 1]
    if not grown or len(grown) > _MOST or len({names[id(theirs[0])] for theirs in grown}) < len(grown):
        return
    ends = [(theirs[0].axes["footprint_bytes"], theirs[-1].axes["footprint_bytes"]) for theirs in grown]
    smallest, largest = min(first for first, _ in ends), max(last for _, last in ends)
    said = []
    for theirs in sorted(grown, key=_ratio):
        first, last = theirs[0].axes["footprint_bytes"], theirs[-1].axes["footprint_bytes"]
        notes = [] if (first, last) == (smallest, largest) else [f"{size(first)} to {size(last)}"]
        if (total := growth(theirs)) and not 1 / _APART < total.ratio / _ratio(theirs) < _APART:
            notes.append(f"total {glyphs.times}{factor(total.ratio)}")
        noted = f" ({', '.join(notes)})" if notes else ""
        said.append(f"{names[id(theirs[0])]} {glyphs.times}{factor(_ratio(theirs))}{noted}")
    yield "growth", f"blocked, from {size(smallest)} to {size(largest)}: {', '.join(said)}."


def _ratio(cells: Sequence[CellSummary]) -> float:
    first, last = cells[0].blocked_ns, cells[-1].blocked_ns
    return last.p50 / first.p50 if first and last else 0.0


def _stalls(
    circumstances: str, cells: Sequence[CellSummary], names: Mapping[int, str], glyphs: Glyphs
) -> Iterator[tuple[str, str]]:
    """For how long another thread stood still at the most, beside the same without launches."""
    told = [
        (cell.bystander_max_ns, cell.bystander_control_max_ns, names[id(cell)])
        for cell in cells
        if cell.axes.get("bystanders") and cell.bystander_max_ns and cell.bystander_control_max_ns
    ]
    if told:
        said = [f"{name} {duration(most, glyphs)}" for most, _, name in sorted(told)[:_MOST]]
        control = duration(max(control for _, control, _ in told), glyphs)
        yield "stalls", f"{circumstances}: at most {', '.join(said)}; without launches {control}."


def _writes(
    circumstances: str, cells: Sequence[CellSummary], names: Mapping[int, str], glyphs: Glyphs, *, held: bool
) -> Iterator[tuple[str, str]]:
    """What one write to a page of the footprint took the caller while the child or the command lived."""
    told = sorted(
        (cell.written_ns.p50 / cell.pages_written, names[id(cell)])
        for cell in cells
        if cell.written_ns and cell.pages_written
    )
    if told:
        said = ", ".join(f"{name} {duration(a_page, glyphs)}" for a_page, name in told[:_MOST])
        yield "writes", f"{circumstances}: a page, while the {'child' if held else 'command'} lives: {said}."


def _holds_child(section: Section) -> bool:
    return section.files[0].header["scenario"]["settings"].get("writes_while") == "child"
