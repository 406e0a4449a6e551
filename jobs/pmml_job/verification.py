"""The rows by which a PMML file wants to be verified (``ModelVerification``), which the engine passes over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.pmml_job.mining_schema import scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobs.pmml_job.engine import PmmlModel
    from jobs.pmml_job.mining_schema import InputField, Scalar
    from jobs.pmml_job.outline import Element

__all__ = ["Expected", "Verified", "compare", "verified_rows"]

_PRECISION = 1e-6  # both as PMML 4.4 has them, where a field says nothing
_ZERO = 1e-16


@dataclass(frozen=True, slots=True)
class Expected:
    """What one output has to be in one row."""

    value: str
    precision: float
    zero: float

    def fits(self, found: Scalar | None) -> bool:
        """Whether an answer is near enough."""
        if found is None:
            return False
        if isinstance(found, bool):
            return self.value.lower() in (("true", "1") if found else ("false", "0"))
        try:
            number, answer = float(self.value), float(found)
        except ValueError:
            return str(found) == self.value
        if abs(number) <= self.zero:
            return abs(answer) <= self.zero
        return abs(answer - number) <= self.precision * abs(number)


@dataclass(frozen=True, slots=True)
class Verified:
    """One row."""

    element: Element
    input: dict[str, Scalar]
    expected: Mapping[str, Expected]
    """By output, or by the target's name."""


def verified_rows(model: Element, inputs: Sequence[InputField]) -> list[Verified]:
    """The rows of a model of an outline with its parts; raises `OutlineError` where a value is of another type."""
    verification = next(model.children("ModelVerification"), None)
    if verification is None:
        return []
    types = {field.name: field.data_type for field in inputs}
    fields = list(verification.child("VerificationFields").children("VerificationField"))
    rows = [] if not any(verification.children("InlineTable")) else verification.child("InlineTable").children("row")
    return [_row(row, fields, types) for row in rows]


def _row(row: Element, fields: Sequence[Element], types: Mapping[str, str]) -> Verified:
    cells = {cell.name: cell for cell in row.elements}
    given: dict[str, Scalar] = {}
    expected = {}
    for field in fields:
        name = field.need("field")
        cell = cells.get(field.get("column", name).rpartition(":")[2])
        text = "" if cell is None else cell.text.strip()
        if cell is None or not text:
            continue
        if name not in types:
            precision = field.number("precision", _PRECISION)
            expected[name] = Expected(text, precision, field.number("zeroThreshold", _ZERO))
            continue
        try:
            given[name] = scalar(text, types[name])
        except (ValueError, OverflowError):
            raise cell.fault(f"{name!r} is {text!r}, expected a value of type {types[name]}") from None
    return Verified(row, given, expected)


def compare(row: Verified, model: PmmlModel, answer: Sequence[Scalar | None], target: str | None) -> Iterator[str]:
    """Tell in words where an answer is not the expected one."""
    found = {output.name: value for output, value in zip(model.outputs, answer, strict=True)}
    primary = model.primary()
    if target is not None and target not in found and primary is not None:
        found[target] = answer[primary]
    for name, expected in row.expected.items():
        if name in found and not expected.fits(found[name]):
            yield f"{name!r} is {found[name]!r}, expected {expected.value}"
