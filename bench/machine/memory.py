"""What memory the machine has left, and whether a worker's peak fits into it.

Deciding is pure: `memory_facts` reads once, and `fit_reason`, `room_reason` and `commit_kbytes` work on that alone.
This does not change vm.overcommit_* (`overcommit`) and does not watch a running worker.

Sources: proc_meminfo(5), proc_sys_vm(5), Documentation/mm/overcommit-accounting.rst, and in mm/util.c
vm_commit_limit() and __vm_enough_memory(). /proc/meminfo is read in one go rather than through psutil, which does not
know CommitLimit and Committed_AS: limits from two moments would not belong together.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.machine import cgroup
from bench.machine.facts import Tree, cpu_fields, integer, present

NEVER_OVERCOMMIT = 2

# What the rest of the machine, the runner and the kernel's own slack may need beyond a worker's peak.
MARGIN_BYTES = 256 << 20

# An entry of the last level of a page table. The levels above add 1/512 of that and hide in the margin.
_ENTRY_BYTES = 8


class MemoryUnknownError(Exception):
    """/proc/meminfo does not tell what a budget needs; the message names the field."""


class LimitUnreachableError(ValueError):
    """No value of vm.overcommit_kbytes gives the commit limit that was asked for; the message says why."""


@dataclass(frozen=True)
class MemoryFacts:
    """The machine's memory at one moment, in bytes.

    `available_bytes` is the kernel's estimate of what can be used without swapping. `swap_bytes` is all swap, used or
    not, for it is part of CommitLimit. `mode` is vm.overcommit_memory in force while a footprint is mapped.
    `commit_limit_bytes` and `committed_bytes` are None on kernels that do not account. `cgroup_free_bytes` is the least
    rest below any memory limit that binds this process; None when none does.
    """

    total_bytes: int
    available_bytes: int
    swap_bytes: int = 0
    commit_limit_bytes: int | None = None
    committed_bytes: int | None = None
    mode: int = 0
    cgroup_free_bytes: int | None = None
    admin_reserve_bytes: int = 0
    user_reserve_bytes: int = 0
    page_bytes: int = 4096

    def under(self, limit_bytes: int | None) -> MemoryFacts:
        """Return the facts as mode 2 would make them, with `limit_bytes` counted from what is committed now.

        None is the machine's own ratio: /proc/meminfo shows that limit in every mode.
        """
        if limit_bytes is None:
            return replace(self, mode=NEVER_OVERCOMMIT)
        return replace(self, mode=NEVER_OVERCOMMIT, commit_limit_bytes=(self.committed_bytes or 0) + limit_bytes)


@dataclass(frozen=True)
class Budget:
    """What a worker takes at its peak.

    `touched`: its pages are really there; a reserved footprint needs address space and no RAM. `accounted`: the kernel
    counts it as committed; it does not for MAP_NORESERVE outside of mode 2, nor for mappings nobody may write.
    `children`: launches alive at once, each of which may be a fork with page tables of its own.
    """

    footprint_bytes: int
    touched: bool = True
    accounted: bool = True
    children: int = 1

    def ram_bytes(self, page_bytes: int) -> int:
        """Return the RAM of the pages, of their page tables in the worker, and of each forked child's copy."""
        if not self.touched:
            return 0
        tables = -(-self.footprint_bytes // page_bytes) * _ENTRY_BYTES
        return self.footprint_bytes + tables * (1 + self.children)

    @property
    def commit_bytes(self) -> int:
        """The part of Committed_AS that the footprint becomes. Page tables are not accounted."""
        return self.footprint_bytes if self.accounted else 0


def fit_reason(budget: Budget, facts: MemoryFacts) -> str | None:
    """Say why the worker's peak and the margin do not fit into the machine; None when they do.

    For a footprint that is mapped inside mode 2, give `facts.under(limit)`. Swap is not counted as room: a footprint
    that was swapped out is not one that a process holds.
    """
    ram = budget.ram_bytes(facts.page_bytes) + MARGIN_BYTES
    if ram > facts.total_bytes:  # said without what is available now, which differs from worker to worker
        return f"needs {size_text(ram)}, and there is {size_text(facts.total_bytes)} of RAM"
    if ram > facts.available_bytes:
        return f"needs {size_text(ram)}, {size_text(facts.available_bytes)} available"
    if facts.cgroup_free_bytes is not None and ram > facts.cgroup_free_bytes:
        return f"needs {size_text(ram)}, {size_text(facts.cgroup_free_bytes)} left below the cgroup's memory limit"
    if facts.mode == NEVER_OVERCOMMIT:
        left = commit_left(facts, budget)
        need = budget.commit_bytes
        if left is not None and need > left:
            return f"needs {size_text(need)}, {size_text(left)} left to commit (CommitLimit, overcommit mode 2)"
    return None


def commit_left(facts: MemoryFacts, budget: Budget) -> int | None:
    """Return the bytes that a process mapping this footprint may still commit in mode 2; None when unknown.

    __vm_enough_memory() keeps vm.admin_reserve_kbytes from everyone without CAP_SYS_ADMIN, and from every process the
    smaller of vm.user_reserve_kbytes and 1/32 of its address space. Both are counted, whoever we are.
    """
    if facts.commit_limit_bytes is None or facts.committed_bytes is None:
        return None
    reserve = facts.admin_reserve_bytes + min(facts.user_reserve_bytes, budget.footprint_bytes // 32)
    return max(0, facts.commit_limit_bytes - facts.committed_bytes - reserve)


def room_reason(budget: Budget, facts: MemoryFacts, limit_bytes: int | None, *, crowd: bool = False) -> str | None:
    """Say why a mode 2 cell would leave the rest of the machine too little to commit; None when it does not.

    The footprint is mapped by then, and `facts` are from before it was. `limit_bytes` None is the machine's own ratio.
    `crowd` is the scenario's word that it wants the machine crowded.
    """
    if crowd:
        return None
    limited = facts.under(limit_bytes)
    if limited.commit_limit_bytes is None or limited.committed_bytes is None:
        return None
    room = limited.commit_limit_bytes - limited.committed_bytes - budget.commit_bytes
    if room >= MARGIN_BYTES:
        return None
    left = f"leaves {size_text(room)}" if room > 0 else f"is {size_text(-room)} short" if room else "leaves nothing"
    return f"the commit limit {left} beyond the footprint, the rest of the machine needs {size_text(MARGIN_BYTES)}"


def commit_kbytes(committed_before_bytes: int, limit_bytes: int, facts: MemoryFacts) -> int:
    """Return the vm.overcommit_kbytes that makes CommitLimit = committed before + limit, rounded up to whole pages.

    vm_commit_limit() is kbytes + all swap; huge pages are taken off only where the ratio rules. Zero kbytes does not
    mean none, it hands over to the ratio: one page is the least that can be asked for.

    Raises LimitUnreachableError when swap alone is as much as the limit, or more.
    """
    wanted = committed_before_bytes + limit_bytes
    page_kbytes = max(1, facts.page_bytes >> 10)
    pages = -(-(wanted - facts.swap_bytes) // facts.page_bytes)
    if pages < 1:
        raise LimitUnreachableError(
            f"a commit limit of {size_text(wanted)} is out of reach: swap alone is {size_text(facts.swap_bytes)}"
        )
    return pages * page_kbytes


def meminfo(text: str) -> dict[str, int]:
    """Return the fields of a /proc/meminfo file in bytes, those without a unit (HugePages_*) as they are."""
    found = {}
    for name, value in cpu_fields(text):
        number = integer(value.removesuffix("kB").strip())
        if number is not None:
            found[name] = number << 10 if value.endswith("kB") else number
    return found


def memory_facts(root: Path = Path("/")) -> MemoryFacts:
    """Read the facts now.

    Raises MemoryUnknownError without /proc/meminfo or without the totals in it. Kernels before 3.14 have no
    MemAvailable: MemFree, which is always less, stands in. Settings that cannot be read are taken as the kernel's
    defaults, the reserves as none.
    """
    group = cgroup.locate("memory", root)
    try:
        facts = facts_told(Tree(root).text)
    except MemoryUnknownError:
        raise MemoryUnknownError(f"{root / 'proc/meminfo'} does not tell MemTotal and MemAvailable") from None
    return replace(facts, cgroup_free_bytes=cgroup.memory(group).free if group else None)


def ram_bound(root: Path = Path("/")) -> int:
    """Return the bytes of RAM that processes here can ever have: all there is, or the least limit of their cgroups.

    Raises MemoryUnknownError as `memory_facts` does.
    """
    total = memory_facts(root).total_bytes
    group = cgroup.locate("memory", root)
    limit = cgroup.memory(group).limit if group else None
    return total if limit is None else min(total, limit)


# What facts_told() asks for.
FACT_FILES = (
    "proc/meminfo",
    "proc/sys/vm/overcommit_memory",
    "proc/sys/vm/admin_reserve_kbytes",
    "proc/sys/vm/user_reserve_kbytes",
)


def facts_told(text: Callable[[str], str | None]) -> MemoryFacts:
    """Put together the facts of any machine from the texts of its files (`FACT_FILES`); a group's limit is not known.

    Raises MemoryUnknownError as memory_facts() does.
    """
    fields = meminfo(text("proc/meminfo") or "")
    available = fields.get("MemAvailable", fields.get("MemFree"))
    if "MemTotal" not in fields or available is None:
        raise MemoryUnknownError("/proc/meminfo does not tell MemTotal and MemAvailable")
    return MemoryFacts(
        total_bytes=fields["MemTotal"],
        available_bytes=available,
        swap_bytes=fields.get("SwapTotal", 0),
        commit_limit_bytes=fields.get("CommitLimit"),
        committed_bytes=fields.get("Committed_AS"),
        mode=integer(text("proc/sys/vm/overcommit_memory")) or 0,
        admin_reserve_bytes=(integer(text("proc/sys/vm/admin_reserve_kbytes")) or 0) << 10,
        user_reserve_bytes=(integer(text("proc/sys/vm/user_reserve_kbytes")) or 0) << 10,
        page_bytes=resource.getpagesize(),
    )


def commit_facts(root: Path = Path("/")) -> dict[str, Any]:
    """Return the commit limit and the bytes committed, by the names of `fingerprint.FIELDS`; absent when not told."""
    fields = meminfo(Tree(root).text("proc/meminfo") or "")
    return present(commit_limit_bytes=fields.get("CommitLimit"), committed_bytes=fields.get("Committed_AS"))


def size_text(size_bytes: int) -> str:
    """Write a size with one decimal and its binary unit: `9.8GiB`; whole sizes without (`256MiB`)."""
    size = float(abs(size_bytes))
    unit = "B"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{'-' if size_bytes < 0 else ''}{size:.1f}".removesuffix(".0") + unit
