from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from bench.scenario import schema
from bench.scenario.schema import SCHEMA_FILE, schema_text

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


def test_the_committed_schema_is_fresh() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: python -m bench.scenario --write"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_example_of_the_design_is_valid(big_parent: str) -> None:
    jsonschema.validate(yaml.safe_load(big_parent), schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_are_valid(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text("utf-8")), schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "keys",
    [
        {"round": 3},
        {"footprints": 64},
        {"footprints": "64mb"},
        {"rounds": 0},
        {"rounds": None},
        {"commands": [{"argv": ["ls"], "shell": "ls"}]},
        {"commands": [{}]},
        {"commands": [{"argv": ["ls"], "expect": {"exit": 0, "signal": 9}}]},
        {"overcommit": 3},
        {"reapers": []},
        {"reapers": ["waitpid", "waitpid"]},
        {"cpu": "3-"},
        {"exclude": [{}]},
    ],
)
def test_editors_see_what_is_wrong(keys: dict[str, object]) -> None:
    whole = {"name": "x", "question": "Why?", "strategies": "all", **keys}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(whole, schema(), jsonschema.Draft202012Validator)


def test_every_key_is_described() -> None:
    for name, described in schema()["properties"].items():
        assert described.get("description"), name
