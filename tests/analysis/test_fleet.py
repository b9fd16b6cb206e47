"""The generator of many files makes files that are read, and the same ones every time."""

from pathlib import Path

from fleet import CELLS, KERNELS, generate

from bench.analysis import analyse, analyse_many
from bench.record import read


def test_its_files_are_whole_and_sum_up_alike(tmp_path: Path) -> None:
    paths = generate(tmp_path / "a", files=10, launches=5, rounds=2, machines=5)

    recordings = [read(path) for path in paths]
    assert not any(recording.warnings or len(recording.workers) != recording.planned for recording in recordings)
    many = analyse_many(paths)
    assert many.cells == analyse(recordings).cells
    assert len(many.cells) == len(CELLS) * len(KERNELS)
    assert many.warnings == ()


def test_they_are_the_same_every_time_and_written_once(tmp_path: Path) -> None:
    first = generate(tmp_path / "a", files=2, launches=2, rounds=1, machines=2)
    second = generate(tmp_path / "b", files=2, launches=2, rounds=1, machines=2)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]

    first[0].write_bytes(b"mine")
    generate(tmp_path / "a", files=2, launches=2, rounds=1, machines=2)
    assert first[0].read_bytes() == b"mine"
