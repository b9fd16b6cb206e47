"""Hazards through the command line: planned, tried, resumed, shown, and judged by --strict."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from bench import installation
from bench.commands.watching import Lines
from bench.record import HazardKey, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

KEYS = {"strategies": "[vfork_exec, posix_spawn]", "hazards": "[exit_in_child, slow_exec]", "trials": "2",
        "reference": "none", "launches": "2"}  # fmt: skip


def test_hazards_are_tried_after_the_cells_and_shown_beside_them(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "r.jsonl"

    result = launchbench("run", tiny(**KEYS), "-o", file, "--strict")

    assert result.exit_code == 0
    assert "hazards: trials in which it struck, of all trials" in result.stdout
    assert "2 workers in 1 round, then 6 hazards" in result.stderr
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["type"] for line in lines] == ["header", *["worker"] * 2, *["hazard"] * 6, "footer"]
    assert lines[-1]["hazards"] == {"planned": 6, "outcomes": {"tried": 4, "never_possible": 2}, "not_met": 0}
    assert lines[-1]["complete"]


def test_what_a_file_lacks_is_resumed(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "r.jsonl"
    launchbench("run", tiny(**KEYS), "-o", file, "-q")
    whole = file.read_text().splitlines(keepends=True)
    file.write_text("".join(whole[:5]) + '{"type":"haz')

    result = launchbench("run", "--resume", file, "-q")

    assert result.exit_code == 0
    recording = read(file)
    assert recording.warnings == ()
    assert [line["session"] for line in recording.hazards] == [0, 0, 1, 1, 1, 1]
    assert len(recording.workers) == 2
    assert recording.footer is not None
    assert recording.footer["complete"]
    assert launchbench("run", "--resume", file, "-q").exit_code == 0
    assert len(read(file).hazards) == 6


def test_hazards_alone_are_tried_with_every_strategy(launchbench: Callable[..., Any], tmp_path: Path) -> None:
    scenario, file = tmp_path / "h.yaml", tmp_path / "r.jsonl"
    scenario.write_text("{name: h, question: What fails, hazards: exit_in_child, trials: 1}")

    assert launchbench("run", scenario, "-o", file, "-q", "--strict").exit_code == 0

    recording = read(file)
    assert recording.workers == ()
    assert {"fork_exec", "vfork_exec", "posix_spawn", "prefork_pipe"} <= {
        line["strategy"] for line in recording.hazards
    }


def test_cells_that_are_asked_for_alone_come_without_hazards(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "r.jsonl"

    launchbench("run", tiny(**KEYS), "-o", file, "-q", "--only", "strategy=vfork_exec")

    assert (len(read(file).workers), read(file).hazards) == (1, ())


def test_an_oracle_that_is_not_met_is_an_answer_of_no(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "r.jsonl"
    launchbench("run", tiny(**KEYS), "-o", file, "-q")
    file.write_text(file.read_text().replace('"oracle":"always"', '"oracle":"never"'))

    result = launchbench("report", file, "--strict")

    assert result.exit_code == 1
    assert result.stderr == "3 hazards against their oracle (--strict): see them in the report\n"
    assert "against its oracle (never): slow_exec" in result.stdout


def test_a_probe_whose_oracle_is_turned_round_makes_the_run_say_no(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: a checkout with one wrong oracle, its worker, the run, the report and the exit code."""
    shutil.copytree(installation.strategies(), tmp_path / "strategies", ignore=shutil.ignore_patterns("__pycache__"))
    probe = tmp_path / "strategies" / "hazard" / "exit_in_child.c"
    turned = probe.read_text().replace("mitigation ? NEVER : ALWAYS", "mitigation ? ALWAYS : NEVER")
    assert turned != probe.read_text()
    probe.write_text(turned)
    monkeypatch.setattr(installation, "CHECKOUT", tmp_path)
    file = tmp_path / "r.jsonl"

    result = launchbench("run", tiny(**KEYS | {"strategies": "[vfork_exec]"}), "-o", file, "--strict")

    assert result.exit_code == 1
    assert "2 hazards against their oracle (--strict): see them in the report" in result.stderr
    assert "against its oracle (never): exit_in_child with vfork_exec: 2/2" in result.stdout
    assert [line["met"] for line in read(file).hazards] == [False, False, True]


def test_python_strategies_are_in_the_matrix_and_say_why_not(launchbench: Callable[..., Any], tmp_path: Path) -> None:
    scenario, file = tmp_path / "h.yaml", tmp_path / "r.jsonl"
    scenario.write_text("{name: h, question: What fails, hazards: exec_format, trials: 1}")

    launchbench("run", scenario, "-o", file, "-q")

    reasons = {line["strategy"]: line["outcome"].get("reason") for line in read(file).hazards}
    assert reasons["subprocess_run"] == "the native worker makes its trials, and does not have this strategy"


def test_a_form_of_cells_says_that_hazards_are_left_out(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "r.jsonl"
    launchbench("run", tiny(**KEYS), "-o", file, "-q")

    result = launchbench("report", file, "--format", "csv")

    assert result.stderr == "6 hazard rows are left out: csv has cells only, --format json has both\n"
    assert launchbench("report", file, "--format", "json").stderr == ""


def test_a_log_says_how_many_hazards_come(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(total=0, rounds=3, hazards=2) as lines:
        lines.tries(HazardKey("slow_exec", "vfork_exec", None))

    first, last = capsys.readouterr().err.splitlines()
    assert first == "2 hazards"
    assert last.startswith("0/2 hazards done in ")
