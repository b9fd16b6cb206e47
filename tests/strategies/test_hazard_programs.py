"""The programs in docs/hazards.md show what they say: copied out as they stand, they compile and print just that."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bench import installation
from bench.catalogue import build

TEXT = Path(__file__).parents[2].joinpath("docs", "hazards.md").read_text(encoding="utf-8")
HAZARDS = {path.stem for path in (installation.strategies() / "hazard").iterdir() if path.suffix in {".c", ".py"}}
SECTIONS = [section.partition("\n") for section in TEXT.split("\n## ")[1:]]
PROGRAMS = re.findall(r"^```c\n((?:(?!^```).)*)^```\n```text\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
(LOCKS,) = re.findall(r"^```c\n((?:(?!```).)*?CALL.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
CALLS = re.findall(r"^\| `(lock_\w+)` \| `(.*)` \| (.*) \|$", TEXT, re.MULTILINE)


def shown(program: str, folder: Path, *flags: str) -> str:
    """Compile a program as the page says, run it, and return what it prints; it must leave nothing."""
    (folder / "shows.c").write_text(program)
    strict = ("-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-pthread")
    compiled = subprocess.run(
        [build.compiler(), *strict, *flags, "-o", "shows", "shows.c", "-ldl"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr
    ended = subprocess.run(["./shows"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert sorted(path.name for path in folder.iterdir()) == ["shows", "shows.c"]
    return ended.stdout


@pytest.mark.parametrize(("program", "printed"), PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_compiles_and_prints_what_stands_below_it(program: str, printed: str, tmp_path: Path) -> None:
    assert shown(program, tmp_path) == printed


@pytest.mark.parametrize(("hazard", "call", "printed"), CALLS)
def test_a_call_under_a_held_lock_does_what_its_row_says(hazard: str, call: str, printed: str, tmp_path: Path) -> None:
    assert hazard in HAZARDS
    assert shown(LOCKS, tmp_path, f"-DCALL={call}") == f"{printed}\n"


def test_every_section_and_every_lock_has_a_program() -> None:
    for title, _, body in SECTIONS:
        assert "```c\n" in body, title
    assert {hazard for hazard, _, _ in CALLS} == {name for name in HAZARDS if name.startswith("lock_")} - {"lock_mutex"}


def test_every_hazard_is_in_one_section() -> None:
    named = [name for _, _, body in SECTIONS for name in re.findall(r"`([a-z_0-9]+)`", body.partition("\n\n")[0])]
    for _, _, body in SECTIONS:  # a list may be wrapped over two lines
        assert body.startswith("\n`")
    introduced = {name for _, _, body in SECTIONS for name in re.findall(r"`([a-z_0-9]+)`", body.split("\n\n")[1])}
    introduced |= set(named)

    assert introduced >= HAZARDS, sorted(HAZARDS - introduced)
