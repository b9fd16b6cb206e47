"""What happens in the worker while a command lives: its own writes, and the threads that stand by."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from worker_driver import MIB, PROBE, Conversation, Done, command, request

from bench.catalogue import Catalogue
from bench.record import STAGES

Talk = Callable[..., Conversation]
Launch = Callable[..., Done]

NONE = STAGES.index("none")
PAGES = 1024
PAGE = 4096


@pytest.mark.parametrize("name", ["fork_exec", "double_fork", "thread_fork_exec", "fork_dontfork"])
def test_writes_while_a_child_is_held_are_made_before_it_becomes_the_command(
    catalogue: Catalogue, launch: Launch, name: str
) -> None:
    done = launch(
        catalogue.strategy(name), PROBE, footprint_bytes=8 * MIB, writes=PAGES, hold_child=True, plan=(0,) * 3
    )

    assert [sample.has_status for sample in done.samples] == [1, 1, 1]
    for sample, arrival in zip(done.samples, done.arrivals, strict=True):
        assert sample.written > 0
        # The command was reached only after the writes were over.
        assert arrival.reached - sample.call > sample.written
        assert sample.reaped == 0


def test_a_held_copy_makes_the_worker_copy_each_page(catalogue: Catalogue, launch: Launch) -> None:
    copied = launch(
        catalogue.strategy("fork_exec"), PROBE, footprint_bytes=8 * MIB, writes=PAGES, hold_child=True, plan=(0,)
    )

    # One fault a page: the child has the pages too (copy-on-write).
    assert copied.samples[0].minor_faults >= PAGES


@pytest.mark.parametrize("name", ["vfork_exec", "posix_spawn", "prefork_seqpacket", "fork_dontfork"])
def test_memory_that_is_not_copied_is_written_without_faults(catalogue: Catalogue, launch: Launch, name: str) -> None:
    done = launch(catalogue.strategy(name), PROBE, footprint_bytes=8 * MIB, writes=PAGES, plan=(0,) * 3)

    assert all(sample.written > 0 and sample.minor_faults < PAGES for sample in done.samples)


def test_a_forks_copy_costs_a_fault_a_page_even_when_it_has_gone(catalogue: Catalogue, launch: Launch) -> None:
    done = launch(catalogue.strategy("fork_exec"), PROBE, footprint_bytes=8 * MIB, writes=PAGES, plan=(0,) * 3)

    assert all(sample.minor_faults >= PAGES for sample in done.samples)


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("vfork_exec", {"writes": 1, "hold_child": True}, "cannot be held before the exec"),
        ("posix_spawn", {"writes": 1, "hold_child": True}, "cannot be held before the exec"),
        ("system", {"writes": 1}, "there is no meanwhile"),
        ("fork_exec", {"writes": 1, "in_flight": 2}, "one command is alive, not many"),
        ("fork_exec", {"writes": 2 * MIB // PAGE}, "cannot be written"),
    ],
)
def test_writes_that_cannot_be_say_so(
    catalogue: Catalogue, talk: Talk, name: str, settings: dict[str, object], reason: str
) -> None:
    entry = catalogue.strategy(name)

    answer = talk(entry).ask(request(entry, PROBE, **settings))

    assert answer["state"] == "unsupported"
    assert reason in answer["reason"]


@pytest.mark.parametrize("name", ["fork_exec", "vfork_exec", "posix_spawn", "system"])
def test_bystanders_are_watched_with_and_without_launches(catalogue: Catalogue, launch: Launch, name: str) -> None:
    done = launch(catalogue.strategy(name), PROBE, bystanders=3, plan=(0,) * 20)

    assert all(sample.has_status for sample in done.samples)
    assert done.done["bystander_max_ns"] > 0
    assert done.done["bystander_control_max_ns"] > 0


def test_without_bystanders_none_are_reported(catalogue: Catalogue, launch: Launch) -> None:
    done = launch(catalogue.strategy("vfork_exec"), PROBE)

    assert (done.done["bystander_max_ns"], done.done["bystander_control_max_ns"]) == (0, 0)


@pytest.mark.parametrize("hold_child", [False, True])
@pytest.mark.parametrize("name", ["thread_fork_exec", "thread_vfork_exec", "prefork_seqpacket", "prefork_pipe"])
def test_a_launch_that_fails_elsewhere_is_not_waited_for(
    catalogue: Catalogue, talk: Talk, name: str, *, hold_child: bool
) -> None:
    entry = catalogue.strategy(name)
    if hold_child and name != "thread_fork_exec":
        pytest.skip("its child cannot be held")
    worker = talk(entry)
    asked = request(entry, command("/no/such/command"), writes=4, hold_child=hold_child, plan=(0,) * 2)
    if hold_child:
        asked = request(entry, PROBE, writes=4, hold_child=True, plan=(0,) * 2)

    done = worker.carry_out(asked)

    assert len(done.samples) == 2
    # A helper that tells a failed exec as a shell does has launched something, for all that is known.
    assert all((sample.written > 0) == (sample.stage == NONE) for sample in done.samples)
    assert hold_child or name == "prefork_pipe" or all(sample.stage != NONE for sample in done.samples)
