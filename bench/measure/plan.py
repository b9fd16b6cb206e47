"""The plan of a run, and the header of its file. A resumed run takes its plan from the file, not from the scenario."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, cast

from bench import __version__
from bench.catalogue import Catalogue
from bench.machine import fingerprint
from bench.measure.judge import Expected
from bench.measure.request import CommandLine
from bench.record import FORMAT, HazardKey, Header, Recording, codes, hazard_key
from bench.scenario import Cell, Scenario


class CannotResumeError(Exception):
    """The file is not of this scenario, machine or tool; one line that names every difference."""


def now_text() -> str:
    """The wall clock in UTC, ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides what a run measures."""

    scenario: Scenario
    cells: tuple[Cell, ...]
    seed: int
    hazards: tuple[HazardKey, ...] = ()
    """Tried after the cells, once each."""

    @property
    def commands(self) -> tuple[CommandLine, ...]:
        """The command mix as workers get it."""
        return tuple(CommandLine.of(command.argv, command.shell) for command in self.scenario.commands)

    @property
    def expected(self) -> tuple[Expected, ...]:
        """What each command of the mix must come to."""
        return tuple(
            Expected(command.expect.kind, command.expect.number, line.tells_arrival)
            for command, line in zip(self.scenario.commands, self.commands, strict=True)
        )

    @property
    def weights(self) -> tuple[float, ...]:
        """How often each command of the mix is picked, relative to the others."""
        return tuple(command.weight for command in self.scenario.commands)


def header(plan: Plan, catalogue: Catalogue, machine: Mapping[str, Any], *, path: str | None, text: str) -> Header:
    """The first line of a new file."""
    hazards = {"hazards": [key._asdict() for key in plan.hazards]} if plan.hazards else {}
    return cast(
        "Header",
        {
            "type": "header",
            "format": FORMAT,
            "run": secrets.token_hex(8),
            "started": now_text(),
            "tool": {"name": "launchbench", "version": __version__, "worker_build": catalogue.build.digest},
            "scenario": {
                "name": plan.scenario.name,
                "question": plan.scenario.question,
                "path": path,
                "text": text,
                "settings": plan.scenario.settings(),
            },
            "seed": plan.seed,
            "rounds": plan.scenario.rounds,
            "cells": [cell.as_record() for cell in plan.cells],
            "machine": dict(machine),
            "codes": codes(),
            **hazards,
        },
    )


def differences(recorded: Header, here: Header) -> list[str]:
    """Why a file cannot be continued by this run: sentences; none when it can."""
    found = []
    theirs, ours = recorded["scenario"]["settings"], here["scenario"]["settings"]
    changed = sorted(key for key in {*theirs, *ours} if theirs.get(key) != ours.get(key))
    if changed:
        found.append(f"the scenario differs in {', '.join(changed)}")
    found += fingerprint.differences(recorded["machine"], here["machine"])
    for key in ("version", "worker_build"):
        then, now = recorded["tool"].get(key), here["tool"].get(key)
        if then != now:
            found.append(f"{key.replace('_', ' ')}: {then} in the file, {now} here")
    return found


def resumed(scenario: Scenario, recording: Recording, here: Header) -> Plan:
    """The plan of the file: its cells, its seed and its hazards. Raises CannotResumeError."""
    reasons = differences(recording.header, here)
    if reasons:
        raise CannotResumeError(f"cannot be continued here: {'; '.join(reasons)}")
    cells: Sequence[Mapping[str, Any]] = recording.header["cells"]
    hazards = tuple(hazard_key(planned) for planned in recording.header.get("hazards", ()))
    try:
        return Plan(scenario, tuple(Cell.from_record(cell) for cell in cells), recording.header["seed"], hazards)
    except ValueError as damage:
        raise CannotResumeError(f"cannot be continued: its header is damaged: {damage}") from None
