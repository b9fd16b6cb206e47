"""Adding a strategy is adding one file: nothing else names it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from worker_driver import PROBE, Conversation, request

from bench import catalogue as catalogues
from bench import installation
from bench.catalogue import Catalogue, CatalogueError

IN_C = r"""
/* vfork(), again. */
#include "../host/host.h"

#include <errno.h>
#include <unistd.h>

static void launch(struct launch *launch)
{
	pid_t pid = vfork();

	if (pid == 0)
		host_exec(launch);
	if (pid < 0)
		host_spawn_failed(launch, errno);
	else
		launch->pid = pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "added_in_c",
	.summary = "says \"hello\"",
	.launch = launch,
);
"""

IN_PYTHON = '''
"""os.posix_spawn(), again."""

import os

NAME = "added_in_python"
SUMMARY = "as one likes"


def launch(launch):
    launch.pid = os.posix_spawn(launch.command.file, launch.command.argv, launch.command.env)
'''

NOT_HERE = """
NAME = "not_here"
SUMMARY = "for another day"


def supported():
    return "the moon is not full"
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the strategies with a few more files, as somebody's checkout has it."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(
        installation.strategies(), folder / "strategies", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    added = {"added_in_c.c": IN_C, "added_in_python.py": IN_PYTHON, "not_here.py": NOT_HERE}
    for name, text in added.items():
        (folder / "strategies" / "launch" / name).write_text(text)
    return folder


@pytest.fixture
def extended(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setattr(installation, "CHECKOUT", checkout)
    return catalogues.load()


@pytest.mark.parametrize("name", ["added_in_c", "added_in_python"])
def test_one_file_is_listed_and_works(extended: Catalogue, tmp_path: Path, name: str) -> None:
    entry = extended.strategy(name)

    with Conversation(extended, entry, tmp_path / "worker") as worker:
        done = worker.carry_out(request(entry, PROBE, plan=(0, 0, 0)))

    assert entry.available
    assert [(sample.stage, sample.status) for sample in done.samples] == [(0, 0)] * 3
    assert len(done.arrivals) == 3


def test_its_summary_is_shown_as_it_was_written(extended: Catalogue) -> None:
    assert extended.strategy("added_in_c").summary == 'says "hello"'


def test_a_strategy_that_is_not_for_this_machine_says_why(extended: Catalogue, tmp_path: Path) -> None:
    entry = extended.strategy("not_here")
    assert entry.reason == "the moon is not full"

    with Conversation(extended, entry, tmp_path / "worker") as worker:
        refusal = worker.ask(request(entry, PROBE))

    assert refusal == {"state": "unsupported", "errno": 0, "reason": "the moon is not full"}


def test_two_files_with_one_name_are_refused(checkout: Path, extended: Catalogue) -> None:
    assert extended.strategy("fork_exec").runtime == "native"
    again = checkout / "strategies" / "launch" / "fork_exec.py"
    again.write_text(IN_PYTHON.replace("added_in_python", "fork_exec"))

    try:
        with pytest.raises(CatalogueError, match="two of the strategies' files register the strategy 'fork_exec'"):
            catalogues.load()
    finally:
        again.unlink()
