"""Rows to cells: what happened in each cell, over all its workers, in the columns that reports share.

Counting and centring, with the intervals that inference gives. Tests and advice are not here.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from bench.analysis import inference
from bench.analysis.latency import Latency, latency, tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.analysis.identity import Machine
    from bench.analysis.table import Launches, Leftovers, WorkerRow
    from bench.record import Cell

AXES = (
    "strategy",
    "reaper",
    "hygiene",
    "backing",
    "footprint_bytes",
    "overcommit",
    "limit_bytes",
    "in_flight",
    "bystanders",
    "open_files",
    "vmas",
    "memory_limit_bytes",
    "pids_limit",
    "nofile_limit",
    "nproc_limit",
    "worker",
    "kernel",
    "distro",
)
"""The axes that are columns; `strategy` to `limit_bytes` place a cell, the others are its circumstances.

`kernel` and `distro` are the names that were asked for; what ran is the machine's.
"""

NOT_STARTED = frozenset({"not_allocatable", "unsupported", "skipped"})
"""Worker outcomes before the first launch: they say nothing about launching."""


@dataclass(frozen=True, slots=True)
class CommandSummary:
    """The launches of one command of a mix: a shell pipeline and a probe have no common median."""

    launches: int
    ok: int
    total_ns: Latency | None


@dataclass(frozen=True, slots=True)
class CellSummary:
    """One cell of one scenario in one place, over every worker that the files hold of it."""

    host: Machine
    """The machine of the files."""
    machine: Machine
    """Where the workers ran: never more than one kernel, distro, libc or clock."""
    scenario: str
    axes: Mapping[str, Any]
    """The cell without its id, which is unique in its file only; axes that this version does not know included."""
    workers: int
    workers_by_outcome: Mapping[str, int]
    reasons: Mapping[tuple[str, str], int]
    """(outcome, reason) of the workers that did not finish."""
    planned_launches: int
    """`launches` + `not_reached`."""
    not_reached: int
    """Launches that workers planned and never began: the time limit, or the worker's end, came first."""
    launches: int
    """Timed launches, failed ones included."""
    ok: int
    success_low: float | None
    success_high: float | None
    """The 95% Wilson interval of ok / launches; null without launches, and without the extra `report`."""
    errors: Mapping[str, int]
    """What went wrong in the launches that are not ok, most frequent first."""
    blocked_ns: Latency | None
    reach_ns: Latency | None
    total_ns: Latency | None
    """Over ok launches; each also over those that have the clock only (`reach`: of `probe`)."""
    total_tail_ns: Mapping[str, int]
    """Percentile (`latency.TAIL`) to ns, over ok launches pooled; ends where there are too few launches for it."""
    total_rounds_ns: Mapping[int, int]
    """Round to the median `total` of its ok launches: how the cell drifted over the run."""
    by_command: Mapping[int, CommandSummary]
    """By index into the scenario's commands."""
    zombies: int | None
    leaked_fds: int | None
    live_children: int | None
    leaked_threads: int | None
    strays: int | None
    """Sums over workers; null when no census was taken."""
    zombies_peak: int | None
    bystander_max_ns: int | None
    bystander_control_max_ns: int | None
    """The largest over workers; null when not recorded. `control`: for as long again without launches."""
    written_ns: Latency | None
    """What the worker's own writes to `pages_written` pages took after an ok launch; null when there were none."""
    pages_written: int | None
    modes: tuple[int, ...]
    """vm.overcommit_memory during the launches: one, unless files of different settings were merged."""
    mechanism: str | None
    """As observed; several, joined by ` | `, when workers differed."""
    inherited: tuple[str, ...]
    """What the command had that few expect, in words; several when workers differed."""
    broken_promises: tuple[str, ...]
    """What it inherited although the hygiene promises otherwise; sentences."""
    contradictions: tuple[str, ...]
    """What the mechanism does that the strategy's name denies; sentences."""
    findings: Mapping[str, int]
    """Finding kind to count, over workers."""

    @property
    def strategy(self) -> str:
        """The cell's strategy."""
        return str(self.axes["strategy"])

    @property
    def success(self) -> float | None:
        """The share of launches that were ok; None without launches."""
        return self.ok / self.launches if self.launches else None


def summarise(rows: Iterable[WorkerRow]) -> tuple[CellSummary, ...]:
    """Group rows by machine, kernel, distro, libc, clock, scenario and every axis, in order of first appearance."""
    return tuple(_summary(group) for group in grouped(rows))


def grouped(rows: Iterable[WorkerRow]) -> tuple[tuple[WorkerRow, ...], ...]:
    """Return the rows of each cell, as `summarise` sums them up and in its order."""
    groups: dict[object, list[WorkerRow]] = {}
    for row in rows:
        groups.setdefault((row.host, row.machine, row.scenario, axes_key(row.cell)), []).append(row)
    return tuple(map(tuple, groups.values()))


def axes_key(cell: Cell) -> frozenset[tuple[str, str]]:
    """Return a hashable key, whatever an unknown axis holds; an axis that is absent is one that is null."""
    return frozenset((axis, repr(value)) for axis, value in cell.items() if axis != "id" and value is not None)


def success_interval(ok: int, launches: int) -> tuple[float, float] | tuple[None, None]:
    """Return the 95% interval of ok / launches; nulls without launches, and without the extra `report`."""
    return (inference.wilson(ok, launches) if inference.available() else None) or (None, None)


def _summary(rows: Sequence[WorkerRow]) -> CellSummary:
    ran = [row for row in rows if row.outcome not in NOT_STARTED]
    launches = [row.launches for row in ran]
    results = Counter(chain.from_iterable(one.result for one in launches))
    count = results.total()
    ok = results.pop("ok", 0)
    not_reached = sum(row.not_reached for row in ran)
    left = [row.left for row in ran if row.left is not None]
    low, high = success_interval(ok, count)
    return CellSummary(
        host=rows[0].host,
        machine=rows[0].machine,
        scenario=rows[0].scenario,
        axes={axis: value for axis, value in rows[0].cell.items() if axis != "id"},
        workers=len(rows),
        workers_by_outcome=dict(Counter(row.outcome for row in rows).most_common()),
        reasons=Counter((row.outcome, row.reason) for row in rows if row.outcome != "finished"),
        planned_launches=count + not_reached,
        not_reached=not_reached,
        launches=count,
        ok=ok,
        success_low=low,
        success_high=high,
        errors=dict(results.most_common()),
        blocked_ns=latency(ok_latencies(one, one.blocked) for one in launches),
        reach_ns=latency(ok_latencies(one, one.reach) for one in launches),
        total_ns=latency(ok_latencies(one, one.total) for one in launches),
        total_tail_ns=tail(chain.from_iterable(ok_latencies(one, one.total) for one in launches)),
        total_rounds_ns=_by_round(ran),
        by_command=_by_command(launches),
        zombies=_sum(left, lambda one: one.zombies),
        live_children=_sum(left, lambda one: one.children),
        leaked_fds=_sum(left, lambda one: one.descriptors),
        leaked_threads=_sum(left, lambda one: one.threads),
        strays=_sum(left, lambda one: one.strays),
        zombies_peak=_largest(row.zombies_peak for row in ran),
        bystander_max_ns=_largest(row.bystander_max_ns for row in ran),
        bystander_control_max_ns=_largest(row.bystander_control_max_ns for row in ran),
        written_ns=latency(ok_latencies(one, one.written) for one in launches if one.written),
        pages_written=_largest(row.pages_written for row in ran),
        modes=tuple(sorted({row.mode for row in ran if row.mode is not None})),
        mechanism=" | ".join(dict.fromkeys(row.mechanism for row in ran if row.mechanism)) or None,
        inherited=tuple(dict.fromkeys(row.inherited for row in ran if row.inherited)),
        broken_promises=tuple(dict.fromkeys(chain.from_iterable(row.broken_promises for row in ran))),
        contradictions=tuple(dict.fromkeys(row.contradiction for row in ran if row.contradiction)),
        findings=_findings(ran),
    )


def ok_latencies(launches: Launches, clock: Sequence[int | None], command: int | None = None) -> list[int]:
    """Select the latencies of one worker's ok launches, of one command or of all."""
    return [
        value
        for value, result, of in zip(clock, launches.result, launches.command, strict=True)
        if value is not None and result == "ok" and command in {None, of}
    ]


def _by_round(rows: Iterable[WorkerRow]) -> dict[int, int]:
    rounds: dict[int, list[int]] = {}
    for row in rows:
        rounds.setdefault(row.round, []).extend(ok_latencies(row.launches, row.launches.total))
    return {number: round(statistics.median(values)) for number, values in sorted(rounds.items()) if values}


def _by_command(launches: Sequence[Launches]) -> dict[int, CommandSummary]:
    tried = Counter(chain.from_iterable(one.command for one in launches))
    return {
        command: CommandSummary(
            launches=tried[command],
            ok=sum(
                (of, result) == (command, "ok")
                for one in launches
                for of, result in zip(one.command, one.result, strict=True)
            ),
            total_ns=latency(ok_latencies(one, one.total, command) for one in launches),
        )
        for command in sorted(tried)
    }


def _findings(rows: Iterable[WorkerRow]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for kind, count in chain.from_iterable(row.findings for row in rows):
        found[kind] += count
    return dict(found.most_common())


def _sum(left: Sequence[Leftovers], count: Callable[[Leftovers], int]) -> int | None:
    return sum(map(count, left)) if left else None


def _largest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
