"""The machine's fingerprint: one flat, ordered, JSON-able map, and the registry that says what is in it.

It says WHERE something was measured. It is not a judgement: `noise` has those. Facts come from pyperf and psutil where
they have them, from our own readers (`facts`, `memory`, `cgroup`) where they do not; what a machine does not have, or
does not let us read, is absent.
"""

from __future__ import annotations

import os
import platform
import resource
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyperf  # type: ignore[import-untyped]  # it has neither annotations nor stubs

from bench.machine import cgroup, facts, memory, noise

Fingerprint = Mapping[str, Any]

# MemTotal differs by a few MiB from boot to boot: what firmware and kernel keep for themselves varies.
MEMORY_STEP_BYTES = 64 << 20

_SCHEMA_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "string"}},
    "map": {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
    "limit": {"anyOf": [{"type": "integer"}, {"const": "unlimited"}]},
}


@dataclass(frozen=True)
class Field:
    """One fact: its key, its type (a key of the table above), its unit or "", what it is, and where it comes from.

    `identifies`: it must be equal for two fingerprints to be of one machine, in one state.
    """

    name: str
    type: str
    unit: str
    what: str
    source: str
    identifies: bool = False


def _limit_fields() -> tuple[Field, ...]:
    return tuple(
        Field(f"rlimit_{name}{suffix}", "limit", unit, f"{kind} limit: {what}", f"getrlimit RLIMIT_{name.upper()}")
        for name, unit, what in (
            ("nofile", "descriptors", "open files of a process"),
            ("nproc", "tasks", "processes and threads of the user"),
            ("as", "bytes", "address space of a process"),
            ("memlock", "bytes", "locked memory of a process"),
            ("stack", "bytes", "main thread's stack"),
        )
        for suffix, kind in (("", "soft"), ("_hard", "hard"))
    )


FIELDS: tuple[Field, ...] = (
    Field("hostname", "text", "", "host name", "pyperf"),
    Field("machine_id", "text", "", "keyed hash of the machine's identifier", "/etc/machine-id", identifies=True),
    Field("boot_id", "text", "", "keyed hash of this boot's identifier", "/proc/sys/kernel/random/boot_id"),
    Field("boot_time", "text", "", "time of the boot, local", "pyperf"),
    Field("uptime", "number", "s", "time since the boot", "pyperf"),
    Field("platform", "text", "", "platform in one line", "pyperf"),
    Field("kernel", "text", "", "kernel release", "/proc/sys/kernel/osrelease", identifies=True),
    Field("kernel_version", "text", "", "kernel build", "/proc/sys/kernel/version", identifies=True),
    Field("architecture", "text", "", "machine hardware name", "uname(2)", identifies=True),
    Field("distro", "text", "", "distribution", "os-release PRETTY_NAME"),
    Field("distro_id", "text", "", "distribution's identifier", "os-release ID"),
    Field("distro_version", "text", "", "distribution's version", "os-release VERSION_ID"),
    Field("libc", "text", "", "C library and its version", "confstr(3), musl's loader", identifies=True),
    Field("virtualisation", "text", "", "hypervisor, or none", "DMI, /proc/cpuinfo, /sys/hypervisor, clocksources"),
    Field("container", "text", "", "container manager", "/run/systemd/container, marker files"),
    Field("cpu_model_name", "text", "", "CPU model", "pyperf; /proc/cpuinfo", identifies=True),
    Field("cpu_machine", "text", "", "CPU's machine, where there is no model", "pyperf"),
    Field("cpu_count", "integer", "CPUs", "logical CPUs", "pyperf", identifies=True),
    Field("cpu_cores", "integer", "cores", "physical cores", "psutil"),
    Field("cpu_usable", "integer", "CPUs", "CPUs that this process may run on", "sched_getaffinity(2)"),
    Field("cpu_affinity", "text", "", "the CPUs it is held to, when not all", "pyperf"),
    Field("cpu_isolated", "text", "", "CPUs kept from the scheduler", "/sys/devices/system/cpu/isolated"),
    Field("cpu_freq", "text", "", "frequency of the CPUs at this moment", "pyperf"),
    Field("cpu_config", "text", "", "frequency and idle drivers", "pyperf"),
    Field("cpu_temp", "text", "", "CPU temperatures", "pyperf"),
    Field("governor", "text", "", "frequency governors in use", "cpufreq/scaling_governor"),
    Field("turbo", "boolean", "", "whether CPUs may exceed their nominal frequency", "intel_pstate, cpufreq/boost"),
    Field("smt", "boolean", "", "whether cores run several threads", "/sys/devices/system/cpu/smt/active"),
    Field("clocksource", "text", "", "clock of the kernel's timekeeping", "/sys/devices/system/clocksource"),
    Field("timer", "text", "", "Python's timer", "pyperf"),
    Field("mitigations", "text", "", "mitigation parameters of the kernel's command line", "/proc/cmdline"),
    Field("vulnerabilities", "map", "", "CPU vulnerabilities and what is done about each", "/sys/.../vulnerabilities"),
    Field("lsm", "list", "", "security modules in force", "/sys/kernel/security/lsm"),
    Field("seccomp", "text", "", "seccomp mode of this process", "/proc/self/status"),
    Field("no_new_privs", "boolean", "", "whether exec may gain privileges no more", "/proc/self/status"),
    Field("capabilities", "text", "", "effective capabilities, hexadecimal", "/proc/self/status"),
    Field("euid", "integer", "", "effective user", "geteuid(2)"),
    Field("traced", "boolean", "", "whether a debugger is attached", "/proc/self/status"),
    Field("aslr", "text", "", "address space randomisation in words", "pyperf"),
    Field("randomize_va_space", "integer", "", "address space randomisation", "/proc/sys/kernel/randomize_va_space"),
    Field("memory_total_bytes", "integer", "bytes", "memory", "psutil", identifies=True),
    Field("memory_available_bytes", "integer", "bytes", "memory usable without swapping", "psutil"),
    Field("swap_total_bytes", "integer", "bytes", "swap", "psutil", identifies=True),
    Field("swap_used_bytes", "integer", "bytes", "swap in use", "psutil"),
    Field("page_size_bytes", "integer", "bytes", "page size", "sysconf(3)"),
    Field("overcommit_memory", "integer", "", "overcommit mode", "/proc/sys/vm/overcommit_memory", identifies=True),
    Field(
        "overcommit_ratio",
        "integer",
        "%",
        "share of RAM that mode 2 commits",
        "/proc/sys/vm/overcommit_ratio",
        identifies=True,
    ),
    Field(
        "overcommit_kbytes",
        "integer",
        "KiB",
        "what mode 2 commits instead",
        "/proc/sys/vm/overcommit_kbytes",
        identifies=True,
    ),
    Field("commit_limit_bytes", "integer", "bytes", "most that mode 2 commits", "/proc/meminfo CommitLimit"),
    Field("committed_bytes", "integer", "bytes", "committed address space", "/proc/meminfo Committed_AS"),
    Field("admin_reserve_kbytes", "integer", "KiB", "reserved for CAP_SYS_ADMIN", "/proc/sys/vm/admin_reserve_kbytes"),
    Field("user_reserve_kbytes", "integer", "KiB", "reserved in mode 2", "/proc/sys/vm/user_reserve_kbytes"),
    Field("swappiness", "integer", "", "readiness to swap", "/proc/sys/vm/swappiness"),
    Field("max_map_count", "integer", "maps", "most mappings of a process", "/proc/sys/vm/max_map_count"),
    Field(
        "thp_enabled",
        "text",
        "",
        "transparent huge pages",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        identifies=True,
    ),
    Field("thp_defrag", "text", "", "effort to make them", "/sys/kernel/mm/transparent_hugepage/defrag"),
    Field("thp_shmem", "text", "", "the same for shared memory", "/sys/kernel/mm/transparent_hugepage/shmem_enabled"),
    Field("thp_size_bytes", "integer", "bytes", "their size", "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"),
    Field("hugetlb_pages", "map", "pages", "hugetlb pages by size", "/sys/kernel/mm/hugepages"),
    Field("hugetlb_free", "map", "pages", "free hugetlb pages by size", "/sys/kernel/mm/hugepages"),
    Field("cgroup_mode", "text", "", "layout of the control groups: v1, v2, hybrid", "/proc/self/mountinfo"),
    Field("cgroup_path", "text", "", "own group in the memory controller's hierarchy", "/proc/self/cgroup"),
    Field("cgroup_memory_version", "integer", "", "version of that hierarchy", "/proc/self/mountinfo"),
    Field("cgroup_memory_limit_bytes", "integer", "bytes", "least memory limit of own and outer groups", "cgroup"),
    Field("cgroup_memory_usage_bytes", "integer", "bytes", "charged to own group", "cgroup"),
    Field("cgroup_memory_free_bytes", "integer", "bytes", "least rest below those limits", "cgroup"),
    Field("cgroup_pids_limit", "integer", "tasks", "least limit on tasks", "cgroup pids.max"),
    Field("cgroup_pids_free", "integer", "tasks", "least rest below those limits", "cgroup pids.current"),
    Field("cgroup_cpu_quota", "number", "CPUs", "CPU time allowed", "cgroup cpu.max, cpu.cfs_quota_us"),
    Field("cgroup_creatable", "boolean", "", "whether limited child groups may be made", "access(2)"),
    *_limit_fields(),
    Field("threads_max", "integer", "tasks", "most tasks of the machine", "/proc/sys/kernel/threads-max"),
    Field("pid_max", "integer", "", "process identifiers end here", "/proc/sys/kernel/pid_max"),
    Field("load_avg_1min", "number", "", "load over 1 minute", "pyperf"),
    Field("load_avg_5min", "number", "", "load over 5 minutes", "psutil"),
    Field("load_avg_15min", "number", "", "load over 15 minutes", "psutil"),
    Field("runnable_threads", "integer", "threads", "threads running or ready", "pyperf"),
    Field("process_count", "integer", "processes", "processes that can be seen", "psutil"),
    Field("cpu_steal_percent", "number", "%", "CPU time taken by the hypervisor since the boot", "psutil"),
    Field("python_implementation", "text", "", "Python implementation", "pyperf"),
    Field("python_version", "text", "", "Python version", "pyperf"),
    Field("python_compiler", "text", "", "compiler that built Python", "pyperf"),
    Field("perf_version", "text", "", "pyperf's version", "pyperf"),
)

# pyperf tells these too; they describe a Python benchmark (paths of the user's home among them), not a machine.
_NOT_TAKEN = frozenset({"date", "mem_max_rss", "python_cflags", "python_config_args", "python_executable"})


def collect(root: Path = Path("/")) -> dict[str, Any]:
    """Return the machine's fingerprint, in the order of `FIELDS`.

    `root` is the directory that has proc, sys and etc. Below another root there is no running machine to ask: pyperf,
    psutil and the process itself then add nothing.
    """
    found = facts.read(facts.Tree(root)) | memory.commit_facts(root) | cgroup.cgroup_facts(root)
    if root == Path("/"):
        found |= _from_pyperf() | _from_psutil() | _from_process()
    return {field.name: found[field.name] for field in FIELDS if field.name in found}


def _from_pyperf() -> dict[str, Any]:
    try:
        metadata = pyperf.Run([1.0], collect_metadata=True).get_metadata()
    except (OSError, ValueError):  # a /proc/cpuinfo that it cannot parse
        return {}
    return {name: value for name, value in metadata.items() if name not in _NOT_TAKEN}


def _from_psutil() -> dict[str, Any]:
    ram = psutil.virtual_memory()
    with warnings.catch_warnings():
        # It warns where /proc/vmstat lacks pages swapped in and out, which we do not ask for.
        warnings.simplefilter("ignore", RuntimeWarning)
        swap = psutil.swap_memory()
    _, load_5, load_15 = psutil.getloadavg()
    steal = noise.steal_percent(noise.CpuTimes(0, 0), noise.cpu_times())
    return facts.present(
        memory_total_bytes=ram.total,
        memory_available_bytes=ram.available,
        swap_total_bytes=swap.total,
        swap_used_bytes=swap.used,
        cpu_cores=psutil.cpu_count(logical=False),
        load_avg_5min=round(load_5, 2),
        load_avg_15min=round(load_15, 2),
        process_count=len(psutil.pids()),
        cpu_steal_percent=None if steal is None else round(steal, 3),
    )


def _from_process() -> dict[str, Any]:
    found = facts.present(
        architecture=platform.machine() or None,
        libc=_libc(),
        euid=os.geteuid(),
        cpu_usable=len(os.sched_getaffinity(0)),
        page_size_bytes=resource.getpagesize(),
    )
    for name in ("nofile", "nproc", "as", "memlock", "stack"):
        soft, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))
        found[f"rlimit_{name}"], found[f"rlimit_{name}_hard"] = _limit(soft), _limit(hard)
    return found


def _limit(value: int) -> int | str:
    return "unlimited" if value == resource.RLIM_INFINITY else value


def _libc() -> str | None:
    """Return the C library that this interpreter runs on, which is the one that the host's tools are linked to."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or facts.musl(facts.Tree())
    except (OSError, ValueError):  # the name is glibc's own
        return facts.musl(facts.Tree())


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a fingerprint: every field optional, and room for fields of later versions."""
    return {
        "type": "object",
        "properties": {
            field.name: _SCHEMA_TYPES[field.type]
            | {"title": field.what, "description": f"{field.source}{f', in {field.unit}' if field.unit else ''}"}
            for field in FIELDS
        },
        "additionalProperties": True,
    }


def identity(fingerprint: Fingerprint) -> dict[str, Any]:
    """Return the facts that identify the machine, memory in whole steps of 64 MiB.

    To compare two machines use `differences`: values on both sides of a rounding edge are one machine to it.
    """
    found = {field.name: fingerprint[field.name] for field in FIELDS if field.identifies and field.name in fingerprint}
    if "memory_total_bytes" in found:
        found["memory_total_bytes"] = round(found["memory_total_bytes"] / MEMORY_STEP_BYTES) * MEMORY_STEP_BYTES
    return found


def differences(recorded: Fingerprint, here: Fingerprint) -> list[str]:
    """Say what makes the machine of a file another one than this: `kernel: 6.1.0 in the file, 6.12.3 here`.

    Empty for one machine. A fact that only one side knows is a difference: mixing two machines in a file cannot be
    undone, starting a new file can.
    """
    names = [field.name for field in FIELDS if field.identifies]
    return [
        f"{name.removesuffix('_bytes')}: {_shown(name, recorded)} in the file, {_shown(name, here)} here"
        for name in names
        if not _equal(name, recorded.get(name), here.get(name))
    ]


def _equal(name: str, one: object, other: object) -> bool:
    if name == "memory_total_bytes" and isinstance(one, int) and isinstance(other, int):
        return abs(one - other) <= MEMORY_STEP_BYTES
    return one == other


def _shown(name: str, fingerprint: Fingerprint) -> str:
    value = fingerprint.get(name)
    if value is None:
        return "unknown"
    return memory.size_text(value) if name.endswith("_bytes") and isinstance(value, int) else str(value)
