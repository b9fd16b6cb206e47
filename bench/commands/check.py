"""`launchbench check`: every error of every scenario at once, each with file:line:column. Nothing is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bench.commands import InvalidInput

if TYPE_CHECKING:
    from bench.scenario import Scenario, Vocabulary


@click.command()
@click.argument("scenarios", metavar="SCENARIO...", nargs=-1, required=True)
def check(scenarios: tuple[str, ...]) -> None:
    """Check scenarios without running them.

    SCENARIO is a path or the name of one that ships. Every error of every file is one line on stderr.
    """
    from bench import catalogue  # the parser of the command line stays light

    try:
        vocabulary = catalogue.load().vocabulary()
    except (catalogue.BuildError, catalogue.CatalogueError) as error:
        raise InvalidInput(str(error)) from None
    faults = [fault for name in scenarios if (fault := _check(name, vocabulary))]
    if faults:
        raise InvalidInput("\n".join(faults))


def _check(name: str, vocabulary: Vocabulary) -> str | None:
    """Say on stdout that a scenario is fine, or return all that is wrong with it."""
    from bench.installation import UnknownScenario, scenario_path
    from bench.scenario import ScenarioError, read

    try:
        scenario = read(scenario_path(name), vocabulary=vocabulary)
    except (ScenarioError, UnknownScenario) as error:
        return str(error)
    click.echo(_summary(scenario, vocabulary))
    return None


def _summary(scenario: Scenario, vocabulary: Vocabulary) -> str:
    import psutil

    from bench.scenario import expand, with_twins
    from bench.scenario.wording import count

    cells = expand(scenario, ram_bytes=psutil.virtual_memory().total, vocabulary=vocabulary)
    planned = with_twins(cells, scenario.reference)
    parts = [count(len(cells), "cell"), count(len(planned) * scenario.rounds, "worker")]
    if len(planned) > len(cells):
        parts.insert(1, count(len(planned) - len(cells), "twin"))
    hazards = scenario.hazard_names(vocabulary)
    if hazards:
        parts.append(f"{count(len(hazards), 'hazard')} of {count(scenario.trials, 'trial')}")
    return f"{scenario.name}: ok, {', '.join(parts)}"
