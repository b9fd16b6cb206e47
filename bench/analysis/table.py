"""Recordings to rows: one `WorkerRow` a worker line, complete in itself whatever file it came from.

It joins and names; it does not count or judge: that is summary.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from bench.analysis.identity import Machine, machine_at, machine_of
from bench.analysis.inheritance import beyond_ordinary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.record import Cell, Census, Recording, Samples, WorkerLine


_ASSUMED: Mapping[str, object] = MappingProxyType({"worker": "glibc"})
"""What a cell has where it says nothing: the choice is younger than the format."""


@dataclass(frozen=True, slots=True)
class Launches:
    """Launches of one worker as columns of one length, in order; ns."""

    command: tuple[int, ...]
    result: tuple[str, ...]
    """`ok`, or what went wrong, such as `spawn:ENOMEM`, `status:exit:127`, `status:signal:SIGKILL`, `timeout`."""
    blocked: tuple[int | None, ...]
    reach: tuple[int | None, ...]
    total: tuple[int | None, ...]
    written: tuple[int | None, ...] = ()
    """What the worker's own writes took after each launch; as long as the others, or empty where there were none."""
    pace: tuple[int, ...] = ()
    """What a launch took the pacer just before each; 0: it was not asked; empty where it never was."""

    def __len__(self) -> int:
        """Count the launches, failed ones included."""
        return len(self.result)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What a worker had at `done` beyond what it had at `ready`, and what outlived it."""

    zombies: int
    children: int
    descriptors: int
    threads: int
    strays: int


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One planned worker, with where it ran and the scenario of its file."""

    host: Machine
    """The machine of the file."""
    machine: Machine
    """Where the worker itself ran: the same, or a guest, another root, another libc."""
    boot: str | None
    """Which boot of a guest; None on the machine itself."""
    scenario: str
    run: str
    cell: Cell
    round: int
    position: int
    """Its place in the random order of the round, from 0."""
    started: str
    """Wall clock, ISO 8601."""
    outcome: str
    reason: str
    """Why, for an outcome that says so: `ENOMEM`, `SIGSEGV`, or a sentence; else empty."""
    launches: Launches
    """The timed ones: warm-up is not in them."""
    warmup: Launches
    not_reached: int
    """Launches that were planned and never began."""
    left: Leftovers | None
    """None when no census was taken."""
    zombies_peak: int | None
    bystander_max_ns: int | None
    bystander_control_max_ns: int | None
    """For as long again without launches."""
    pages_written: int | None
    """After each launch."""
    inherited: str | None
    """What the command had beyond the ordinary, in words: empty when nothing, None when it was not looked at."""
    broken_promises: tuple[str, ...]
    """Sentences about what it inherited although its hygiene promises otherwise."""
    pinned: bool
    """The worker and its children were held to one CPU."""
    mode: int | None
    """vm.overcommit_memory during the launches."""
    mechanism: str | None
    contradiction: str | None
    """What the mechanism does that the strategy's name denies."""
    findings: tuple[tuple[str, int], ...]
    """(kind, count)."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of all files, and what was noticed in joining them."""

    rows: tuple[WorkerRow, ...]
    warnings: tuple[str, ...]


def table(recordings: Iterable[Recording]) -> Table:
    """Join recordings. A worker that two files hold (a file and its own copy) counts once, with a warning."""
    rows: dict[tuple[str, str, int], WorkerRow] = {}
    warnings = []
    for recording in recordings:
        repeated = 0
        for row in _rows(recording):
            key = (row.run, str(row.cell["id"]), row.round)
            repeated += key in rows
            rows.setdefault(key, row)
        if repeated:
            warnings.append(f"{recording.path}: {repeated} of its workers are in another file too: they count once")
    return Table(tuple(rows.values()), tuple(warnings))


def _rows(recording: Recording) -> Iterable[WorkerRow]:
    header = recording.header
    host = machine_of(header["machine"])
    names = header["codes"]["errno"]
    for worker in recording.workers:
        samples, census = worker["samples"], worker["census"]
        in_force = worker["overcommit"]
        outcomes = header["codes"]["outcome"]
        yield WorkerRow(
            host=host,
            machine=machine_at(host, worker),
            boot=worker.get("place", {}).get("boot"),
            scenario=header["scenario"]["name"],
            run=header["run"],
            cell={**_ASSUMED, **worker["cell"]},
            round=worker["round"],
            position=worker["position"],
            started=worker["started"],
            outcome=worker["outcome"]["kind"],
            reason=_reason(worker, names),
            launches=_launches(samples, outcomes, names, warmup=False),
            warmup=_launches(samples, outcomes, names, warmup=True),
            not_reached=max(0, worker["planned"] - (len(samples["call"]) if samples else 0)),
            left=_left(worker),
            zombies_peak=_zombies_peak(census),
            bystander_max_ns=worker.get("bystander_max_ns"),
            bystander_control_max_ns=worker.get("bystander_control_max_ns"),
            pages_written=worker.get("pages_written"),
            inherited=beyond_ordinary(worker["inherited"]) if "inherited" in worker else None,
            broken_promises=tuple(worker.get("broken_promises", ())),
            pinned=worker["cpu"] is not None and len(worker["cpu"]) == 1,
            mode=in_force["mode"] if in_force else None,
            mechanism=worker["mechanism"],
            contradiction=worker.get("contradiction"),
            findings=tuple((finding["kind"], finding["count"]) for finding in worker["findings"]),
        )


def _launches(samples: Samples | None, outcomes: Sequence[str], names: Mapping[str, str], *, warmup: bool) -> Launches:
    """Select the warm-up launches or the others."""
    if samples is None:
        return Launches((), (), (), (), ())
    chosen = [at for at, marked in enumerate(samples["warmup"]) if bool(marked) is warmup]
    call = samples["call"]

    def since_call(clock: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(None if (moment := clock[at]) is None else moment - call[at] for at in chosen)

    return Launches(
        command=tuple(samples["command"][at] for at in chosen),
        result=tuple(
            result_name(
                outcome_name(outcomes, samples["outcome"][at]), samples["errno"][at], samples["status"][at], names
            )
            for at in chosen
        ),
        blocked=since_call(samples["returned"]),
        reach=since_call(samples["reached"]),
        total=since_call(samples["reaped"]),
        written=tuple(samples["written"][at] for at in chosen) if "written" in samples else (),
        pace=tuple(samples["pace"][at] for at in chosen) if "pace" in samples else (),
    )


def result_name(outcome: str, number: int, status: int | None, names: Mapping[str, str]) -> str:
    """Name the result of a launch: `ok`, or the key under which it is counted as an error.

    `number` is its errno, `names` the errno names of the machine it ran on, `status` a wait status as Linux encodes it.
    """
    if outcome in {"spawn_error", "exec_error"}:
        return f"{outcome.removesuffix('_error')}:{errno_name(number, names)}"
    if outcome == "wrong_status":
        return f"status:{_status_name(status)}"
    if outcome == "lost_status" and number:
        return f"lost_status:{errno_name(number, names)}"  # somebody else had it; without an errno it was missed
    return outcome


def errno_name(number: int, names: Mapping[str, str]) -> str:
    """Name an errno: as the machine that was measured does, else as this one does, else as its number."""
    return names.get(str(number)) or errno.errorcode.get(number) or str(number)


def _status_name(status: int | None) -> str:
    """Decode a wait status (wait(2), as Linux encodes it) without asking the machine that reads the file."""
    if status is None:
        return "unknown"
    if status & 0x7F == 0:
        return f"exit:{status >> 8 & 0xFF}"
    if status & 0xFF == 0x7F:
        return f"stopped:{_signal_name(status >> 8 & 0xFF)}"
    return f"signal:{_signal_name(status & 0x7F)}"


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return str(number)


def outcome_name(names: Sequence[str], index: int) -> str:
    """Name an outcome by the header's codes; one that they do not have by its number."""
    return names[index] if 0 <= index < len(names) else f"outcome-{index}"


def _reason(worker: WorkerLine, names: Mapping[str, str]) -> str:
    outcome = worker["outcome"]
    if "reason" in outcome:
        return outcome["reason"]
    if "errno" in outcome:
        return errno_name(outcome["errno"], names)
    return _signal_name(outcome["signal"]) if "signal" in outcome else ""


def _zombies_peak(census: Census | None) -> int | None:
    """Return the most zombies at once: as watched during the launches, else as counted after them."""
    if census is None:
        return None
    peak = census.get("zombies_peak")
    return census["done"]["zombies"] if peak is None and census["done"] else peak


def _left(worker: WorkerLine) -> Leftovers | None:
    census = worker["census"]
    if census is None:
        return None
    ready, done = census["ready"], census["done"]
    if ready is None or done is None:
        return None
    return Leftovers(
        zombies=max(0, done["zombies"] - ready["zombies"]),
        children=max(0, done["children"] - ready["children"]),
        descriptors=max(0, done["descriptors"] - ready["descriptors"]),
        threads=max(0, done["threads"] - ready["threads"]),
        strays=len(census["strays"]),
    )
