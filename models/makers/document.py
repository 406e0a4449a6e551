"""Building blocks of the PMML files that are written by hand: short texts in, one document out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ABSENT",
    "AS_IS",
    "CLASSES",
    "LABEL",
    "PREDICTION",
    "ROWS",
    "TARGET",
    "WITH_MISSING",
    "C",
    "Row",
    "Written",
    "X",
    "Z",
    "apply",
    "array",
    "category",
    "constant",
    "derived",
    "document",
    "field",
    "linear",
    "number",
    "output",
    "outputs",
    "ref",
    "schema",
    "simple",
    "tag",
]

Scalar: TypeAlias = "float | int | bool | str | None"
Row: TypeAlias = "dict[str, Scalar]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A model written by hand, the rows it is asked, and how to work its answers out without any engine."""

    name: str
    text: str
    rows: tuple[Row, ...]
    answer: Callable[[Row], Row] | None = None
    """Outputs of a row by the formulas of the PMML standard; None: JPMML is asked."""


def tag(element: str, /, *children: str, **attributes: object) -> str:
    """An element; an underscore at the end of an attribute's name keeps it apart from Python's own words."""
    texts = "".join(f' {key.rstrip("_")}="{_text(value)}"' for key, value in attributes.items() if value is not None)
    return f"<{element}{texts}>{''.join(children)}</{element}>"


def _text(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def document(fields: tuple[str, ...], model: str, transformations: str = "", version: str = "4.4") -> str:
    """A whole file. Its namespace is that of the version."""
    head = tag("Header", description="Written by hand for Penstock's tests")
    body = head + tag("DataDictionary", *fields) + transformations + model
    return tag("PMML", body, xmlns=f"http://www.dmg.org/PMML-{version.replace('.', '_')}", version=version)


def number(name: str, data_type: str = "double", **more: object) -> str:
    """A field of numbers."""
    return tag("DataField", name=name, optype="continuous", dataType=data_type, **more)


def category(name: str, *values: object, data_type: str = "string", optype: str = "categorical") -> str:
    """A field of categories."""
    listed = (tag("Value", value=value) for value in values)
    return tag("DataField", *listed, name=name, optype=optype, dataType=data_type)


X, Z, TARGET = number("x"), number("z"), number("y")
C, LABEL = category("c", "a", "b", "d"), category("y", "yes", "no")

AS_IS = 'missingValueTreatment="asIs"'
"""What a mining field says whose value may be missing."""


def schema(*names: str, target: str | None = "y", **treatments: str) -> str:
    """A mining schema; a keyword gives a field's treatment, ``all_`` that of every one."""
    general = treatments.get("all_", "")
    used = "".join(f'<MiningField name="{name}" {treatments.get(name, general)}/>' for name in names)
    return tag("MiningSchema", used + ("" if target is None else f'<MiningField name="{target}" usageType="target"/>'))


def output(name: str, feature: str, data_type: str = "double", /, *children: str, **more: object) -> str:
    """An output field."""
    optype = "continuous" if data_type in ("double", "float") else "categorical"
    return tag("OutputField", *children, name=name, feature=feature, dataType=data_type, optype=optype, **more)


def outputs(*fields: str) -> str:
    """The outputs of a model."""
    return tag("Output", *fields)


PREDICTION = outputs(output("py", "predictedValue"))
CLASSES = outputs(
    output("py", "predictedValue", "string"),
    output("p_yes", "probability", value="yes"),
    output("p_no", "probability", value="no"),
)


def simple(name: str, operator: str, value: object = None) -> str:
    """A simple predicate."""
    return tag("SimplePredicate", field=name, operator=operator, value=value)


def array(kind: str, *values: object) -> str:
    """An array."""
    return tag("Array", " ".join(map(str, values)), n=len(values), type=kind)


def field(name: str, kind: str, /, *children: str, **more: object) -> str:
    """An element that is about a field."""
    return tag(kind, *children, field=name, **more)


def derived(name: str, expression: str, data_type: str = "double") -> str:
    """A derived field."""
    optype = "categorical" if data_type in ("string", "boolean") else "continuous"
    return tag("DerivedField", expression, name=name, optype=optype, dataType=data_type)


def ref(name: str) -> str:
    """A reference to a field."""
    return tag("FieldRef", field=name)


def constant(value: object, data_type: str = "double") -> str:
    """A constant."""
    return tag("Constant", _text(value), dataType=data_type)


def apply(function: str, *arguments: str, **more: object) -> str:
    """A function applied."""
    return tag("Apply", *arguments, function=function, **more)


def linear(mining: str, *predictors: str, local: str = "", result: str = PREDICTION, intercept: float = 1) -> str:
    """A regression that adds up its predictors: what shows a derived field's value."""
    terms = (tag("NumericPredictor", name=name, coefficient=1) for name in predictors)
    locals_ = tag("LocalTransformations", local) if local else ""
    table = tag("RegressionTable", *terms, intercept=intercept)
    return tag("RegressionModel", mining + result + locals_ + table, functionName="regression")


ROWS: tuple[Row, ...] = (
    {"x": 0.5, "z": 1.0, "c": "a"},
    {"x": 1.5, "z": -2.0, "c": "b"},
    {"x": -3.0, "z": 0.25, "c": "d"},
    {"x": 2.5, "z": 4.0, "c": "a"},
)
ABSENT: tuple[Row, ...] = (
    {"x": None, "z": 1.0, "c": "a"},
    {"x": 1.0, "z": None, "c": "b"},
    {"x": 1.0, "z": 2.0, "c": None},
    {"x": None, "z": None, "c": None},
)
"""Rows with missing values."""
WITH_MISSING = ROWS + ABSENT
