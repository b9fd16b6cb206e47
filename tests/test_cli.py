"""The command line as a whole: which commands there are, what a start costs, and how each end is told."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest

import bench
from bench import cli
from bench.commands import AnswerIsNo, Incomplete, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

HEAVY = {"pydantic", "psutil", "pyperf", "rich", "tabulate", "yaml"}
FORBIDDEN_LATER = {"numpy", "scipy", "altair", "jinja2", "duckdb"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["nonsense"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = f"""
import sys
from bench.cli import execute
execute({arguments!r})
print(*sorted({{name.partition(".")[0] for name in sys.modules}}), file=sys.stderr)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    loaded = set(result.stderr.splitlines()[-1].split())
    assert "bench" in loaded
    assert loaded & (HEAVY | FORBIDDEN_LATER) == set()


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_the_help_of_a_command_is_light_enough_for_a_measured_machine(name: str) -> None:
    program = f"import sys; from bench.cli import execute; execute([{name!r}, '--help']); print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    loaded = {module.partition(".")[0] for module in result.stdout.splitlines()[-1].split()}
    assert loaded & FORBIDDEN_LATER == set()
    assert result.stdout.startswith(f"Usage: launchbench {name} ")


def test_help_lists_every_command_with_its_purpose(launchbench: Callable[..., Any]) -> None:
    result = launchbench("--help")

    assert result.exit_code == 0
    for name, purpose in cli.COMMANDS.items():
        assert f"{name} " in result.stdout
        assert purpose in result.stdout


def test_the_version_is_told(launchbench: Callable[..., Any]) -> None:
    assert launchbench("--version") == (0, f"launchbench, version {bench.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "wrong", "near"),
    [
        (["rum", "quick"], "rum", "run"),
        (["run", "quick", "--sede", "3"], "--sede", "--seed"),
        (["list", "strategie"], "strategie", "strategies"),
        (["report", "x.jsonl", "--fromat", "json"], "--fromat", "--format"),
    ],
)
def test_a_slip_is_one_line_with_the_nearest_name(
    launchbench: Callable[..., Any], arguments: list[str], wrong: str, near: str
) -> None:
    result = launchbench(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert wrong in line
    assert near in line


@pytest.mark.parametrize("arguments", [["run", "quick", "--seed", "-1"], ["run", "quick", "--seed", "x"], ["check"]])
def test_wrong_usage_is_exit_2(launchbench: Callable[..., Any], arguments: list[str]) -> None:
    result = launchbench(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let the command line do something of the test's own, whatever is asked."""

    def install(do: Callable[[], object]) -> None:
        monkeypatch.setattr(cli.cli, "get_command", lambda *_: click.Command("doctor", callback=do))

    return install


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (AnswerIsNo("3 findings"), 1),
        (InvalidInput("no such scenario"), 2),
        (Incomplete("stopped by SIGTERM"), 4),
    ],
)
def test_each_end_has_its_code_and_says_its_line(
    launchbench: Callable[..., Any], command: Callable[..., None], ending: Exception, code: int
) -> None:
    def do() -> None:
        raise ending

    command(do)

    assert launchbench("doctor") == (code, "", f"{ending}\n")


def test_a_good_end_is_0(launchbench: Callable[..., Any], command: Callable[..., None]) -> None:
    command(lambda: None)

    assert launchbench("doctor") == (0, "", "")


def test_ctrl_c_before_anything_was_begun_is_4(launchbench: Callable[..., Any], command: Callable[..., None]) -> None:
    def do() -> None:
        raise KeyboardInterrupt

    command(do)

    result = launchbench("doctor")
    assert result.exit_code == 4
    assert "Traceback" not in result.stderr


def fail() -> None:
    raise ZeroDivisionError("oops")


def test_a_bug_is_one_line_and_70(launchbench: Callable[..., Any], command: Callable[..., None]) -> None:
    command(fail)

    result = launchbench("doctor")

    assert result.exit_code == 70
    assert result.stderr == "launchbench: this is a bug: ZeroDivisionError: oops (LAUNCHBENCH_DEBUG=1 shows where)\n"


def test_a_bug_shows_where_when_asked(
    launchbench: Callable[..., Any], command: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHBENCH_DEBUG", "1")
    command(fail)

    result = launchbench("doctor")

    assert result.exit_code == 70
    assert "in fail" in result.stderr


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bench", "list", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == b""
        assert process.wait() == 0
