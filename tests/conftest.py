"""What the tests of every room share: the command line, run in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from bench import cli


class Ended(NamedTuple):
    """How a command line ended."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def launchbench(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run `launchbench` with these arguments."""

    def run(*arguments: object) -> Ended:
        capfd.readouterr()
        code = cli.execute([str(argument) for argument in arguments])
        return Ended(code, *capfd.readouterr())

    return run
