"""Which cells are planned twice a round, so that a run measures its own noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.scenario import Cell, Environment, ScenarioError, Vocabulary, expand, load, with_twins

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = """\
name: small
question: Is it so?
strategies: [fork_exec, vfork_exec, posix_spawn]
footprints: [1MiB, 2MiB, 4MiB, 8MiB, 16MiB, 32MiB, 64MiB]
overcommit: [0, 1]
"""


@pytest.fixture
def cells(vocabulary: Vocabulary) -> Callable[..., list[Cell]]:
    def build(text: str = TEXT, **environment: str) -> list[Cell]:
        scenario = load(text, file="small.yaml", vocabulary=vocabulary)
        return expand(scenario, ram_bytes=1 << 34, vocabulary=vocabulary, environment=Environment(**environment))

    return build


def twins(cells: list[Cell], reference: str = "auto", **options: list[str]) -> list[Cell]:
    planned = with_twins(cells, reference, **options)
    assert planned[: len(cells)] == cells
    return planned[len(cells) :]


def test_twins_of_one_strategy_are_spread_over_the_footprints(cells: Callable[..., list[Cell]]) -> None:
    found = twins(cells())

    assert [(twin.strategy, twin.footprint_bytes >> 20, twin.overcommit) for twin in found] == [
        ("posix_spawn", 1, 0),
        ("posix_spawn", 4, 0),
        ("posix_spawn", 16, 0),
        ("posix_spawn", 64, 0),
    ]


def test_a_twin_is_its_original_but_for_its_name(cells: Callable[..., list[Cell]]) -> None:
    everything = cells()
    twin = twins(everything)[0]

    assert replace(twin, id=twin.id.removesuffix("/twin"), twin=False) in everything
    assert twin.as_record()["twin"] is True
    assert Cell.from_record(twin.as_record()) == twin


def test_that_a_cell_is_no_twin_is_not_written(cells: Callable[..., list[Cell]]) -> None:
    assert "twin" not in cells()[0].as_record()


@pytest.mark.parametrize(
    ("reference", "unable", "chosen"),
    [
        ("auto", [], {"posix_spawn"}),
        ("auto", ["posix_spawn"], {"vfork_exec"}),
        ("auto", ["posix_spawn", "vfork_exec"], {"fork_exec"}),
        ("auto", ["posix_spawn", "vfork_exec", "fork_exec"], set()),
        ("fork_exec", [], {"fork_exec"}),
        ("none", [], set()),
    ],
)
def test_the_reference_is_what_the_scenario_says_or_what_runs_everywhere(
    cells: Callable[..., list[Cell]], reference: str, unable: list[str], chosen: set[str]
) -> None:
    assert {twin.strategy for twin in twins(cells(), reference, unable=unable)} == chosen


def test_one_cell_alone_needs_no_twin(cells: Callable[..., list[Cell]]) -> None:
    assert twins(cells()[:1]) == []
    floor = cells("name: floor\nquestion: Is it so?\nstrategies: [vfork_exec, posix_spawn]\nfootprints: 1MiB\n")
    assert twins([floor[0], replace(floor[1], strategy="null")]) == []


def test_other_kernels_get_no_twins_and_builds_share_those_of_the_first(cells: Callable[..., list[Cell]]) -> None:
    assert twins(cells(kernel="5.10", worker="musl")) == []
    assert {twin.worker for twin in twins([*cells(), *cells(worker="musl")])} == {"glibc"}


def test_a_reference_that_is_not_launched_is_an_error(vocabulary: Vocabulary) -> None:
    with pytest.raises(ScenarioError, match=r"6:1: reference: 'system' is not among the strategies"):
        load(f"{TEXT}reference: system\n", file="small.yaml", vocabulary=vocabulary)
    with pytest.raises(ScenarioError, match=r"did you mean 'posix_spawn'"):
        load(f"{TEXT}reference: posix_spwan\n", file="small.yaml", vocabulary=vocabulary)
