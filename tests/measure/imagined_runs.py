"""Builds what a run needs without a machine under it: a catalogue, cells, scenarios and a place of no processes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from launch_files import arrival, sample

from bench.catalogue import Build, Catalogue, Entry
from bench.machine import LimitRights, MemoryFacts, Settings
from bench.measure.census import Count
from bench.measure.evidence import Evidence
from bench.measure.plan import Plan
from bench.scenario import Cell, Scenario, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.measure.evidence import Order
    from bench.measure.site import Clock
    from bench.record import PlaceFields

MIB = 1 << 20
HEURISTIC = Settings(memory=0, ratio=50, kbytes=0)

CATALOGUE = Catalogue(
    build=Build(Path("/nowhere"), "0123456789ab", "glibc"),
    strategies_folder=Path("/nowhere/strategies"),
    entries=(
        Entry("strategy", "null", "launches nothing", None, own_reaper=True, launches_nothing=True),
        Entry("strategy", "vfork_exec", "vfork() and execve()", None),
        Entry("strategy", "system", "system()", None, own_reaper=True, status_form="shell"),
        Entry("strategy", "clone3_pidfd", "clone3() with a pidfd", "no clone3 before Linux 5.3"),
        Entry("strategy", "subprocess_run", "Python: subprocess.run()", None, runtime="python", own_reaper=True),
        Entry("reaper", "waitpid", "waitpid()", None),
        Entry("hygiene", "none", "nothing", None),
        Entry("backing", "anon", "private anonymous memory", None),
        Entry("backing", "reserved", "address space without memory", None, takes_memory=False),
        Entry("backing", "thp", "transparent huge pages", "transparent huge pages are off"),
    ),
)


def cell(strategy: str = "vfork_exec", **axes: Any) -> Cell:
    found: dict[str, Any] = {
        "reaper": "waitpid",
        "hygiene": "none",
        "backing": "anon",
        "footprint_bytes": MIB,
        "overcommit": "current",
        "limit_bytes": None,
        "in_flight": 1,
        "bystanders": 0,
        "open_files": 0,
        "vmas": 1,
        "memory_limit_bytes": None,
        "pids_limit": None,
        "nofile_limit": None,
        "nproc_limit": None,
    }
    return Cell(id=f"{strategy}/1MiB", strategy=strategy, **(found | axes))


def scenario(**keys: Any) -> Scenario:
    """A scenario of a few settings: YAML takes Python's lists, mappings and lower-cased booleans as they are."""
    given: dict[str, Any] = {"strategies": ["vfork_exec"], "launches": 3, "warmup": 1, "rounds": 2} | keys
    lines = [f"{key}: {str(value).lower() if isinstance(value, bool) else value}" for key, value in given.items()]
    text = "\n".join(["name: small", "question: Does it work?", *lines])
    return load(text, file="small.yaml", vocabulary=CATALOGUE.vocabulary())


def plan(*cells: Cell, seed: int = 7, **keys: Any) -> Plan:
    return Plan(scenario(**keys), cells, seed)


def finished(order: Order) -> Evidence:
    """A worker of a good day: every launch of its plan reached its program and came back with 0."""
    calls = [10_000 + 1_000 * at for at in range(len(order.request.plan))]
    warmup = order.request.warmup
    count = Count(zombies=0, children=0, descriptors=4, threads=1)
    return Evidence(
        ready={"state": "ready", "mapped": MIB, "rss": MIB, "anon_huge": 0, "page_tables": 4096, "vmas": 1,
               "fill_ns": 5, "footprint_ns": 6},
        done={"state": "done", "began": 9_000},
        returncode=0,
        samples=b"".join(
            sample(call, command=command, warmup=at < warmup)
            for at, (call, command) in enumerate(zip(calls, order.request.plan, strict=True))
        ),
        arrivals=b"".join(arrival(call + 50) for call in calls),
        counted_ready=count,
        counted_done=count,
        in_force={"mode": 0, "commit_limit": 1 << 33, "committed": 1 << 30},
        spent={"start": 1, "footprint": 2, "launches": 3, "release": 4, "overhead": 5},
    )  # fmt: skip


@dataclass
class ImaginedPlace:
    """A place without processes: `becomes` says what is left of each order, the orders are kept in `carried_out`."""

    becomes: Callable[[Order], Evidence] = finished
    settings_now: Settings = HEURISTIC
    right: str | None = None
    rights: LimitRights = field(default_factory=LimitRights)
    carried_out: list[Order] = field(default_factory=list)
    observed: list[Order] = field(default_factory=list)

    def describe(self) -> PlaceFields:
        return {}

    def cpus(self) -> tuple[int, ...]:
        return (0, 2, 3)

    def memory(self) -> MemoryFacts:
        return MemoryFacts(total_bytes=16 << 30, available_bytes=12 << 30, commit_limit_bytes=8 << 30,
                           committed_bytes=1 << 30)  # fmt: skip

    def settings(self) -> Settings:
        return self.settings_now

    def missing_right(self) -> str | None:
        return self.right

    def limit_rights(self) -> LimitRights:
        return self.rights

    def observe(self, order: Order) -> str | None:
        self.observed.append(order)
        return None if order.request.strategy == "null" else "worker vfork\nchild execve\n"

    def carry_out(self, order: Order) -> Evidence:
        self.carried_out.append(order)
        evidence = self.becomes(order)
        if evidence.in_force:
            evidence.in_force["mode"] = order.mode.memory if order.mode else self.settings_now.memory
        return evidence


@dataclass
class ImaginedSite:
    """A site whose places are of no processes: this machine, unless a test says otherwise."""

    place: ImaginedPlace = field(default_factory=ImaginedPlace)
    clock: Clock = "hardware"
    boots: int = 1
    ram_bytes: int = 16 << 30
    description: PlaceFields = field(default_factory=lambda: cast("PlaceFields", {}))
    opened: list[int] = field(default_factory=list)
    closed: int = 0
    abandoned: bool = False

    def build(self, worker: str) -> Build:
        if worker == "musl":
            return Build(Path("/nowhere/musl"), "ba9876543210", "musl", "musl 1.2.3")
        return CATALOGUE.build

    @contextmanager
    def open(self, boot: int) -> Iterator[ImaginedPlace]:
        self.opened.append(boot)
        yield self.place
        self.closed += 1

    def abandon(self) -> None:
        self.abandoned = True
