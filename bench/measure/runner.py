"""The runner: every planned worker, each with exactly one line of the file. It does not know where they run.

Workers of the hardware's clock run one after the other and alone, in the order of the schedule as far as there is RAM
for their guests. Those whose clock says nothing of the hardware (emulated machines) run side by side after them, one
boot a thread.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from bench.catalogue import Build, Catalogue, MissingToolError
from bench.machine import NO_LIMITS, memory_facts
from bench.measure import admission, line, observed, schedule
from bench.measure.admission import Situation
from bench.measure.attempt import Attempt
from bench.measure.boots import Boots, Opened, Trial
from bench.measure.evidence import Evidence, Order, Place
from bench.measure.judge import Manner
from bench.measure.lanes import abreast, lanes
from bench.measure.limits import limits_of
from bench.measure.observed import Observed
from bench.measure.plan import Plan, now_text
from bench.measure.request import Request
from bench.measure.schedule import Planned
from bench.measure.site import NoPlaceError, PlaceLostError, Sites
from bench.record import LAUNCH_OUTCOMES, BootCost, Footer, HazardKey, HazardLine, Journal, WorkerLine, hazard_key
from bench.scenario import Cell, Scenario


class Observer(Protocol):
    """Who watches a run. Called by one thread at a time, and never while a worker of the hardware's clock measures."""

    def begins(self, planned: Planned, cell: Cell) -> None:
        """A worker is about to start."""

    def ended(self, written: WorkerLine) -> None:
        """A worker's line is on the disk."""

    def tries(self, key: HazardKey) -> None:
        """A hazard is about to be tried."""

    def tried(self, written: HazardLine) -> None:
        """A hazard's line is on the disk."""


class DisturbedError(Exception):
    """Somebody else changed vm.overcommit_* while a worker measured; what it measured is not what its cell says."""


@dataclass(slots=True)
class Interruption:
    """Set by a signal: the worker in hand is finished, then the run ends."""

    by: str | None = None


@dataclass(slots=True)
class _Tally:
    """What the footer counts."""

    hazards: Counter[str] = field(default_factory=Counter)
    not_met: int = 0

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

    def count_hazard(self, written: HazardLine) -> None:
        self.hazards[written["outcome"]["kind"]] += 1
        self.not_met += written["met"] is False


def cpus_for(setting: Any, available: tuple[int, ...]) -> tuple[int, ...] | None:
    """The CPUs that a worker and its children are held to; None: free.

    `same` takes the last one: the first ones serve most interrupts.
    """
    if setting == "same":
        return (available[-1],)
    return None if setting == "free" else tuple(setting)


def is_pacing_sound(cell: Cell, scenario: Scenario, cpus: tuple[int, ...] | None) -> bool:
    """Whether a pacer says anything of these launches, and does not stand in their way.

    It must share their one CPU; there must be a moment between them; and a worker that is held to limits shall not
    spend a descriptor on it.
    """
    alone = cell.in_flight == 1 and not cell.bystanders and not scenario.writes
    return cpus is not None and len(cpus) == 1 and alone and limits_of(cell) == NO_LIMITS


def order_for(cell: Cell, planned: Planned, plan: Plan, *, catalogue: Catalogue, build: Build, place: Place) -> Order:
    """What one worker is to do."""
    scenario = plan.scenario
    launches = scenario.warmup + scenario.launches
    cpus = cpus_for(scenario.cpu, place.cpus())
    return Order(
        worker=_program(cell, plan, catalogue, build),
        request=Request(
            strategy=cell.strategy,
            reaper=cell.reaper,
            hygiene=cell.hygiene,
            backing=cell.backing,
            footprint_bytes=cell.footprint_bytes,
            vmas=cell.vmas,
            open_files=cell.open_files,
            inheritable=scenario.inheritable,
            in_flight=cell.in_flight,
            burst=scenario.burst,
            writes=scenario.writes,
            hold_child=scenario.writes_while == "child",
            bystanders=cell.bystanders,
            time_limit_ns=scenario.time_limit.ns,
            warmup=scenario.warmup,
            plan=schedule.commands(plan.weights, launches, plan.seed, planned.round),
            commands=plan.commands,
        ),
        cpus=cpus,
        mode=admission.mode_for(cell, place.settings(), while_mapping=scenario.map_in_mode),
        limits=limits_of(cell),
        paced=scenario.pacer and is_pacing_sound(cell, scenario, cpus),
    )


def _program(cell: Cell, plan: Plan, catalogue: Catalogue, build: Build) -> tuple[str, ...]:
    worker = tuple(catalogue.worker(catalogue.strategy(cell.strategy), build))
    return (str(build.worker), "no_fork", *worker) if plan.scenario.no_fork else worker


@dataclass(slots=True)
class _Session:
    """What the threads of one session share; who writes takes his turn."""

    plan: Plan
    catalogue: Catalogue
    sites: Sites
    journal: Journal
    observer: Observer
    interruption: Interruption
    number: int
    cells: dict[str, Cell] = field(init=False)
    tally: _Tally = field(default_factory=_Tally)
    finished: int = 0
    trials: dict[tuple[str | None, str | None], Trial] = field(default_factory=dict)
    """Of each site, whether it can be opened at all."""
    observations: dict[tuple[object, ...], Observed] = field(default_factory=dict)
    """Once for each way that could differ: footprint, mode and backing change neither calls nor what is inherited."""
    costs: list[BootCost] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)
    halted: bool = False

    def __post_init__(self) -> None:
        self.cells = {cell.id: cell for cell in self.plan.cells}

    def _is_halted(self) -> bool:
        return self.halted

    def carry_out(self, workers: Sequence[Planned]) -> None:
        """Run these workers one after the other, and close what they ran in."""
        boots: dict[int, Boots] = {}
        try:
            for planned in workers:
                if self.interruption.by or self.halted:
                    break
                cell = self.cells[planned.cell]
                site = self.sites[cell.kernel, cell.distro]
                with self.turn:
                    self.observer.begins(planned, cell)
                    trial = self.trials.setdefault((cell.kernel, cell.distro), Trial())
                if isinstance(site, str):
                    written = _skipped(planned, cell, site, session=self.number, ran={})
                else:
                    used = boots.setdefault(
                        id(site), Boots(site, self.plan.scenario.rounds, self.number, trial, self._is_halted)
                    )
                    written = self._attempt(planned, cell, used)
                with self.turn:
                    self.journal.append(written)
                    self.tally.add(written)
                    self.finished += 1
                    self.observer.ended(written)
        finally:
            for used in boots.values():
                used.close()
            with self.turn:
                self.costs += [cost for used in boots.values() for cost in used.costs]

    def try_hazards(self, remaining: Sequence[HazardKey], attempt: Attempt) -> None:
        """Try these hazards one after the other: nothing of them is timed, and some need every CPU."""
        for key in remaining:
            if self.interruption.by:
                return
            self.observer.tries(key)
            written = attempt(key, trials=self.plan.scenario.trials, session=self.number)
            self.journal.append(written)
            self.tally.count_hazard(written)
            self.finished += 1
            self.observer.tried(written)

    def _attempt(self, planned: Planned, cell: Cell, boots: Boots) -> WorkerLine:
        started = now_text()
        build = None
        try:
            build = boots.site.build(cell.worker)
            return boots.attempt(planned.round, functools.partial(self._measure, planned, cell, build))
        except (NoPlaceError, MissingToolError) as missing:
            ran = line.ran(boots.description, build, self.catalogue.build)
            return _skipped(planned, cell, str(missing), session=self.number, ran=ran)
        except PlaceLostError as lost:
            if self.halted:
                raise
            ran = line.ran(boots.description, build, self.catalogue.build)
            launches = self.plan.scenario.warmup + self.plan.scenario.launches
            return line.lost(planned, cell, lost, launches, session=self.number, started=started, ran=ran)

    def _measure(self, planned: Planned, cell: Cell, build: Build, opened: Opened) -> WorkerLine:
        plan, catalogue, place = self.plan, self.catalogue, opened.place
        started = now_text()
        ran = line.ran(opened.description, build, catalogue.build)
        situation = Situation(
            catalogue,
            plan.scenario,
            place.memory(),
            place.settings(),
            place.missing_right(),
            place.cpus(),
            place.limit_rights(),
        )
        refusal = admission.refusal(cell, situation)
        if refusal:
            return line.refused(planned, cell, refusal, session=self.number, started=started, ran=ran)
        order = order_for(cell, planned, plan, catalogue=catalogue, build=build, place=place)
        seen = self._observed(cell, order, place)
        evidence = place.carry_out(order)
        evidence.mechanism, evidence.inherited = seen.mechanism, seen.inherited
        _check_mode(order, evidence, opened.usual_mode)
        entry = catalogue.strategy(cell.strategy)
        promises = catalogue.promises(cell.hygiene)
        manner = Manner(entry.launches_nothing, entry.status_form, entry.memory, promises)
        written = line.worked(
            planned, cell, order, evidence, plan.expected, manner, session=self.number, started=started
        )
        return cast("WorkerLine", {**written, **ran})

    def _observed(self, cell: Cell, order: Order, place: Place) -> Observed:
        key = (cell.environment, cell.strategy, cell.reaper, cell.hygiene, cell.open_files)
        if key not in self.observations:
            self.observations[key] = observed.read(place.observe(order))
        return self.observations[key]


def _check_mode(order: Order, evidence: Evidence, usual: int) -> None:
    """Raise DisturbedError when the launches ran in another mode than they were to."""
    wanted = order.mode.memory if order.mode else usual
    seen = (evidence.in_force or {}).get("mode", wanted)
    if seen != wanted:
        raise DisturbedError(f"vm.overcommit_memory was changed by somebody else: {seen} instead of {wanted}")


def _skipped(planned: Planned, cell: Cell, reason: str, *, session: int, ran: Mapping[str, Any]) -> WorkerLine:
    refusal = {"kind": "skipped", "reason": reason}
    return line.refused(planned, cell, refusal, session=session, started=now_text(), ran=ran)


def _side_by_side(session: _Session, workers: Sequence[Sequence[Planned]]) -> None:
    """Carry lanes out, as many at a time as the machine has room for. An error, or a signal, ends all at once."""
    threads = abreast(
        {key: site for key, site in session.sites.items() if isinstance(site, str) or site.clock != "hardware"},
        len(os.sched_getaffinity(0)),
        memory_facts(),
    )
    with ThreadPoolExecutor(threads) as pool:
        try:
            for lane in as_completed([pool.submit(session.carry_out, lane) for lane in workers]):
                lane.result()
        except BaseException:
            session.halted = True
            pool.shutdown(wait=False, cancel_futures=True)
            for site in session.sites.values():
                if not isinstance(site, str):
                    site.abandon()
            raise


def run(  # noqa: PLR0913 - the collaborators of a run
    plan: Plan,
    *,
    catalogue: Catalogue,
    sites: Sites,
    journal: Journal,
    observer: Observer,
    interruption: Interruption,
    session: int = 0,
    before: Collection[WorkerLine] = (),
    attempt: Attempt | None = None,
    tried: Collection[HazardLine] = (),
) -> Footer:
    """Run every worker that no earlier session has done, and write the footer, also after an interrupt. Returns it.

    Then it tries every hazard of the plan that is not among those `tried`; a plan of hazards needs an `attempt`.

    `sites` has every (kernel, distro) of the plan's cells. An exception ends the run without a footer; every line that
    was written stays, and the file can be resumed.
    """
    done = {(str(line["cell"]["id"]), line["round"]) for line in before}
    remaining = schedule.order([cell.id for cell in plan.cells], plan.scenario.rounds, plan.seed, done)
    running = _Session(plan, catalogue, sites, journal, observer, interruption, session)
    for line_before in before:
        running.tally.count(line_before)
    begun = time.monotonic_ns()
    in_turn, beside = lanes(remaining, running.cells, sites, plan.scenario.rounds, memory_facts())
    for lane in in_turn:
        running.carry_out(lane)
    if beside:
        _side_by_side(running, beside)
    for written_before in tried:
        running.tally.count_hazard(written_before)
    keys = {hazard_key(written_before) for written_before in tried}
    untried = [key for key in plan.hazards if key not in keys]
    if attempt:
        running.try_hazards(untried, attempt)
    footer: dict[str, Any] = {
        "type": "footer",
        "session": session,
        "ended": now_text(),
        "complete": running.finished == len(remaining) + len(untried),
        "interrupted": interruption.by,
        "workers": {
            "planned": len(plan.cells) * plan.scenario.rounds,
            "outcomes": dict(running.tally.outcomes),
        },
        "launches": dict(running.tally.launches),
        "spent_ns": dict(running.tally.spent) | {"wall": time.monotonic_ns() - begun},
    }
    if plan.hazards:
        footer["hazards"] = {
            "planned": len(plan.hazards),
            "outcomes": dict(running.tally.hazards),
            "not_met": running.tally.not_met,
        }
    if running.costs:
        footer["boots"] = running.costs
    journal.append(cast("Footer", footer))
    return cast("Footer", footer)
