"""Every line is whole or not there, whatever happens while it is written."""

import errno
import json
import os
import stat
from pathlib import Path

import pytest
from result_lines import cell, footer, header, ok, worker, write

from bench.record import Journal, JournalError, UnreadableResult, read

ONE = cell("posix_spawn")
HEADER = header([ONE], rounds=2)


def test_lines_are_compact_json_in_utf8(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"

    with Journal.create(path, HEADER) as journal:
        journal.append({"type": "worker", "stderr": "größe \udcff", "planned": 3})

    line = path.read_bytes().splitlines()[1]
    assert line == '{"type":"worker","stderr":"größe ?","planned":3}'.encode()


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"

    with Journal.create(path, HEADER) as journal:
        journal.append(worker(ONE, [ok(1000)]))
        journal.append(footer())

    recording = read(path)
    assert recording.header == json.loads(json.dumps(HEADER))
    assert recording.workers == (worker(ONE, [ok(1000)]),)
    assert recording.footer == footer()


def test_a_new_file_may_be_read_by_everyone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        Journal.create(tmp_path / "r.jsonl", HEADER).close()
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "r.jsonl").stat().st_mode) == 0o644


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("precious")

    with pytest.raises(JournalError, match=r"r\.jsonl: exists already: choose another name, or continue it"):
        Journal.create(path, HEADER)

    assert path.read_text() == "precious"


def test_a_header_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        Journal.create(tmp_path / "r.jsonl", header([ONE], seed=float("nan")))

    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"nowhere/r\.jsonl: cannot create the result file: No such file"):
        Journal.create(tmp_path / "nowhere/r.jsonl", HEADER)


def test_two_runners_cannot_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"

    with Journal.create(path, HEADER), pytest.raises(JournalError, match="another launchbench is writing to it"):
        Journal.reopen(path)

    journal, _ = Journal.reopen(path)
    journal.close()
    journal.close()


@pytest.mark.parametrize("tail", [b'{"type":"wor', b"{broken}\n", b"\x00\x00"])
def test_reopening_cuts_a_torn_line_off_and_goes_on(tmp_path: Path, tail: bytes) -> None:
    path = write(tmp_path / "r.jsonl", HEADER, worker(ONE, [ok(1)]), tail)

    journal, recording = Journal.reopen(path)
    with journal:
        journal.append(worker(ONE, [ok(2)], round_=1))

    assert recording.torn
    assert recording.done == {(ONE["id"], 0)}
    after = read(path)
    assert after.warnings == ()
    assert after.done == {(ONE["id"], 0), (ONE["id"], 1)}


def test_reopening_what_is_whole_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", HEADER, worker(ONE, [ok(1)]))
    before = path.read_bytes()

    journal, recording = Journal.reopen(path)
    journal.close()

    assert not recording.torn
    assert path.read_bytes() == before


def test_reopening_refuses_what_is_not_a_result_file_and_leaves_it(tmp_path: Path) -> None:
    path = write(tmp_path / "notes.txt", b"my notes")

    with pytest.raises(UnreadableResult, match="is not a launchbench result file"):
        Journal.reopen(path)
    with pytest.raises(JournalError, match="No such file"):
        Journal.reopen(tmp_path / "missing")

    assert path.read_bytes() == b"my notes"


def test_a_line_that_is_not_json_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"

    with Journal.create(path, HEADER) as journal:
        before = path.read_bytes()
        with pytest.raises(ValueError, match="JSON"):
            journal.append({"value": float("inf")})
        with pytest.raises(TypeError):
            journal.append({"value": object()})

    assert path.read_bytes() == before


def test_a_full_disk_costs_the_line_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.jsonl"
    room = [7]
    real = os.write

    def write_until_full(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = real(descriptor, bytes(data)[: room[0]])
        room[0] -= written
        return written

    with Journal.create(path, HEADER) as journal:
        before = path.read_bytes()
        monkeypatch.setattr(os, "write", write_until_full)
        with pytest.raises(JournalError, match=r"r\.jsonl: cannot append a line: No space left on device: .* --resume"):
            journal.append(worker(ONE, [ok(1)]))
        assert path.read_bytes() == before

        monkeypatch.undo()
        journal.append(worker(ONE, [ok(2)]))

    assert read(path).workers == (worker(ONE, [ok(2)]),)


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write

    with Journal.create(tmp_path / "r.jsonl", HEADER) as journal:
        monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:100]))
        journal.append(worker(ONE, [ok(1)]))

    assert read(tmp_path / "r.jsonl").workers == (worker(ONE, [ok(1)]),)


def test_a_failed_sync_takes_the_line_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Journal.create(tmp_path / "r.jsonl", HEADER) as journal:
        before = (tmp_path / "r.jsonl").read_bytes()
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(JournalError, match="Input/output error"):
            journal.append(worker(ONE, [ok(1)]))

    assert (tmp_path / "r.jsonl").read_bytes() == before


def test_an_interrupt_takes_the_line_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with Journal.create(tmp_path / "r.jsonl", HEADER) as journal:
        before = (tmp_path / "r.jsonl").read_bytes()
        monkeypatch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            journal.append(worker(ONE, [ok(1)]))

    assert (tmp_path / "r.jsonl").read_bytes() == before
