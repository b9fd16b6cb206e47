"""The schedule: which worker comes when, and which command each of its launches runs. Pure, from a seed.

A randomised complete block per round: every cell once, in a fresh random order, so that a drift of the machine meets
all cells alike (Montgomery, Design and Analysis of Experiments, ch. 4).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Planned:
    """One worker to come: a cell in a round, and its place in the round's order (from 0)."""

    cell: str
    round: int
    position: int


def order(cells: Sequence[str], rounds: int, seed: int, done: Collection[tuple[str, int]] = ()) -> list[Planned]:
    """All workers of a run in order, without those that are done: pairs of cell id and round.

    The same arguments give the same order on every machine and Python, and what is done leaves the others' places as
    they were.
    """
    planned = []
    for number in range(rounds):
        shuffled = list(cells)
        # One generator a round: a resumed run needs no replay. str seeds go through SHA-512, stable since Python 3.2.
        random.Random(f"launchbench order {seed} {number}").shuffle(shuffled)  # noqa: S311 - an order, not a secret
        planned += [Planned(cell, number, position) for position, cell in enumerate(shuffled)]
    finished = frozenset(done)
    return [worker for worker in planned if (worker.cell, worker.round) not in finished]


def boot(round_number: int, rounds: int, boots: int) -> int:
    """The boot, from 0, that a round belongs to: rounds are spread evenly over so many boots, one a round at most."""
    return round_number * min(boots, rounds) // rounds


def commands(weights: Sequence[float], launches: int, seed: int, round_number: int) -> tuple[int, ...]:
    """Index of the command of each launch, picked by weight.

    The same for every cell of a round, so that pairs of workers compare like with like.
    """
    if len(weights) == 1:
        return (0,) * launches
    generator = random.Random(f"launchbench commands {seed} {round_number}")  # noqa: S311 - as above
    return tuple(generator.choices(range(len(weights)), weights=weights, k=launches))
