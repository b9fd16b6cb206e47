"""The reference cell, planned twice a round under two names: what two measurements of one thing differ by.

A run that measures its own noise can say which of its differences to believe, and costs little more: a few cells are
planned twice, not all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.scenario.model import AUTO, NO_REFERENCE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bench.scenario.matrix import Cell

MOST_TWINS = 4
"""Footprints at which the reference is planned twice, spread over all of them."""
PREFERRED = ("posix_spawn", "vfork_exec")
"""What `auto` takes before others: they exist everywhere, fail last, and cost the same at every footprint."""
NOT_A_LAUNCH = "null"


def with_twins(cells: Sequence[Cell], reference: str, *, unable: Collection[str] = ()) -> list[Cell]:
    """Return the cells, and after them the twins of some cells of the reference strategy.

    `reference` is a strategy, `auto`, or `none`; `unable` names strategies that cannot run here. One launching cell
    alone has nothing to be compared with and gets no twin. Twins run on the running kernel, under the first
    environment there is.
    """
    strategy = _strategy(cells, reference, unable)
    if strategy is None or sum(cell.strategy != NOT_A_LAUNCH for cell in cells) < 2:
        return list(cells)
    originals: dict[int, Cell] = {}
    for cell in cells:
        if cell.strategy == strategy and cell.kernel is None:
            originals.setdefault(cell.footprint_bytes, cell)
    return [*cells, *(_twin(originals[footprint]) for footprint in _spread(sorted(originals)))]


def _strategy(cells: Sequence[Cell], reference: str, unable: Collection[str]) -> str | None:
    if reference == NO_REFERENCE:
        return None
    if reference != AUTO:
        return reference
    here = dict.fromkeys(
        cell.strategy for cell in cells if cell.strategy not in unable and cell.strategy != NOT_A_LAUNCH
    )
    return next((name for name in (*PREFERRED, *here) if name in here), None)


def _spread(footprints: Sequence[int]) -> list[int]:
    """Return at most `MOST_TWINS` of them, the first and the last among them."""
    if len(footprints) <= MOST_TWINS:
        return list(footprints)
    return [footprints[step * (len(footprints) - 1) // (MOST_TWINS - 1)] for step in range(MOST_TWINS)]


def _twin(cell: Cell) -> Cell:
    return replace(cell, id=f"{cell.id}/twin", twin=True)
