"""What can be told about a model's file without Java: whether it is a PMML file, and what it wants of an event.

Asked before a model is registered (`penstock.models.inspection`); the engine, in the workers, has the last word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jobs.pmml_job.mining_schema import parse_inputs
from penstock.errors import ModelLoadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from penstock.models.descriptor import FieldDescriptor

__all__ = ["Finding", "Inspection", "compare", "inspect"]


class Finding(NamedTuple):
    """Something that is not as it should be."""

    found: str
    rule: str = "the file is PMML with a model in it"
    advice: str = "export the model anew, and check that the file arrived whole"
    line: int | None = None
    column: int | None = None
    element: str | None = None
    severity: str = "error"


class Inspection(NamedTuple):
    """What was found."""

    findings: tuple[Finding, ...]
    fields: Mapping[str, Any]


def inspect(path: Path, **_: object) -> Inspection:
    """Look into a file: is it PMML, and which are its inputs?"""
    try:
        inputs = parse_inputs(path.read_bytes(), path.name)
    except ModelLoadError as error:
        return Inspection((Finding(error.detail),), {})
    return Inspection((), {"inputs": [{"name": field.name, "type": field.data_type} for field in inputs]})


def compare(ref: str, what: str, described: Sequence[FieldDescriptor], found: Mapping[str, str]) -> None:
    """Raise `ModelLoadError` where a descriptor speaks of other fields than the file: it is out of date."""
    expected = {field.name: field.type for field in described}
    if expected and expected != found:
        raise ModelLoadError(ref, f"its descriptor has {what} {expected}, its file {found}")
