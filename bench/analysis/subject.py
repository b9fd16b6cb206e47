"""A cell as inference sees it: one logarithm of a time a worker, and what befell its launches.

It prepares; it compares nothing. What reports show of a cell is summary's.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.analysis.identity import HARDWARE
from bench.analysis.summary import NOT_STARTED, grouped, ok_latencies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bench.analysis.comparison import CellKey
    from bench.analysis.identity import Machine
    from bench.analysis.table import Launches, WorkerRow

FLOOR = "null"
"""The strategy that launches nothing: what measuring itself costs. No program can choose it."""
PLACE = ("machine", "kernel", "distro", "libc", "clock", "worker")
"""The keys of a cell that say where it ran, and by which build; the others say what it did."""
EMULATED = "emulated"
INSTRUCTIONS = "instructions"

FEWEST_PACES = 5
"""Launches of a worker with a time of the pacer below which nothing is said of the machine's pace."""

_BROKEN = frozenset({"oom_killed", "crashed", "hung"})
_FAILED = _BROKEN | {"not_allocatable"}
_NOT_TRIED = frozenset({"unsupported", "skipped"})
_NOT_AXES = frozenset({"id", "twin", "kernel", "distro"})  # kernel and distro: what ran is the machine's

Pair: TypeAlias = "tuple[str, int]"
"""A worker's run and round: what a pair of workers shares."""
Boot: TypeAlias = "tuple[str, str, str]"
"""What was booted, and which boot of it: every kernel of a run has a first."""


@dataclass(frozen=True)  # no slots: what is computed from the rows is kept
class Subject:
    """One cell in one place, over every worker that the files hold of it."""

    key: CellKey
    rows: tuple[WorkerRow, ...]

    @property
    def machine(self) -> Machine:
        """Where it ran."""
        return self.rows[0].machine

    @property
    def strategy(self) -> str:
        """The cell's strategy."""
        return str(self.key["strategy"])

    @cached_property
    def started(self) -> tuple[WorkerRow, ...]:
        """The workers that came to launching."""
        return tuple(row for row in self.rows if row.outcome not in NOT_STARTED)

    @cached_property
    def medians(self) -> Mapping[Pair, float]:
        """The median `total`, in ns, of each worker that had an ok launch."""
        return {
            (row.run, row.round): statistics.median(latencies)
            for row in self.started
            if (latencies := ok_latencies(row.launches, row.launches.total))
        }

    @cached_property
    def logs(self) -> Mapping[Pair, float]:
        """Their logarithms."""
        return {pair: math.log(max(median, 1.0)) for pair, median in self.medians.items()}

    @cached_property
    def paces(self) -> Mapping[Pair, float]:
        """Logarithm of the machine's pace beside each of them, where it was measured in hardware time."""
        return {
            (row.run, row.round): pace
            for row in self.started
            if row.machine.clock == HARDWARE and (pace := _pace(row.launches)) is not None
        }

    @cached_property
    def boots(self) -> Mapping[Pair, Boot | None]:
        """The boot of each worker: None on the machine itself."""
        return {
            (row.run, row.round): (row.machine.kernel, row.machine.distro, row.boot) if row.boot else None
            for row in self.started
        }

    @cached_property
    def runs(self) -> Mapping[str, float]:
        """Logarithm of the median of worker medians of each run."""
        by_run: dict[str, list[float]] = {}
        for (run, _), log in self.logs.items():
            by_run.setdefault(run, []).append(log)
        return {run: statistics.median(logs) for run, logs in by_run.items()}

    @property
    def p50(self) -> int | None:
        """The median of worker medians, in ns; None when nothing worked."""
        return round(statistics.median(self.medians.values())) if self.medians else None

    @cached_property
    def results(self) -> Counter[str]:
        """How the launches ended, `ok` among the names."""
        return Counter(name for row in self.started for name in row.launches.result)

    @property
    def main_error(self) -> str:
        """The most frequent way to fail; empty when every launch was ok."""
        return next((name for name, _ in self.results.most_common() if name != "ok"), "")

    @property
    def success(self) -> tuple[int, int]:
        """(ok, launches)."""
        return self.results["ok"], self.results.total()

    @cached_property
    def findings(self) -> Counter[str]:
        """What the workers left or did, and workers that ended badly; kind to count."""
        found: Counter[str] = Counter()
        for row in self.started:
            found.update(dict(row.findings))
            found[row.outcome] += row.outcome in _BROKEN
        return +found

    @cached_property
    def failures(self) -> Counter[str]:
        """Workers that themselves failed: that crashed, hung, were killed, or did not get their memory; by outcome."""
        return Counter(row.outcome for row in self.rows if row.outcome in _FAILED)

    @property
    def tried(self) -> int:
        """Workers that were tried at all."""
        return sum(row.outcome not in _NOT_TRIED for row in self.rows)

    @property
    def is_idle(self) -> bool:
        """It was tried, came to no launch in its time, and did not fail either."""
        return bool(self.tried) and not self.success[1] and not self.failures

    @property
    def refusal(self) -> str | None:
        """Why no worker came to launching; None when one did."""
        if self.started or not self.rows:
            return None
        first = self.rows[0]
        return f"{first.outcome}: {first.reason}" if first.reason else first.outcome

    @property
    def pinned(self) -> bool:
        """Every worker was held to one CPU, with its children."""
        return all(row.pinned for row in self.started)


def _pace(launches: Launches) -> float | None:
    """Return the logarithm of the machine's pace as the worker's median met it; None where too little is known of it.

    It is that median less the median of what each launch took over the pacer's just before it. The median of the
    pacer's times would say as much of a machine that keeps its pace while a worker launches, and less of another.
    """
    timed = zip(launches.total, launches.result, launches.pace, strict=False)
    both = [
        (math.log(max(total, 1)), math.log(pace)) for total, result, pace in timed if result == "ok" and total and pace
    ]
    if len(both) < FEWEST_PACES:
        return None
    return statistics.median(total for total, _ in both) - statistics.median(total - pace for total, pace in both)


def subjects(rows: Iterable[WorkerRow], *, twins: bool = False) -> tuple[Subject, ...]:
    """Return the cells, or the twins of reference cells, in order of first appearance."""
    wanted = [row for row in rows if bool(row.cell.get("twin")) == twins]
    return tuple(Subject(cell_key(group[0]), group) for group in grouped(wanted))


def cell_key(row: WorkerRow) -> CellKey:
    """Return where a worker's cell is: what is absent is null, and left out."""
    machine = row.machine
    return {
        "machine": machine.id,
        "kernel": machine.kernel,
        "distro": machine.distro,
        "libc": machine.libc,
        "clock": machine.clock,
        "scenario": row.scenario,
        **{axis: value for axis, value in row.cell.items() if axis not in _NOT_AXES and value is not None},
    }


def group_by(found: Iterable[Subject], key: Callable[[Subject], Mapping[str, Any]]) -> list[list[Subject]]:
    """Group subjects whose `key` says the same, in order of first appearance."""
    groups: dict[str, list[Subject]] = {}
    for subject in found:
        groups.setdefault(repr(sorted(key(subject).items())), []).append(subject)
    return list(groups.values())


def measures_latency(subject: Subject) -> bool:
    """Say whether its clock says anything about latency: emulated time does not."""
    return subject.machine.clock in {HARDWARE, INSTRUCTIONS}
