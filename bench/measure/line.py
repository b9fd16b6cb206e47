"""Evidence -> the worker's line of the result file. Pure, but for the wall clock that the caller gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from bench.catalogue import Build
from bench.measure import census, inherited, judge, limits, mechanism
from bench.measure.evidence import Evidence, Order, outcome
from bench.measure.judge import Expected, Manner
from bench.measure.samples import decode, decode_arrivals, join
from bench.measure.schedule import Planned
from bench.measure.site import PlaceLostError
from bench.record import LAUNCH_OUTCOMES, PlaceFields, WorkerLine
from bench.scenario import Cell

_OK = LAUNCH_OUTCOMES.index("ok")
_LOST = LAUNCH_OUTCOMES.index("lost_status")


def _head(planned: Planned, cell: Cell, session: int, started: str) -> dict[str, Any]:
    return {
        "type": "worker",
        "session": session,
        "round": planned.round,
        "position": planned.position,
        "cell": cell.as_record(),
        "started": started,
    }


def ran(place: PlaceFields, build: Build | None, usual: Build) -> dict[str, Any]:
    """What the line of a worker says of where and with which build it ran, beyond the header."""
    said: dict[str, Any] = {}
    where = place | ({"libc": build.libc} if build and build.libc else {})
    if where:
        said["place"] = where
    if build and build.digest != usual.digest:
        said["worker_build"] = build.digest
    return said


def refused(
    planned: Planned,
    cell: Cell,
    refusal: dict[str, Any],
    *,
    session: int,
    started: str,
    ran: Mapping[str, Any] = MappingProxyType({}),
) -> WorkerLine:
    """The line of a worker that was not started, and why."""
    nothing = dict.fromkeys(("footprint", "overcommit", "cpu", "samples", "census", "mechanism"))
    line = _head(planned, cell, session, started) | nothing
    line |= {"outcome": refusal, "planned": 0, "findings": [], "spent_ns": {}, **ran}
    return cast("WorkerLine", line)


def lost(
    planned: Planned,
    cell: Cell,
    death: PlaceLostError,
    launches: int,
    *,
    session: int,
    started: str,
    ran: Mapping[str, Any],
) -> WorkerLine:
    """The line of a worker whose place died under it, or before it; the console's end is its `stderr`."""
    refusal = {"kind": death.kind, "reason": death.reason}
    line = dict(refused(planned, cell, refusal, session=session, started=started, ran=ran)) | {"planned": launches}
    if death.console:
        line["stderr"] = death.console
    return cast("WorkerLine", line)


def worked(
    planned: Planned,
    cell: Cell,
    order: Order,
    evidence: Evidence,
    expected: Sequence[Expected],
    manner: Manner,
    *,
    session: int,
    started: str,
) -> WorkerLine:
    """The line of a worker that was started, however it ended."""
    samples = decode(evidence.samples)
    columns = None
    if samples:
        began = int((evidence.done or {}).get("began", samples[0].call))
        reached = join(samples, decode_arrivals(evidence.arrivals))
        columns = judge.columns(samples, reached, expected, manner, began=began, hung=evidence.hung is not None)
        if order.request.hold_child:
            columns["reached"] = [None] * len(samples)  # the worker's writes came in between
    lost = sum(code == _LOST for code in columns["outcome"]) if columns else 0
    ready, done = evidence.counted_ready, evidence.counted_done
    line = _head(planned, cell, session, started) | {
        "outcome": outcome(evidence),
        "footprint": _footprint(order, evidence.ready),
        "overcommit": evidence.in_force,
        "cpu": list(order.cpus) if order.cpus is not None else None,
        "planned": len(order.request.plan),
        "samples": columns,
        "census": {
            "ready": ready.as_record() if ready else None,
            "done": done.as_record() if done else None,
            "strays": evidence.strays,
        },
        "findings": census.findings(ready, done, evidence.strays, lost),
        "mechanism": evidence.mechanism,
        "spent_ns": evidence.spent,
    }
    peak = (evidence.done or {}).get("zombies_peak")
    if peak is not None:
        line["census"]["zombies_peak"] = peak
    if order.request.bystanders and evidence.done:
        line |= {key: evidence.done[key] for key in ("bystander_max_ns", "bystander_control_max_ns")}
    if order.request.writes:
        line["pages_written"] = order.request.writes
    if evidence.inherited:
        line["inherited"] = evidence.inherited.as_record()
        line["broken_promises"] = list(inherited.broken(evidence.inherited, manner.promises))
    contradiction = mechanism.contradiction(manner.memory, evidence.mechanism)
    if contradiction:
        line["contradiction"] = contradiction
    if evidence.held:
        line["limits"] = limits.as_record(evidence.held)
    if evidence.stderr:
        line["stderr"] = evidence.stderr
    return cast("WorkerLine", line)


def _footprint(order: Order, ready: dict[str, Any] | None) -> dict[str, Any] | None:
    if ready is None:
        return None
    names = ("mapped", "rss", "anon_huge", "page_tables", "vmas", "fill_ns")
    return {"requested": order.request.footprint_bytes} | {name: ready.get(name) for name in names}
