"""What a command inherits, as the command itself reports it, held against what each hygiene promises."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from worker_driver import PROBE, Conversation, Done, request

from bench import catalogue as catalogues
from bench.catalogue import Catalogue, Entry
from bench.measure.inherited import Inherited, read
from bench.measure.request import INHERITED

Launch = Callable[..., Done]
Talk = Callable[..., Conversation]

HIGH = 1100
"""More descriptors than the loop to 1023 reaches, and fewer than the usual limit allows."""


@pytest.fixture
def inherits(talk: Talk, tmp_path: Path) -> Callable[..., Inherited]:
    """Launch a probe with a hygiene, and return what it inherited."""

    def launch(entry: Entry, hygiene: str, **settings: object) -> Inherited:
        told = tmp_path / "inherited"
        told.touch()
        worker = talk(entry, isolate=["open_files=max"])
        environment = {**worker.environment, INHERITED: str(told)}
        done = worker.carry_out(request(entry, PROBE, hygiene=hygiene, inheritable=True, **settings), environment)
        assert done.arrivals, done
        return read(told.read_text().splitlines()[-1])

    return launch


def test_without_hygiene_everything_inheritable_is_inherited(
    catalogue: Catalogue, inherits: Callable[..., Inherited]
) -> None:
    found = inherits(catalogue.strategy("vfork_exec"), "none", open_files=7)

    assert len(found.beyond_standard) == 7
    assert (found.blocked, found.ignored) == ((), ())


def _closing() -> list[str]:
    return [
        entry.name for entry in catalogues.load().of("hygiene") if entry.available and "descriptors" in entry.promises
    ]


@pytest.mark.parametrize("name", ["fork_exec", "vfork_exec", "clone_vm", "clone_vm_vfork", "clone3_vfork", "shim"])
@pytest.mark.parametrize("hygiene", _closing())
def test_what_is_closed_is_not_inherited(
    catalogue: Catalogue, inherits: Callable[..., Inherited], name: str, hygiene: str
) -> None:
    found = inherits(catalogue.strategy(name), hygiene, open_files=50)

    assert found.beyond_standard == ()


@pytest.mark.parametrize("name", ["posix_spawn", "posix_spawnp"])
@pytest.mark.parametrize("hygiene", ["closefrom", "cloexec"])
def test_posix_spawn_is_asked_to_close(
    catalogue: Catalogue, inherits: Callable[..., Inherited], name: str, hygiene: str
) -> None:
    assert inherits(catalogue.strategy(name), hygiene, open_files=50).beyond_standard == ()


def test_a_loop_to_1023_leaves_what_is_above(catalogue: Catalogue, inherits: Callable[..., Inherited]) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < HIGH + 50:
        pytest.skip(f"needs a hard limit of {HIGH + 50} open files")

    found = inherits(catalogue.strategy("vfork_exec"), "close_to_1023", open_files=HIGH)

    assert found.beyond_standard
    assert min(found.beyond_standard) == 1024


@pytest.mark.parametrize("hygiene", ["close_range", "close_proc_fd", "closefrom"])
def test_others_miss_none_however_high(catalogue: Catalogue, inherits: Callable[..., Inherited], hygiene: str) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < HIGH + 50:
        pytest.skip(f"needs a hard limit of {HIGH + 50} open files")

    assert inherits(catalogue.strategy("fork_exec"), hygiene, open_files=HIGH).beyond_standard == ()


@pytest.mark.parametrize("hygiene", ["sigchld_blocked", "signals_reset"])
@pytest.mark.parametrize("name", ["fork_exec", "vfork_exec", "posix_spawn", "posix_spawnp", "thread_fork_exec"])
def test_signals_that_are_blocked_around_the_launch_are_not_blocked_in_the_command(
    catalogue: Catalogue, inherits: Callable[..., Inherited], name: str, hygiene: str
) -> None:
    assert inherits(catalogue.strategy(name), hygiene).blocked == ()


@pytest.mark.parametrize("name", ["system", "popen", "prefork_seqpacket", "posix_spawn_actions"])
def test_a_strategy_without_a_place_for_it_says_so(catalogue: Catalogue, talk: Talk, name: str) -> None:
    entry = catalogue.strategy(name)

    answer = talk(entry).ask(request(entry, PROBE, hygiene="close_range"))

    assert answer["state"] == "unsupported"
    assert "no place between launch and exec" in answer["reason"]


def test_a_helper_from_before_passes_nothing_on(catalogue: Catalogue, inherits: Callable[..., Inherited]) -> None:
    found = inherits(catalogue.strategy("prefork_seqpacket"), "none", open_files=50)

    assert found.beyond_standard == ()


@pytest.mark.parametrize("name", ["fork_exec", "vfork_exec", "double_fork", "clone_vm", "clone3_vfork"])
def test_reset_signals_are_not_inherited_ignored(
    catalogue: Catalogue, inherits: Callable[..., Inherited], name: str
) -> None:
    entry = catalogue.strategy(name)

    assert inherits(entry, "none", reaper="sig_ign").ignored == (signal.SIGCHLD,)
    assert inherits(entry, "signals_reset", reaper="sig_ign").ignored == ()


def test_glibcs_posix_spawn_passes_its_own_two_signals_on_ignored(
    catalogue: Catalogue, inherits: Callable[..., Inherited]
) -> None:
    """sysdeps/unix/sysv/linux/spawni.c ignores SIGCANCEL and SIGSETXID in the child whatever it was asked for."""
    found = inherits(catalogue.strategy("posix_spawn"), "signals_reset", reaper="sig_ign")

    assert set(found.ignored) <= {32, 33}
    assert signal.SIGCHLD not in found.ignored


def test_a_reaper_that_blocks_a_signal_passes_that_on(catalogue: Catalogue, inherits: Callable[..., Inherited]) -> None:
    assert inherits(catalogue.strategy("vfork_exec"), "none", reaper="signalfd").blocked == (signal.SIGCHLD,)
    assert inherits(catalogue.strategy("vfork_exec"), "signals_reset", reaper="signalfd").blocked == ()


def test_a_command_born_in_another_group_is_there(catalogue: Catalogue, inherits: Callable[..., Inherited]) -> None:
    entry = catalogue.strategy("clone3_into_cgroup")
    if not entry.available:
        pytest.skip(str(entry.reason))

    assert "/launchbench-" in inherits(entry, "none").cgroup
    assert "/launchbench-" not in inherits(catalogue.strategy("clone3_vfork"), "none").cgroup
