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
_SAME = frozenset({"equal", "notEqual", "isIn", "isNotIn"})
_NUMBERS = {"integer": "whole", "double": "real", "float": "real"}
_FALSE_OR_UNKNOWN = frozenset({"equal", "isIn"}) | _ORDERED

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


@BOOK.note("DataField", "DerivedField", "ParameterField")
def _note_number(node: Node) -> None:
    kind = _NUMBERS.get(node.get("dataType"))
    if kind is not None:
        node.root().mark(f"{kind} {node.get('name')}")


@BOOK.note("FieldRef", "Constant")
def _note_argument(node: Node) -> None:
    if node.parent is None or node.parent.name != "Apply":
        return
    name, marks = node.get("field"), node.root().marks or set()
    known = (
        {_NUMBERS.get(node.get("dataType"))}
        if not name
        else {it for it in _NUMBERS.values() if f"{it} {name}" in marks}
    )
    if len(known) == 1 and None not in known:  # a parameter's name may stand for either, in two functions
        node.parent.mark(f"argument {known.pop()}")


@BOOK.rule(
    "Apply",
    says="what is compared is of one type",
    advice="give the Constant the dataType of the field (integer, or double for double and float)",
)
def _mixed(node: Node) -> Breach:
    if node.get("function") not in _SAME or len(node.marked("argument ")) == 1 or not node.marked("argument "):
        return None
    return f"{node.get('function')!r} of a whole number and another: for the engine 1 and 1.0 differ"


@BOOK.note("Value")
def _note_listed(node: Node) -> None:
    field = node.parent
    if field is None or field.name != "DataField" or field.get("optype") not in _CATEGORIES:
        return
    if node.get("property", "valid") != "missing" and field.get("dataType") != "boolean":
        node.root().mark(f"listed {field.get('name')}")
    if node.get("property", "valid") == "valid":
        node.root().mark(f"value {field.get('name')} {node.get('value')}")


@BOOK.note("MiningField")
def _note_unlisted(node: Node) -> None:
    """Note a field that may have values which its list has not; only the model that is served gets such."""
    name, marks, model = node.get("name"), node.root().marks or set(), node.model()
    if model is None or model.parent is not node.root() or f"listed {name}" not in marks:
        return
    replacements = [node.get(it) for it in ("missingValueReplacement", "invalidValueReplacement") if node.get(it)]
    if node.get("invalidValueTreatment") == "asIs" or any(f"value {name} {it}" not in marks for it in replacements):
        node.root().mark(f"unlisted {name}")


@BOOK.rule(
    "SimplePredicate",
    "SimpleSetPredicate",
    says="a condition gets values that are listed",
    advice="list no values in the DataField, or use invalidValueTreatment 'asMissing' or 'returnInvalid' and listed "
    "values as replacements",
)
def _unlisted(node: Node) -> Breach:
    name = node.get("field")
    if f"unlisted {name}" not in (node.root().marks or ()):
        return None
    operator = node.get("operator") or node.get("booleanOperator")
    if operator in _FALSE_OR_UNKNOWN and not _minds_missing(node):
        return None  # the engine finds it unknown where it is false: neither is true
    return (
        f"field {name!r} lists its values and lets others in (invalidValueTreatment 'asIs', or a replacement), "
        f"which the engine takes for missing: {operator!r} goes wrong"
    )


def _minds_missing(node: Node) -> bool:
    """Whether unknown is another thing than false here."""
    at = node.parent
    while at is not None and at.name == "CompoundPredicate":
        if at.get("booleanOperator") == "surrogate":
            return True
        at = at.parent
    tree = node.inside("TreeModel")
    return tree is not None and tree.get("missingValueStrategy", "none") != "none"
