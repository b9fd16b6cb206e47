"""The full table: every cell of every file, with everything that a row can hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from bench.report.blocks import axis, axis_name, axis_text, mode_title, varying
from bench.report.html.success import outcome
from bench.report.html.tables import Entry, Head, Records, Row, Table, without_empty
from bench.report.typography import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.analysis import CellSummary


_Show: TypeAlias = "Callable[[int, CellSummary], Entry]"


def full_table(cells: Sequence[CellSummary], records: Records) -> Table:
    """Return a row for each cell, in the order of the machine-readable report, without columns that are empty."""
    columns = list(_columns(cells, records))
    every = Table(
        caption="Every cell",
        heads=(Head("strategy", number=False), *(head for head, _ in columns)),
        rows=tuple(
            Row(
                Entry(plain(cell.strategy), "name", cell.strategy),
                tuple(show(index, cell) for _, show in columns),
            )
            for index, cell in enumerate(cells)
        ),
    )
    return without_empty(every)


def _columns(cells: Sequence[CellSummary], records: Records) -> Iterator[tuple[Head, _Show]]:
    if len({(cell.host, cell.scenario) for cell in cells}) > 1:
        yield Head("scenario", number=False), lambda _, cell: Entry(plain(cell.scenario), value=cell.scenario)
        yield Head("machine", number=False), lambda _, cell: Entry(plain(cell.machine.id)[:12], value=cell.machine.id)
    for name in varying(cells):
        yield Head(axis_name(name), number=False), _axis(name)
    yield Head("overcommit", number=False), lambda _, cell: Entry(mode_title(cell).removeprefix("overcommit "))
    yield Head("footprint"), lambda index, _: records.bytes(index, "footprint_bytes")
    ok = Head("ok", "launches that were ok, of all that were tried")
    yield ok, lambda index, cell: outcome(index, cell, records)
    yield Head("workers"), lambda index, _: records.count(index, "workers")
    for title, column in (("blocked", "blocked_ns.p50"), ("reach", "reach_ns.p50"), ("total", "total_ns.p50")):
        yield Head(title, "p50"), _time(records, column)
    yield Head("95% interval", "of the p50 of total"), lambda index, _: records.interval(index, "total_ns")
    for title in ("p90", "p99", "max"):
        yield Head(title, "of total"), _time(records, f"total_ns.{title}")
    yield Head("n", "ok launches"), lambda index, _: records.count(index, "total_ns.n")


def _time(records: Records, column: str) -> _Show:
    return lambda index, _: records.time(index, column)


def _axis(name: str) -> _Show:
    return lambda _, cell: Entry(axis_text(name, axis(cell, name)))
