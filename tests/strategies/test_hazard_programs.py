"""The programs in docs/hazards.md show what they say: copied out as they stand, they compile and print just that."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bench import installation
from bench.catalogue import build

TEXT = Path(__file__).parents[2].joinpath("docs", "hazards.md").read_text(encoding="utf-8")
SECTIONS = [section.partition("\n") for section in TEXT.split("\n## ")[1:]]
PROGRAMS = {
    title: re.search(r"^```c\n(.*?)^```\n```text\n(.*?)^```", body, re.MULTILINE | re.DOTALL)
    for title, _, body in SECTIONS
}


@pytest.mark.parametrize("title", PROGRAMS)
def test_a_program_compiles_and_prints_what_stands_below_it(title: str, tmp_path: Path) -> None:
    found = PROGRAMS[title]
    assert found, f"{title}: no program with its output"
    program, printed = found.groups()
    (tmp_path / "shows.c").write_text(program)
    compiled = subprocess.run(
        [build.compiler(), "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", "shows",
         "shows.c"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr

    shown = subprocess.run(["./shows"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert shown.stdout == printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shows", "shows.c"]


def test_every_hazard_is_in_one_section() -> None:
    named = [name for _, _, body in SECTIONS for name in re.findall(r"`([a-z_0-9]+)`", body.partition("\n\n")[0])]
    for _, _, body in SECTIONS:  # a list may be wrapped over two lines
        assert body.startswith("\n`")
    hazards = {path.stem for path in (installation.strategies() / "hazard").iterdir() if path.suffix in {".c", ".py"}}
    introduced = {name for _, _, body in SECTIONS for name in re.findall(r"`([a-z_0-9]+)`", body.split("\n\n")[1])}
    introduced |= set(named)

    assert hazards <= introduced, sorted(hazards - introduced)
