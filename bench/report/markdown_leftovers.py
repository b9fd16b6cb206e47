"""The rows of what cells left behind, how long other threads stood still and what the caller's writes cost, as text.

Cells with nothing of it have no row. It knows no Markdown: `markdown` sets the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.report.blocks import axis, axis_name, axis_text, mode_title, telling
from bench.report.typography import UNICODE, duration, plain, size

if TYPE_CHECKING:
    from bench.analysis import CellSummary

_LOST, _TAKEN = "lost_status", "lost_status:ECHILD"
_HEADS = (
    "zombies",
    "most zombies",
    "descriptors",
    "threads",
    "children",
    "strays",
    "statuses lost",
    "taken",
    "not reached",
    "longest stall",
    "its control",
    "own write, a page",
)


def leftover_rows(cells: Sequence[CellSummary]) -> tuple[list[str], list[list[str]]]:
    """Return titles and rows; a field is empty where there is nothing to say."""
    axes = telling(cells)
    heads = ["strategy", *map(axis_name, axes), "overcommit", "footprint", *_HEADS]
    rows = []
    for cell in cells:
        said = _said(cell)
        if any(said):
            place = [mode_title(cell).removeprefix("overcommit "), size(cell.axes["footprint_bytes"])]
            rows.append([plain(cell.strategy), *(axis_text(name, axis(cell, name)) for name in axes), *place, *said])
    return heads, rows


def _said(cell: CellSummary) -> list[str]:
    counts = (
        cell.zombies,
        cell.zombies_peak if (cell.zombies_peak or 0) > (cell.zombies or 0) else 0,
        cell.leaked_fds,
        cell.leaked_threads,
        cell.live_children,
        cell.strays,
        cell.errors.get(_LOST),
        cell.errors.get(_TAKEN),
        cell.not_reached,
    )
    page = cell.written_ns.p50 / cell.pages_written if cell.written_ns and cell.pages_written else None
    times = (cell.bystander_max_ns, cell.bystander_control_max_ns, page)
    return [str(count) if count else "" for count in counts] + [
        "" if ns is None else duration(ns, UNICODE) for ns in times
    ]
