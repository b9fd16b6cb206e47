"""Where the cells of a run are measured: from the names on the command line to the sites that the runner uses.

Not for: what a site does (bench.measure, bench.kernels).
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bench.commands import InvalidInput
from bench.commands.fetching import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.catalogue import Build
    from bench.kernels import KernelImage, Root, Watch
    from bench.machine import GuardProcess
    from bench.measure import Site, Sites
    from bench.measure.admission import Situation
    from bench.record import PlaceFields, WorkerLine
    from bench.scenario import Cell, Environment, Scenario

T = TypeVar("T")

_GUEST_BYTES = 1 << 30
_SYSTEM_BYTES = 512 << 20
"""What a guest needs beside its workers: the kernel, its initramfs and what a launch takes."""
_MOST_OF_RAM = 0.75
"""The part of this machine's RAM that a guest may have: of all of it, so that a run is resumed with the same guests."""


@dataclass(frozen=True, slots=True)
class Obtained:
    """What a run's kernels and distros come to: each name with what was found for it, or why nothing was."""

    kernels: Mapping[str, KernelImage | str]
    roots: Mapping[str, Root | str]


def asked(workers: Sequence[str], kernels: Sequence[str], distros: Sequence[str]) -> list[Environment]:
    """The environments that a command line asks for. Raises InvalidInput for a name that nothing has."""
    from bench.scenario import HERE, WORKERS, environments
    from bench.scenario.wording import suggest

    for worker in workers:
        if worker not in WORKERS:
            raise InvalidInput(f"--worker {worker}: there is no such build{suggest(worker, WORKERS)}")
    if not {*kernels, *distros} - {HERE}:
        return environments(workers, kernels, distros)
    from bench.kernels import SourceError, check_kernel, usual_worker

    try:
        for kernel in dict.fromkeys(kernels):
            if kernel != HERE:
                check_kernel(kernel)
        usual = {distro: usual_worker(distro) for distro in distros if distro != HERE}
    except SourceError as error:
        raise InvalidInput(str(error)) from None
    return environments(workers, kernels, distros, usual.__getitem__)


def guest_bytes(scenario: Scenario, machine_bytes: int) -> int:
    """The RAM of a run's guests, the same for all: 1 GiB, or what two of its largest footprints take and more.

    Footprints for which this machine, with so many bytes of RAM to use, has not that much do not count: in guests their
    cells are skipped, and all others are measured.
    """
    needed = (2 * getattr(footprint, "bytes", 0) + _SYSTEM_BYTES for footprint in scenario.footprints)
    return max((ram for ram in needed if _GUEST_BYTES < ram <= machine_bytes * _MOST_OF_RAM), default=_GUEST_BYTES)


def _unable(kernel: str | None, distro: str | None) -> str | None:
    """Why this machine cannot run anything there, whatever is fetched; None when it can, as far as is seen untried."""
    if kernel:
        from bench.kernels.qemu import missing

        return missing()
    from bench.measure.here import root_refusal

    return root_refusal() if distro else None


def obtain(cells: Sequence[Cell], *, quiet: bool) -> Obtained:
    """Find the kernels and roots of these cells, fetched when the cache has none, and this machine could use them."""
    reasons = {environment: _unable(*environment) for environment in {(cell.kernel, cell.distro) for cell in cells}}
    cells = [cell for cell in cells if reasons[cell.kernel, cell.distro] is None]
    kernels = dict.fromkeys(cell.kernel for cell in cells if cell.kernel)
    distros = dict.fromkeys(cell.distro for cell in cells if cell.distro)
    linked = dict.fromkeys(cell.distro for cell in cells if cell.distro and cell.worker == "glibc")
    if not kernels and not distros:
        return Obtained({}, {})
    from bench.kernels import SourceError, obtain_development, obtain_kernel, obtain_root

    done, total = itertools.count(), len(kernels) + len(distros) + len(linked)

    def one(obtain_one: Callable[[str, Watch], T], name: str) -> T | str:
        try:
            with progress(next(done), total, quiet=quiet) as watch:
                return obtain_one(name, watch)
        except SourceError as error:
            return str(error)

    obtained = Obtained(
        {name: one(obtain_kernel, name) for name in kernels}, {name: one(obtain_root, name) for name in distros}
    )
    for name in linked:  # the site asks for it again, and says why there is none
        one(obtain_development, name)
    return obtained


def sites(scenario: Scenario, cells: Iterable[Cell], obtained: Obtained, usual: Build, guard: GuardProcess) -> Sites:
    """The site of every kernel and distro that cells are of, or why there is none. Nothing is opened yet."""
    found: dict[tuple[str | None, str | None], Site | str] = {}
    workers: dict[tuple[str | None, str | None], dict[str, None]] = {}
    for cell in cells:
        workers.setdefault((cell.kernel, cell.distro), {})[cell.worker] = None
    for (kernel, distro), wanted in workers.items():
        reason = _unable(kernel, distro)
        if reason:
            found[kernel, distro] = reason
            continue
        image = obtained.kernels[kernel] if kernel else None
        root = obtained.roots[distro] if distro else None
        if isinstance(image, str) or isinstance(root, str):
            found[kernel, distro] = image if isinstance(image, str) else str(root)
        elif image:
            found[kernel, distro] = _guest(image, root, wanted, scenario)
        else:
            found[kernel, distro] = _here(root, usual, guard)
    return found


def _guest(image: KernelImage, root: Root | None, workers: Iterable[str], scenario: Scenario) -> Site | str:
    from bench.catalogue import MissingToolError
    from bench.kernels.guest import GuestSite
    from bench.machine import ram_bound
    from bench.measure import NoPlaceError

    ram = guest_bytes(scenario, ram_bound())
    try:
        return GuestSite(image, root, clock=scenario.guest_clock, memory_bytes=ram, workers=workers)
    except (NoPlaceError, MissingToolError) as error:
        return str(error)


def _here(root: Root | None, usual: Build, guard: GuardProcess) -> Site:
    from bench.measure import LocalSite, RootSite

    if root is None:
        return LocalSite(usual, guard)
    from bench.kernels.builds import build_for

    description: PlaceFields = {"distro": root.distro, "libc": root.libc}
    return RootSite(root.path, description, usual, guard, functools.partial(build_for, root))


def forecast(cell: Cell, situation: Situation) -> str:
    """What a run would do with a cell, as far as this machine can tell: nothing is fetched, built or booted for it."""
    from bench.measure.admission import refusal

    if not cell.kernel:
        refused = refusal(cell, situation)
        if refused:
            return f"{refused['kind']}: {refused['reason']}"
    reason = _unable(cell.kernel, cell.distro) or _imageless(cell.kernel)
    if reason:
        return f"skipped: {reason}"
    return "measured, if its guest can do it" if cell.kernel else "measured"


def _imageless(kernel: str | None) -> str | None:
    """Why the running kernel cannot be booted: its image is fetched from nowhere."""
    if kernel:
        from bench.kernels import SourceError, image_of
        from bench.kernels.pinned import RUNNING

        if kernel == RUNNING:
            try:
                image_of(RUNNING)
            except SourceError as error:
                return str(error)
    return None


def replaced(before: Iterable[WorkerLine], obtained: Obtained) -> str | None:
    """Which kernel is another image than the one that earlier sessions of a run have booted; None: none is."""
    for written in before:
        kernel, booted = str(written["cell"].get("kernel")), written.get("place", {}).get("image")
        image = obtained.kernels.get(kernel)
        if image and booted and not isinstance(image, str) and image.sha256 != booted:
            return f"kernel {kernel} is another image by now: SHA-256 {image.sha256}, and the file's is {booted}"
    return None
