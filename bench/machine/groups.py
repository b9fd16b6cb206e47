"""Control groups of a worker's own: where they can be made, making and limiting them, and what they counted.

Removing them is the guard's (`guard.end_group`), for it must happen whatever becomes of the runner; a process enters
one by itself (strategies/host/isolate.c). One that a run left, killed together with its guard, is known by its name:
`launchbench-PID-START-N`, with the runner's process and the moment it began.

Sources: cgroups(7), Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and cgroup-v1/pids.rst.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench.machine import cgroup
from bench.machine.cgroup import Group
from bench.machine.facts import Tree, integer

# The clone3_into_cgroup strategy's own are named by their process alone.
_NAME = re.compile(r"launchbench-(\d+)(?:-(\d+)-\d+)?")
_numbers = itertools.count()


class NoGroupError(Exception):
    """No control group can be made and limited here; one line that says why."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a worker's groups say at its end; None where there is no such group, or this kernel does not count."""

    memory_peak: int | None = None
    """Bytes, what the kernel keeps for the group's processes included."""
    memory_events: int | None = None
    """How often memory was refused at the limit, before anything was reclaimed."""
    oom_kills: int | None = None
    """Processes of the group that the OOM killer ended."""
    pids_events: int | None = None
    """How often a process or thread was refused at the limit."""


NOTHING_COUNTED = Counted()


@dataclass(frozen=True, slots=True)
class WorkerGroups:
    """One group for each controller; in v2 it is the same one."""

    by_controller: Mapping[str, Group]

    @classmethod
    def named(cls, controllers: Sequence[str], root: Path = Path("/")) -> WorkerGroups:
        """Name the groups of one worker and make nothing yet. Raises NoGroupError."""
        name = f"launchbench-{os.getpid()}-{_began(os.getpid(), root) or 0}-{next(_numbers)}"
        return cls({key: _child(group, name) for key, group in parents(controllers, root).items()})

    @property
    def directories(self) -> tuple[Path, ...]:
        """Every directory once."""
        return tuple(dict.fromkeys(group.directory for group in self.by_controller.values()))

    @property
    def version(self) -> int | None:
        """The version of the hierarchies, of memory's when they differ; None without groups."""
        return next((group.version for group in self.by_controller.values()), None)

    def make(self) -> None:
        """Make the directories. Raises OSError."""
        for directory in self.directories:
            directory.mkdir()

    def limit_memory(self, limit_bytes: int) -> int | None:
        """Limit it, with no swap to go to, and return the limit in force, in bytes. Raises OSError."""
        group = self.by_controller["memory"]
        limit, swap = {
            # Not memory.memsw.limit_in_bytes, which would be reached first: what it refuses nobody counts.
            1: ("memory.limit_in_bytes", "memory.swappiness"),
            2: ("memory.max", "memory.swap.max"),
        }[group.version]
        _write(group, limit, limit_bytes)
        if (group.directory / swap).exists():  # without it the kernel has no swap
            _write(group, swap, 0)
        return Tree(group.directory).integer(limit)

    def limit_pids(self, limit: int) -> int | None:
        """Limit processes and threads, and return the limit in force. Raises OSError."""
        group = self.by_controller["pids"]
        _write(group, "pids.max", limit)
        return Tree(group.directory).integer("pids.max")

    def counted(self, tree_of: Callable[[Path], Tree] = Tree) -> Counted:
        """Return what was counted until now. `tree_of` a group's directory: where its files are read."""
        memory, pids = self.by_controller.get("memory"), self.by_controller.get("pids")
        found = NOTHING_COUNTED
        if memory:
            tree = tree_of(memory.directory)
            events = _events(tree, "memory.oom_control" if memory.version == 1 else "memory.events")
            found = replace(
                found,
                memory_peak=tree.integer("memory.max_usage_in_bytes" if memory.version == 1 else "memory.peak"),
                memory_events=tree.integer("memory.failcnt") if memory.version == 1 else events.get("max"),
                oom_kills=events.get("oom_kill"),
            )
        if pids:
            found = replace(found, pids_events=_events(tree_of(pids.directory), "pids.events").get("max"))
        return found


def missing_right(controllers: Sequence[str], root: Path = Path("/")) -> str | None:
    """Say why no group can be made that limits these (`memory`, `pids`); None when one can."""
    try:
        parents(controllers, root)
    except NoGroupError as reason:
        return str(reason)
    return None


def parents(controllers: Sequence[str], root: Path = Path("/")) -> dict[str, Group]:
    """Return the nearest group above this process in which one can be made for each controller. Raises NoGroupError.

    In v2 that is seldom its own, for a group with processes passes no controller on; and it must be one and the same
    for all controllers, for a process is in one group of that hierarchy.
    """
    own: dict[str, Group] = {}
    for controller in controllers:
        group = cgroup.locate(controller, root)
        if group is None:
            raise NoGroupError(f"no control group has the {controller} controller here")
        own[controller] = group
    unified = [group for group in own.values() if group.version == 2]
    return {key: _nearest(group, unified if group.version == 2 else [group]) for key, group in own.items()}


def _nearest(group: Group, together: Sequence[Group]) -> Group:
    for directory in group.lineage():
        if all(replace(member, directory=directory).creatable() for member in together):
            return replace(group, directory=directory)
    raise NoGroupError(
        f"may not make a control group that limits {' and '.join(member.controller for member in together)} "
        f"below {group.directory} (needs root, or a delegated group)"
    )


def _child(parent: Group, name: str) -> Group:
    return replace(parent, path=f"{parent.path.rstrip('/')}/{name}", directory=parent.directory / name)


def abandoned(root: Path = Path("/")) -> list[Path]:
    """Return the groups that a run left which is over, innermost first."""
    shown = cgroup.mounts(Tree(root).text("proc/self/mountinfo") or "")
    tops = {root / mount.point.lstrip("/") for mount in shown if _limiting(mount)}
    return [
        Path(folder)
        for top in sorted(tops)
        for folder, _, _ in os.walk(top, topdown=False)
        if _is_over(Path(folder).name, root)
    ]


def sweep(root: Path = Path("/")) -> tuple[list[Path], list[Path]]:
    """Remove what `abandoned` finds; return what is gone and what is not: not ours, or not empty.

    Nothing is killed: a process in such a group is not known to be a run's.
    """
    found = abandoned(root)
    for directory in found:
        with suppress(OSError):
            directory.rmdir()
    left = [directory for directory in found if directory.exists()]
    return [directory for directory in found if directory not in left], left


def _limiting(mount: cgroup.Mount) -> bool:
    return mount.version == 2 or not {"memory", "pids"}.isdisjoint(mount.controllers)


def _is_over(name: str, root: Path) -> bool:
    match = _NAME.fullmatch(name)
    if match is None:
        return False
    now = _began(int(match[1]), root)
    return now is None or (match[2] is not None and int(match[2]) != now)


def _began(pid: int, root: Path) -> int | None:
    """When a process began, in clock ticks since the boot: field 22 of /proc/PID/stat (proc_pid_stat(5))."""
    text = Tree(root).text(f"proc/{pid}/stat") or ""
    fields = text[text.rfind(")") + 2 :].split()
    return integer(fields[19]) if len(fields) > 19 else None


def _write(group: Group, name: str, value: int) -> None:
    (group.directory / name).write_text(f"{value}\n")


def _events(tree: Tree, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in (tree.text(name) or "").splitlines():
        key, _, text = line.partition(" ")
        number = integer(text)
        if number is not None:
            found[key] = number
    return found
