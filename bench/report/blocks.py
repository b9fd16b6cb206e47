"""How an analysis is divided for reading, and the words for its parts: what every form for people shares.

A section is one machine and scenario, a block of it one overcommit mode, commit limit and footprint, a row of that a
strategy under its circumstances. How any of them looks is the forms' own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.analysis import HARDWARE, natural
from bench.report.typography import plain, size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.analysis import Analysis, CellSummary, Machine, ResultFile, Verdict

FLOOR = "null"
"""The strategy that launches nothing: what measuring itself costs."""

NOT_MEASURED = ("skipped", "unsupported", "not_allocatable")
"""Worker outcomes before the first launch."""

ROW_AXES = (
    "reaper",
    "hygiene",
    "backing",
    "in_flight",
    "bystanders",
    "open_files",
    "vmas",
    "memory_limit_bytes",
    "pids_limit",
    "nofile_limit",
    "nproc_limit",
    "worker",
    "libc",
    "kernel",
    "distro",
)
"""The axes that tell rows of one block apart, beside the strategy."""

ENVIRONMENT = ("worker", "libc", "kernel", "distro")
"""Those of them that a run is given, and not its scenario."""
_ONE_BY_ONE = 5
"""So many files of a section are described each."""
_USUAL_WORKER = "glibc"
_CLOCKS = {"emulated": "emulated clock: no latency of hardware", "instructions": "clock counts instructions"}
_DEFAULTS: Mapping[str, object] = {
    "in_flight": 1, "bystanders": 0, "open_files": 0, "vmas": 1, "kernel": "here", "distro": "here",
}  # fmt: skip
_MODES = {0: "heuristic", 1: "always", 2: "never"}  # Documentation/mm/overcommit-accounting.rst


@dataclass(frozen=True, slots=True)
class Section:
    """One machine and scenario."""

    machine: Machine
    """The machine of the files; cells may have been measured in places on it."""
    scenario: str
    files: tuple[ResultFile, ...]
    cells: tuple[CellSummary, ...]

    @property
    def shown(self) -> tuple[CellSummary, ...]:
        """Return the cells in which at least one worker came to launching."""
        return tuple(cell for cell in self.cells if set(cell.workers_by_outcome) - set(NOT_MEASURED))


def sections(analysis: Analysis) -> tuple[Section, ...]:
    """Divide an analysis, in order of its files."""
    files: dict[tuple[Machine, str], list[ResultFile]] = {}
    for file in analysis.files:
        files.setdefault((file.machine, file.header["scenario"]["name"]), []).append(file)
    return tuple(
        Section(
            machine,
            scenario,
            tuple(theirs),
            tuple(cell for cell in analysis.cells if (cell.host, cell.scenario) == (machine, scenario)),
        )
        for (machine, scenario), theirs in files.items()
    )


def verdicts_of(section: Section, analysis: Analysis) -> list[Verdict]:
    """Return the verdicts of a section as they are read: answers, then refusals; the largest footprint first.

    Kernels and libraries are in the order of their versions.
    """
    places = {cell.machine for cell in section.cells}
    theirs = (
        one for one in analysis.verdicts if one.scope.scenario == section.scenario and one.scope.machine in places
    )
    return sorted(theirs, key=_reading_order)


def _reading_order(verdict: Verdict) -> tuple[Any, ...]:
    circumstances, machine = verdict.scope.circumstances, verdict.scope.machine
    mode = circumstances.get("overcommit")
    return (
        verdict.refusal is not None,
        machine.clock != HARDWARE,
        mode if isinstance(mode, int) else -1,
        circumstances.get("limit_bytes") or 0,
        -circumstances.get("footprint_bytes", 0),
        *(natural(fact) for fact in (machine.kernel, machine.libc, machine.distro)),
    )


def axis(cell: CellSummary, name: str) -> object:
    """Return a cell's value of an axis, or what an axis that the file does not have stands for.

    Kernels and distros have the names that they were asked for by: `places` says what they are.
    """
    if name == "libc":
        return cell.machine.libc
    value = cell.axes.get(name)
    return _DEFAULTS.get(name) if value is None else value


def axis_text(name: str, value: object) -> str:
    """Set the value of an axis; no limit is `none`."""
    if value is None:
        return "none"
    return size(value) if name.endswith("_bytes") and isinstance(value, int) else plain(str(value))


def axis_name(name: str) -> str:
    """Name an axis as people say it."""
    return name.removesuffix("_bytes").replace("_", " ")


def varying(cells: Sequence[CellSummary]) -> list[str]:
    """Return the axes of rows on which these cells differ.

    A distro that has one build tells the build, and the two of them tell the libc that they bring along.
    """
    values = {name: [repr(axis(cell, name)) for cell in cells] for name in ROW_AXES}
    for name, tellers in (("libc", ("worker", "distro")), ("worker", ("distro",))):
        told = set(zip(*(values[teller] for teller in tellers), strict=True))
        if len(set(zip(*(values[one] for one in (*tellers, name)), strict=True))) == len(told):
            del values[name]
    return [name for name, found in values.items() if len(set(found)) > 1]


def telling(cells: Sequence[CellSummary]) -> list[str]:
    """Return the axes of rows that vary for one strategy at least: what a strategy brings along, its name tells."""
    strategies: dict[str, list[CellSummary]] = {}
    for cell in cells:
        strategies.setdefault(cell.strategy, []).append(cell)
    found = {name for theirs in strategies.values() for name in varying(theirs)}
    return [name for name in ROW_AXES if name in found]


def circumstances(cell: CellSummary, axes: Iterable[str]) -> str:
    """Say what these axes of a cell are, without what is as usual: `reaper waitpid, backing anon, vmas 8`."""
    said = [(name, cell.axes.get(name)) for name in axes]
    return ", ".join(
        f"{axis_name(name)} {axis_text(name, value)}"
        for name, value in said
        if value not in {None, 0, 1, _USUAL_WORKER}
    )


def order(cells: Iterable[CellSummary]) -> list[CellSummary]:
    """Sort rows as they are read: what works best first, then what is fastest.

    Where builds, kernels or distros are compared, the rows of one strategy stand together, at the place of the best, in
    the order of versions.
    """
    rows = sorted(cells, key=_rank)
    if not set(ENVIRONMENT).intersection(varying(rows)):
        return rows
    best: dict[tuple[object, ...], int] = {}
    for at, cell in enumerate(rows):
        best.setdefault(_without_environment(cell), at)
    return sorted(rows, key=lambda cell: (best[_without_environment(cell)], *_versions(cell)))


def _versions(cell: CellSummary) -> list[list[tuple[int, str]]]:
    return [natural(str(axis(cell, name))) for name in ("kernel", "libc", "distro", "worker")]


def _rank(cell: CellSummary) -> tuple[float, float, str]:
    return -(cell.success or 0), cell.total_ns.p50 if cell.total_ns else math.inf, cell.strategy


def _without_environment(cell: CellSummary) -> tuple[object, ...]:
    return (cell.strategy, *(repr(axis(cell, name)) for name in ROW_AXES if name not in ENVIRONMENT))


def environment_text(cell: CellSummary, names: Iterable[str]) -> str:
    """Say which of the environments of a run a cell is of: `musl bullseye`."""
    return " ".join(axis_text(name, axis(cell, name)) for name in names)


def mode_order(cell: CellSummary) -> tuple[bool, str, int, int]:
    """Sort by clock, the hardware's first, then by overcommit mode and commit limit."""
    mode, clock = cell.axes["overcommit"], cell.machine.clock
    return (clock != HARDWARE, clock, mode if isinstance(mode, int) else -1, cell.axes.get("limit_bytes") or 0)


def block_order(cell: CellSummary) -> tuple[Any, ...]:
    """Sort as `mode_order`, then by footprint; cells of one block are equal in it."""
    return (*mode_order(cell), cell.axes["footprint_bytes"])


def clock_title(cell: CellSummary) -> str:
    """Say what a cell's times are counted in, unless it is the hardware's clock."""
    clock = cell.machine.clock
    return "" if clock == HARDWARE else _CLOCKS.get(clock, plain(clock))


def mode_title(cell: CellSummary) -> str:
    """Name a cell's overcommit mode and commit limit."""
    mode, limit = cell.axes["overcommit"], cell.axes.get("limit_bytes")
    if mode == "current":
        said = f"current overcommit{''.join(f', {mode_name(force)}' for force in cell.modes[:1])}"
    else:
        said = f"overcommit {mode_name(mode)}"
    return said if limit is None else f"{said}, limit {size(limit)}"


def mode_name(mode: object) -> str:
    """Name a value of vm.overcommit_memory: `mode 0 (heuristic)`."""
    return f"mode {mode} ({_MODES[mode]})" if isinstance(mode, int) and mode in _MODES else f"mode {mode}"


def count(number: int, noun: str) -> str:
    """Set a number and what it counts: `1 round`, `6 rounds`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def refusals(cells: Iterable[CellSummary]) -> list[tuple[str, str, list[CellSummary]]]:
    """Group what was not measured by outcome and reason."""
    refused: dict[tuple[str, str], list[CellSummary]] = {}
    for cell in cells:
        for outcome, reason in cell.reasons:
            if outcome in NOT_MEASURED:
                refused.setdefault((outcome, reason), []).append(cell)
    return [(outcome, reason, concerned) for (outcome, reason), concerned in sorted(refused.items())]


def mechanisms(cells: Iterable[CellSummary]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return how each strategy was seen to launch, and where that is not what its name claims; both by strategy.

    What depends on the environment is said with those that it was seen in.
    """
    cells = list(cells)
    names = [name for name in varying(cells) if name in ENVIRONMENT and name != "libc"]
    seen: dict[str, dict[str, list[str]]] = {}
    denied: dict[str, dict[str, None]] = {}
    for cell in cells:
        if cell.mechanism:
            where = seen.setdefault(plain(cell.strategy), {}).setdefault(plain(cell.mechanism), [])
            where.append(environment_text(cell, names))
        for sentence in cell.contradictions:
            denied.setdefault(plain(cell.strategy), {})[plain(sentence)] = None
    return {strategy: _told(texts) for strategy, texts in sorted(seen.items())}, _lists(denied)


def _told(texts: Mapping[str, list[str]]) -> list[str]:
    if len(texts) == 1:
        return list(texts)
    told = {text: ", ".join(sorted(filter(None, set(where)), key=natural)) for text, where in texts.items()}
    return [f"{text} [{where}]" if where else text for text, where in told.items()]


def machine_facts(fingerprint: Mapping[str, object], machine: Machine) -> dict[str, str]:
    """Say on what was measured, in three lines: `machine`, `system`, `overcommit`; what is unknown is left out."""

    def fact(name: str, before: str = "", after: str = "") -> str | None:
        value = fingerprint.get(name)
        return None if value is None else f"{before}{value}{after}"

    def known(*parts: str | None) -> str:
        return ", ".join(part for part in parts if part)

    memory, mode = fingerprint.get("memory_total_bytes"), fingerprint.get("overcommit_memory")
    facts = {
        "machine": known(
            fact("hostname") or machine.id,
            fact("cpu_model_name"),
            fact("cpu_count", after=" CPUs"),
            size(memory) if isinstance(memory, int) else None,
            fact("virtualisation"),
        ),
        "system": known(machine.distro, f"Linux {machine.kernel}", fact("libc")),
    }
    if isinstance(mode, int):
        facts["overcommit"] = known(f"{mode_name(mode)} on this machine", fact("overcommit_ratio", "ratio ", "%"))
    return facts


def places(section: Section) -> list[str]:
    """Say where else than on the machine itself cells were measured, by the names that were asked for.

    Cells that were skipped are of no place: what they say of one is what was asked for.

    Places that differ in their kernel only are said together: `4.4 (4.4.0-210-generic), 5.0 (5.0.0-65-generic): ...`.
    """
    found: dict[str, dict[str, None]] = {}
    for cell in section.cells:
        place = cell.machine
        if place != section.machine and set(cell.workers_by_outcome) != {"skipped"}:
            asked = [cell.axes[name] for name in ("kernel", "distro") if cell.axes.get(name)]
            name = " ".join(plain(str(name)) for name in asked or [axis(cell, "worker")])
            distro = "" if place.distro == "none" else plain(place.distro)
            facts = ", ".join(fact for fact in (distro, plain(place.libc), clock_title(cell)) if fact)
            kernel = f" ({plain(place.kernel)})" if place.kernel != section.machine.kernel else ""
            found.setdefault(facts, {})[f"{name}{kernel}"] = None
    listed = {facts: sorted(names, key=natural) for facts, names in found.items()}
    in_order = sorted(listed, key=lambda facts: natural(listed[facts][0]))
    return [f"{', '.join(listed[facts])}: {facts}" for facts in in_order]


def file_facts(files: Sequence[ResultFile]) -> list[tuple[str, str]]:
    """Say how files came to be and what wrote them, under `run`, `build` and `file`; of many only what they share."""
    if len(files) <= _ONE_BY_ONE:
        facts = (("run", run_facts), ("build", build_facts), ("file", lambda file: plain(file.path)))
        return [(label, fact(file)) for file in files for label, fact in facts]
    started = sorted(plain(file.header["started"]) for file in files)
    done, planned = sum(file.workers for file in files), sum(file.planned for file in files)
    return [
        ("run", f"{count(len(files), 'file')}, {done}/{planned} workers, from {started[0]} to {started[-1]}"),
        *(("build", build) for build in dict.fromkeys(map(build_facts, files))),
        ("file", f"{plain(files[0].path)} and {len(files) - 1} others"),
    ]


def run_facts(file: ResultFile) -> str:
    """Say how a file came to be: rounds, cells, workers, hazards, seed, moment."""
    header = file.header
    parts = []
    if file.planned or not file.planned_hazards:
        parts.append(f"{count(header['rounds'], 'round')} of {count(len(header['cells']), 'cell')}")
        parts.append(f"{file.workers}/{file.planned} workers")
    if file.planned_hazards:
        parts.append(f"{file.hazards}/{file.planned_hazards} hazards")
    return f"{', '.join(parts)}, seed {header['seed']}, {header['started']}"


def build_facts(file: ResultFile) -> str:
    """Say what wrote a file."""
    tool: Mapping[str, Any] = file.header["tool"]
    build = tool["worker_build"]
    return f"launchbench {tool['version']}" + (f", worker {build[:12]}" if build else "")


def _lists(found: Mapping[str, Mapping[str, None]]) -> dict[str, list[str]]:
    return {name: list(texts) for name, texts in sorted(found.items())}
