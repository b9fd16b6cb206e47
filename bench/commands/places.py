"""Where the cells of a run are measured: from the names on the command line to the sites that the runner uses.

Not for: what a site does (bench.measure, bench.kernels).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bench.commands import InvalidInput
from bench.commands.remarks import remark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.catalogue import Build
    from bench.kernels import KernelImage, Root, Watch
    from bench.machine import GuardProcess
    from bench.measure import Site, Sites
    from bench.scenario import Cell, Environment, Scenario

T = TypeVar("T")

_GUEST_BYTES = 1 << 30
_SYSTEM_BYTES = 512 << 20
"""What a guest needs beside its workers: the kernel, its initramfs and what a launch takes."""


@dataclass(frozen=True, slots=True)
class Obtained:
    """What a run's kernels and distros come to: each name with what was found for it, or why nothing was."""

    kernels: Mapping[str, KernelImage | str]
    roots: Mapping[str, Root | str]


def asked(workers: Sequence[str], kernels: Sequence[str], distros: Sequence[str]) -> list[Environment]:
    """The environments that a command line asks for. Raises InvalidInput for a name that nothing has."""
    from bench.scenario import WORKERS, environments
    from bench.scenario.wording import suggest

    for worker in workers:
        if worker not in WORKERS:
            raise InvalidInput(f"--worker {worker}: there is no such build{suggest(worker, WORKERS)}")
    under = environments(workers, kernels, distros)
    elsewhere = [one for one in under if one.kernel or one.distro]
    if elsewhere:
        from bench.kernels import image_of, root_of

        for name in {one.kernel for one in elsewhere}:
            _known(name, image_of)
        for name in {one.distro for one in elsewhere}:
            _known(name, root_of)
    return under


def _known(name: str | None, find: Callable[[str], object]) -> None:
    """Raise InvalidInput when there is nothing of that name; what is not fetched yet may still be."""
    from bench.kernels import SourceError, UnknownNameError

    if name is None:
        return
    try:
        with suppress(SourceError):
            find(name)
    except UnknownNameError as error:
        raise InvalidInput(str(error)) from None


def guest_bytes(scenario: Scenario) -> int:
    """The RAM of a run's guests, the same for all: 1 GiB, or what two of its largest footprints take and more."""
    largest = max((getattr(footprint, "bytes", 0) for footprint in scenario.footprints), default=0)
    return max(_GUEST_BYTES, 2 * largest + _SYSTEM_BYTES)


def obtain(cells: Iterable[Cell], *, quiet: bool) -> Obtained:
    """Find the kernels and roots of these cells, fetched when the cache has none."""
    kernels = dict.fromkeys(cell.kernel for cell in cells if cell.kernel)
    distros = dict.fromkeys(cell.distro for cell in cells if cell.distro)
    if not kernels and not distros:
        return Obtained({}, {})
    from bench.kernels import obtain_kernel, obtain_root

    watch = _telling(quiet=quiet)
    return Obtained(
        {name: _or_why(obtain_kernel, name, watch) for name in kernels},
        {name: _or_why(obtain_root, name, watch) for name in distros},
    )


def _telling(*, quiet: bool) -> Watch:
    """Say once what is fetched, each on a line."""
    told: set[str] = set()

    def watch(what: str, percent: float | None) -> None:
        del percent
        if not quiet and what not in told:
            told.add(what)
            remark(f"fetching {what}")

    return watch


def _or_why(obtain_one: Callable[[str, Watch], T], name: str, watch: Watch) -> T | str:
    from bench.kernels import SourceError

    try:
        return obtain_one(name, watch)
    except SourceError as error:
        return str(error)


def sites(scenario: Scenario, cells: Iterable[Cell], obtained: Obtained, usual: Build, guard: GuardProcess) -> Sites:
    """The site of every kernel and distro that cells are of, or why there is none. Nothing is opened yet."""
    found: dict[tuple[str | None, str | None], Site | str] = {}
    for kernel, distro in dict.fromkeys((cell.kernel, cell.distro) for cell in cells):
        image = obtained.kernels[kernel] if kernel else None
        root = obtained.roots[distro] if distro else None
        if isinstance(image, str) or isinstance(root, str):
            found[kernel, distro] = image if isinstance(image, str) else str(root)
        elif image:
            found[kernel, distro] = _guest(image, root, scenario)
        else:
            found[kernel, distro] = _here(root, usual, guard)
    return found


def _guest(image: KernelImage, root: Root | None, scenario: Scenario) -> Site | str:
    from bench.catalogue import MissingToolError
    from bench.kernels.guest import GuestSite
    from bench.measure import NoPlaceError

    try:
        return GuestSite(image, root, clock=scenario.guest_clock, memory_bytes=guest_bytes(scenario))
    except (NoPlaceError, MissingToolError) as error:
        return str(error)


def _here(root: Root | None, usual: Build, guard: GuardProcess) -> Site:
    from bench.measure import LocalSite, RootSite

    if root is None:
        return LocalSite(usual, guard)
    return RootSite(root.path, {"distro": root.distro, "libc": root.libc}, usual, guard)
