"""Advice as it is read: what is extrapolated says so, and the code is there."""

import pytest

from bench.analysis import Advice, Choice, Course, Machine, Recommendation, Scope, Survival, Verdict
from bench.report import Options
from bench.report.advice import render_advice, snippet

GIB = 1 << 30
SCOPE = Scope(Machine("m", "6.1", "Debian"), "advise", {"footprint_bytes": GIB, "overcommit": "current"})


def verdict(sentence: str, *strategies: str, refusal: str | None = None) -> Verdict:
    chosen = tuple(Choice(strategy, "waitpid", "none") for strategy in strategies)
    return Verdict(SCOPE, sentence, chosen, refusal, (), (), None, ("the floor is high",))


CHOSEN = verdict("1 GiB: use vfork_exec.", "vfork_exec")
REFUSED = verdict("1 GiB: no verdict: needs more runs.", refusal="needs more runs")
ADVICE = Advice(
    footprint=8 * GIB,
    measured=GIB,
    recommendations=(
        Recommendation("C", CHOSEN, CHOSEN.chosen[0], ("fork_exec",)),
        Recommendation("Python", REFUSED, None, ()),
    ),
    courses=(
        Course("fork_exec", ((GIB // 4, 3_000_000), (GIB, 12_000_000)), True, 96e6, 90e6, 99e6, 2 << 20),
        Course("vfork_exec", ((GIB // 4, 30_000), (GIB, 31_000)), False, 31e3, 30e3, 32e3, None),
    ),
    survivals=(
        Survival("fork_exec", 0, 240, "spawn:ENOMEM", None),
        Survival("subprocess_run", 0, 0, "", "unsupported: no backing"),
    ),
)


def rendered(advice: Advice = ADVICE, **options: bool) -> str:
    return render_advice(advice, Options(width=200, **options), ["the weather"], "results/advise.jsonl")


def test_every_extrapolated_figure_is_under_a_line_that_says_so() -> None:
    text = rendered()

    head, _, rest = text.partition("At 8 GiB, extrapolated from smaller footprints and not measured:\n")
    assert "96.0 ms" not in head
    block = rest.partition("\n\n")[0]
    assert (
        "fork_exec: about 96.0 ms [90.0 ms to 99.0 ms by round], a straight line through 3.00 ms at 256 MiB, "
        "12.0 ms at 1 GiB" in block
    )
    assert "vfork_exec: as measured, for it does not follow the footprint" in block
    assert "What is said of latency at 8 GiB is extrapolated." in " ".join(head.split())


def test_what_was_measured_as_a_whole_has_no_word_of_extrapolation() -> None:
    text = rendered(Advice(GIB, GIB, ADVICE.recommendations[1:], (), ()))

    assert "extrapolated" not in text
    assert text.startswith("How a program that holds 1 GiB should start a command here: measured at that size.\n")


def test_without_a_line_nothing_is_said_of_latency_beyond_what_was_measured() -> None:
    text = " ".join(rendered(Advice(8 * GIB, GIB, ADVICE.recommendations, (), ADVICE.survivals)).split())

    assert "Too few sizes could be measured to say anything of latency at 8 GiB." in text
    assert "extrapolated" not in text


def test_the_verdicts_the_failures_and_the_warnings_are_there() -> None:
    text = rendered()

    assert (
        "C       1 GiB: use vfork_exec. Left out, for no launch works at the full size: fork_exec.\n"
        "        warning: the floor is high\n"
        "Python  1 GiB: no verdict: needs more runs.\n" in text
    )
    assert "  fork_exec: 0 of 240 launches work (spawn:ENOMEM)\n" in text
    assert "  subprocess_run: not measured (unsupported: no backing)\n" in text


def test_the_code_of_what_is_chosen_is_there_whole_and_no_other() -> None:
    text = rendered()

    assert snippet("C", "vfork_exec") in text
    assert "import subprocess" not in text


def test_what_would_change_it_and_where_it_comes_from_are_last() -> None:
    *_, changes, last = rendered().rstrip("\n").rsplit("\n\n", 2)

    assert changes.startswith(
        "What would change the answer:\n"
        "  - the size: fork_exec is as fast as the fastest up to about 2 MiB, by the same lines\n"
        "  - the weather\n"
    )
    assert last == "result file: results/advise.jsonl"


def test_what_was_not_tried_at_the_full_size_is_said_beside_the_choice() -> None:
    chosen = verdict("1 GiB: use subprocess_run.", "subprocess_run")
    untried = Recommendation("Python", chosen, chosen.chosen[0], (), ("subprocess_run",))

    text = rendered(Advice(8 * GIB, GIB, (untried,), (), ADVICE.survivals))

    assert "use subprocess_run. Not tried at the full size: subprocess_run.\n" in text


def test_a_line_of_what_does_not_work_at_the_full_size_says_so() -> None:
    assert "12.0 ms at 1 GiB; as if it worked there\n" in rendered()


def test_notes_on_the_measurement_stand_above_the_answer() -> None:
    text = render_advice(ADVICE, Options(width=200), [], "f", notes=["The command is slow."])

    assert text.index("The command is slow.\n") < text.index("C       1 GiB")


def test_where_only_ascii_can_be_shown_it_is_ascii() -> None:
    assert rendered(unicode=False).isascii()


def test_a_strategy_without_code_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        snippet("C", "null")
