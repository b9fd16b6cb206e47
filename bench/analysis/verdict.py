"""The sentence that says what to use, under which conditions, or why nothing can be said; with its reasons as data.

A candidate is what a programmer chooses (`CHOICES`); every other axis, and the place, is a circumstance, and each set
of circumstances has a verdict of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from bench.analysis.wording import conditions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.analysis.comparison import Comparison, NoiseFloor
    from bench.analysis.identity import Machine

CHOICES = ("strategy", "reaper", "hygiene")

Criterion: TypeAlias = Literal["success", "hazard", "finding", "latency", "data"]
"""In the order in which they decide; `data` is about candidates that too little is known of."""


@dataclass(frozen=True, slots=True, order=True)
class Choice:
    """What a program would do."""

    strategy: str
    reaper: str
    hygiene: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a verdict holds for."""

    machine: Machine
    scenario: str
    circumstances: Mapping[str, Any]
    """Every axis that is not a choice: `footprint_bytes`, `overcommit`, `limit_bytes`, `backing` ..."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a candidate was chosen or fell out."""

    criterion: Criterion
    choice: Choice
    chosen: bool
    text: str
    """A clause in words: `works in 0 of 2000 launches (spawn:ENOMEM)`, `takes 2.31x as long [2.25, 2.40]`."""
    values: Mapping[str, Any]
    """The figures in `text`, by their names in the machine-readable report."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to use in one scope."""

    scope: Scope
    sentence: str
    chosen: tuple[Choice, ...]
    """Fastest first; several are a tie; none after a refusal, or where nothing works."""
    refusal: str | None
    """Why nothing can be said, with the remedy; null when something is."""
    reasons: tuple[Reason, ...]
    """The chosen first, then who fell out, by criterion."""
    ranking: tuple[Comparison, ...]
    """Every candidate that was compared by latency beside the fastest (the base of each row), fastest first."""
    noise: NoiseFloor | None
    """None when the run had no twin, or it measured nothing."""
    warnings: tuple[str, ...]
    """One line each, with its remedy."""

    @property
    def answer(self) -> str:
        """The sentence without the conditions that it begins with, for those who say them elsewhere."""
        return self.sentence.removeprefix(f"{conditions(self.scope.circumstances)}: ")
