"""What goes wrong stands beside what it costs, in the same report."""

from pathlib import Path

from examples import analysed
from result_lines import cell, hazard, hazard_plan, hazard_refused, header, ok, worker, write

from bench.report import Options, formats

VFORK = cell("vfork_exec")
LINES = (
    hazard("slow_exec", "vfork_exec", detail="slept"),
    hazard("slow_exec", "posix_spawn", detail="slept"),
    hazard("slow_exec", "fork_exec", oracle="never", hits=0),
    hazard("lock_mutex", "fork_exec", hangs=20),
    hazard("lock_mutex", "fork_exec", oracle="never", hits=0, mitigation="atfork"),
    hazard_refused("exit_in_child", "posix_spawn", "never_possible", "no code of the caller's runs in the child"),
)


def rendered(path: Path, *lines: dict, width: int = 100) -> str:
    file = write(path / "r.jsonl", header([VFORK], hazards=hazard_plan(*lines)), worker(VFORK, [ok(1000)] * 3), *lines)
    text = formats()["terminal"].render(analysed(file), Options(width=width))
    assert isinstance(text, str)
    return text


def test_strategies_that_came_to_the_same_stand_together(tmp_path: Path) -> None:
    lines = [line.split() for line in rendered(tmp_path, *LINES).splitlines()]

    assert ["slow_exec"] in lines
    assert any(line[:1] == ["20/20"] and line[-2:] == ["vfork_exec,", "posix_spawn"] for line in lines)
    assert any(line[:1] == ["0/20"] and line[-1] == "fork_exec" for line in lines)


def test_hangs_and_what_averts_them_are_said(tmp_path: Path) -> None:
    text = rendered(tmp_path, *LINES)

    assert "all hung" in text
    assert "averted by atfork (0/20" in text


def test_what_was_not_tried_says_why(tmp_path: Path) -> None:
    assert "never possible: no code of the caller's runs in the child (1 pairs)" in rendered(tmp_path, *LINES)


def test_a_hazard_against_its_oracle_is_said_first(tmp_path: Path) -> None:
    text = rendered(tmp_path, *LINES, hazard("text_busy", "system", oracle="never", hits=3))

    _, _, after = text.partition("hazards: trials in which it struck")
    first = after.splitlines()[1]
    assert first.startswith("against its oracle (never): text_busy with system: 3/20")


def test_trials_that_were_not_made_are_said(tmp_path: Path) -> None:
    short = hazard("slow_exec", "shim", oracle="never", hits=0, trials=18, not_made=2)
    short["outcome"] = {"kind": "tried", "reason": "no lease"}

    assert "0/18 [0.00, 0.18], 2 more not made (no lease)" in " ".join(rendered(tmp_path, short).split())


def test_what_was_left_alive_is_against_what_is_demanded(tmp_path: Path) -> None:
    left = hazard("slow_exec", "shim", oracle="never", hits=0, strays=[{"pid": 7, "name": "probe", "state": "S"}])

    text = " ".join(rendered(tmp_path, left).split())
    assert "against its oracle (nothing may be left): slow_exec with shim: 0/20" in text
    assert "1 left alive" in text


def test_latency_stands_in_the_same_report(tmp_path: Path) -> None:
    text = rendered(tmp_path, *LINES)

    assert text.index("footprint 1 GiB") < text.index("hazards: trials")
    assert "1/1 workers, 6/6 hazards" in text


def test_a_run_of_hazards_alone_does_not_say_that_nothing_was_measured(tmp_path: Path) -> None:
    file = write(tmp_path / "h.jsonl", header([], hazards=hazard_plan(*LINES)), *LINES)

    text = formats()["terminal"].render(analysed(file), Options())

    assert isinstance(text, str)
    assert "Nothing was measured" not in text
    assert "slow_exec" in text


def test_every_line_fits(tmp_path: Path) -> None:
    for width in (60, 80, 200):
        assert max(map(len, rendered(tmp_path, *LINES, width=width).splitlines())) <= width
