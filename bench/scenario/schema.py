"""The JSON Schema of a scenario, generated from the model, for editors that complete and check YAML.

It says less than `launchbench check`: names of the catalogue and the matrix as a whole are not in it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.scenario.model import Scenario

SCHEMA_FILE = Path(__file__).with_name("schema.json")


def schema() -> dict[str, Any]:
    """Return the schema, JSON Schema 2020-12."""
    generated = _without_null_defaults(Scenario.model_json_schema(mode="validation"))
    generated["anyOf"] = [{"required": ["strategies"]}, {"required": ["hazards"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated, "title": "launchbench scenario"}


def schema_text() -> str:
    """Return the schema as `schema.json` holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _without_null_defaults(node: Any) -> Any:
    """Drop the defaults that mean "absent": none of them can be written in a scenario."""
    if isinstance(node, dict):
        return {
            key: _without_null_defaults(value)
            for key, value in node.items()
            if not (key == "default" and value in (None, [], ""))
        }
    return [_without_null_defaults(item) for item in node] if isinstance(node, list) else node
