"""How a run gets on, on a terminal and elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
from background_run import LAUNCHBENCH
from imagined_runs import cell

from bench.commands.watching import Bar, Lines, Silence, watcher
from bench.measure import Planned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLANNED = Planned("vfork_exec/1MiB", round=2, position=0)
CELL = cell("vfork_exec")
WRITTEN: Any = {}


@pytest.mark.parametrize(
    ("quiet", "terminal", "kind"),
    [(False, True, Bar), (False, False, Lines), (True, True, Silence), (True, False, Silence)],
)
def test_the_watcher_suits_where_messages_go(quiet: bool, terminal: bool, kind: type) -> None:
    assert isinstance(watcher(4, 2, quiet=quiet, terminal=terminal), kind)


def test_a_log_gets_a_line_at_both_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(total=4, rounds=2) as lines:
        for _ in range(3):
            lines.begins(PLANNED, CELL)
            lines.ended(WRITTEN)

    first, last = capsys.readouterr().err.splitlines()
    assert first == "4 workers in 2 rounds"
    assert last.startswith("3/4 workers done in ")


def test_a_long_run_says_now_and_then_where_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lines, "_EVERY_S", 0.0)
    with Lines(total=4, rounds=3) as lines:
        lines.begins(PLANNED, CELL)
        lines.ended(WRITTEN)
        lines.begins(PLANNED, CELL)

    said = capsys.readouterr().err.splitlines()
    assert said[1].startswith("0/4 workers, about ")
    assert said[2].startswith("1/4 workers, about ")
    assert said[2].endswith(" s to go, round 3/3: vfork_exec/1MiB")


def test_hours_are_not_told_in_seconds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lines, "_EVERY_S", 0.0)
    clock = iter([0.0, 60.0, 90.0, 90.0])
    monkeypatch.setattr("bench.commands.watching.time.monotonic", lambda: next(clock, 90.0))
    with Lines(total=1000, rounds=3) as lines:
        lines.begins(PLANNED, CELL)
        for _ in range(300):
            lines.ended(WRITTEN)
        lines.begins(PLANNED, CELL)

    said = capsys.readouterr().err.splitlines()
    assert "about 16.7 h to go" in said[1]
    assert "about 4 min to go" in said[2]


def test_silence_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Silence() as silence:
        silence.begins(PLANNED, CELL)
        silence.ended(WRITTEN)

    assert capsys.readouterr() == ("", "")


def on_a_terminal(*command: str) -> str:
    """What a command writes to a terminal as its stderr."""
    ours, theirs = pty.openpty()
    said: list[bytes] = []

    def listen() -> None:
        try:
            while data := os.read(ours, 4096):
                said.append(data)
        except OSError:  # EIO: nobody has the other end any more
            pass

    listening = threading.Thread(target=listen)
    listening.start()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, check=True, timeout=60)
    os.close(theirs)
    listening.join()
    os.close(ours)
    return b"".join(said).decode()


def test_a_terminal_gets_a_bar_that_is_taken_away(tiny: Callable[..., Path], tmp_path: Path) -> None:
    said = on_a_terminal("env", "TERM=xterm", *LAUNCHBENCH, "run", str(tiny()), "-o", str(tmp_path / "r.jsonl"))

    assert "round 1/1" in said
    assert "vfork_exec/1MiB" in said
    assert "\x1b[2K" in said  # the line is cleared


def test_a_terminal_gets_nothing_from_a_quiet_run(tiny: Callable[..., Path], tmp_path: Path) -> None:
    assert on_a_terminal(*LAUNCHBENCH, "run", str(tiny()), "-q", "-o", str(tmp_path / "r.jsonl")) == ""
