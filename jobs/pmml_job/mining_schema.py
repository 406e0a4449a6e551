"""The part of a PMML file that says what a model takes: its input fields, their types, valid values and treatments.

The engine does not say what was wrong with a row, and it scores some wrong rows silently; so the job checks rows
itself, by the rules of its own data dictionary and mining schema (PMML 4.4, "Data Dictionary" and "Mining Schema").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from jobs.pmml_job.outline import Element, OutlineError, outline
from penstock.errors import ModelLoadError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "InputField",
    "Interval",
    "Invalid",
    "Missing",
    "Outliers",
    "Scalar",
    "data_fields",
    "parse_inputs",
    "read_inputs",
    "scalar",
]

Scalar = float | int | bool | str

_INPUT_USES = ("active", "group")  # PMML: the uses of a field that a scorer has to be given


class Missing(StrEnum):
    """What happens where a value is missing: the part of ``missingValueTreatment`` that binds a scorer."""

    UNSAID = "unsaid"
    """The mining schema says nothing: the job refuses the row."""
    PASS = "asIs"  # noqa: S105 (no password)
    """The model gets the missing value, or its replacement where there is one."""
    RETURN_INVALID = "returnInvalid"


class Invalid(StrEnum):
    """What happens to an invalid value: ``invalidValueTreatment``."""

    RETURN_INVALID = "returnInvalid"
    AS_IS = "asIs"
    AS_MISSING = "asMissing"
    AS_VALUE = "asValue"


class Outliers(StrEnum):
    """What happens to a valid value outside of ``lowValue`` and ``highValue``: ``outliers``."""

    AS_IS = "asIs"
    AS_MISSING_VALUES = "asMissingValues"
    AS_EXTREME_VALUES = "asExtremeValues"


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of valid numbers; a margin that PMML leaves out is infinite."""

    low: float
    high: float
    low_open: bool
    high_open: bool

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        return above and (value < self.high if self.high_open else value <= self.high)

    def __str__(self) -> str:
        return f"{'(' if self.low_open else '['}{self.low:g}, {self.high:g}{')' if self.high_open else ']'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputField:
    """One field that the model needs, with what its data dictionary and mining schema say of it."""

    name: str
    data_type: str
    valid_values: tuple[Scalar, ...] = ()
    """Together with the intervals: everything that is valid. Both empty: every value of the type is."""
    intervals: tuple[Interval, ...] = ()
    invalid_values: frozenset[Scalar] = frozenset()
    missing_values: frozenset[Scalar] = frozenset()
    """Values that stand for a missing one, as in -999."""
    missing: Missing = Missing.UNSAID
    missing_replacement: Scalar | None = None
    invalid: Invalid = Invalid.RETURN_INVALID
    invalid_replacement: Scalar | None = None
    outliers: Outliers = Outliers.AS_IS
    low: float = -math.inf
    high: float = math.inf

    @property
    def may_be_missing(self) -> bool:
        """Whether the model can get this field as missing, be it to replace it."""
        return (
            self.missing is Missing.PASS
            or self.invalid is Invalid.AS_MISSING
            or self.outliers is Outliers.AS_MISSING_VALUES
        )


def parse_inputs(data: bytes, model: str, *, whole: bool = True) -> tuple[InputField, ...]:
    """The input fields of the PMML's first model, in the order of its mining schema.

    Without ``whole`` what stands after them is not looked at.

    Raises `ModelLoadError` that names ``model`` where the file is no PMML, declares entities, or contradicts itself.
    """
    try:
        fields, faults = read_inputs(outline(data, whole=whole))
    except OutlineError as error:
        raise ModelLoadError(model, str(error)) from error
    if faults:
        raise ModelLoadError(model, str(faults[0])) from faults[0]
    return fields


def read_inputs(root: Element) -> tuple[tuple[InputField, ...], tuple[OutlineError, ...]]:
    """The input fields that an outline declares well, and the faults of all others.

    Raises `OutlineError` where there is no model, or no dictionary.
    """
    dictionary = data_fields(root)
    fields, faults = [], []
    for mining in root.model().child("MiningSchema").children("MiningField"):
        if mining.get("usageType", "active") in _INPUT_USES:
            try:
                fields.append(_input_field(mining, dictionary))
            except OutlineError as error:
                faults.append(error)
    return tuple(fields), tuple(faults)


def data_fields(root: Element) -> dict[str, Element]:
    """The fields of the data dictionary, by name; raises `OutlineError` where there is no dictionary."""
    return {field.get("name", ""): field for field in root.child("DataDictionary").children("DataField")}


def _input_field(mining: Element, dictionary: Mapping[str, Element]) -> InputField:
    name = mining.need("name")
    if name not in dictionary:
        raise mining.fault(f"mining field {name!r} is not in the data dictionary")
    data = dictionary[name]
    data_type = data.need("dataType")
    values = _values(data, data_type)
    replacement = _replacement(mining, "missingValueReplacement", data_type)
    field = InputField(
        name=name,
        data_type=data_type,
        valid_values=tuple(values["valid"]),
        intervals=tuple(_interval(interval) for interval in data.children("Interval")),
        invalid_values=frozenset(values["invalid"]),
        missing_values=frozenset(values["missing"]),
        missing=_missing(mining, replacement),
        missing_replacement=replacement,
        invalid=_choice(mining, "invalidValueTreatment", Invalid, Invalid.RETURN_INVALID),
        invalid_replacement=_replacement(mining, "invalidValueReplacement", data_type),
        outliers=_choice(mining, "outliers", Outliers, Outliers.AS_IS),
        low=mining.number("lowValue", -math.inf),
        high=mining.number("highValue", math.inf),
    )
    if field.invalid is Invalid.AS_VALUE and field.invalid_replacement is None:
        raise mining.fault(f"mining field {name!r} has invalidValueTreatment 'asValue' without invalidValueReplacement")
    if field.outliers is not Outliers.AS_IS and (math.isinf(field.low) or math.isinf(field.high)):
        # The engine fails on every row where one of the two is left out.
        msg = f"mining field {name!r} has outliers {field.outliers.value!r} without lowValue and highValue"
        raise mining.fault(msg)
    return field


def _missing(mining: Element, replacement: Scalar | None) -> Missing:
    """Tell what binds us: the other words of PMML (asMean, ...) only tell where a replacement comes from."""
    treatment = mining.get("missingValueTreatment")
    if treatment == Missing.RETURN_INVALID:
        return Missing.RETURN_INVALID
    return Missing.PASS if replacement is not None or treatment == Missing.PASS else Missing.UNSAID


_ChoiceT = TypeVar("_ChoiceT", bound=StrEnum)


def _choice(mining: Element, attribute: str, choices: type[_ChoiceT], default: _ChoiceT) -> _ChoiceT:
    text = mining.get(attribute, default.value)
    try:
        return choices(text)
    except ValueError:
        known = ", ".join(choices)
        msg = f"mining field {mining.get('name')!r} has {attribute} {text!r}, expected one of {known}"
        raise mining.fault(msg) from None


def _values(data: Element, data_type: str) -> dict[str, list[Scalar]]:
    found: dict[str, list[Scalar]] = {"valid": [], "invalid": [], "missing": []}
    for value in data.children("Value"):
        text, meaning = value.need("value"), value.get("property", "valid")
        if meaning not in found:
            known = ", ".join(found)
            msg = f"value {text!r} of field {data.get('name')!r} has property {meaning!r}, expected one of {known}"
            raise value.fault(msg)
        found[meaning].append(_mark(text, data_type) if meaning != "valid" else _typed(value, "value", data_type))
    return found


def _mark(text: str, data_type: str) -> Scalar:
    """A value that stands for a missing or invalid one may be of another type, as in N/A for a number."""
    try:
        return scalar(text, data_type)
    except (ValueError, OverflowError):
        return text


def _interval(element: Element) -> Interval:
    closure = element.need("closure")
    return Interval(
        element.number("leftMargin", -math.inf),
        element.number("rightMargin", math.inf),
        low_open=closure.startswith("open"),
        high_open=closure.endswith("Open"),
    )


def _replacement(mining: Element, attribute: str, data_type: str) -> Scalar | None:
    return None if mining.get(attribute) is None else _typed(mining, attribute, data_type)


def _typed(element: Element, attribute: str, data_type: str) -> Scalar:
    try:
        return scalar(element.need(attribute), data_type)
    except (ValueError, OverflowError) as error:
        if isinstance(error, OutlineError):
            raise
        found = f"element {element.name} has {attribute} {element.get(attribute)!r}"
        raise element.fault(f"{found}, expected a value of type {data_type}") from None


def scalar(text: str, data_type: str) -> Scalar:
    """A value from the PMML's text, in the Python type that JSON has for the data type.

    Raises `ValueError` or `OverflowError` where it is of another type.
    """
    match data_type:
        case "double" | "float":
            return float(text)
        case "integer":
            return int(float(text))  # some exporters write 1.0
        case "boolean":
            return text in ("true", "1")
        case _:
            return text
