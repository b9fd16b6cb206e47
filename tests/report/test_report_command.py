"""`launchbench report` from outside."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from examples import VFORK, everything
from result_lines import header, ok, worker, write

from bench import report
from bench.commands import report as report_command
from bench.commands.report import replace
from bench.report import FolderFormat, formats


@pytest.fixture
def run(launchbench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *arguments: launchbench("report", *arguments)


def test_the_terminal_form_is_the_default(run: Callable[..., Any], tmp_path: Path) -> None:
    result = run(everything(tmp_path))

    assert result.exit_code == 0
    assert result.stdout.startswith("big-parent\n")
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(("form", "needless"), [("terminal", {"jinja2", "vl_convert"}), ("html", {"altair", "duckdb"})])
def test_a_report_imports_what_it_shows_with_and_no_more(form: str, needless: set[str]) -> None:
    results = Path(__file__).parents[2] / "results"
    arguments = ["report", str(results / "quick.jsonl"), "--format", form]
    program = f"import sys; from bench.cli import execute; execute({arguments!r}); print(*sys.modules, file=sys.stderr)"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    loaded = {module.partition(".")[0] for module in ended.stderr.splitlines()[-1].split()}
    assert "bench" in loaded
    # The import of scipy.stats takes longer than all the rest.
    assert loaded & (needless | {"scipy", "pydantic"}) == set()


def test_a_file_given_twice_counts_once(run: Callable[..., Any], tmp_path: Path) -> None:
    path = everything(tmp_path)

    result = run(path, path, "--format", "json")

    assert [cell["workers"] for cell in json.loads(result.stdout)["cells"]] == [1] * 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jsonl"], "missing.jsonl: no such file"),
        (["notes.txt"], "notes.txt: is not a launchbench result file: does not start with a JSON object"),
        (["r.jsonl", "--format", "xml"], f"--format xml: unknown: choose one of {', '.join(formats())}"),
        (["r.jsonl", "-o", "nowhere/x"], "nowhere/x: cannot be written: No such file or directory"),
    ],
)
def test_errors_are_one_line_and_exit_2(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    everything(tmp_path)
    write(tmp_path / "notes.txt", b"my notes\n")
    monkeypatch.chdir(tmp_path)

    result = run(*arguments)

    assert result.exit_code == 2
    assert result.stderr == f"{message}\n"
    assert result.stdout == ""


def test_output_goes_to_a_file_that_everyone_may_read(run: Callable[..., Any], tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        result = run(everything(tmp_path), "--format", "csv", "-o", tmp_path / "cells.csv")
    finally:
        os.umask(before)

    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "cells.csv").read_text().startswith("machine,")
    assert stat.S_IMODE((tmp_path / "cells.csv").stat().st_mode) == 0o644
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells.csv", "r.jsonl"]


def test_replacing_keeps_mode_and_links(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)

    replace(link, b"new")

    assert link.is_symlink()
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("new", 0o600)


def test_a_failed_write_leaves_the_old_file(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "cells.csv").write_text("old")
    path = everything(tmp_path)
    monkeypatch.setattr(Path, "replace", fail)

    result = run(path, "-o", tmp_path / "cells.csv")

    assert result.exit_code == 2
    assert (tmp_path / "cells.csv").read_text() == "old"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["cells.csv", "r.jsonl"]


def test_a_device_is_written_to_as_it_is(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run(everything(tmp_path), "-o", "/dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()


def test_a_pattern_that_the_shell_left_alone_names_every_file_below(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a.jsonl").mkdir()
    for folder in (tmp_path, tmp_path / "a" / "b"):
        everything(folder)

    result = run(tmp_path / "**/*.jsonl", "--format", "json")

    assert [file["path"] for file in json.loads(result.stdout)["files"]] == [
        str(tmp_path / "a" / "b" / "r.jsonl"),
        str(tmp_path / "r.jsonl"),
    ]


def test_a_pattern_without_a_match_is_an_error(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run(tmp_path / "*.jsonl") == (2, "", f"{tmp_path}/*.jsonl: no file matches this pattern\n")


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(run: Callable[..., Any], tmp_path: Path) -> None:
    everything(tmp_path).rename(tmp_path / "run[1].jsonl")

    assert run(tmp_path / "run[1].jsonl").exit_code == 0


def test_findings_are_a_no_when_asked_strictly(run: Callable[..., Any], tmp_path: Path) -> None:
    found = [{"kind": "zombie", "count": 2, "detail": None}, {"kind": "lost_status", "count": 1, "detail": None}]
    path = write(tmp_path / "r.jsonl", header([VFORK]), worker(VFORK, [ok(30_000)], findings=found))

    assert run(path).exit_code == 0
    result = run(path, "--strict")
    assert result.exit_code == 1
    assert result.stdout == run(path).stdout
    assert result.stderr == "3 findings (--strict): see what was left behind in the report\n"


def test_without_findings_strict_is_content(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run(everything(tmp_path), "--strict").exit_code == 0


@pytest.fixture
def two_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be a form that is a folder."""
    form = FolderFormat("pair", "two documents", lambda analysis, _: {"a.txt": f"{len(analysis.rows)}\n", "b": b"\0"})
    monkeypatch.setattr(report, "formats", lambda: {"pair": form, "terminal": formats()["terminal"]})


@pytest.mark.usefixtures("two_documents")
def test_a_form_of_several_documents_is_written_into_a_folder(run: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    path = everything(tmp_path)

    assert run(path, "--format", "pair", "-o", folder) == (0, "", "")
    assert {found.name: found.read_bytes() for found in folder.iterdir()} == {"a.txt": b"7\n", "b": b"\0"}

    (folder / "mine").touch()
    assert run(path, "--format", "pair", "-o", folder).exit_code == 0
    assert sorted(found.name for found in folder.iterdir()) == ["a.txt", "b", "mine"]


@pytest.mark.usefixtures("two_documents")
def test_a_form_of_several_documents_needs_a_folder(run: Callable[..., Any], tmp_path: Path) -> None:
    path = everything(tmp_path)

    assert run(path, "--format", "pair") == (
        2,
        "",
        "--format pair gives several files: name a folder for them with -o\n",
    )
    assert run(path, "--format", "pair", "-o", path) == (2, "", f"{path}: cannot be written: File exists\n")


def test_a_form_without_its_package_says_what_to_install(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    output = tmp_path / "cells.parquet"

    assert run(everything(tmp_path), "--format", "parquet", "-o", output) == (
        2,
        "",
        "--format parquet needs duckdb: install it with pip install 'launchbench[report]'\n",
    )
    assert not output.exists()


def test_bytes_do_not_go_to_a_terminal(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = everything(tmp_path)
    assert run(path, "--format", "parquet").exit_code == 0

    monkeypatch.setattr(sys.stdout.__class__, "isatty", lambda _: True)
    assert run(path, "--format", "parquet") == (
        2,
        "",
        "--format parquet is not for a terminal: name a file with -o\n",
    )


def test_files_by_the_hundred_say_the_same_as_few(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(tmp_path)
    (tmp_path / "empty.jsonl").touch()
    for number in range(3):
        write(tmp_path / f"{number}.jsonl", header([VFORK], run=f"{number}"), worker(VFORK, [ok(30_000 + number)]))
    good = sorted(set(tmp_path.glob("*.jsonl")) - {tmp_path / "empty.jsonl"})
    few = run(*good, "--format", "csv")
    monkeypatch.setattr(report_command, "MANY", 2)

    many = run(tmp_path / "*.jsonl", "--format", "csv")

    assert few.exit_code == many.exit_code == 0
    # Workers of these files have no order: all are the first of their round.
    assert sorted(many.stdout.splitlines()) == sorted(few.stdout.splitlines())
    assert "empty.jsonl: is empty" in " ".join(run(tmp_path / "*.jsonl").stdout.split())


def test_launches_by_the_hundred_files_are_still_there_for_a_form_that_shows_them(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = everything(tmp_path)
    monkeypatch.setattr(report_command, "MANY", 0)

    assert run(path, "--format", "pyperf", "-o", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "vfork_exec.json").exists()


def test_a_form_of_cells_only_says_beside_it_what_was_passed_over(run: Callable[..., Any], tmp_path: Path) -> None:
    torn = write(tmp_path / "torn.jsonl", header([VFORK]), worker(VFORK, [ok(30_000)]), b'{"type":"wor')

    result = run(torn, "--format", "csv")

    assert result.exit_code == 0
    assert f"warning: {torn}:3: the last line is torn: passed over" in result.stderr.splitlines()
    assert "warning" not in result.stdout


def test_very_many_warnings_are_cut(run: Callable[..., Any], tmp_path: Path) -> None:
    damaged = write(tmp_path / "r.jsonl", header([VFORK]), worker(VFORK, [ok(30_000)]), *[b"x\n"] * 99, b"")

    lines = run(damaged, "--format", "csv").stderr.splitlines()

    assert len(lines) == 21
    assert lines[-1] == "and 79 more warnings: --format json has all of them"
