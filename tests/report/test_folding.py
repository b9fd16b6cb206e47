"""What says the same of several kernels is one line, and nothing that differs is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.analysis import CompareResult, compare_by, table
from bench.record import read
from bench.report.folding import SIDE, fold
from bench.report.interface import Options
from bench.report.side_by_side import render_markdown, render_terminal

REFERENCE = Path(__file__).parent.parent.parent / "results" / "kernels-quick.jsonl"


@pytest.fixture(scope="module")
def kernels() -> CompareResult:
    return compare_by(table([read(REFERENCE)]).rows, "kernel")


def test_every_transition_is_told_of_its_kernel(kernels: CompareResult) -> None:
    told = [line for line in fold(kernels) if line.row.answer == "transition"]

    assert len(told) == 9
    assert len({line.texts[SIDE] for line in told}) == 9
    assert not any(line.several for line in told)


def test_what_is_the_same_on_all_kernels_is_one_line(kernels: CompareResult) -> None:
    lines = fold(kernels)

    assert len(lines) < 40 < len(kernels.rows)
    alike = [line for line in lines if line.row.reason.startswith("works on both sides")]
    assert {line.texts[SIDE] for line in alike} == {"all 11"}
    assert any(line.texts[SIDE] == "4.15.0-213-generic +1" for line in lines if line.row.answer == "same")


def test_what_is_missing_has_the_name_of_its_side(kernels: CompareResult) -> None:
    missing = [line for line in fold(kernels) if line.row.answer == "missing"]

    assert missing
    assert all(line.texts[SIDE] for line in missing)


def test_an_answer_that_is_cut_stands_under_the_table(kernels: CompareResult) -> None:
    reason = "missing: base is unsupported: the kernel cannot wait by pidfd (Linux 5.4)"
    shown = render_terminal(kernels, Options(width=100, colour=False, unicode=True))

    above, _, below = shown.partition("\n\ninconclusive: works on both sides; emulated time is no latency\n")
    assert reason not in above
    assert reason in below
    assert reason in render_markdown(kernels)


def test_no_column_stands_twice_in_a_narrow_table() -> None:
    rows = table([read(REFERENCE)]).rows
    for key in ("strategy", "footprint", "kernel"):
        shown = render_terminal(compare_by(rows, key), Options(width=80))
        (titles,) = (line.split() for line in shown.splitlines() if " answer " in line)
        assert len(titles) == len(set(titles)), key


@pytest.mark.parametrize("width", [80, 100, 160])
def test_long_names_of_sides_leave_room_for_the_answers(width: int) -> None:
    """They stand above the rows of each side where a column of them would push the answers out of the window."""
    distros = compare_by(table([read(REFERENCE.with_name("libcs.jsonl"))]).rows, "distro")
    shown = render_terminal(distros, Options(width=width)).splitlines()

    at = next(number for number, line in enumerate(shown) if line.startswith("strategy"))
    head, body = shown[at], shown[at + 1 :]
    assert ("answer" in head, " new " in head.replace("new p50", "")) == (True, width >= 160)
    answers = [line[head.index("answer") :].split()[0] for line in body if line.startswith(("popen", "posix_spawn"))]
    assert set(answers) <= {"slower", "faster", "~", "inconclusive:", "same", "transition:"}
    asked = [str(row.new["strategy"]) for row in distros.rows if row.new]
    assert len(answers) == sum(strategy.startswith(("popen", "posix_spawn")) for strategy in asked)
    named = [line.removeprefix("new: ") for line in body if line.startswith("new: ")]
    assert named == ([] if width >= 160 else list(distros.new))
    assert "libc" not in head, "it goes along with the distro"
