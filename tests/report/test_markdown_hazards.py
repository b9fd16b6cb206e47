"""Hazards in the form that goes under a change: what is against its oracle in sight, the rest folded."""

from pathlib import Path

from examples import analysed
from result_lines import hazard, hazard_plan, header, write

from bench.report import Options, formats


def rendered(path: Path, *lines: dict) -> str:
    file = write(path / "r.jsonl", header([], hazards=hazard_plan(*lines)), *lines)
    text = formats()["markdown"].render(analysed(file), Options())
    assert isinstance(text, str)
    return text


def test_hazards_are_folded_strategies_together(tmp_path: Path) -> None:
    text = rendered(tmp_path, hazard("slow_exec", "vfork_exec"), hazard("slow_exec", "posix_spawn"))

    assert "<summary>Hazards: trials in which each struck" in text
    (row,) = (line for line in text.splitlines() if line.startswith("| slow_exec"))
    assert "vfork_exec, posix_spawn" in row
    assert "20/20" in row
    assert "against its oracle" not in text.lower()


def test_what_is_against_its_oracle_is_in_sight(tmp_path: Path) -> None:
    text = rendered(tmp_path, hazard("text_busy", "system", oracle="never", hits=3))

    assert text.index("**Hazard against its oracle** (never): text_busy with system: 3/20") < text.index("<details>")
