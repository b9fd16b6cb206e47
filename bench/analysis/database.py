"""Result files in DuckDB: with `sql`, every statement of SQL that analysis has, and nothing of what the rows mean.

It holds lines, workers and launches as tables, in bounded memory and else on disk, and counts, selects and sorts. It is
for files by the thousand: `many` says which lines count, what a cell is, and makes summaries of what comes out.

Order, where it shows, is the order of the files as given and of the lines in them: session, round, place in the round.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.analysis import sql
from bench.analysis.spool import FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from bench.analysis.spool import Spooled

_MEMORY = "550MiB"
"""What DuckDB may hold; it moves the rest to its folder. Python and its copies of files take 300 MiB more."""
_THREADS = 2
_SMALLEST_OBJECT, _LARGEST_OBJECT = 1 << 18, 1 << 29
"""Bounds, in bytes, of the longest line that is looked for: DuckDB holds two of them for each thread."""
_AT_ONCE = 2_000_000
"""Launches that are sorted in memory at once."""


class Shape(NamedTuple):
    """Workers of one spot that are alike in all but their samples, in order of their first."""

    spot: int
    outcome: Mapping[str, Any]
    census: str | None
    findings: str
    mechanism: str | None
    contradiction: str | None
    mode: int | None
    pages_written: int | None
    inherited: str | None
    broken_promises: str | None
    workers: int
    bystander_max_ns: int | None
    bystander_control_max_ns: int | None
    not_reached: int

    def kind(self, spot: tuple[int, str, str | None]) -> dict[str, Any]:
        """Return the fields of such a worker, as `Database.kinds` does."""
        _, cell, place = spot
        return {
            "cell": cell,
            "place": place,
            "outcome": self.outcome,
            "census": self.census,
            "findings": self.findings,
            "mechanism": self.mechanism,
            "contradiction": self.contradiction,
            "overcommit": {"mode": self.mode},
            "pages_written": self.pages_written,
            "inherited": self.inherited,
            "broken_promises": self.broken_promises,
        }


class Repetition(NamedTuple):
    """A worker that another line has already."""

    worker: int
    file: int
    cell_id: int
    """The number of the id, as `Database.group` was told."""
    round: int
    kept_in: int
    """The file of the line that counts."""


class Database:
    """The tables of one analysis; a context manager that closes them. Its folder is the caller's to remove."""

    def __init__(self, folder: Path) -> None:
        """Open a database in `folder`. Raises `ModuleNotFoundError` without DuckDB."""
        import duckdb

        self._connection = duckdb.connect(":memory:")  # what does not fit is moved to the folder, and logged nowhere
        for setting, value in {
            "memory_limit": _MEMORY,
            "threads": _THREADS,
            "temp_directory": str(folder / "spilled"),
            "preserve_insertion_order": False,
        }.items():
            self._connection.execute(f"SET {setting} = {_literal(value)}")
        self._connection.execute(sql.SCHEMA)

    def __enter__(self) -> Self:
        """Return the database itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._connection.close()

    def _rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values or None).fetchall()

    def load(self, spooled: Spooled, contexts: Mapping[int, tuple[int, int, int]]) -> None:
        """Read the lines of files, each of which has (context, run, code of `ok`)."""
        self._connection.execute(
            "INSERT INTO file SELECT unnest($file), unnest($lines), unnest($context), unnest($run), unnest($ok)",
            {
                "file": list(spooled.lines),
                "lines": list(spooled.lines.values()),
                "context": [contexts[file][0] for file in spooled.lines],
                "run": [contexts[file][1] for file in spooled.lines],
                "ok": [contexts[file][2] for file in spooled.lines],
            },
        )
        statement = sql.LOAD.format(
            mark=FILE,
            names=", ".join(sql.LINE),
            columns=_columns({FILE: "INTEGER", **sql.LINE}),
            size=min(max(spooled.longest, _SMALLEST_OBJECT), _LARGEST_OBJECT),
        )
        self._connection.execute(statement, {"parts": list(map(str, spooled.parts))})

    def odd_files(self) -> list[int]:
        """Return the files that have a line which is not plainly one of the format."""
        return [file for file, _ in self._rows(sql.SHORT)]

    def kinds(self) -> list[dict[str, Any]]:
        """Return the fields of every worker but for its samples, alike ones once; JSON as text."""
        rows = self._rows(
            f"SELECT DISTINCT {', '.join(sql.KIND)} FROM line WHERE type = 'worker' AND ({sql.ODD}) IS NOT TRUE"
        )
        return [dict(zip(sql.KIND, row, strict=True)) for row in rows]

    def files_with(self, kind: Mapping[str, Any]) -> list[int]:
        """Return the files that have a worker of this kind."""
        same = " AND ".join(f"{name} IS NOT DISTINCT FROM ${name}::{sql.LINE[name]}" for name in sql.KIND)
        return [
            file for (file,) in self._rows(f"SELECT DISTINCT file FROM line WHERE type = 'worker' AND {same}", **kind)
        ]

    def forget(self, files: Iterable[int]) -> None:
        """Take files out again."""
        for table in ("line", "file"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE file IN (SELECT unnest($files))",
                {"files": list(files)},
            )

    def forget_odd_lines(self) -> dict[int, int]:
        """Take out the lines that are odd, and return how many of each file."""
        found = dict(self._rows(sql.SHORT))
        self._connection.execute(f"DELETE FROM line WHERE {sql.ODD}")
        return found

    def sessions(self) -> dict[int, tuple[int, int, str | None]]:
        """Return for each file: session lines, hazard lines, and what interrupted the last session that says so."""
        rows = self._rows("""
            SELECT file.file, count(*) FILTER (WHERE type = 'session'), count(*) FILTER (WHERE type = 'hazard'),
                   max_by({'by': interrupted}, session) FILTER (WHERE type = 'footer')
            FROM file
            LEFT JOIN line ON line.file = file.file AND type <> 'worker'
            GROUP BY file.file
        """)
        return {file: (sessions, hazards, last["by"] if last else None) for file, sessions, hazards, last in rows}

    def hazards(self, files: Mapping[int, Path]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the hazard lines of these files, with their file's number; JSON fields are text."""
        if not files:
            return
        numbers = {str(path): file for file, path in files.items()}
        rows = self._rows(
            f"""
            SELECT filename, {", ".join(sql.HAZARD)}
            FROM read_json($paths, columns = {_columns(sql.HAZARD)}, format = 'newline_delimited', compression = 'none',
                           ignore_errors = true, filename = true, maximum_object_size = {_LARGEST_OBJECT >> 4})
            WHERE type = 'hazard'
            ORDER BY session, started
            """,
            paths=list(numbers),
        )
        for path, *fields in rows:
            yield numbers[path], dict(zip(sql.HAZARD, fields, strict=True))

    def spots(self) -> list[tuple[int, str, str | None]]:
        """Return every (context, cell, place) that a worker has, in order of first appearance; JSON as text."""
        return [
            (context, cell, place)
            for context, cell, place in self._rows("""
                SELECT file.context, line.cell, line.place
                FROM line
                JOIN file USING (file)
                WHERE line.type = 'worker'
                GROUP BY ALL
                ORDER BY min({'f': line.file, 's': session, 'r': round, 'p': position}), line.cell, line.place
            """)
        ]

    def group(self, spots: Sequence[tuple[int, str, str | None]], ids: Sequence[int], groups: Sequence[int]) -> None:
        """Say for each spot the number of its cell's id, and which group it is of."""
        contexts, cells, places = zip(*spots, strict=True) if spots else ((), (), ())
        self._connection.execute(
            """INSERT INTO spot SELECT unnest($spot::INTEGER[]), unnest($context::INTEGER[]),
               unnest($cell::VARCHAR[]), unnest($place::VARCHAR[]), unnest($id::INTEGER[]), unnest($grp::INTEGER[])""",
            {
                "spot": list(range(len(spots))),
                "context": list(contexts),
                "cell": list(cells),
                "place": list(places),
                "id": list(ids),
                "grp": list(groups),
            },
        )

    def join_workers(self, not_started: Iterable[str]) -> list[Repetition]:
        """Make a table of the workers, each once, and return those that were there already."""
        self._connection.execute(sql.WORKERS, {"not_started": list(not_started)})
        repeated = [Repetition(*row) for row in self._rows(sql.REPEATED)]
        if repeated:
            self._connection.execute(
                "DELETE FROM worker WHERE worker IN (SELECT unnest($workers))",
                {"workers": [repetition.worker for repetition in repeated]},
            )
        return repeated

    def workers_by_file(self) -> dict[int, int]:
        """Return the workers of each file, before any is taken out for being in another file too."""
        return dict(
            self._rows("""
                SELECT file, count(DISTINCT (cell_id, round))
                FROM line JOIN file USING (file)
                JOIN spot ON spot.context = file.context AND spot.cell = line.cell
                         AND spot.place IS NOT DISTINCT FROM line.place
                WHERE type = 'worker'
                GROUP BY file
            """)
        )

    def shapes(self) -> list[Shape]:
        """Return the workers, alike ones together."""
        return [Shape(*row) for row in self._rows(sql.SHAPES)]

    def join_launches(self) -> None:
        """Make a table of the timed launches of the workers that ran."""
        self._connection.execute(sql.LAUNCHES)

    def counts(self) -> list[tuple[int, int, int, int]]:
        """Return (group, command, launches, ok launches)."""
        return self._rows("""
            SELECT grp, command, count(*), count(*) FILTER (WHERE ok)
            FROM launch
            GROUP BY grp, command
            ORDER BY grp, command
        """)

    def failures(self) -> list[tuple[int, int, int, int, int | None, int]]:
        """Return (group, context, outcome, errno, status, launches) of what is not ok, in order of first appearance."""
        return self._rows("""
            SELECT grp, context, outcome, errno, status, count(*)
            FROM launch
            WHERE NOT ok
            GROUP BY grp, context, outcome, errno, status
            ORDER BY grp, min(worker), outcome, errno, status
        """)

    def round_medians(self) -> list[tuple[int, int, float]]:
        """Return (group, round, median `total` of its ok launches)."""
        return [
            (group, number, median)
            for low, high, large in self._group_ranges()
            for group, number, median in self._rows(
                sql.ROUND_MEDIANS_LARGE if large else sql.ROUND_MEDIANS, low=low, high=high
            )
        ]

    def sum_up_workers(self) -> None:
        """Make a table of the median of each worker and series, some workers at a time."""
        ((workers, launches),) = self._rows("SELECT (SELECT max(worker) FROM worker), (SELECT count(*) FROM launch)")
        step = max(1, _AT_ONCE * (workers or 0) // max(1, launches))
        for low in range(1, (workers or 0) + 1, step):
            for series, only in self._series():
                self._connection.execute(
                    sql.MEDIANS.format(series=series, only=only), {"low": low, "high": low + step - 1}
                )

    def worker_medians(self, clock: str) -> dict[int, tuple[list[float], int]]:
        """Return for each series the medians of its workers, in their order, and how many launches they rest on; ns."""
        rows = self._rows(f"""
            SELECT series, list({clock} ORDER BY worker), sum({clock}_n)::BIGINT
            FROM median
            WHERE {clock} IS NOT NULL
            GROUP BY series
        """)
        return {series: (medians, launches) for series, medians, launches in rows}

    def ranked(self, ranks: Mapping[str, Mapping[int, Sequence[int]]]) -> dict[str, dict[int, list[int]]]:
        """Return the launches of each clock and series that have these ranks, from 1, among all its workers'; ns."""
        found: dict[str, dict[int, list[int]]] = {clock: {} for clock in ranks}
        for low, high, large in self._group_ranges():
            for series, only in self._series():
                if large:
                    self._rank_on_disk(series, only, (low, high), ranks, found)
                else:
                    self._rank_in_memory(series, only, (low, high), ranks, found)
        return found

    def _rank_in_memory(
        self,
        series: str,
        only: str,
        groups: tuple[int, int],
        ranks: Mapping[str, Mapping[int, Sequence[int]]],
        found: dict[str, dict[int, list[int]]],
    ) -> None:
        import numpy as np

        clocks = [clock for clock, of in ranks.items() if of]
        if not clocks:
            return
        statement = sql.LATENCIES.format(series=series, only=only, clocks=", ".join(clocks))
        columns = self._connection.execute(statement, {"low": groups[0], "high": groups[1]}).fetchnumpy()
        numbers, firsts = np.unique(np.asarray(columns["series"]), return_index=True)
        for number, rows in zip(numbers.tolist(), map(slice, firsts, [*firsts[1:], None]), strict=True):
            for clock in clocks:
                places = ranks[clock].get(number)
                if places:
                    ascending = np.sort(np.ma.compressed(columns[clock][rows]))
                    found[clock][number] = ascending[[place - 1 for place in places]].tolist()

    def _rank_on_disk(
        self,
        series: str,
        only: str,
        groups: tuple[int, int],
        ranks: Mapping[str, Mapping[int, Sequence[int]]],
        found: dict[str, dict[int, list[int]]],
    ) -> None:
        asked = [(clock, number, list(places)) for clock, of in ranks.items() for number, places in of.items()]
        self._connection.execute("DELETE FROM rank")
        self._connection.execute(
            "INSERT INTO rank SELECT unnest($clock::VARCHAR[]), unnest($series::BIGINT[]), unnest($ranks::BIGINT[][])",
            {name: [one[at] for one in asked] for at, name in enumerate(("clock", "series", "ranks"))},
        )
        for clock in ranks:
            statement = sql.RANKED_LARGE.format(series=series, only=only, clock=clock)
            found[clock].update(self._rows(statement, low=groups[0], high=groups[1]))

    def _series(self) -> Iterator[tuple[str, str]]:
        """Yield how series are numbered and which launches have one: of cells, and of commands where there is a mix."""
        yield sql.OF_A_CELL, sql.ANY
        if self._mixes:
            yield sql.OF_A_COMMAND, f"grp IN ({', '.join(map(str, self._mixes))})"

    @cached_property
    def _mixes(self) -> list[int]:
        return [
            group for (group,) in self._rows("SELECT grp FROM launch GROUP BY grp HAVING min(command) <> max(command)")
        ]

    def _group_ranges(self) -> Iterator[tuple[int, int, bool]]:
        """Yield first and last of groups that have few launches together, and whether it is one of very many."""
        low, high, launches = 0, -1, 0
        for group, more in self._rows("SELECT grp, count(*) FROM launch GROUP BY grp ORDER BY grp"):
            if launches and launches + more > _AT_ONCE:
                yield low, high, launches > _AT_ONCE
                low, launches = group, 0
            high, launches = group, launches + more
        if launches:
            yield low, high, launches > _AT_ONCE


def _columns(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {_literal(type_)}" for name, type_ in fields.items()) + "}"


def _literal(value: object) -> str:
    """Set a constant of this module as SQL; what comes from outside is a parameter."""
    return str(value) if isinstance(value, bool | int) else "'" + str(value).replace("'", "''") + "'"
