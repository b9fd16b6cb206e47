"""Runs told in a few words: for each cell, how its workers fared, round by round."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from result_lines import cell, failed, header, ok, worker, write

from bench.analysis import analyse, table
from bench.record import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.analysis import Analysis, Verdict, WorkerRow
    from bench.record import Recording


@dataclass(frozen=True)
class Told:
    """One cell: its median in each round is `us` times a noise of `spread`, and `fails` of its four launches fail."""

    us: float = 40
    spread: float = 0.002
    fails: int = 0
    errno: int = 12
    rounds: int | None = None
    axes: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)


def lines(cells: Mapping[str, Told], rounds: int, seed: int, **changes: Any) -> list[dict[str, Any]]:
    """Write a run; a name such as `posix_spawn+twin` or `vfork_exec#2` is that strategy's."""
    noise = random.Random(seed)
    planned = {name: _cell(name, told) for name, told in cells.items()}
    found = [header(planned.values(), rounds=rounds, run=f"run-{seed}", **changes)]
    for number in range(rounds):
        for name, told in cells.items():
            median = round(told.us * 1000 * (1 + noise.gauss(0, told.spread)))
            if told.rounds is None or number < told.rounds:
                launches = [failed("spawn_error", told.errno)] * told.fails + [ok(median)] * (4 - told.fails)
                found.append(worker(planned[name], launches, round_=number, **told.changes))
    return found


def _cell(name: str, told: Told) -> dict[str, Any]:
    strategy = name.partition("#")[0].removesuffix("+twin")
    found = cell(strategy, **told.axes) | {"id": name}
    return found | ({"twin": True} if name.endswith("+twin") else {})


def recording(path: Path, cells: Mapping[str, Told], rounds: int = 10, seed: int = 1, **changes: Any) -> Recording:
    return read(write(path, *lines(cells, rounds, seed, **changes)))


def rows(
    path: Path, cells: Mapping[str, Told], rounds: int = 10, seed: int = 1, **changes: Any
) -> tuple[WorkerRow, ...]:
    return table([recording(path, cells, rounds, seed, **changes)]).rows


def analysis(path: Path, cells: Mapping[str, Told], rounds: int = 10, **changes: Any) -> Analysis:
    return analyse([recording(path, cells, rounds, **changes)])


def verdict(path: Path, cells: Mapping[str, Told], rounds: int = 10, **changes: Any) -> Verdict:
    (found,) = analysis(path, cells, rounds, **changes).verdicts
    return found


def chosen(found: Verdict) -> list[str]:
    return [choice.strategy for choice in found.chosen]


def fell(found: Verdict) -> dict[str, str]:
    """Strategy to the criterion by which it fell out."""
    return {reason.choice.strategy: reason.criterion for reason in found.reasons if not reason.chosen}


def answers(result: Any) -> Sequence[tuple[str, str]]:
    return [(str((row.new or row.base)["strategy"]), row.answer) for row in result.rows]
