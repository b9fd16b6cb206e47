"""Hazards: which are tried with which strategies, what the probe answered, and the line of the file. Pure.

A hazard is a known way to go wrong (strategies/hazard/). Nothing of it is timed, so nothing is repeated in rounds:
every hazard, strategy and mitigation comes once, after the cells.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from bench.catalogue import Catalogue
from bench.record import HAZARD_OUTCOMES, HazardKey, HazardLine, oracle_met

_WORKERS = {"native": "the native worker", "python": "the Python worker"}


@dataclass(frozen=True, slots=True)
class Tried:
    """What is known of a probe that was started. Spans are in ns of wall time."""

    answer: str = ""
    """What it wrote: one JSON object when all went well (strategies/host/hazard.c)."""
    returncode: int | None = None
    """As subprocess has it; None when its time was over and it was killed."""
    strays: Sequence[dict[str, Any]] = ()
    """What outlived the probe itself; what its trials left alive is in its answer."""
    stderr: str = ""
    spent: dict[str, int] = field(default_factory=dict)


def plan(catalogue: Catalogue, hazards: Sequence[str], strategies: Sequence[str]) -> tuple[HazardKey, ...]:
    """Every hazard with every strategy: as it comes, then with each mitigation where its worker can try them.

    The floor launches nothing, and can do nothing wrong. A strategy of the other worker comes once,
    to be told as not tried.
    """
    known = {entry.name: entry for entry in catalogue.of("hazard")}
    launching = [entry for name in strategies if not (entry := catalogue.strategy(name)).launches_nothing]
    return tuple(
        HazardKey(name, strategy.name, mitigation)
        for name in hazards
        for strategy in launching
        for mitigation in (None, *(known[name].mitigations if strategy.runtime == known[name].runtime else ()))
    )


def refusal(catalogue: Catalogue, key: HazardKey) -> str | None:
    """Why a hazard cannot be tried here, as the catalogue knows without starting anything."""
    hazard = next((entry for entry in catalogue.of("hazard") if entry.name == key.hazard), None)
    strategy = next((entry for entry in catalogue.of("strategy") if entry.name == key.strategy), None)
    if hazard is None or strategy is None:
        missing = f"hazard {key.hazard}" if hazard is None else f"strategy {key.strategy}"
        return f"this version's workers do not have the {missing}"
    if strategy.runtime != hazard.runtime:
        return f"{_WORKERS[hazard.runtime]} makes its trials, and does not have this strategy"
    return hazard.reason or strategy.reason


def not_tried(key: HazardKey, reason: str, *, session: int, started: str) -> HazardLine:
    """The line of a hazard whose probe was not started."""
    return _line(key, {"outcome": "not_tried", "reason": reason}, planned=0, session=session, started=started)


def line(key: HazardKey, tried: Tried, *, planned: int, session: int, started: str) -> HazardLine:
    """The line of a hazard whose probe was started, however it ended."""
    answer = _read(tried)
    written: dict[str, Any] = {**_line(key, answer, planned=planned, session=session, started=started)}
    written["spent_ns"] = tried.spent
    strays = [*(answer.get("strays") or ()), *tried.strays]
    if strays:
        written["strays"] = strays
    if answer.get("not_made"):
        written["not_made"] = int(answer["not_made"])
    if tried.stderr:
        written["stderr"] = tried.stderr
    return cast("HazardLine", written)


def _read(tried: Tried) -> dict[str, Any]:
    if tried.returncode is None:
        return {"outcome": "failed", "reason": "the probe did not end in its time and was killed"}
    try:
        answer = json.loads(tried.answer)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and answer.get("outcome") in HAZARD_OUTCOMES:
        return answer
    how = f"signal {-tried.returncode}" if tried.returncode < 0 else f"status {tried.returncode}"
    return {"outcome": "failed", "reason": f"the probe ended with {how} and had said nothing"}


def _line(key: HazardKey, answer: dict[str, Any], *, planned: int, session: int, started: str) -> HazardLine:
    counts = {name: int(answer.get(name) or 0) for name in ("trials", "hits", "hangs")}
    outcome = {"kind": answer["outcome"]}
    if answer.get("reason"):
        outcome["reason"] = answer["reason"]
    tried = answer["outcome"] == "tried"
    oracle = answer.get("oracle")
    met = oracle_met(oracle, trials=counts["trials"], hits=counts["hits"]) if tried else None
    record = {"type": "hazard", "session": session, **key._asdict(), "started": started, "outcome": outcome}
    record |= {"oracle": oracle, "planned": planned, **counts, "met": met}
    return cast("HazardLine", record | {"detail": answer.get("detail"), "spent_ns": {}})
