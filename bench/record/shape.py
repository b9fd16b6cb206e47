"""What a JSON value must look like, derived from the types in `format`: for the reader's check and for `schema.json`.

It understands exactly the annotations that `format` uses, and is not a general validator.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints, is_typeddict

Check: TypeAlias = Callable[[Any], str | None]
"""Says what is wrong with a value, starting with where (`.census.done: ...`), or None."""

_NAMES = {int: "an integer", str: "text", bool: "true or false", type(None): "null"}
_FOUND = {dict: "an object", list: "a list", float: "a fraction", **_NAMES}


@functools.cache
def check_of(hint: Any) -> Check:
    """Return the check for `hint`. Fields that it does not name pass; so do new members of a closed set of words."""
    if is_typeddict(hint):
        return _object_check(hint)
    build = _BUILDERS.get(get_origin(hint))
    if build is not None:
        return build(get_args(hint))
    return lambda value: None if type(value) is hint else f": {found(value)} where {_NAMES[hint]} belongs"


def found(value: object) -> str:
    """Name what `value` is, in the words of JSON."""
    return _FOUND.get(type(value), type(value).__name__)


def _object_check(hint: Any) -> Check:
    fields = {name: check_of(of) for name, of in get_type_hints(hint, include_extras=True).items()}
    required = hint.__required_keys__

    def check(value: Any) -> str | None:
        if type(value) is not dict:
            return f": {found(value)} where an object belongs"
        if not required <= value.keys():
            return f".{min(required - value.keys())}: missing"
        for name, check_field in fields.items():
            if name in value and (problem := check_field(value[name])):
                return f".{name}{problem}"
        return None

    return check


def _mapping_check(arguments: tuple[Any, ...]) -> Check:
    of = arguments[1]
    check_value = check_of(of)

    def check(value: Any) -> str | None:
        if type(value) is not dict:
            return f": {found(value)} where an object belongs"
        if of is object:
            return None
        return next((f".{key}{problem}" for key, item in value.items() if (problem := check_value(item))), None)

    return check


def _list_check(arguments: tuple[Any, ...]) -> Check:
    of = arguments[0]
    members = get_args(of) or (of,)
    if _NAMES.keys() >= set(members):
        return _column_check(frozenset(members))
    check_item = check_of(of)

    def check(value: Any) -> str | None:
        if type(value) is not list:
            return f": {found(value)} where a list belongs"
        return next((f"[{at}]{problem}" for at, item in enumerate(value) if (problem := check_item(item))), None)

    return check


def _column_check(allowed: frozenset[type]) -> Check:
    """Compare the set of types at once: columns are where the bulk of a file is."""

    def check(value: Any) -> str | None:
        if type(value) is not list:
            return f": {found(value)} where a list belongs"
        wrong = set(map(type, value)) - allowed
        return f": contains {_FOUND[wrong.pop()]}" if wrong else None

    return check


def _union_check(members: tuple[Any, ...]) -> Check:
    others = [check_of(member) for member in members if member is not type(None)]
    nullable = len(others) < len(members)

    def check(value: Any) -> str | None:
        if value is None and nullable:
            return None
        problem = None
        for check_member in others:
            problem = check_member(value)
            if problem is None:
                return None
        return problem

    return check


def _literal_check(arguments: tuple[Any, ...]) -> Check:
    word: Any = type(arguments[0])
    return check_of(word)


def _annotated_check(arguments: tuple[Any, ...]) -> Check:
    """`Annotated[Mapping, Fields]` is a mapping to whoever holds it, with the fields of `Fields` in the file."""
    return check_of(arguments[1])


_BUILDERS: Mapping[Any, Callable[[tuple[Any, ...]], Check]] = {
    Annotated: _annotated_check,
    Union: _union_check,
    types.UnionType: _union_check,
    Literal: _literal_check,
    Mapping: _mapping_check,
    Sequence: _list_check,
}
