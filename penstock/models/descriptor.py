"""Model descriptors: what a model is called, which job scores it, where its file is and what goes in and comes out."""

from __future__ import annotations

import difflib
import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from penstock.errors import ModelDescriptorError, ModelLoadError
from penstock.models.ref import HIGHEST_VERSION, NAME_PATTERN, ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = [
    "DESCRIPTOR_FILE",
    "FOLDER_FORMATS",
    "MOST_VALUES",
    "SERVER_FORMATS",
    "FieldDescriptor",
    "ImageDescriptor",
    "ModelDescriptor",
    "ModelFile",
    "ServerDescriptor",
    "usual_format",
]

DESCRIPTOR_FILE = "descriptor.yaml"
MOST_VALUES = 100
"""Of one field; a descriptor has to fit into a message."""
FOLDER_FORMATS = frozenset({"spark-ml", "saved-model"})
"""Models that are folders: their file is such a folder, packed (docs/adr/0019)."""
SERVER_FORMATS = frozenset({"tensorflow-serving", "open-inference"})
"""Models that somebody's server has already: there is no file, and the server's word for what it serves counts."""
_SERVICE = "service"
_USUAL_FORMATS = {"spark": "spark-ml", _SERVICE: "saved-model"}

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


class ModelFile(NamedTuple):
    """Where a model's file is, and how it is known again."""

    uri: str
    sha256: str
    bytes: int | None


class ImageDescriptor(_Part):
    """How an image becomes an input: it is decoded, made this large, and its colours are divided."""

    width: Annotated[int, Field(ge=1, le=65_535)]
    """In pixels."""
    height: Annotated[int, Field(ge=1, le=65_535)]
    """In pixels."""
    mode: Literal["L", "RGB"] = "RGB"
    """One value of grey for each pixel, or three of colour."""
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 255.0
    """What values from 0 to 255 are divided by; 1: they stay as they are."""
    layout: Literal["hwc", "chw"] = "hwc"
    """Whether the colours are a tensor's last dimension or its first, the batch not counted."""


class ServerDescriptor(_Part):
    """What a model server calls the model, and how it is asked."""

    name: _Word = "default"
    """The server, as `service.servers` of the settings calls it."""
    model: Annotated[str | None, Field(min_length=1, max_length=200), _LEFT_OUT] = None
    """Its name there. Unset: as here."""
    version: Annotated[int | None, Field(ge=0, le=HIGHEST_VERSION, strict=True), _LEFT_OUT] = None
    """Its version there. Unset: as here where the server has it from the registry (`saved-model`), else the server's
    choice."""
    label: Annotated[str | None, Field(min_length=1, max_length=200), _LEFT_OUT] = None
    """Its version by a label of the server's, such as `stable`."""
    signature: Annotated[str, Field(min_length=1, max_length=200)] = "serving_default"
    """Which of the model's signatures is called."""
    method: Literal["predict", "classify", "regress"] = "predict"
    """By which of TensorFlow Serving's methods."""

    @model_validator(mode="after")
    def _one_version(self) -> Self:
        if self.version is not None and self.label is not None:
            raise ValueError("version and label say the same; leave one of them out")
        return self


class FieldDescriptor(_Part):
    """One field of a model's input or output. What the model's file does not say is left out."""

    name: Annotated[str, Field(min_length=1)]
    """As in the model's file."""
    type: _Type
    """Data type, in the words of the model's own format (PMML: double, integer, string, ...; Spark: double, long,
    string, double[], ...; TensorFlow, in lower case: float, int64, string, ...)."""
    shape: Annotated[tuple[Annotated[int, Field(ge=-1)], ...] | None, Field(max_length=8), _LEFT_OUT] = None
    """Of a tensor: its dimensions, -1 where any number will do; the first is that of the batch."""
    image: Annotated[ImageDescriptor | None, _LEFT_OUT] = None
    """Input: requests carry an image, which is decoded. Unset: a value, or an image's bytes as they are."""
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
    uri: Annotated[str | None, Field(min_length=1), _LEFT_OUT] = None
    """The model's file: a path relative to the descriptor's own folder, an absolute path, or a URI. Required, but for
    formats whose models are their server's (`tensorflow-serving`, `open-inference`): those have no file."""
    sha256: Annotated[str | None, StringConstraints(pattern=r"^[0-9a-f]{64}$"), _LEFT_OUT] = None
    """Digest of the file's bytes, in lower-case hexadecimal. Required where there is a file."""
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
    server: Annotated[ServerDescriptor | None, _LEFT_OUT] = None
    """Job `service` only: the server that has the model. Unset: the default one, which calls it as here."""
    prediction: str | None = None
    """The output that becomes the result's `prediction`. Unset: the job picks it."""
    sample: dict[str, Any] | list[Any] | None = None
    """An input that the model can score, to warm it up and to try it."""

    @property
    def ref(self) -> ModelRef:
        """Name and version."""
        return ModelRef(self.name, self.version)

    @property
    def has_file(self) -> bool:
        """Whether there is a file; else its server has the model."""
        return self.format not in SERVER_FORMATS

    @property
    def file(self) -> ModelFile:
        """Its file.

        Raises `ModelLoadError` where there is none.
        """
        if self.uri is None or self.sha256 is None:
            raise ModelLoadError(str(self.ref), f"a model of format {self.format!r} is its server's: it has no file")
        return ModelFile(self.uri, self.sha256, self.bytes)

    @property
    def suffix(self) -> str:
        """What the name of its file ends with, after the dot."""
        return "zip" if self.format in FOLDER_FORMATS else self.format

    @property
    def in_worker(self) -> bool:
        """Whether workers load its file; else a model server does, and they ask that."""
        return self.job != _SERVICE

    @property
    def on_server(self) -> ServerDescriptor:
        """What its server calls it, with nothing left open that is known here."""
        said = self.server or ServerDescriptor()
        version = self.version if said.version is None and said.label is None and self.has_file else said.version
        return said.model_copy(update={"model": said.model or self.name, "version": version})

    @property
    def content(self) -> str:
        """Tell what makes it this version and no other: the digest of its file, or what its server calls it."""
        if self.has_file:
            return f"sha256 {self.sha256}"
        said = self.on_server.model_dump(mode="json")
        return f"{self.format} {json.dumps(said, sort_keys=True)}"

    @property
    def identity(self) -> str:
        """Digest of what makes it this version: two with the same ref must not differ in it."""
        return self.sha256 or hashlib.sha256(self.content.encode()).hexdigest()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = [*self._file_faults()]
        if self.job != _SERVICE:
            if not self.has_file:
                faults.append(f"format {self.format!r} is of job 'service' only, got job {self.job!r}")
            if self.server is not None:
                faults.append(f"key 'server' is of job 'service' only, got job {self.job!r}")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _file_faults(self) -> Iterator[str]:
        for key, value in (("uri", self.uri), ("sha256", self.sha256)):
            if self.has_file and value is None:
                yield f"key {key!r} is missing"
            elif not self.has_file and value is not None:
                yield f"key {key!r} is of no use: a model of format {self.format!r} is its server's; remove it"

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
        return found if found.uri is None else found.model_copy(update={"uri": _absolute(found.uri, path.parent)})

    def plain(self) -> dict[str, Any]:
        """The descriptor as dicts, lists and scalars, which is how it travels to a worker; `parse` takes it back."""
        return self.model_dump(mode="json")


def usual_format(job: str) -> str:
    """Return the format of a job's models where nobody says another."""
    return _USUAL_FORMATS.get(job, job)


_PARTS: Mapping[str, type[_Part]] = {
    "inputs": FieldDescriptor,
    "outputs": FieldDescriptor,
    "server": ServerDescriptor,
    "image": ImageDescriptor,
}
"""What keys hold that have keys of their own."""


def _known_part(tree: object, model: type[_Part] = ModelDescriptor, place: str = "") -> tuple[Any, tuple[str, ...]]:
    """What of a message's data is known here, and the places of what is not."""
    if not isinstance(tree, dict):
        return tree, ()
    known = {key: value for key, value in tree.items() if key in model.model_fields}
    unknown = tuple(f"{place}{key}" for key in tree if key not in known)
    for key in known.keys() & _PARTS.keys():
        part, found = _PARTS[key], known[key]
        if isinstance(found, list):
            parts = [_known_part(each, part, f"{place}{key}.{number}.") for number, each in enumerate(found)]
            known[key] = [each for each, _ in parts]
        else:
            parts = [_known_part(found, part, f"{place}{key}.")]
            known[key] = parts[0][0]
        unknown += tuple(name for _, names in parts for name in names)
    return known, unknown


def _absolute(uri: str, folder: Path) -> str:
    return uri if "://" in uri else str((folder / uri).resolve())


def _fault(detail: ErrorDetails) -> str:
    place = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        *parents, key = detail["loc"]
        owner = next((_PARTS[str(part)] for part in reversed(parents) if str(part) in _PARTS), ModelDescriptor)
        known = owner.model_fields
        return f"key {place!r} is unknown{_nearest(str(key), known)}"
    if detail["type"] == "missing":
        return f"key {place!r} is missing"
    said = detail["msg"].removeprefix("Value error, ")
    if not place:  # about the whole of it, which says what was found
        return said
    return f"{place}: {said[:1].lower()}{said[1:]}, got {detail['input']!r}"


def _nearest(key: str, known: Mapping[str, object] | Iterable[str]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0)
    return f"; did you mean {close[0]!r}?" if close else ""
