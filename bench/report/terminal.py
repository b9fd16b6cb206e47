"""The report on a terminal: what an engineer wants to read first, in as many columns as there are.

One section for each machine and scenario, and in it one block for each overcommit mode and footprint. It shows what
the analysis concluded and concludes nothing; complete data is `json`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from bench.report.beside import beside_the_verdicts
from bench.report.blocks import (
    ENVIRONMENT,
    FLOOR,
    ROW_AXES,
    Section,
    block_order,
    circumstances,
    clock_title,
    count,
    environment_text,
    file_facts,
    machine_facts,
    mechanisms,
    mode_title,
    order,
    places,
    refusals,
    sections,
    varying,
    verdicts_of,
)
from bench.report.guests import boots_said, lost_boots
from bench.report.inheritance import inheritances
from bench.report.interface import Format, Options
from bench.report.outright import outright_failures
from bench.report.terminal_hazards import set_hazards
from bench.report.terminal_mix import is_mix, legend, set_mix
from bench.report.terminal_table import set_blocks
from bench.report.typography import ASCII, UNICODE, Glyphs, clip, duration, plain, size, wrap
from bench.report.verdict_groups import PACED, held_against_pace, verdict_groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.analysis import Analysis, CellSummary, Verdict

_LABEL = 13
_MOST_VERDICTS = 6
_WARNINGS = 40
"""So many are shown: beyond them the first no longer can be found."""


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
    for section in sections(analysis):
        page.gap()
        _head(page, section, analysis.fingerprints[section.machine])
        _places(page, section)
        _verdicts(page, verdicts_of(section, analysis))
        _outright(page, section)
        _beside(page, section)
        _blocks(page, section)
        _hazards(page, analysis, section)
        _mechanisms(page, section.cells)
        _inheritance(page, section.cells)
        _not_measured(page, section.cells)
        _notes(page, section.cells, section.files[0].header["scenario"]["settings"])
    if analysis.warnings:
        page.gap()
        for warning in analysis.warnings[:_WARNINGS]:
            page.labelled("warning", warning, fg="yellow")
        more = len(analysis.warnings) - _WARNINGS
        if more > 0:
            page.labelled("", f"and {count(more, 'warning')} more, all in --format json", fg="yellow")
    text = "\n".join(page.lines) + "\n"
    return text if options.unicode else text.encode("ascii", "replace").decode()


def _head(page: _Page, section: Section, fingerprint: Mapping[str, object]) -> None:
    scenario = section.files[0].header["scenario"]
    page.text(scenario["name"], bold=True)
    page.text(scenario["question"])
    page.gap()
    for label, text in machine_facts(fingerprint, section.machine).items():
        page.labelled(label, text)
    for label, text in file_facts(section.files):
        page.labelled(label, text)
    page.gap()


def _verdicts(page: _Page, verdicts: Sequence[Verdict]) -> None:
    """Say what to use: each answer once, with where it holds; of many answers the first."""
    groups = verdict_groups(verdicts)
    for at, group in enumerate(groups[:_MOST_VERDICTS]):
        page.labelled("" if at else "verdict", group.sentence, fg="yellow" if group.refused else "green")
    if len(groups) > _MOST_VERDICTS:
        page.labelled("", f"and {len(groups) - _MOST_VERDICTS} more: --format html, markdown or json", dim=True)
    if held_against_pace(verdicts):
        page.labelled("", PACED, dim=True)
    if verdicts:
        page.gap()


def _outright(page: _Page, section: Section) -> None:
    """Name what never worked, and by which error."""
    failures = outright_failures(section.shown)
    for at, one in enumerate(failures[:_MOST_VERDICTS]):
        page.labelled("" if at else "never works", f"{', '.join(one.names)}: {one.text}", fg="red")
    if len(failures) > _MOST_VERDICTS:
        page.labelled("", f"and {len(failures) - _MOST_VERDICTS} more", dim=True)
    if failures:
        page.gap()


def _beside(page: _Page, section: Section) -> None:
    """Say what the run shows that is no choice."""
    last = ""
    for label, sentence in beside_the_verdicts(section, page.glyphs):
        page.labelled("" if label == last else label, sentence)
        last = label
    page.gap()


def _places(page: _Page, section: Section) -> None:
    for at, place in enumerate(elsewhere := places(section)):
        page.labelled("" if at else "also in", place)
    if booted := boots_said(section.files):
        page.labelled("guests", booted)
    for lost in lost_boots(section.files):
        page.labelled("", lost, fg="yellow")
    if elsewhere or booted:
        page.gap()


def _blocks(page: _Page, section: Section) -> None:
    shown = section.shown
    if not any(file.planned for file in section.files):
        return  # hazards alone
    if not shown:
        page.text("Nothing was measured.")
        page.gap()
        return
    constant = [axis for axis in ROW_AXES if axis not in varying(shown)]
    environment = [axis for axis in ENVIRONMENT if axis not in constant]
    page.labelled("every cell", circumstances(shown[0], constant))
    page.gap()
    blocks: dict[tuple[object, ...], list[CellSummary]] = {}
    for cell in sorted(shown, key=block_order):
        blocks.setdefault(block_order(cell), []).append(cell)
    ranked = [order([cell for cell in block if cell.strategy != FLOOR]) for block in blocks.values()]
    for block, lines in zip(blocks.values(), set_blocks(ranked, page.options, page.glyphs), strict=True):
        page.title(_block_title(block[0], page.glyphs))
        page.lines += lines if len(lines) > 1 else []
        if is_mix(block):
            page.gap()
            page.lines += set_mix(order([cell for cell in block if cell.strategy != FLOOR]), page.options, page.glyphs)
        for cell in block:
            if cell.strategy == FLOOR and cell.total_ns:
                under = environment_text(cell, environment)
                floor = f"{duration(cell.total_ns.p50, page.glyphs)} total{f' under {under}' if under else ''}"
                page.lines.append(page.styled(f"floor: {floor}, the cost of measuring ({FLOOR})", dim=True))
        page.gap()


def _hazards(page: _Page, analysis: Analysis, section: Section) -> None:
    """Say how often each hazard struck, and with which strategies."""
    tried = [one for one in analysis.hazards if (one.machine, one.scenario) == (section.machine, section.scenario)]
    if tried:
        page.title("hazards: trials in which it struck, of all trials")
        page.lines += set_hazards(tried, page.options)
        page.gap()


def _block_title(cell: CellSummary, glyphs: Glyphs) -> str:
    parts = (mode_title(cell), f"footprint {size(cell.axes['footprint_bytes'])}", clock_title(cell))
    return f" {glyphs.dot} ".join(part for part in parts if part)


def _not_measured(page: _Page, cells: Iterable[CellSummary]) -> None:
    """Group what was refused by its reason: one line of why, then whom it concerns."""
    refused = refusals(cells)
    if not refused:
        return
    page.title("not measured")
    for outcome, reason, concerned in refused:
        names = sorted({plain(cell.strategy) for cell in concerned})
        footprints = [size(value) for value in sorted({cell.axes["footprint_bytes"] for cell in concerned})]
        some = count(len(concerned), "cell")
        page.labelled({"not_allocatable": "not mapped"}.get(outcome, outcome), reason or "no reason given")
        page.labelled("", f"{some}: {', '.join(names)}; footprint {', '.join(footprints)}", dim=True)
    page.gap()


def _mechanisms(page: _Page, cells: Iterable[CellSummary]) -> None:
    """Say how each strategy was seen to launch, and where that is not what its name claims."""
    seen, contradictions = mechanisms(cells)
    if not seen:
        return
    page.title("mechanism, observed in an untimed launch")
    width = max(len(name) for name in seen) + 2
    for name, texts in seen.items():
        for line in wrap(" | ".join(texts), page.options.width, first=f"{name:<{width}}", rest=" " * width):
            page.lines.append(line)
    for name, sentences in contradictions.items():
        for sentence in sentences:
            page.text(f"{name}: {sentence}", fg="yellow")
    page.gap()


def _inheritance(page: _Page, cells: Sequence[CellSummary]) -> None:
    """Say what commands inherited that few expect, and what a hygiene promised otherwise."""
    found = inheritances(cells)
    if not found:
        return
    page.title("inherited by the command")
    for one in found:
        page.text(one.text, fg="yellow" if one.broken else None)
        for line in wrap("; ".join(one.names), page.options.width, first="  ", rest="  "):
            page.lines.append(page.styled(line, dim=True))
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
