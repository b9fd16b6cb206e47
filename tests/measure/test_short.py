"""What is measured of a footprint in under a minute."""

import time
from dataclasses import replace
from pathlib import Path, PurePath

import psutil
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


def test_a_slow_command_is_launched_less_often_and_leaves_less_time_for_memory() -> None:
    quick = short.reach(8 * GIB, cells=7, memory=ROOMY, per_second=2 * GIB)
    slow = short.reach(8 * GIB, cells=7, memory=ROOMY, per_second=2 * GIB, command_seconds=0.02)

    assert (quick.pace.slowed, quick.pace.launches) == (False, short.LAUNCHES)
    assert slow.pace.slowed
    assert 1 <= slow.pace.launches < short.LAUNCHES
    assert slow.touched[-1] < quick.touched[-1]


@pytest.mark.parametrize(("seconds", "sizes"), [(0.01, 3), (0.06, 2), (0.1, 1)])
def test_a_slower_one_is_measured_at_fewer_sizes(seconds: float, sizes: int) -> None:
    found = short.reach(8 * GIB, cells=7, memory=ROOMY, per_second=2 * GIB, command_seconds=seconds)

    assert len(found.touched) == sizes


@pytest.mark.parametrize("seconds", [0.3, 5.0])
def test_one_that_takes_too_long_is_refused(seconds: float) -> None:
    with pytest.raises(short.CommandError, match="too long to be launched often enough in a minute"):
        short.reach(GIB, cells=7, memory=ROOMY, per_second=2 * GIB, command_seconds=seconds)


@pytest.mark.parametrize("footprint", [1 << 20, GIB, 40 * GIB])
@pytest.mark.parametrize("seconds", [0.0, 0.003, 0.01, 0.03, 0.06])
def test_all_that_is_launched_fits_into_the_minute(footprint: int, seconds: float) -> None:
    found = short.reach(footprint, cells=7, memory=ROOMY, per_second=2 * GIB, command_seconds=seconds)

    footprints = len(found.touched) + (found.untouched is not None)
    launches = found.pace.warmup + found.pace.launches
    workers = short.ROUNDS * 7
    assert workers * footprints * launches * (seconds if found.pace.slowed else 0) < 40
    assert sum(found.touched) * workers / (2 * GIB) < 40


def test_a_rehearsal_takes_the_slowest_of_the_mix() -> None:
    assert short.rehearse([], PurePath("/nowhere")) == 0
    assert short.rehearse([["true"], ["sleep", "0.2"]], PurePath("/nowhere")) >= 0.2


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["/no/such"], "cannot be launched: No such file or directory"),
        (["false"], "exits 1, and must exit 0"),
        (["sh", "-c", "kill -TERM $$"], "is killed by SIGTERM"),
    ],
)
def test_what_fails_in_rehearsal_says_how(argv: list[str], why: str) -> None:
    with pytest.raises(short.CommandError, match=why):
        short.rehearse([argv], PurePath("/nowhere"))


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_what_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short, "_PATIENCE_SECONDS", 0.5)
    number = tmp_path / "number"

    with pytest.raises(short.CommandError, match="did not end within"):
        short.rehearse([["sh", "-c", f"sleep 60 & echo $! > {number}; wait"]], PurePath("/nowhere"))

    child = int(number.read_text())
    until = time.monotonic() + 10  # it has been killed, and gets its signal when it next runs
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_alive(child)
