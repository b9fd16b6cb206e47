"""Result files in DuckDB: with `sql`, every statement of SQL that analysis has, and nothing of what the rows mean.

It holds lines, workers and launches as tables, in bounded memory and else on disk, and counts, selects and sorts. What
lines repeat is kept once, and their launches in columns of numbers, as soon as a batch of them is read. It is
for files by the thousand: `many` says which lines count, what a cell is, and makes summaries of what comes out.

Order, where it shows, is the order of the files as given and of the lines in them: session, round, place in the round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.analysis import sql
from bench.analysis.spool import FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray
    from typing_extensions import Self

    from bench.analysis.spool import Spooled

_MEMORY = "550MiB"
"""What DuckDB may hold; it moves the rest to its folder. Python and its copies of files take 300 MiB more."""
_THREADS = 2
_SMALLEST_OBJECT, _LARGEST_OBJECT = 1 << 18, 1 << 29
"""Bounds, in bytes, of the longest line that is looked for: DuckDB holds two of them for each thread."""


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
            "enable_progress_bar": False,  # which it shows where Python has no script, in a notebook and under -c
        }.items():
            self._connection.execute(f"SET {setting} = {_literal(value)}")
        self._connection.execute(sql.SCHEMA)
        self._lines = 0

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
        columns = _columns({FILE: "INTEGER", **sql.LINE})
        size = min(max(spooled.longest, _SMALLEST_OBJECT), _LARGEST_OBJECT)
        statement = sql.BATCH.format(mark=FILE, columns=columns, size=size)
        self._connection.execute(statement, {"parts": list(map(str, spooled.parts))})
        self._connection.execute(sql.KINDS)
        for statement in (sql.LINES, sql.LAUNCHES, sql.FAILURES):
            self._connection.execute(statement, {"before": self._lines})
        self._lines += self._rows("SELECT count(*) FROM batch")[0][0]
        self._connection.execute("DROP TABLE batch")

    def odd_files(self) -> list[int]:
        """Return the files that have a line which is not plainly one of the format."""
        return [file for file, _ in self._rows(sql.SHORT)]

    def kinds(self) -> dict[int, dict[str, Any]]:
        """Return the fields of every worker but for its samples, alike ones once, by number; JSON as text."""
        rows = self._rows(f"SELECT kind, {', '.join(sql.KIND)} FROM kind")
        return {kind: dict(zip(sql.KIND, row, strict=True)) for kind, *row in rows}

    def files_with(self, kinds: Iterable[int]) -> list[int]:
        """Return the files that have a worker of one of these kinds."""
        statement = "SELECT DISTINCT file FROM line WHERE kind IN (SELECT unnest($kinds::INTEGER[]))"
        return [file for (file,) in self._rows(statement, kinds=list(kinds))]

    def forget(self, files: Iterable[int]) -> None:
        """Take files out again: launches without their line count nowhere."""
        for table in ("line", "file"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE file IN (SELECT unnest($files))",
                {"files": list(files)},
            )

    def forget_odd_lines(self) -> dict[int, int]:
        """Take out the lines that are odd, and return how many of each file."""
        found = dict(self._rows(sql.SHORT))
        self._connection.execute("DELETE FROM line WHERE odd")
        return found

    def sessions(self) -> dict[int, tuple[int, int, str | None, list[str]]]:
        """Return for each file: session lines, hazard lines, what interrupted the last session that says so, and boots.

        Boots are JSON, one text a session that had any.
        """
        rows = self._rows("""
            SELECT file.file, count(*) FILTER (WHERE type = 'session'), count(*) FILTER (WHERE type = 'hazard'),
                   max_by({'by': interrupted}, session) FILTER (WHERE type = 'footer'),
                   list(boots::VARCHAR ORDER BY session) FILTER (WHERE type = 'footer' AND boots IS NOT NULL)
            FROM file
            LEFT JOIN line ON line.file = file.file AND type <> 'worker'
            GROUP BY file.file
        """)
        return {
            file: (sessions, hazards, last["by"] if last else None, boots or [])
            for file, sessions, hazards, last, boots in rows
        }

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
        return self._rows(sql.SPOTS)

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

    def join_workers(self, not_started: Iterable[str]) -> None:
        """Make a table of the workers, and of the launches of those that ran."""
        self._connection.execute(sql.WORKERS, {"not_started": list(not_started)})
        self._connection.execute(sql.TIMED_WORKERS)

    def workers_by_file(self) -> dict[int, int]:
        """Return the workers of each file, whatever other files have."""
        return dict(self._rows("SELECT file, count(DISTINCT (cell_id, round)) FROM worker GROUP BY file"))

    def count_once(self) -> list[Repetition]:
        """Take out the workers that were there already, and return them."""
        repeated = [Repetition(*row) for row in self._rows(sql.REPEATED)]
        if repeated:
            self._connection.execute(
                "DELETE FROM worker WHERE worker IN (SELECT unnest($workers))",
                {"workers": [repetition.worker for repetition in repeated]},
            )
        return repeated

    def shapes(self) -> list[Shape]:
        """Return the workers, alike ones together."""
        return [Shape(*row) for row in self._rows(sql.SHAPES)]

    def counts(self) -> list[tuple[int, int, int, int]]:
        """Return (group, command, launches, ok launches)."""
        return self._rows(sql.COUNTS)

    def failures(self) -> list[tuple[int, int, int, int, int | None, int]]:
        """Return (group, context, outcome, errno, status, launches) of what is not ok, in order of first appearance."""
        return self._rows(sql.FAILED)

    def latencies(self, groups: tuple[int, int], workers: tuple[int, int]) -> dict[str, NDArray[Any]]:
        """Return the ok launches of groups and workers, first and last, as columns in any order; masked where null.

        `worker`, `grp`, `command`, `round`, and a column for each of `CLOCKS`, in ns.
        """
        bounds = dict(zip(("low", "high", "first", "last"), (*groups, *workers), strict=True))
        return self._connection.execute(sql.LATENCIES, bounds).fetchnumpy()

    def last_worker(self) -> int:
        """Return the highest number of a worker; the lowest is 1."""
        ((last,),) = self._rows("SELECT coalesce(max(worker), 0) FROM worker")
        return int(last)

    def ranked(
        self, group: int, ranks: Mapping[str, Mapping[int, Sequence[int]]], *, by_command: bool
    ) -> dict[str, dict[int, list[int]]]:
        """Return the launches of a group that have these ranks, from 1, for each clock and series; ns.

        They are sorted on disk where memory does not hold them.
        """
        asked = [(clock, number, list(places)) for clock, of in ranks.items() for number, places in of.items()]
        self._connection.execute("DELETE FROM rank")
        self._connection.execute(
            "INSERT INTO rank SELECT unnest($clock::VARCHAR[]), unnest($series::BIGINT[]), unnest($ranks::BIGINT[][])",
            {name: [one[at] for one in asked] for at, name in enumerate(("clock", "series", "ranks"))},
        )
        series = sql.OF_A_COMMAND if by_command else sql.OF_A_CELL
        return {clock: dict(self._rows(sql.RANKED.format(series=series, clock=clock), grp=group)) for clock in ranks}

    def round_medians(self, group: int) -> dict[int, float]:
        """Return the median `total` of each round of a group; ns. Sorted on disk."""
        return dict(self._rows(sql.ROUND_MEDIANS, grp=group))


def _columns(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {_literal(type_)}" for name, type_ in fields.items()) + "}"


def _literal(value: object) -> str:
    """Set a constant of this module as SQL; what comes from outside is a parameter."""
    return str(value) if isinstance(value, bool | int) else "'" + str(value).replace("'", "''") + "'"
