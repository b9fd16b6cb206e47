"""What failed outright: the choices with which, somewhere, not one launch worked; by what went wrong. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis import CHOICES, CellSummary
from bench.report.blocks import FLOOR
from bench.report.conditions import Conditions, point
from bench.report.typography import plain


@dataclass(frozen=True, slots=True)
class Outright:
    """Choices, and what every launch of theirs came to in some cells."""

    names: tuple[str, ...]
    """The strategy of each, and what else tells its choices apart: `vfork_exec+sig_ign`."""
    error: str
    """Of most launches: `spawn:ENOMEM`."""
    cells: int
    launches: int
    """In these cells, all of which failed."""
    where: tuple[str, ...]
    """Empty when the section has one set of conditions only."""

    @property
    def text(self) -> str:
        """Say what happened to them: `none of 120 launches worked: spawn:ENOMEM; 1 GiB, overcommit mode 2`."""
        return "; ".join([f"none of {self.launches} launches worked: {self.error}", *self.where])


def outright_failures(cells: Sequence[CellSummary]) -> tuple[Outright, ...]:
    """Return them for the cells of one section: lack of memory, which brings most readers, then what hit most cells."""
    launching = [cell for cell in cells if cell.strategy != FLOOR]
    conditions = Conditions(point(cell.machine, cell.axes) for cell in launching)
    failed: dict[tuple[str, str], list[CellSummary]] = {}
    for cell in launching:
        if cell.launches and not cell.ok:
            error = plain(next(iter(cell.errors), "no reason recorded"))
            failed.setdefault((_name(cell, launching), error), []).append(cell)
    together: dict[tuple[str, tuple[str, ...]], dict[str, list[CellSummary]]] = {}
    for (name, error), theirs in failed.items():
        where = tuple(conditions.phrases(point(cell.machine, cell.axes) for cell in theirs))
        together.setdefault((error, where), {})[name] = theirs
    failures = [
        Outright(
            names=tuple(sorted(names)),
            error=error,
            cells=sum(map(len, names.values())),
            launches=sum(cell.launches for theirs in names.values() for cell in theirs),
            where=where,
        )
        for (error, where), names in together.items()
    ]
    return tuple(sorted(failures, key=lambda one: ("ENOMEM" not in one.error, -one.cells, one.names)))


def _name(cell: CellSummary, cells: Sequence[CellSummary]) -> str:
    theirs = [other for other in cells if other.strategy == cell.strategy]
    more = [axis for axis in CHOICES[1:] if len({str(other.axes.get(axis)) for other in theirs}) > 1]
    return "+".join([plain(cell.strategy), *(plain(str(cell.axes[axis])) for axis in more)])
