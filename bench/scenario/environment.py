"""What a cell runs under: the worker's build, the kernel and the distro.

These axes come from the command line and never from a scenario: the question stays the same, and what is given to one
run is interleaved by round, so that two kernels or two libcs are compared in pairs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORKERS = ("glibc", "glibc-static", "musl")
"""The builds of the native worker: dynamic against the libc at hand (the default), and static."""
HERE = "here"
"""How the running kernel and this machine's own distro are spelled beside others."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One combination of the axes that come from the command line."""

    worker: str = WORKERS[0]
    """One of `WORKERS`."""
    kernel: str | None = None
    """A name such as `5.10`; None is the running one."""
    distro: str | None = None
    """A name such as `bookworm`; None is this machine's own."""


def environments(
    workers: Sequence[str],
    kernels: Sequence[str],
    distros: Sequence[str],
    usual: Callable[[str], str] = lambda _distro: WORKERS[0],
) -> list[Environment]:
    """Multiply what was asked for, each value once, the worker fastest.

    Nothing given for an axis means here. A kernel without a distro has no libc to load, so that the worker is the
    static one there, and then everywhere, unless builds were asked for: kernels must not differ in the build as well.
    Elsewhere a distro has its `usual` worker, which is linked with its own libc.
    """
    bare = any(kernel != HERE for kernel in kernels) and (not distros or HERE in distros)
    chosen = tuple(dict.fromkeys(workers)) or (("glibc-static",) if bare else ())
    return [
        Environment(worker, None if kernel == HERE else kernel, None if distro == HERE else distro)
        for kernel, distro in itertools.product(dict.fromkeys(kernels or (HERE,)), dict.fromkeys(distros or (HERE,)))
        for worker in chosen or (WORKERS[0] if distro == HERE else usual(distro),)
    ]
