"""The samples as pyperf's own files: one suite for each strategy, in which equal cells have equal names.

`python -m pyperf compare_to fork_exec.json vfork_exec.json` then compares two strategies cell by cell, and `stats`,
`hist`, `metadata` and `show` say about one what they say about any benchmark. One worker is one pyperf run. pyperf has
no benchmark without a value: a cell in which nothing worked is named in the suite's metadata and in README.txt. What a
difference between two cells is worth, pyperf does not know: see `launchbench compare`.
"""

from __future__ import annotations

import io
import json
import re
import shlex
from dataclasses import astuple, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeAlias

from bench import __version__
from bench.analysis import grouped
from bench.report.blocks import axis_name, block_order, refusals
from bench.report.interface import FolderFormat, Options
from bench.report.typography import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyperf  # type: ignore[import-untyped]  # it has neither annotations nor stubs

    from bench.analysis import Analysis, CellSummary, Launches, WorkerRow

Metadata: TypeAlias = dict[str, int | float | str]

CLOCKS = ("total", "blocked", "reach")
_PLACED = frozenset({"strategy", "worker", "kernel", "distro"})
"""Axes that choose the file; the others, where they vary, are in the names of its benchmarks."""
_ALWAYS_NAMED = ("footprint_bytes", "overcommit")
_OF_ONE_MOMENT = frozenset(
    {
        "uptime",
        "load_avg_1min",
        "load_avg_5min",
        "load_avg_15min",
        "runnable_threads",
        "process_count",
        "cpu_steal_percent",
        "memory_available_bytes",
        "swap_used_bytes",
        "committed_bytes",
        "cgroup_memory_usage_bytes",
    }
)
"""Facts of the machine that were true when the run began, and would look like facts of each worker."""
_LONGEST = 400
"""Characters of a name or a text; pyperf prints each on one line."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """A cell with its workers."""

    cell: CellSummary
    rows: tuple[WorkerRow, ...]


def render(analysis: Analysis, options: Options) -> dict[str, str]:
    """Return `STRATEGY.json` for each strategy that ever worked (`STRATEGY@PLACE.json` of several), and README.txt."""
    del options
    measured = sorted(
        map(_Measured, analysis.cells, grouped(analysis.rows)),
        key=lambda one: (one.cell.strategy, block_order(one.cell)),
    )
    texts = _place_texts([one.cell for one in measured])
    files: dict[tuple[str, str], list[_Measured]] = {}
    for one in measured:
        files.setdefault((one.cell.strategy, texts[_place(one.cell)]), []).append(one)
    named_axes = _named_axes(files.values())
    several_scenarios = len({cell.scenario for cell in analysis.cells}) > 1
    documents: dict[str, str] = {}
    at_one_place: dict[str, list[str]] = {}
    failed: dict[str, list[str]] = {}
    for (strategy, place), cells in files.items():
        names = _unique([_name(one.cell, named_axes, scenario=several_scenarios) for one in cells])
        title = f"{strategy}@{place}" if place else strategy
        failures = [_failure(one.cell, name) for one, name in zip(cells, names, strict=True) if not one.cell.ok]
        if failures:
            failed[plain(title)] = failures
        suite = _suite(cells, names, analysis, failures)
        if suite is not None:
            name = _file_name(title, documents)
            documents[name] = suite
            at_one_place.setdefault(place, []).append(name)
    comparable = next((names for names in at_one_place.values() if len(names) > 1), list(documents))
    documents["README.txt"] = _readme(comparable, failed)
    return documents


def _place(cell: CellSummary) -> tuple[str, ...]:
    """Tell apart where cells were measured: each has files of its own."""
    builds = (str(cell.axes.get(axis) or "") for axis in ("worker", "kernel", "distro"))
    return (*map(str, astuple(cell.host)), *map(str, astuple(cell.machine)), *builds)


def _place_texts(cells: Sequence[CellSummary]) -> dict[tuple[str, ...], str]:
    """Name each place by what tells it from the others: nothing, when there is one."""
    places = list(dict.fromkeys(map(_place, cells)))
    telling = [at for at in range(len(places[0])) if len({place[at] for place in places}) > 1] if places else []
    texts = _unique(["-".join(dict.fromkeys(place[at] for at in telling if place[at])) for place in places])
    return dict(zip(places, texts, strict=True))


def _named_axes(files: Iterable[Sequence[_Measured]]) -> list[str]:
    """Return the axes on which cells of one file differ: those that only tell strategies apart stay out of names."""
    varying = dict.fromkeys(_ALWAYS_NAMED)
    for cells in files:
        axes = dict.fromkeys(axis for one in cells for axis in one.cell.axes if axis not in _PLACED)
        varying.update(
            dict.fromkeys(axis for axis in axes if len({repr(one.cell.axes.get(axis)) for one in cells}) > 1)
        )
    return list(varying)


def _name(cell: CellSummary, axes: Iterable[str], *, scenario: bool) -> str:
    """Name a cell, such as `1 GiB, overcommit 2, limit 1536 MiB`: sizes are exact, or two cells could be one."""
    parts = [plain(cell.scenario)] if scenario else []
    for axis in axes:
        value = cell.axes.get(axis)
        text = _exact_size(value) if axis.endswith("_bytes") and isinstance(value, int) else plain(str(value))
        if axis == "footprint_bytes":
            parts.append(text)
        elif value is not None:
            parts.append(f"{axis_name(axis)} {text}")
    return ", ".join(parts)[:_LONGEST]


def _exact_size(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count and count % size == 0:
            return f"{count // size} {unit}"
    return f"{count} B"


def _unique(names: Sequence[str]) -> list[str]:
    """Number the names that are there already."""
    found: dict[str, None] = {}
    for name in names:
        number, candidate = 1, name
        while candidate in found:
            number += 1
            candidate = f"{name} ({number})"
        found[candidate] = None
    return list(found)


def _failure(cell: CellSummary, name: str) -> str:
    if not cell.launches:
        refused = {f"{outcome}: {reason}": None for outcome, reason, _ in refusals([cell])}
        workers = {f"{outcome} {reason}".strip(): None for outcome, reason in cell.reasons}
        return f"{name}: not measured ({plain('; '.join(refused or workers) or 'no launch was reached')})"
    errors = ", ".join(f"{plain(error)} x{count}" for error, count in cell.errors.items())
    return f"{name}: 0 of {cell.launches} launches ok ({errors})"


def _suite(cells: Iterable[_Measured], names: Iterable[str], analysis: Analysis, failures: Sequence[str]) -> str | None:
    """Return a suite as pyperf writes it, or None when no cell has a value."""
    import pyperf

    benchmarks = []
    about: Metadata = {"all_failed": "; ".join(failures)} if failures else {}
    for one, name in zip(cells, names, strict=True):
        shared = _cell_metadata(one.cell, analysis) | about
        for clock, command, suffix in _series(one.cell):
            runs = list(_runs(one.rows, clock, command, shared | {"name": f"{clock}, {name}{suffix}"}))
            if runs:
                benchmarks.append(pyperf.Benchmark(runs))
    if not benchmarks:
        return None
    stream = io.StringIO()
    pyperf.BenchmarkSuite(benchmarks).dump(stream)
    return stream.getvalue()


def _series(cell: CellSummary) -> Iterator[tuple[str, int, str]]:
    """Yield a clock, a command and what it adds to the name: commands of a mix have no common distribution."""
    for clock in CLOCKS:
        for command in cell.by_command:
            yield clock, command, f", command #{command}" if len(cell.by_command) > 1 else ""


def _runs(rows: Iterable[WorkerRow], clock: str, command: int, shared: Metadata) -> Iterator[pyperf.Run]:
    """Yield a run for each worker that has a value; seconds. Nothing is asked of the machine that exports."""
    import pyperf

    for row in rows:
        values = _seconds(row.launches, clock, command)
        if not values:
            continue
        warmups = [(1, value) for value in _seconds(row.warmup, clock, command)]
        yield pyperf.Run(
            values,
            warmups=warmups or None,
            metadata=shared | _worker_metadata(row, command),
            collect_metadata=False,
        )


def _seconds(launches: Launches, clock: str, command: int) -> list[float]:
    """Select the ok launches of a command; a time that is not above zero is none, and pyperf refuses it."""
    times: Sequence[int | None] = getattr(launches, clock)
    return [
        time / 1e9
        for time, result, of in zip(times, launches.result, launches.command, strict=True)
        if result == "ok" and of == command and time is not None and time > 0
    ]


def _cell_metadata(cell: CellSummary, analysis: Analysis) -> Metadata:
    """Say what is the same for every worker of a cell: the machine's facts under pyperf's names, and the cell's."""
    machine = cell.machine
    return _machine_metadata(cell, analysis) | _one_line(
        {
            "machine": machine.id,
            "kernel": machine.kernel,
            "distro": machine.distro,
            "libc": machine.libc,
            "clock": machine.clock,
            **{axis: value for axis, value in cell.axes.items() if axis not in _PLACED},
            "strategy": cell.strategy,
            "worker": cell.axes.get("worker"),
            "scenario": cell.scenario,
            "mechanism": cell.mechanism,
            "tool": f"launchbench {__version__}",
            "unit": "second",
        }
    )


def _machine_metadata(cell: CellSummary, analysis: Analysis) -> Metadata:
    """Return the lasting facts of the machine, when the cell was measured on the machine itself."""
    import pyperf

    if cell.machine != cell.host:
        return {}
    kept: Metadata = {}
    for name, value in _one_line(analysis.fingerprints.get(cell.host, {})).items():
        if name in _OF_ONE_MOMENT:
            continue
        try:
            pyperf.Run([1.0], metadata={name: value}, collect_metadata=False)
        except ValueError:
            continue  # a name that pyperf has a meaning for, with a value of another kind
        kept[name] = value
    return kept


def _worker_metadata(row: WorkerRow, command: int) -> Metadata:
    results = [result for result, of in zip(row.launches.result, row.launches.command, strict=True) if of == command]
    errors = {result: results.count(result) for result in results if result != "ok"}
    return _one_line(
        {
            "date": _local_date(row.started),
            "run_id": row.run,
            "round": row.round,
            "position": row.position,
            "launches": len(results),
            "launches_ok": results.count("ok"),
            "errors": ", ".join(f"{error} x{count}" for error, count in errors.items()),
            "boot": row.boot,
        }
    )


def _local_date(started: str) -> str | None:
    """Return an ISO 8601 moment as pyperf writes dates, in UTC; None for what is none."""
    try:
        moment = datetime.fromisoformat(started.replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return moment.isoformat(sep=" ")


def _one_line(facts: Mapping[str, Any]) -> Metadata:
    """Give facts the types that pyperf takes: numbers, and text of one line; what is empty or null is left out."""
    texts = {
        name: value
        if isinstance(value, int | float) and not isinstance(value, bool)
        else plain(value if isinstance(value, str) else json.dumps(value))[:_LONGEST]
        for name, value in facts.items()
        if value is not None and value not in ("", {}, [])
    }
    return {name: value for name, value in texts.items() if value != ""}


def _file_name(title: str, taken: Iterable[str]) -> str:
    """Make a file name of foreign text: one component, the same on every file system."""
    stem = re.sub(r"[^A-Za-z0-9._@()-]+", "_", title)[:120].strip("._") or "strategy"
    here = {name.lower() for name in taken} | {"readme.txt"}
    number, name = 1, f"{stem}.json"
    while name.lower() in here:
        number += 1
        name = f"{stem}-{number}.json"
    return name


def _readme(names: Sequence[str], failed: Mapping[str, Sequence[str]]) -> str:
    lines = [
        f"Samples of launchbench {__version__} for pyperf: a file for each strategy, a run for each worker, seconds.",
        "Equal cells have equal names in every file:",
        "",
    ]
    pair = shlex.join((*names, *names)[:2]) if names else "BASE.json NEW.json"
    lines += [
        f"    python -m pyperf compare_to --table {pair}",
        "",
        "pyperf takes every launch for an observation of its own; launches of one worker are not. launchbench compare",
        "counts workers, and says less.",
    ]
    if failed:
        lines += ["", "Cells that pyperf cannot hold, because nothing worked in them:", ""]
        lines += [f"{title}: {failure}" for title, failures in failed.items() for failure in failures]
    return "\n".join(lines) + "\n"


FORMAT = FolderFormat(
    name="pyperf",
    cells_only=True,
    summary="a folder of pyperf files, one for each strategy",
    render=render,
    needs_launches=True,
)
