"""Hazard lines become one row each, over all files of a machine."""

from pathlib import Path

from result_lines import MACHINE, hazard, hazard_plan, hazard_refused, header, write

from bench.analysis import Analysis, HazardSummary, analyse
from bench.record import read

FORK = hazard("lock_mutex", "fork_exec", hangs=20, detail="waits for ever")
SPAWN = hazard("lock_mutex", "posix_spawn", oracle="never", hits=0)
REFUSED = hazard_refused("exit_in_child", "posix_spawn", "never_possible", "no code of the caller's runs there")


def analysed(*paths: Path) -> Analysis:
    return analyse([read(path) for path in paths])


def rows(analysis: Analysis) -> dict[tuple[str, str], HazardSummary]:
    return {(row.hazard, row.strategy): row for row in analysis.hazards}


def test_each_line_is_a_row_with_its_oracle_held_against_it(tmp_path: Path) -> None:
    broken = hazard("slow_exec", "fork_exec", oracle="never", hits=3)
    found = rows(analysed(write(tmp_path / "r.jsonl", header([]), FORK, SPAWN, REFUSED, broken)))

    assert [(row.trials, row.hits, row.hangs, row.met) for row in found.values()] == [
        (20, 20, 20, True),
        (20, 0, 0, True),
        (0, 0, 0, None),
        (20, 3, 0, False),
    ]
    assert found["lock_mutex", "fork_exec"].detail == "waits for ever"
    assert found["exit_in_child", "posix_spawn"].reason == "no code of the caller's runs there"


def test_trials_of_several_files_add_up_and_the_oracle_is_asked_again(tmp_path: Path) -> None:
    seldom = {"oracle": "sometimes"}
    first = write(tmp_path / "1", header([], run="1"), hazard(**seldom, hits=0), REFUSED)
    second = write(tmp_path / "2", header([], run="2"), hazard(**seldom, hits=1))

    assert rows(analysed(first))["lock_mutex", "fork_exec"].met is False
    merged = rows(analysed(first, second))
    assert merged["lock_mutex", "fork_exec"].met is True
    assert (merged["lock_mutex", "fork_exec"].trials, merged["lock_mutex", "fork_exec"].hits) == (40, 1)
    assert merged["exit_in_child", "posix_spawn"].outcome == "never_possible"


def test_a_file_and_its_copy_count_once(tmp_path: Path) -> None:
    lines = (header([]), FORK)

    row = rows(analysed(write(tmp_path / "1", *lines), write(tmp_path / "2", *lines)))["lock_mutex", "fork_exec"]

    assert (row.trials, row.hits) == (20, 20)


def test_what_one_file_tried_and_another_could_not_was_tried(tmp_path: Path) -> None:
    refused = hazard_refused("lock_mutex", "fork_exec", "not_tried", "no thread could be made")
    first = write(tmp_path / "1", header([], run="1"), refused)
    second = write(tmp_path / "2", header([], run="2"), FORK)

    row = rows(analysed(first, second))["lock_mutex", "fork_exec"]

    assert (row.outcome, row.reason, row.trials, row.met) == ("tried", None, 20, True)


def test_machines_and_mitigations_stand_apart(tmp_path: Path) -> None:
    mitigated = FORK | {"mitigation": "atfork", "oracle": "never", "hits": 0, "hangs": 0}
    first = write(tmp_path / "1", header([]), FORK, mitigated)
    second = write(tmp_path / "2", header([], machine=MACHINE | {"machine_id": "other"}), FORK)

    found = analysed(first, second).hazards

    assert [(row.machine.id, row.mitigation, row.hits) for row in found] == [
        ("3fa29c11d04b", None, 20),
        ("3fa29c11d04b", "atfork", 0),
        ("other", None, 20),
    ]


def test_a_file_that_lacks_hazards_is_incomplete(tmp_path: Path) -> None:
    analysis = analysed(write(tmp_path / "r.jsonl", header([], hazards=hazard_plan(FORK, SPAWN)), FORK))

    assert not analysis.files[0].complete
    assert [warning.partition(": ")[2] for warning in analysis.warnings] == [
        "incomplete, 1 of 2 hazards: complete it with launchbench run --resume, on the machine it was measured on"
    ]
