"""What a report says about the files it rests on."""

from pathlib import Path
from typing import Any

from result_lines import cell, footer, header, ok, session, worker, write

from bench.analysis import Analysis, analyse
from bench.record import read

ONE = cell("posix_spawn")


def analysis(tmp_path: Path, *files: list[Any]) -> Analysis:
    return analyse([read(write(tmp_path / f"{at}.jsonl", *lines)) for at, lines in enumerate(files)])


def test_a_complete_file_has_nothing_to_warn_of(tmp_path: Path) -> None:
    found = analysis(tmp_path, [header([ONE]), worker(ONE, [ok(1)]), footer()])

    (file,) = found.files
    assert (file.workers, file.planned, file.complete, file.sessions) == (1, 1, True, 1)
    assert found.warnings == ()
    assert found.fingerprints[file.machine]["hostname"] == "box"


def test_an_incomplete_file_is_named_with_its_remedy(tmp_path: Path) -> None:
    found = analysis(
        tmp_path,
        [header([ONE], rounds=3), worker(ONE, [ok(1)]), session(), footer(complete=False, interrupted="SIGINT")],
    )

    assert (found.files[0].interrupted, found.files[0].sessions) == ("SIGINT", 2)
    assert [warning.partition(": ")[2] for warning in found.warnings] == [
        "incomplete, 1 of 3 workers: complete it with launchbench run --resume, on the machine it was measured on"
    ]


def test_warnings_of_reading_come_first(tmp_path: Path) -> None:
    found = analysis(tmp_path, [header([ONE]), b'{"torn'])

    assert found.files[0].torn
    assert [warning.partition(": ")[2].split(",")[0] for warning in found.warnings] == [
        "the last line is torn: passed over",
        "incomplete",
    ]


def test_more_rounds_are_more_of_the_same(tmp_path: Path) -> None:
    settings = header([])["scenario"]["settings"]

    found = analysis(
        tmp_path,
        *(
            [
                header([ONE], run=str(n), scenario=header([])["scenario"] | {"settings": settings | {"rounds": n}}),
                worker(ONE),
            ]
            for n in (1, 2)
        ),
    )

    assert found.warnings == ()


def test_merging_what_was_measured_differently_is_said(tmp_path: Path) -> None:
    settings = header([])["scenario"] | {"settings": {"launches": 200}}
    tool = {"name": "launchbench", "version": "0.1.0", "worker_build": "another"}

    found = analysis(
        tmp_path,
        [header([ONE], run="a"), worker(ONE, [ok(1)])],
        [header([ONE], run="b", scenario=settings, tool=tool), worker(ONE, [ok(1)])],
    )

    assert found.warnings == (
        "scenario big-parent: files with different settings are merged: report them one by one",
        "scenario big-parent: files of 2 worker builds are merged: report them one by one",
    )
