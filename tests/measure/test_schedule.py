"""The order of workers, and which command each launch runs."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.measure.schedule import Planned, commands, order

CELLS = ["a", "b", "c", "d", "e"]

GOLDEN_ORDER = {0: ["d", "b", "c", "a"], 1: ["c", "a", "d", "b"], 2: ["d", "a", "c", "b"]}
GOLDEN_COMMANDS = (0, 0, 2, 1, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0)


def rounds_of(planned: list[Planned]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for worker in planned:
        found.setdefault(worker.round, []).append(worker.cell)
    return found


def test_every_cell_comes_once_a_round_and_rounds_follow_each_other() -> None:
    planned = order(CELLS, rounds=4, seed=1)

    assert [worker.round for worker in planned] == [number for number in range(4) for _ in CELLS]
    assert all(sorted(cells) == CELLS for cells in rounds_of(planned).values())
    assert [worker.position for worker in planned] == [0, 1, 2, 3, 4] * 4


def test_each_round_has_a_fresh_order() -> None:
    orders = {tuple(cells) for cells in rounds_of(order(CELLS, rounds=20, seed=1)).values()}

    assert len(orders) > 15  # of 120 possible ones


def test_the_seed_decides_the_order() -> None:
    assert order(CELLS, 3, seed=7) == order(CELLS, 3, seed=7)
    assert order(CELLS, 3, seed=7) != order(CELLS, 3, seed=8)


def test_more_rounds_leave_the_first_ones_as_they_were() -> None:
    assert order(CELLS, 9, seed=7)[:15] == order(CELLS, 3, seed=7)


def test_no_cell_is_favoured_for_the_first_place() -> None:
    first = Counter(worker.cell for worker in order(CELLS, rounds=1000, seed=3) if worker.position == 0)

    assert all(140 < first[cell] < 260 for cell in CELLS)


def test_the_order_is_the_same_on_every_machine_and_python() -> None:
    # A file that an older Python began must be continued in the very order it was planned in.
    assert rounds_of(order(["a", "b", "c", "d"], rounds=3, seed=42)) == GOLDEN_ORDER
    assert commands([8, 1, 1], 20, seed=42, round_number=1) == GOLDEN_COMMANDS


@pytest.mark.parametrize("done", [{("a", 0)}, {("c", 1), ("e", 1), ("b", 2)}, {(cell, 0) for cell in CELLS}])
def test_what_is_done_leaves_the_others_where_they_were(done: set[tuple[str, int]]) -> None:
    everything = order(CELLS, rounds=3, seed=5)

    remaining = order(CELLS, rounds=3, seed=5, done=done)

    assert remaining == [worker for worker in everything if (worker.cell, worker.round) not in done]
    assert len(remaining) == 15 - len(done)


def test_nothing_remains_when_all_is_done() -> None:
    assert order(CELLS, 2, seed=5, done={(cell, number) for cell in CELLS for number in range(2)}) == []


def test_a_worker_of_another_plan_is_nobodys_turn() -> None:
    assert order(CELLS, 1, seed=5, done={("z", 0), ("a", 9)}) == order(CELLS, 1, seed=5)


def test_commands_are_picked_by_weight() -> None:
    picked = Counter(commands([8, 1, 1], launches=10_000, seed=1, round_number=0))

    assert 7800 < picked[0] < 8200
    assert 850 < picked[1] < 1150
    assert 850 < picked[2] < 1150


def test_commands_depend_on_the_round_and_on_nothing_of_the_cell() -> None:
    weights = [1.0, 1.0, 1.0]

    assert commands(weights, 50, seed=1, round_number=0) == commands(weights, 50, seed=1, round_number=0)
    assert commands(weights, 50, seed=1, round_number=0) != commands(weights, 50, seed=1, round_number=1)
    assert commands(weights, 50, seed=1, round_number=0) != commands(weights, 50, seed=2, round_number=0)


def test_a_mix_of_one_needs_no_choice() -> None:
    assert commands([0.25], launches=4, seed=1, round_number=0) == (0, 0, 0, 0)
