"""Launches of very many workers, summed up cell by cell: all of a summary that rests on single launches.

Some cells at a time are sorted in memory. Of a cell with more launches than that, what needs all of them at once is
sorted by the database, which has a disk.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.analysis.ascending import Ascending
from bench.analysis.latency import latency_of, ranks, tail_of
from bench.analysis.sql import CLOCKS, COMMANDS, series_of
from bench.analysis.summary import CommandSummary
from bench.analysis.table import outcome_name, result_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from bench.analysis.ascending import Integers
    from bench.analysis.database import Database
    from bench.analysis.gathering import Collection
    from bench.analysis.latency import Latency

    Columns = Mapping[str, NDArray[Any]]

_AT_ONCE = 1_000_000
"""Launches that are sorted in memory at once."""
_SORTING = 2
"""Threads: numpy lets others run while it sorts."""


class Launches:
    """What the database says of the launches of each cell, as the parts of a summary."""

    def __init__(self, collection: Collection, database: Database) -> None:
        """Ask for everything once."""
        self._latencies: dict[tuple[str, int], Latency | None] = {}
        self._counts: defaultdict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
        for group, command, launches, ok in database.counts():
            self._counts[group][command] = launches, ok
        self._errors: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for group, context, outcome, errno, status, launches in database.failures():
            codes = collection.contexts[context].header["codes"]
            name = result_name(outcome_name(codes["outcome"], outcome), errno, status, codes["errno"])
            self._errors[group][name] += launches
        self._sorted = _Sorted()
        self._sort(database)

    def count(self, group: int) -> tuple[int, int]:
        """Return launches and ok launches of a cell."""
        found = self._counts[group].values()
        return sum(launches for launches, _ in found), sum(ok for _, ok in found)

    def errors(self, group: int) -> dict[str, int]:
        """Return what went wrong, most frequent first."""
        return dict(self._errors[group].most_common())

    def latency(self, clock: str, series: int) -> Latency | None:
        """Return a latency of a cell, or of one command in it."""
        key = clock, series
        if key not in self._latencies:
            medians, n = self._sorted.medians[clock].get(series, ((), 0))
            at = self._sorted.at[clock].get(series, {}).__getitem__
            self._latencies[key] = latency_of(medians, n, at) if medians else None
        return self._latencies[key]

    def tail(self, group: int) -> Mapping[str, int]:
        """Return the tail of a cell's `total`."""
        _, n = self._sorted.medians["total"].get(group, ((), 0))
        return tail_of(n, self._sorted.at["total"][group].__getitem__) if n else {}

    def rounds(self, group: int) -> dict[int, int]:
        """Return the median `total` of each round."""
        return {number: round(median) for number, median in self._sorted.rounds[group].items()}

    def by_command(self, group: int) -> dict[int, CommandSummary]:
        """Return the commands of a cell; of a single one, the cell's own latency."""
        commands = self._counts[group]
        return {
            command: CommandSummary(
                launches, ok, self.latency("total", series_of(group, command if len(commands) > 1 else None))
            )
            for command, (launches, ok) in commands.items()
        }

    def _sort(self, database: Database) -> None:
        mixes = [group for group, commands in self._counts.items() if len(commands) > 1]
        last, everyone = database.last_worker(), (1, database.last_worker())
        for low, high, launches in self._ranges():
            if launches <= _AT_ONCE:
                self._sorted.add(database.latencies((low, high), everyone), mixes)
                continue
            step = max(1, last * _AT_ONCE // launches)
            for first in range(1, last + 1, step):
                self._sorted.add_medians(database.latencies((low, high), (first, first + step - 1)), mixes)
            self._sorted.add_from_disk(database, low, sorted(self._counts[low]) if low in mixes else [])

    def _ranges(self) -> Iterator[tuple[int, int, int]]:
        """Yield first and last of cells that have few ok launches together, or of one that has many, and how many."""
        low, high, launches = 0, -1, 0
        for group in sorted(self._counts):
            _, more = self.count(group)
            if launches and launches + more > _AT_ONCE:
                yield low, high, launches
                low, launches = group, 0
            high, launches = group, launches + more
        if launches:
            yield low, high, launches


class _Sorted:
    """What is found by sorting, for each clock and series; in ns."""

    def __init__(self) -> None:
        self.medians: dict[str, dict[int, tuple[list[float], int]]] = {clock: {} for clock in CLOCKS}
        """Of the workers, in their order, and how many launches they rest on."""
        self.at: dict[str, dict[int, dict[int, int]]] = {clock: {} for clock in CLOCKS}
        """The launch at each of the `ranks`."""
        self.rounds: defaultdict[int, dict[int, float]] = defaultdict(dict)
        """The median `total` of each round of a cell."""

    def add(self, columns: Columns, mixes: Sequence[int]) -> None:
        """Sum up all launches of some cells."""
        with ThreadPoolExecutor(_SORTING) as sorting:
            list(sorting.map(self._add_part, _parts(columns, mixes)))

    def _add_part(self, part: _Part) -> None:
        self._add_medians(part)
        self._add_ranked(part)
        if part.clock == "total" and not part.by_command:
            self._add_rounds(part)

    def add_medians(self, columns: Columns, mixes: Sequence[int]) -> None:
        """Take the medians of some workers, which come in their order: all launches of one at once."""
        for part in _parts(columns, mixes):
            self._add_medians(part)

    def _add_medians(self, part: _Part) -> None:
        import numpy as np

        workers = Ascending(part.workers, part.values)
        medians, owners = workers.medians(), workers.carry(part.series)
        order = np.argsort(owners, kind="stable")
        names, firsts = np.unique(owners[order], return_index=True)
        for name, of in zip(names.tolist(), np.split(order, firsts[1:]), strict=True):
            before, n = self.medians[part.clock].get(name, ([], 0))
            self.medians[part.clock][name] = before + medians[of].tolist(), n + int(workers.counts[of].sum())

    def _add_ranked(self, part: _Part) -> None:
        found = Ascending(part.series, part.values)
        for position, (name, n) in enumerate(zip(found.names.tolist(), found.counts.tolist(), strict=True)):
            places = ranks(n)
            self.at[part.clock][name] = dict(zip(places, found.at(position, places), strict=True))

    def _add_rounds(self, part: _Part) -> None:
        names, low, width = _paired(part.series, part.rounds)
        rounds = Ascending(names, part.values)
        for name, median in zip(rounds.names.tolist(), rounds.medians().tolist(), strict=True):
            group, number = divmod(name, width)
            self.rounds[group][low + number] = median

    def add_from_disk(self, database: Database, group: int, commands: Sequence[int]) -> None:
        """Take the rest of a cell whose workers' medians are there."""
        of_commands = [series_of(group, command) for command in commands]
        for by_command, series in ((False, [group]), *([(True, of_commands)] if commands else [])):
            asked = {
                clock: {one: ranks(of[one][1]) for one in series if one in of} for clock, of in self.medians.items()
            }
            for clock, found in database.ranked(group, asked, by_command=by_command).items():
                for one, values in found.items():
                    self.at[clock][one] = dict(zip(asked[clock][one], values, strict=True))
        self.rounds[group] = database.round_medians(group)


class _Part(NamedTuple):
    """Launches that have a latency, as columns."""

    clock: str
    by_command: bool
    values: Integers
    series: Integers
    workers: Integers
    """A name for each worker and series; in the order of workers within a series."""
    rounds: Integers


def _parts(columns: Columns, mixes: Sequence[int]) -> Iterator[_Part]:
    """Yield the launches of cells, then those of commands in cells with a mix of them, for each clock that has any."""
    import numpy as np

    whole = {name: column.astype(np.int64) for name, column in columns.items() if name not in CLOCKS}
    mixed = np.isin(whole["grp"], mixes)
    kinds = [(False, np.ones_like(mixed), whole["grp"], whole["worker"])]
    if mixed.any():
        named, _, _ = _paired(whole["worker"], whole["command"])
        kinds.append((True, mixed, (whole["grp"] + 1) * COMMANDS + whole["command"], named))
    for clock in CLOCKS:
        known = ~np.ma.getmaskarray(columns[clock])
        for by_command, rows, series, workers in kinds:
            at = np.flatnonzero(known & rows)
            if len(at):
                values = np.ma.getdata(columns[clock])[at]
                yield _Part(clock, by_command, values, series[at], workers[at], whole["round"][at])


def _paired(first: Integers, second: Integers) -> tuple[Integers, int, int]:
    """Return a name for each pair, in their order, with what `second` is counted from and its width in the name."""
    low, high = (int(second.min()), int(second.max())) if len(second) else (0, 0)
    width = high - low + 1
    return first * width + (second - low), low, width
