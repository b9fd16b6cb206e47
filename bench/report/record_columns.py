"""A cell as a flat record: the columns that every machine-readable form shares, and their order.

The columns are a contract: adding one is fine, renaming or dropping one is a new major version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.analysis import AXES, CellSummary

if TYPE_CHECKING:
    from bench.analysis import Latency

TEXT, COUNT, SHARE = "VARCHAR", "BIGINT", "DOUBLE"
TEXTS, COUNTS, COUNT_BY_NAME = "VARCHAR[]", "BIGINT[]", "MAP(VARCHAR, BIGINT)"
JSON = "JSON"
LATENCY_FIELDS = ("p50", "p50_low", "p50_high", "p90", "p99", "max", "n")
LATENCY = f"STRUCT({', '.join(f'{name} {COUNT}' for name in LATENCY_FIELDS)})"
BY_COMMAND = f"MAP(VARCHAR, STRUCT(launches {COUNT}, ok {COUNT}, total_ns {LATENCY}))"

_CIRCUMSTANCES_AT = AXES.index("limit_bytes") + 1
_ASKED = ("kernel", "distro")
"""Axes whose columns say what ran, not by which name it was asked for."""
_TEXT_AXES = frozenset({"strategy", "reaper", "hygiene", "backing", "overcommit", "worker"})
"""`overcommit` is `current` or a number: text to a form that knows one type a column."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; null is a value of every type."""

    type: str
    """As SQL says it, for forms whose columns have one. `LATENCY` is several columns where columns are flat."""
    value: Callable[[CellSummary], Any]
    """Text, a number, a map, a list, or None. Sizes in bytes, times in ns."""


def _axes(names: tuple[str, ...]) -> dict[str, Column]:
    return {name: Column(TEXT if name in _TEXT_AXES else COUNT, _axis(name)) for name in names}


def _axis(name: str) -> Callable[[CellSummary], Any]:
    return lambda cell: cell.axes.get(name)


def _latency(value: Latency | None) -> dict[str, int | None] | None:
    return None if value is None else asdict(value)


COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        "machine": Column(TEXT, lambda cell: cell.machine.id),
        "kernel": Column(TEXT, lambda cell: cell.machine.kernel),
        "distro": Column(TEXT, lambda cell: cell.machine.distro),
        **_axes(AXES[:_CIRCUMSTANCES_AT]),
        "workers": Column(COUNT, lambda cell: cell.workers),
        "workers_by_outcome": Column(COUNT_BY_NAME, lambda cell: dict(cell.workers_by_outcome)),
        "launches": Column(COUNT, lambda cell: cell.launches),
        "ok": Column(COUNT, lambda cell: cell.ok),
        "success_low": Column(SHARE, lambda cell: cell.success_low),
        "success_high": Column(SHARE, lambda cell: cell.success_high),
        "errors": Column(COUNT_BY_NAME, lambda cell: dict(cell.errors)),
        "blocked_ns": Column(LATENCY, lambda cell: _latency(cell.blocked_ns)),
        "reach_ns": Column(LATENCY, lambda cell: _latency(cell.reach_ns)),
        "total_ns": Column(LATENCY, lambda cell: _latency(cell.total_ns)),
        "zombies": Column(COUNT, lambda cell: cell.zombies),
        "leaked_fds": Column(COUNT, lambda cell: cell.leaked_fds),
        "leaked_threads": Column(COUNT, lambda cell: cell.leaked_threads),
        "strays": Column(COUNT, lambda cell: cell.strays),
        "zombies_peak": Column(COUNT, lambda cell: cell.zombies_peak),
        "bystander_max_ns": Column(COUNT, lambda cell: cell.bystander_max_ns),
        "mechanism": Column(TEXT, lambda cell: cell.mechanism),
        "findings": Column(COUNT_BY_NAME, lambda cell: dict(cell.findings)),
        "bystander_control_max_ns": Column(COUNT, lambda cell: cell.bystander_control_max_ns),
        "written_ns": Column(LATENCY, lambda cell: _latency(cell.written_ns)),
        "pages_written": Column(COUNT, lambda cell: cell.pages_written),
        "inherited": Column(TEXTS, lambda cell: list(cell.inherited)),
        "broken_promises": Column(TEXTS, lambda cell: list(cell.broken_promises)),
        "live_children": Column(COUNT, lambda cell: cell.live_children),
        "contradictions": Column(TEXTS, lambda cell: list(cell.contradictions)),
        "scenario": Column(TEXT, lambda cell: cell.scenario),
        "planned_launches": Column(COUNT, lambda cell: cell.planned_launches),
        "not_reached": Column(COUNT, lambda cell: cell.not_reached),
        "overcommit_in_force": Column(COUNTS, lambda cell: list(cell.modes)),
        **_axes(tuple(axis for axis in AXES[_CIRCUMSTANCES_AT:] if axis not in _ASKED)),
        "libc": Column(TEXT, lambda cell: cell.machine.libc),
        "clock": Column(TEXT, lambda cell: cell.machine.clock),
        "kernel_name": Column(TEXT, _axis("kernel")),
        "distro_name": Column(TEXT, _axis("distro")),
        "other_axes": Column(JSON, lambda cell: {axis: cell.axes[axis] for axis in cell.axes if axis not in AXES}),
        "total_tail_ns": Column(COUNT_BY_NAME, lambda cell: dict(cell.total_tail_ns)),
        "total_rounds_ns": Column(
            COUNT_BY_NAME, lambda cell: {str(number): median for number, median in cell.total_rounds_ns.items()}
        ),
        "by_command": Column(
            BY_COMMAND, lambda cell: {str(index): asdict(command) for index, command in cell.by_command.items()}
        ),
    }
)
"""Column name to column."""


def cell_record(cell: CellSummary) -> dict[str, Any]:
    """Return the record of a cell, in the order of `COLUMNS`."""
    return {name: column.value(cell) for name, column in COLUMNS.items()}


def flat_names() -> tuple[str, ...]:
    """Name the columns of forms that do not nest: a latency is one for each field, such as `blocked_ns_p50`."""
    return tuple(name for name, _ in flat_types())


def flat_types() -> tuple[tuple[str, str], ...]:
    """Return the flat columns with their types."""
    return tuple(
        pair
        for name, column in COLUMNS.items()
        for pair in (
            [(f"{name}_{field}", COUNT) for field in LATENCY_FIELDS]
            if column.type == LATENCY
            else [(name, column.type)]
        )
    )


def flat_values(cell: CellSummary) -> tuple[Any, ...]:
    """Return the values of a cell in the order of `flat_names`."""
    values: list[Any] = []
    for column in COLUMNS.values():
        value = column.value(cell)
        values += [(value or {}).get(field) for field in LATENCY_FIELDS] if column.type == LATENCY else [value]
    return tuple(values)
