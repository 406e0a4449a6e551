"""Model descriptors: what a model is called, which job scores it, where its file is and what goes in and comes out."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from penstock.errors import ModelDescriptorError
from penstock.models.ref import NAME_PATTERN, ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = ["DESCRIPTOR_FILE", "FieldDescriptor", "ModelDescriptor"]

DESCRIPTOR_FILE = "descriptor.yaml"

_Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class FieldDescriptor(_Part):
    """One field of a model's input or output."""

    name: Annotated[str, Field(min_length=1)]
    """As in the model's file."""
    type: _Word
    """Data type, in the words of the model's own format (PMML: double, integer, string, ...)."""


class ModelDescriptor(_Part):
    """One version of one model. Frozen: a change is a new version."""

    name: Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
    """Letters, digits, '-' and '_', at most 100; routes and topics name the model by it."""
    version: Annotated[int, Field(ge=1, le=999_999_999, strict=True)]
    """Counts up: the highest is live."""
    description: str = ""
    """For people."""
    job: _Word
    """The job that scores it; its requests arrive on `<prefix>.<job>.<name>`."""
    format: _Word
    """Format of the file, for jobs that know several."""
    uri: Annotated[str, Field(min_length=1)]
    """The model's file: a path relative to the descriptor's own folder, an absolute path, or a
    `file://` URI; other kinds are not opened yet."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Digest of the file's bytes, in lower-case hexadecimal."""
    inputs: tuple[FieldDescriptor, ...] = ()
    """What the model needs. Empty: whatever its file says."""
    outputs: tuple[FieldDescriptor, ...] = ()
    """What a result carries. Empty: whatever the model's file says."""
    prediction: str | None = None
    """The output that becomes the result's `prediction`. Unset: the job picks it."""
    sample: dict[str, Any] | list[Any] | None = None
    """An input that the model can score, to warm it up and to try it."""

    @property
    def ref(self) -> ModelRef:
        """Name and version."""
        return ModelRef(self.name, self.version)

    @classmethod
    def parse(cls, tree: object, origin: str) -> Self:
        """A descriptor from plain data.

        Raises `ModelDescriptorError` that names ``origin`` and every fault.
        """
        if not isinstance(tree, dict):
            raise ModelDescriptorError(origin, f"expected a mapping, got {type(tree).__name__}")
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            faults = "; ".join(_fault(detail) for detail in error.errors())
            raise ModelDescriptorError(origin, faults) from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the descriptor at ``path``; a relative ``uri`` becomes an absolute path.

        Raises `ModelDescriptorError` where the file cannot be read, is no YAML or is no descriptor.
        """
        try:
            tree = yaml.safe_load(path.read_bytes())
        except (OSError, yaml.YAMLError, UnicodeError) as error:
            raise ModelDescriptorError(str(path), " ".join(str(error).split())) from error
        found = cls.parse(tree, str(path))
        return found.model_copy(update={"uri": _absolute(found.uri, path.parent)})

    def plain(self) -> dict[str, Any]:
        """The descriptor as dicts, lists and scalars, which is how it travels to a worker; `parse` takes it back."""
        return self.model_dump(mode="json")


def _absolute(uri: str, folder: Path) -> str:
    return uri if "://" in uri else str((folder / uri).resolve())


def _fault(detail: ErrorDetails) -> str:
    place = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        *parents, key = detail["loc"]
        known = FieldDescriptor.model_fields if parents else ModelDescriptor.model_fields
        return f"key {place!r} is unknown{_nearest(str(key), known)}"
    if detail["type"] == "missing":
        return f"key {place!r} is missing"
    return f"{place}: {detail['msg'][:1].lower()}{detail['msg'][1:]}, got {detail['input']!r}"


def _nearest(key: str, known: Mapping[str, object] | Iterable[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0)
    return f"; did you mean {close[0]!r}?" if close else ""
