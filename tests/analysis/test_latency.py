"""Hand-computed centres and tails."""

import pytest

from bench.analysis import Latency, latency, percentile
from bench.analysis.latency import tail


def test_the_centre_is_the_median_of_worker_medians_not_of_all_launches() -> None:
    # Medians of workers: 2, 20, 30. Pooled, the median of 1 2 3 4 4 20 30 would be 4.
    found = latency([[1, 2, 3, 4, 1], [20], [30]])

    assert found is not None
    assert found.p50 == 20
    assert (found.max, found.n) == (30, 7)


def test_medians_between_two_values_are_set_to_whole_ns() -> None:
    # 1.5 and 4.5: their median is 3.
    assert latency([[1, 2], [4, 5]]) == Latency(3, None, None, None, None, 5, 4)


def test_workers_without_launches_have_no_say() -> None:
    assert latency([[], [7], []]) == Latency(7, None, None, None, None, 7, 1)


def test_nothing_measured_is_no_latency() -> None:
    assert latency([]) is None
    assert latency([[], []]) is None


@pytest.mark.parametrize(
    ("n", "percent", "expected"),
    [(99, 90, None), (100, 90, 90), (999, 99, None), (1000, 99, 990), (105, 90, 95), (0, 90, None)],
)
def test_percentiles_are_nearest_rank_and_need_ten_launches_beyond_them(
    n: int, percent: int, expected: int | None
) -> None:
    assert percentile(range(1, n + 1), percent) == expected


def test_tails_are_of_all_launches_pooled() -> None:
    found = latency([range(1, 501), range(501, 1001)])

    assert found is not None
    assert (found.p90, found.p99, found.max, found.n) == (900, 990, 1000, 1000)


@pytest.mark.parametrize(("n", "last"), [(19, None), (20, "50"), (9_999, "99.5"), (10_000, "99.9")])
def test_a_tail_ends_where_n_ends(n: int, last: str | None) -> None:
    assert next(reversed(tail(range(n))), None) == last


def test_a_percentile_between_whole_ones_is_the_observation_it_says() -> None:
    # In floating point, 10 launches beyond 99.9% of 10,000 are 9.99.
    assert tail(range(1, 10_001))["99.9"] == 9_990
