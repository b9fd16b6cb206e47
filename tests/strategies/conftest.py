"""The catalogue of this machine, a worker to talk to, and every strategy as a parameter.

A test that takes `strategy` runs once for each strategy of the catalogue, native or Python; one that takes `launching`
runs for those that launch anything. A strategy that is added is tested without being named here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from worker_driver import Conversation, Done, command, request

from bench import catalogue as catalogues
from bench.catalogue import Catalogue, Entry
from bench.measure.request import CommandLine


@functools.cache
def _catalogue() -> Catalogue:
    return catalogues.load()


def _each(entries: list[Entry]) -> list[Any]:
    return [
        pytest.param(entry, id=entry.name, marks=[] if entry.available else pytest.mark.skip(reason=entry.reason))
        for entry in entries
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    strategies = _catalogue().of("strategy")
    chosen = {
        "strategy": strategies,
        "launching": [entry for entry in strategies if not entry.launches_nothing],
        "floor": [entry for entry in strategies if entry.launches_nothing],
        # The two workers are two programs: one strategy of each stands for what does not depend on the strategy.
        "worker_of": [next(entry for entry in strategies if entry.runtime == kind) for kind in ("native", "python")],
    }
    for name, entries in chosen.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, _each(entries))


@pytest.fixture
def catalogue() -> Catalogue:
    return _catalogue()


@pytest.fixture
def talk(catalogue: Catalogue, tmp_path: Path) -> Iterator[Callable[..., Conversation]]:
    """Start a worker that has a strategy; it ends with the test."""
    with ExitStack() as ends:

        def start(entry: Entry, **options: Any) -> Conversation:
            return ends.enter_context(Conversation(catalogue, entry, tmp_path / "worker", **options))

        yield start


@pytest.fixture
def launch(talk: Callable[..., Conversation]) -> Callable[..., Done]:
    """One whole worker: launch each of these commands once, or as `settings` of the request say."""

    def run(entry: Entry, *commands: CommandLine, environment: dict[str, str] | None = None, **settings: Any) -> Done:
        return talk(entry).carry_out(request(entry, *commands, **settings), environment)

    return run


@pytest.fixture
def through_shell(catalogue: Catalogue, tmp_path: Path) -> Callable[[Entry], bool]:
    """Whether a strategy gives its commands to a shell: it is asked to, with a line that differs from the words."""

    @functools.cache
    def ask(entry: Entry) -> bool:
        told_apart = CommandLine(argv=command("/bin/sh", "-c", "exit 1").argv, line="exit 2")
        with Conversation(catalogue, entry, tmp_path / "asked") as worker:
            (sample,) = worker.carry_out(request(entry, told_apart)).samples
        return {1 << 8: False, 2 << 8: True}[sample.status]

    return ask
