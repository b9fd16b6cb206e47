"""The section on success: a strategy a row, a footprint a column, a table for each panel; failures are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis import natural
from bench.report.blocks import ENVIRONMENT, NOT_MEASURED, axis, axis_name, axis_text
from bench.report.html.layout import panel_title
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


def matrices(layout: Layout, records: Records) -> list[Table]:
    """Return a table for each panel; where a run has several kernels, distros or builds, these are the columns."""
    across = next((name for name in ENVIRONMENT if name in layout.apart), None)
    if across is None:
        return [_matrix(layout, panel, records) for panel in range(len(layout.panels))]
    others = [name for name in layout.apart if name != across]
    tables: dict[str, list[Item]] = {}
    for item in layout.items:
        tables.setdefault(panel_title(item.cell, others), []).append(item)
    return [_across(title, items, across, records) for title, items in tables.items()]


def _across(title: str, items: Sequence[Item], name: str, records: Records) -> Table:
    values = sorted({axis_text(name, axis(item.cell, name)) for item in items}, key=natural)
    several = len({item.footprint for item in items}) > 1
    lines: dict[tuple[int, int], dict[str, Item]] = {}
    for item in items:
        lines.setdefault((item.series.index, item.footprint), {})[axis_text(name, axis(item.cell, name))] = item
    rows = []
    for (_, footprint), found in sorted(lines.items()):
        series = next(iter(found.values())).series
        label = f"{series.label}, {size(footprint)}" if several else series.label
        entries = (
            outcome(found[value].index, found[value].cell, records) if value in found else _absent() for value in values
        )
        rows.append(Row(Entry(label, "name", label, mark=key(series)), tuple(entries), series=series.index))
    return Table(
        caption=title,
        heads=(Head(axis_name(name), number=False), *(Head(value, axis_name(name)) for value in values)),
        rows=tuple(rows),
        sortable=False,
        dense=True,
    )


def _matrix(layout: Layout, panel: int, records: Records) -> Table:
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
    named = [error.replace("lost_status", "lost").replace(":", " ").replace("_", " ") for error in named]
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
