"""The runner: one worker after the other, each with exactly one line of the file. It does not know where they run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from bench.catalogue import Catalogue
from bench.measure import admission, line, mechanism, schedule
from bench.measure.admission import Situation
from bench.measure.evidence import Evidence, Order, Place
from bench.measure.judge import Manner
from bench.measure.plan import Plan, now_text
from bench.measure.request import Request
from bench.measure.schedule import Planned
from bench.record import LAUNCH_OUTCOMES, Footer, Journal, WorkerLine
from bench.scenario import Cell


class Observer(Protocol):
    """Who watches a run. Called between workers only, never while one measures."""

    def begins(self, planned: Planned, cell: Cell) -> None:
        """A worker is about to start."""

    def ended(self, written: WorkerLine) -> None:
        """A worker's line is on the disk."""


class DisturbedError(Exception):
    """Somebody else changed vm.overcommit_* while a worker measured; what it measured is not what its cell says."""


@dataclass(slots=True)
class Interruption:
    """Set by a signal: the worker in hand is finished, then the run ends."""

    by: str | None = None


@dataclass(slots=True)
class _Tally:
    """What the footer counts."""

    outcomes: Counter[str] = field(default_factory=Counter)
    launches: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)

    def add(self, written: WorkerLine) -> None:
        self.count(written)
        self.spent.update(written["spent_ns"])

    def count(self, written: WorkerLine) -> None:
        self.outcomes[written["outcome"]["kind"]] += 1
        samples = written["samples"]
        if samples:
            timed = zip(samples["warmup"], samples["outcome"], strict=True)
            self.launches.update(LAUNCH_OUTCOMES[code] for warmup, code in timed if not warmup)


def cpus_for(setting: Any, available: tuple[int, ...]) -> tuple[int, ...] | None:
    """The CPUs that a worker and its children are held to; None: free.

    `same` takes the last one: the first ones serve most interrupts.
    """
    if setting == "same":
        return (available[-1],)
    return None if setting == "free" else tuple(setting)


def order_for(cell: Cell, planned: Planned, plan: Plan, catalogue: Catalogue, place: Place) -> Order:
    """What one worker is to do."""
    scenario = plan.scenario
    launches = scenario.warmup + scenario.launches
    return Order(
        worker=tuple(catalogue.worker(catalogue.strategy(cell.strategy))),
        request=Request(
            strategy=cell.strategy,
            reaper=cell.reaper,
            hygiene=cell.hygiene,
            backing=cell.backing,
            footprint_bytes=cell.footprint_bytes,
            vmas=cell.vmas,
            open_files=cell.open_files,
            time_limit_ns=scenario.time_limit.ns,
            warmup=scenario.warmup,
            plan=schedule.commands(plan.weights, launches, plan.seed, planned.round),
            commands=plan.commands,
        ),
        cpus=cpus_for(scenario.cpu, place.cpus()),
        mode=admission.mode_for(cell, place.settings(), while_mapping=scenario.map_in_mode),
    )


@dataclass(slots=True)
class _Mechanisms:
    """What was observed, once for each way that could differ: footprint, mode and backing do not change the calls."""

    place: Place
    observed: dict[tuple[str, ...], str | None] = field(default_factory=dict)

    def of(self, cell: Cell, order: Order) -> str | None:
        key = (cell.strategy, cell.reaper, cell.hygiene)
        if key not in self.observed:
            record = self.place.observe(order)
            self.observed[key] = mechanism.describe(record) if record else None
        return self.observed[key]


@dataclass(slots=True)
class _Running:
    """What stays the same from worker to worker."""

    plan: Plan
    catalogue: Catalogue
    place: Place
    session: int
    usual_mode: int
    """vm.overcommit_memory when the run began."""
    mechanisms: _Mechanisms


def _measure(planned: Planned, cell: Cell, running: _Running) -> WorkerLine:
    plan, catalogue, place, session = running.plan, running.catalogue, running.place, running.session
    started = now_text()
    situation = Situation(
        catalogue, plan.scenario, place.memory(), place.settings(), place.missing_right(), place.cpus()
    )
    refusal = admission.refusal(cell, situation)
    if refusal:
        return line.refused(planned, cell, refusal, session=session, started=started)
    order = order_for(cell, planned, plan, catalogue, place)
    observed = running.mechanisms.of(cell, order)
    evidence = place.carry_out(order)
    evidence.mechanism = observed
    _check_mode(order, evidence, running.usual_mode)
    entry = catalogue.strategy(cell.strategy)
    manner = Manner(entry.launches_nothing, entry.status_form, entry.memory)
    return line.worked(planned, cell, order, evidence, plan.expected, manner, session=session, started=started)


def _check_mode(order: Order, evidence: Evidence, usual: int) -> None:
    """Raise DisturbedError when the launches ran in another mode than they were to."""
    wanted = order.mode.memory if order.mode else usual
    seen = (evidence.in_force or {}).get("mode", wanted)
    if seen != wanted:
        raise DisturbedError(f"vm.overcommit_memory was changed by somebody else: {seen} instead of {wanted}")


def run(
    plan: Plan,
    *,
    catalogue: Catalogue,
    place: Place,
    journal: Journal,
    observer: Observer,
    interruption: Interruption,
    session: int = 0,
    before: Collection[WorkerLine] = (),
) -> Footer:
    """Run every worker that no earlier session has done, and write the footer, also after an interrupt. Returns it.

    An exception ends the run without a footer; every line that was written stays, and the file can be resumed.
    """
    cells = {cell.id: cell for cell in plan.cells}
    done = {(str(line["cell"]["id"]), line["round"]) for line in before}
    remaining = schedule.order(list(cells), plan.scenario.rounds, plan.seed, done)
    tally = _Tally()
    for line_before in before:
        tally.count(line_before)
    begun = time.monotonic_ns()
    running = _Running(plan, catalogue, place, session, place.settings().memory, _Mechanisms(place))
    finished = 0
    for planned in remaining:
        if interruption.by:
            break
        cell = cells[planned.cell]
        observer.begins(planned, cell)
        written = _measure(planned, cell, running)
        journal.append(written)
        tally.add(written)
        finished += 1
        observer.ended(written)
    footer = cast(
        "Footer",
        {
            "type": "footer",
            "session": session,
            "ended": now_text(),
            "complete": finished == len(remaining),
            "interrupted": interruption.by,
            "workers": {"planned": len(cells) * plan.scenario.rounds, "outcomes": dict(tally.outcomes)},
            "launches": dict(tally.launches),
            "spent_ns": dict(tally.spent) | {"wall": time.monotonic_ns() - begun},
        },
    )
    journal.append(footer)
    return footer
