"""Model descriptors: what a model is called, which job scores it, where its file is and what goes in and comes out."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from penstock.errors import ModelDescriptorError
from penstock.models.ref import HIGHEST_VERSION, NAME_PATTERN, ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = ["DESCRIPTOR_FILE", "MOST_VALUES", "FieldDescriptor", "ModelDescriptor"]

DESCRIPTOR_FILE = "descriptor.yaml"
MOST_VALUES = 100
"""Of one field; a descriptor has to fit into a message."""

_Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
#: PMML has dateTime and dateDaysSince[1970].
_Type = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_\[\]-]*$", max_length=40)]
_Scalar = Annotated[str | bool | int | float, Field(union_mode="smart")]


def _unsaid(found: object) -> bool:
    """Left out of what is written: most models say little of their fields, and a message is read by every worker."""
    return found is None or found == ()


_LEFT_OUT = Field(exclude_if=_unsaid)


def _no_version(name: str) -> str:
    if ModelRef.parse(name).version is not None:
        raise ValueError("a name of the form <uuid>_<version> is a version already: take the UUID alone for the name")
    return name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class FieldDescriptor(_Part):
    """One field of a model's input or output. What the model's file does not say is left out."""

    name: Annotated[str, Field(min_length=1)]
    """As in the model's file."""
    type: _Type
    """Data type, in the words of the model's own format (PMML: double, integer, string, ...)."""
    optype: Annotated[_Word | None, _LEFT_OUT] = None
    """How it is used, in the same words (PMML: continuous, categorical, ordinal)."""
    required: Annotated[bool | None, _LEFT_OUT] = None
    """Input: whether a request without it is refused."""
    intervals: Annotated[tuple[str, ...], _LEFT_OUT] = ()
    """Input: ranges of numbers that are valid, as in `[0, 10)`; none: all of them."""
    values: Annotated[tuple[_Scalar, ...], Field(max_length=MOST_VALUES), _LEFT_OUT] = ()
    """Values that are valid, or that come out; at most 100 of them."""
    more: Annotated[int, Field(ge=0, exclude_if=lambda found: found == 0)] = 0
    """How many further values there are."""
    missing: Annotated[_Scalar | None, _LEFT_OUT] = None
    """Input: what stands in for a missing value."""
    invalid: Annotated[str | None, _LEFT_OUT] = None
    """Input: what becomes of an invalid value, in the words of the model's format (PMML: returnInvalid, asIs, ...)."""
    feature: Annotated[str | None, _LEFT_OUT] = None
    """Output: what it tells, in the words of the model's format (PMML: predictedValue, probability, ...)."""
    value: Annotated[_Scalar | None, _LEFT_OUT] = None
    """Output: the class that it is about, as with a probability."""


class ModelDescriptor(_Part):
    """One version of one model. Frozen: a change is a new version."""

    name: Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$"), AfterValidator(_no_version)]
    """Letters, digits, '-' and '_', at most 100; routes and topics name the model by it."""
    version: Annotated[int, Field(ge=0, le=HIGHEST_VERSION, strict=True)]
    """A whole number. Where nobody says which version is live, the highest is."""
    description: str = ""
    """For people."""
    job: _Word
    """The job that scores it; its requests arrive on `<prefix>.<job>.<name>`."""
    format: _Word
    """Format of the file, for jobs that know several."""
    uri: Annotated[str, Field(min_length=1)]
    """The model's file: a path relative to the descriptor's own folder, an absolute path, or a URI."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Digest of the file's bytes, in lower-case hexadecimal."""
    bytes: Annotated[int | None, Field(ge=0), _LEFT_OUT] = None
    """Size of the file."""
    registered_at: Annotated[str | None, _LEFT_OUT] = None
    """When it was registered, RFC 3339; `penstock models add` fills it in."""
    algorithm: Annotated[str | None, _LEFT_OUT] = None
    """What kind of model it is, in the words of its format: `TreeModel/decisionTree`."""
    function: Annotated[str | None, _LEFT_OUT] = None
    """What it is for: classification, regression, clustering, ..."""
    producer: Annotated[str | None, _LEFT_OUT] = None
    """The program that wrote the file, with its version."""
    format_version: Annotated[str | None, _LEFT_OUT] = None
    """Version of the file's format."""
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
    def from_message(cls, tree: object, origin: str) -> tuple[Self, tuple[str, ...]]:
        """Return a descriptor from a message's plain data, and the keys in it that are unknown here.

        These are no faults: whoever wrote them may be newer than this worker.

        Raises `ModelDescriptorError` as `parse` does.
        """
        try:
            return cls.parse(tree, origin), ()
        except ModelDescriptorError:
            known, unknown = _known_part(tree)
            if not unknown:
                raise
            return cls.parse(known, origin), unknown

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


def _known_part(tree: object) -> tuple[object, tuple[str, ...]]:
    """What of a message's data is known here, and the places of what is not."""
    if not isinstance(tree, dict):
        return tree, ()
    known, unknown = _parted(tree, ModelDescriptor, "")
    for side in ("inputs", "outputs"):
        fields = known.get(side)
        if isinstance(fields, list):
            parts = [_parted(each, FieldDescriptor, f"{side}.{place}.") for place, each in enumerate(fields)]
            known[side] = [each for each, _ in parts]
            unknown += [key for _, keys in parts for key in keys]
    return known, tuple(unknown)


def _parted(tree: Any, model: type[_Part], place: str) -> tuple[Any, list[str]]:
    if not isinstance(tree, dict):
        return tree, []
    known = {key: value for key, value in tree.items() if key in model.model_fields}
    return known, [f"{place}{key}" for key in tree if key not in known]


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
    said = detail["msg"].removeprefix("Value error, ")
    return f"{place}: {said[:1].lower()}{said[1:]}, got {detail['input']!r}"


def _nearest(key: str, known: Mapping[str, object] | Iterable[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0)
    return f"; did you mean {close[0]!r}?" if close else ""
