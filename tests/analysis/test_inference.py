"""The statistics, held against scipy's and pyperf's own wherever these compute the same thing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyperf._utils import geometric_mean
from scipy import stats

from bench.analysis import inference
from bench.analysis.inference import Effect, adjust_paired, adjust_unpaired, fisher, holm, paired, unpaired, wilson


def logs(seed: int, n: int, shift: float = 0.02, spread: float = 0.03) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).normal(shift, spread, n)]


# One comparison


@pytest.mark.parametrize("n", [6, 7, 10, 20, 30, 49, 60])
def test_pairs_are_tested_as_scipy_does_and_the_interval_inverts_the_test(n: int) -> None:
    for seed in range(10):
        d = logs(seed, n)
        found = paired(d)

        assert found.p == pytest.approx(stats.wilcoxon(d, method="exact" if n <= 50 else "approx").pvalue)
        assert found.n == n
        if n <= 50:
            assert (found.low > 1 or found.high < 1) == (found.p <= 0.05)


@pytest.mark.parametrize("n", [7, 20, 60])
def test_pairs_with_ties_and_zeros_are_tested_as_scipy_does(n: int) -> None:
    for seed in range(10):
        d = np.round(logs(seed, n), 2)
        assert len(np.unique(np.abs(d))) < n

        assert paired(list(d)).p == pytest.approx(stats.wilcoxon(d, method="approx").pvalue)


@pytest.mark.parametrize(("m", "n"), [(4, 4), (5, 5), (5, 9), (10, 10), (12, 20)])
def test_sides_are_tested_as_scipy_does_and_the_interval_inverts_the_test(m: int, n: int) -> None:
    for seed in range(10):
        x, y = logs(seed, m, 0), logs(seed + 100, n, 0.04)
        found = unpaired(x, y)

        assert found.p == pytest.approx(stats.mannwhitneyu(y, x).pvalue)
        assert found.n == min(m, n)
        assert (found.low > 1 or found.high < 1) == (stats.mannwhitneyu(y, x, method="exact").pvalue <= 0.05)


def test_sides_with_ties_are_tested_as_scipy_does() -> None:
    x, y = [0.01, 0.02, 0.02, 0.05, 0.01, 0.03], [0.02, 0.04, 0.06, 0.05, 0.07, 0.03]

    assert unpaired(x, y).p == pytest.approx(stats.mannwhitneyu(y, x).pvalue)


def test_the_ratio_is_the_hodges_lehmann_estimate() -> None:
    # Walsh averages of 1, 2, 6: 1, 1.5, 2, 3.5, 4, 6.
    assert math.log(paired([0.01, 0.02, 0.06]).ratio) == pytest.approx(0.0275)
    # Differences of 1 and 3, 4: 2, 3.
    assert math.log(unpaired([0.01], [0.03, 0.04]).ratio) == pytest.approx(0.025)


def test_the_interval_of_six_pairs_is_all_they_span() -> None:
    found = paired([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])

    assert (math.log(found.low), math.log(found.high)) == (pytest.approx(0.01), pytest.approx(0.06))
    assert found.p == 1 / 32


def test_what_is_equal_in_every_pair_is_no_difference() -> None:
    assert paired([0.0] * 8) == Effect(1.0, 1.0, 1.0, 1.0, 8)
    assert unpaired([1.0] * 6, [1.0] * 6) == Effect(1.0, 1.0, 1.0, 1.0, 6)


def test_whole_nanoseconds_may_tie() -> None:
    found = paired([0.01, 0.01, 0.0, -0.01, 0.02, 0.02, 0.03, 0.01])

    assert 0 < found.p < 1
    assert found.low <= found.ratio <= found.high


# Shares and medians


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (3, 200), (2000, 2000)])
def test_a_share_has_wilsons_interval(hits: int, n: int) -> None:
    # Wilson 1927, in closed form.
    z, share = float(stats.norm.ppf(0.975)), hits / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)

    assert wilson(hits, n) == (pytest.approx(middle - half, abs=1e-12), pytest.approx(middle + half, abs=1e-12))


def test_nothing_has_no_share() -> None:
    assert wilson(0, 0) is None


@pytest.mark.parametrize("n", [6, 11, 20])
def test_the_interval_of_a_median_is_scipys_bootstrap(n: int) -> None:
    values = logs(n, n, 10, 0.1)
    theirs = stats.bootstrap((values,), np.median, method="percentile", n_resamples=9999, rng=1).confidence_interval
    found = inference.median_interval(values)

    assert found is not None
    # Both draw; the ends are order statistics, or means of two, and may fall on neighbours.
    gap = max(np.diff(sorted(values)))
    assert found[0] == pytest.approx(theirs.low, abs=gap)
    assert found[1] == pytest.approx(theirs.high, abs=gap)
    assert found == inference.median_interval(list(reversed(values)))


def test_five_workers_have_no_interval() -> None:
    assert inference.median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None


@pytest.mark.parametrize(
    ("base", "new"),
    [
        ((200, 200), (190, 200)),
        ((190, 200), (200, 200)),
        ((3, 7), (4, 9)),
        ((5, 10), (5, 10)),
        ((0, 300), (300, 300)),
        ((0, 6), (0, 6)),
        ((6, 6), (6, 6)),
        ((4, 4), (0, 4)),
        ((70_000, 100_000), (71_000, 100_000)),
    ],
)
def test_success_is_tested_as_scipy_does(base: tuple[int, int], new: tuple[int, int]) -> None:
    table = [[ok, n - ok] for ok, n in (base, new)]

    assert fisher(base, new) == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-7)


# Families


def test_holm_by_hand() -> None:
    # Sorted 0.01 x 4, 0.02 x 3, 0.03 x 2, 0.5 x 1; each at least as large as the one before.
    assert holm([0.5, 0.01, 0.03, 0.02]) == pytest.approx([0.5, 0.04, 0.06, 0.06])
    assert holm([]) == []


def test_one_pair_of_cells_is_a_sign_flip_test() -> None:
    d = np.array([0.011, 0.021, -0.004, 0.031, 0.017, 0.009, 0.013, 0.022])
    theirs = stats.permutation_test(
        (d,),
        lambda x: abs(x.mean()) / x.std(),
        permutation_type="samples",
        alternative="greater",
        vectorized=False,
        n_resamples=np.inf,
    )

    assert adjust_paired([dict(enumerate(d))]) == [pytest.approx(theirs.pvalue)]


def test_one_comparison_of_runs_is_a_permutation_test() -> None:
    x, y = np.array(logs(1, 5, 0)), np.array(logs(2, 5, 0.05))

    def welch(one: np.ndarray, other: np.ndarray) -> float:
        return abs(one.mean() - other.mean()) / math.sqrt(one.var(ddof=1) / 5 + other.var(ddof=1) / 5)

    theirs = stats.permutation_test((x, y), welch, alternative="greater", vectorized=False, n_resamples=np.inf)

    sides = {f"a{at}": log for at, log in enumerate(x)}, {f"b{at}": log for at, log in enumerate(y)}
    assert adjust_unpaired([sides]) == [pytest.approx(theirs.pvalue)]


def test_six_rounds_decide_a_family_of_any_size_where_holm_decides_nothing() -> None:
    family = [dict(enumerate(logs(seed, 6, 0.5))) for seed in range(20)]

    assert max(adjust_paired(family)) == 1 / 32
    assert min(holm([paired(list(one.values())).p for one in family])) > 0.5


def test_a_member_of_a_family_is_never_more_certain_than_alone() -> None:
    family = [dict(enumerate(logs(seed, 10, 0.015))) for seed in range(8)]
    alone = [adjust_paired([one])[0] for one in family]

    assert all(p >= single for p, single in zip(adjust_paired(family), alone, strict=True))


def test_one_bad_round_hides_no_difference() -> None:
    quiet = [0.05, 0.049, 0.051, 0.05, 0.052, 0.048, 0.05, 0.051, 0.049, 0.05]
    disturbed = [*quiet[:-1], 2.0]

    assert adjust_paired([dict(enumerate(disturbed))])[0] <= 0.01
    assert paired(disturbed).ratio == pytest.approx(paired(quiet).ratio, rel=0.01)


def test_rounds_that_some_comparisons_lack_are_left_out_of_these_only() -> None:
    full = dict(enumerate(logs(1, 12, 0.05)))
    short = {number: log for number, log in full.items() if number % 2}

    assert adjust_paired([full])[0] < adjust_paired([short])[0] == 1 / 32
    assert len(adjust_paired([full, short, {}])) == 3


def test_the_same_numbers_give_the_same_answer() -> None:
    family = [dict(enumerate(logs(seed, 30, 0.01))) for seed in range(5)]

    assert adjust_paired(family) == adjust_paired(family)


def test_the_geometric_mean_is_pyperfs() -> None:
    ratios = [0.5, 1.1, 2.0, 1.7]

    assert math.exp(sum(map(math.log, ratios)) / 4) == pytest.approx(geometric_mean(ratios))


# Without the extra


def test_without_numpy_or_scipy_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "available", lambda: False)

    with pytest.raises(
        inference.MissingExtra, match=r"compare needs numpy and scipy: pip install 'launchbench\[report\]'"
    ):
        inference.require("compare")


def test_the_standard_error_is_of_scipys_median_deviation() -> None:
    logs = [0.01, -0.02, 0.03, 0.005, -0.012, 0.9]

    expected = float(stats.median_abs_deviation(logs, scale="normal")) / 6**0.5
    assert inference.standard_error(logs) == pytest.approx(expected, rel=1e-4)
