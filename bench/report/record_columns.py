"""A cell as a flat record: the columns that every machine-readable form shares, and their order.

The columns are a contract: adding one is fine, renaming or dropping one is a new major version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.analysis import AXES, CellSummary

if TYPE_CHECKING:
    from bench.analysis import Latency

Column: TypeAlias = Callable[[CellSummary], Any]

LATENCIES = ("blocked_ns", "reach_ns", "total_ns")
LATENCY_FIELDS = ("p50", "p50_low", "p50_high", "p90", "p99", "max", "n")

_CIRCUMSTANCES_AT = AXES.index("limit_bytes") + 1
_ASKED = ("kernel", "distro")
"""Axes whose columns say what ran, not by which name it was asked for."""


def _axis(name: str) -> Column:
    return lambda cell: cell.axes.get(name)


def _latency(value: Latency | None) -> dict[str, int | None] | None:
    return None if value is None else asdict(value)


COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        "machine": lambda cell: cell.machine.id,
        "kernel": lambda cell: cell.machine.kernel,
        "distro": lambda cell: cell.machine.distro,
        **{axis: _axis(axis) for axis in AXES[:_CIRCUMSTANCES_AT]},
        "workers": lambda cell: cell.workers,
        "workers_by_outcome": lambda cell: dict(cell.workers_by_outcome),
        "launches": lambda cell: cell.launches,
        "ok": lambda cell: cell.ok,
        "success_low": lambda cell: cell.success_low,
        "success_high": lambda cell: cell.success_high,
        "errors": lambda cell: dict(cell.errors),
        "blocked_ns": lambda cell: _latency(cell.blocked_ns),
        "reach_ns": lambda cell: _latency(cell.reach_ns),
        "total_ns": lambda cell: _latency(cell.total_ns),
        "zombies": lambda cell: cell.zombies,
        "leaked_fds": lambda cell: cell.leaked_fds,
        "leaked_threads": lambda cell: cell.leaked_threads,
        "strays": lambda cell: cell.strays,
        "zombies_peak": lambda cell: cell.zombies_peak,
        "bystander_max_ns": lambda cell: cell.bystander_max_ns,
        "mechanism": lambda cell: cell.mechanism,
        "findings": lambda cell: dict(cell.findings),
        "live_children": lambda cell: cell.live_children,
        "contradictions": lambda cell: list(cell.contradictions),
        "scenario": lambda cell: cell.scenario,
        "planned_launches": lambda cell: cell.planned_launches,
        "not_reached": lambda cell: cell.not_reached,
        "overcommit_in_force": lambda cell: list(cell.modes),
        **{axis: _axis(axis) for axis in AXES[_CIRCUMSTANCES_AT:] if axis not in _ASKED},
        "libc": lambda cell: cell.machine.libc,
        "clock": lambda cell: cell.machine.clock,
        "kernel_name": _axis("kernel"),
        "distro_name": _axis("distro"),
        "other_axes": lambda cell: {axis: value for axis, value in cell.axes.items() if axis not in AXES},
        "total_tail_ns": lambda cell: dict(cell.total_tail_ns),
        "total_rounds_ns": lambda cell: {str(number): median for number, median in cell.total_rounds_ns.items()},
        "by_command": lambda cell: {str(index): asdict(command) for index, command in cell.by_command.items()},
    }
)
"""Column name to what is in it: text, a number, a map, a list, or null. Sizes in bytes, times in ns."""


def cell_record(cell: CellSummary) -> dict[str, Any]:
    """Return the record of a cell, in the order of `COLUMNS`."""
    return {name: column(cell) for name, column in COLUMNS.items()}
