"""`launchbench check`, with a catalogue of a few names."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import bench

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.scenario import Vocabulary


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch, vocabulary: Vocabulary) -> None:
    class Catalogue:
        def vocabulary(self) -> Vocabulary:
            return vocabulary

    module = ModuleType("bench.catalogue")
    module.load = Catalogue  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bench.catalogue", module)
    monkeypatch.setattr(bench, "catalogue", module, raising=False)


def test_a_good_scenario_is_one_line(tmp_path: Path, big_parent: str, launchbench: Callable[..., Any]) -> None:
    path = tmp_path / "big.yaml"
    path.write_text(big_parent)
    result = launchbench("check", str(path))
    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        "big-parent: ok, 57 cells, 3 twins, 600 workers\n",
        "",
    )


def test_hazards_are_counted(tmp_path: Path, launchbench: Callable[..., Any]) -> None:
    path = tmp_path / "hazards.yaml"
    path.write_text("{name: h, question: What fails, hazards: all, trials: 50}")
    result = launchbench("check", str(path))
    assert result.stdout == "h: ok, 0 cells, 0 workers, 2 hazards of 50 trials\n"


def test_every_error_of_every_file_is_a_line_on_stderr(
    tmp_path: Path, big_parent: str, launchbench: Callable[..., Any]
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(big_parent)
    bad.write_text("name: x\nquestion: Why?\nstrategies: all\nround: 1\nlaunches: 0\n")
    result = launchbench("check", str(bad), str(good), str(tmp_path / "none.yaml"), "no-such-name")
    assert result.exit_code == 2
    assert result.stdout == "big-parent: ok, 57 cells, 3 twins, 600 workers\n"
    assert result.stderr.splitlines()[:3] == [
        f"{bad}:4:1: round: unknown key, did you mean 'rounds'?",
        f"{bad}:5:11: launches: must be a whole number of at least 1, not 0",
        f"{tmp_path}/none.yaml:1:1: cannot be read: No such file or directory",
    ]
    assert "no-such-name" in result.stderr.splitlines()[3]


def test_a_scenario_is_demanded(launchbench: Callable[..., Any]) -> None:
    assert launchbench("check").exit_code == 2
