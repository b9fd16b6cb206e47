"""The code that advice shows is compiled, run, and held to what a launch must be."""

from __future__ import annotations

import errno
import importlib.util
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.report.advice import LANGUAGES, snippet

HOST = Path(__file__).parent / "snippet_host.c"
SNIPPETS = Path(sys.modules["bench.report.advice"].__file__ or "").parent / "snippets"
STRICT = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-pthread")

# A command of its own mask and descriptors, told on its standard output.
TELL = ["/bin/sh", "-c", "grep -E 'SigBlk|SigIgn' /proc/self/status; ls /proc/self/fd"]


def test_every_strategy_of_a_language_has_its_code_and_no_other() -> None:
    shown = {f"{name}{ending}" for language, ending in (("C", ".c"), ("Python", ".py")) for name in LANGUAGES[language]}

    assert {path.name for path in SNIPPETS.iterdir() if path.is_file()} == shown


@pytest.fixture(scope="module", params=LANGUAGES["C"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snippet in a program that runs its arguments with it."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs gcc")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "code.c").write_text(snippet("C", request.param))
    helper = ("-DHELPER",) if "helper_start" in snippet("C", request.param) else ()
    subprocess.run([compiler, *STRICT, *helper, "code.c", str(HOST), "-o", "run"], cwd=folder, check=True)
    return folder / "run"


def run(program: Path, *argv: str, times: int = 1) -> tuple[dict[str, int], str]:
    """What the program said of a command, and what the command said."""
    result = subprocess.run([program, str(times), *argv], capture_output=True, text=True, check=True, timeout=60)
    said, _, last = result.stdout.rstrip("\n").rpartition("\n")
    words = last.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True)), said


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["/bin/true"], 0),
        (["/bin/sh", "-c", "exit 3"], 3 << 8),
        (["/bin/sh", "-c", "kill -9 $$"], 9),
        (["/bin/sh", "-c", "sleep 0.1"], 0),
    ],
)
def test_a_command_runs_and_its_status_comes_back_through_a_storm_of_signals(
    program: Path, argv: list[str], status: int
) -> None:
    found, _ = run(program, *argv)

    assert (found["error"], found["status"]) == (0, status)


def test_the_signals_did_interrupt(program: Path) -> None:
    found, _ = run(program, "/bin/sh", "-c", "sleep 0.1")

    assert found["alarms"] == 1


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (["/no/such/command"], errno.ENOENT),
        (["/etc/passwd"], errno.EACCES),
    ],
)
def test_a_command_that_cannot_run_is_an_errno(program: Path, argv: list[str], error: int) -> None:
    found, _ = run(program, *argv)

    assert found["error"] == error


def test_a_command_inherits_no_mask_no_ignored_pipe_and_no_descriptor(program: Path) -> None:
    _, said = run(program, *TELL)

    masks = dict(re.findall(r"(SigBlk|SigIgn):\s*([0-9a-f]+)", said))
    ignored = int(masks["SigIgn"], 16)
    assert int(masks["SigBlk"], 16) == 0
    assert ignored & 1 << (signal.SIGPIPE - 1) == 0
    assert {int(line) for line in said.splitlines() if line.isdigit()} == {0, 1, 2, 3}, "3 is ls's own"


def test_a_hundred_runs_leave_nothing_and_the_program_as_it_was(program: Path) -> None:
    found, _ = run(program, "/bin/true", times=100)

    helper = int("prefork" in str(program))
    assert (found["error"], found["status"], found["leaked"], found["children"]) == (0, 0, 0, helper)
    assert (found["usr1"], found["alrm"]) == (1, 0), "its signal mask"


def test_a_failed_exec_leaves_nothing_either(program: Path) -> None:
    found, _ = run(program, "/no/such/command", times=100)

    assert (found["leaked"], found["children"]) == (0, int("prefork" in str(program)))


def test_the_helper_ends_with_its_program(program: Path) -> None:
    if "prefork" not in str(program):
        pytest.skip("has no helper")
    # The pipe's end comes only when nobody holds its write end any more: the helper has it as well.
    with subprocess.Popen([program, "1", "/bin/true"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read()
        assert process.wait(timeout=10) == 0


@pytest.fixture(params=LANGUAGES["Python"])
def run_command(request: pytest.FixtureRequest) -> Callable[[list[str]], int]:
    """The function of a Python snippet."""
    spec = importlib.util.spec_from_file_location("snippet", SNIPPETS / f"{request.param}.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.run_command  # type: ignore[no-any-return]


def test_python_gets_the_status(run_command: Callable[[list[str]], int]) -> None:
    assert run_command(["/bin/true"]) == 0
    assert run_command(["/bin/sh", "-c", "exit 3"]) == 3
    assert run_command(["/bin/sh", "-c", "kill -9 $$"]) == -9


def test_python_raises_what_went_wrong(run_command: Callable[[list[str]], int]) -> None:
    with pytest.raises(FileNotFoundError):
        run_command(["/no/such/command"])
    with pytest.raises(PermissionError):
        run_command(["/etc/passwd"])


def test_python_s_command_inherits_little(
    run_command: Callable[[list[str]], int], capfd: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/null").open() as mine:
        run_command(TELL)
        ours = mine.fileno()

    said = capfd.readouterr().out
    masks = dict(re.findall(r"(SigBlk|SigIgn):\s*([0-9a-f]+)", said))
    assert int(masks["SigBlk"], 16) == 0
    assert int(masks["SigIgn"], 16) & 1 << (signal.SIGPIPE - 1) == 0
    assert str(ours) not in said.splitlines() or ours == 3, "3 is ls's own"
