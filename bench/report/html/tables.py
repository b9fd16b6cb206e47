"""Tables as data: what a template sets, with the number behind every text.

An entry that shows a column of the machine-readable report carries the cell's index, the column's path and its value
there, so that a page can be sorted by it and held against `--format json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.report.typography import UNICODE, duration, size

NONE = UNICODE.none


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a table."""

    text: str
    kind: str = ""
    """CSS classes."""
    value: float | str | None = None
    """What it is sorted by; None sorts last."""
    cell: int | None = None
    column: str | None = None
    """The cell's index and the column's path in the machine-readable report, when `value` is from there."""
    note: str = ""
    """Said when it is pointed at, and to those who do not see colours."""
    mark: str = ""
    """A picture before the text: markup of our own, never of a file."""

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to say."""
        return self.text in {"", NONE} and not self.mark


@dataclass(frozen=True, slots=True)
class Head:
    """The title of a column."""

    text: str
    note: str = ""
    number: bool = True
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it is of, and its entries."""

    head: Entry
    entries: tuple[Entry, ...]
    kind: str = ""
    series: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption, which is its name for those who do not see where it stands."""

    caption: str
    heads: tuple[Head, ...]
    """The first is that of the rows' heads."""
    rows: tuple[Row, ...]
    sortable: bool = True
    pale: bool = False
    """Its times are no hardware's."""
    dense: bool = False
    """It has many columns, whose texts may be broken."""
    turned: bool = False
    """Its columns are many and narrow: their titles stand upright."""
    titled: bool = False
    """A title stands above it already: the caption is for those who do not see that."""


def without_empty(table: Table) -> Table:
    """Return the table without the columns that have nothing in any row."""
    kept = [at for at in range(len(table.heads) - 1) if any(not row.entries[at].is_empty for row in table.rows)]
    return replace(
        table,
        heads=(table.heads[0], *(table.heads[at + 1] for at in kept)),
        rows=tuple(replace(row, entries=tuple(row.entries[at] for at in kept)) for row in table.rows),
    )


class Records:
    """The cells as `--format json` has them, and entries that show them."""

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Keep the records, in the order of the analysis."""
        self._records = records

    def value(self, cell: int, column: str) -> Any:
        """Return what the machine-readable report has at a path such as `total_ns.p50`; None where it has nothing."""
        outer, _, inner = column.partition(".")
        value = self._records[cell][outer]
        return value.get(inner) if inner and value is not None else value

    def time(self, cell: int, column: str, kind: str = "") -> Entry:
        """Show a time in ns."""
        value = self.value(cell, column)
        text = NONE if value is None else duration(value, UNICODE)
        return Entry(text, f"number {kind}".strip(), value, cell, column)

    def count(self, cell: int, column: str, kind: str = "") -> Entry:
        """Show a number of things; what is not nothing is marked when `kind` says how."""
        value = self.value(cell, column)
        marked = f"number {kind if value else ''}".strip()
        return Entry(NONE if value is None else str(value), marked, value, cell, column)

    def bytes(self, cell: int, column: str) -> Entry:
        """Show a size."""
        value = self.value(cell, column)
        return Entry(NONE if value is None else size(value), "number", value, cell, column)

    def tail(self, cell: int, percentile: str) -> Entry:
        """Show a percentile of total, or that there are too few launches for it."""
        return self.time(cell, f"total_tail_ns.{percentile}")

    def interval(self, cell: int, column: str) -> Entry:
        """Show the interval of the p50 of a latency, as the column of its lower end."""
        low, high = self.value(cell, f"{column}.p50_low"), self.value(cell, f"{column}.p50_high")
        if low is None or high is None:
            return Entry(NONE, "number", None, cell, f"{column}.p50_low")
        text = f"{duration(low, UNICODE)} to {duration(high, UNICODE)}"
        return Entry(text, "number quiet", low, cell, f"{column}.p50_low")
