"""The table of cells on a terminal: which columns there are, which of them fit, and how they are set.

Blocks of one section share their columns and widths, so that an eye can run down all of them. What is around the
tables is `terminal`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from bench.report.blocks import axis, axis_name, axis_text, telling, varying
from bench.report.typography import Glyphs, clip, clip_list, duration, plain, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.analysis import CellSummary, Latency
    from bench.report.interface import Options

_GAP = 2
_STAYS = 100
"""The rank of a column without which a row says nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `text` gives a cell's plain text and `style` how `click.style` colours it."""

    title: str
    text: Callable[[CellSummary], str]
    rank: int
    """Where columns do not fit, those of the lowest rank go first."""
    align: str = "right"
    least: int | None = None
    """The width that it may be cut to; None where cutting would change what it says."""
    identifies: bool = False
    """It tells rows apart, and is cut only when nothing else is left to go."""
    style: Callable[[CellSummary], Mapping[str, Any]] = lambda _: {}
    is_axis: bool = False
    """It says what a cell was measured under: where there is no room, that stands under its row."""
    optional: bool = False
    """It goes when no row has anything to say in it."""

    @property
    def is_list(self) -> bool:
        """Say whether it may be cut in its first item."""
        return self.align == "left" and self.optional


def set_blocks(blocks: Sequence[Sequence[CellSummary]], options: Options, glyphs: Glyphs) -> list[list[str]]:
    """Return the lines of each block, its column titles first, all blocks in the same columns."""
    cells = [cell for block in blocks for cell in block]
    if not cells:
        return [[] for _ in blocks]
    columns = fit(columns_for(cells, glyphs), cells, options.width)
    stacked = sum(width + _GAP for _, width in columns) - _GAP > options.width
    if stacked:
        every = [column for column in columns_for(cells, glyphs) if not column.is_axis]
        columns = fit(every, cells, options.width)
    rows = [[_set(column, width, cell, options, glyphs) for column, width in columns] for cell in cells]
    titles = [clip(column.title, width, glyphs) for column, width in columns]
    # The titles are a row like others: tabulate widens a column by two where the title is its widest entry.
    lines = tabulate(
        [titles, *rows], tablefmt="plain", disable_numparse=True, colalign=[column.align for column, _ in columns]
    ).splitlines()
    head = click.style(lines[0].rstrip(), dim=True) if options.colour else lines[0].rstrip()
    body = iter(lines[1:])
    axes = telling(cells) if stacked else []
    return [
        [head, *(line for cell in block for line in (next(body).rstrip(), *_under(cell, axes, options)))]
        for block in blocks
    ]


def _under(cell: CellSummary, axes: Sequence[str], options: Options) -> list[str]:
    """Say under a row what has no room in it: the axes of its cell, without limits that there are none of."""
    said = [f"{axis_name(name)} {axis_text(name, value)}" for name in axes if (value := axis(cell, name)) is not None]
    lines = wrap(", ".join(said), options.width, first="  ", rest="  ") if said else []
    return [click.style(line, dim=True) for line in lines] if options.colour else lines


_LEAST_OF_LIST = 14
"""Columns that a list keeps in any case: the error of a launch can be told."""


def columns_for(cells: Sequence[CellSummary], glyphs: Glyphs) -> list[Column]:
    """Return the columns that say something about these cells, in reading order."""
    columns = [
        Column("strategy", lambda cell: plain(cell.strategy), _STAYS, "left", least=12, identifies=True),
        *(_axis_column(name) for name in varying(cells)),
        Column("ok", lambda cell: f"{cell.ok}/{cell.launches}", _STAYS, style=_success_style),
        _listing(
            Column("failed", lambda cell: failures(cell, glyphs), _STAYS, style=lambda _: {"fg": "red"}), cells, glyphs
        ),
        Column("not reached", lambda cell: str(cell.not_reached or ""), 50, optional=True),
        Column("blocked", lambda cell: _p50(cell.blocked_ns, glyphs), 40),
        Column("reach", lambda cell: _p50(cell.reach_ns, glyphs), 30, optional=True),
        Column(
            "total", lambda cell: _p50(cell.total_ns, glyphs), _STAYS, style=lambda _: {"bold": True}, optional=True
        ),
        Column("95% interval", lambda cell: _interval(cell.total_ns, glyphs), 32, optional=True),
        _tail_column(cells, glyphs),
        Column("stall max", lambda cell: _time(cell.bystander_max_ns, glyphs), 45, optional=True),
        Column("control", lambda cell: _time(cell.bystander_control_max_ns, glyphs), 44, optional=True),
        Column("write/page", lambda cell: _write(cell, glyphs), 46, optional=True),
        Column("most zombies", _zombies_at_most, 55, optional=True),
        _listing(Column("left behind", left_behind, 60, style=lambda _: {"fg": "yellow"}), cells, glyphs),
        Column("workers", _workers, 20),
    ]
    return [column for column in columns if not column.optional or any(map(column.text, cells))]


def fit(columns: Sequence[Column], cells: Sequence[CellSummary], width: int) -> list[tuple[Column, int]]:
    """Choose the columns that fit into `width` and the width of each; what cannot be cut or dropped stays."""
    natural = {column.title: max(len(column.title), *(len(column.text(cell)) for cell in cells)) for column in columns}
    chosen = list(columns)

    def least(column: Column, *, cut: bool) -> int:
        wanted = natural[column.title]
        return wanted if column.least is None or (column.identifies and not cut) else min(wanted, column.least)

    def spare(*, cut: bool) -> int:
        return width - sum(least(column, cut=cut) for column in chosen) - _GAP * (len(chosen) - 1)

    while spare(cut=False) < 0 and min(column.rank for column in chosen) < _STAYS:
        chosen.remove(min(chosen, key=lambda column: column.rank))
    in_lists = sum(max(0, least(column, cut=False) - _LEAST_OF_LIST) for column in chosen if column.is_list)
    cut = spare(cut=False) + in_lists < 0
    slack = spare(cut=cut)
    widths = []
    for column in chosen:
        at_least = least(column, cut=cut)
        if slack >= 0:
            extra = min(slack, natural[column.title] - at_least)
        else:  # a list is cut in its first item too, before the table is wider than it may be
            extra = max(slack, min(0, _LEAST_OF_LIST - at_least)) if column.is_list else 0
        slack -= extra
        widths.append((column, at_least + extra))
    return widths


def failures(cell: CellSummary, glyphs: Glyphs) -> str:
    """Say what went wrong: launches by error, most frequent first, and workers that ended badly."""
    launches = [f"{plain(error).removeprefix('status:')} {glyphs.times}{count}" for error, count in cell.errors.items()]
    workers = [
        f"{count} {plain(f'{outcome} {reason}')}"
        for (outcome, reason), count in cell.reasons.items()
        if outcome not in {"skipped", "unsupported"}
    ]
    return ", ".join(launches + workers)


def left_behind(cell: CellSummary) -> str:
    """Say what workers left, summed over them; `?` when no census was taken, empty when it found nothing."""
    counts = {
        "zombie": cell.zombies,
        "fd": cell.leaked_fds,
        "thread": cell.leaked_threads,
        "process": cell.live_children,
        "stray": cell.strays,
    }
    if all(count is None for count in counts.values()):
        return "?"
    return ", ".join(
        f"{count} {name}{'es' if name == 'process' and count != 1 else 's' * (count != 1)}"
        for name, count in counts.items()
        if count
    )


def _axis_column(name: str) -> Column:
    return Column(
        axis_name(name),
        lambda cell: axis_text(name, axis(cell, name)),
        _STAYS,
        "left",
        least=10,
        identifies=True,
        is_axis=True,
    )


def _listing(column: Column, cells: Sequence[CellSummary], glyphs: Glyphs) -> Column:
    """Let a column of lists be cut after whole items: the first of them must fit."""
    first = max(len(column.text(cell).partition(", ")[0]) for cell in cells) + len(glyphs.ellipsis)
    return replace(column, align="left", least=max(first, len(column.title)), optional=True)


def _tail_column(cells: Sequence[CellSummary], glyphs: Glyphs) -> Column:
    """Show p99, and the maximum where there are too few launches for one."""
    some_p99 = any(cell.total_ns and cell.total_ns.p99 is not None for cell in cells)

    def text(cell: CellSummary) -> str:
        total = cell.total_ns
        if total is None:
            return glyphs.none
        if total.p99 is not None:
            return duration(total.p99, glyphs)
        return f"{'max ' if some_p99 else ''}{duration(total.max, glyphs)}"

    return Column("p99" if some_p99 else "max", text, 35)


def _p50(latency: Latency | None, glyphs: Glyphs) -> str:
    return _time(latency.p50, glyphs) if latency else ""


def _interval(latency: Latency | None, glyphs: Glyphs) -> str:
    """Set the interval of a p50, each end with its unit."""
    if latency is None or latency.p50_low is None or latency.p50_high is None:
        return ""
    return f"{duration(latency.p50_low, glyphs)} to {duration(latency.p50_high, glyphs)}"


def _time(ns: int | None, glyphs: Glyphs) -> str:
    return "" if ns is None else duration(ns, glyphs)


def _write(cell: CellSummary, glyphs: Glyphs) -> str:
    """Set what one of the worker's own writes took, per page."""
    return duration(cell.written_ns.p50 / cell.pages_written, glyphs) if cell.written_ns and cell.pages_written else ""


def _zombies_at_most(cell: CellSummary) -> str:
    """More than were left when the worker was done: these say it all."""
    return str(cell.zombies_peak) if (cell.zombies_peak or 0) > (cell.zombies or 0) else ""


def _workers(cell: CellSummary) -> str:
    finished = cell.workers_by_outcome.get("finished", 0)
    return str(cell.workers) if finished == cell.workers else f"{finished}/{cell.workers}"


def _success_style(cell: CellSummary) -> Mapping[str, Any]:
    return {"fg": "green" if cell.launches and cell.ok == cell.launches else "yellow" if cell.ok else "red"}


def _set(column: Column, width: int, cell: CellSummary, options: Options, glyphs: Glyphs) -> str:
    text = column.text(cell) or ("" if column.align == "left" else glyphs.none)
    text = clip_list(text, width, glyphs) if ", " in text else clip(text, width, glyphs)
    style = column.style(cell)
    return click.style(text, **style) if options.colour and style and text else text
