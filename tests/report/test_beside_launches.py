"""What is seen beside the launches (stalls, statuses, promises) is on the page and in Markdown as in JSON."""

import json
from pathlib import Path

import pytest
from examples import analysed
from page_reading import read_page
from result_lines import GIB, cell, failed, header, ok, worker, write

from bench.report import Options, formats
from bench.report.typography import UNICODE, duration

PROMISE = "against the promise: 980 descriptors: 1024-2003"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    kept, broken = cell("fork_exec", footprint_bytes=GIB), cell("vfork_exec", hygiene="close_to_1023")
    launches = [*(ok(70_000 + at) for at in range(20)), *[failed("lost_status")] * 3, *[failed("lost_status", 10)] * 2]
    return write(
        tmp_path / "r.jsonl",
        header([kept, broken]),
        worker(kept, launches, bystander_max_ns=158_000_000, bystander_control_max_ns=40_000),
        worker(broken, launches, broken_promises=[PROMISE]),
    )


def test_they_are_on_the_page(file: Path) -> None:
    pytest.importorskip("vl_convert", reason="the page needs vl-convert-python: pip install 'launchbench[report]'")
    section = read_page(str(formats()["html"].render(analysed(file), Options()))).all("section", id="s0-left")[0]
    cells = json.loads(str(formats()["json"].render(analysed(file), Options())))["cells"]

    shown = {
        (field.attributes["data-cell"], field.attributes["data-column"]): field.texts[0]
        for field in section.all("td")
        if "data-cell" in field.attributes
    }

    assert shown["0", "bystander_max_ns"] == duration(cells[0]["bystander_max_ns"], UNICODE) == "158 ms"
    assert shown["0", "bystander_control_max_ns"] == "40.0 µs"
    assert shown["0", "errors.lost_status"] == "3"
    assert shown["0", "errors.lost_status:ECHILD"] == "2"
    assert "stood still for up to 158 ms with fork_exec (1 GiB); without launches, 40.0 µs at most" in section.text
    assert PROMISE in section.text


def test_they_are_in_markdown(file: Path) -> None:
    text = str(formats()["markdown"].render(analysed(file), Options()))

    (row,) = (line for line in text.splitlines() if "158 ms" in line)
    assert [field.strip() for field in row.split("|")[-5:-1]] == ["3", "2", "158 ms", "40.0 µs"]
    assert f"| {PROMISE} | vfork_exec |" in text


def test_they_are_on_the_terminal(file: Path) -> None:
    text = str(formats()["terminal"].render(analysed(file), Options(width=160)))

    assert "158 ms" in text
    assert text.index("inherited by the command") < text.index(PROMISE) < text.rindex("vfork_exec")
