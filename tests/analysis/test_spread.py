"""How launches spread: what a figure draws must be what was measured."""

from pathlib import Path

from result_lines import Launch, cell, failed, header, ok, refused, worker, write

from bench.analysis import SLOTS, Spread, analyse, spreads
from bench.record import read


def spread_of(path: Path) -> Spread | None:
    (found,) = spreads(analyse([read(path)]).rows)
    return found


def test_the_distribution_begins_and_ends_where_the_launches_do(tmp_path: Path) -> None:
    one = cell()
    path = write(tmp_path / "r.jsonl", header([one]), worker(one, [ok(1000 - at) for at in range(500)]))

    found = spread_of(path)

    assert found is not None
    assert found.distribution[0] == (501, 1 / 500)
    assert found.distribution[-1] == (1000, 1.0)
    assert list(found.distribution) == sorted(found.distribution)


def test_every_ok_launch_is_in_one_bin_and_no_other_launch_is(tmp_path: Path) -> None:
    one = cell()
    launches = [Launch(warmup=1, total=9), *(ok(100 + at) for at in range(120)), failed("spawn_error", 12)]
    path = write(tmp_path / "r.jsonl", header([one]), worker(one, launches))

    found = spread_of(path)

    assert found is not None
    assert sum(part.count for part in found.order) == 120
    assert {part.slot for part in found.order} == set(range(SLOTS))
    assert all(part.low_ns < 220 and part.high_ns > 100 for part in found.order)


def test_rounds_are_in_order_whatever_the_order_of_lines(tmp_path: Path) -> None:
    one = cell()
    path = write(
        tmp_path / "r.jsonl",
        header([one], rounds=2),
        worker(one, [ok(1_000_000)] * 10, round_=1),
        worker(one, [ok(10)] * 30, round_=0),
    )

    found = spread_of(path)

    assert found is not None
    assert found.slots == 40
    assert found.rounds == (30.0,)
    assert {part.slot for part in found.order if part.low_ns > 100} == set(range(30, 40))


def test_a_cell_without_an_ok_launch_has_none(tmp_path: Path) -> None:
    one, other = cell("fork_exec"), cell("vfork_exec")
    path = write(
        tmp_path / "r.jsonl",
        header([one, other]),
        worker(one, [failed("spawn_error", 12)]),
        refused(other, "skipped", reason="no room"),
    )

    assert spreads(analyse([read(path)]).rows) == (None, None)
