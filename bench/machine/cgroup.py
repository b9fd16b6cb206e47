"""Which control groups hold this process, and what they leave it: memory, processes, CPU.

Reads only, v1, v2 and hybrid machines alike. It does not create or limit groups: `Group` carries the version, the
directory and whether children can be made in it, which is what that will start from.

Sources: cgroups(7), proc_pid_mountinfo(5), Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from bench.machine.facts import Tree, integer, present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# mm/memcontrol.c and kernel/cgroup/pids.c: v1 prints "no limit" as PAGE_COUNTER_MAX in bytes, which depends on the
# page size (9223372036854771712 with 4 KiB pages); nothing real comes near half of it.
_UNLIMITED = 1 << 62


@dataclass(frozen=True)
class Membership:
    """A line of /proc/self/cgroup: the process's path in one hierarchy; v2 has no controllers in it."""

    controllers: tuple[str, ...]
    path: str


@dataclass(frozen=True)
class Mount:
    """A mounted hierarchy; `top` is the group that its mount point shows, `/` unless bind-mounted into a container."""

    version: int
    point: str
    top: str
    controllers: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """A control group as it can be reached: `directory` is at or below `top`, the highest group that is visible."""

    version: int
    controller: str
    path: str
    directory: Path
    top: Path

    def lineage(self) -> tuple[Path, ...]:
        """Return the group's directory and every visible ancestor's, nearest first: each one's limit binds."""
        depth = len(self.directory.relative_to(self.top).parts)
        return (self.directory, *list(self.directory.parents)[:depth])

    def creatable(self) -> bool:
        """Tell whether this process may make child groups here that the controller acts on.

        In v2 a group with processes of its own cannot pass a domain controller on ("no internal processes"), so the
        controller must be passed on already, or the processes be moved first: not by us, hence False.
        """
        if not os.access(self.directory, os.W_OK | os.X_OK):
            return False
        passed_on = (Tree(self.directory).text("cgroup.subtree_control") or "").split()
        return self.version == 1 or self.controller in passed_on


@dataclass(frozen=True)
class Room:
    """What a chain of groups leaves: the least limit, and the least rest below any of them; None without a limit."""

    limit: int | None
    free: int | None


def memberships(text: str) -> tuple[Membership, ...]:
    """Return the hierarchies of a /proc/PID/cgroup file; lines of another form are passed over."""
    rows = (line.split(":", 2) for line in text.splitlines())
    return tuple(
        Membership(tuple(filter(None, row[1].split(","))), row[2].removesuffix(" (deleted)"))
        for row in rows
        if len(row) == 3 and row[2].startswith("/")
    )


def mounts(text: str) -> tuple[Mount, ...]:
    """Return the control group mounts of a /proc/PID/mountinfo file, in its order.

    Fields are separated by single spaces and escape blanks and backslashes in octal; a lone `-` ends the optional
    ones (proc_pid_mountinfo(5)).
    """
    found = []
    for line in text.splitlines():
        fields = line.split(" ")
        try:
            end = fields.index("-", 6)
            kind, options = fields[end + 1], fields[end + 3]
        except (ValueError, IndexError):
            continue
        if kind in {"cgroup", "cgroup2"}:
            version = 2 if kind == "cgroup2" else 1
            controllers = tuple(options.split(",")) if version == 1 else ()
            found.append(Mount(version, _unescaped(fields[4]), _unescaped(fields[3]), controllers))
    return tuple(found)


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-3][0-7]{2})", lambda match: chr(int(match[1], 8)), field)


def mode(text: str) -> str | None:
    """Name the layout of a mountinfo file: `v1`, `v2`, `hybrid`, or None without control groups.

    A v1 mount without a controller (systemd's own `name=systemd`) leaves a machine what it is otherwise.
    """
    shown = mounts(text)
    v1 = any(mount.version == 1 and not _named(mount) for mount in shown)
    v2 = any(mount.version == 2 for mount in shown)
    return "hybrid" if v1 and v2 else "v1" if v1 else "v2" if v2 else None


def _named(mount: Mount) -> bool:
    return any(option.startswith("name=") for option in mount.controllers)


def locate(controller: str, root: Path = Path("/")) -> Group | None:
    """Find the group that a controller (`memory`, `pids`, `cpu`) holds this process in; None when nowhere.

    A controller is in one hierarchy at a time: v1 where it is mounted so, else v2.
    """
    tree = Tree(root)
    lines = memberships(tree.text("proc/self/cgroup") or "")
    shown = mounts(tree.text("proc/self/mountinfo") or "")
    for mount in shown:
        if mount.version == 1 and controller in mount.controllers:
            path = next((line.path for line in lines if controller in line.controllers), None)
            return _group(mount, controller, path, root)
    for mount in shown:
        group = _group(mount, controller, next((line.path for line in lines if not line.controllers), None), root)
        if mount.version == 2 and group is not None and _acts_in_v2(group):
            return group
    return None


def _acts_in_v2(group: Group) -> bool:
    return any(
        group.controller in (Tree(directory).text("cgroup.controllers") or "").split() for directory in group.lineage()
    )


def _group(mount: Mount, controller: str, path: str | None, root: Path) -> Group | None:
    if path is None:
        return None
    point = root / mount.point.lstrip("/")
    try:
        inside = PurePosixPath(path).relative_to(mount.top)
    except ValueError:
        # The path is told from another namespace's root than the mount: what is mounted is the container's own top.
        inside = PurePosixPath()
    directory = point if ".." in inside.parts else point / inside
    return Group(mount.version, controller, path, directory if directory.is_dir() else point, point)


def memory(group: Group) -> Room:
    """Return the memory limit and what is left of it, in bytes.

    Page cache that nobody has used lately is counted as free, as MemAvailable does and as Kubernetes' working set
    does: usage without it would make every group that has read files look full. In v2 memory.high counts too: beyond
    it a process is throttled to a crawl. v1 tells the limit of ancestors that are not visible as well.
    """
    limit_files, usage_file, inactive = {
        1: (("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"),
        2: (("memory.max", "memory.high"), "memory.current", "inactive_file"),
    }[group.version]

    def used(directory: Tree) -> int | None:
        usage = directory.integer(usage_file)
        cache = integer(_statistics(directory).get(inactive)) or 0
        return None if usage is None else max(0, usage - cache)

    rooms = [_room(Tree(directory), limit_files, used) for directory in group.lineage()]
    own = Tree(group.directory)
    hidden = _limit(_statistics(own).get("hierarchical_memory_limit"))
    if hidden is not None:
        usage = used(own)
        rooms.append(Room(hidden, None if usage is None else max(0, hidden - usage)))
    return _least(rooms)


def memory_usage(group: Group) -> int | None:
    """Return the bytes charged to the group itself and its children, page cache included."""
    return Tree(group.directory).integer("memory.usage_in_bytes" if group.version == 1 else "memory.current")


def pids(group: Group) -> Room:
    """Return the limit on tasks (threads count) and how many more may be made."""
    return _least(
        _room(Tree(directory), ("pids.max",), lambda tree: tree.integer("pids.current"))
        for directory in group.lineage()
    )


def cpu_quota(group: Group) -> float | None:
    """Return how many CPUs' worth of time the group may use in each period; None without a quota."""
    shares = []
    for directory in map(Tree, group.lineage()):
        if group.version == 1:
            quota, period = directory.integer("cpu.cfs_quota_us"), directory.integer("cpu.cfs_period_us")
        else:
            first, _, second = (directory.text("cpu.max") or "").partition(" ")
            quota, period = integer(first), integer(second)
        if quota is not None and quota > 0 and period:
            shares.append(quota / period)
    return min(shares, default=None)


def _statistics(directory: Tree) -> dict[str, str]:
    rows = (line.split() for line in (directory.text("memory.stat") or "").splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 2}


def _limit(text: str | None) -> int | None:
    value = integer(text)  # `max` in v2 is no number
    return None if value is None or value >= _UNLIMITED else value


def _room(directory: Tree, limit_files: Iterable[str], used: Callable[[Tree], int | None]) -> Room:
    limits = [limit for limit in (_limit(directory.text(name)) for name in limit_files) if limit is not None]
    if not limits:
        return Room(None, None)
    usage = used(directory)
    return Room(min(limits), None if usage is None else max(0, min(limits) - usage))


def _least(rooms: Iterable[Room]) -> Room:
    known = tuple(rooms)
    return Room(
        min((room.limit for room in known if room.limit is not None), default=None),
        min((room.free for room in known if room.free is not None), default=None),
    )


def cgroup_facts(root: Path = Path("/")) -> dict[str, Any]:
    """Return the facts of this process's groups, by the names of `fingerprint.FIELDS`; what is unknown is absent."""
    in_memory, in_pids, in_cpu = (locate(controller, root) for controller in ("memory", "pids", "cpu"))
    memory_room = memory(in_memory) if in_memory else Room(None, None)
    pids_room = pids(in_pids) if in_pids else Room(None, None)
    return present(
        cgroup_mode=mode(Tree(root).text("proc/self/mountinfo") or ""),
        cgroup_path=in_memory.path if in_memory else None,
        cgroup_memory_version=in_memory.version if in_memory else None,
        cgroup_memory_limit_bytes=memory_room.limit,
        cgroup_memory_usage_bytes=memory_usage(in_memory) if in_memory else None,
        cgroup_memory_free_bytes=memory_room.free,
        cgroup_pids_limit=pids_room.limit,
        cgroup_pids_free=pids_room.free,
        cgroup_cpu_quota=cpu_quota(in_cpu) if in_cpu else None,
        cgroup_creatable=in_memory.creatable() if in_memory else None,
    )
