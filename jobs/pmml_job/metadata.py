"""What a PMML file says of itself: kind, maker, inputs and outputs, as a descriptor tells them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobs.pmml_job.mining_schema import Missing, data_fields, read_inputs
from jobs.pmml_job.outline import MODEL_PARTS, outline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jobs.pmml_job.engine import OutputField
    from jobs.pmml_job.mining_schema import InputField
    from jobs.pmml_job.outline import Element

__all__ = ["IDENTIFIERS", "PRIMARY", "Metadata", "metadata", "of_outline", "with_outputs", "without_engine"]

_MOST_VALUES = 100
PRIMARY = (
    "predictedValue",
    "clusterId",
    "entityId",
    "ruleId",
    "predictedDisplayValue",
    "decision",
    "transformedValue",
)
"""Which output is the prediction where the descriptor does not say: the first of these features that the model has."""
IDENTIFIERS = frozenset({"entityId", "ruleId"})
"""Where there is a target, they are parts of the model (a node, a rule, a neighbour) and no prediction."""

Field = dict[str, Any]
"""A field as a descriptor has it, without what is not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a descriptor takes over."""

    algorithm: str
    """The model's element, with the algorithm's name where there is one: ``TreeModel/decisionTree``."""
    function: str
    producer: str | None
    format_version: str | None
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    """Those that the file declares; the engine adds its own where there are none (`with_outputs`)."""
    sample: Any = None
    """The first row by which the file wants to be verified, or what the check made and could score."""


def metadata(path: Path) -> Metadata:
    """What the file says; raises `OutlineError` where it is no PMML with a model."""
    return of_outline(outline(path.read_bytes(), MODEL_PARTS))


def of_outline(root: Element) -> Metadata:
    """What an outline with `MODEL_PARTS` says; fields that contradict themselves are left out."""
    model = root.model()
    algorithm = model.get("algorithmName")
    dictionary = data_fields(root)
    inputs, _ = read_inputs(root)
    output = next(model.children("Output"), None)
    return Metadata(
        algorithm=f"{model.name}/{algorithm}" if algorithm else model.name,
        function=model.get("functionName", ""),
        producer=_producer(root),
        format_version=root.get("version"),
        inputs=tuple(_input(field, dictionary[field.name]) for field in inputs),
        outputs=() if output is None else tuple(_output(field) for field in output.children("OutputField")),
    )


def with_outputs(declared: Sequence[Field], engine: Sequence[OutputField]) -> tuple[Field, ...]:
    """The outputs that the engine really gives, with what the file says of them."""
    known = {field["name"]: field for field in declared}
    return tuple(
        {**known.get(output.name, {"feature": output.feature}), "name": output.name, "type": output.data_type}
        for output in engine
    )


def without_engine(told: Metadata, root: Element) -> Metadata:
    """What can be told of the outputs without the engine: those of the file where it gives just these, else none.

    It adds its own where none of the file's is the prediction, gives no intermediate ones, and types untyped ones.
    """
    output = next(root.model().children("Output"), None)
    fields = [] if output is None else list(output.children("OutputField"))
    features = {field.get("feature", "predictedValue") for field in fields}
    plain = all(field.get("dataType") and field.get("isFinalResult", "true") in ("true", "1") for field in fields)
    return told if plain and features.intersection(PRIMARY) - IDENTIFIERS else replace(told, outputs=())


def _producer(root: Element) -> str | None:
    header = next(root.children("Header"), None)
    application = None if header is None else next(header.children("Application"), None)
    if application is None:
        return None
    return " ".join(filter(None, (application.get("name"), application.get("version")))) or None


def _input(field: InputField, data: Element) -> Field:
    values = field.valid_values[:_MOST_VALUES]
    return _said(
        name=field.name,
        type=field.data_type,
        optype=data.get("optype"),
        required=field.missing is not Missing.PASS,
        intervals=tuple(map(str, field.intervals)),
        values=tuple(value if not isinstance(value, float) or math.isfinite(value) else str(value) for value in values),
        more=max(0, len(field.valid_values) - _MOST_VALUES),
        missing=field.missing_replacement,
        invalid=field.invalid.value,
    )


def _output(field: Element) -> Field:
    return _said(
        name=field.get("name", ""),
        type=field.get("dataType"),
        optype=field.get("optype"),
        feature=field.get("feature", "predictedValue"),
        value=field.get("value"),
    )


def _said(**facts: Any) -> Field:
    return {
        key: value for key, value in facts.items() if value is not None and value != () and (key, value) != ("more", 0)
    }
