"""Two cells side by side: what a comparison says, whichever way it was arrived at.

The types that reports show. The statistics are `inference`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.analysis.identity import Machine

Answer: TypeAlias = Literal["faster", "slower", "same", "inconclusive", "transition", "missing"]
"""What became of the new cell beside the base cell.

`same` (shown as `~`) says that no difference was shown, not that there is none, or that both sides always fail;
`inconclusive` that the data cannot carry an answer about latency, with the reason and what is known of behaviour;
`transition` that what worked fails, or the other way round, or that what was clean is not; `missing` that only one side
has the cell.
"""

Clock: TypeAlias = Literal["hardware", "emulated", "instructions"]
"""What times are counted in; two clocks are never compared."""

CellKey: TypeAlias = "Mapping[str, Any]"
"""Where a cell is, flat: place (`machine`, `kernel`, `distro` ...), its `scenario`, and its axes; absent is null."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row: the new cell beside the base cell. Ratios are new / base of the p50 of `total`."""

    base: CellKey | None
    new: CellKey | None
    """None where that side does not have the cell."""
    answer: Answer
    """`verdict` in JSON."""
    reason: str
    """Why it is not about latency, or none: `worked -> spawn:ENOMEM`, `needs more runs: 3 of 6 pairs`; or empty."""
    worse: bool
    """The new side is: slower, fails or is missing where the other works, or leaves what the other does not."""
    base_ns: int | None
    new_ns: int | None
    """The p50 of `total` of either side."""
    ratio: float | None
    """The Hodges-Lehmann estimate over pairs of one round, or of runs; null where latency cannot be compared."""
    low: float | None
    high: float | None
    """Its 95% interval, of this row alone."""
    p: float | None
    """Of this row alone: Wilcoxon's signed-rank test over pairs, or the test between runs."""
    p_adjusted: float | None
    """Over every row of the family."""
    floor: float | None
    """What the near end of the interval had to clear, as a fraction: 0.02 is 2%."""
    pairs: int
    """Pairs of workers of one round, pairs of boots, or runs of the smaller side."""
    unit: Literal["round", "boot", "run", "file"]
    """What the inference counts: pairs inside a run, boots of a run, runs, or single files under a floor of drift."""
    success_p: float | None
    """Fisher's exact test of ok / launches, both sides; null without launches."""
    slope: float | None = None
    """How many times the difference of the machine's pace was taken off each pair's; None where none was held."""
    side: str = ""
    """The name of the new side, also where it has no such cell: a value of the key, or a kernel of the files."""


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """How far two measurements of one cell were apart in one run: the reference cell, planned twice a round (A/A)."""

    machine: Machine
    scenario: str
    run: str
    """The run's identifier, as in its header."""
    cell: CellKey
    """The reference cell."""
    pairs: int
    ratio: float
    low: float
    high: float
    """The twin's time over its original's, with its 95% interval."""
    floor: float
    """The smallest difference that this run can be believed, as a fraction."""
    slope: float | None = None
    """As that of a comparison."""
    unpaced: NoiseFloor | None = None
    """The same not held against the machine's pace: for comparisons that are not; None when this is not either."""


@dataclass(frozen=True, slots=True)
class CompareResult:
    """All rows of one question, in the order they are shown: transitions first."""

    key: str
    """What tells the sides apart: `file`, or the key of `--by`."""
    base: str
    new: tuple[str, ...]
    """The names of the sides: files, or values of the key."""
    rows: tuple[Comparison, ...]
    geometric_mean: float | None
    """Of the ratios of the rows that both sides have."""
    common: int
    """How many rows that mean is over."""
    warnings: tuple[str, ...]
