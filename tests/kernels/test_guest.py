"""Guests under QEMU: other kernels run the same orders, with the same evidence, and nothing of a guest outlives it.

A kernel is taken from the cache, or fetched; where neither is possible the tests that need it say so.
"""

from __future__ import annotations

import errno
import functools
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.catalogue import Build, MissingToolError, build_of
from bench.kernels import KernelImage, SourceError, initramfs, obtain_kernel, qemu
from bench.kernels.guest import GuestPlace, GuestSite
from bench.kernels.link import Link
from bench.kernels.qemu import Machine, started
from bench.machine import Limits
from bench.measure import Evidence, NoPlaceError, Order, PlaceLostError, observed
from bench.measure.evidence import Mode, outcome
from bench.measure.request import CommandLine, Request
from bench.measure.samples import decode, decode_arrivals

MIB = 1 << 20
PROBE = CommandLine.of(("probe",), "")
KERNELS = ("5.10", "6.1")
PATIENCE_S = 60.0


@functools.cache
def image(name: str) -> KernelImage | str:
    """A kernel, or why there is none."""
    try:
        return obtain_kernel(name, lambda *_: None)
    except SourceError as error:
        return str(error)


@functools.cache
def static_build() -> Build | str:
    try:
        return build_of("glibc-static")
    except MissingToolError as error:
        return str(error)


def needed(name: str) -> tuple[KernelImage, Build]:
    """What a guest takes; skips when something of it is not there."""
    reason = qemu.missing()
    if reason:
        pytest.skip(reason)
    build, kernel = static_build(), image(name)
    if isinstance(build, str):
        pytest.skip(build)
    if isinstance(kernel, str):
        pytest.skip(f"no kernel {name}: {kernel}")
    return kernel, build


@pytest.fixture(scope="module", params=KERNELS)
def guest(request: pytest.FixtureRequest) -> Iterator[tuple[str, GuestPlace]]:
    """One boot of each kernel, shared by the tests: emulated, for KVM is tried elsewhere."""
    kernel, _ = needed(request.param)
    site = GuestSite(kernel)
    site.engine = "tcg"
    with site.open(0) as place:
        yield request.param, place


def order(strategy: str = "vfork_exec", **settings: Any) -> Order:
    build = static_build()
    assert isinstance(build, Build)
    mode, limits = settings.pop("mode", None), settings.pop("limits", Limits())
    plain: dict[str, Any] = {
        "reaper": "own" if strategy.startswith(("prefork", "null")) else "waitpid",
        "hygiene": "none",
        "backing": "anon",
        "footprint_bytes": 32 * MIB,
        "open_files": 0,
        "time_limit_ns": 20 * 10**9,
        "warmup": 2,
        "plan": (0,) * 7,
        "commands": (PROBE,),
    }
    return Order((str(build.worker),), Request(strategy=strategy, **(plain | settings)), (0,), mode, limits)


def failures(evidence: Evidence) -> set[tuple[int, int]]:
    """Stage and errno of every launch; (0, 0) is none."""
    return {(sample.stage, sample.error) for sample in decode(evidence.samples)}


# ---- the same orders, the same evidence


def test_it_is_another_kernel_and_says_so(guest: tuple[str, GuestPlace]) -> None:
    name, place = guest

    told = place.describe()

    assert told["kernel"].startswith(f"{name}.")
    assert told["clock"] == "emulated"
    assert told["boot"]
    kernel, _ = needed(name)
    assert told["image"] == sha256(kernel.path.read_bytes()).hexdigest()
    assert told["source"] == f"{kernel.package} {kernel.version} of {kernel.suite}"
    assert told["entry"] == "pvh", "both are since Linux 5.0, and Debian's have CONFIG_PVH"
    assert place.cpus() == (0,)
    assert place.missing_right() is None
    assert 900 * MIB < place.memory().total_bytes < 1024 * MIB


def test_its_clock_is_one_that_a_busy_host_does_not_mislead(guest: tuple[str, GuestPlace]) -> None:
    path = "/sys/devices/system/clocksource/clocksource0/current_clocksource"

    assert guest[1]._link.read([path], PATIENCE_S) == {path: "hpet\n"}


def test_its_kernel_need_not_do_without_chance(guest: tuple[str, GuestPlace]) -> None:
    # Until it has gathered enough, every exec takes a slow way: a third of a launch in a guest that meets nothing.
    path = "/proc/sys/kernel/random/entropy_avail"

    assert int(guest[1]._link.read([path], PATIENCE_S)[path]) >= 256


@pytest.mark.parametrize("strategy", ["null", "fork_exec", "vfork_exec", "posix_spawn", "prefork_seqpacket"])
def test_a_worker_leaves_what_it_leaves_everywhere(guest: tuple[str, GuestPlace], strategy: str) -> None:
    evidence = guest[1].carry_out(order(strategy))

    assert outcome(evidence) == {"kind": "finished"}
    assert failures(evidence) == {(0, 0)}
    assert len(decode(evidence.samples)) == 7
    assert len(decode_arrivals(evidence.arrivals)) == (0 if strategy == "null" else 7)
    assert evidence.ready is not None
    assert evidence.ready["rss"] == 32 * MIB
    assert evidence.counted_ready == evidence.counted_done is not None
    assert evidence.counted_ready.children == (1 if strategy.startswith("prefork") else 0)
    assert evidence.strays == []
    assert set(evidence.spent) == {"start", "footprint", "launches", "release", "overhead"}


def test_the_mechanism_is_observed(guest: tuple[str, GuestPlace]) -> None:
    _, place = guest

    assert observed.read(place.observe(order("fork_exec"))).mechanism == "clone(SIGCHLD) -> execve"
    seen = observed.read(place.observe(order("vfork_exec")))
    assert seen.mechanism == "vfork -> execve"
    assert seen.inherited is not None
    assert seen.inherited.beyond_standard == ()


@functools.cache
def opened_to_write() -> list[str]:
    """What this process opened for writing, from the first call on."""
    paths: list[str] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            paths.append(str(arguments[0]))

    sys.addaudithook(note)
    return paths


def settings_written() -> list[str]:
    """Those of the kernel's settings on this machine that this process opened for writing, in order."""
    return [path for path in opened_to_write() if path.startswith("/proc/sys/")]


def test_modes_are_the_guests_and_put_back(guest: tuple[str, GuestPlace]) -> None:
    # GIVEN a commit limit that lets the footprint in and its copy not
    _, place = guest
    mode = Mode(2, 48 * MIB, while_mapping=False)
    there, before = place.settings(), settings_written()

    # WHEN the worker copies itself, or does not
    copies, shares = (place.carry_out(order(name, mode=mode)) for name in ("fork_exec", "vfork_exec"))

    # THEN the kernel refuses the copy alone, in the guest alone
    assert failures(copies) == {(1, errno.ENOMEM)}
    assert failures(shares) == {(0, 0)}
    assert copies.in_force is not None
    assert copies.in_force["mode"] == 2
    assert place.settings() == there

    # AND this machine's were not written. (Tests beside this one may change them, and before and after a run they are
    # the same anyway: what tells is whether they were opened; that the test would see it is tried here too.)
    assert settings_written() == before
    with suppress(OSError):
        os.close(os.open("/proc/sys/vm/overcommit_memory", os.O_WRONLY))
    assert settings_written() == [*before, "/proc/sys/vm/overcommit_memory"]


@pytest.mark.parametrize("limits", [Limits(pids=1), Limits(nproc=1)])
def test_a_limit_on_processes_is_an_errno(guest: tuple[str, GuestPlace], limits: Limits) -> None:
    evidence = guest[1].carry_out(order(limits=limits))

    assert failures(evidence) == {(1, errno.EAGAIN)}
    assert evidence.held is not None
    assert evidence.held.limits == limits


def test_a_worker_over_its_memory_limit_is_killed_for_it(guest: tuple[str, GuestPlace]) -> None:
    _, place = guest

    killed = place.carry_out(order(limits=Limits(memory_bytes=16 * MIB)))

    assert outcome(killed) == {"kind": "oom_killed", "reason": "while mapping"}
    assert killed.held is not None
    assert killed.held.counted.oom_kills == 1
    assert outcome(place.carry_out(order())) == {"kind": "finished"}


def test_what_the_guest_lacks_is_unsupported(guest: tuple[str, GuestPlace]) -> None:
    _, place = guest
    python = replace(order(), worker=(sys.executable, "worker.py"))

    for asked, lacking in (
        (order(commands=(CommandLine.of((), "true"),)), "no /bin/sh"),
        (python, "has no python"),
    ):
        refused = outcome(place.carry_out(asked))
        assert refused["kind"] == "unsupported"
        assert lacking in refused["reason"]


@pytest.mark.parametrize("strategy", ["system", "popen", "prefork_system"])
def test_a_way_that_needs_a_shell_says_that_there_is_none(guest: tuple[str, GuestPlace], strategy: str) -> None:
    own = order(strategy)

    refused = guest[1].carry_out(replace(own, request=replace(own.request, reaper="own")))

    assert outcome(refused) == {"kind": "unsupported", "reason": "there is no /bin/sh here"}


def test_a_burst_leaves_what_a_reaper_loses(guest: tuple[str, GuestPlace]) -> None:
    # GIVEN twenty commands that end at one moment
    burst = {"in_flight": 20, "burst": True, "plan": (0,) * 20, "warmup": 0}

    once, loop = (guest[1].carry_out(order(reaper=reaper, **burst)) for reaper in ("sigchld_wait_once", "sigchld_loop"))

    # THEN one signal stands for many of them
    statuses = [sum(sample.has_status for sample in decode(evidence.samples)) for evidence in (once, loop)]
    assert statuses[0] < 20
    assert statuses[1] == 20


# ---- what only another kernel shows


# A copy of what holds more than half of the memory: mode 0 asked whether it fits into what is free, and since Linux 5.2
# only whether one mapping is larger than RAM and swap.
HALF = {"footprint_bytes": 560 * MIB, "plan": (0,) * 3, "warmup": 0}


def test_the_heuristic_refused_a_copy_that_does_not_fit() -> None:
    kernel, _ = needed("4.4")
    site = GuestSite(kernel)
    site.engine = "tcg"

    with site.open(0) as place:
        copies, shares = (place.carry_out(order(name, **HALF)) for name in ("fork_exec", "vfork_exec"))

    assert failures(copies) == {(1, errno.ENOMEM)}
    assert failures(shares) == {(0, 0)}


def test_the_heuristic_allows_it_since_5_2(guest: tuple[str, GuestPlace]) -> None:
    assert failures(guest[1].carry_out(order("fork_exec", **HALF))) == {(0, 0)}


# ---- guests that are lost


@pytest.fixture
def machine() -> Machine:
    kernel, build = needed("6.1")
    # The probe is a first process that ends at once, and without a first process a kernel panics.
    init = initramfs.program("init", (build.folder / "probe").read_bytes())
    return Machine("tcg", kernel.path.read_bytes(), initramfs.archive([init]), 256 * MIB)


def lost(machine: Machine, patience_s: float = PATIENCE_S) -> PlaceLostError:
    build = static_build()
    assert isinstance(build, Build)
    with started(machine, build.worker) as emulator, pytest.raises(PlaceLostError) as raised:
        Link(emulator).greet(patience_s)
    return raised.value


def test_a_panic_is_told_with_its_console(machine: Machine) -> None:
    error = lost(machine)

    assert error.kind == "crashed"
    assert error.reason.startswith("the guest's kernel panicked while booting: Attempted to kill init!")
    assert "Kernel panic" in error.console


def test_what_is_no_kernel_is_told_in_qemus_words(machine: Machine) -> None:
    error = lost(replace(machine, kernel=b"no kernel" * 1000))

    assert (error.kind, error.reason) == ("crashed", "the guest ended while booting")
    assert "kernel" in error.console


def test_a_guest_that_says_nothing_hangs(machine: Machine) -> None:
    error = lost(machine, patience_s=0.1)

    assert error.kind == "hung"
    assert "booting" in error.reason


def test_a_guest_that_is_abandoned_while_it_boots_is_lost_at_once() -> None:
    kernel, _ = needed("6.1")
    site = GuestSite(kernel)
    site.engine = "tcg"
    site.abandon()

    with pytest.raises(PlaceLostError) as raised, site.open(0):
        pass

    assert (raised.value.kind, raised.value.reason) == ("crashed", "the guest ended while booting")


RUNNER = """
    import sys, time
    from pathlib import Path
    from bench.kernels.qemu import Machine, started

    kernel, isolator = map(Path, sys.argv[1:])
    with started(Machine("tcg", kernel.read_bytes(), b"", 256 << 20), isolator):
        print("started", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_runner_that_is_ended_leaves_no_guest(number: signal.Signals, tmp_path: Path) -> None:
    # GIVEN a runner with a guest
    kernel, build = needed("6.1")
    runner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUNNER), kernel.path, build.worker],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    with runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == b"started\n"
        (emulator,) = psutil.Process(runner.pid).children()

        # WHEN it is ended, in whatever way
        runner.send_signal(number)
        runner.wait(PATIENCE_S)

    # THEN so is the emulator, and there is no file that it could have left
    await_condition(lambda: not emulator.is_running() or emulator.status() == psutil.STATUS_ZOMBIE)
    assert list(tmp_path.iterdir()) == []


def await_condition(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "the condition never came to hold"
        time.sleep(0.01)


# ---- sites


def test_a_guest_that_takes_more_than_there_is_is_not_booted() -> None:
    kernel, _ = needed(KERNELS[0])
    site = GuestSite(kernel, memory_bytes=1 << 50)

    with (
        pytest.raises(NoPlaceError, match=r"a guest of 1PiB needs 1PiB, and there is .* of RAM: ask for smaller"),
        site.open(0),
    ):
        pytest.fail("it was booted")


def test_a_kernel_that_does_not_tell_what_is_asked_is_no_place_for_a_worker() -> None:
    class Link310(Link):
        def __init__(self) -> None:
            """A kernel before 3.14."""

        def read(self, paths: Iterable[str], patience_s: float) -> dict[str, str]:
            del patience_s
            return {path: "0\n" for path in paths if path.endswith(("overcommit_memory", "overcommit_ratio"))}

    place = GuestPlace(Link310(), "tcg", {}, None, {})

    with pytest.raises(NoPlaceError, match=r"^the guest's kernel has no /proc/sys/vm/overcommit_kbytes$"):
        place.settings()
    with pytest.raises(NoPlaceError, match=r"^the guest's /proc/meminfo does not tell MemTotal"):
        place.memory()


def test_a_build_that_needs_a_library_needs_a_distro() -> None:
    kernel, _ = needed("6.1")

    with pytest.raises(NoPlaceError, match="--worker glibc-static"):
        GuestSite(kernel).build("glibc")


def test_without_qemu_there_is_no_site_and_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("guests are of x86_64")
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(NoPlaceError, match=r"package qemu-system-x86"):
        GuestSite(KernelImage("6.1", "6.1.0", Path("/nowhere"), ""))
