"""The machinery under the model: how a value, a list and a mapping of a scenario are checked and described.

pydantic does the walking and collects every error; the words are ours. It knows nothing of any single key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from bench.scenario.vocabulary import Vocabulary
from bench.scenario.wording import count, quote, show, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
    from pydantic.json_schema import JsonSchemaValue

VALUE_FAULT = "scenario_value"
"""Error type of a wrong value: its place is the value."""
KEY_FAULT = "scenario_key"
"""Error type of a key that should not be there, or not beside another: its place is the key."""
ABSENT_FAULT = "scenario_absent"
"""Error type of something missing: said only when the text does not have it in a broken form."""

Fault = tuple[str, tuple[str | int, ...], str]
"""Type, path below the value that is checked, message."""


def refuse(message: str, *, type_: str = VALUE_FAULT) -> PydanticCustomError:
    """Make the error that a validator raises. The message is used as it is."""
    return PydanticCustomError(type_, message)


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of scalar: put it into `Annotated[type, Kind(...)]`.

    `read` gets the value from YAML and returns the checked one, or raises ValueError with a message. `write` gives
    the canonical form for JSON; `schema` is what an editor is told. `names`, when set, picks the names that the
    vocabulary allows; without a vocabulary every name passes.
    """

    read: Callable[[Any], Any]
    schema: dict[str, Any]
    write: Callable[[Any], Any] | None = None
    names: Callable[[Vocabulary], Sequence[str]] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Ignore the annotated type: `read` alone decides."""
        del source, handler
        write = core_schema.plain_serializer_function_ser_schema(self._canonical) if self.write else None
        return core_schema.with_info_plain_validator_function(self._check, serialization=write)

    def __get_pydantic_json_schema__(self, _: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return what an editor is told."""
        del handler
        return dict(self.schema)

    def _canonical(self, value: Any) -> Any:
        return None if value is None or self.write is None else self.write(value)

    def _check(self, value: Any, info: ValidationInfo) -> Any:
        try:
            checked = self.read(value)
        except ValueError as error:
            raise refuse(str(error)) from None
        if self.names is not None and isinstance(info.context, Vocabulary):
            known = self.names(info.context)
            if checked not in known:
                raise refuse(f"there is no {quote(checked)}{suggest(checked, known)}")
        return checked


@dataclass(frozen=True, eq=False)
class Items:
    """A list of the scenario: put it into `Annotated[tuple[X, ...], Items(...)]`."""

    what: str
    """How one item is called in a message."""
    single: bool = True
    """An axis: one value stands for a list of one, and no value may stand twice."""
    least: int = 1
    hint: str = ""
    """What to say to someone who gave no list."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Check the list around pydantic's own check of the items."""
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe a list, or, for an axis, a list or one item."""
        item = handler(schema)["items"]
        array = {"type": "array", "items": item, "minItems": self.least}
        return {"anyOf": [item, {**array, "uniqueItems": True}]} if self.single else array

    def _check(self, value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
        if isinstance(value, (list, tuple)):
            items = list(value)
        elif self.single:
            items = [value]
        else:
            raise refuse(f"must be a list of {self.what}s, not {show(value)}{self.hint}")
        if len(items) < self.least:
            raise refuse(f"needs at least {count(self.least, self.what)}: this list is empty", type_=ABSENT_FAULT)
        faults: list[Fault] = []
        checked: Any = None
        try:
            checked = handler(items)
        except ValidationError as error:
            faults = faults_of(error)
        if self.single:
            faults += _repetitions(checked or items, {path[0] for _, path, _ in faults if path})
        if faults:
            raise collected(faults)
        return checked


class Strict(BaseModel):
    """A mapping of the scenario: frozen, no unknown keys, every fault of it in one pass."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=False)

    example: ClassVar[str] = "{key: value}"

    @classmethod
    def widen(cls, data: Any) -> Any:
        """Turn a scalar that stands for this mapping into the mapping; raise ValueError when it cannot."""
        return data

    @classmethod
    def conflicts(cls, data: dict[str, Any]) -> Iterator[Fault]:
        """Yield what is wrong between keys, from the data as read: single keys may be wrong as well."""
        del data
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, data: Any, handler: ModelWrapValidatorHandler[Strict]) -> Strict:
        if isinstance(data, cls):
            return data
        try:
            data = cls.widen(data)
        except ValueError as error:
            raise refuse(str(error)) from None
        if not isinstance(data, dict):
            raise refuse(f"must be a mapping such as {cls.example}, not {show(data)}")
        fields = cls.model_fields
        unknown = [key for key in data if key not in fields]
        faults: list[Fault] = [(KEY_FAULT, (key,), f"unknown key{suggest(key, fields)}") for key in unknown]
        faults += cls.conflicts(data)
        made = None
        try:
            made = handler({key: value for key, value in data.items() if key in fields})
        except ValidationError as error:
            faults += faults_of(error)
        if faults or made is None:
            raise collected(faults)
        return made

    @model_serializer(mode="wrap")
    def _write(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value not in (None, [], (), "")}


def faults_of(error: ValidationError) -> list[Fault]:
    """Return the errors that pydantic collected, ours as they are."""
    return [
        (ABSENT_FAULT, one["loc"], "this key is missing")
        if one["type"] == "missing"
        else (one["type"] if one["type"] in (KEY_FAULT, ABSENT_FAULT) else VALUE_FAULT, one["loc"], one["msg"])
        for one in error.errors(include_url=False, include_input=False)
    ]


def collected(faults: list[Fault]) -> ValidationError:
    """Return one error that carries all of them; pydantic puts the path to here in front of each."""
    return ValidationError.from_exception_data(
        "scenario",
        [InitErrorDetails(type=refuse(message, type_=type_), loc=path, input=None) for type_, path, message in faults],
    )


def _repetitions(items: Sequence[Any], broken: set[str | int]) -> Iterator[Fault]:
    first: dict[tuple[type, str], int] = {}
    for index, item in enumerate(items):
        key = (type(item), repr(item))
        if key in first and index not in broken:
            yield VALUE_FAULT, (index,), f"stands here twice (the first is number {first[key] + 1} of the list)"
        first.setdefault(key, index)
