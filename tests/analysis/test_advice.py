"""What a short run comes to: never more than was measured, and what is extrapolated apart from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from result_lines import GIB, Launch, cell, failed, header, ok, refused, worker, write

from bench.analysis import Advice, advise, analyse
from bench.record import read

MIB = 1 << 20
LANGUAGES = {"C": ("posix_spawn", "vfork_exec", "fork_exec"), "Python": ("subprocess_run",)}
STEPS = (64 * MIB, 256 * MIB, 1024 * MIB)


def fork_ns(size: int) -> int:
    return 60_000 + 13 * size // 1024


def run(
    directory: Path,
    *,
    steps: Sequence[int] = STEPS,
    untouched: int | None = 8 * GIB,
    fork_works: bool = True,
    rounds: int = 6,
) -> Advice:
    """A run of posix_spawn and vfork_exec that take the same time everywhere, and fork_exec that grows."""
    cells, lines = [], []
    spread = (-3, 2, -1, 1, 3, -2)
    for size in steps:
        for name, ns in (("posix_spawn", 50_000), ("vfork_exec", 50_000), ("fork_exec", fork_ns(size))):
            one = cell(name, footprint_bytes=size)
            cells.append(one)
            for number in range(rounds):
                took = ns + ns * spread[(number * (3 if name == "vfork_exec" else 1)) % 6] // 1000
                lines.append(worker(one, [ok(took)] * 20, round_=number))
        python = cell("subprocess_run", footprint_bytes=size)
        cells.append(python)
        lines += [worker(python, [ok(400_000 + number)] * 20, round_=number) for number in range(rounds)]
    if untouched:
        for name in ("posix_spawn", "vfork_exec", "fork_exec"):
            one = cell(name, footprint_bytes=untouched, backing="reserved", id=f"{name}/reserved")
            cells.append(one)
            launch: Launch = failed("spawn_error", 12) if name == "fork_exec" and not fork_works else ok(50_000)
            lines += [worker(one, [launch] * 20, round_=number) for number in range(rounds)]
        python = cell("subprocess_run", footprint_bytes=untouched, backing="reserved", id="python/reserved")
        cells.append(python)
        lines += [refused(python, "unsupported", round_=number, reason="no backing") for number in range(rounds)]
    directory.mkdir(exist_ok=True)
    path = write(directory / "r.jsonl", header(cells, rounds=rounds), *lines)
    return advise(analyse([read(path)]), untouched or steps[-1], LANGUAGES)


def recommended(advice: Advice) -> dict[str, Any]:
    return {one.language: one.choice and one.choice.strategy for one in advice.recommendations}


def test_a_footprint_that_was_measured_is_not_extrapolated(tmp_path: Path) -> None:
    advice = run(tmp_path, steps=[GIB], untouched=None)

    assert not advice.extrapolated
    assert advice.courses == advice.survivals == ()
    verdict = advice.recommendations[0].verdict
    assert verdict is not None
    assert "fork_exec takes" in verdict.sentence


def test_of_a_tie_the_first_of_the_language_is_chosen(tmp_path: Path) -> None:
    advice = run(tmp_path)

    verdict = advice.recommendations[0].verdict
    assert verdict is not None
    assert {choice.strategy for choice in verdict.chosen} == {"posix_spawn", "vfork_exec"}
    assert recommended(advice) == {"C": "posix_spawn", "Python": "subprocess_run"}


def test_the_verdict_is_of_the_largest_size_that_was_touched(tmp_path: Path) -> None:
    advice = run(tmp_path)

    assert (advice.measured, advice.footprint, advice.extrapolated) == (GIB, 8 * GIB, True)
    verdict = advice.recommendations[0].verdict
    assert verdict is not None
    assert verdict.scope.circumstances["footprint_bytes"] == GIB
    assert verdict.sentence.startswith("1 GiB, overcommit mode 0: use ")


def test_what_grows_is_extrapolated_along_its_line(tmp_path: Path) -> None:
    courses = {course.strategy: course for course in run(tmp_path).courses}

    fork = courses["fork_exec"]
    assert fork.grows
    assert [size for size, _ in fork.points] == list(STEPS)
    assert fork.low <= fork.ns <= fork.high
    assert fork.ns == pytest.approx(fork_ns(8 * GIB), rel=0.01)
    assert fork.as_fast_below == 0, "even the smallest fork is slower: its line starts above"
    for name in ("posix_spawn", "vfork_exec", "subprocess_run"):
        assert not courses[name].grows
        assert courses[name].as_fast_below is None


def test_what_fails_at_the_full_size_is_no_choice_whatever_it_does_below(tmp_path: Path) -> None:
    advice = run(tmp_path, fork_works=False)

    (fork,) = [one for one in advice.survivals if one.strategy == "fork_exec"]
    assert (fork.ok, fork.launches, fork.error) == (0, 120, "spawn:ENOMEM")
    assert advice.recommendations[0].fails_when_whole == ("fork_exec",)
    verdict = advice.recommendations[0].verdict
    assert verdict is not None
    assert "fork_exec" not in {reason.choice.strategy for reason in verdict.reasons}


def test_what_was_not_tried_at_the_full_size_says_why(tmp_path: Path) -> None:
    (python,) = [one for one in run(tmp_path).survivals if one.strategy == "subprocess_run"]

    assert (python.launches, python.refusal) == (0, "unsupported: no backing")
    untried = {one.language: one.untried_when_whole for one in run(tmp_path / "again").recommendations}
    assert untried == {"C": (), "Python": ("subprocess_run",)}


def test_too_few_rounds_are_a_refusal(tmp_path: Path) -> None:
    advice = run(tmp_path, rounds=3)

    assert recommended(advice)["C"] is None
    assert advice.recommendations[0].verdict is not None
    assert advice.recommendations[0].verdict.refusal == "needs more runs: 3 of 6 workers"
    assert advice.unsettled


def test_who_is_faster_among_several_is_open_until_the_data_tell(tmp_path: Path) -> None:
    one, other = cell("posix_spawn"), cell("vfork_exec")
    wide = (0.7, 1.4, 0.8, 1.3, 0.75, 1.35)
    lines = [worker(one, [ok(50_000)] * 20, round_=number) for number in range(6)]
    lines += [worker(other, [ok(int(50_000 * share))] * 20, round_=number) for number, share in enumerate(wide)]
    path = write(tmp_path / "r", header([one, other], rounds=6), *lines)

    assert advise(analyse([read(path)]), GIB, LANGUAGES).unsettled


def test_what_more_rounds_would_not_change_is_settled(tmp_path: Path) -> None:
    assert not run(tmp_path).unsettled


def test_a_language_of_which_nothing_was_run_has_no_verdict(tmp_path: Path) -> None:
    path = write(tmp_path / "r", header([cell("fork_exec")]), worker(cell("fork_exec"), [ok(1000)]))

    advice = advise(analyse([read(path)]), GIB, LANGUAGES)

    assert [one.verdict is None for one in advice.recommendations] == [False, True]
    assert recommended(advice)["Python"] is None


def test_a_run_that_ended_before_any_footprint_was_touched_has_no_verdict(tmp_path: Path) -> None:
    one = cell("fork_exec", footprint_bytes=8 * GIB, backing="reserved")
    path = write(tmp_path / "r", header([one]), worker(one, [ok(1000)]))

    advice = advise(analyse([read(path)]), 8 * GIB, LANGUAGES)

    assert (advice.measured, advice.courses) == (0, ())
    assert [one.verdict for one in advice.recommendations] == [None, None]
