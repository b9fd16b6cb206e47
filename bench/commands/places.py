"""Where the cells of a run are measured: from the names on the command line to the sites that the runner uses.

Not for: what a site does (bench.measure, bench.kernels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.commands import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.catalogue import Build
    from bench.machine import GuardProcess
    from bench.measure import Site, Sites
    from bench.scenario import Cell, Environment


def asked(workers: Sequence[str], kernels: Sequence[str], distros: Sequence[str]) -> list[Environment]:
    """The environments that a command line asks for. Raises InvalidInput for a worker that there is not."""
    from bench.scenario import WORKERS, environments
    from bench.scenario.wording import suggest

    for worker in workers:
        if worker not in WORKERS:
            raise InvalidInput(f"--worker {worker}: there is no such build{suggest(worker, WORKERS)}")
    return environments(workers, kernels, distros)


def sites(cells: Iterable[Cell], usual: Build, guard: GuardProcess) -> Sites:
    """The site of every kernel and distro that cells are of, or why there is none. Nothing is opened yet."""
    wanted = dict.fromkeys((cell.kernel, cell.distro) for cell in cells)
    return {where: _site(*where, usual, guard) for where in wanted}


def _site(kernel: str | None, distro: str | None, usual: Build, guard: GuardProcess) -> Site | str:
    from bench.measure import LocalSite

    if kernel is not None:
        return f"kernel {kernel}: this version boots no guests"
    if distro is not None:
        return f"distro {distro}: this version runs no other roots"
    return LocalSite(usual, guard)
