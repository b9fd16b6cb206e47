"""The report in Markdown: short, complete as far as it goes, and deaf to what a file says."""

import re
from pathlib import Path
from typing import Any

import pytest
from examples import analysed, everything, large, nothing
from result_lines import GIB, MACHINE, cell, header, ok, worker, write

from bench.report import Options, formats
from bench.report.markdown import LARGEST


def rendered(*paths: Path) -> str:
    return str(formats()["markdown"].render(analysed(*paths), Options()))


def table_after(text: str, heading: str) -> list[list[str]]:
    """Return the rows of the first table after some text, its titles first."""
    lines = text[text.index(heading) :].splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([field.strip() for field in re.split(r"(?<!\\)\|", line)[1:-1]])
    assert rows[1] == [field for field in rows[1] if re.fullmatch(r":--|--:", field)]
    return [rows[0], *rows[2:]]


def test_verdict_then_one_table_then_the_rest_folded(tmp_path: Path) -> None:
    text = rendered(large(tmp_path))

    assert text.startswith("## big-parent\n\nWhich ways")
    assert text.index("- **") < text.index("\n| strategy |") < text.index("<details>")
    rows = table_after(text, "\n| strategy |")
    assert rows[0] == ["strategy", "overcommit", "footprint", "ok", "failed", "blocked", "total"]
    assert len(rows) == 1 + 12
    assert [row for row in rows if "ENOMEM" in row[4]] == [
        ["`fork_exec`", "mode 2 (never)", "8 GiB", "0/720", "spawn:ENOMEM ×720", "", ""]  # noqa: RUF001 - a times sign
    ]
    assert len(table_after(text, "Every cell")) == 1 + 36
    assert text.count("<details>") == text.count("</details>") == 2


@pytest.mark.parametrize(("make", "said"), [(everything, "38/40"), (nothing, "**Nothing was measured.**")])
def test_what_is_not_there_is_said(tmp_path: Path, make: Any, said: str) -> None:
    assert said in rendered(make(tmp_path))


def test_changes_between_kernels_stand_before_the_table(tmp_path: Path) -> None:
    one = cell("fork_exec")
    other = MACHINE | {"kernel": "4.4.0"}
    paths = (
        write(
            tmp_path / "a.jsonl", header([one], run="a"), *(worker(one, [ok(1000)] * 30, round_=at) for at in range(6))
        ),
        write(
            tmp_path / "b.jsonl",
            header([one], run="b", machine=other),
            *(worker(one, [ok(9000)] * 30, round_=at) for at in range(6)),
        ),
    )

    text = rendered(*paths)

    assert table_after(text, "### 6.1.0-18-amd64 against 4.4.0")[1][:2] == ["`fork_exec`", "slower"]
    assert text.index("###") < text.index("\n| strategy |")


def test_it_fits_into_a_comment_and_counts_what_did_not(tmp_path: Path) -> None:
    cells = [
        cell(f"a_strategy_with_a_long_name_{number}", footprint_bytes=footprint * GIB)
        for number in range(50)
        for footprint in range(1, 21)
    ]
    path = write(tmp_path / "r.jsonl", header(cells), *(worker(one, [ok(1000)] * 3) for one in cells))

    text = rendered(path)

    assert 0.9 * LARGEST < len(text.encode()) <= LARGEST < 65_536
    left_out = int(re.search(r"\*(\d+) rows did not fit here", text)[1])  # type: ignore[index]
    shown = sum(line.startswith("| `a_strategy") for line in text.splitlines())
    assert shown < 1050 <= shown + left_out
    for said in ("box, AMD EPYC", "Linux 6.1.0-18-amd64", "seed 42, 2026-01-03", "launchbench 0.1.0"):
        assert said in text, "where it was measured is never what has no room"
    assert text.count("<details>") == text.count("</details>")


def test_what_a_file_says_is_text(tmp_path: Path) -> None:
    evil = "a|b`c <script>alert(1)</script> *d* [e](f) @everyone _g_"
    one = cell(evil)
    scenario = header([])["scenario"] | {"name": evil, "question": evil}
    path = write(
        tmp_path / "r.jsonl",
        header([one], scenario=scenario),
        worker(one, [ok(1000)] * 30, mechanism=evil, contradiction=evil),
    )

    text = rendered(path)

    outside = re.sub(r"`[^`\n]*`", "", text.replace("\\`", ""))
    assert "<script" not in outside
    assert not re.search(r"(?<!\\)[*_\[](?:d|g|e)", outside)
    assert "@everyone" not in outside
    rows = [line for line in text.splitlines() if line.startswith("| `a")]
    assert len(rows) == 2  # the cell, and its mechanism
    for row in rows:
        assert row.replace("\\`", "").count("`") % 2 == 0
        assert "a\\|b'c" in row
