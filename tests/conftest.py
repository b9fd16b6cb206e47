"""What the tests of every room share: the command line, run in this process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, NamedTuple

import pytest

from bench import cli

BESIDE = {
    *("analysis", "catalogue", "kernels", "record", "report", "scenario", "simulation"),
    *("test_adding_a_strategy", "test_contract", "test_hazard_programs", "test_hygiene", "test_mechanism"),
    "test_protocol",
}
"""Rooms and modules whose tests neither change nor measure the machine, and may run beside any other."""
LOOKS_AT_SETTINGS = "test_agent"
"""Of a room of these, the module that may not see them change."""


class Ended(NamedTuple):
    """How a command line ended."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session", autouse=True)
def no_width() -> None:
    """Tables are as wide as without a terminal, whatever the shell or the test runner says of one."""
    os.environ.pop("COLUMNS", None)
    os.environ.pop("LINES", None)


@pytest.fixture(scope="session", autouse=True)
def heard_signals() -> None:
    """A shell starts what runs in the background with these ignored, and so would start all that tests interrupt."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGQUIT) == signal.SIG_IGN:
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture
def launchbench(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run `launchbench` with these arguments."""

    def run(*arguments: object) -> Ended:
        capfd.readouterr()
        code = cli.execute([str(argument) for argument in arguments])
        return Ended(code, *capfd.readouterr())

    return run


def group_of(test: str) -> str:
    """The tests that one process runs in order, of several (`make test`): a module's, or all that need the machine."""
    module = PurePath(test.partition("::")[0])
    beside = BESIDE & {module.parent.name, module.stem} and module.stem != LOOKS_AT_SETTINGS
    return str(module) if beside else "the machine"


# Not the mark `xdist_group`: pytest-xdist 3.8 writes it into the names of tests, which pytest 9.2 does not let it do.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    from xdist.scheduler import LoadScopeScheduling

    class InGroups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return InGroups(config, log)
