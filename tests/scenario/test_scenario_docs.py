"""The reference page is true: it names every key, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.scenario import Scenario, load

if TYPE_CHECKING:
    from bench.scenario import Vocabulary

PAGE = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
AXES = "footprints: [1GiB, 40%RAM]\novercommit: [0, 2]\nbackings: [anon, thp, shared]\n"


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_loads(example: str, vocabulary: Vocabulary) -> None:
    head = "" if "name:" in example else "name: x\nquestion: Why?\nstrategies: all\n"
    axes = AXES if example.startswith("exclude") else ""
    load(head + axes + example, file="docs/scenarios.md", vocabulary=vocabulary)


def test_every_key_has_its_row_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*?\| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE))
    assert list(rows) == list(Scenario.model_fields)
    defaults = Scenario.model_validate({"name": "x", "question": "Why?", "strategies": "all"}).settings()
    for key in ("reapers", "footprints", "hygiene", "in_flight", "launches", "rounds", "time_limit", "trials", "cpu"):
        value = defaults[key][0] if isinstance(defaults[key], list) else defaults[key]
        assert rows[key] == f"`{value}`", key
