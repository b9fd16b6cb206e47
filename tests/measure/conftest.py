from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bench.catalogue import Catalogue, load
from bench.machine import GuardProcess
from bench.measure import LocalPlace, Order, adopting
from bench.measure.request import CommandLine, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 1 << 20


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """What this machine has: the native worker is built where it is not yet."""
    return load()


@pytest.fixture
def guard() -> Iterator[GuardProcess]:
    with adopting(), GuardProcess() as guard:
        yield guard


@pytest.fixture
def place(catalogue: Catalogue, guard: GuardProcess) -> LocalPlace:
    return LocalPlace(catalogue.build.worker, guard)


@pytest.fixture
def order(catalogue: Catalogue) -> Callable[..., Order]:
    """An order of a few launches: every command once, in turn, unless a plan says otherwise."""

    def make(*commands: CommandLine, strategy: str = "vfork_exec", **changes: Any) -> Order:
        entry = catalogue.strategy(strategy)
        request = Request(
            strategy=strategy,
            reaper="own" if entry.own_reaper else "waitpid",
            hygiene="none",
            backing="anon",
            footprint_bytes=MIB,
            open_files=0,
            time_limit_ns=60_000_000_000,
            warmup=0,
            plan=tuple(range(len(commands))),
            commands=commands,
        )
        return Order(tuple(catalogue.worker(entry)), replace(request, **changes), cpus=None, mode=None)

    return make
