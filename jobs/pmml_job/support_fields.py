"""What our engine does wrongly with fields of some types, and with conditions on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.pmml_job.rulebook import Rulebook

if TYPE_CHECKING:
    from jobs.pmml_job.survey import Breach, Node

__all__ = ["BOOK"]

_MOMENTS = frozenset({"date", "time", "dateTime"})
_CATEGORIES = frozenset({"categorical", "ordinal"})
_REALS = frozenset({"double", "float"})
_NO_NUMBERS = frozenset({"boolean", "string"})
_EQUAL = frozenset({"equal", "notEqual"})
_ORDERED = frozenset({"lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual"})

BOOK = Rulebook()


@BOOK.rule(
    "DataField",
    "DerivedField",
    "ParameterField",
    says="values are numbers, text, true or false",
    advice="declare days or seconds (such as dateDaysSince[1970], or a double) and send them as a number",
)
def _moment(node: Node) -> Breach:
    data_type = node.get("dataType")
    return f"the engine takes every {data_type} for a missing value" if data_type in _MOMENTS else None


@BOOK.note("DataField", "DerivedField", "OutputField")
def _note_type(node: Node) -> None:
    name, kind, data_type = (node.get(attribute) for attribute in ("name", "optype", "dataType"))
    root = node.root()
    if kind == "continuous" and data_type in _NO_NUMBERS:
        root.mark(f"continuous {data_type} {name}")
    if kind in _CATEGORIES:
        if data_type in _REALS:
            root.mark(f"category of reals {name}")
        if kind != "ordinal" or "Value" not in node.first:
            root.mark(f"without order {name}")


@BOOK.rule(
    "SimplePredicate",
    says="a condition fits the field's optype",
    advice="make numbers continuous and all else categorical, or use a SimpleSetPredicate",
)
def _condition(node: Node) -> Breach:
    name, operator, marks = node.get("field"), node.get("operator"), node.root().marks or set()
    if operator not in _EQUAL | _ORDERED:
        return None
    if f"category of reals {name}" in marks:
        return f"field {name!r} is a category of fractions: the engine compares its value with the category's place"
    if operator in _ORDERED and f"without order {name}" in marks:
        return f"field {name!r} is a category without an order of its own, got {operator!r}"
    for data_type in sorted(_NO_NUMBERS):
        if f"continuous {data_type} {name}" in marks:
            return f"field {name!r} is continuous and of type {data_type}: the engine compares it as a number"
    return None
