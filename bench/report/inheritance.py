"""What commands were seen to inherit, and what a hygiene promised otherwise: choices alike in that, together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis import CHOICES, CellSummary
from bench.report.blocks import telling
from bench.report.typography import plain


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What the commands of some choices inherited that few expect."""

    text: str
    """Such as `2000 descriptors (4-2003); blocked SIGCHLD`."""
    broken: bool
    """The hygiene promises otherwise, and `text` says so."""
    names: tuple[str, ...]
    """Of the choices: strategies, or `fork_exec, vfork_exec with none, sigchld_blocked` where more tells them apart."""


def inheritances(cells: Sequence[CellSummary]) -> tuple[Inheritance, ...]:
    """Group them by what was inherited: first what breaks a promise."""
    apart = [axis for axis in CHOICES[1:] if axis in telling(cells)]
    found: dict[tuple[bool, str], dict[str, dict[str, None]]] = {}
    for cell in cells:
        manner = "+".join(plain(str(cell.axes.get(axis))) for axis in apart)
        said = [(True, text) for text in cell.broken_promises] + [(False, text) for text in cell.inherited]
        for broken, text in said:
            manners = found.setdefault((broken, plain(text)), {})
            manners.setdefault(manner, {})[plain(cell.strategy)] = None
    return tuple(
        Inheritance(text, broken, tuple(_names(manners)))
        for (broken, text), manners in sorted(found.items(), key=lambda one: not one[0][0])
    )


def _names(manners: dict[str, dict[str, None]]) -> list[str]:
    """Say which strategies, and with what; manners that the same strategies came with are said together."""
    together: dict[tuple[str, ...], list[str]] = {}
    for manner, strategies in manners.items():
        together.setdefault(tuple(sorted(strategies)), []).append(manner)
    return [
        f"{', '.join(strategies)} with {', '.join(sorted(names))}" if all(names) else ", ".join(strategies)
        for strategies, names in together.items()
    ]
