"""`launchbench advise`: measures for less than a minute, and says what to use for a footprint, with the code for it."""

from __future__ import annotations

import random
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands import Incomplete, Inconclusive, InvalidInput
from bench.commands.remarks import stop_writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.analysis import Advice, Analysis
    from bench.catalogue import Catalogue
    from bench.measure import Plan
    from bench.measure.short import Pace
    from bench.record import WorkerLine

_TWINS = 1
"""Cells of a footprint that are measured twice, to know the noise."""
_SETTLED, _TIME_IS_OVER = "settled", "time"
"""What ends the run, as its footer says: more rounds would change nothing, or the minute is over."""


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

    COMMAND is run some hundred times, without a shell; a slow one less often, and one of which too few launches go into
    a minute is refused. Where the footprint takes too long to measure, or more memory than there is, smaller ones are
    measured, and what is extrapolated says so. Rounds are added while they may decide and there is time. Exit 3 when
    the data cannot decide.
    """
    begun = time.monotonic()
    from bench import catalogue as catalogues
    from bench.analysis import MissingExtra, analyse, require
    from bench.commands.report import judge
    from bench.commands.run import begin, measure
    from bench.measure import short
    from bench.record import JournalError, read
    from bench.scenario import ScenarioError

    try:
        require("advise")
        catalogue = catalogues.load()
        plan, text, size, pace = _plan(footprint, overcommit, commands, seed, catalogue)
        job = begin(plan, text, None, output, catalogue)
    except (MissingExtra, ScenarioError, JournalError, catalogues.BuildError, catalogues.CatalogueError) as error:
        raise InvalidInput(str(error)) from None
    file = job.journal.path
    enough = _Enough(begun, len(plan.cells), lambda: _advise(analyse([read(file)]), size).unsettled)
    footer = measure(job, catalogue, quiet=quiet, enough=enough, least=short.ROUNDS)
    if footer and not footer["complete"] and footer["interrupted"] not in {_SETTLED, _TIME_IS_OVER}:
        raise Incomplete(
            f"interrupted by {footer['interrupted']}; what was measured is in {file}: see launchbench report"
        )
    analysis = analyse([read(file)])
    advice = _advise(analysis, size)
    try:
        _show(advice, _notes(pace, enough.rounds, file), _remarks(plan, advice, file), file)
    except BrokenPipeError:
        stop_writing(sys.stdout)  # who looks away still gets the exit code
    if strict:
        judge(analysis)
    undecided = [one.language for one in advice.recommendations if one.choice is None]
    if undecided:
        raise Inconclusive(f"no advice for {' and '.join(undecided)}: the reason is above")


def _plan(
    footprint: str, overcommit: str, commands: tuple[str, ...], seed: int | None, catalogue: Catalogue
) -> tuple[Plan, str, int, Pace]:
    """Return what to measure, the text of its scenario, the footprint in bytes, and how often commands are launched."""
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
    mix = [_words(command) for command in commands]
    try:
        reach = short.reach(
            size,
            cells=len(strategies) + _TWINS,
            memory=memory_facts(),
            per_second=short.filled_per_second(),
            command_seconds=short.rehearse(mix, catalogue.build.worker.parent),
        )
    except short.CommandError as error:
        raise InvalidInput(f"--command {error}") from None
    document = short.scenario(reach, strategies=strategies, overcommit=overcommit, commands=mix)
    text = yaml.safe_dump(document, sort_keys=False)
    vocabulary = catalogue.vocabulary()
    scenario = load(text, file="advise", vocabulary=vocabulary)
    cells = expand(scenario, ram_bytes=ram, vocabulary=vocabulary)
    unable = [entry.name for entry in catalogue.of("strategy") if not entry.available]
    chosen = random.SystemRandom().getrandbits(32) if seed is None else seed
    return Plan(scenario, tuple(with_twins(cells, scenario.reference, unable=unable)), chosen), text, size, reach.pace


class _Enough:
    """Ends a run: as soon as more rounds would change nothing, or when the minute is over."""

    def __init__(self, begun: float, cells: int, unsettled: Callable[[], bool]) -> None:
        """`begun` is of `time.monotonic`; `unsettled` is asked after each round that is enough to infer from."""
        self._begun, self._cells, self._unsettled = begun, cells, unsettled
        self._workers = 0
        self._worker_began = self._round_began = time.monotonic()
        self._longest_worker = self._longest_round = 0.0

    @property
    def rounds(self) -> int:
        """Whole ones, so far."""
        return self._workers // self._cells

    def __call__(self, _: WorkerLine) -> str | None:
        """Say by what the run is ended, if it is."""
        from bench.measure.short import ROUNDS, UNTIL_SECONDS

        now = time.monotonic()
        self._workers += 1
        self._longest_worker = max(self._longest_worker, now - self._worker_began)
        ahead = self._longest_worker
        if self._workers % self._cells == 0:
            self._longest_round = max(self._longest_round, now - self._round_began)
            if self.rounds >= ROUNDS:
                if not self._unsettled():
                    return _SETTLED
                ahead = self._longest_round
            self._round_began = time.monotonic()
        self._worker_began = time.monotonic()
        return _TIME_IS_OVER if self._worker_began - self._begun + ahead > UNTIL_SECONDS else None


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


def _notes(pace: Pace, rounds: int, file: Path) -> list[str]:
    """Say what of the measurement was not as usual."""
    from bench.measure.short import LAUNCHES, ROUNDS

    notes = []
    if pace.slowed:
        one = pace.seconds / (pace.warmup + pace.launches)
        notes.append(
            f"The command takes about {one * 1000:.0f} ms: a worker launches it {pace.launches} times instead of "
            f"{LAUNCHES}, and most of every latency is the command's own."
        )
    if rounds < ROUNDS:
        notes.append(
            f"The minute was over after {rounds} of {ROUNDS} rounds, for the machine is busy: "
            f"launchbench run --resume {file} goes on, and launchbench report says what it comes to."
        )
    return notes


def _show(advice: Advice, notes: list[str], remarks: list[str], file: Path) -> None:
    from bench.commands.report import options_for
    from bench.report.advice import render_advice

    text = render_advice(advice, options_for(None), remarks, str(file), notes=notes)
    click.echo(text.encode(sys.stdout.encoding or "utf-8", "replace"), nl=False)
    sys.stdout.flush()


def _remarks(plan: Plan, advice: Advice, file: Path) -> list[str]:
    """Say what more rounds could do, what of the machine's policy was not asked, and whether it can be."""
    from bench.machine import missing_right, read_settings

    (mode,) = {cell.overcommit for cell in plan.cells}
    held: Any = read_settings().memory if mode == "current" else mode
    others = " or ".join(str(other) for other in (0, 1, 2) if other != held)
    why_not = missing_right()
    possible = f"which cannot be measured here: {why_not}" if why_not else f"--overcommit {others} measures it"
    more = f"more rounds: launchbench run --resume {file} goes on to {plan.scenario.rounds}"
    return [
        *([more] if advice.unsettled else []),
        f"the overcommit mode: {held} was in force; under {others} a fork may fail or succeed, {possible}",
    ]
