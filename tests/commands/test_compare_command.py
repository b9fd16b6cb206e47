"""`launchbench compare`: what it prints, and how a gate ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from result_lines import write
from told_runs import Told, lines

from bench.analysis import inference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CELLS = {"vfork_exec": Told(us=33), "posix_spawn": Told(us=44), "fork_exec": Told(us=990)}


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Path]:
    """Write a result file of a few cells."""

    def build(name: str, seed: int, cells: Mapping[str, Told] = CELLS, rounds: int = 10) -> Path:
        return write(tmp_path / name, *lines(cells, rounds, seed))

    return build


def test_files_are_compared_transitions_first(run: Callable[..., Path], launchbench: Callable[..., Any]) -> None:
    base, new = run("a.jsonl", 1), run("b.jsonl", 2, CELLS | {"fork_exec": Told(fails=4), "vfork_exec": Told(us=66)})

    result = launchbench("compare", base, new)

    assert (result.exit_code, result.stderr) == (0, "")
    body = [line for line in result.stdout.splitlines() if "1 GiB" in line]
    assert [line.split()[0] for line in body] == ["fork_exec", "posix_spawn", "vfork_exec"]
    assert body[0].endswith("transition: works -> spawn:ENOMEM")
    assert body[2].endswith("slower")
    assert "1 transition, 1 slower, 1 " in result.stdout
    assert "noise floor 5.0%" in result.stdout


def test_how_far_two_files_are_apart_at_most_is_told(run: Callable[..., Path], launchbench: Callable[..., Any]) -> None:
    base, new = run("a.jsonl", 1), run("b.jsonl", 2, CELLS | {"vfork_exec": Told(us=66)})

    rows = json.loads(launchbench("compare", base, new, "--format", "json").stdout)["rows"]
    furthest = max(max(row["ratio"], 1 / row["ratio"]) for row in rows if row["ratio"])
    said = f"none further apart than {(furthest - 1) * 100:.1f}%"

    assert furthest > 1.5
    assert said in " ".join(launchbench("compare", base, new).stdout.split())
    assert said in launchbench("compare", base, new, "--format", "markdown").stdout


def test_json_has_the_names_that_every_form_shares(run: Callable[..., Path], launchbench: Callable[..., Any]) -> None:
    result = launchbench("compare", run("a.jsonl", 1), "--by", "strategy", "--format", "json")

    document = json.loads(result.stdout)
    assert {"tool", "by", "base", "new", "rows", "warnings", "geometric_mean", "common"} == document.keys()
    row = next(row for row in document["rows"] if row["new"]["strategy"] == "vfork_exec")
    assert {"ratio", "low", "high", "p_adjusted", "verdict"} <= row.keys()
    assert (row["base"]["strategy"], row["verdict"]) == ("posix_spawn", "faster")
    assert row["low"] <= row["ratio"] <= row["high"] < 1


def test_markdown_folds_what_did_not_change_away(run: Callable[..., Path], launchbench: Callable[..., Any]) -> None:
    base, new = run("a.jsonl", 1), run("b.jsonl", 2, CELLS | {"vfork_exec": Told(us=66)})

    text = launchbench("compare", base, new, "--format", "markdown").stdout

    shown, folded = text.split("<details>")
    assert "| vfork_exec " in shown
    assert "| posix_spawn " in folded
    assert len(text) < 60_000


def test_foreign_text_is_not_obeyed(run: Callable[..., Path], launchbench: Callable[..., Any]) -> None:
    evil = {"<script>alert(1)</script>\x1b[31m|x": Told(us=33)}
    base, new = run("a.jsonl", 1, evil), run("b.jsonl", 2, evil)

    assert "\x1b" not in launchbench("compare", base, new).stdout
    markdown = launchbench("compare", base, new, "--format", "markdown").stdout
    assert "<script>" not in markdown
    assert "&lt;script&gt;" in markdown


def test_a_pattern_is_one_side(run: Callable[..., Path], launchbench: Callable[..., Any], tmp_path: Path) -> None:
    for seed in range(10):
        run(f"{'old' if seed < 5 else 'new'}-{seed}.jsonl", seed)

    result = launchbench("compare", tmp_path / "old-*.jsonl", tmp_path / "new-*.jsonl", "--format", "json")

    document = json.loads(result.stdout)
    assert {row["unit"] for row in document["rows"]} == {"run"}
    assert {row["pairs"] for row in document["rows"]} == {5}
    assert {row["verdict"] for row in document["rows"]} == {"same"}


@pytest.mark.parametrize(
    ("us", "threshold", "code", "message"),
    [
        (33, "5%", 0, ""),
        (66, "5%", 1, "worse by more than 5%: vfork_exec at 1 GiB (slower)"),
        (66, "150", 0, ""),
        (
            34.4,
            "1.5%",
            3,
            "cannot say whether worse by more than 1.5%: vfork_exec at 1 GiB (runs of one program differ",
        ),
    ],
)
def test_a_threshold_is_a_gate(
    run: Callable[..., Path], launchbench: Callable[..., Any], us: float, threshold: str, code: int, message: str
) -> None:
    base, new = run("a.jsonl", 1, {"vfork_exec": Told(us=33)}), run("b.jsonl", 2, {"vfork_exec": Told(us=us)})

    result = launchbench("compare", base, new, "--threshold", threshold)

    assert result.exit_code == code
    assert result.stderr.startswith(message)
    assert bool(result.stderr) == bool(message)
    assert "vfork_exec" in result.stdout


def test_a_gate_lets_nothing_pass_that_was_not_compared(
    run: Callable[..., Path], launchbench: Callable[..., Any]
) -> None:
    base, new = run("a.jsonl", 1, {"popen": Told()}), run("b.jsonl", 2, {"system": Told()})

    result = launchbench("compare", base, new, "--threshold", "5%")

    assert result.exit_code == 3
    assert "nothing was compared" in result.stderr


@pytest.mark.parametrize(
    ("base", "new", "code", "message"),
    [
        ({"fork_exec": Told()}, {"fork_exec": Told(fails=4)}, 1, "(works -> spawn:ENOMEM)"),
        (CELLS, {"vfork_exec": Told(us=33)}, 3, "(new has no such cell)"),
        ({"fork_exec": Told(fails=4)}, {"fork_exec": Told(fails=4)}, 3, "nothing was compared: fork_exec at 1 GiB"),
        ({"fork_exec": Told()}, {"fork_exec": Told(rounds=0)}, 3, "nothing was compared: no cell of one side"),
        ({"vfork_exec": Told(us=33)}, CELLS, 0, ""),
    ],
)
def test_a_gate_opens_to_what_was_shown_only(
    run: Callable[..., Path],
    launchbench: Callable[..., Any],
    base: Mapping[str, Told],
    new: Mapping[str, Told],
    code: int,
    message: str,
) -> None:
    result = launchbench("compare", run("a.jsonl", 1, base), run("b.jsonl", 2, new), "--threshold", "5%")

    assert result.exit_code == code
    assert message in result.stderr


def test_too_few_rounds_leave_the_gate_open(run: Callable[..., Path], launchbench: Callable[..., Any]) -> None:
    result = launchbench("compare", run("a.jsonl", 1, rounds=3), run("b.jsonl", 2, rounds=3), "--threshold", "5%")

    assert result.exit_code == 3
    assert "needs more runs: 3 of 6 workers" in result.stderr


def test_a_file_beside_itself_is_told(run: Callable[..., Path], launchbench: Callable[..., Any]) -> None:
    file = run("a.jsonl", 1)

    assert f"warning: {file} is on both sides" in launchbench("compare", file, file).stdout.replace("\n  ", " ")


def test_output_goes_to_a_file(run: Callable[..., Path], launchbench: Callable[..., Any], tmp_path: Path) -> None:
    result = launchbench(
        "compare", run("a.jsonl", 1), "--by", "strategy", "--format", "json", "-o", tmp_path / "c.json"
    )

    assert (result.exit_code, result.stdout) == (0, "")
    assert json.loads((tmp_path / "c.json").read_text())["by"] == "strategy"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.jsonl"], "a.jsonl alone: name files to compare it with, or a key of its cells with --by"),
        (["a.jsonl", "none.jsonl"], "none.jsonl: no such file"),
        (["a.jsonl", "--by", "colour"], "--by colour: no cell has this key: keys are "),
        (["a.jsonl", "b-*.jsonl"], "b-*.jsonl: no file matches this pattern"),
        (["a.jsonl", "--by", "strategy", "--threshold", "much"], "--threshold much: is not a percentage, such as 5%"),
        (["a.jsonl", "--by", "strategy", "-o", "no/such/file"], "no/such/file: cannot be written: "),
    ],
)
def test_errors_are_one_line(
    run: Callable[..., Path],
    launchbench: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(run("a.jsonl", 1).parent)

    result = launchbench("compare", *arguments)

    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(message)


def test_without_the_extra_the_remedy_is_named(
    run: Callable[..., Path], launchbench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "available", lambda: False)

    result = launchbench("compare", run("a.jsonl", 1), "--by", "strategy")

    assert result.exit_code == 2
    assert result.stderr == "compare needs numpy and scipy: pip install 'launchbench[report]'\n"


def test_where_the_rule_of_mode_0_changed_is_seen_in_a_hundred_columns(launchbench: Callable[..., Any]) -> None:
    reference = Path(__file__).parent.parent.parent / "results" / "kernels-quick.jsonl"

    lines = launchbench("compare", reference, "--by", "kernel").stdout.splitlines()

    changed = [line for line in lines if "transition: spawn:ENOMEM -> works" in line]
    assert [line.split()[3].partition(".")[0] for line in changed] == [*"5556666", *"77"]
    assert all(line.startswith("fork_exec") and len(line) <= 100 for line in changed)
