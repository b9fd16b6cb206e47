"""Which workers of a run are carried out in turn, and which side by side: pure, from the schedule and the sites.

Not for: carrying them out (the runner's), or their order (the schedule's).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.machine import Budget, MemoryFacts, fit_reason
from bench.measure import schedule
from bench.measure.schedule import Planned
from bench.measure.site import Sites
from bench.scenario import Cell


def lanes(
    remaining: Sequence[Planned], cells: Mapping[str, Cell], sites: Sites, rounds: int, facts: MemoryFacts
) -> tuple[list[list[Planned]], list[list[Planned]]]:
    """Divide workers among lanes, each in the schedule's order: those carried out in turn, and those side by side.

    In turn, each alone on the machine: all whose times are the hardware's, and those that are only refused. It is one
    lane, where kernels alternate worker by worker and every guest stays open until its boot is over. Where there is not
    RAM for one guest of each kernel, kernels alternate boot by boot: a lane is one kernel's part of the first boot,
    then another's, and so on.

    Side by side, after them: one boot of a site each. Boots of one site stand together: what the first one of them to
    come there has observed, the others need not.
    """
    alone: list[Planned] = []
    beside: dict[tuple[str | None, str | None], dict[int, list[Planned]]] = {}
    for planned in remaining:
        cell = cells[planned.cell]
        site = sites[cell.kernel, cell.distro]
        if isinstance(site, str) or site.clock == "hardware":
            alone.append(planned)
        else:
            boot = schedule.boot(planned.round, rounds, site.boots)
            beside.setdefault((cell.kernel, cell.distro), {}).setdefault(boot, []).append(planned)
    in_turn = [alone] if _fit_together(alone, cells, sites, facts) else _boot_by_boot(alone, cells, sites, rounds)
    return in_turn, [lane for boots in beside.values() for lane in boots.values()]


def _fit_together(alone: Sequence[Planned], cells: Mapping[str, Cell], sites: Sites, facts: MemoryFacts) -> bool:
    """Whether the guests of all these workers may be open at once, and this machine's own workers beside them."""
    used = [cells[name] for name in {planned.cell for planned in alone}]
    opened = {(cell.kernel, cell.distro) for cell in used if cell.kernel is not None}
    guests = [site.ram_bytes for key in opened if not isinstance(site := sites[key], str)]
    own = max((cell.footprint_bytes for cell in used if cell.kernel is None), default=0)
    return not guests or fit_reason(Budget(sum(guests) + own), facts) is None


def _boot_by_boot(
    alone: Sequence[Planned], cells: Mapping[str, Cell], sites: Sites, rounds: int
) -> list[list[Planned]]:
    """The lanes of each boot number, in the order in which its places come first; so is this machine's part cut."""
    boots = max(site.boots for site in sites.values() if not isinstance(site, str))
    found: dict[tuple[int, str | None, str | None], list[Planned]] = {}
    for planned in alone:
        cell = cells[planned.cell]
        number = schedule.boot(planned.round, rounds, boots)
        found.setdefault((number, cell.kernel, cell.distro), []).append(planned)
    return list(found.values())


def abreast(sites: Sites, cpus: int, facts: MemoryFacts) -> int:
    """How many places run side by side: one a CPU, and fewer where that much RAM is not left; one at least.

    What follows the wall's clock leaves a CPU to the runner and to what serves its guests: time limits are in seconds.
    """
    opened = [site for site in sites.values() if not isinstance(site, str)]
    largest = max((site.ram_bytes for site in opened), default=0)
    most = cpus - any(site.clock == "emulated" for site in opened)
    fitting = (number for number in range(most, 1, -1) if fit_reason(Budget(number * largest), facts) is None)
    return next(fitting, 1)
