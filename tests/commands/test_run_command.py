"""`launchbench run`: a scenario in, a result file and its summary out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from background_run import LAUNCHBENCH

from bench import installation
from bench.machine import read_settings
from bench.measure import LocalPlace
from bench.record import read
from bench.record.schema import line_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from ordinary_user import OrdinaryUser


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "r.jsonl"


@pytest.fixture
def run(launchbench: Callable[..., Any], file: Path) -> Callable[..., Any]:
    """Run a scenario into the file."""
    return lambda scenario, *arguments: launchbench("run", scenario, "-o", file, *arguments)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def order_of(file: Path) -> list[tuple[str, int]]:
    return [(line["cell"]["id"], line["round"]) for line in lines(file) if line["type"] == "worker"]


def commands_of(file: Path) -> list[list[int]]:
    return [line["samples"]["command"] for line in lines(file) if line["type"] == "worker"]


# A run


def test_a_run_writes_a_valid_file_and_shows_what_it_says(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path
) -> None:
    scenario = tiny()

    result = run(scenario)

    assert result.exit_code == 0
    assert result.stdout.startswith("tiny\nDoes it work?\n")
    assert "vfork_exec  3/3" in result.stdout
    page = file.with_suffix(".html")
    assert result.stdout.endswith(
        f"\nresult file: {file}\nas a page:   launchbench report {file} --format html -o {page}\n"
    )
    assert not page.exists()
    written = lines(file)
    for line in written:
        jsonschema.validate(line, line_schema())
    assert [line["type"] for line in written] == ["header", "worker", "worker", "footer"]
    assert written[0]["scenario"]["text"] == scenario.read_text()
    assert written[0]["scenario"]["path"] == str(scenario)
    assert {line["outcome"]["kind"] for line in written[1:3]} == {"finished"}
    assert written[3]["complete"] is True
    assert written[3]["launches"] == {"ok": 6}


def test_a_scenario_may_come_through_a_pipe(tiny: Callable[..., Path], file: Path) -> None:
    # launchbench run <(generate): it can be read only once
    text = tiny(strategies='["null"]').read_text()

    subprocess.run([*LAUNCHBENCH, "run", "/dev/stdin", "-q", "-o", str(file)], input=text.encode(), check=True)

    assert lines(file)[0]["scenario"]["text"] == text


def test_without_a_terminal_progress_is_plain_lines_on_stderr(
    run: Callable[..., Any], tiny: Callable[..., Path]
) -> None:
    result = run(tiny())

    first, last = result.stderr.splitlines()
    assert first.startswith("2 workers in 1 round")
    assert last.startswith("2/2 workers done in ")
    assert "\x1b" not in result.stdout + result.stderr


def test_a_quiet_run_prints_nothing(run: Callable[..., Any], tiny: Callable[..., Path], file: Path) -> None:
    result = run(tiny(), "--quiet")

    assert result == (0, "", "")
    assert len(read(file).workers) == 2


def test_a_file_that_exists_is_not_overwritten(run: Callable[..., Any], tiny: Callable[..., Path], file: Path) -> None:
    file.write_text("precious")

    result = run(tiny())

    assert result.exit_code == 2
    assert result.stderr == f"{file}: exists already: choose another name, or continue it with --resume\n"
    assert file.read_text() == "precious"


def test_a_page_is_written_beside_the_result_file(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path
) -> None:
    pytest.importorskip("vl_convert", reason="the page needs vl-convert-python: pip install 'launchbench[report]'")

    result = run(tiny(), "--html")

    page = file.with_suffix(".html")
    assert result.stdout.endswith(f"\nresult file: {file}\npage:        {page}\n")
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_a_page_that_cannot_be_made_fails_no_run(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.delitem(sys.modules, "bench.report.html.page", raising=False)

    result = run(tiny(), "--html")

    assert result.exit_code == 0
    assert result.stdout.endswith("install it with pip install 'launchbench[report]'\n")
    assert "no page: --format html needs jinja2" in result.stdout
    assert not file.with_suffix(".html").exists()


def test_without_a_name_the_file_is_named_after_the_scenario(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "results", lambda: tmp_path)

    result = launchbench("run", tiny(strategies='["null"]'))

    (found,) = tmp_path.glob("tiny-????????T??????.jsonl")
    assert f"\nresult file: {found}\n" in result.stdout


def test_a_dry_run_shows_the_plan_and_starts_nothing(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "results", lambda: tmp_path / "results")

    result = launchbench(
        "run",
        tiny(strategies='["null", subprocess_run]', bystanders="[0, 2]", reference="none"),
        "--dry-run",
        "--rounds",
        4,
        "--seed",
        9,
    )

    assert result.exit_code == 0
    table = dict(line.split("  ", 1) for line in result.stdout.splitlines() if "MiB" in line)
    assert table["null/1MiB"].strip() == "measured"
    assert table["subprocess_run/1MiB/bystanders=2"] == "unsupported: the Python worker does not have bystanders"
    assert "4 cells x 4 rounds = 16 workers; each 1 + 3 launches in at most 1min, on CPU " in result.stdout
    assert result.stdout.endswith("; seed 9\n")
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_only_some_cells(run: Callable[..., Any], tiny: Callable[..., Path], file: Path) -> None:
    run(tiny(footprints="[1MiB, 2MiB]"), "--only", "strategy=vfork_exec", "--only", "footprint=2MiB")

    assert order_of(file) == [("vfork_exec/2MiB", 0)]
    assert [cell["id"] for cell in lines(file)[0]["cells"]] == ["vfork_exec/2MiB"]


def test_settings_of_the_command_line_are_those_of_the_file(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path
) -> None:
    run(tiny(strategies='["null"]'), "--set", "warmup=0", "--set", "footprints=[2MiB]", "--rounds", 2, "--launches", 5)

    header, *workers, _ = lines(file)
    assert (header["rounds"], header["scenario"]["settings"]["launches"]) == (2, 5)
    assert [len(line["samples"]["call"]) for line in workers] == [5, 5]
    assert {line["cell"]["footprint_bytes"] for line in workers} == {2 << 20}


def test_the_seed_makes_a_run_again_the_same(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path
) -> None:
    mix = "[{argv: [probe]}, {shell: 'exit 3', expect: {exit: 3}}]"
    scenario = tiny(strategies='["null", vfork_exec, posix_spawn]', commands=mix, launches="8", rounds="2")

    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert launchbench("run", scenario, "-o", tmp_path / name, "--seed", seed, "-q").exit_code == 0

    a, b, c = (tmp_path / name for name in "abc")
    assert lines(a)[0]["seed"] == 1
    assert (order_of(a), commands_of(a)) == (order_of(b), commands_of(b))
    assert (order_of(a), commands_of(a)) != (order_of(c), commands_of(c))


def test_without_a_seed_one_is_chosen_and_recorded(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], tmp_path: Path
) -> None:
    for name in "ab":
        launchbench("run", tiny(strategies='["null"]'), "-o", tmp_path / name, "-q")

    assert lines(tmp_path / "a")[0]["seed"] != lines(tmp_path / "b")[0]["seed"]


def test_every_way_a_command_can_end_is_ok_when_it_was_expected(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path
) -> None:
    mix = """
  - {argv: [probe]}
  - {argv: [/no/such/command], expect: {exec_error: ENOENT}}
  - {argv: [sh, -c, "exit 3"], expect: {exit: 3}}
  - {argv: [sh, -c, "kill -9 $$"], expect: {signal: SIGKILL}}
  - {shell: "true | true"}"""

    several = "[vfork_exec, system, prefork_pipe, subprocess_run]"
    run(tiny(strategies=several, commands=mix, launches="40", reference="none"))

    footer = lines(file)[-1]
    assert footer["workers"]["outcomes"] == {"finished": 4}
    assert footer["launches"] == {"ok": 160}


# What is asked for wrongly


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "quik"], "no scenario 'quik'; did you mean quick?"),
        (["run", "xyzzy"], "no scenario 'xyzzy'; those that ship: "),
        (["run", "none/such.yaml"], "none/such.yaml:1:1: cannot be read: No such file or directory"),
        (["run"], "name a scenario (launchbench list scenarios), or a file with --resume"),
        (["run", "quick", "--set", "rounds"], "--set rounds: is not KEY=VALUE"),
        (["run", "quick", "--set", "round=3"], "did you mean 'rounds'?"),
        (["run", "quick", "--rounds", "many"], "rounds: "),
        (["run", "quick", "--only", "strategie=null"], "unknown key 'strategie', did you mean 'strategy'?"),
        (["run", "quick", "--only", "strategy=clone9"], "clone9"),
        (["run", "--resume", "none.jsonl"], "none.jsonl: cannot open the result file to continue it: No such file"),
        (["run", "--resume", "r.jsonl", "-o", "x.jsonl"], "--resume continues a file as it was planned: "),
        (["run", "--resume", "r.jsonl", "--rounds", "9"], "--resume FILE takes all settings from FILE: "),
        (["run", "--resume", "r.jsonl", "--launches", "9"], "--resume FILE takes all settings from FILE: "),
        (["run", "--resume", "r.jsonl", "--set", "warmup=0"], "--resume FILE takes all settings from FILE: "),
        (["run", "--resume", "r.jsonl", "--seed", "1"], "--resume continues a file as it was planned: "),
        (["run", "--resume", "r.jsonl", "--only", "strategy=null"], "--resume continues a file as it was planned: "),
        (["run", "--resume", "r.jsonl", "--dry-run"], "--resume continues a file as it was planned: "),
        (["run", "quick", "-o", "none/such.jsonl"], "none/such.jsonl: cannot create the result file: No such file"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_2(
    launchbench: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    result = launchbench(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_the_reference_is_measured_twice_a_round_and_told_apart(
    run: Callable[..., Any], tiny: Callable[..., Path], file: Path
) -> None:
    run(tiny(strategies="[fork_exec, posix_spawn]", rounds="2"), "-q")

    assert sorted(order_of(file)) == [
        (cell, number) for cell in ("fork_exec/1MiB", "posix_spawn/1MiB", "posix_spawn/1MiB/twin") for number in (0, 1)
    ]


# Findings


def test_a_strict_run_that_finds_nothing_is_done(run: Callable[..., Any], tiny: Callable[..., Path]) -> None:
    assert run(tiny(), "--strict").exit_code == 0


def test_a_strict_run_with_a_finding_says_no(run: Callable[..., Any], tiny: Callable[..., Path]) -> None:
    # GIVEN a command that kills the worker: the status of that launch is lost
    scenario = tiny(strategies="[vfork_exec]", commands='[{shell: "kill -9 $PPID"}]')

    result = run(scenario, "--strict")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("1 finding")
    assert "--strict" in result.stderr.splitlines()[-1]


def test_without_strict_a_finding_is_data(run: Callable[..., Any], tiny: Callable[..., Path], file: Path) -> None:
    scenario = tiny(strategies="[vfork_exec]", commands='[{shell: "sleep 1000 & exit 0"}]', warmup="0", launches="1")

    assert run(scenario).exit_code == 0
    assert lines(file)[1]["findings"] == [{"kind": "stray", "count": 1, "detail": "sleep"}]


# To be continued


@pytest.fixture
def whole(run: Callable[..., Any], tiny: Callable[..., Path], file: Path) -> list[bytes]:
    """The lines of a complete file: a header, 6 workers, a footer."""
    assert run(tiny(rounds="3"), "--seed", 5, "--quiet").exit_code == 0
    return file.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("kept", [(), (1,), (1, 2, 3), (2, 4, 6), (1, 2, 3, 4, 5), (6,)])
def test_resuming_runs_exactly_what_is_missing(
    launchbench: Callable[..., Any], file: Path, whole: list[bytes], kept: tuple[int, ...]
) -> None:
    planned = order_of(file)
    before = b"".join(whole[at] for at in (0, *kept))
    file.write_bytes(before)

    result = launchbench("run", "--resume", file)

    assert result.exit_code == 0
    assert file.read_bytes().startswith(before)  # what was there is untouched
    done = [planned[at - 1] for at in kept]
    assert order_of(file) == done + [worker for worker in planned if worker not in done]
    assert read(file).warnings == ()
    last = lines(file)[-1]
    assert (last["type"], last["complete"], last["session"]) == ("footer", True, 1)


def test_a_torn_last_line_is_run_again(launchbench: Callable[..., Any], file: Path, whole: list[bytes]) -> None:
    planned = order_of(file)
    file.write_bytes(b"".join(whole[:3]) + whole[3][:-10])

    assert launchbench("run", "--resume", file, "-q") == (0, "", "")

    assert order_of(file) == planned
    assert read(file).warnings == ()


@pytest.mark.usefixtures("whole")
def test_a_file_may_be_resumed_again_and_again(launchbench: Callable[..., Any], file: Path) -> None:
    for cut in range(1, 4):
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-2]))

        assert launchbench("run", "--resume", file, "-q").exit_code == 0
        assert [line["session"] for line in lines(file) if line["type"] == "session"][-1] == cut

    assert len(order_of(file)) == 6
    assert read(file).warnings == ()


def test_with_nothing_missing_there_is_nothing_to_do(
    launchbench: Callable[..., Any], file: Path, whole: list[bytes]
) -> None:
    result = launchbench("run", "--resume", file)

    assert result.exit_code == 0
    assert "nothing" in result.stdout + result.stderr
    assert file.read_bytes() == b"".join(whole)


def test_resuming_with_the_same_scenario_is_the_same(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], file: Path, whole: list[bytes]
) -> None:
    file.write_bytes(b"".join(whole[:2]))

    assert launchbench("run", tiny(rounds="3"), "--resume", file, "-q") == (0, "", "")


def test_a_mode_a_limit_a_mix_and_an_exclusion_survive_the_file(
    run: Callable[..., Any], launchbench: Callable[..., Any], tiny: Callable[..., Path], file: Path
) -> None:
    # Cells that this version refuses are enough: what matters is that the file gives the scenario back.
    scenario = tiny(
        reference="none",
        overcommit="[current, {mode: 2, limit: 1.5x}]",
        footprints="[1MiB, 1%RAM]",
        vmas="2",
        limits="{memory: 4GiB, nofile: 100}",
        commands='[{argv: [probe], weight: 0.5}, {shell: "kill -9 $$", expect: {signal: SIGKILL}}]',
        exclude="[{strategy: vfork_exec, overcommit: 2}]",
        time_limit="1.5s",
        cpu="[0]",
    )
    run(scenario, "-q")
    whole = file.read_bytes().splitlines(keepends=True)
    assert len(whole) == 8
    file.write_bytes(b"".join(whole[:4]))

    assert launchbench("run", "--resume", file, "-q") == (0, "", "")

    assert len(read(file).workers) == 6


def change_kernel(header: dict[str, Any]) -> str:
    header["machine"]["kernel"] = "2.6.32"
    return "kernel: 2.6.32 in the file, "


def change_build(header: dict[str, Any]) -> str:
    header["tool"]["worker_build"] = "0123456789ab"
    return "worker build: 0123456789ab in the file, "


def change_version(header: dict[str, Any]) -> str:
    header["tool"]["version"] = "0.0.1"
    return "version: 0.0.1 in the file, "


@pytest.mark.parametrize("change", [change_kernel, change_build, change_version])
def test_a_file_of_another_machine_or_build_is_not_continued(
    launchbench: Callable[..., Any],
    file: Path,
    whole: list[bytes],
    change: Callable[[dict[str, Any]], str],
) -> None:
    header = json.loads(whole[0])
    message = change(header)
    file.write_bytes(json.dumps(header).encode() + b"\n" + whole[1])
    before = file.read_bytes()

    result = launchbench("run", "--resume", file)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"{file}: cannot be continued here: {message}")
    assert len(result.stderr.splitlines()) == 1
    assert file.read_bytes() == before


def test_a_file_of_another_scenario_is_not_continued(
    launchbench: Callable[..., Any], tiny: Callable[..., Path], file: Path, whole: list[bytes]
) -> None:
    file.write_bytes(b"".join(whole[:2]))

    result = launchbench("run", tiny(rounds="3", strategies='["null"]'), "--resume", file, "--launches", 99)

    assert result.exit_code == 2
    assert result.stderr == f"{file}: cannot be continued here: the scenario differs in launches, strategies\n"
    assert file.read_bytes() == b"".join(whole[:2])


def test_what_is_no_result_file_is_not_continued(launchbench: Callable[..., Any], file: Path) -> None:
    file.write_text("my notes\n")

    result = launchbench("run", "--resume", file)

    assert result.exit_code == 2
    assert "is not a launchbench result file" in result.stderr
    assert file.read_text() == "my notes\n"


def test_a_damaged_header_is_not_continued(launchbench: Callable[..., Any], file: Path, whole: list[bytes]) -> None:
    header = json.loads(whole[0])
    del header["cells"][0]["vmas"]
    file.write_bytes(json.dumps(header).encode() + b"\n")

    result = launchbench("run", "--resume", file)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"{file}: ")
    assert "a cell lacks vmas" in result.stderr


def test_a_bug_in_the_middle_leaves_what_was_done(
    run: Callable[..., Any],
    launchbench: Callable[..., Any],
    tiny: Callable[..., Path],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carry_out = LocalPlace.carry_out
    calls = []

    def fail_at_the_third(place: LocalPlace, order: Any) -> Any:
        calls.append(order)
        if len(calls) == 3:
            raise ZeroDivisionError("oops")
        return carry_out(place, order)

    with monkeypatch.context() as patch:
        patch.setattr(LocalPlace, "carry_out", fail_at_the_third)
        result = run(tiny(rounds="2"))

    assert result.exit_code == 70
    assert result.stderr.splitlines()[-1] == (
        "launchbench: this is a bug: ZeroDivisionError: oops (LAUNCHBENCH_DEBUG=1 shows where)"
    )
    assert len(read(file).workers) == 2
    assert launchbench("run", "--resume", file, "-q").exit_code == 0
    assert len(read(file).workers) == 4


# Where the output goes


def start(scenario: Path, file: Path, **streams: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*LAUNCHBENCH, "run", str(scenario), "-o", str(file)], stdin=subprocess.DEVNULL, **streams)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_has_seen_enough_does_not_end_the_run(tiny: Callable[..., Path], file: Path, stream: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    other = "stderr" if stream == "stdout" else "stdout"
    with start(tiny(), file, **{stream: writing, other: subprocess.PIPE}) as process:
        os.close(writing)
        said = process.communicate(timeout=60)[1 if other == "stderr" else 0]

    assert process.returncode == 0
    assert b"Traceback" not in said
    assert b"bug" not in said
    recording = read(file)
    assert len(recording.workers) == 2
    assert recording.footer is not None


@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_closed_stream_is_no_bug(tiny: Callable[..., Path], file: Path, descriptor: int) -> None:
    command = f'exec "$@" {descriptor}>&-'
    result = subprocess.run(
        ["sh", "-c", command, "sh", *LAUNCHBENCH, "run", str(tiny()), "-o", str(file)],
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert result.returncode == 0, result.stderr
    assert len(read(file).workers) == 2


# As anyone


def test_an_ordinary_user_measures_what_needs_no_right(ordinary_user: OrdinaryUser, tiny: Callable[..., Path]) -> None:
    scenario = ordinary_user.given(tiny(overcommit="[current, 1, 2]"))

    result = ordinary_user.run("run", scenario.name)

    assert result.returncode == 0, result.stderr
    (file,) = ordinary_user.folder.glob("tiny-*.jsonl")  # results/ of the checkout is not theirs
    modes: dict[Any, set[str]] = {}
    for line in read(file).workers:
        modes.setdefault(line["cell"]["overcommit"], set()).add(line["outcome"]["kind"])
    assert modes["current"] == {"finished"}
    for mode in {1, 2} - {read_settings().memory}:
        assert modes[mode] == {"skipped"}


def test_an_ordinary_user_who_may_not_write_here_is_told(
    ordinary_user: OrdinaryUser, tiny: Callable[..., Path]
) -> None:
    scenario = ordinary_user.given(tiny())

    result = ordinary_user.run("run", scenario, cwd=Path("/"))

    assert result.returncode == 2
    assert result.stderr.endswith("cannot create the result file: Permission denied\n")


def test_an_ordinary_user_needs_no_home(ordinary_user: OrdinaryUser) -> None:
    result = ordinary_user.run("list", "strategies", home=False, user=12345)

    assert result.returncode == 0, result.stderr
    assert "vfork_exec" in result.stdout
