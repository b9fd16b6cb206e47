"""What about this machine makes its timings worse than they could be, and what to do about each.

Every warning is one entry of `RULES`: an id, a sentence, a remedy, and a pure test over facts. Nothing here refuses to
measure, changes the machine, or judges results (`analysis` does, by the noise that a run shows). The two effects,
`cpu_times` and `rivals`, stand at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from bench.machine.memory import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.machine.fingerprint import Fingerprint

# Counters that are read in user space (vDSO) on their architectures, without a hypervisor's page in between.
_GOOD_CLOCKS = frozenset({"tsc", "arch_sys_counter", "riscv_clocksource", "timebase", "tod", "Constant"})

_GIB = 1 << 30

# Pages that were swapped out once, on a machine that has been up for weeks, are no sign of pressure now.
_IDLE_SWAP_BYTES = 16 << 20

# A percent of stolen time is a 40 us launch stretched by a neighbour every few hundred launches: it shows in p99.
_STEAL_PERCENT = 1.0


@dataclass(frozen=True)
class Observed:
    """What a fingerprint does not have: steal over a recent interval in percent, and other runs' process ids."""

    steal_percent: float | None = None
    rivals: tuple[int, ...] = ()


@dataclass(frozen=True)
class Noise:
    """A warning that applies: its id is stable, the sentence has this machine's figures, the remedy is what to do."""

    id: str
    sentence: str
    remedy: str


@dataclass(frozen=True)
class Rule:
    """A way for a machine to be noisy.

    `figures` returns what the sentence's placeholders stand for, or None when the rule does not apply; a fact that the
    fingerprint does not have never makes one apply.
    """

    id: str
    sentence: str
    remedy: str
    figures: Callable[[Fingerprint, Observed], dict[str, Any] | None]


def _high_load(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    load, cpus = machine.get("load_avg_1min"), machine.get("cpu_count", 1)
    # One busy thread matters on a laptop, and is lost on a server with a hundred CPUs.
    return {"load": load, "cpus": cpus} if load is not None and load > max(0.5, 0.1 * cpus) else None


def _governor(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    governors = machine.get("governor")
    return {"governor": governors} if governors not in {None, "performance"} else None


def _turbo(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    return {} if machine.get("turbo") else None


def _clocksource(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    clock = machine.get("clocksource")
    return {"clock": clock} if clock is not None and clock not in _GOOD_CLOCKS else None


def _virtual(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    hypervisor = machine.get("virtualisation")
    return {"hypervisor": hypervisor} if hypervisor not in {None, "none"} else None


def _steal(machine: Fingerprint, observed: Observed) -> dict[str, Any] | None:
    recent = observed.steal_percent
    steal = machine.get("cpu_steal_percent") if recent is None else recent
    since = "since the boot" if recent is None else "just now"
    return {"steal": steal, "since": since} if steal is not None and steal >= _STEAL_PERCENT else None


def _swap(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    used = machine.get("swap_used_bytes", 0)
    return {"used": size_text(used)} if used >= _IDLE_SWAP_BYTES else None


def _little_memory(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    total, available = machine.get("memory_total_bytes"), machine.get("memory_available_bytes")
    if total is None or available is None or available >= max(_GIB, total // 4):
        return None
    return {"available": size_text(available), "total": size_text(total)}


def _thp_always(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    return {} if machine.get("thp_enabled") == "always" else None


def _few_cpus(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    usable = machine.get("cpu_usable", machine.get("cpu_count"))
    return {} if usable == 1 else None


def _cpu_quota(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    quota = machine.get("cgroup_cpu_quota")
    return {"quota": quota} if quota is not None and quota < machine.get("cpu_count", 1) else None


def _cgroup_tight(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    free, available = machine.get("cgroup_memory_free_bytes"), machine.get("memory_available_bytes")
    if free is None or (free >= _GIB and (available is None or free >= available // 4)):
        return None
    return {"free": size_text(free)}


def _no_aslr(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    return {} if machine.get("randomize_va_space") == 0 else None


def _seccomp(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    return {} if machine.get("seccomp") == "filter" else None


def _traced(machine: Fingerprint, _: Observed) -> dict[str, Any] | None:
    return {} if machine.get("traced") else None


def _rivals(_: Fingerprint, observed: Observed) -> dict[str, Any] | None:
    return {"pids": ", ".join(map(str, observed.rivals))} if observed.rivals else None


RULES: tuple[Rule, ...] = (
    Rule(
        "rival",
        "another launchbench is running (process {pids}): both measure each other",
        "wait for it to end, or stop it",
        _rivals,
    ),
    Rule(
        "traced",
        "a debugger or tracer is attached: every system call stops twice",
        "run without strace, gdb and the like",
        _traced,
    ),
    Rule(
        "high-load",
        "the load is {load} on {cpus} CPUs: launches wait for other programs",
        "stop what else runs, and wait until the load has gone down",
        _high_load,
    ),
    Rule(
        "few-cpus",
        "there is one CPU for the runner, the worker and everything else",
        "measure where two CPUs or more are usable, or compare within one run only",
        _few_cpus,
    ),
    Rule(
        "cpu-quota",
        "the control group may use {quota:g} CPUs: beyond that all its processes stop until the period ends",
        "lift cpu.max (v2) or cpu.cfs_quota_us (v1) of this group and those around it",
        _cpu_quota,
    ),
    Rule(
        "steal",
        "the hypervisor took {steal:.1f}% of the CPU time {since}: neighbours are busy",
        "measure at another time or on a dedicated host, and take more rounds",
        _steal,
    ),
    Rule(
        "virtual-machine",
        "this is a virtual machine ({hypervisor}): page faults cost more here, and neighbours share the CPU",
        "apply the results to this kind of machine only; for the kernel's own cost measure on bare metal",
        _virtual,
    ),
    Rule(
        "governor",
        "the frequency governor is {governor}: CPUs start slow after every pause",
        "cpupower frequency-set -g performance",
        _governor,
    ),
    Rule(
        "turbo",
        "turbo is on: the frequency depends on temperature and on what other cores do",
        "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 > /sys/devices/system/cpu/cpufreq/boost",
        _turbo,
    ),
    Rule(
        "clocksource",
        "the clocksource is {clock}: reading the clock is slow, or coarse, or a system call",
        "see why the kernel gave up its hardware counter (dmesg | grep clocksource); compare long launches only",
        _clocksource,
    ),
    Rule(
        "swap-in-use",
        "{used} of swap are in use: a footprint may be written out while it is measured",
        "free memory, then swapoff -a && swapon -a",
        _swap,
    ),
    Rule(
        "little-memory",
        "{available} of {total} memory are available: large footprints are skipped, others push the page cache out",
        "stop programs that hold memory, or take smaller footprints",
        _little_memory,
    ),
    Rule(
        "cgroup-tight",
        "the control group has {free} left below its memory limit: large footprints are skipped",
        "raise the limit of this group and those around it, or take smaller footprints",
        _cgroup_tight,
    ),
    Rule(
        "thp-always",
        "transparent huge pages are always on: the backing `anon` is what `thp` is, with far smaller page tables",
        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        _thp_always,
    ),
    Rule(
        "no-aslr",
        "address space randomisation is off: all workers share one memory layout, lucky or not",
        "sysctl kernel.randomize_va_space=2",
        _no_aslr,
    ),
    Rule(
        "seccomp",
        "a seccomp filter checks every system call, and may refuse clone3 or vfork",
        "in a container run with --security-opt seccomp=unconfined, unless the filter is part of the question",
        _seccomp,
    ),
)


def warnings(fingerprint: Fingerprint, observed: Observed | None = None) -> list[Noise]:
    """Return the warnings that apply, gravest first, in the order of `RULES`."""
    seen = Observed() if observed is None else observed
    figures = ((rule, rule.figures(fingerprint, seen)) for rule in RULES)
    return [Noise(rule.id, rule.sentence.format(**found), rule.remedy) for rule, found in figures if found is not None]


@dataclass(frozen=True)
class CpuTimes:
    """CPU time of the whole machine since its boot, in seconds: all of it, and what the hypervisor took."""

    all: float
    stolen: float


def steal_percent(before: CpuTimes, after: CpuTimes) -> float | None:
    """Return the share of CPU time that was stolen between two moments, in percent; None when no time has passed."""
    spent = after.all - before.all
    return 100 * max(0.0, after.stolen - before.stolen) / spent if spent > 0 else None


def cpu_times() -> CpuTimes:
    """Read the counters now (/proc/stat). They advance by a hundredth of a second: an interval needs a second or so."""
    times = psutil.cpu_times()
    # A guest's time is part of user and nice already.
    return CpuTimes(sum(times) - times.guest - times.guest_nice, times.steal)


def rivals(own: int) -> tuple[int, ...]:
    """Return the processes that measure with launchbench, other than process `own`, its parents and its children."""
    try:
        process = psutil.Process(own)
        family = {own, *(kin.pid for kin in (*process.parents(), *process.children(recursive=True)))}
    except psutil.Error:
        family = {own}
    found = ((process.pid, process.info["cmdline"]) for process in psutil.process_iter(["cmdline"]))
    return tuple(sorted(pid for pid, line in found if pid not in family and is_run(line or ())))


def is_run(command_line: Iterable[str]) -> bool:
    """Tell whether a command line is `launchbench run ...`, also through an interpreter (`python -m bench run`)."""
    words = list(command_line)
    for index, word in enumerate(words[:4]):
        module = word in {"bench", "bench.cli"} and index > 0 and words[index - 1] == "-m"
        if module or Path(word).name == "launchbench":
            return "run" in words[index + 1 :]
    return False
