"""`launchbench compare`: sets result files, or the values of a key, against each other, and can be a gate."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands import AnswerIsNo, Inconclusive, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.analysis import CompareResult, Comparison
    from bench.record import Recording

FORMATS = ("terminal", "markdown", "json")
_MOST_NAMED = 3


def _threshold(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """Read `5%`, or `5`, as 0.05."""
    del context, parameter
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%?", text.strip())
    if found is None:
        raise InvalidInput(f"--threshold {text}: is not a percentage, such as 5%")
    return float(found[1]) / 100


@click.command()
@click.argument("base", metavar="BASE")
@click.argument("new", metavar="[NEW...]", nargs=-1)
@click.option("--by", "key", metavar="KEY", help="Compare the values of this key, such as strategy, kernel or libc.")
@click.option(
    "--threshold", metavar="PCT", callback=_threshold, help="A gate: exit 1 when something became worse by more."
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", help="terminal is the default.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of standard output.")
def compare(
    *, base: str, new: tuple[str, ...], key: str | None, threshold: float | None, form: str, output: Path | None
) -> None:
    """Set the files NEW against BASE, or with --by all of their cells against each other.

    BASE and NEW are files or patterns such as 'before/*.jsonl': several runs a side say more than one. Cells of one run
    are compared round by round, kernels boot by boot. With --threshold: 1 when a cell is worse by more than that and by
    more than noise, or fails where it worked; 3 when the data cannot say, or a cell that worked is missing; else 0.
    """
    from bench.analysis import MissingExtra, NoSuchKey, require
    from bench.commands.report import named
    from bench.record import UnreadableResult, read

    if not new and key is None:
        raise InvalidInput(f"{base} alone: name files to compare it with, or a key of its cells with --by")
    try:
        require("compare")
        before, after = ([read(path) for path in named(names)] for names in ([base], new))
        result = _compared(before, after, key)
    except (UnreadableResult, MissingExtra, NoSuchKey) as error:
        raise InvalidInput(str(error)) from None
    _write(result, form, output)
    if threshold is not None:
        _gate(result, threshold)


def _compared(before: Sequence[Recording], after: Sequence[Recording], key: str | None) -> CompareResult:
    from bench.analysis import compare_by, compare_files, in_one_manner, table

    everything = list({recording.path.resolve(): recording for recording in (*before, *after)}.values())
    warnings = in_one_manner(everything)
    if key is None:
        both = {one.header["run"] for one in before} & {one.header["run"] for one in after}
        warnings += tuple(f"{one.path} is on both sides" for one in after if one.header["run"] in both)
        result = compare_files(table(before).rows, table(after).rows, (_names(before), _names(after)))
    else:
        result = compare_by(table(everything).rows, key)
    return dataclasses.replace(result, warnings=(*warnings, *result.warnings))


def _names(recordings: Sequence[Recording]) -> str:
    more = len(recordings) - 1
    return f"{recordings[0].path}" + (f" and {more} more" if more else "")


def _write(result: CompareResult, form: str, output: Path | None) -> None:
    from bench import __version__
    from bench.commands.report import options_for, replace
    from bench.report.conclusion_records import comparison_document
    from bench.report.side_by_side import render_markdown, render_terminal

    if form == "json":
        document = {"tool": {"name": "launchbench", "version": __version__}, **comparison_document(result)}
        text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    else:
        text = render_markdown(result) if form == "markdown" else render_terminal(result, options_for(output))
    if output is None:
        click.echo(text.encode("utf-8"), nl=False)
        return
    try:
        replace(output, text.encode("utf-8"))
    except OSError as error:
        raise InvalidInput(f"{output}: cannot be written: {error.strerror}") from None


def _gate(result: CompareResult, threshold: float) -> None:
    """End with the gate's answer. What was not compared says nothing, and lets nothing pass."""
    from bench.analysis import compared, regressions

    failed, undecided = regressions(result, threshold)
    if failed:
        raise AnswerIsNo(f"worse by more than {_percent(threshold)}: {_rows(failed)}")
    if not compared(result):
        raise Inconclusive(f"nothing was compared: {_nothing(result)}")
    if undecided:
        raise Inconclusive(f"cannot say whether worse by more than {_percent(threshold)}: {_rows(undecided)}")


def _nothing(result: CompareResult) -> str:
    common = [row for row in result.rows if row.base and row.new]
    if not common:
        return "no cell of one side has a counterpart on the other"
    return _rows(common)


def _percent(fraction: float) -> str:
    return f"{fraction * 100:g}%"


def _rows(rows: Sequence[Comparison]) -> str:
    from bench.analysis import byte_size

    def name(row: Comparison) -> str:
        cell = row.new or row.base or {}
        return f"{cell.get('strategy')} at {byte_size(cell.get('footprint_bytes', 0))} ({row.reason or row.answer})"

    more = f" and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
    return ", ".join(map(name, rows[:_MOST_NAMED])) + more
