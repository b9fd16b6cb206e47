"""What a worker can be limited to: the limits themselves, and what this process has no right to set. Reads only.

A control group bounds memory and processes of the worker with all its children; rlimits bind each process. Making the
groups is `groups.py`'s, and setting the rlimits strategies/host/isolate.c's.

Sources: setrlimit(2), capabilities(7), seccomp(2), user_namespaces(7).
"""

from __future__ import annotations

import os
import pwd
import re
import resource
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

from bench.machine import groups
from bench.machine.facts import Tree

# include/uapi/linux/capability.h
_DAC_OVERRIDE, _SETGID, _SETUID, _SYS_ADMIN, _SYS_RESOURCE = 1, 6, 7, 21, 24
# Users that nobody is: where systemd takes its dynamic ones from (systemd.exec(5), DynamicUser=).
_SPARE_USERS = range(61184, 65520)
# fs.nr_open as the kernel has it (fs/file.c), where /proc does not say.
_NR_OPEN = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker is held to; None: no limit."""

    memory_bytes: int | None = None
    """Of its control group: the worker, its children, and what the kernel keeps for them. Swap is no way out."""
    pids: int | None = None
    """Of its control group: processes and threads."""
    nofile: int | None = None
    """RLIMIT_NOFILE, soft and hard: descriptors a process."""
    nproc: int | None = None
    """RLIMIT_NPROC: processes and threads of the worker's user."""

    def __bool__(self) -> bool:
        """Say whether anything is limited."""
        return any(limit is not None for limit in astuple(self))


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class LimitRights:
    """What may not be limited in some place, and why not; None: it may."""

    memory: str | None = None
    pids: str | None = None
    nproc: str | None = None
    most_files: int = _NR_OPEN
    """The highest RLIMIT_NOFILE that may be set."""
    no_fork: str | None = None
    """What the kernel lacks for refusing system calls."""

    def missing_right(self, limits: Limits) -> str | None:
        """Why a worker cannot be held to these limits; None when it can."""
        if limits.memory_bytes is not None and self.memory:
            return self.memory
        if limits.pids is not None and self.pids:
            return self.pids
        if limits.nproc is not None and self.nproc:
            return self.nproc
        if limits.nofile is not None and limits.nofile > self.most_files:
            return f"may not raise RLIMIT_NOFILE to {limits.nofile}, only to {self.most_files}"
        return None


EVERY_RIGHT = LimitRights()


def limit_rights(root: Path = Path("/")) -> LimitRights:
    """Return what this process may limit a worker to."""
    tree = Tree(root)
    capabilities = _capabilities(tree)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = tree.integer("proc/sys/fs/nr_open") or _NR_OPEN
    return LimitRights(
        memory=groups.missing_right(("memory",), root),
        pids=groups.missing_right(("pids",), root),
        nproc=_nproc_unbound(capabilities, root),
        most_files=allowed if _has(capabilities, _SYS_RESOURCE) else min(hard, allowed),
        no_fork=no_filters(tree.text("proc/self/status") or ""),
    )


def no_filters(status: str) -> str | None:
    """Say whether a /proc/PID/status file is of a kernel without seccomp (since Linux 3.5, if it was built in)."""
    return None if re.search(r"^Seccomp:", status, re.MULTILINE) else "the kernel has no seccomp filters"


def spare_user(root: Path = Path("/")) -> int | None:
    """Return a user for a worker whose RLIMIT_NPROC is to bind; None when it binds this process's own user already.

    The kernel exempts the initial user namespace's root and who has CAP_SYS_RESOURCE or CAP_SYS_ADMIN
    (kernel/fork.c, copy_process()). The user that is returned has no name and no process, so that the limit counts the
    worker and its children alone. Raises LookupError when there is none.
    """
    if not _exempt(_capabilities(Tree(root))):
        return None
    taken = {entry.pw_uid for entry in pwd.getpwall()} | _users_with_processes(root)
    for user in _SPARE_USERS:
        if user not in taken and _mapped(user, Tree(root)):
            return user
    raise LookupError("no user is free for it")


def _nproc_unbound(capabilities: int, root: Path) -> str | None:
    if not _exempt(capabilities):
        return None
    exempt = "RLIMIT_NPROC does not bind root"
    if not all(_has(capabilities, needed) for needed in (_SETUID, _SETGID, _DAC_OVERRIDE)):
        return f"{exempt}, and this process may not become another user"
    try:
        spare_user(root)
    except LookupError as none:
        return f"{exempt}, and {none}"
    return None


def _exempt(capabilities: int) -> bool:
    return os.getuid() == 0 or _has(capabilities, _SYS_RESOURCE) or _has(capabilities, _SYS_ADMIN)


def _capabilities(tree: Tree) -> int:
    """Effective capabilities as the kernel's bit set."""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", tree.text("proc/self/status") or "", re.MULTILINE)
    return int(found[1], 16) if found else 0


def _has(capabilities: int, number: int) -> bool:
    return bool(capabilities >> number & 1)


def _users_with_processes(root: Path) -> set[int]:
    found = set()
    for process in (root / "proc").glob("[0-9]*"):
        with suppress(OSError):
            found.add(process.stat().st_uid)
    return found


def _mapped(user: int, tree: Tree) -> bool:
    """Whether this user namespace has the user. Without the file there are no namespaces, and everybody is there."""
    rows = [line.split() for line in (tree.text("proc/self/uid_map") or "0 0 4294967295").splitlines()]
    return any(int(first) <= user < int(first) + int(count) for first, _, count in rows)
