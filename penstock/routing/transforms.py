"""The built-in transforms: pure functions from an event or a result to what the model or the user gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, RootModel, field_validator, model_validator

from penstock.objects import converted, having, listed, object_in
from penstock.routing.parameters import Fields, JsonScalar
from penstock.routing.registry import NoParameters, Parameters, Side, Step, Transform
from penstock.routing.texts import Csv, FirstLetter, Template, csv, first_letter, template
from penstock.scalars import Scalar, casts_by_field, plain_text

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

__all__ = ["BUILT_IN"]


def as_is(_: NoParameters) -> Step:
    """Change nothing."""
    return lambda data: data


class Select(RootModel[Fields]):
    """The fields to keep, in the order in which they are to come."""


def select(parameters: Select) -> Step:
    """Keep the named fields of an object only."""
    names = tuple(parameters.root)

    def step(data: object) -> dict[str, object]:
        fields = having(data, names)
        return {name: fields[name] for name in names}

    return step


class Rename(RootModel[Annotated[dict[str, str], Field(min_length=1)]]):
    """New names by old names."""

    @field_validator("root")
    @classmethod
    def _different(cls, names: dict[str, str]) -> dict[str, str]:
        if len(set(names.values())) != len(names):
            raise ValueError("two fields cannot get the same name")
        return names


def rename(parameters: Rename) -> Step:
    """Give fields of an object new names; their order stays. A name that another field has already is a fault."""
    names = parameters.root

    def step(data: object) -> dict[str, object]:
        fields = having(data, tuple(names))
        renamed = {names.get(name, name): found for name, found in fields.items()}
        if len(renamed) != len(fields):
            taken = sorted(new for old, new in names.items() if new in fields and new not in names)
            raise ValueError(f"{listed(taken)} there already under the new name")
        return renamed

    return step


class CastFields(RootModel[Annotated[dict[str, Scalar], Field(min_length=1)]]):
    """The type that each field is to have."""


def cast(parameters: CastFields) -> Step:
    """Convert fields of an object to the types given."""
    casts = casts_by_field(parameters.root, [])

    def step(data: object) -> dict[str, object]:
        fields = object_in(data)
        return {**fields, **converted(casts, fields)}

    return step


class Default(RootModel[Annotated[dict[str, JsonScalar], Field(min_length=1)]]):
    """What each field gets where the object has no such field, or null in it."""


def default(parameters: Default) -> Step:
    """Fill fields of an object that are missing or null."""
    values = parameters.root

    def step(data: object) -> dict[str, object]:
        fields = object_in(data)
        return {**fields, **{name: value for name, value in values.items() if fields.get(name) is None}}

    return step


class Vector(RootModel[Fields]):
    """The fields, in the order in which the model takes them."""


def vector(parameters: Vector) -> Step:
    """Turn an object into the list of the named fields, as floats."""
    names = parameters.root
    casts = casts_by_field("float", names)

    def step(data: object) -> list[object]:
        numbers = converted(casts, object_in(data))
        return [numbers[name] for name in names]

    return step


_TABLE_KEYS = ("additionalProperties", "minProperties")


class MapPrediction(Parameters):
    """The table; ``{map_prediction: {"0": setosa}}`` is short for ``{map_prediction: {table: {"0": setosa}}}``."""

    table: Annotated[dict[str, JsonScalar], Field(min_length=1)]
    """What each prediction becomes. Predictions are compared as text; 0, 0.0 and "0" are the same."""
    default: JsonScalar | None = None
    """What every other prediction becomes; without it such a prediction is a fault."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Allow the short form."""
        whole = handler.resolve_ref_schema(handler(core_schema))
        return {"anyOf": [whole, {"type": "object", **{key: whole["properties"]["table"][key] for key in _TABLE_KEYS}}]}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: object) -> object:
        """Take a mapping without a nested table for the table itself."""
        if not isinstance(given, dict):
            return given
        short = not isinstance(given.get("table"), dict)
        if short and "default" in given:
            raise ValueError("a default stands beside the table: {table: {...}, default: ...}")
        table = given if short else given["table"]
        written = {_as_key(key): value for key, value in table.items()}
        if len(written) != len(table):
            raise ValueError("two keys of the table are the same prediction")
        return {"table": written} if short else {**given, "table": written}


def map_prediction(parameters: MapPrediction) -> Step:
    """Replace a result's prediction by what a table says, such as a class's number by its name."""
    table, other = parameters.table, parameters.default

    def step(data: object) -> dict[str, object]:
        fields = having(data, ("prediction",))
        mapped = table.get(_as_key(fields["prediction"]), other)
        if mapped is None:
            known = ", ".join(map(repr, table))
            raise ValueError(f"prediction {plain_text(fields['prediction'])!r} is not in the table, which has {known}")
        return {**fields, "prediction": mapped}

    return step


def _as_key(prediction: object) -> str:
    if isinstance(prediction, float) and prediction.is_integer():
        prediction = int(prediction)
    return plain_text(prediction)


BUILT_IN: dict[str, Transform[Any]] = {
    "as_is": Transform(parameters=NoParameters, compile=as_is, objects_pass=True),
    "first_letter": Transform(parameters=FirstLetter, compile=first_letter),
    "select": Transform(parameters=Select, compile=select),
    "rename": Transform(parameters=Rename, compile=rename),
    "cast": Transform(parameters=CastFields, compile=cast),
    "default": Transform(parameters=Default, compile=default),
    "csv": Transform(parameters=Csv, compile=csv, sides=frozenset({Side.EVENT}), objects_pass=True),
    "vector": Transform(parameters=Vector, compile=vector, sides=frozenset({Side.EVENT})),
    "map_prediction": Transform(parameters=MapPrediction, compile=map_prediction, sides=frozenset({Side.RESULT})),
    "template": Transform(parameters=Template, compile=template),
}
"""By their names in routing documents."""
