"""Decides whether a cell is measured here at all, before anything is started. Pure.

What cannot be measured is data as well: it gets its line, with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bench.catalogue import PYTHON_ALONE, Catalogue
from bench.machine import (
    EVERY_RIGHT,
    Budget,
    LimitRights,
    LimitUnreachableError,
    MemoryFacts,
    Settings,
    commit_kbytes,
    fit_reason,
    room_reason,
    size_text,
)
from bench.measure.evidence import Mode
from bench.measure.limits import limits_of
from bench.scenario import Cell, Environment, Scenario


@dataclass(frozen=True, slots=True)
class Situation:
    """What the decision depends on besides the cell."""

    catalogue: Catalogue
    scenario: Scenario
    memory: MemoryFacts
    settings: Settings
    missing_right: str | None
    """Why vm.overcommit_* may not be changed; None when it may."""
    cpus: tuple[int, ...]
    """Those that a worker may use."""
    limit_rights: LimitRights = EVERY_RIGHT


def mode_for(cell: Cell, settings: Settings, *, while_mapping: bool) -> Mode | None:
    """The policy that must be put in force for a cell; None when it is in force already."""
    if cell.overcommit == "current" or (cell.overcommit == settings.memory and cell.limit_bytes is None):
        return None
    return Mode(int(cell.overcommit), cell.limit_bytes, while_mapping)


def refusal(cell: Cell, situation: Situation) -> dict[str, Any] | None:
    """The outcome of a cell that is not measured (`unsupported` or `skipped`, with its reason); None: measure it."""
    unsupported = _unavailable(cell, situation.catalogue, situation.scenario) or (
        situation.scenario.no_fork and situation.limit_rights.no_fork
    )
    if unsupported:
        return {"kind": "unsupported", "reason": unsupported}
    skipped = _no_cpu(situation) or _no_limits(cell, situation) or _no_room(cell, situation)
    return {"kind": "skipped", "reason": skipped} if skipped else None


def _unavailable(cell: Cell, catalogue: Catalogue, scenario: Scenario) -> str | None:
    wanted = {"strategy": cell.strategy, "reaper": cell.reaper, "hygiene": cell.hygiene, "backing": cell.backing}
    for kind, name in wanted.items():
        if kind == "reaper" and name == "own":
            continue
        entry = next((entry for entry in catalogue.of(kind) if entry.name == name), None)
        if entry is None:
            return f"this version's workers do not have the {kind} {name}"
        # What is possible elsewhere is known there only: the worker says so itself.
        if entry.reason and cell.environment == Environment():
            return f"{kind} {name}: {entry.reason}"
    if catalogue.strategy(cell.strategy).runtime == "python":
        if cell.environment != Environment():
            return PYTHON_ALONE
        if cell.backing != "anon":
            return f"the Python worker has no backing {cell.backing}"
        if cell.vmas != 1:
            return "the Python worker maps its footprint in one piece"
        asked = {
            "in_flight": cell.in_flight > 1,
            "burst": scenario.burst,
            "writes": scenario.writes > 0,
            "bystanders": cell.bystanders > 0,
        }
        missing = [key for key, wanted in asked.items() if wanted]
        if missing:
            return f"the Python worker does not have {', '.join(missing)}"
    return None


def _no_cpu(situation: Situation) -> str | None:
    wanted = situation.scenario.cpu
    missing = [] if isinstance(wanted, str) else sorted(set(wanted) - set(situation.cpus))
    return f"CPU {', '.join(map(str, missing))} cannot be used here" if missing else None


def _no_limits(cell: Cell, situation: Situation) -> str | None:
    limit = cell.memory_limit_bytes
    # What does not fit at all says nothing about launching. What just fits is a question: a launch may need the rest.
    if limit is not None and _takes_memory(cell, situation) and cell.footprint_bytes > limit:
        return (
            f"the footprint of {size_text(cell.footprint_bytes)} is larger than the memory limit of {size_text(limit)}"
        )
    return situation.limit_rights.missing_right(limits_of(cell))


def _takes_memory(cell: Cell, situation: Situation) -> bool:
    backings = situation.catalogue.of("backing")
    return next((backing.takes_memory for backing in backings if backing.name == cell.backing), True)


def _no_room(cell: Cell, situation: Situation) -> str | None:
    scenario, facts = situation.scenario, situation.memory
    mode = mode_for(cell, situation.settings, while_mapping=scenario.map_in_mode)
    if mode and situation.missing_right:
        return situation.missing_right
    budget = Budget(cell.footprint_bytes, touched=_takes_memory(cell, situation), children=cell.in_flight)
    if mode and mode.limit_bytes is not None:
        try:
            commit_kbytes(facts.committed_bytes or 0, mode.limit_bytes, facts)
        except LimitUnreachableError as error:
            return str(error)
    reason = fit_reason(budget, _while_mapping(facts, mode))
    if reason is None and mode and mode.memory == 2:
        reason = room_reason(budget, facts, mode.limit_bytes, crowd=scenario.crowd)
    return reason


def _while_mapping(facts: MemoryFacts, mode: Mode | None) -> MemoryFacts:
    """The memory as the footprint meets it: under the machine's own mode, unless it is mapped inside the cell's."""
    if mode is None or not mode.while_mapping:
        return facts
    return facts.under(mode.limit_bytes) if mode.memory == 2 else replace(facts, mode=mode.memory)
