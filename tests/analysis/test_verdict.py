"""What is recommended, by which criterion the others fell out, and when nothing is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from result_lines import GIB, hazard, hazard_plan, hazard_refused, write
from told_runs import Told, analysis, chosen, fell, lines, verdict

from bench.analysis import analyse, inference
from bench.record import read

if TYPE_CHECKING:
    from pathlib import Path

    from bench.analysis import Verdict

TWIN = {"posix_spawn": Told(us=44), "posix_spawn+twin": Told(us=44)}


def test_the_fastest_of_what_works_is_chosen_and_the_sentence_says_why(tmp_path: Path) -> None:
    found = verdict(tmp_path / "r", {"vfork_exec": Told(us=33), "fork_exec": Told(us=990), **TWIN})

    assert chosen(found) == ["vfork_exec"]
    assert found.refusal is None
    assert found.sentence == (
        "1 GiB, overcommit mode 0: use vfork_exec; posix_spawn takes 1.33 times as long; "
        "fork_exec takes 30 times as long."
    )
    assert fell(found) == {"posix_spawn": "latency", "fork_exec": "latency"}
    assert [row.new["strategy"] for row in found.ranking if row.new] == ["posix_spawn", "fork_exec"]
    assert found.warnings == ()


def test_what_cannot_be_told_apart_is_a_tie(tmp_path: Path) -> None:
    found = verdict(tmp_path / "r", {"vfork_exec": Told(us=44.01), "system": Told(us=300), **TWIN})

    assert sorted(chosen(found)) == ["posix_spawn", "vfork_exec"]
    assert "a tie" in found.sentence


def test_who_takes_twice_as_long_is_no_tie_because_a_round_was_disturbed(tmp_path: Path) -> None:
    strategies = ["fork_exec", "posix_spawn", "posix_spawnp", "prefork_pipe", "system", "popen"]
    cells = {"vfork_exec": Told(40), "subprocess_run": Told(80)}
    cells |= {name: Told(100 + 50 * number) for number, name in enumerate(strategies)}
    told = lines(cells, 6, 1)
    disturbed = next(line for line in told[1:] if line["cell"]["strategy"] == "subprocess_run" and line["round"] == 2)
    disturbed["samples"]["reaped"] = [
        called + 3 * (reaped - called)
        for called, reaped in zip(disturbed["samples"]["call"], disturbed["samples"]["reaped"], strict=True)
    ]

    (found,) = analyse([read(write(tmp_path / "r.jsonl", *told))]).verdicts

    assert chosen(found) == ["vfork_exec"]
    assert fell(found)["subprocess_run"] == "data"
    assert "subprocess_run took longer, for certain only with more rounds" in found.sentence


def test_launches_without_a_time_of_their_own_are_judged_by_success(tmp_path: Path) -> None:
    cells = {
        f"{strategy}#{reaper}": Told(fails=4 if reaper == "none" else 0, axes={"reaper": reaper})
        for strategy in ("vfork_exec", "fork_exec")
        for reaper in ("waitpid", "pidfd", "none")
    }
    told = lines(cells, 6, 1)
    for line in told[1:]:
        line["samples"]["reaped"] = [None] * len(line["samples"]["call"])

    (found,) = analyse([read(write(tmp_path / "r.jsonl", *told))]).verdicts

    assert found.refusal is None
    assert "use pidfd or waitpid: all of them work; none fails" in found.sentence


def test_a_sentence_names_some_of_very_many(tmp_path: Path) -> None:
    found = verdict(tmp_path / "r", {f"strategy_{number:02}": Told(spread=0.03) for number in range(20)})

    assert "or 8 more: a tie" in found.sentence


def test_success_comes_before_latency(tmp_path: Path) -> None:
    found = verdict(tmp_path / "r", {"vfork_exec": Told(us=10, fails=1), **TWIN})

    assert chosen(found) == ["posix_spawn"]
    assert fell(found) == {"vfork_exec": "success"}
    (reason,) = (reason for reason in found.reasons if not reason.chosen)
    assert reason.text == "works in 30 of 40 launches (spawn:ENOMEM)"
    assert reason.values["success_low"] == pytest.approx(0.5981, abs=1e-4)
    assert "vfork_exec fails" in found.sentence


def test_findings_come_before_latency(tmp_path: Path) -> None:
    left = {"findings": [{"kind": "zombie", "count": 4, "detail": None}]}
    found = verdict(tmp_path / "r", {"vfork_exec": Told(us=10, changes=left), **TWIN})

    assert chosen(found) == ["posix_spawn"]
    assert fell(found) == {"vfork_exec": "finding"}
    assert "vfork_exec: leaves 40 zombie" in found.sentence


def with_hazards(path: Path, cells: dict[str, Told], *hazards: dict[str, Any]) -> Verdict:
    run = lines(cells, 10, 1, hazards=hazard_plan(*hazards))
    (found,) = analyse([read(write(path, *run, *hazards))]).verdicts
    return found


def test_hazards_come_before_latency(tmp_path: Path) -> None:
    found = with_hazards(
        tmp_path / "r",
        TWIN | {"fork_exec": Told(us=10)},
        hazard("lock_mutex", "fork_exec", hits=20),
        hazard("lock_mutex", "posix_spawn", oracle="never", hits=0),
        hazard("leaked_descriptor", "fork_exec", hits=5),
        hazard("leaked_descriptor", "posix_spawn", hits=5),
    )

    assert chosen(found) == ["posix_spawn"]
    assert fell(found) == {"fork_exec": "hazard"}
    assert "fork_exec: lock_mutex in 20 of 20 tries" in found.sentence


def test_what_cannot_happen_to_another_is_known_of_it(tmp_path: Path) -> None:
    found = with_hazards(
        tmp_path / "r",
        TWIN | {"fork_exec": Told(us=10)},
        hazard("lock_mutex", "fork_exec", hits=20),
        hazard_refused("lock_mutex", "posix_spawn", "never_possible", "runs no code of the caller"),
    )

    assert fell(found) == {"fork_exec": "hazard"}


def test_a_hazard_that_is_known_of_one_only_or_traded_for_another_decides_nothing(tmp_path: Path) -> None:
    cells = TWIN | {"vfork_exec": Told(us=10)}
    alone = with_hazards(tmp_path / "alone", cells, hazard("self_pipe", "vfork_exec", hits=20))
    traded = with_hazards(
        tmp_path / "traded",
        cells,
        hazard("self_pipe", "vfork_exec", hits=20),
        hazard("self_pipe", "posix_spawn", hits=0),
        hazard("text_busy", "posix_spawn", hits=20),
        hazard("text_busy", "vfork_exec", hits=0),
    )

    assert chosen(alone) == chosen(traded) == ["vfork_exec"]
    assert fell(alone) == fell(traded) == {"posix_spawn": "latency"}


def test_where_everything_leaves_something_latency_decides_with_a_warning(tmp_path: Path) -> None:
    left = {"findings": [{"kind": "zombie", "count": 4, "detail": None}]}
    found = verdict(tmp_path / "r", {"vfork_exec": Told(us=10, changes=left), "system": Told(us=90, changes=left)})

    assert chosen(found) == ["vfork_exec"]
    assert "every way leaves something behind: see what" in found.warnings


def test_where_nothing_works_nothing_is_chosen_and_the_error_is_named(tmp_path: Path) -> None:
    found = verdict(tmp_path / "r", {"vfork_exec": Told(fails=4), "fork_exec": Told(fails=4, errno=11)})

    assert chosen(found) == []
    assert found.refusal is None
    assert found.sentence.endswith("nothing works here: every launch fails (spawn:ENOMEM, spawn:EAGAIN).")


def test_too_few_workers_are_a_refusal_that_still_says_what_works(tmp_path: Path) -> None:
    found = verdict(tmp_path / "r", {"vfork_exec": Told(us=33), "fork_exec": Told(fails=4), **TWIN}, rounds=3)

    assert chosen(found) == []
    assert found.refusal == "needs more runs: 3 of 6 workers"
    assert "no verdict: needs more runs: 3 of 6 workers; vfork_exec and posix_spawn work" in found.sentence
    assert fell(found) == {"fork_exec": "success"}


def test_one_candidate_with_too_few_workers_falls_out_alone(tmp_path: Path) -> None:
    found = verdict(tmp_path / "r", {"vfork_exec": Told(us=33), "system": Told(us=20, rounds=4), **TWIN})

    assert chosen(found) == ["vfork_exec"]
    assert fell(found)["system"] == "data"


def test_a_noisy_machine_is_refused(tmp_path: Path) -> None:
    found = verdict(
        tmp_path / "r",
        {"vfork_exec": Told(us=33), "posix_spawn": Told(us=44), "posix_spawn+twin": Told(us=48)},
    )

    assert found.refusal == "noisy machine: A/A differed by 9.1%"
    assert chosen(found) == []


def test_a_machine_whose_twins_agree_by_luck_only_is_refused(tmp_path: Path) -> None:
    shaky = {"posix_spawn": Told(us=44, spread=0.4), "posix_spawn+twin": Told(us=44, spread=0.4)}
    found = analysis(tmp_path / "r", {"vfork_exec": Told(us=33), **shaky}, seed=6)

    (noise,), (one,) = found.noise, found.verdicts
    assert abs(noise.ratio - 1) < 0.05 < noise.floor
    assert one.refusal is not None
    assert one.refusal.startswith("noisy machine: A/A differed by ")
    assert ", give or take " in one.refusal


def test_candidates_whose_workers_crash_or_get_no_memory_are_named(tmp_path: Path) -> None:
    def ended(**outcome: Any) -> Told:
        return Told(changes={"outcome": outcome, "samples": None, "census": None})

    found = verdict(
        tmp_path / "r",
        TWIN | {"vfork_exec": ended(kind="crashed", signal=11), "clone_vm": ended(kind="not_allocatable", errno=12)},
    )

    assert fell(found) == {"vfork_exec": "success", "clone_vm": "success"}
    assert found.sentence.endswith("use posix_spawn; vfork_exec and clone_vm fail.")
    assert {reason.text for reason in found.reasons if not reason.chosen} == {
        "crashed in 10 of 10 workers",
        "not_allocatable in 10 of 10 workers",
    }


def test_what_so_few_rounds_do_not_tell_apart_is_not_called_a_tie(tmp_path: Path) -> None:
    found = verdict(tmp_path / "r", {"vfork_exec": Told(us=40, spread=0.2), "system": Told(us=41, spread=0.2)}, 6)

    assert sorted(chosen(found)) == ["system", "vfork_exec"]
    assert "so few rounds do not tell which is faster" in found.sentence
    assert "a tie" not in found.sentence


def test_a_noisy_machine_does_not_hide_what_fails(tmp_path: Path) -> None:
    found = verdict(
        tmp_path / "r",
        {"vfork_exec": Told(fails=4), "posix_spawn": Told(us=44), "posix_spawn+twin": Told(us=48)},
    )

    assert chosen(found) == ["posix_spawn"]


def test_a_difference_within_the_noise_is_a_tie(tmp_path: Path) -> None:
    quiet = {"vfork_exec": Told(us=44), "posix_spawn": Told(us=45), "posix_spawn+twin": Told(us=45)}
    noisy = quiet | {"posix_spawn+twin": Told(us=46.5)}

    assert chosen(verdict(tmp_path / "quiet", quiet)) == ["vfork_exec"]
    assert sorted(chosen(verdict(tmp_path / "noisy", noisy))) == ["posix_spawn", "vfork_exec"]


def test_the_floor_and_the_twin_are_no_candidates(tmp_path: Path) -> None:
    found = analysis(tmp_path / "r", {"null": Told(us=1), "vfork_exec": Told(us=33), **TWIN})

    (one,) = found.verdicts
    assert {reason.choice.strategy for reason in one.reasons} == {"vfork_exec", "posix_spawn"}
    assert [(cell.strategy, cell.workers) for cell in found.cells] == [
        ("null", 10),
        ("vfork_exec", 10),
        ("posix_spawn", 10),
    ]
    assert {row.cell["id"] for row in found.rows} == {"null", "vfork_exec", "posix_spawn"}


def test_the_noise_floor_is_what_the_twins_differed_by(tmp_path: Path) -> None:
    found = analysis(tmp_path / "r", {"posix_spawn": Told(us=40), "posix_spawn+twin": Told(us=40.4)})

    (noise,) = found.noise
    assert noise.ratio == pytest.approx(1.01, abs=0.002)
    assert noise.floor == pytest.approx(0.01, abs=0.002)
    assert (noise.pairs, noise.run) == (10, "run-1")
    assert noise.low <= noise.ratio <= noise.high


def test_without_a_twin_the_floor_is_assumed_and_that_is_said(tmp_path: Path) -> None:
    found = verdict(tmp_path / "r", {"vfork_exec": Told(us=33), "posix_spawn": Told(us=44)})

    assert chosen(found) == ["vfork_exec"]
    assert found.noise is None
    assert found.ranking[0].floor == 0.02
    assert found.warnings == ("no A/A was measured in this run: its noise floor is assumed",)


def test_each_footprint_and_mode_has_its_own_verdict(tmp_path: Path) -> None:
    limited = {"overcommit": 2, "limit_bytes": 3 * GIB // 2}
    found = analysis(
        tmp_path / "r",
        {
            "vfork_exec": Told(us=50),
            "fork_exec": Told(us=40),
            "vfork_exec#2": Told(us=50, axes=limited),
            "fork_exec#2": Told(fails=4, axes=limited),
        },
    )

    assert [(one.scope.circumstances["overcommit"], chosen(one)) for one in found.verdicts] == [
        (0, ["fork_exec"]),
        (2, ["vfork_exec"]),
    ]
    assert found.verdicts[1].sentence.startswith("1 GiB, overcommit mode 2 (1.5 GiB to commit): use vfork_exec;")


def test_candidates_of_one_strategy_are_told_apart(tmp_path: Path) -> None:
    found = verdict(
        tmp_path / "r",
        {"vfork_exec": Told(us=33), "vfork_exec#2": Told(us=90, axes={"reaper": "pidfd"}), **TWIN},
    )

    assert [(one.strategy, one.reaper) for one in found.chosen] == [("vfork_exec", "waitpid")]
    assert "vfork_exec+pidfd takes 2.7" in found.sentence


def test_emulated_time_says_what_works_and_not_what_is_fast(tmp_path: Path) -> None:
    place = {"place": {"clock": "emulated", "kernel": "4.4.0"}}
    found = verdict(
        tmp_path / "r",
        {"vfork_exec": Told(us=33, changes=place), "fork_exec": Told(us=900, changes=place),
         "system": Told(fails=4, changes=place)},
    )  # fmt: skip

    assert chosen(found) == ["vfork_exec", "fork_exec"]
    assert "emulated time does not say which is fastest" in found.sentence
    assert fell(found) == {"system": "success"}


def test_what_could_not_run_is_a_refusal_with_its_reason(tmp_path: Path) -> None:
    refused = {"outcome": {"kind": "skipped", "reason": "too big"}, "samples": None, "census": None}
    found = verdict(tmp_path / "r", {"vfork_exec": Told(changes=refused)})

    assert found.refusal == "nothing was measured: skipped: too big"


def test_ten_equal_candidates_tie_in_nearly_every_run(tmp_path: Path) -> None:
    names = [f"strategy_{number}" for number in range(10)]
    excluded = 0
    for seed in range(40):
        found = verdict(tmp_path / "r", {name: Told(spread=0.03) for name in names}, seed=seed)
        excluded += len(chosen(found)) < len(names)

    assert excluded <= 6  # at 5%, seven or more of forty have a probability of 0.3%


def test_without_the_extra_there_are_no_intervals_and_no_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "available", lambda: False)
    found = analysis(tmp_path / "r", {"vfork_exec": Told(us=33), **TWIN})

    assert (found.verdicts, found.noise) == ((), ())
    total = found.cells[0].total_ns
    assert total is not None
    assert (total.p50_low, total.p50_high, found.cells[0].success_low) == (None, None, None)
    assert total.p50 == pytest.approx(33_000, rel=0.01)


def test_with_the_extra_cells_have_intervals(tmp_path: Path) -> None:
    cell = analysis(tmp_path / "r", {"vfork_exec": Told(us=33)}).cells[0]

    assert cell.total_ns is not None
    assert cell.total_ns.p50_low is not None
    assert cell.total_ns.p50_high is not None
    assert cell.total_ns.p50_low <= cell.total_ns.p50 <= cell.total_ns.p50_high
    assert (cell.success_low, cell.success_high) == (pytest.approx(0.9124, abs=1e-4), 1.0)
