"""`launchbench doctor`: this machine's state, and how to mend it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from conditions import wait_until
from real_overcommit import kept, nobody_else_holds_them

from bench.machine import Settings, groups, missing_right, read_settings
from bench.machine.guard import STATE_FOLDER, Hold, apply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ordinary_user import OrdinaryUser

root = pytest.mark.root
needs_root = pytest.mark.skipif(missing_right() is not None, reason=f"{missing_right()}")
NOTHING = "nothing to restore: no run left vm.overcommit_* changed, control groups or folders\n"


@pytest.fixture
def machine() -> Iterator[Settings]:
    """The machine's own settings, put back whatever the test does."""
    with kept() as settings:
        yield settings


def test_the_state_of_the_machine_is_shown(launchbench: Callable[..., Any]) -> None:
    result = launchbench("doctor")

    assert (result.exit_code, result.stderr) == (0, "")
    for word in ("kernel", "memory", "vm.overcommit_memory = ", "commit limit in mode 2: ", "other modes: ", "noise: "):
        assert word in result.stdout


def test_an_ordinary_user_learns_which_cells_are_skipped(ordinary_user: OrdinaryUser) -> None:
    result = ordinary_user.run("doctor")

    assert result.returncode == 0, result.stderr
    assert (
        "other modes: may not change vm.overcommit_memory (needs root, and a writable /proc/sys/vm): "
        "cells that need one are skipped\n"
    ) in result.stdout


def test_an_ordinary_user_has_nothing_to_restore(ordinary_user: OrdinaryUser) -> None:
    def finds_nothing() -> bool:
        groups.sweep()  # those of workers that other tests have killed; tests beside this one may kill more
        with nobody_else_holds_them():
            result = ordinary_user.run("doctor", "--restore")
        return (result.returncode, result.stdout, result.stderr) == (0, NOTHING, "")

    wait_until(finds_nothing)


@root
@needs_root
def test_with_nothing_left_there_is_nothing_to_restore(machine: Settings, launchbench: Callable[..., Any]) -> None:
    wait_until(lambda: launchbench("doctor", "--restore") == (0, NOTHING, ""))  # as above
    assert read_settings() == machine


@pytest.fixture
def left_changed(machine: Settings) -> Settings:
    """What a killed run leaves: another mode, and a state file that says what was before."""
    hold = Hold()
    apply(0 if machine.memory == 1 else 1, None)
    os.close(hold._lock)
    return machine


@root
@needs_root
def test_what_a_killed_run_left_is_named_and_put_back(left_changed: Settings, launchbench: Callable[..., Any]) -> None:
    assert "a killed run left these settings changed: launchbench doctor --restore\n" in launchbench("doctor").stdout

    result = launchbench("doctor", "--restore")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"restored: vm.overcommit_memory={left_changed.memory} ")
    assert read_settings() == left_changed
    assert "left these settings changed" not in launchbench("doctor").stdout


@root
@needs_root
@pytest.mark.usefixtures("left_changed")
def test_an_ordinary_user_may_not_put_it_back_and_is_told_who_may(ordinary_user: OrdinaryUser) -> None:
    result = ordinary_user.run("doctor", "--restore")

    assert result.returncode == 2
    assert result.stderr == "vm.overcommit_* cannot be put back: Permission denied: run as root\n"
    assert (STATE_FOLDER / "overcommit.json").exists()


@root
@needs_root
def test_a_run_that_goes_on_is_neither_dead_nor_disturbed(machine: Settings, launchbench: Callable[..., Any]) -> None:
    hold = Hold()
    try:
        shown = launchbench("doctor")
        restored = launchbench("doctor", "--restore")
    finally:
        hold.release()

    assert restored.exit_code == 2
    assert restored.stderr.startswith(f"vm.overcommit_* is held by another run (process {os.getpid()})")
    assert len(restored.stderr.splitlines()) == 1
    assert "left these settings changed" not in shown.stdout
    assert read_settings() == machine
