"""The command mix on a terminal: how each strategy did with each command, and which number is which command.

A probe and a shell pipeline have no common median; one table over all of them would hide which of them failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from tabulate import tabulate

from bench.analysis import CellSummary
from bench.report.interface import Options
from bench.report.typography import Glyphs, clip, duration, plain

_LONGEST = 60


def is_mix(cells: Sequence[CellSummary]) -> bool:
    """Whether these cells launched more than one command."""
    return any(len(cell.by_command) > 1 for cell in cells)


def legend(settings: Mapping[str, Any], width: int, glyphs: Glyphs) -> list[str]:
    """Number the commands of a scenario's settings, with what each must come to."""
    lines = []
    for number, command in enumerate(settings.get("commands", ())):
        words = command.get("shell") or " ".join(command.get("argv", ()))
        kind, wanted = next(iter(command.get("expect", {"exit": 0}).items()))
        expected = "" if (kind, wanted) == ("exit", 0) else f"  must: {kind.replace('_', ' ')} {wanted}"
        text = f"#{number}  {clip(plain(words), _LONGEST, glyphs)}  {plain(expected)}".rstrip()
        lines.append(clip(text, width, glyphs))
    return lines


def set_mix(cells: Sequence[CellSummary], options: Options, glyphs: Glyphs) -> list[str]:
    """Return a table: a row a strategy, a column a command, with ok launches of all and the p50 of `total`."""
    numbers = sorted({number for cell in cells for number in cell.by_command})
    titles = ["by command", *(f"#{number}" for number in numbers)]
    rows = [[plain(cell.strategy), *(_entry(cell, number, options, glyphs) for number in numbers)] for cell in cells]
    align = ["left", *("right" for _ in numbers)]
    lines = tabulate([titles, *rows], tablefmt="plain", disable_numparse=True, colalign=align).splitlines()
    if any(len(click.unstyle(line)) > options.width for line in lines):
        # A wide mix on a narrow terminal loses its last commands, and says so; a cut line cannot keep its colours.
        return [clip(click.unstyle(line).rstrip(), options.width, glyphs) for line in lines]
    head = click.style(lines[0].rstrip(), dim=True) if options.colour else lines[0].rstrip()
    return [head, *(line.rstrip() for line in lines[1:])]


def _entry(cell: CellSummary, number: int, options: Options, glyphs: Glyphs) -> str:
    summary = cell.by_command.get(number)
    if summary is None:
        return glyphs.none
    failed = summary.launches - summary.ok
    time = duration(summary.total_ns.p50, glyphs) if summary.total_ns else ""
    if not failed:
        return time or glyphs.none
    text = f"{failed} of {summary.launches} failed"
    return click.style(text, fg="red") if options.colour else text
