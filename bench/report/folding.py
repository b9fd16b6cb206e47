"""Rows of a comparison that say the same of several kernels, or of several sides, as one line.

Only what has no ratio is folded. Complete data is `conclusion_records`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.typography import plain, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.analysis import CompareResult, Comparison

SIDE = "side"
"""Where a line's texts say which side it is about."""
_PLACES = ("kernel", "distro", "libc", "worker")
_IGNORED = frozenset({*_PLACES, "machine", "clock"})


@dataclass(frozen=True, slots=True)
class Line:
    """A row, or the first of several that say the same."""

    row: Comparison
    texts: Mapping[str, str]
    """What differs between the rows, by key: a value, `all 11`, or `5.4 +3`; and the `SIDE`."""
    several: bool


def fold(result: CompareResult) -> list[Line]:
    """Return the lines, in the order of their first rows."""
    groups: dict[str, list[Comparison]] = {}
    for at, row in enumerate(result.rows):
        groups.setdefault(_sameness(result.key, row) or str(at), []).append(row)
    every = {name: _values(result.rows, name) for name in (SIDE, *_PLACES)}
    return [
        Line(rows[0], {name: _several(_values(rows, name), every[name], result.key) for name in every}, len(rows) > 1)
        for rows in groups.values()
    ]


def _sameness(key: str, row: Comparison) -> str:
    """Return what rows of one line have in common; empty of a row that is a line of its own.

    A transition is told of each side.
    """
    if row.ratio is not None:
        return ""
    cell = row.new or row.base or {}
    axes = sorted((name, repr(value)) for name, value in cell.items() if name not in _IGNORED and name != key)
    place = [] if row.answer != "transition" or key not in {"file", *_PLACES} else [cell.get(name) for name in _PLACES]
    side = row.side if row.answer == "transition" else ""
    return repr((row.answer, row.reason, axes, side, place))


def _values(rows: Sequence[Comparison], name: str) -> list[str]:
    if name == SIDE:
        return list(dict.fromkeys(row.side for row in rows))
    known = ((row.new or row.base or {}).get(name) for row in rows)
    return list(dict.fromkeys("" if value is None else str(value) for value in known))


def _several(values: Sequence[str], every: Sequence[str], key: str) -> str:
    def shown(value: str) -> str:
        return size(int(value)) if key.endswith("_bytes") and value.isdecimal() else plain(value)

    if len(values) == 1:
        return shown(values[0])
    return f"all {len(values)}" if len(values) == len(every) else f"{shown(values[0])} +{len(values) - 1}"
