"""Every shipped scenario has a reference result: whole, of what ships, and of no one's folders."""

import re
from pathlib import Path

import pytest

from bench.record import read

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").glob("*.yaml"))
# What differs from one machine to the next; programs of the system itself are the same everywhere.
FOLDERS_OF_SOMEONE = re.compile(rb"/(?:home|root|work|var/tmp|tmp|opt|srv|mnt|Users)/")


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) > 10


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_has_its_whole_reference_result(name: str) -> None:
    found = read(ROOT / "results" / f"{name}.jsonl")

    assert found.header["scenario"]["name"] == name
    assert found.header["scenario"]["path"] == f"scenarios/{name}.yaml"
    assert found.warnings == ()
    assert len(found.workers) == found.planned
    assert len(found.hazards) == found.planned_hazards
    assert found.workers or found.hazards
    assert found.footer is not None
    assert found.footer["complete"]
    assert not FOLDERS_OF_SOMEONE.findall(found.path.read_bytes())
