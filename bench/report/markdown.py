"""The report in Markdown, for an issue or a comment under a change: verdict, changes, one table, the rest folded.

It stays below what such a comment may have; what does not fit is counted, and named as missing. Whatever a result file
says is text: neither markup nor a table's end nor a mention.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.report.beside import beside_the_verdicts
from bench.report.blocks import (
    FLOOR,
    axis,
    axis_name,
    axis_text,
    block_order,
    build_facts,
    count,
    machine_facts,
    mechanisms,
    mode_title,
    order,
    places,
    refusals,
    run_facts,
    sections,
    telling,
    verdicts_of,
)
from bench.report.contrasts import cell_name, common_conditions, contrasts, ratio_text, said, title
from bench.report.guests import guests, lost_boots
from bench.report.hazard_groups import HazardGroup, hazard_groups
from bench.report.inheritance import inheritances
from bench.report.interface import Format, Options
from bench.report.markdown_leftovers import leftover_rows
from bench.report.outright import outright_failures
from bench.report.typography import UNICODE, duration, plain, size
from bench.report.verdict_groups import PACED, held_against_pace, verdict_groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bench.analysis import Analysis, CellSummary, CompareResult, Latency
    from bench.report.blocks import Section

LARGEST = 60_000
"""Bytes. A comment on GitHub may have 65,536 characters."""
_SPARE = 200
"""Bytes for the line that says what was left out."""
_CLOSING = len("</details>\n\n")
_SPECIAL = re.compile(r"([\\`*{}\[\]#|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
"""What Markdown would obey; an underscore inside a word is one."""
_NOTE = (
    "Times are of ok launches: blocked until the caller may go on, total until the status is there; medians of worker "
    "medians with their 95% intervals."
)


class _Paper:
    """Lines in the making, and how much may still be written."""

    def __init__(self, room: int) -> None:
        self.lines: list[str] = []
        self._room = room

    def write(self, *lines: str) -> bool:
        """Write all lines or, when there is no room for them, none."""
        needed = sum(len(line.encode()) + 1 for line in lines)
        if needed > self._room:
            return False
        self._room -= needed
        self.lines += lines
        return True

    def close(self, *lines: str) -> None:
        """Write lines for which `open` kept the room."""
        self.lines += lines

    def open(self, *lines: str, closing: int) -> bool:
        """Write lines and keep room for what closes them, or write none."""
        if not self.write(*lines, "x" * closing):
            return False
        self.lines.pop()
        return True


def render(analysis: Analysis, options: Options) -> str:
    """Return the report, of at most `LARGEST` bytes."""
    del options
    paper = _Paper(LARGEST - _SPARE)
    parts = sections(analysis)
    left_out = 0
    for section in parts:
        left_out += not paper.write(*_head(section, analysis))
    for result in contrasts(parts, analysis):
        left_out += _changes(result, paper)
    for warning in analysis.warnings:
        left_out += not paper.write(f"> **Warning**: {_text(warning)}", "")
    for section in parts:
        left_out += _main_table(section, paper)
        left_out += _against(section, analysis, paper)
        left_out += _folded("Machine and run", _provenance(section, analysis), paper)
    for section in parts:
        left_out += _folded("Hazards: trials in which each struck", _hazards(section, analysis), paper)
        if len(_largest(section)) < len(section.shown):
            left_out += _folded("Every cell", _table(_ranked(section.shown)), paper)
        left_out += _folded("Mechanism, observed in a launch that is not timed", _mechanism(section), paper)
        left_out += _folded("Left behind, stalls, and the caller's own writes", _leftovers(section), paper)
        left_out += _folded("Inherited by the command", _inherited(section), paper)
        left_out += _folded("Not measured", _refused(section), paper)
    if left_out:
        paper.close(f"*{count(left_out, 'row')} did not fit here: see the report as JSON or HTML.*")
    return "\n".join(paper.lines).rstrip() + "\n"


def _head(section: Section, analysis: Analysis) -> Iterator[str]:
    yield f"## {_text(section.scenario)}"
    yield ""
    yield _text(section.files[0].header["scenario"]["question"])
    yield ""
    found = verdicts_of(section, analysis)
    for group in verdict_groups(found):
        yield f"- **{_text(group.sentence)}**"
    if held_against_pace(found):
        yield f"- {PACED}"
    for failure in outright_failures(section.shown):
        yield f"- {', '.join(map(_code, failure.names))}: {_text(failure.text)}"
    if not found:
        yield "- **No verdict was reached.**" if section.shown else "- **Nothing was measured.**"
    for label, sentence in beside_the_verdicts(section, UNICODE):
        yield f"- {label}: {_text(sentence)}"
    yield ""


def _changes(result: CompareResult, paper: _Paper) -> int:
    """Write what changed between two sides; return how many rows did not fit."""
    changed = [row for row in result.rows if row.answer in {"transition", "slower", "faster", "missing"}]
    if not paper.write(f"### {_text(title(result))}", "", _text(said(result, len(result.rows))), ""):
        return len(changed)
    for warning in result.warnings:
        paper.write(f"> {_text(warning)}", "")
    common = common_conditions(result.rows)
    sides: dict[tuple[str, ...], list[str]] = {}
    for row in changed:
        fields = (
            _code(cell_name(row, common)),
            row.answer,
            "" if row.ratio is None else ratio_text(row),
            "" if row.base_ns is None else duration(row.base_ns, UNICODE),
            "" if row.new_ns is None else duration(row.new_ns, UNICODE),
            _text(row.reason),
        )
        side = plain(str((row.new or row.base or {}).get(result.key, ""))) if len(result.new) > 1 else ""
        sides.setdefault(fields, []).append(side)
    rows = [[fields[0], _text(", ".join(filter(None, theirs))), *fields[1:]] for fields, theirs in sides.items()]
    heads = ["cell", axis_name(result.key), "answer", "ratio", "base", "new", "why"]
    return _write_table(heads, rows, paper) if rows else 0


def _largest(section: Section) -> list[CellSummary]:
    """Return the cells of the largest footprint of each mode."""
    largest: dict[object, int] = {}
    for cell in section.shown:
        largest[mode_title(cell)] = max(largest.get(mode_title(cell), 0), cell.axes["footprint_bytes"])
    return [cell for cell in section.shown if cell.axes["footprint_bytes"] == largest[mode_title(cell)]]


def _main_table(section: Section, paper: _Paper) -> int:
    heads, rows = _table(_ranked(_largest(section)))
    if not rows:
        return 0
    left_out = _write_table(heads, rows, paper)
    paper.write(f"<sub>{_NOTE}</sub>", "")
    return left_out


def _ranked(cells: Iterable[CellSummary]) -> list[CellSummary]:
    """Sort cells as they are read: block by block, what works best first; floors are left out."""
    blocks: dict[tuple[object, ...], list[CellSummary]] = {}
    for cell in sorted((cell for cell in cells if cell.strategy != FLOOR), key=block_order):
        blocks.setdefault(block_order(cell), []).append(cell)
    return [cell for block in blocks.values() for cell in order(block)]


def _table(cells: Sequence[CellSummary]) -> tuple[list[str], list[list[str]]]:
    axes = telling(cells)
    heads = ["strategy", *map(axis_name, axes), "overcommit", "footprint", "ok", "failed", "blocked", "total", "p99"]
    return heads, [
        [
            _code(plain(cell.strategy)),
            *(_text(axis_text(name, axis(cell, name))) for name in axes),
            _text(mode_title(cell).removeprefix("overcommit ")),
            size(cell.axes["footprint_bytes"]),
            f"{cell.ok}/{cell.launches}",
            _text(", ".join(f"{error} {UNICODE.times}{number}" for error, number in cell.errors.items())),
            _time(cell.blocked_ns),
            _time(cell.total_ns, interval=True),
            duration(p99, UNICODE) if cell.total_ns and (p99 := cell.total_ns.p99) is not None else "",
        ]
        for cell in cells
    ]


def _time(latency: Latency | None, *, interval: bool = False) -> str:
    if latency is None:
        return ""
    text = duration(latency.p50, UNICODE)
    if interval and latency.p50_low is not None and latency.p50_high is not None:
        text += f" [{duration(latency.p50_low, UNICODE)}, {duration(latency.p50_high, UNICODE)}]"
    return text


def _mechanism(section: Section) -> tuple[list[str], list[list[str]]]:
    seen, denied = mechanisms(section.cells)
    rows = [
        [_code(name), _code(" | ".join(texts)), _text("; ".join(denied.get(name, ())))] for name, texts in seen.items()
    ]
    return ["strategy", "calls", "against its name"], rows


def _leftovers(section: Section) -> tuple[list[str], list[list[str]]]:
    heads, rows = leftover_rows(_ranked(section.shown))
    return heads, [[_code(row[0]), *map(_text, row[1:])] for row in rows]


def _inherited(section: Section) -> tuple[list[str], list[list[str]]]:
    rows = [[_text(one.text), _text("; ".join(one.names))] for one in inheritances(section.cells)]
    return ["inherited", "with"], rows


def _refused(section: Section) -> tuple[list[str], list[list[str]]]:
    rows = [
        [outcome.replace("_", " "), _text(reason), _text(", ".join(sorted({cell.strategy for cell in cells})))]
        for outcome, reason, cells in refusals(section.cells)
    ]
    return ["outcome", "reason", "strategies"], rows


def _groups(section: Section, analysis: Analysis) -> tuple[HazardGroup, ...]:
    where = (section.machine, section.scenario)
    return hazard_groups(one for one in analysis.hazards if (one.machine, one.scenario) == where)


def _against(section: Section, analysis: Analysis, paper: _Paper) -> int:
    """Write what is against its oracle, in sight; return how many lines had no room."""
    said = [
        f"> **Hazard against its oracle** ({group.against}): {_text(group.title)} with "
        f"{_text(', '.join(group.strategies))}: {_text(group.result)}"
        for group in _groups(section, analysis)
        if group.against
    ]
    return sum(not paper.write(line, "") for line in said)


def _hazards(section: Section, analysis: Analysis) -> tuple[list[str], list[list[str]]]:
    rows = [
        [_text(group.title), _text(group.result), _text(", ".join(group.strategies))]
        for group in _groups(section, analysis)
    ]
    return ["hazard, mitigation", "struck", "with"], rows


def _provenance(section: Section, analysis: Analysis) -> tuple[list[str], list[list[str]]]:
    facts = machine_facts(analysis.fingerprints[section.machine], section.machine)
    rows = [[name, _text(text)] for name, text in facts.items()]
    rows += [["also in", _text(place)] for place in places(section)]
    rows += [["guest", _text(text)] for text in (*guests(section.files), *lost_boots(section.files))]
    for file in section.files:
        rows += [["run", _text(run_facts(file))], ["build", _text(build_facts(file))], ["file", _code(file.path)]]
    return ["", ""], rows


def _folded(summary: str, table: tuple[list[str], list[list[str]]], paper: _Paper) -> int:
    """Write a table that is folded away; return how many of its rows did not fit."""
    heads, rows = table
    if not rows:
        return 0
    if not paper.open(f"<details><summary>{summary}</summary>", "", closing=_CLOSING):
        return len(rows)
    left_out = _write_table(heads, rows, paper)
    paper.close("</details>", "")
    return left_out


def _write_table(heads: Sequence[str], rows: Sequence[Sequence[str]], paper: _Paper) -> int:
    """Write a table without the columns that are empty; return how many rows did not fit."""
    kept = [at for at in range(len(heads)) if any(row[at] for row in rows)]
    numbers = {"ok", "blocked", "total", "p99", "ratio", "base", "new", "footprint"}
    head = _line([heads[at] for at in kept])
    if not paper.open(head, _line(["--:" if heads[at] in numbers else ":--" for at in kept]), closing=1):
        return len(rows)
    written = 0
    for row in rows:
        if not paper.write(_line([row[at] for at in kept])):
            break
        written += 1
    paper.close("")
    return len(rows) - written


def _line(fields: Iterable[str]) -> str:
    return f"| {' | '.join(fields)} |"


def _text(text: str) -> str:
    """Return foreign text as text: no markup, no table's end, no mention of anyone."""
    escaped = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", escaped).replace("@", "&#64;")


def _code(text: str) -> str:
    """Return foreign text as code, inside a table."""
    kept = plain(text).replace("`", "'").replace("|", "\\|")
    return f"`{kept}`" if kept else ""


FORMAT = Format(name="markdown", summary="for a comment: verdict, changes, one table", binary=False, render=render)
