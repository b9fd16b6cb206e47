"""`launchbench advise`: measures for less than a minute, and says what to use for a footprint, with the code for it."""

from __future__ import annotations

import random
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands import Incomplete, Inconclusive, InvalidInput
from bench.commands.remarks import stop_writing

if TYPE_CHECKING:
    from bench.analysis import Advice, Analysis
    from bench.catalogue import Catalogue
    from bench.measure import Plan

_TWINS = 1
"""Cells of a footprint that are measured twice, to know the noise."""


@click.command()
@click.option("--footprint", required=True, metavar="SIZE", help="What the program holds, such as 8GiB or 40%RAM.")
@click.option(
    "--overcommit",
    metavar="MODE",
    type=click.Choice(("current", "0", "1", "2")),
    default="current",
    help="Of vm.overcommit_memory: 0, 1, 2 [default: current].",
)
@click.option(
    "--command",
    "commands",
    multiple=True,
    metavar="COMMAND",
    help="What is launched, and must exit 0; several are a mix [default: a program that does nothing].",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The result file [default: in results/].")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Of the order of the workers.")
@click.option("--strict", is_flag=True, help="Exit 1 when a worker left something behind or lost a status.")
@click.option("-q", "--quiet", is_flag=True, help="No progress; the answer only.")
def advise(
    *,
    footprint: str,
    overcommit: str,
    commands: tuple[str, ...],
    output: Path | None,
    seed: int | None,
    strict: bool,
    quiet: bool,
) -> None:
    """Say how a program that holds SIZE should start commands on this machine, from a measurement of under a minute.

    COMMAND is run some hundred times, without a shell. Where the footprint takes too long to measure, or more memory
    than there is, smaller ones are measured, and what is extrapolated says so. Exit 3 when the data cannot decide.
    """
    from bench import catalogue as catalogues
    from bench.analysis import MissingExtra, analyse, require
    from bench.commands.report import judge
    from bench.commands.run import begin, measure
    from bench.record import JournalError, read
    from bench.scenario import ScenarioError

    try:
        require("advise")
        catalogue = catalogues.load()
        plan, text, size = _plan(footprint, overcommit, commands, seed, catalogue)
        job = begin(plan, text, None, output, catalogue)
    except (MissingExtra, ScenarioError, JournalError, catalogues.BuildError, catalogues.CatalogueError) as error:
        raise InvalidInput(str(error)) from None
    footer = measure(job, catalogue, quiet=quiet)
    file = job.journal.path
    if footer and not footer["complete"]:
        raise Incomplete(
            f"interrupted by {footer['interrupted']}; what was measured is in {file}: see launchbench report"
        )
    analysis = analyse([read(file)])
    advice = _advise(analysis, size)
    try:
        _show(advice, _remarks(plan), file)
    except BrokenPipeError:
        stop_writing()  # who looks away still gets the exit code
    if strict:
        judge(analysis)
    undecided = [one.language for one in advice.recommendations if one.choice is None]
    if undecided:
        raise Inconclusive(f"no advice for {' and '.join(undecided)}: the reason is above")


def _plan(
    footprint: str, overcommit: str, commands: tuple[str, ...], seed: int | None, catalogue: Catalogue
) -> tuple[Plan, str, int]:
    """Return what to measure, the text of its scenario, and the footprint in bytes."""
    import psutil
    import yaml

    from bench.machine import memory_facts
    from bench.measure import Plan, short
    from bench.report.advice import LANGUAGES
    from bench.scenario import expand, load, parse_amount, with_twins

    ram = psutil.virtual_memory().total
    try:
        size = parse_amount(footprint).resolve(ram_bytes=ram, footprint_bytes=0)
    except ValueError as error:
        raise InvalidInput(f"--footprint {footprint}: {error}") from None
    strategies = [strategy for language in LANGUAGES.values() for strategy in language]
    reach = short.reach(
        size, cells=len(strategies) + _TWINS, memory=memory_facts(), per_second=short.filled_per_second()
    )
    document = short.scenario(
        reach, strategies=strategies, overcommit=overcommit, commands=[_words(command) for command in commands]
    )
    text = yaml.safe_dump(document, sort_keys=False)
    vocabulary = catalogue.vocabulary()
    scenario = load(text, file="advise", vocabulary=vocabulary)
    cells = expand(scenario, ram_bytes=ram, vocabulary=vocabulary)
    unable = [entry.name for entry in catalogue.of("strategy") if not entry.available]
    chosen = random.SystemRandom().getrandbits(32) if seed is None else seed
    return Plan(scenario, tuple(with_twins(cells, scenario.reference, unable=unable)), chosen), text, size


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidInput(f"--command {command}: {error}") from None
    if not words:
        raise InvalidInput("--command: is empty")
    return words


def _advise(analysis: Analysis, size: int) -> Advice:
    from bench.analysis import advise as conclude
    from bench.report.advice import LANGUAGES

    return conclude(analysis, size, LANGUAGES)


def _show(advice: Advice, remarks: list[str], file: Path) -> None:
    from bench.commands.report import options_for
    from bench.report.advice import render_advice

    text = render_advice(advice, options_for(None), remarks, str(file))
    click.echo(text.encode(sys.stdout.encoding or "utf-8", "replace"), nl=False)
    sys.stdout.flush()


def _remarks(plan: Plan) -> list[str]:
    """Say what of the machine's policy was not asked, and whether it can be."""
    from bench.machine import missing_right, read_settings

    (mode,) = {cell.overcommit for cell in plan.cells}
    held: Any = read_settings().memory if mode == "current" else mode
    others = " or ".join(str(other) for other in (0, 1, 2) if other != held)
    why_not = missing_right()
    possible = f"which cannot be measured here: {why_not}" if why_not else f"--overcommit {others} measures it"
    return [f"the overcommit mode: {held} was in force; under {others} a fork may fail or succeed, {possible}"]
