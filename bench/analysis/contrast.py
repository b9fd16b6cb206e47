"""Which cells are set against which: files against files, or the values of one key against each other.

It matches cells, names the sides, and says what else differs between them. Which test fits is `answers`'.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.analysis.answers import Match, answers
from bench.analysis.comparison import CompareResult
from bench.analysis.noise import noise_floors
from bench.analysis.subject import FLOOR, PLACE, subjects
from bench.analysis.verdict import CHOICES
from bench.analysis.wording import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.analysis.comparison import CellKey, Comparison, NoiseFloor
    from bench.analysis.subject import Subject
    from bench.analysis.table import WorkerRow
    from bench.record import Header, Recording

FILE = "file"
"""The key of a comparison of files."""
REFERENCES = ("posix_spawn", "vfork_exec")
"""What machines are compared by, where a run has planned no reference of its own; the first that both have."""
_SPELLINGS = {
    "footprint": "footprint_bytes",
    "limit": "limit_bytes",
    "memory": "memory_limit_bytes",
    "pids": "pids_limit",
    "nofile": "nofile_limit",
    "nproc": "nproc_limit",
}
"""Keys as a scenario spells them."""
_NOT_MANNER = frozenset({"name", "question", "rounds", "strategies", "footprints", "overcommit", "reapers", "hygiene",
                         "backings", "exclude", "reference", "hazards", "trials"})  # fmt: skip
"""Settings that say how often, or span the matrix, where a cell that is missing shows."""
_OWN = "own"
"""The reaper of strategies that reap by themselves."""
_BROUGHT: Mapping[str, frozenset[str]] = MappingProxyType(dict.fromkeys(("worker", "distro"), frozenset({"libc"})))
"""What comes along with a value of a key, and is what makes its difference."""


class NoSuchKey(Exception):  # noqa: N818 - the name says what is wrong
    """No cell has the key; one line that says which keys there are."""


@dataclass(frozen=True, slots=True)
class _Side:
    """The cells of one name: a file, or a value of the key."""

    name: str
    cells: tuple[Subject, ...]

    def values(self, key: str) -> set[str]:
        return {_text(cell.key.get(key)) for cell in self.cells}


def compare_files(
    base: Sequence[WorkerRow],
    new: Sequence[WorkerRow],
    names: tuple[str, str],
    *,
    noise: Sequence[NoiseFloor] | None = None,
) -> CompareResult:
    """Compare two sets of files. Every place among the new ones is a side of its own beside the nearest base place.

    One that is the very place of another side is not near: a kernel that only the new files have stands alone.
    `noise` is what their runs measured of it; by default it is taken from the twins among the rows.
    """
    old_sides, new_sides = _by_place(base, names[0]), _by_place(new, names[1])
    nearest = [(_nearest(old_sides, side), side) for side in new_sides]
    taken = {id(old) for old, side in nearest if _distance(old, side) == 0}
    alone = _Side(names[0], ())
    pairs = [(alone if id(old) in taken and _distance(old, side) else old, side) for old, side in nearest]
    return _result(FILE, names[0], pairs, [*base, *new], noise)


def _nearest(sides: Sequence[_Side], to: _Side) -> _Side:
    return min(sides, key=lambda side: _distance(side, to))


def compare_by(rows: Sequence[WorkerRow], key: str, *, noise: Sequence[NoiseFloor] | None = None) -> CompareResult:
    """Compare the values of a key with the first of them: the smallest, the oldest, or the reference strategy.

    Raises NoSuchKey.
    """
    key = _SPELLINGS.get(key, key)
    cells = _choosable(subjects(rows))
    keys = {name for cell in cells for name in cell.key}
    if key not in keys:
        raise NoSuchKey(f"--by {key}: no cell has this key: keys are {', '.join(sorted(keys))}")
    values = sorted({_text(cell.key.get(key)) for cell in cells}, key=natural)
    if key == "strategy":
        values.sort(key=lambda value: ([*_planned_twice(rows), *REFERENCES, value]).index(value))
    sides = [_Side(value, tuple(cell for cell in cells if _text(cell.key.get(key)) == value)) for value in values]
    return _result(key, sides[0].name, [(sides[0], side) for side in sides[1:]], rows, noise)


def in_one_manner(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """Say what stands in the way of comparing files as they are: how they were read, and measured in two manners."""
    found = [warning for recording in recordings for warning in recording.warnings]
    found += [
        f"{one.path}: incomplete, {len(one.workers)} of {one.planned} workers"
        for one in recordings
        if len(one.workers) < one.planned
    ]
    return tuple(dict.fromkeys([*found, *_manner(recordings)]))


def _manner(recordings: Iterable[Recording]) -> Iterable[str]:
    """Say where files of one scenario were not measured in one manner: a difference may come from that."""
    headers: dict[str, list[Header]] = {}
    for recording in recordings:
        headers.setdefault(recording.header["scenario"]["name"], []).append(recording.header)
    for scenario, found in headers.items():
        settings = [header["scenario"]["settings"] for header in found]
        keys = sorted({key for one in settings for key in one} - _NOT_MANNER)
        differing = [key for key in keys if any(one.get(key) != settings[0].get(key) for one in settings)]
        if differing:
            yield f"scenario {scenario} was not measured alike: {', '.join(differing)}"
        builds = {header["tool"]["worker_build"] for header in found}
        if len(builds) > 1:
            yield f"scenario {scenario} was measured by {len(builds)} builds of the worker"


def _choosable(cells: Iterable[Subject]) -> tuple[Subject, ...]:
    return tuple(cell for cell in cells if cell.strategy != FLOOR)


def _by_place(rows: Sequence[WorkerRow], name: str) -> list[_Side]:
    places: dict[tuple[str, ...], list[Subject]] = {}
    for cell in _choosable(subjects(rows)):
        places.setdefault(tuple(_text(cell.key.get(key)) for key in PLACE), []).append(cell)
    return [_Side(name, tuple(cells)) for cells in places.values()] or [_Side(name, ())]


def _distance(side: _Side, other: _Side) -> int:
    """Count the keys of their places in which two sides differ; the machine counts most."""
    return sum((len(PLACE) if key == "machine" else 1) * (side.values(key) != other.values(key)) for key in PLACE)


def _result(
    key: str,
    base: str,
    pairs: Sequence[tuple[_Side, _Side]],
    rows: Sequence[WorkerRow],
    noise: Sequence[NoiseFloor] | None,
) -> CompareResult:
    matches: list[Match] = []
    sides = [(old, new, _confounded(key, old, new)) for old, new in pairs]
    for old, new, loose in sides:
        matches += _matches(key, loose, old, new)
    warnings = list(_also_differing(key, sides))
    if not pairs:
        warnings.append(f"nothing to compare: {key} is {base} in every cell")
    elif not any(match.base and match.new for match in matches):
        warnings.append("nothing in common: no cell of one side has a counterpart on the other")
    cells = [cell for old, new in pairs for cell in (*old.cells, *new.cells)]
    found = answers(matches, noise_floors(rows) if noise is None else noise, _reference_finder(rows, cells))
    ratios = [row.ratio for row in found if row.ratio is not None]
    return CompareResult(
        key=key,
        base=base,
        new=tuple(dict.fromkeys(new.name for _, new in pairs)),
        rows=tuple(sorted(found, key=_shown_first)),
        geometric_mean=math.exp(statistics.fmean(map(math.log, ratios))) if ratios else None,
        common=len(ratios),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _shown_first(row: Comparison) -> int:
    """Transitions come first and missing cells last; the rest stays in the order of the matrix."""
    return {"transition": 0, "missing": 2}.get(row.answer, 1)


def _confounded(key: str, old: _Side, new: _Side) -> frozenset[str]:
    """Return the keys that need not agree: each side has one value, so that they go along with the side."""
    if key == FILE or key in PLACE:
        able: tuple[str, ...] = PLACE
    elif key == "strategy" and _OWN in {*old.values("reaper"), *new.values("reaper")}:
        able = ("reaper",)
    else:
        return frozenset()
    alone = (other for other in able if other != key and len(old.values(other)) == len(new.values(other)) == 1)
    return frozenset(alone) | _BROUGHT.get(key, frozenset())


def _matches(key: str, loose: frozenset[str], old: _Side, new: _Side) -> list[Match]:
    def name(cell: Subject) -> str:
        return repr(
            sorted((axis, repr(value)) for axis, value in cell.key.items() if axis != key and axis not in loose)
        )

    bases, news = ({name(cell): cell for cell in side.cells} for side in (old, new))
    side = new.name if key != FILE else _text_of(new.values("kernel"))
    found = [Match(bases.get(one), news.get(one), side) for one in dict.fromkeys([*bases, *news])]
    return sorted(found, key=_in_order)


def _in_order(match: Match) -> list[list[tuple[int, str]]]:
    """Sort as a matrix is read: by scenario, strategy, mode, and then from the smallest footprint."""
    cell = match.base or match.new
    first = ("scenario", "strategy", "overcommit", "limit_bytes", "footprint_bytes")
    return [natural(_text(cell.key.get(key))) for key in (*first, *sorted(cell.key))] if cell else []


def _also_differing(key: str, sides: Sequence[tuple[_Side, _Side, frozenset[str]]]) -> Iterable[str]:
    """Say what differs beside what was asked for, once for each key: the difference may be its."""
    found: dict[str, list[tuple[set[str], set[str]]]] = {}
    for old, new, loose in sides:
        able = loose - _BROUGHT.get(key, frozenset())
        differing = [other for other in PLACE if other in able and old.values(other) != new.values(other)]
        if key == FILE and len(differing) == 1:
            continue  # it is what is compared
        for other in differing:
            found.setdefault(other, []).append((old.values(other), new.values(other)))
    for other, pairs in found.items():
        before, after = (_text_of(set().union(*values)) for values in zip(*pairs, strict=True))
        yield f"{other} differs too ({before} against {after}): a difference may come from it"


def _reference_finder(rows: Iterable[WorkerRow], cells: Sequence[Subject]) -> Callable[[Subject], Subject | None]:
    """Return what finds the reference's cell in the circumstances of another: what runs planned twice comes first."""
    names = list(dict.fromkeys([*_planned_twice(rows), *REFERENCES]))
    beside: dict[str, dict[str, Subject]] = {}
    for cell in cells:
        beside.setdefault(_circumstances(cell.key), {}).setdefault(cell.strategy, cell)
    machines = {cell.machine.id for cell in cells}
    common = [
        name for name in names if machines == {cell.machine.id for cell in cells if cell.strategy == name and cell.logs}
    ]

    def find(cell: Subject) -> Subject | None:
        others = beside.get(_circumstances(cell.key), {})
        return next((others[name] for name in common if name in others), None)

    return find


def _planned_twice(rows: Iterable[WorkerRow]) -> list[str]:
    return list(dict.fromkeys(str(row.cell["strategy"]) for row in rows if row.cell.get("twin")))


def _circumstances(key: CellKey) -> str:
    return repr(sorted((axis, repr(value)) for axis, value in key.items() if axis not in CHOICES))


def _text(value: Any) -> str:
    return "none" if value is None else str(value)


def _text_of(values: Iterable[str]) -> str:
    return ", ".join(sorted(values, key=natural))
