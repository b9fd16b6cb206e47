"""An order as the agent of a guest gets it (strategies/guest/attend.c), and how a worker is confined there. Pure.

Control groups are made by the agent: it is told which folders, what is written into them, and which of their files are
to be told at the end. Here they are only names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bench.kernels.contents import FILES, path_of
from bench.kernels.wire import Frame, words
from bench.machine import Group, LimitRights, MemoryFacts, ToldTree, WorkerGroups, commit_kbytes, no_filters
from bench.measure import Confinement, Held, Order, environment, patience

STATUS = "/proc/self/status"  # the agent's
_CONTROLLERS = "/sys/fs/cgroup/cgroup.controllers"
_V1 = {name: f"/sys/fs/cgroup/{name}/cgroup.procs" for name in ("memory", "pids")}
RIGHT_FILES = (STATUS, _CONTROLLERS, *_V1.values())
"""What rights() asks for."""

_SPARE_USER = 61184  # nobody else is in there, and RLIMIT_NPROC does not bind root
_COUNTERS = {
    ("memory", 2): ("memory.max", "memory.peak", "memory.events"),
    ("memory", 1): (
        "memory.limit_in_bytes",
        "memory.max_usage_in_bytes",
        "memory.oom_control",
        "memory.failcnt",
    ),
    ("pids", 2): ("pids.max", "pids.events"),
    ("pids", 1): ("pids.max", "pids.events"),
}


def versions(told: Mapping[str, str]) -> dict[str, int]:
    """The cgroup version of each controller that a guest has, from its RIGHT_FILES."""
    unified = told.get(_CONTROLLERS, "").split()
    found = {name: 2 for name in _V1 if name in unified}
    return found or {name: 1 for name, file in _V1.items() if file in told}


def rights(told: Mapping[str, str]) -> LimitRights:
    """What a guest's workers may be limited to, from its RIGHT_FILES."""
    there = versions(told)
    lacks = {name: None if name in there else f"the guest's kernel has no {name} controller" for name in _V1}
    return LimitRights(memory=lacks["memory"], pids=lacks["pids"], no_fork=no_filters(told.get(STATUS, "")))


def confinement(order: Order, there: Mapping[str, int]) -> Confinement:
    """How a worker is held to its limits; `there` are the guest's controllers with their versions."""
    limits = order.limits
    wanted = [name for name, limit in (("memory", limits.memory_bytes), ("pids", limits.pids)) if limit is not None]
    groups = {}
    for name in wanted:
        top = Path("/sys/fs/cgroup") if there[name] == 2 else Path("/sys/fs/cgroup") / name
        groups[name] = Group(there[name], name, "/worker", top / "worker", top)
    user = None if limits.nproc is None else _SPARE_USER
    return Confinement(limits, WorkerGroups(groups) if groups else None, user)


def held(confined: Confinement, told: Mapping[str, str]) -> Held | None:
    """What was in force and what was counted, from the files that the agent told at the end."""
    groups = confined.groups
    if groups is None:
        return confined.held()
    limits = confined.limits
    for name, group in groups.by_controller.items():
        in_force = ToldTree(group.directory, told).integer(_COUNTERS[name, group.version][0])
        limits = replace(limits, **{"memory_bytes" if name == "memory" else "pids": in_force})
    counted = groups.counted(lambda directory: ToldTree(directory, told))
    return Held(limits, groups.version, confined.user, counted)


def frame(order: Order, program: tuple[str, ...], confined: Confinement, before: MemoryFacts) -> Frame:
    """The order of one worker; `program` is its command line there, `before` the guest's memory now."""
    request = order.request
    own = environment(path_of(Path(order.worker[0])).parent, FILES / "arrivals")
    milliseconds = {
        "start_ms": patience.start_s(request.footprint_bytes),
        "launch_ms": patience.launches_s(request.time_limit_ns, watched=request.bystanders > 0),
        "exit_ms": patience.EXIT_S,
    }
    cpus = [] if order.cpus is None else [f"cpus={','.join(map(str, order.cpus))}"]
    settings = words([
        *(f"program={word}" for word in program),
        *(f"isolate={word}" for word in (*cpus, *confined.settings)),
        *(f"env={name}={value}" for name, value in own.items()),
        *_groups(confined),
        *_mode(order, before),
        *(f"{name}={int(1000 * seconds)}" for name, seconds in milliseconds.items()),
        "",
    ])  # fmt: skip
    return Frame("work", settings + request.encode(FILES / "samples", (0,), own))


def _groups(confined: Confinement) -> Iterator[str]:
    if confined.groups is None:
        return
    limits = {"memory": confined.limits.memory_bytes, "pids": confined.limits.pids}
    yield from (f"make={directory}" for directory in confined.groups.directories)
    for name, group in confined.groups.by_controller.items():
        files = _COUNTERS[name, group.version]
        yield f"set={group.directory / files[0]}={limits[name]}"
        yield from (f"tell={group.directory / file}" for file in files)


def _mode(order: Order, before: MemoryFacts) -> Iterator[str]:
    mode = order.mode
    if mode is None:
        return
    yield f"mode={mode.memory}"
    if mode.while_mapping:
        yield "while_mapping=1"
    if mode.limit_bytes is not None:
        yield f"kbytes={commit_kbytes(before.committed_bytes or 0, mode.limit_bytes, before)}"
