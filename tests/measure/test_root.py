"""Workers in another root: they see its files, run with its libraries, and leave no mount and no change behind."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import small_root

from bench.catalogue import Catalogue, build_of
from bench.machine import GuardProcess, Limits
from bench.measure import NoPlaceError, Order, RootSite, adopting
from bench.measure.evidence import outcome
from bench.measure.request import CommandLine, Request
from bench.measure.root import RootPlace
from bench.measure.samples import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.record import PlaceFields

DESCRIPTION: PlaceFields = {"distro": "Small 1", "libc": "glibc 2.36"}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to change roots")


@pytest.fixture
def guard() -> Iterator[GuardProcess]:
    with adopting(), GuardProcess() as guard:
        yield guard


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_root.make(tmp_path / "root")


@pytest.fixture
def place(catalogue: Catalogue, guard: GuardProcess, root: Path) -> RootPlace:
    return RootPlace(catalogue.build.worker, guard, root, DESCRIPTION)


@pytest.fixture
def order(catalogue: Catalogue) -> Callable[..., Order]:
    def make(*commands: CommandLine, strategy: str = "vfork_exec", worker: str = "glibc", **changes: Any) -> Order:
        entry = catalogue.strategy(strategy)
        request = Request(
            strategy=strategy,
            reaper="own" if entry.own_reaper else "waitpid",
            hygiene="none",
            backing="anon",
            footprint_bytes=1 << 20,
            open_files=0,
            time_limit_ns=60_000_000_000,
            warmup=0,
            plan=tuple(range(len(commands))),
            commands=commands,
        )
        program = build_of(worker).worker
        return Order((str(program),), replace(request, **changes), cpus=None, mode=None)

    return make


def shell(text: str) -> CommandLine:
    return CommandLine.of((), text)


def statuses(place: RootPlace, asked: Order) -> list[tuple[int, int]]:
    """Errno and exit status of each launch."""
    evidence = place.carry_out(asked)
    assert outcome(evidence) == {"kind": "finished"}, evidence.stderr
    assert evidence.strays == []
    return [(one.error, os.waitstatus_to_exitcode(one.status)) for one in decode(evidence.samples)]


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Everything below a folder, with what a change would change."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


@pytest.mark.parametrize("strategy", ["vfork_exec", "fork_exec", "posix_spawn", "system", "prefork_seqpacket"])
def test_commands_are_those_of_the_root(place: RootPlace, order: Callable[..., Order], strategy: str) -> None:
    assert not Path(small_root.MARK).exists()
    missing = CommandLine.of(("/usr/bin/env",), "")  # there is one here, and none there

    asked = order(CommandLine.of(("probe",), ""), shell(f"test -e {small_root.MARK}"), missing, strategy=strategy)
    seen = statuses(place, asked)

    assert seen[:2] == [(0, 0), (0, 0)]
    assert seen[2][0] == errno.ENOENT or seen[2][1] == 127


def test_the_probe_arrives_and_says_when(place: RootPlace, order: Callable[..., Order]) -> None:
    evidence = place.carry_out(order(CommandLine.of(("probe",), ""), plan=(0,) * 5))

    assert len(evidence.arrivals) > 0
    assert len(decode(evidence.samples)) == 5


def test_its_calls_are_observed_there(place: RootPlace, order: Callable[..., Order]) -> None:
    told = place.observe(order(CommandLine.of(("probe",), "")))

    assert told is not None
    assert told.splitlines()[-2:] == ["worker vfork", "child execve"]


def test_it_has_a_proc_and_devices_of_the_machine(place: RootPlace, order: Callable[..., Order]) -> None:
    kernel = Path("/proc/sys/kernel/osrelease").read_text().strip()
    same = f'read it < /proc/sys/kernel/osrelease && test "$it" = {kernel} && echo > /dev/null'

    assert statuses(place, order(shell(same))) == [(0, 0)]


def test_commands_cannot_change_the_root_and_may_use_tmp(
    place: RootPlace, order: Callable[..., Order], root: Path
) -> None:
    before = tree(root)
    commands = [shell("! { echo > /etc/new; } 2> /dev/null"), shell("echo > /tmp/new")]

    assert statuses(place, order(*commands)) == [(0, 0), (0, 0)]
    assert tree(root) == before


def test_its_mounts_are_its_own(place: RootPlace, order: Callable[..., Order]) -> None:
    """A command in the root sees them, and this process, looked at meanwhile, does not."""

    def sees(process: int | str) -> CommandLine:
        lines = f'while read line; do case "$line" in *{place._scratch.name}*) exit 0;; esac; done'
        return shell(f"{lines} < /proc/{process}/mountinfo; exit 1")

    before = Path("/proc/self/mountinfo").read_text()

    assert statuses(place, order(sees("self"), sees(os.getpid()))) == [(0, 0), (0, 1)]
    assert Path("/proc/self/mountinfo").read_text() == before


def test_the_scratch_folder_goes_and_the_root_stays(
    catalogue: Catalogue, root: Path, order: Callable[..., Order]
) -> None:
    """GIVEN a worker that was killed in the root WHEN the run ends THEN what is cleaned up is not what was mounted."""
    before = tree(root)
    with adopting(), GuardProcess() as guard:
        place = RootPlace(catalogue.build.worker, guard, root, DESCRIPTION)
        evidence = place.carry_out(order(shell("kill -9 $PPID; sleep 60")))
        scratch = place._scratch
        assert scratch.exists()

    assert outcome(evidence)["kind"] == "crashed"
    assert not scratch.exists()
    assert tree(root) == before


def test_a_static_worker_runs_where_a_dynamic_one_cannot(
    catalogue: Catalogue, guard: GuardProcess, tmp_path: Path, order: Callable[..., Order]
) -> None:
    bare = small_root.make(tmp_path / "bare", libraries=False)
    place = RootPlace(catalogue.build.worker, guard, bare, DESCRIPTION)
    probe = CommandLine.of(("probe",), "")

    for _ in range(2):  # the second worker is told the same
        with pytest.raises(NoPlaceError, match=r"^the worker does not run in Small 1: .*No such file or directory$"):
            place.carry_out(order(probe))
    assert statuses(place, order(probe, worker="glibc-static")) == [(0, 0)]


def test_a_site_opens_it_and_says_what_it_is(catalogue: Catalogue, guard: GuardProcess, root: Path) -> None:
    site = RootSite(root, DESCRIPTION, catalogue.build, guard)

    with site.open(0) as place:
        assert place.describe() == DESCRIPTION
    assert (site.clock, site.boots) == ("hardware", 1)


def test_without_the_right_there_is_no_place(
    catalogue: Catalogue, guard: GuardProcess, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(NoPlaceError, match="needs root"), RootSite(root, DESCRIPTION, catalogue.build, guard).open(0):
        pass


def test_a_worker_that_may_not_fork_is_the_roots_own_program(place: RootPlace, order: Callable[..., Order]) -> None:
    asked = order(CommandLine.of(("probe",), ""), strategy="fork_exec")
    (program,) = asked.worker

    evidence = place.carry_out(replace(asked, worker=(program, "no_fork", program)))

    assert outcome(evidence) == {"kind": "finished"}, evidence.stderr
    assert [one.error for one in decode(evidence.samples)] == [errno.ENOSYS]


def test_a_worker_of_another_user_finds_its_programs_there(place: RootPlace, order: Callable[..., Order]) -> None:
    """RLIMIT_NPROC binds an ordinary user only, so that is what such a worker becomes."""
    asked = replace(order(CommandLine.of(("probe",), "")), limits=Limits(nproc=20))

    assert statuses(place, asked) == [(0, 0)]
