"""The section on success: a strategy a row, a footprint a column, a table for each panel; failures are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.report.blocks import NOT_MEASURED
from bench.report.html.marks import key
from bench.report.html.tables import NONE, Entry, Head, Row, Table
from bench.report.typography import UNICODE, clip, plain, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.analysis import CellSummary
    from bench.report.html.layout import Item, Layout, Series
    from bench.report.html.tables import Records

_SHOWN_ERRORS = 2
_LONGEST = 30


def matrix(layout: Layout, panel: int, records: Records) -> Table:
    """Return the table of one panel."""
    items = layout.of(panel)
    footprints = sorted({item.footprint for item in items})
    series = [one for one in layout.series if any(item.series == one for item in items)]
    return Table(
        caption=layout.panels[panel],
        heads=(Head("strategy", number=False), *(Head(size(footprint), "footprint") for footprint in footprints)),
        rows=tuple(_row(one, items, footprints, records) for one in series),
        sortable=False,
    )


def series_head(series: Series) -> Entry:
    """Return the head of a series's row."""
    return Entry(series.label, "name", series.label, mark=key(series))


def _row(series: Series, items: Sequence[Item], footprints: Iterable[int], records: Records) -> Row:
    found = {item.footprint: item for item in items if item.series == series}
    entries = tuple(
        outcome(found[footprint].index, found[footprint].cell, records) if footprint in found else _absent()
        for footprint in footprints
    )
    return Row(series_head(series), entries, series=series.index)


def outcome(index: int, cell: CellSummary, records: Records) -> Entry:
    """Show how many launches of a cell were ok, what went wrong with the others, or why there were none."""
    if not cell.launches:
        return Entry(_no_launches(cell), "outcome none", -1.0, note=_reasons(cell))
    ok = records.value(index, "ok")
    text = f"{ok}/{records.value(index, 'launches')}"
    kind = "all" if cell.ok == cell.launches else "some" if cell.ok else "no"
    return Entry(f"{text} {errors(cell)}".strip(), f"outcome {kind}", ok, index, "ok", note=_note(cell))


def errors(cell: CellSummary) -> str:
    """Name what went wrong most often, and the ends of workers that did not finish."""
    named = [plain(error).removeprefix("spawn:").removeprefix("status:") for error in cell.errors]
    named += [outcome for outcome in cell.workers_by_outcome if outcome not in {"finished", *NOT_MEASURED}]
    more = f" +{len(named) - _SHOWN_ERRORS}" if len(named) > _SHOWN_ERRORS else ""
    return clip(", ".join(named[:_SHOWN_ERRORS]), _LONGEST, UNICODE) + more


def _note(cell: CellSummary) -> str:
    """Say everything that went wrong, with counts."""
    parts = [f"{plain(error)} {UNICODE.times}{count}" for error, count in cell.errors.items()]
    if cell.not_reached:
        parts.append(f"{cell.not_reached} planned launches not reached")
    return "; ".join([*parts, *([_reasons(cell)] if cell.reasons else [])])


def _reasons(cell: CellSummary) -> str:
    return "; ".join(
        f"{count} {outcome}" + (f": {plain(reason)}" if reason else "")
        for (outcome, reason), count in cell.reasons.items()
    )


def _no_launches(cell: CellSummary) -> str:
    kinds = [kind for kind in cell.workers_by_outcome if kind != "finished"]
    return ", ".join(kind.replace("_", " ") for kind in kinds) or "no launch"


def _absent() -> Entry:
    return Entry(NONE, "outcome none", None, note="not in the plan")
