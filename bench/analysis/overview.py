"""Everything that a report may show about a set of result files, as one frozen value.

It gathers what the other modules of analysis conclude, and says which files it rests on. Showing it is report's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis import inference
from bench.analysis.hazards import HazardSummary, hazards
from bench.analysis.identity import Machine, machine_of
from bench.analysis.noise import noise_floors
from bench.analysis.selection import verdicts
from bench.analysis.summary import CellSummary, summarise
from bench.analysis.table import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.analysis.comparison import NoiseFloor
    from bench.analysis.table import WorkerRow
    from bench.analysis.verdict import Verdict
    from bench.record import BootCost, Header, Recording


@dataclass(frozen=True, slots=True)
class ResultFile:
    """What a result file is, next to what it measured."""

    path: str
    header: Header
    machine: Machine
    sessions: int
    workers: int
    """Worker lines; a complete file has `planned` of them."""
    planned: int
    hazards: int
    """Hazard lines; a complete file has `planned_hazards` of them."""
    planned_hazards: int
    interrupted: str | None
    """The signal's name, when the last session that could say so was stopped by one."""
    torn: bool
    boots: tuple[BootCost, ...] = ()
    """Of guests, in all sessions."""

    @property
    def complete(self) -> bool:
        """Every planned worker and hazard has its line."""
        return self.workers >= self.planned and self.hazards >= self.planned_hazards


@dataclass(frozen=True, slots=True)
class Analysis:
    """The subject of a report."""

    files: tuple[ResultFile, ...]
    fingerprints: Mapping[Machine, Mapping[str, object]]
    """As the first file of each machine has it."""
    cells: tuple[CellSummary, ...]
    rows: tuple[WorkerRow, ...]
    """What the cells sum up. Twins are not among them: they are in `noise`."""
    verdicts: tuple[Verdict, ...]
    """One for each set of circumstances, in order of first appearance; none without the extra `report`."""
    noise: tuple[NoiseFloor, ...]
    """One for each reference cell that was planned twice a round; none without the extra `report`."""
    hazards: tuple[HazardSummary, ...]
    warnings: tuple[str, ...]
    """One line each, with its remedy: about reading, then joining, then what is missing."""


def analyse(recordings: Iterable[Recording]) -> Analysis:
    """Sum up recordings: files of the same machine and scenario merge, others stand side by side."""
    recordings = tuple(recordings)
    joined = table(recordings)
    rows = tuple(row for row in joined.rows if not row.cell.get("twin"))
    struck = hazards(recordings)
    noise = noise_floors(joined.rows) if inference.available() else ()
    files = tuple(_result_file(recording) for recording in recordings)
    return Analysis(
        files=files,
        fingerprints={file.machine: file.header["machine"] for file in reversed(files)},
        cells=summarise(rows),
        rows=rows,
        verdicts=verdicts(rows, noise, struck) if inference.available() else (),
        noise=noise,
        hazards=struck,
        warnings=(
            *(warning for recording in recordings for warning in recording.warnings),
            *joined.warnings,
            *file_warnings(files),
        ),
    )


def file_warnings(files: Sequence[ResultFile]) -> Iterable[str]:
    """Say what is to be known of files that are summed up together, and what is missing of them."""
    yield from _merge_warnings(files)
    yield from (_incomplete(file) for file in files if not file.complete)


def _result_file(recording: Recording) -> ResultFile:
    footer = recording.footer
    return ResultFile(
        path=str(recording.path),
        header=recording.header,
        machine=machine_of(recording.header["machine"]),
        sessions=1 + len(recording.sessions),
        workers=len(recording.workers),
        planned=recording.planned,
        hazards=len(recording.hazards),
        planned_hazards=recording.planned_hazards,
        interrupted=footer["interrupted"] if footer else None,
        torn=recording.torn,
        boots=tuple(boot for footer in recording.footers for boot in footer.get("boots", ())),
    )


def _incomplete(file: ResultFile) -> str:
    counts = [f"{file.workers} of {file.planned} workers"] if file.planned else []
    counts += [f"{file.hazards} of {file.planned_hazards} hazards"] if file.planned_hazards else []
    return (
        f"{file.path}: incomplete, {', '.join(counts)}: "
        "complete it with launchbench run --resume, on the machine it was measured on"
    )


def _merge_warnings(files: Iterable[ResultFile]) -> Iterable[str]:
    """Warn where files count as one although they were not measured in the same way."""
    merged: dict[tuple[Machine, str], list[Header]] = {}
    for file in files:
        merged.setdefault((file.machine, file.header["scenario"]["name"]), []).append(file.header)
    for (_, scenario), headers in merged.items():
        settings = [_without_rounds(header["scenario"]["settings"]) for header in headers]
        if any(other != settings[0] for other in settings):
            yield f"scenario {scenario}: files with different settings are merged: report them one by one"
        builds = Counter(header["tool"]["worker_build"] for header in headers)
        if len(builds) > 1:
            yield f"scenario {scenario}: files of {len(builds)} worker builds are merged: report them one by one"


def _without_rounds(settings: Mapping[str, object]) -> dict[str, object]:
    """Leave out what only says how often: more rounds are more of the same."""
    return {name: value for name, value in settings.items() if name != "rounds"}
