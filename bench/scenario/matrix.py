"""A scenario -> the cells that answer it.

The matrix is first multiplied out in the scenario's own words (points), where exclusions are decided and which
needs no machine; then a machine's RAM and page size turn every point into a cell.
"""

from __future__ import annotations

import itertools
import math
import mmap
from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.scenario.environment import WORKERS, Environment
from bench.scenario.model import AUTO, NO_REFERENCE, Exclusion, Limits, Overcommit, Scenario
from bench.scenario.wording import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.scenario.units import Amount, Limit
    from bench.scenario.vocabulary import Vocabulary

OWN_REAPER = "own"
"""The reaper of a cell whose strategy reaps its children itself."""
MOST_CELLS = 10_000
_SMALLEST_PAGE = 4096
_MOST_LISTED = 8

# The key of a partial cell -> the key of the scenario that spans that axis.
AXES = {
    "strategy": "strategies",
    "reaper": "reapers",
    "hygiene": "hygiene",
    "backing": "backings",
    "footprint": "footprints",
    "overcommit": "overcommit",
    "limit": "overcommit",
    "in_flight": "in_flight",
    "bystanders": "bystanders",
    "open_files": "open_files",
    "vmas": "vmas",
    "memory": "limits",
    "pids": "limits",
    "nofile": "limits",
    "nproc": "limits",
}
# What an id leaves out, because it is what a reader assumes.
_ASSUMED = {"hygiene": "none", "backing": "anon", "in_flight": 1, "bystanders": 0, "open_files": 0, "vmas": 1}


class Point(NamedTuple):
    """One point of the matrix in the scenario's own words."""

    strategy: str
    reaper: str
    hygiene: str
    backing: str
    footprint: Amount
    overcommit: Overcommit
    in_flight: int
    bystanders: int
    open_files: int
    vmas: int
    limits: Limits

    def coordinate(self, key: str) -> Any:
        """Return the value at one key of a partial cell; None where the point has none."""
        if AXES[key] == "limits":
            return getattr(self.limits, key)
        return self.overcommit.limit if key == "limit" else getattr(self, key)


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of the matrix on one machine. The fields are those of the result file."""

    id: str
    """Readable and unique among the cells of a scenario: a function of the cell's contents, not of its place."""
    strategy: str
    reaper: str
    hygiene: str
    backing: str
    footprint_bytes: int
    overcommit: str | int
    """`current`, 0, 1 or 2."""
    limit_bytes: int | None
    """Of mode 2, counted from before the footprint; None is the machine's own ratio."""
    in_flight: int
    bystanders: int
    open_files: int
    vmas: int
    memory_limit_bytes: int | None
    pids_limit: int | None
    nofile_limit: int | None
    nproc_limit: int | None
    worker: str = WORKERS[0]
    """The build of the native worker."""
    kernel: str | None = None
    """The name of another kernel than the running one."""
    distro: str | None = None
    """The name of another distro than this machine's own."""
    twin: bool = False
    """It is the second measurement of a cell that is planned under its own name as well: see `twins`."""

    @property
    def environment(self) -> Environment:
        """What the cell runs under."""
        return Environment(self.worker, self.kernel, self.distro)

    def as_record(self) -> dict[str, Any]:
        """Return the flat cell of the result file; that it is no twin goes without saying."""
        record = asdict(self)
        if not self.twin:
            del record["twin"]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Cell:
        """Read a cell of a result file; unknown fields are ignored. Raises ValueError when a field is missing.

        Files of before there was a choice of worker, kernel and distro have the default.
        """
        missing = [field.name for field in fields(cls) if field.default is MISSING and field.name not in record]
        if missing:
            raise ValueError(f"a cell lacks {', '.join(missing)}")
        return cls(**{field.name: record[field.name] for field in fields(cls) if field.name in record})

    def matches(self, filters: Mapping[str, str]) -> bool:
        """Say whether the cell agrees with all filters of `parse_filter`."""
        from bench.scenario.selection import agrees  # selection reads cells: it stands above this module

        return all(agrees(self, key, value) for key, value in filters.items())


def size(scenario: Scenario, vocabulary: Vocabulary) -> int:
    """Return how many points the axes span before anything is excluded or merged."""
    lengths = [len(getattr(scenario, axis)) for axis in set(AXES.values()) - {"strategies"}]
    return len(scenario.strategy_names(vocabulary)) * math.prod(lengths)


def points(scenario: Scenario, vocabulary: Vocabulary) -> list[Point]:
    """Multiply the axes out, the first ones slowest. A strategy that reaps by itself is not multiplied by reapers."""
    return [
        Point(strategy, *rest)
        for strategy in scenario.strategy_names(vocabulary)
        for rest in itertools.product(
            (OWN_REAPER,) if vocabulary.strategies.get(strategy, False) else scenario.reapers,
            scenario.hygiene,
            scenario.backings,
            scenario.footprints,
            scenario.overcommit,
            scenario.in_flight,
            scenario.bystanders,
            scenario.open_files,
            scenario.vmas,
            scenario.limits,
        )
    ]


def expand(
    scenario: Scenario,
    *,
    ram_bytes: int,
    vocabulary: Vocabulary,
    page_size: int = mmap.PAGESIZE,
    environment: Environment = Environment(),  # noqa: B008 - frozen
) -> list[Cell]:
    """Return the cells under one environment in the order of the scenario's lists, the last axis fastest.

    Footprints are rounded down to pages, but to no less than one. Points that are the same cell on this machine
    (`40%RAM` and the size that this happens to be) become one. A scenario of hazards alone has no cells.
    """
    everything = points(scenario, vocabulary)
    left_out = Index(everything).excluded(scenario.exclude)
    cells: dict[tuple[Any, ...], Cell] = {}
    for number, point in enumerate(everything):
        if number not in left_out:
            cell = _resolve(point, ram_bytes, page_size, environment)
            contents = tuple(getattr(cell, field.name) for field in fields(cell) if field.name != "id")
            cells.setdefault(contents, cell)
    return list(cells.values())


class Index:
    """Which points have which value at which key, so that a partial cell is looked up and not searched."""

    def __init__(self, everything: list[Point]) -> None:
        """Go through all points once."""
        self.everything = everything
        self.by_key: dict[str, dict[Any, set[int]]] = {key: {} for key in AXES}
        for number, point in enumerate(everything):
            for key, found in self.by_key.items():
                value = point.coordinate(key)
                if value is not None:
                    found.setdefault(value, set()).add(number)
                if isinstance(value, Overcommit) and value.limit is not None:
                    found.setdefault(Overcommit(mode=value.mode), set()).add(number)

    def having(self, key: str, value: Any) -> set[int]:
        """Return the numbers of the points that have a value at a key."""
        return self.by_key[key].get(value, set())

    def matching(self, partial: Exclusion) -> set[int]:
        """Return the numbers of the points that agree with a partial cell."""
        agreeing = [
            set[int]().union(*(self.having(key, value) for value in getattr(partial, key)))
            for key in AXES
            if getattr(partial, key)
        ]
        return set.intersection(*agreeing) if agreeing else set()

    def excluded(self, exclude: tuple[Exclusion, ...]) -> set[int]:
        """Return the numbers of the points that agree with any of the partial cells."""
        return set[int]().union(*(self.matching(partial) for partial in exclude))

    def values(self, key: str) -> list[str]:
        """Return the values that exist at a key, as the scenario spells them, in its order."""
        return [str(value) for value in self.by_key[key]]


def faults(
    scenario: Scenario, vocabulary: Vocabulary, broken: frozenset[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield (path, message) for what is wrong with the matrix as a whole.

    `broken` names the keys of the scenario that had errors of their own: nothing is said that depends on them.
    """
    spanned = size(scenario, vocabulary)
    if spanned > MOST_CELLS:
        yield ("strategies",), f"the axes span {spanned} cells, more than {MOST_CELLS}"
        return
    if not broken.intersection(("reference", "strategies")):
        yield from _unlaunched_reference(scenario, vocabulary)
    index = Index(points(scenario, vocabulary))
    for number, partial in enumerate(scenario.exclude):
        wrong = list(_strangers(index, partial, broken))
        yield from ((("exclude", number, *path), message) for path, message in wrong)
        depends = any(getattr(partial, key) and _depends(key, broken) for key in AXES)
        if not wrong and not depends and not index.matching(partial):
            yield ("exclude", number), "matches no cell"
    left_out = index.excluded(scenario.exclude)
    if broken.intersection(("exclude", *AXES.values())):
        return
    if index.everything and len(left_out) == len(index.everything):
        yield ("exclude",), "excludes every cell: nothing is left to measure"
    yield from _cramped(scenario, [point for n, point in enumerate(index.everything) if n not in left_out])


def _unlaunched_reference(scenario: Scenario, vocabulary: Vocabulary) -> Iterator[tuple[tuple[str | int, ...], str]]:
    names = scenario.strategy_names(vocabulary)
    if scenario.reference not in (AUTO, NO_REFERENCE, *names):
        yield ("reference",), f"{quote(scenario.reference)} is not among the strategies"


def _strangers(index: Index, partial: Exclusion, broken: frozenset[str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for key in AXES:
        if _depends(key, broken):
            continue
        for position, value in enumerate(getattr(partial, key)):
            if not index.having(key, value):
                known = index.values(key)[:_MOST_LISTED]
                only = f", only {', '.join(known)}" if known else ""
                text = quote(value) if isinstance(value, str) else str(value)
                yield (key, position), f"no cell has {key} {text}{only}"


def _depends(key: str, broken: frozenset[str]) -> bool:
    return AXES[key] in broken or (key == "reaper" and "strategies" in broken)


def _cramped(scenario: Scenario, kept: list[Point]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    told: set[int] = set()
    for point in kept:
        pages = getattr(point.footprint, "bytes", math.inf) / _SMALLEST_PAGE
        if point.vmas > pages and point.vmas not in told:
            told.add(point.vmas)
            path = ("vmas", scenario.vmas.index(point.vmas))
            yield path, f"{point.vmas} pieces of at least a page do not fit in a footprint of {point.footprint}"


def _resolve(point: Point, ram_bytes: int, page_size: int, environment: Environment) -> Cell:
    wanted = point.footprint.resolve(ram_bytes=ram_bytes, footprint_bytes=0)
    footprint = max(wanted - wanted % page_size, page_size)

    def resolved(amount: Limit | None) -> int | None:
        return None if amount is None else amount.resolve(ram_bytes=ram_bytes, footprint_bytes=footprint)

    return Cell(
        id=identify(point, environment),
        strategy=point.strategy,
        reaper=point.reaper,
        hygiene=point.hygiene,
        backing=point.backing,
        footprint_bytes=footprint,
        overcommit=point.overcommit.mode,
        limit_bytes=resolved(point.overcommit.limit),
        in_flight=point.in_flight,
        bystanders=point.bystanders,
        open_files=point.open_files,
        vmas=point.vmas,
        memory_limit_bytes=resolved(point.limits.memory),
        pids_limit=point.limits.pids,
        nofile_limit=point.limits.nofile,
        nproc_limit=point.limits.nproc,
        worker=environment.worker,
        kernel=environment.kernel,
        distro=environment.distro,
    )


def identify(point: Point, environment: Environment) -> str:
    """Spell a point as `strategy/footprint/mode/key=value...`: what stands at its default is left out.

    The keys are those of `--only`, so that an id read in a report can be asked for again.
    """
    parts = [point.strategy, str(point.footprint)]
    if point.overcommit.mode != "current":
        parts.append(str(point.overcommit))
    if point.reaper not in ("waitpid", OWN_REAPER):
        parts.append(f"reaper={point.reaper}")
    parts += [f"{key}={getattr(point, key)}" for key, assumed in _ASSUMED.items() if getattr(point, key) != assumed]
    limits = {key: getattr(point.limits, key) for key in ("memory", "pids", "nofile", "nproc")}
    parts += [f"{key}={value}" for key, value in limits.items() if value is not None]
    assumed = asdict(Environment())
    parts += [f"{key}={value}" for key, value in asdict(environment).items() if value != assumed[key]]
    return "/".join(parts)
