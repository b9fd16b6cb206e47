"""What the words of an oracle demand."""

import pytest

from bench.record import ORACLES, oracle_met


@pytest.mark.parametrize(
    ("oracle", "hits", "met"),
    [
        ("always", 20, True),
        ("always", 19, False),
        ("sometimes", 1, True),
        ("sometimes", 20, True),
        ("sometimes", 0, False),
        ("never", 0, True),
        ("never", 1, False),
        (None, 7, None),
    ],
)
def test_an_oracle_is_met_or_not(oracle: str | None, hits: int, met: bool | None) -> None:
    assert oracle_met(oracle, trials=20, hits=hits) is met


@pytest.mark.parametrize("oracle", ORACLES)
def test_what_was_not_tried_meets_nothing_and_breaks_nothing(oracle: str) -> None:
    assert oracle_met(oracle, trials=0, hits=0) is None
