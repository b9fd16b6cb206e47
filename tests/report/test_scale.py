"""Axes and labels as numbers."""

from itertools import pairwise

import pytest

from bench.report.html.scale import dodge, span, ticks


@pytest.mark.parametrize(
    ("values", "ends"),
    [([33.0], (20.0, 50.0)), ([33, 61, 900], (20.0, 1000.0)), ([20, 50], (10.0, 100.0)), ([], (1.0, 10.0))],
)
def test_ends_hold_every_value_with_room_to_spare(values: list[float], ends: tuple[float, float]) -> None:
    assert span(values) == pytest.approx(ends)


def test_a_short_axis_has_steps_and_a_long_one_decades() -> None:
    assert ticks(20, 1000) == pytest.approx([20, 50, 100, 200, 500, 1000])
    assert ticks(20, 50_000) == pytest.approx([100, 1000, 10_000])


@pytest.mark.parametrize("wanted", [[100, 101, 102, 103], [100, 0, 100, 200, 199], [5, 5, 5, 290, 290], [], [7]])
def test_labels_keep_apart_inside_their_room_and_in_their_order(wanted: list[float]) -> None:
    placed = dodge(wanted, 14, 2, 288)

    assert all(2 <= place <= 288 for place in placed)
    assert all(high - low >= 14 - 1e-9 for low, high in pairwise(sorted(placed)))
    ranked = sorted(range(len(wanted)), key=lambda at: wanted[at])
    assert sorted(placed) == [placed[at] for at in ranked]


def test_a_label_with_room_stays_where_it_is() -> None:
    assert dodge([100, 200], 14, 2, 288) == [100, 200]


def test_labels_that_touch_move_as_little_as_it_takes() -> None:
    assert dodge([100, 102], 14, 2, 288) == [94, 108]
