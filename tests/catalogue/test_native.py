"""What a worker lists becomes entries; a worker that cannot say anything is named, with the reason."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.catalogue import Build, CatalogueError, Entry, native
from bench.catalogue.native import ask


def says(text: str) -> list[str]:
    """A worker that runs this Python."""
    return [sys.executable, "-I", "-S", "-c", text]


def test_each_line_is_an_entry(built: Build) -> None:
    assert ask([str(built.worker)], "native") == [Entry("reaper", "late", "", None)]


def test_an_entry_with_a_reason_is_not_available() -> None:
    line = '{"kind": "strategy", "name": "a", "summary": "b", "reason": "too old", "own_reaper": true}'

    (entry,) = ask(says(f"print('{line}')"), "python")

    assert (entry.available, entry.reason, entry.runtime, entry.own_reaper) == (False, "too old", "python", True)


def test_a_worker_that_is_not_there_is_named() -> None:
    with pytest.raises(CatalogueError, match=r"^/no/such/worker does not run: .*No such file"):
        ask(["/no/such/worker"], "native")


def test_a_worker_of_another_architecture_is_named(tmp_path: Path) -> None:
    worker = tmp_path / "worker"
    worker.write_bytes(b"\x7fELF of another world")
    worker.chmod(0o755)

    with pytest.raises(CatalogueError, match=rf"^{worker} does not run: .*Exec format error"):
        ask([str(worker)], "native")


def test_the_last_words_of_a_worker_that_fails_are_told() -> None:
    with pytest.raises(CatalogueError, match=r"list: ImportError: no module named sea$"):
        ask(says("raise ImportError('no module named sea')"), "python")


def test_a_worker_that_fails_without_a_word_is_told_by_its_status() -> None:
    with pytest.raises(CatalogueError, match=r"list: exit status 3$"):
        ask(says("raise SystemExit(3)"), "python")


def test_a_worker_that_says_nothing_in_time_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_PATIENCE_S", 0.2)

    with pytest.raises(CatalogueError, match=r"does not run: .*timed out"):
        ask(says("import signal; signal.pause()"), "python")


def test_the_python_worker_is_bare() -> None:
    """It runs outside the virtual environment, without site-packages: what is imported is footprint."""
    interpreter, *options = native.python_worker(Path("/strategies"))

    assert options == ["-I", "-S", "-B", "/strategies/host/worker.py"]
    assert Path(interpreter).exists()
