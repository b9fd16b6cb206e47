"""The report on a terminal: what an engineer wants to read first, in as many columns as there are.

One section for each machine and scenario, and in it one block for each overcommit mode and footprint. It shows what
the analysis concluded and concludes nothing; complete data is `json`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from bench.analysis import HARDWARE
from bench.report.interface import Format, Options
from bench.report.terminal_mix import is_mix, legend, set_mix
from bench.report.terminal_table import ROW_AXES, axis_name, axis_text, order, set_blocks, varying
from bench.report.typography import ASCII, UNICODE, Glyphs, clip, duration, plain, size, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.analysis import Analysis, CellSummary, Machine, ResultFile

FLOOR = "null"
"""The strategy that launches nothing: what measuring itself costs."""

_NOT_MEASURED = ("skipped", "unsupported", "not_allocatable")
_MODES = {0: "heuristic", 1: "always", 2: "never"}  # Documentation/mm/overcommit-accounting.rst
_CLOCKS = {"emulated": "emulated clock: no latency of hardware", "instructions": "clock counts instructions"}
_USUAL_WORKER = "glibc"
_LABEL = 13


@dataclass(slots=True)
class _Page:
    """Lines in the making; the only thing here that changes."""

    options: Options
    glyphs: Glyphs
    lines: list[str] = field(default_factory=list)

    def styled(self, text: str, **style: Any) -> str:
        return click.style(text, **style) if self.options.colour and text else text

    def title(self, text: str) -> None:
        text = clip(text, self.options.width - 6, self.glyphs)
        rule = self.glyphs.rule
        tail = rule * (self.options.width - len(text) - 4)
        self.lines += [f"{rule * 2} {self.styled(text, bold=True, fg='cyan')} {self.styled(tail, dim=True)}"]

    def labelled(self, label: str, text: str, **style: Any) -> None:
        wrapped = wrap(text, self.options.width, first=" " * _LABEL, rest=" " * _LABEL)
        for at, line in enumerate(wrapped):
            head = self.styled(f"{'' if at else label:<{_LABEL}}", dim=True)
            self.lines.append(head + self.styled(line[_LABEL:], **style))

    def text(self, text: str, **style: Any) -> None:
        self.lines += [self.styled(line, **style) for line in wrap(text, self.options.width)]

    def gap(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")


def render(analysis: Analysis, options: Options) -> str:
    """Return the report; every line fits into `options.width`, which counts as 60 at least."""
    options = Options(max(options.width, 60), options.colour, options.unicode)
    page = _Page(options, UNICODE if options.unicode else ASCII)
    sections: dict[tuple[Machine, str], list[ResultFile]] = {}
    for file in analysis.files:
        sections.setdefault((file.machine, file.header["scenario"]["name"]), []).append(file)
    for (machine, scenario), files in sections.items():
        page.gap()
        cells = [cell for cell in analysis.cells if (cell.host, cell.scenario) == (machine, scenario)]
        _head(page, files, analysis.fingerprints[machine])
        _places(page, machine, cells)
        _blocks(page, cells)
        _mechanisms(page, cells)
        _not_measured(page, cells)
        _notes(page, cells, files[0].header["scenario"]["settings"])
    if analysis.warnings:
        page.gap()
        for warning in analysis.warnings:
            page.labelled("warning", warning, fg="yellow")
    text = "\n".join(page.lines) + "\n"
    return text if options.unicode else text.encode("ascii", "replace").decode()


def _head(page: _Page, files: Sequence[ResultFile], fingerprint: Mapping[str, object]) -> None:
    scenario = files[0].header["scenario"]
    page.text(scenario["name"], bold=True)
    page.text(scenario["question"])
    page.gap()

    def known(*parts: str | None) -> str:
        return ", ".join(part for part in parts if part)

    def fact(name: str, before: str = "", after: str = "") -> str | None:
        value = fingerprint.get(name)
        return None if value is None else f"{before}{value}{after}"

    memory = fingerprint.get("memory_total_bytes")
    page.labelled(
        "machine",
        known(
            fact("hostname") or files[0].machine.id,
            fact("cpu_model_name"),
            fact("cpu_count", after=" CPUs"),
            size(memory) if isinstance(memory, int) else None,
            fact("virtualisation"),
        ),
    )
    page.labelled("system", known(files[0].machine.distro, f"Linux {files[0].machine.kernel}", fact("libc")))
    mode = fingerprint.get("overcommit_memory")
    if isinstance(mode, int):
        page.labelled(
            "overcommit", known(f"{_mode_name(mode)} on this machine", fact("overcommit_ratio", "ratio ", "%"))
        )
    for file in files:
        header = file.header
        build = header["tool"]["worker_build"]
        page.labelled(
            "run",
            f"{_count(header['rounds'], 'round')} of {_count(len(header['cells']), 'cell')}, "
            f"{file.workers}/{file.planned} workers, "
            f"seed {header['seed']}, {header['started']}",
        )
        page.labelled("build", known(f"launchbench {header['tool']['version']}", build and f"worker {build[:12]}"))
        page.labelled("file", file.path)
    page.gap()


def _places(page: _Page, host: Machine, cells: Iterable[CellSummary]) -> None:
    """Say where else than on the machine itself cells were measured."""
    elsewhere = {cell.machine: None for cell in cells if cell.machine != host}
    for at, place in enumerate(elsewhere):
        clock = "" if place.clock == HARDWARE else f", {_CLOCKS.get(place.clock, place.clock)}"
        page.labelled("" if at else "also in", f"{place.distro}, Linux {place.kernel}, {place.libc}{clock}")
    if elsewhere:
        page.gap()


def _blocks(page: _Page, cells: Sequence[CellSummary]) -> None:
    shown = [cell for cell in cells if set(cell.workers_by_outcome) - set(_NOT_MEASURED)]
    if not shown:
        page.text("Nothing was measured.")
        page.gap()
        return
    constant = [axis for axis in ROW_AXES if axis not in varying(shown)]
    page.labelled("every cell", _circumstances(shown[0], constant))
    page.gap()
    blocks: dict[tuple[object, ...], list[CellSummary]] = {}
    for cell in sorted(shown, key=_block_order):
        blocks.setdefault(_block_order(cell), []).append(cell)
    ranked = [order([cell for cell in block if cell.strategy != FLOOR]) for block in blocks.values()]
    for block, lines in zip(blocks.values(), set_blocks(ranked, page.options, page.glyphs), strict=True):
        page.title(_block_title(block[0], page.glyphs))
        page.lines += lines if len(lines) > 1 else []
        if is_mix(block):
            page.gap()
            page.lines += set_mix(order([cell for cell in block if cell.strategy != FLOOR]), page.options, page.glyphs)
        for cell in block:
            if cell.strategy == FLOOR and cell.total_ns:
                floor = duration(cell.total_ns.p50, page.glyphs)
                page.lines.append(page.styled(f"floor: {floor} total, the cost of measuring ({FLOOR})", dim=True))
        page.gap()


def _circumstances(cell: CellSummary, axes: Iterable[str]) -> str:
    said = [(axis, cell.axes.get(axis)) for axis in axes]
    return ", ".join(
        f"{axis_name(axis)} {axis_text(axis, value)}"
        for axis, value in said
        if value not in {None, 0, 1, _USUAL_WORKER}
    )


def _block_order(cell: CellSummary) -> tuple[Any, ...]:
    mode = cell.axes["overcommit"]
    return (
        cell.machine.clock != HARDWARE,
        cell.machine.clock,
        mode if isinstance(mode, int) else -1,
        cell.axes.get("limit_bytes") or 0,
        cell.axes["footprint_bytes"],
    )


def _block_title(cell: CellSummary, glyphs: Glyphs) -> str:
    mode, limit = cell.axes["overcommit"], cell.axes.get("limit_bytes")
    if mode == "current":
        said = f"current overcommit{''.join(f', {_mode_name(force)}' for force in cell.modes[:1])}"
    else:
        said = f"overcommit {_mode_name(mode)}"
    if limit is not None:
        said += f", limit {size(limit)}"
    said += f" {glyphs.dot} footprint {size(cell.axes['footprint_bytes'])}"
    clock = cell.machine.clock
    return said if clock == HARDWARE else f"{said} {glyphs.dot} {_CLOCKS.get(clock, clock)}"


def _mode_name(mode: object) -> str:
    return f"mode {mode} ({_MODES[mode]})" if isinstance(mode, int) and mode in _MODES else f"mode {mode}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _not_measured(page: _Page, cells: Iterable[CellSummary]) -> None:
    """Group what was refused by its reason: one line of why, then whom it concerns."""
    refused: dict[tuple[str, str], list[CellSummary]] = {}
    for cell in cells:
        for outcome, reason in cell.reasons:
            if outcome in _NOT_MEASURED:
                refused.setdefault((outcome, reason), []).append(cell)
    if not refused:
        return
    page.title("not measured")
    for (outcome, reason), concerned in sorted(refused.items()):
        names = sorted({plain(cell.strategy) for cell in concerned})
        footprints = [size(value) for value in sorted({cell.axes["footprint_bytes"] for cell in concerned})]
        some = _count(len(concerned), "cell")
        page.labelled({"not_allocatable": "not mapped"}.get(outcome, outcome), reason or "no reason given")
        page.labelled("", f"{some}: {', '.join(names)}; footprint {', '.join(footprints)}", dim=True)
    page.gap()


def _mechanisms(page: _Page, cells: Iterable[CellSummary]) -> None:
    """Say how each strategy was seen to launch, and where that is not what its name claims."""
    seen: dict[str, dict[str, None]] = {}
    contradictions: dict[str, dict[str, None]] = {}
    for cell in cells:
        if cell.mechanism:
            seen.setdefault(plain(cell.strategy), {})[cell.mechanism] = None
        for sentence in cell.contradictions:
            contradictions.setdefault(plain(cell.strategy), {})[sentence] = None
    if not seen:
        return
    page.title("mechanism, observed in an untimed launch")
    width = max(len(name) for name in seen) + 2
    for name, texts in sorted(seen.items()):
        for line in wrap(plain(" | ".join(texts)), page.options.width, first=f"{name:<{width}}", rest=" " * width):
            page.lines.append(line)
    for name, sentences in sorted(contradictions.items()):
        for sentence in sentences:
            page.text(f"{name}: {plain(sentence)}", fg="yellow")
    page.gap()


def _notes(page: _Page, cells: Sequence[CellSummary], settings: Mapping[str, Any]) -> None:
    if not any(cell.total_ns for cell in cells):
        return
    page.text(
        "Times are of ok launches, from the call until the caller may go on (blocked), the program runs (reach), "
        "its status is there (total): medians of worker medians; p99 or max is of total.",
        dim=True,
    )
    if is_mix(cells):
        page.text(
            "Above, times are over the whole mix; by command, they are p50 of total where no launch failed:", dim=True
        )
        page.lines += legend(settings, page.options.width, page.glyphs)


FORMAT = Format(name="terminal", summary="tables for the screen", binary=False, render=render, for_eyes=True)
