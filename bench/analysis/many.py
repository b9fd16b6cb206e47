"""Result files by the thousand: the same cells as `overview.analyse` makes, without a launch in Python's memory.

DuckDB reads, counts and sorts (`database`), `gathering` says what of which files; here is decided what belongs to one
cell, and what a summary is made of. What a worker line means is `table`'s, asked once for all lines that are alike. Not
for questions about single launches or pairs of workers: there are no rows, and so no verdicts.

What cannot be used is named in the warnings and ends nothing: among thousands of files some are always torn or empty.
"""

from __future__ import annotations

import gc
import json
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.analysis.database import Database
from bench.analysis.gathering import Collection, Source, gather, mend, worker_line
from bench.analysis.hazards import hazards
from bench.analysis.identity import machine_of
from bench.analysis.launches import Launches
from bench.analysis.overview import Analysis, ResultFile, file_warnings
from bench.analysis.sql import KIND
from bench.analysis.summary import NOT_STARTED, CellSummary, axes_key, success_interval
from bench.analysis.table import WorkerRow, table
from bench.record import HazardKey, Recording, UnreadableResult, boots_problem, hazard_key, problem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bench.record import BootCost, HazardLine, WorkerLine


def analyse_many(paths: Sequence[Path]) -> Analysis:
    """Sum up result files, of which none need be read whole.

    Raises `UnreadableResult` when not one of them can be used, and `ModuleNotFoundError` without DuckDB.
    """
    with _no_collector(), tempfile.TemporaryDirectory(prefix="launchbench-") as folder:
        collection = Collection(Path(folder))
        with Database(Path(folder)) as database:
            gather(paths, collection, database)
            mend(collection, database)
            if not collection.sources:
                raise UnreadableResult("\n".join(collection.refused))
            return _analysis(collection, database)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Keep Python's collector of cycles still: headers make none, and it walks over ten thousand of them each time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _rows(lines: Iterable[tuple[int, WorkerLine]], collection: Collection) -> list[WorkerRow]:
    """Ask `table` what lines mean, each in its context, and keep their order."""
    by_context: dict[int, list[WorkerLine]] = {}
    for number, (context, line) in enumerate(lines):
        numbered = cast("WorkerLine", {**line, "round": number})  # no two are the same worker
        by_context.setdefault(context, []).append(numbered)
    rows = {
        row.round: row
        for context, workers in by_context.items()
        for row in table([_recording(collection.contexts[context], workers=workers)]).rows
    }
    return [rows[number] for number in sorted(rows)]


def _recording(source: Source, *, workers: Sequence[WorkerLine] = (), tried: Sequence[HazardLine] = ()) -> Recording:
    return Recording(source.path, source.header, (), tuple(workers), tuple(tried), (), (), None)


def _analysis(collection: Collection, database: Database) -> Analysis:
    groups, spots = _group(collection, database)
    database.join_workers(NOT_STARTED)
    workers_by_file = database.workers_by_file()
    joining = _repetitions(database, collection)
    alike: list[list[_Alike]] = [[] for _ in range(1 + max(groups, default=-1))]
    shapes = database.shapes()
    rows = _rows(((spots[shape.spot][0], worker_line(shape.kind(spots[shape.spot]))) for shape in shapes), collection)
    for shape, row in zip(shapes, rows, strict=True):
        alike[groups[shape.spot]].append(
            _Alike(row, shape.workers, shape.not_reached, shape.bystander_max_ns, shape.bystander_control_max_ns)
        )
    launches = Launches(collection, database)
    cells = tuple(_summary(number, members, launches) for number, members in enumerate(alike))
    tried, sessions = _hazard_recordings(collection, database), database.sessions()
    files = tuple(
        _result_file(source, workers_by_file.get(number, 0), tried.get(number), *sessions[number])
        for number, source in collection.sources.items()
    )
    return Analysis(
        files=files,
        fingerprints={file.machine: file.header["machine"] for file in reversed(files)},
        cells=cells,
        rows=(),
        verdicts=(),
        noise=(),
        hazards=hazards(tried.values()),
        warnings=(
            *collection.refused,
            *(flaw for source in collection.sources.values() for flaw in source.flaws),
            *joining,
            *file_warnings(files),
        ),
    )


def _group(collection: Collection, database: Database) -> tuple[list[int], list[tuple[int, str, str | None]]]:
    """Say which cell each spot is of, in order of first appearance. A twin measures noise and is no cell: -1."""
    spots = database.spots()
    nothing = dict.fromkeys(KIND) | {"outcome": {"kind": "finished"}, "findings": "[]"}
    lines = ((context, worker_line({**nothing, "cell": cell, "place": place})) for context, cell, place in spots)
    rows = _rows(lines, collection)
    numbers: dict[object, int] = {}
    groups = [
        -1
        if row.cell.get("twin")
        else numbers.setdefault((row.host, row.machine, row.scenario, axes_key(row.cell)), len(numbers))
        for row in rows
    ]
    database.group(spots, [collection.number(str(row.cell["id"])) for row in rows], groups)
    return groups, spots


def _repetitions(database: Database, collection: Collection) -> list[str]:
    """Let every worker count once, and say which did not."""
    within: list[str] = []
    across: Counter[int] = Counter()
    for repetition in database.count_once():
        if repetition.file == repetition.kept_in:
            path, cell = collection.sources[repetition.file].path, collection.named(repetition.cell_id)
            within.append(f"{path}: cell {cell}, round {repetition.round} is there twice: the first is kept")
        else:
            across[repetition.file] += 1
    return within + [
        f"{collection.sources[number].path}: {count} of its workers are in another file too: they count once"
        for number, count in sorted(across.items())
    ]


@dataclass(frozen=True, slots=True)
class _Alike:
    """Workers of one cell that differ in nothing but their launches."""

    row: WorkerRow
    workers: int
    not_reached: int
    bystander_max_ns: int | None
    bystander_control_max_ns: int | None


def _summary(group: int, members: Sequence[_Alike], launches: Launches) -> CellSummary:
    """Sum up a cell as `summary` does, each kind of worker as often as it was met."""
    ran = [alike for alike in members if alike.row.outcome not in NOT_STARTED]
    count, ok = launches.count(group)
    not_reached = sum(alike.not_reached for alike in ran)
    first = members[0].row
    low, high = success_interval(ok, count)
    return CellSummary(
        host=first.host,
        machine=first.machine,
        scenario=first.scenario,
        axes={axis: value for axis, value in first.cell.items() if axis != "id"},
        workers=sum(alike.workers for alike in members),
        workers_by_outcome=_tally(members, lambda row: [(row.outcome, 1)]),
        reasons=Counter(
            _tally(members, lambda row: [((row.outcome, row.reason), 1)] if row.outcome != "finished" else [])
        ),
        planned_launches=count + not_reached,
        not_reached=not_reached,
        launches=count,
        ok=ok,
        success_low=low,
        success_high=high,
        errors=launches.errors(group),
        blocked_ns=launches.latency("blocked", group),
        reach_ns=launches.latency("reach", group),
        total_ns=launches.latency("total", group),
        total_tail_ns=launches.tail(group),
        total_rounds_ns=launches.rounds(group),
        by_command=launches.by_command(group),
        **_left(ran),
        zombies_peak=_largest(alike.row.zombies_peak for alike in ran),
        bystander_max_ns=_largest(alike.bystander_max_ns for alike in ran),
        bystander_control_max_ns=_largest(alike.bystander_control_max_ns for alike in ran),
        written_ns=launches.latency("written", group),
        pages_written=_largest(alike.row.pages_written for alike in ran),
        modes=tuple(sorted({alike.row.mode for alike in ran if alike.row.mode is not None})),
        mechanism=" | ".join(dict.fromkeys(alike.row.mechanism for alike in ran if alike.row.mechanism)) or None,
        inherited=tuple(dict.fromkeys(alike.row.inherited for alike in ran if alike.row.inherited)),
        broken_promises=tuple(dict.fromkeys(said for alike in ran for said in alike.row.broken_promises)),
        contradictions=tuple(dict.fromkeys(alike.row.contradiction for alike in ran if alike.row.contradiction)),
        findings=_tally(ran, lambda row: row.findings),
    )


def _tally(members: Iterable[_Alike], counted: Callable[[WorkerRow], Iterable[tuple[Any, int]]]) -> dict[Any, int]:
    found: Counter[Any] = Counter()
    for alike in members:
        for name, count in counted(alike.row):
            found[name] += count * alike.workers
    return dict(found.most_common())


def _left(ran: Iterable[_Alike]) -> dict[str, int | None]:
    """Add up what workers left; null when no census was taken."""
    left = [(alike.row.left, alike.workers) for alike in ran if alike.row.left is not None]
    columns = {
        "zombies": "zombies",
        "live_children": "children",
        "leaked_fds": "descriptors",
        "leaked_threads": "threads",
        "strays": "strays",
    }
    return {
        column: sum(getattr(one, name) * workers for one, workers in left) if left else None
        for column, name in columns.items()
    }


def _largest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _hazard_recordings(collection: Collection, database: Database) -> dict[int, Recording]:
    """Return the files that have hazard lines, with these lines only."""
    numbers = [number for number, (_, lines, *_) in database.sessions().items() if lines]
    found: dict[int, dict[HazardKey, HazardLine]] = {number: {} for number in numbers}
    for number, fields in database.hazards({number: collection.sources[number].read_from for number in numbers}):
        line = {
            name: json.loads(value) if value is not None and name in {"outcome", "spent_ns", "strays"} else value
            for name, value in fields.items()
            if value is not None or name not in {"strays", "not_made"}  # which need not be there
        }
        problem = problem_of(line)
        if problem:
            collection.sources[number].flaws.append(f"{collection.sources[number].path}: {problem}: passed over")
        else:
            found[number].setdefault(hazard_key(cast("HazardLine", line)), cast("HazardLine", line))
    return {
        number: _recording(collection.sources[number], tried=tuple(lines.values())) for number, lines in found.items()
    }


def _result_file(
    source: Source,
    workers: int,
    tried: Recording | None,
    sessions: int,
    _: int,
    interrupted: str | None,
    boots: Sequence[str],
) -> ResultFile:
    header = source.header
    return ResultFile(
        path=str(source.path),
        header=header,
        machine=machine_of(header["machine"]),
        sessions=1 + sessions,
        workers=workers,
        planned=len(header["cells"]) * header["rounds"],
        hazards=len(tried.hazards) if tried else 0,
        planned_hazards=len(header.get("hazards", ())),
        interrupted=interrupted,
        torn=source.torn,
        boots=tuple(boot for text in boots for boot in _boots(source, text)),
    )


def _boots(source: Source, text: str) -> Sequence[BootCost]:
    boots = json.loads(text)
    problem = boots_problem(boots)
    if problem:
        source.flaws.append(f"{source.path}: {problem}: passed over")
        return ()
    return cast("Sequence[BootCost]", boots)
