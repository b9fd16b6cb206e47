"""The section that sets A against B: transitions first, then ratios with their intervals on one logarithmic axis.

What shows no difference is folded away, counted: rows without number would hide the few that say something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.report.blocks import axis_name
from bench.report.contrasts import cell_name, common_conditions, contrasts, ratio_text, said, title
from bench.report.html.marks import beside, ratio_axis
from bench.report.html.tables import NONE, Entry, Head, Row, Table, without_empty
from bench.report.typography import UNICODE, duration, plain

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bench.analysis import Analysis, CompareResult, Comparison
    from bench.report.blocks import Section

_MOST_ROWS = 300
_QUIET = frozenset({"same", "inconclusive"})
_MOST_QUIET = 8
"""So few rows without a shown difference are read at once, and are not folded away."""
_ANSWERS = {"same": "~", "transition": "changed", "missing": "missing"}
_KINDS = {"faster": "all", "slower": "some", "transition": "no", "missing": "none", "inconclusive": "none"}


@dataclass(frozen=True, slots=True)
class Versus:
    """One comparison as the template sets it."""

    title: str
    said: str
    warnings: Sequence[str]
    table: Table
    """What changed, differs or is missing."""
    folded: Table
    """What shows no difference."""
    open: bool
    """Nothing is hidden: it is little, too."""
    paced: bool
    """Some of its ratios are held against the machine's pace."""


def comparisons(sections: Sequence[Section], analysis: Analysis) -> list[Versus]:
    """Return every comparison of the report."""
    return [_versus(number, result) for number, result in enumerate(contrasts(sections, analysis))]


def _versus(number: int, result: CompareResult) -> Versus:
    ends = _ends([end for row in result.rows for end in (row.ratio, row.low, row.high) if end is not None])
    # what says something first: it is the last to be left out
    by_place = sorted(enumerate(result.rows), key=lambda one: one[1].answer in _QUIET)[:_MOST_ROWS]
    side = result.key if len(result.new) > 1 else None
    common = common_conditions(result.rows)
    heads = (
        Head("cell", number=False),
        Head(axis_name(result.key), "of the new side", number=False),
        Head("answer", "~: no difference was shown", number=False),
        Head("new / base", "dot: ratio of p50; bar: its 95% interval", number=False, mark=ratio_axis(*ends)),
        Head("ratio", "of the p50 of total, new / base, with its 95% interval"),
        Head("base"),
        Head("new"),
        Head("why", number=False),
    )

    def table(caption: str, *, quiet: bool) -> Table:
        rows = tuple(
            _row(row, f"comparisons.{number}.rows.{at}", side, ends, common)
            for at, row in by_place
            if (row.answer in _QUIET) is quiet
        )
        return without_empty(Table(caption=caption, heads=heads, titled=True, rows=rows))

    folded = table(f"{title(result)}: without a shown difference", quiet=True)
    return Versus(
        title(result),
        said(result, len(by_place)),
        [plain(warning) for warning in result.warnings],
        table(title(result), quiet=False),
        folded,
        len(folded.rows) <= _MOST_QUIET,
        any(row.slope is not None for row in result.rows),
    )


def _ends(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis: 1 in the middle, and no narrower than half and double."""
    widest = max((max(ratio, 1 / ratio) for ratio in ratios if ratio > 0), default=2.0)
    widest = max(2.0, widest * 1.1)
    return 1 / widest, widest


def _row(
    row: Comparison, path: str, key_of_side: str | None, ends: tuple[float, float], common: Collection[str]
) -> Row:
    """Set a row; `path` is where `compare --format json` has it, after the number of the comparison on this page."""
    key = row.new or row.base or {}
    interval = None if row.low is None or row.high is None else (row.low, row.high)
    muted = row.answer in _QUIET
    picture = "" if row.ratio is None else beside(row.ratio, interval, ends, muted=muted)
    name = cell_name(row, common)
    side = plain(str(key.get(key_of_side, ""))) if key_of_side else ""
    return Row(
        Entry(name, "name", name),
        (
            Entry(side, value=side),
            Entry(
                _ANSWERS.get(row.answer, row.answer),
                f"outcome answer {_KINDS.get(row.answer, '')}",
                row.answer,
                column=f"{path}.verdict",
            ),
            Entry("", "picture", row.ratio, mark=picture),
            Entry(NONE if row.ratio is None else ratio_text(row), "number", row.ratio, column=f"{path}.ratio"),
            _time(row.base_ns, f"{path}.base_ns"),
            _time(row.new_ns, f"{path}.new_ns"),
            Entry(plain(row.reason), "text"),
        ),
    )


def _time(ns: int | None, column: str) -> Entry:
    return Entry(NONE if ns is None else duration(ns, UNICODE), "number", ns, column=column)
