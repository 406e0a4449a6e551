"""What can be told about a model's file without Java: whether it is the PMML file that its descriptor speaks of.

Asked before the job is submitted (`penstock.models.inspection`); the engine, in the workers, has the last word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.pmml_job.mining_schema import parse_inputs
from penstock.errors import ModelLoadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.models.descriptor import FieldDescriptor, ModelDescriptor

__all__ = ["compare", "inspect"]


def inspect(descriptor: ModelDescriptor, data: bytes) -> None:
    """Raise `ModelLoadError` where the bytes are no PMML with the inputs that the descriptor says."""
    ref = str(descriptor.ref)
    compare(ref, "inputs", descriptor.inputs, {field.name: field.data_type for field in parse_inputs(data, ref)})


def compare(ref: str, what: str, described: Sequence[FieldDescriptor], found: Mapping[str, str]) -> None:
    """Raise `ModelLoadError` where a descriptor speaks of other fields than the file: it is out of date."""
    expected = {field.name: field.type for field in described}
    if expected and expected != found:
        raise ModelLoadError(ref, f"its descriptor has {what} {expected}, its file {found}")
