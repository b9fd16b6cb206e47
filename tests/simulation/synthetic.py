"""Result files with known truth: what a machine would have recorded, had its noise been exactly as told.

A run is written line by line in the format of results/README.md, so that what is tried is everything from the file on.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.record import FORMAT, codes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

REFERENCE = "posix_spawn"
OTHERS = ("fork_exec", "prefork_pipe", "prefork_seqpacket", "system", "vfork_exec")
FOOTPRINT = 64 << 20
MACHINE = {"machine_id": "synthetic", "hostname": "synthetic", "kernel": "6.1.0", "distro": "none", "libc": "none 1.0"}
_US = 1_000
_APART = 4.0
"""From the first launch of a worker to that of the next, in the time that its launches take."""
_PACE_SPREAD = 0.10
_PACE_ERROR = 0.011
"""Of a worker as a whole. Then a worker over its pace has a standard deviation of 2%, as was measured."""


@dataclass(frozen=True)
class Noise:
    """How a machine misbehaves. Every strategy takes 40 us but for its `effects` and for what is told here."""

    launch: float = 0.10
    """Standard deviation of the log of one launch, inside a worker."""
    worker: float = 0.0
    """The same between workers of one cell."""
    drift: float = 0.0
    """How much slower the machine is at the end of the run than at its beginning, as a fraction; linear."""
    tails: float = 0.0
    """Share of launches that take 2 to 20 times as long."""
    lost: float = 0.0
    """Share of workers that are not there, and of launches that the others did not reach."""
    run: float = 0.0
    """Standard deviation of the log of everything in one run: what runs differ by."""
    gear: float = 0.0
    """How much longer everything takes in the machine's second gear, as a fraction; each gear lasts at random."""
    gear_lasts: float = 2.0
    """How long a gear lasts on average, in the time that one worker launches; between workers pass three such times."""
    paced: bool = False
    """A pacer measured it between launches."""
    scales: float = 1.0
    """What of the pace the launches follow: 0 is of launches whose cost is another than the pacer's."""


@dataclass(frozen=True)
class Truth:
    """What is so: cells, effects and noise."""

    noise: Noise = field(default_factory=Noise)
    effects: Mapping[str, float] = field(default_factory=dict)
    """Strategy to how much longer it takes than the others: 0.05 is 5%."""
    strategies: Sequence[str] = (REFERENCE, *OTHERS)
    rounds: int = 24
    launches: int = 80


def write_run(path: Path, truth: Truth, seed: int) -> Path:
    """Write one run. The same truth and seed give the same file."""
    generator = np.random.default_rng(seed)
    cells = [_cell(strategy) for strategy in truth.strategies]
    cells.append(_cell(REFERENCE) | {"id": f"{REFERENCE}/64MiB/twin", "twin": True})
    shift = generator.normal(0, truth.noise.run) if truth.noise.run else 0.0
    gears = Gears(truth.noise, truth.rounds * len(cells), generator)
    with path.open("w") as stream:
        print(json.dumps(_header(cells, truth, seed)), file=stream)
        total = truth.rounds * len(cells)
        for number in range(truth.rounds):
            for position, at in enumerate(generator.permutation(len(cells))):
                elapsed = (number * len(cells) + position) / total
                if generator.random() >= truth.noise.lost:
                    level = math.log(40 * _US) + shift + math.log1p(truth.noise.drift) * elapsed
                    began = (number * len(cells) + position) * _APART
                    line = _worker(cells[at], number, position, level, truth, generator, gears, began)
                    print(json.dumps(line), file=stream)
    return path


class Gears:
    """When the machine was in which of its two gears: a random telegraph (exponential times)."""

    def __init__(self, noise: Noise, workers: int, generator: np.random.Generator) -> None:
        self._noise = noise
        count = int(2 * workers * _APART / noise.gear_lasts) + 100
        self._changes = np.cumsum(generator.exponential(noise.gear_lasts, count)) if noise.gear else np.zeros(0)
        self._first = int(generator.integers(2)) if noise.gear else 0

    def at(self, times: np.ndarray) -> np.ndarray:
        """Return the log of how much longer everything takes at these times."""
        second = (np.searchsorted(self._changes, times) + self._first) % 2
        pace: np.ndarray = second * math.log1p(self._noise.gear)
        return pace


def _cell(strategy: str) -> dict[str, Any]:
    return {
        "id": f"{strategy}/64MiB",
        "strategy": strategy,
        "reaper": "waitpid",
        "hygiene": "none",
        "backing": "anon",
        "footprint_bytes": FOOTPRINT,
        "overcommit": "current",
        "limit_bytes": None,
    }


def _header(cells: Sequence[Mapping[str, Any]], truth: Truth, seed: int) -> dict[str, Any]:
    return {
        "type": "header",
        "format": FORMAT,
        "run": f"synthetic-{seed}",
        "started": "2026-01-01T00:00:00Z",
        "tool": {"name": "synthetic", "version": "1", "worker_build": None},
        "scenario": {"name": "synthetic", "question": "Is it so?", "path": None, "text": "", "settings": {}},
        "seed": seed,
        "rounds": truth.rounds,
        "cells": list(cells),
        "machine": MACHINE,
        "codes": codes(),
    }


def _worker(
    cell: Mapping[str, Any],
    number: int,
    position: int,
    level: float,
    truth: Truth,
    generator: np.random.Generator,
    gears: Gears,
    began: float,
) -> dict[str, Any]:
    noise = truth.noise
    level += math.log1p(truth.effects.get(str(cell["strategy"]), 0.0)) + generator.normal(0, noise.worker or 1e-9)
    n = truth.launches
    if noise.lost:
        n = max(10, int(n * (1 - generator.random() * noise.lost * 5)))
    times = np.exp(level + generator.normal(0, noise.launch, n))
    tail = generator.random(n) < noise.tails
    times = np.where(tail, times * generator.uniform(2, 20, n), times)
    in_gear = gears.at(began + np.arange(n) / n)
    times *= np.exp(noise.scales * in_gear)
    calls = np.arange(n) * 1_000_000
    reaped = (calls + np.rint(times)).astype(int).tolist()
    nothing = {"zombies": 0, "children": 0, "descriptors": 4, "threads": 1}
    zeros = [0] * n
    return {
        "type": "worker",
        "session": 0,
        "round": number,
        "position": position,
        "cell": cell,
        "started": "2026-01-01T00:00:00Z",
        "outcome": {"kind": "finished"},
        "footprint": None,
        "overcommit": None,
        "cpu": [1],
        "planned": n,
        "samples": {
            "warmup": zeros,
            "command": zeros,
            "outcome": zeros,
            "stage": zeros,
            "errno": zeros,
            "status": zeros,
            "call": calls.tolist(),
            "returned": reaped,
            "reached": reaped,
            "reaped": reaped,
            "minor_faults": zeros,
            **({"pace": _pace(generator, in_gear)} if noise.paced else {}),
        },
        "census": {"ready": nothing, "done": nothing, "strays": []},
        "findings": [],
        "mechanism": None,
        "spent_ns": {},
    }


def _pace(generator: np.random.Generator, gears: np.ndarray) -> list[int]:
    """Return the pacer's times, one before each launch."""
    level = math.log(30 * _US) + generator.normal(0, _PACE_ERROR)
    paces: list[int] = (
        np.rint(np.exp(level + generator.normal(0, _PACE_SPREAD, len(gears)) + gears)).astype(int).tolist()
    )
    return paces
