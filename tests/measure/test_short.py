"""What is measured of a footprint in under a minute."""

from dataclasses import replace

import pytest

from bench.catalogue import load as load_catalogue
from bench.machine import MemoryFacts
from bench.measure import short
from bench.scenario import expand, load

GIB = 1 << 30
ROOMY = MemoryFacts(total_bytes=64 * GIB, available_bytes=60 * GIB)


def test_what_fits_is_measured_as_it_is() -> None:
    assert short.reach(GIB // 4, cells=7, memory=ROOMY, per_second=4 * GIB) == short.Reach((GIB // 4,), None, None)


def test_what_takes_too_long_is_measured_in_smaller_steps_and_untouched_as_a_whole() -> None:
    found = short.reach(32 * GIB, cells=7, memory=ROOMY, per_second=2 * GIB)

    assert found.untouched == 32 * GIB
    assert found.reason == "takes longer than a minute to measure"
    assert len(found.touched) == 3
    assert list(found.touched) == sorted(found.touched)
    assert found.touched[-1] < GIB


def test_what_does_not_fit_the_machine_says_so() -> None:
    small = replace(ROOMY, available_bytes=GIB)

    found = short.reach(8 * GIB, cells=1, memory=small, per_second=1000 * GIB)

    assert found.reason == "does not fit into this machine's memory"
    assert GIB // 2 < found.touched[-1] < GIB


def test_a_group_s_limit_is_heeded() -> None:
    small = replace(ROOMY, cgroup_free_bytes=GIB)

    assert short.reach(8 * GIB, cells=1, memory=small, per_second=1000 * GIB).touched[-1] < GIB


@pytest.mark.parametrize("per_second", [1.0, 1e6, 1e9, 1e12])
@pytest.mark.parametrize("cells", [1, 7, 40])
@pytest.mark.parametrize("footprint", [1, 4096, GIB, 40 * GIB])
def test_it_stays_below_a_minute_and_below_what_was_asked(per_second: float, cells: int, footprint: int) -> None:
    found = short.reach(footprint, cells=cells, memory=ROOMY, per_second=per_second)

    assert found.touched
    assert found.touched[-1] <= max(footprint, 1 << 20)
    assert (found.untouched is None) == (found.touched == (footprint,))
    if found.touched[-1] > 16 << 20:
        assert sum(found.touched) * cells * short.ROUNDS / per_second < 60


@pytest.mark.parametrize("footprint", [GIB // 4, 32 * GIB])
def test_the_scenario_is_one_and_measures_the_whole_untouched_only(footprint: int) -> None:
    import yaml

    found = short.reach(footprint, cells=7, memory=ROOMY, per_second=2 * GIB)
    document = short.scenario(
        found, strategies=["fork_exec", "vfork_exec"], overcommit="0", commands=[["/bin/echo", "a b"], ["true"]]
    )
    vocabulary = load_catalogue().vocabulary()

    scenario = load(yaml.safe_dump(document), file="x", vocabulary=vocabulary)

    cells = expand(scenario, ram_bytes=64 * GIB, vocabulary=vocabulary)
    assert {(cell.backing, cell.footprint_bytes) for cell in cells} == {
        *(("anon", size) for size in found.touched),
        *([("reserved", footprint)] if found.untouched else []),
    }
    assert {cell.overcommit for cell in cells} == {0}
    assert [command.argv for command in scenario.commands] == [("/bin/echo", "a b"), ("true",)]


def test_however_slow_a_machine_is_three_points_show_a_line() -> None:
    assert short.reach(GIB, cells=7, memory=ROOMY, per_second=1.0).touched == (1 << 20, 4 << 20, 16 << 20)


def test_the_rate_is_tried_and_given_back() -> None:
    assert short.filled_per_second() > 0
