"""The published JSON Schema of one line, generated from the types in `format`.

It is for `schema.json` and its freshness test; reading does without. `python -m bench.record.schema` prints it.
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from bench.record.format import FORMAT, Footer, HazardLine, Header, Session, WorkerLine

_PRIMITIVES = {int: "integer", str: "string", bool: "boolean", type(None): "null"}


def line_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one line. Fields that it does not name are allowed everywhere."""
    definitions: dict[str, Any] = {}
    lines = [_of(line, definitions) for line in (Header, Session, WorkerLine, HazardLine, Footer)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"One line of a {FORMAT} result file",
        "oneOf": lines,
        "$defs": definitions,
    }


def text() -> str:
    """Return what `schema.json` must contain."""
    return json.dumps(line_schema(), indent=2) + "\n"


def _of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        return _reference(hint, definitions)
    if hint is object:
        return {}
    if origin is Annotated:
        return _of(arguments[1], definitions)
    if origin in {Union, types.UnionType}:
        return {"anyOf": [_of(member, definitions) for member in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    return _container(origin, arguments, definitions) or {"type": _PRIMITIVES[hint]}


def _container(origin: Any, arguments: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any] | None:
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    if origin is Sequence:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    return None


def _reference(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint.__name__ not in definitions:
        definitions[hint.__name__] = {}  # holds the place in order of first use
        definitions[hint.__name__].update(_object(hint, definitions))
    return {"$ref": f"#/$defs/{hint.__name__}"}


def _object(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    fields = get_type_hints(hint, include_extras=True)
    return {
        "description": " ".join((inspect.getdoc(hint) or "").split()),
        "type": "object",
        "properties": {name: _of(of, definitions) for name, of in fields.items()},
        "required": [name for name in fields if name in hint.__required_keys__],
    }


if __name__ == "__main__":
    print(text(), end="")
