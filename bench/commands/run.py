"""`launchbench run`: a scenario in, a result file and its summary out."""

from __future__ import annotations

import os
import random
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from bench.commands import Incomplete, InvalidInput
from bench.commands.places import asked, forecast, guest_bytes, obtain, replaced, sites
from bench.commands.remarks import stop_writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.analysis import Analysis
    from bench.catalogue import Catalogue
    from bench.measure import Plan
    from bench.record import Footer, HazardLine, Header, Journal, Recording, WorkerLine
    from bench.scenario import Environment, Scenario


class Job(NamedTuple):
    """A run that is ready to begin: its file is open, its first line written."""

    plan: Plan
    journal: Journal
    session: int
    before: tuple[WorkerLine, ...]
    """The workers that earlier sessions have done."""
    tried: tuple[HazardLine, ...] = ()
    """The hazards that earlier sessions have tried."""

    @property
    def missing(self) -> tuple[int, int]:
        """How many workers are still to run, and how many hazards to be tried."""
        workers = len(self.plan.cells) * self.plan.scenario.rounds - len(self.before)
        return workers, len(self.plan.hazards) - len(self.tried)


@click.command()
@click.argument("scenario", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The result file [default: in results/].")
@click.option("--resume", type=click.Path(path_type=Path), metavar="FILE", help="Run exactly what FILE lacks.")
@click.option(
    "--only", multiple=True, metavar="KEY=VALUE,...", help="Measure these cells only, such as strategy=vfork_exec."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a setting of the scenario.")
@click.option("--rounds", metavar="N", help="The same as --set rounds=N.")
@click.option("--launches", metavar="N", help="The same as --set launches=N.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Of the order and of the commands' choice."
)
@click.option(
    "--worker", "workers", multiple=True, metavar="BUILD", help="Of the worker: glibc (default), glibc-static, musl; *."
)
@click.option("--kernel", "kernels", multiple=True, metavar="NAME", help="Run in a guest of this kernel, or image; *.")
@click.option("--distro", "distros", multiple=True, metavar="NAME", help="Run in this distro's root; *.")
@click.option("--dry-run", is_flag=True, help="Show the cells, and which of them this machine would refuse.")
@click.option("--strict", is_flag=True, help="Exit 1 on a finding, or a hazard against its oracle.")
@click.option("--html", is_flag=True, help="Write the report as a page too, beside the result file.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary; errors only.")
def run(  # noqa: PLR0913 - one parameter an option
    *,
    scenario: str | None,
    output: Path | None,
    resume: Path | None,
    only: tuple[str, ...],
    settings: tuple[str, ...],
    rounds: str | None,
    launches: str | None,
    seed: int | None,
    workers: tuple[str, ...],
    kernels: tuple[str, ...],
    distros: tuple[str, ...],
    dry_run: bool,
    strict: bool,
    html: bool,
    quiet: bool,
) -> None:
    """Measure SCENARIO: a path, or the name of one that ships (`launchbench list scenarios`).

    What is marked * can be given several times: all combinations are measured, interleaved, and compare in pairs.
    The kernel or distro `here` is this machine's own; a kernel with a `/` in it is the path of an image.
    """
    from bench import catalogue as catalogues
    from bench.measure import CannotResumeError
    from bench.record import JournalError, UnreadableResult
    from bench.scenario import FilterError, ScenarioError

    if scenario is None and resume is None:
        raise InvalidInput("name a scenario (launchbench list scenarios), or a file with --resume")
    if resume and (output or only or seed is not None or dry_run or workers or kernels or distros):
        raise InvalidInput(
            "--resume continues a file as it was planned: -o, --only, --seed, --worker, --kernel, --distro "
            "and --dry-run do not go with it"
        )
    if resume and scenario is None and (settings or rounds is not None or launches is not None):
        raise InvalidInput(
            "--resume FILE takes all settings from FILE: --set, --rounds and --launches do not go with it"
        )
    overrides = [_pair(text) for text in settings]
    overrides += [(key, value) for key, value in (("rounds", rounds), ("launches", launches)) if value is not None]
    try:
        catalogue = catalogues.load()
        if resume:
            job = _continue(resume, scenario, overrides, catalogue)
        else:
            plan, text, path = _plan(str(scenario), overrides, only, seed, asked(workers, kernels, distros), catalogue)
            if dry_run:
                _show_plan(plan, catalogue)
                return
            job = begin(plan, text, path, output, catalogue)
    except (ScenarioError, FilterError, JournalError, UnreadableResult, CannotResumeError) as error:
        raise InvalidInput(str(error)) from None
    except (catalogues.BuildError, catalogues.CatalogueError) as error:
        raise InvalidInput(str(error)) from None
    footer = measure(job, catalogue, quiet=quiet)
    _finish(job.journal.path, footer, html=html, quiet=quiet, strict=strict)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"--set {text}: is not KEY=VALUE")
    return key.strip(), value


def _read(name: str, overrides: list[tuple[str, str]], catalogue: Catalogue) -> tuple[Scenario, str, Path]:
    """The scenario, its text and its file, which is read once: it may be a pipe."""
    from bench.installation import UnknownScenario, scenario_path
    from bench.scenario import load, text_of

    try:
        path = scenario_path(name)
    except UnknownScenario as error:
        raise InvalidInput(str(error)) from None
    text = text_of(path)
    return load(text, file=str(path), vocabulary=catalogue.vocabulary(), overrides=overrides), text, path


def _plan(
    name: str,
    overrides: list[tuple[str, str]],
    only: tuple[str, ...],
    seed: int | None,
    under: list[Environment],
    catalogue: Catalogue,
) -> tuple[Plan, str, Path]:
    import psutil

    from bench.catalogue import MissingToolError, build_of
    from bench.machine import ram_bound
    from bench.measure import Plan, plan_hazards
    from bench.scenario import expand, parse_filter, select, with_twins

    scenario, text, path = _read(name, overrides, catalogue)
    for worker in {environment.worker for environment in under}:
        with suppress(MissingToolError):  # its cells say so
            build_of(worker)
    here, guest = psutil.virtual_memory().total, guest_bytes(scenario, ram_bound())
    vocabulary = catalogue.vocabulary()
    cells = [
        cell
        for environment in under
        for cell in expand(
            scenario, ram_bytes=guest if environment.kernel else here, vocabulary=vocabulary, environment=environment
        )
    ]
    for filters in only:
        cells = select(cells, parse_filter(filters))
    unable = [entry.name for entry in catalogue.of("strategy") if not entry.available]
    cells = with_twins(cells, scenario.reference, unable=unable)
    chosen = random.SystemRandom().getrandbits(32) if seed is None else seed
    # What is asked for by --only are cells.
    strategies = scenario.strategy_names(vocabulary) or tuple(sorted(vocabulary.strategies))
    hazards = () if only else plan_hazards(catalogue, scenario.hazard_names(vocabulary), strategies)
    return Plan(scenario, tuple(cells), chosen, hazards), text, path


def _header(plan: Plan, text: str, path: str | None, catalogue: Catalogue) -> Header:
    from bench.machine import fingerprint
    from bench.measure import header

    return header(plan, catalogue, fingerprint.collect(), path=path, text=text)


def begin(plan: Plan, text: str, path: Path | None, output: Path | None, catalogue: Catalogue) -> Job:
    """Create the result file of a plan; `path` is of the scenario's file, when it has one. Raises JournalError."""
    from bench import installation
    from bench.record import Journal

    header = _header(plan, text, None if path is None else str(path), catalogue)
    if output is None:
        stamp = header["started"][:19].replace(":", "").replace("-", "")
        output = installation.results() / f"{plan.scenario.name}-{stamp}.jsonl"
    return Job(plan, Journal.create(output, header), 0, ())


def _continue(file: Path, name: str | None, overrides: list[tuple[str, str]], catalogue: Catalogue) -> Job:
    from bench.measure import Plan, resumed
    from bench.record import Journal, hazard_key

    journal, recording = Journal.reopen(file)
    try:
        scenario = _scenario_of(recording, catalogue) if name is None else _read(name, overrides, catalogue)[0]
        here = _header(Plan(scenario, (), 0), "", "", catalogue)
        plan = resumed(scenario, recording, here)
        session = 1 + max((line["session"] for line in recording.sessions), default=0)
        planned = {(cell.id, number) for cell in plan.cells for number in range(plan.scenario.rounds)}
        before = tuple(line for line in recording.workers if (line["cell"]["id"], line["round"]) in planned)
        tried = tuple(line for line in recording.hazards if hazard_key(line) in plan.hazards)
        if len(before) < len(planned) or len(tried) < len(plan.hazards):
            journal.append(
                {"type": "session", "session": session, "started": here["started"], "machine": here["machine"]}
            )
    except BaseException as error:
        journal.close()
        from bench.measure import CannotResumeError

        if isinstance(error, CannotResumeError):
            raise CannotResumeError(f"{file}: {error}") from None
        raise
    return Job(plan, journal, session, before, tried)


def _scenario_of(recording: Recording, catalogue: Catalogue) -> Scenario:
    """The scenario as the file's settings give it: overrides of the first session included."""
    import yaml

    from bench.scenario import load

    text = yaml.safe_dump(dict(recording.header["scenario"]["settings"]), sort_keys=False)
    return load(text, file=f"{recording.path}: scenario", vocabulary=catalogue.vocabulary())


def measure(
    job: Job,
    catalogue: Catalogue,
    *,
    quiet: bool,
    enough: Callable[[WorkerLine], str | None] = lambda _: None,
    least: int | None = None,
) -> Footer | None:
    """Run what is missing. None: nothing was.

    Raises Incomplete when it was stopped at once, InvalidInput when it would go on with another kernel.

    `enough` may end it after a worker, by what it returns; so many rounds are shown as `least`.
    """
    from bench.commands.interrupts import Stopped, interruptible
    from bench.commands.watching import Until, watcher
    from bench.machine import GuardError, GuardProcess
    from bench.measure import DisturbedError, adopting, attempts, run
    from bench.record import JournalError

    plan = job.plan
    if not any(job.missing):
        job.journal.close()
        return None
    obtained = obtain(plan.cells, quiet=quiet)
    another = replaced(job.before, obtained)
    if another:
        job.journal.close()
        raise InvalidInput(f"{job.journal.path}: cannot be continued: {another}")
    workers, hazards = job.missing
    rounds = least or plan.scenario.rounds
    shown = len(plan.cells) * least if least else workers
    screen = watcher(shown, rounds, hazards, quiet=quiet, terminal=sys.stderr.isatty())
    again = f"continue with: launchbench run --resume {job.journal.path}"
    try:
        with job.journal, interruptible() as interruption, adopting(), GuardProcess() as guard:
            if _changes_settings(plan):
                guard.hold()
            trying = attempts(catalogue, guard) if hazards else nullcontext()
            with screen, trying as attempt:
                return run(
                    plan,
                    catalogue=catalogue,
                    sites=sites(plan.scenario, plan.cells, obtained, catalogue.build, guard),
                    journal=job.journal,
                    observer=Until(screen, enough, interruption),
                    interruption=interruption,
                    session=job.session,
                    before=job.before,
                    attempt=attempt,
                    tried=job.tried,
                )
    except Stopped as stopped:
        raise Incomplete(f"stopped by {stopped}; {again}") from None
    except (GuardError, JournalError, DisturbedError) as error:
        raise Incomplete(f"{error}; {again}") from None


def _changes_settings(plan: Plan) -> bool:
    from bench.machine import missing_right, read_settings
    from bench.measure.admission import mode_for

    here = read_settings()
    wanted = any(mode_for(cell, here, while_mapping=False) for cell in plan.cells if cell.kernel is None)
    return wanted and missing_right() is None


def _finish(path: Path, footer: Footer | None, *, html: bool, quiet: bool, strict: bool) -> None:
    from bench.analysis import analyse
    from bench.commands.report import judge
    from bench.record import read

    analysis = analyse([read(path)])
    said = _write_page(analysis, path) if html else _how_to_see_it(path)
    try:
        if not quiet:
            _summarise(analysis)
            click.echo(f"\nresult file: {path}\n{said}")
            sys.stdout.flush()
    except BrokenPipeError:
        stop_writing(sys.stdout)  # who looks away still gets the exit code
    if footer and not footer["complete"]:
        raise Incomplete(f"interrupted by {footer['interrupted']}; continue with: launchbench run --resume {path}")
    if strict:
        judge(analysis)


def _summarise(analysis: Analysis) -> None:
    from bench.commands.report import show
    from bench.report import formats

    show(analysis, formats()["terminal"])


def _write_page(analysis: Analysis, path: Path) -> str:
    """Write the page beside a result file, and say where; a page that cannot be made is no reason to fail a run."""
    from bench.commands.report import write
    from bench.report import formats

    page = path.with_suffix(".html")
    try:
        write(analysis, formats()["html"], page)
    except InvalidInput as error:
        return f"no page: {error}"
    return f"page:        {page}"


def _how_to_see_it(path: Path) -> str:
    return f"as a page:   launchbench report {path} --format html -o {path.with_suffix('.html')}"


def _show_plan(plan: Plan, catalogue: Catalogue) -> None:
    from tabulate import tabulate

    from bench.machine import limit_rights, memory_facts, missing_right, read_settings
    from bench.measure.admission import Situation
    from bench.measure.runner import cpus_for

    usable = tuple(sorted(os.sched_getaffinity(0)))
    situation = Situation(
        catalogue, plan.scenario, memory_facts(), read_settings(), missing_right(), usable, limit_rights()
    )
    rows = [(cell.id, forecast(cell, situation)) for cell in plan.cells]
    click.echo(tabulate(rows, headers=("cell", "on this machine"), tablefmt="simple"))
    scenario = plan.scenario
    cpus = cpus_for(scenario.cpu, usable)
    click.echo(
        f"\n{len(plan.cells)} cells x {scenario.rounds} rounds = {len(plan.cells) * scenario.rounds} workers; "
        f"each {scenario.warmup} + {scenario.launches} launches in at most {scenario.time_limit}, "
        f"on {'any CPU' if cpus is None else 'CPU ' + ','.join(map(str, cpus))}; seed {plan.seed}"
    )
