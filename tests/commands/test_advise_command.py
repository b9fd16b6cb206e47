"""`launchbench advise` from outside: a short run, an answer, and the file it rests on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from bench.commands.advise import _Enough
from bench.machine import read_settings
from bench.measure import short
from bench.record import read

if TYPE_CHECKING:
    from ordinary_user import OrdinaryUser

    from bench.record import WorkerLine


NOTHING = cast("WorkerLine", {})


@pytest.fixture
def short_of_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add no rounds: what is tested needs no certainty."""
    monkeypatch.setattr(short, "MOST_ROUNDS", short.ROUNDS)


@pytest.fixture
def advise(launchbench: Callable[..., Any], tmp_path: Path, short_of_rounds: None) -> Callable[..., Any]:  # noqa: ARG001 - for its effect
    return lambda *arguments: launchbench("advise", *arguments, "-o", tmp_path / "a.jsonl")


def test_it_measures_says_and_shows(advise: Callable[..., Any], tmp_path: Path) -> None:
    result = advise("--footprint", "8MiB", "--seed", "7", "-q")

    recording = read(tmp_path / "a.jsonl")
    assert recording.header["scenario"]["path"] is None
    assert "fork_exec" in recording.header["scenario"]["text"]
    assert recording.header["seed"] == 7
    assert len(recording.workers) >= short.ROUNDS * len(recording.header["cells"])
    assert {line["outcome"]["kind"] for line in recording.workers} == {"finished"}
    assert result.stdout.startswith(
        "How a program that holds 8 MiB should start a command here: measured at that size."
    )
    assert result.stdout.endswith(f"result file: {tmp_path}/a.jsonl\n")
    # On a noisy machine it says that it cannot say.
    refused = [line for line in result.stdout.splitlines() if "no verdict" in line]
    assert result.exit_code == (3 if refused else 0)
    assert ("int run_command(" in result.stdout) == (not any(line.startswith("C ") for line in refused))
    assert result.stderr == "" or result.stderr.startswith("no advice for ")


def test_what_takes_too_long_is_measured_smaller_and_as_a_whole_untouched(
    advise: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short, "filled_per_second", lambda: 20e6)

    result = advise("--footprint", "1GiB", "-q")

    assert result.exit_code in {0, 3}
    assert "At 1 GiB, mapped and not touched (measured):" in result.stdout
    assert "At 1 GiB, extrapolated from smaller footprints and not measured:" in result.stdout
    cells = [line["cell"] for line in read(tmp_path / "a.jsonl").workers]
    touched = {int(str(cell["footprint_bytes"])) for cell in cells if cell["backing"] == "anon"}
    assert max(touched) < 1 << 30
    assert {cell["footprint_bytes"] for cell in cells if cell["backing"] == "reserved"} == {1 << 30}


def test_a_command_of_one_s_own_is_launched_without_a_shell(advise: Callable[..., Any], tmp_path: Path) -> None:
    seen = tmp_path / "it was here"
    result = advise("--footprint", "4MiB", "--command", f"/usr/bin/touch '{seen}'", "-q")

    assert result.exit_code in {0, 3}
    assert seen.exists()


def test_a_slow_command_is_launched_less_often_and_it_is_said(advise: Callable[..., Any], tmp_path: Path) -> None:
    result = advise("--footprint", "4MiB", "--command", "sleep 0.05", "-q")

    assert result.exit_code in {0, 3}
    assert "instead of 40" in " ".join(result.stdout.split())
    launches = read(tmp_path / "a.jsonl").header["scenario"]["settings"]["launches"]
    assert 1 <= launches < short.LAUNCHES


def test_a_run_is_over_when_the_time_is_and_says_what_is_missing(
    advise: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short, "UNTIL_SECONDS", 0.0)

    result = advise("--footprint", "4MiB", "-q")

    recording = read(tmp_path / "a.jsonl")
    assert (len(recording.workers), recording.footer and recording.footer["interrupted"]) == (1, "time")
    assert result.exit_code == 3
    assert "The minute was over after 0 of 6 rounds" in result.stdout
    assert f"launchbench run --resume {tmp_path}/a.jsonl goes on" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--footprint", "1MiB", "--command", "/no/such/thing"], "/no/such/thing: cannot be launched: No such file"),
        (["--footprint", "1MiB", "--command", "sh -c 'exit 3'"], "sh -c 'exit 3': exits 3, and must exit 0"),
        (["--footprint", "1MiB", "--command", "sh -c 'kill -9 $$'"], "is killed by SIGKILL"),
        (["--footprint", "1MiB", "--command", "sleep 2"], "too long to be launched often enough in a minute"),
        (["--footprint", "much"], "--footprint much: "),
        (["--footprint", "0"], "--footprint 0: "),
        (["--footprint", "1MiB", "--command", "echo 'x"], "--command echo 'x: No closing quotation"),
        (["--footprint", "1MiB", "--command", " "], "--command: is empty"),
        (["--footprint", "1MiB", "--overcommit", "5"], "'5'"),
        ([], "--footprint"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_exit_2(
    advise: Callable[..., Any], tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = advise(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "a.jsonl").exists()


def test_no_file_is_overwritten(advise: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("mine")

    assert advise("--footprint", "1MiB").exit_code == 2
    assert (tmp_path / "a.jsonl").read_text() == "mine"


def test_without_numpy_it_says_what_to_install(advise: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.analysis.inference.available", lambda: False)

    assert advise("--footprint", "1MiB") == (
        2,
        "",
        "advise needs numpy and scipy: pip install 'launchbench[report]'\n",
    )


def test_an_ordinary_user_is_told_why_a_mode_was_not_measured(ordinary_user: OrdinaryUser) -> None:
    # Which mode is in force does not matter: 1 and 2 cannot both be.
    other = "2" if read_settings().memory != 2 else "1"

    result = ordinary_user.run("advise", "--footprint", "4MiB", "--overcommit", other, "-q")

    assert result.returncode == 3, result.stderr
    assert "nothing was measured: skipped: " in result.stdout
    assert "int run_command(" not in result.stdout
    assert result.stderr == "no advice for C and Python: the reason is above\n"
    (file,) = ordinary_user.folder.glob("advise-*.jsonl")
    assert result.stdout.endswith(f"result file: {file}\n")


@pytest.mark.parametrize(
    ("unsettled", "ended", "workers"), [([False], "settled", 12), ([True, True, False], "settled", 16)]
)
def test_rounds_are_added_while_they_may_decide(unsettled: list[bool], ended: str, workers: int) -> None:
    answers = iter(unsettled)
    enough = _Enough(time.monotonic(), 2, lambda: next(answers))

    said = [enough(NOTHING) for _ in range(workers)]

    assert said == [None] * (workers - 1) + [ended]


def test_no_round_is_begun_that_may_end_after_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short, "UNTIL_SECONDS", 100.0)
    clock = iter(range(0, 10_000, 4))
    monkeypatch.setattr("bench.commands.advise.time", SimpleNamespace(monotonic=lambda: next(clock)))
    enough = _Enough(0.0, 2, lambda: True)

    said = [enough(NOTHING) for _ in range(12)]

    assert said[-1] == "time"
    assert enough.rounds == 6
