"""How a launch's cost follows the footprint, for cells that differ in nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.analysis.summary import CellSummary


@dataclass(frozen=True, slots=True)
class Growth:
    """From the smallest to the largest footprint at which launches were ok."""

    smallest: CellSummary
    largest: CellSummary
    ratio: float
    """The p50 of `total` at the largest over that at the smallest."""


def growth(cells: Iterable[CellSummary]) -> Growth | None:
    """Return the growth over cells that differ in footprint only; None when fewer than two have a latency."""
    measured = sorted(
        (cell for cell in cells if cell.total_ns and cell.total_ns.p50), key=lambda cell: cell.axes["footprint_bytes"]
    )
    if len(measured) < 2:
        return None
    first, last = measured[0].total_ns, measured[-1].total_ns
    if first is None or last is None:  # never: for the type checker
        return None
    return Growth(measured[0], measured[-1], last.p50 / first.p50)
