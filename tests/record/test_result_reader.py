"""What can be read is read, and what cannot is named in one line."""

import json
import os
from pathlib import Path

import pytest
from result_lines import cell, footer, hazard, hazard_plan, hazard_refused, header, ok, refused, session, worker, write

from bench.record import Flaw, UnreadableResult, iterate, read

ONE, OTHER = cell("posix_spawn"), cell("fork_exec")
HEADER = header([ONE, OTHER], rounds=2)


def test_a_whole_file(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.jsonl", HEADER, worker(ONE, [ok(1000)]), session(), refused(OTHER, "hung"), footer(complete=False)
    )

    recording = read(path)

    assert recording.header["scenario"]["name"] == "big-parent"
    assert [line["outcome"]["kind"] for line in recording.workers] == ["finished", "hung"]
    assert len(recording.sessions) == 1
    assert recording.footer is not None
    assert (recording.planned, len(recording.done)) == (4, 2)
    assert not recording.torn
    assert recording.warnings == ()


@pytest.mark.parametrize(
    "tail", [b'{"type":"wor', b'{"type":"worker"}garbage\n', b"\x00\x00\x00", b'{"type":"footer"}']
)
def test_a_torn_last_line_is_passed_over(tmp_path: Path, tail: bytes) -> None:
    path = write(tmp_path / "r.jsonl", HEADER, worker(ONE, [ok(1000)]), tail)

    recording = read(path)

    assert recording.torn
    assert recording.torn_at == path.stat().st_size - len(tail)
    assert recording.warnings == (f"{path}:3: the last line is torn: passed over",)
    assert len(recording.workers) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{corrupt}\n", "not JSON: passed over"),
        (b"\xff\xfe\n", "not JSON: passed over"),
        (b'{"x": NaN}\n', "not JSON: passed over"),
        (b"[" * 100_000 + b"\n", "not JSON: passed over"),
        (b"[1]\n", "a line of unknown type None: passed over"),
        (b'{"type": "epilogue"}\n', "a line of unknown type 'epilogue': passed over"),
        (b'{"type": ["worker"]}\n', "a line of unknown type ['worker']: passed over"),
        (b'{"type": "worker"}\n', "worker.cell: missing: passed over"),
        (
            json.dumps(worker(ONE) | {"round": 1.5}).encode() + b"\n",
            "worker.round: a fraction where an integer belongs",
        ),
        (json.dumps(worker(ONE) | {"mechanism": ["execve"]}).encode() + b"\n", "worker.mechanism: a list where text"),
        (json.dumps(worker(ONE) | {"findings": [{"kind": 1}]}).encode() + b"\n", "worker.findings[0].count: missing"),
    ],
)
def test_a_bad_line_in_the_middle_is_named_and_passed_over(tmp_path: Path, line: bytes, message: str) -> None:
    path = write(tmp_path / "r.jsonl", HEADER, line, worker(ONE, [ok(1000)]))

    recording = read(path)

    assert len(recording.workers) == 1
    assert len(recording.warnings) == 1
    assert recording.warnings[0].startswith(f"{path}:2: {message}")
    assert not recording.torn


def test_samples_of_different_lengths_or_types_are_passed_over(tmp_path: Path) -> None:
    short, wrong = worker(ONE, [ok(1000)]), worker(OTHER, [ok(1000)])
    short["samples"]["reaped"] = []
    wrong["samples"]["call"] = [None]

    recording = read(write(tmp_path / "r.jsonl", HEADER, short, wrong, footer()))

    assert recording.workers == ()
    assert [warning.partition(": ")[2] for warning in recording.warnings] == [
        "worker.samples: columns of different lengths: passed over",
        "worker.samples.call: contains null: passed over",
    ]


def test_of_two_lines_for_a_cell_and_round_the_first_is_kept(tmp_path: Path) -> None:
    first, second = worker(ONE, [ok(1)]), worker(ONE, [ok(2)])

    recording = read(write(tmp_path / "r.jsonl", HEADER, first, second, worker(ONE, [ok(3)], round_=1)))

    assert recording.workers == (first, worker(ONE, [ok(3)], round_=1))
    assert len(recording.warnings) == 1
    assert "round 0 is there twice: the first is kept" in recording.warnings[0]


def test_hazards_are_read_beside_workers(tmp_path: Path) -> None:
    lines = [hazard(), hazard(mitigation="atfork", oracle="never", hits=0), hazard_refused("a", "b", "not_tried", "c")]

    recording = read(write(tmp_path / "r.jsonl", header([ONE], hazards=hazard_plan(*lines)), worker(ONE), *lines))

    assert recording.hazards == tuple(lines)
    assert (recording.planned, recording.planned_hazards) == (1, 3)
    assert recording.warnings == ()


def test_a_hazard_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    mitigated = hazard(mitigation="atfork")

    recording = read(write(tmp_path / "r.jsonl", HEADER, hazard(hits=20), mitigated, hazard(hits=3), mitigated))

    assert recording.hazards == (hazard(hits=20), mitigated)
    assert [warning.partition(": ")[2] for warning in recording.warnings] == [
        "hazard lock_mutex with fork_exec is there twice: the first is kept",
        "hazard lock_mutex with fork_exec, mitigated by atfork is there twice: the first is kept",
    ]


@pytest.mark.parametrize("changes", [{"hits": 21}, {"hits": 2, "hangs": 3}, {"hangs": -1}])
def test_hits_are_trials_and_hangs_are_hits(tmp_path: Path, changes: dict[str, int]) -> None:
    recording = read(write(tmp_path / "r.jsonl", HEADER, hazard() | changes, footer()))

    assert recording.hazards == ()
    assert recording.warnings == (f"{tmp_path / 'r.jsonl'}:2: hazard.hits: more than there were trials: passed over",)


def test_a_file_of_before_there_were_hazards_plans_none(tmp_path: Path) -> None:
    recording = read(write(tmp_path / "r.jsonl", HEADER, worker(ONE), footer()))

    assert (recording.hazards, recording.planned_hazards) == ((), 0)


def test_unknown_fields_outcomes_and_blank_lines_are_tolerated(tmp_path: Path) -> None:
    line = worker(ONE | {"axis": [1]}, [ok(1)], outcome={"kind": "abducted", "by": "aliens"}, colour="red")

    recording = read(write(tmp_path / "r.jsonl", HEADER | {"colour": "red"}, b"\n", line, b"  \r\n"))

    assert recording.workers == (line,)
    assert recording.warnings == ()


def test_a_minor_version_is_the_same_format(tmp_path: Path) -> None:
    assert read(write(tmp_path / "r.jsonl", HEADER | {"format": "launchbench/1.4"})).planned == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: not a result file, remove it and run again"),
        (b"\x7fELF\x00\x01", "is not a launchbench result file: does not start with a JSON object"),
        (b"hello\n", "is not a launchbench result file: does not start with a JSON object"),
        (b"{hello}\n", "is not a launchbench result file: its first line is not JSON"),
        (b'{"version": "1.0"}\n', "is not a launchbench result file: its first line is not a header"),
        (b'{"type": "worker"}\n', "is not a launchbench result file: its first line is not a header"),
        (b'{"type": "header", "format": "other/1"}\n', "is not a launchbench result file: its format is 'other/1'"),
        (b'{"type": "header"', "ends inside its header: nothing was measured, remove it and run again"),
        (b'{"type": "header", "format": "launchbench/1"}\n', "is damaged: header.cells: missing"),
    ],
)
def test_what_is_not_a_result_file_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = write(tmp_path / "r.jsonl", content)

    with pytest.raises(UnreadableResult) as refusal:
        read(path)

    assert str(refusal.value) == f"{path}: {message}"


def test_another_major_version_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", {"type": "header", "format": "launchbench/2"})

    with pytest.raises(UnreadableResult, match=r"is launchbench/2, and launchbench .* reads launchbench/1: use the"):
        read(path)


def test_missing_files_and_directories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableResult, match="no such file"):
        read(tmp_path / "missing.jsonl")
    with pytest.raises(UnreadableResult, match="is a directory: name the result files in it"):
        read(tmp_path)


def test_two_runs_in_one_file_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", HEADER, worker(ONE, [ok(1)]), HEADER, worker(ONE, [ok(2)]))

    with pytest.raises(UnreadableResult, match=r"r\.jsonl:3: a second header: give the two runs as two files"):
        read(path)


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, write(tmp_path / "r.jsonl", HEADER, worker(ONE, [ok(1)])).read_bytes())
    os.close(writing)

    assert len(read(f"/dev/fd/{reading}").workers) == 1
    os.close(reading)


def test_iterate_yields_lines_and_flaws_in_file_order(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", HEADER, worker(ONE), b"{bad\n", footer(), b'{"torn')

    entries = list(iterate(path))

    assert [entry.message if isinstance(entry, Flaw) else entry["type"] for entry in entries] == [
        "header",
        "worker",
        "not JSON: passed over",
        "footer",
        "the last line is torn: passed over",
    ]
