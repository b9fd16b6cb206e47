"""The pacer: asked before every launch, and missed by nobody when it is gone."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest
from imagined_runs import cell, scenario

from bench.measure import LocalPlace
from bench.measure.request import CommandLine
from bench.measure.runner import is_pacing_sound
from bench.measure.samples import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.catalogue import Catalogue
    from bench.machine import GuardProcess
    from bench.measure import Order

PROBE = CommandLine.of(("probe",), "")
CPU = (max(os.sched_getaffinity(0)),)


@pytest.fixture
def place(catalogue: Catalogue, guard: GuardProcess) -> Iterator[LocalPlace]:
    place = LocalPlace(catalogue.build.worker, guard)
    yield place
    place.close()


@pytest.fixture
def paced(order: Callable[..., Order]) -> Callable[..., Order]:
    return lambda *commands, **changes: replace(order(*commands, **changes), cpus=CPU, paced=True)


def pacers(guard: GuardProcess) -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.pid != guard.pid]


@pytest.mark.parametrize(
    "strategy", ["vfork_exec", "fork_exec", "system", "prefork_seqpacket", "subprocess_run", "null"]
)
def test_it_is_asked_before_each_launch(place: LocalPlace, paced: Callable[..., Order], strategy: str) -> None:
    evidence = place.carry_out(paced(PROBE, strategy=strategy, plan=(0,) * 7, warmup=2))

    assert evidence.done
    samples = decode(evidence.samples)
    assert len(samples) == 7
    assert all(0 < sample.pace < 10**9 for sample in samples)
    assert len(evidence.arrivals) == (0 if strategy == "null" else 7 * 16)  # the pacer's own probes write none


def test_an_order_that_is_not_paced_meets_none(
    place: LocalPlace, guard: GuardProcess, order: Callable[..., Order]
) -> None:
    evidence = place.carry_out(replace(order(PROBE), cpus=CPU))

    assert [sample.pace for sample in decode(evidence.samples)] == [0]
    assert not pacers(guard)


def test_one_serves_all_workers_of_a_cpu_and_ends_with_the_place(
    place: LocalPlace, guard: GuardProcess, paced: Callable[..., Order]
) -> None:
    place.carry_out(paced(PROBE))
    (first,) = pacers(guard)
    evidence = place.carry_out(paced(PROBE, strategy="subprocess_run"))

    assert pacers(guard) == [first]
    assert first.cpu_affinity() == list(CPU)
    assert evidence.strays == []
    place.close()
    assert not first.is_running()
    assert not pacers(guard)


def test_a_worker_whose_pacer_dies_goes_on_without(
    place: LocalPlace, guard: GuardProcess, paced: Callable[..., Order]
) -> None:
    place.carry_out(paced(PROBE))
    (pacer,) = pacers(guard)
    kill = CommandLine.of((), f"kill -KILL {pacer.pid}")

    evidence = place.carry_out(paced(PROBE, kill, plan=(0, 0, 1, 0, 0)))

    assert evidence.done
    assert [sample.pace > 0 for sample in decode(evidence.samples)] == [True, True, True, False, False]
    again = place.carry_out(paced(PROBE))
    assert decode(again.samples)[0].pace > 0, "the next worker has another"


@pytest.mark.parametrize("strategy", ["vfork_exec", "subprocess_run"])
def test_a_worker_waits_for_a_pacer_that_does_not_answer_once_only(
    place: LocalPlace, guard: GuardProcess, paced: Callable[..., Order], strategy: str
) -> None:
    place.carry_out(paced(PROBE))
    (pacer,) = pacers(guard)
    pacer.send_signal(signal.SIGSTOP)

    wake = CommandLine.of((), f"kill -CONT {pacer.pid}")

    evidence = place.carry_out(paced(PROBE, wake, strategy=strategy, plan=(1, *(0,) * 9)))

    assert evidence.done
    assert [sample.pace for sample in decode(evidence.samples)] == [0] * 10


@pytest.mark.parametrize("strategy", ["vfork_exec", "fork_exec", "posix_spawn", "subprocess_close_fds_false"])
def test_no_command_inherits_the_way_to_it(
    place: LocalPlace, paced: Callable[..., Order], strategy: str, tmp_path: Path
) -> None:
    listing = CommandLine.of((), f"ls -l /proc/$$/fd >> {tmp_path}/seen")

    place.carry_out(paced(listing, strategy=strategy))

    seen = (tmp_path / "seen").read_text()
    assert "/dev/null" in seen
    assert "socket" not in seen


def test_it_is_left_out_where_it_says_nothing_or_stands_in_the_way() -> None:
    plain = cell("vfork_exec")
    cases = {
        "one CPU": (plain, {}, (1,), True),
        "free": (plain, {}, None, False),
        "two CPUs": (plain, {}, (0, 1), False),
        "several in flight": (replace(plain, in_flight=4), {}, (1,), False),
        "bystanders": (replace(plain, bystanders=1), {}, (1,), False),
        "limits": (replace(plain, nofile_limit=64), {}, (1,), False),
        "writes": (plain, {"writes": 8}, (1,), False),
    }
    for name, (one, changes, cpus, sound) in cases.items():
        assert is_pacing_sound(one, scenario(**changes), cpus) is sound, name
