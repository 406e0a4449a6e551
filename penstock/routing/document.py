"""The routing document: everything that decides where an event goes, as models that validate it.

`load` and `parse` are the ways to get one: they check the whole document and tell every fault at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from penstock.errors import RoutingDocumentError
from penstock.routing.parameters import CastRule, Fields

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

__all__ = [
    "DEFAULT_PREFIX",
    "Match",
    "ModelEntry",
    "Output",
    "OutputFormat",
    "Route",
    "RoutingDocument",
    "Source",
    "SourceFormat",
    "TypeRule",
    "UnmatchedTopic",
    "load",
    "parse",
]

DEFAULT_PREFIX = "penstock"
"""Of internal topics, which no source or output may use; installations that set another hand it to `load`."""

DEFAULT_SEPARATORS = {"tagged": "###", "csv": ","}

SourceFormat = Literal["json", "text", "csv", "bytes", "tagged"]
OutputFormat = Literal["json", "text", "tagged", "value"]
Job = Literal["pmml", "spark", "service"]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
"""Of a route: it travels in headers and stands in metrics, so it has no blanks and no controls."""
Text = Annotated[str, Field(min_length=1)]
Topic = Annotated[str, Field(min_length=1, max_length=249)]


class Strict(BaseModel):
    """What all parts of the document share: unknown keys are faults, text is not taken for numbers, nothing changes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class TypeRule(Strict):
    """Where an event says its type; exactly one of the three."""

    field: Text | None = None
    """The field of a JSON object, or the column of a CSV row."""
    header: Text | None = None
    """The record's header of this name."""
    constant: Text | None = None
    """All events of the topic have this type."""


class Source(Strict):
    """A users' topic that events are read from."""

    topic: Topic
    """Its name; it exists, or is made by `penstock up`. Not an internal one, and no output of this document."""
    format: SourceFormat
    """How the value is written: json, csv (one row), text, bytes (never looked into), tagged (`type###payload`)."""
    type: TypeRule | None = None
    """Where the type stands; for every format but tagged, which carries it."""
    separator: Text | None = None
    """tagged: between type and payload, taken literally, `###` by default. csv: between cells, one character, `,`."""
    columns: Fields | None = None
    """csv: names of the cells, in their order."""
    cast: CastRule | None = None
    """csv: the type of all cells but the one with the event's type, or of some by column: float, int, str, bool."""


def _as_list(found: object) -> object:
    return [found] if isinstance(found, str) else found


class Match(Strict):
    """Which events a route takes."""

    type: Annotated[
        list[Text],
        Field(min_length=1),
        BeforeValidator(_as_list),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
                ]
            }
        ),
    ]
    """The event's type, or a list of types."""


Transforms = list[Any]
"""Names, or one name with its parameters each; `penstock.routing.registry.read` looks into them."""


class Output(Strict):
    """Where a route's results go, and in which form."""

    topic: Topic
    """A users' topic. Routes may share one; no source may be one."""
    format: OutputFormat = "json"
    """json: the whole result. text: the prediction. tagged: `message###prediction`. value: the prediction as JSON."""
    transform: Transforms = []
    """What happens to the result before it is written."""
    separator: Text | None = None
    """tagged: between message and prediction; `###` by default."""


class Route(Strict):
    """What happens to the events that match. Routes are tried in order, the first match wins."""

    name: Name
    """Stands in headers and tables: letters, digits, '.', '_' and '-'."""
    match: Match
    """Which events it takes."""
    transform: Transforms = []
    """What happens to the event before the model gets it; none, or `as_is`: nothing."""
    model: Text
    """The model that scores: `name:version`, or the bare name for whichever version is live."""
    output: Output
    """Where its results go."""


class ModelEntry(Strict):
    """A model that routes may name."""

    job: Job
    """The job that scores with it."""


class UnmatchedTopic(Strict):
    """A users' topic for events that no route takes."""

    topic: Topic
    """Gets them with their own bytes, and with the headers of Penstock beside their own."""


Unmatched = Annotated[
    Annotated[Literal["dead-letter", "drop"], Tag("word")] | Annotated[UnmatchedTopic, Tag("topic")],
    # Named arms give one fault where pydantic would give one for each arm.
    Discriminator(lambda found: "topic" if isinstance(found, dict | UnmatchedTopic) else "word"),
]


class RoutingDocument(Strict):
    """The whole routing configuration, with its version."""

    version: Annotated[int, Field(ge=1)]
    """Raised with every change; every record is stamped with the version that routed it."""
    sources: Annotated[list[Source], Field(min_length=1)]
    """Where events are read."""
    routes: Annotated[list[Route], Field(min_length=1)]
    """What happens to them, by their type."""
    unmatched: Unmatched = "dead-letter"
    """What becomes of events that no route takes: dead-letter, drop, or a topic."""
    models: dict[str, ModelEntry]
    """The models that routes name, by name without a version."""


def load(source: str | Path, *, prefix: str = DEFAULT_PREFIX) -> RoutingDocument:
    """Read a routing document from a file (a `Path`) or from its text (a `str`), in YAML or JSON.

    Args:
        source: where the document is.
        prefix: of internal topics (``topics.prefix`` of the settings).

    Raises:
        RoutingDocumentError: with every fault of the document, each with its place.
    """
    if isinstance(source, str):
        return _from_text(source, prefix=prefix)
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RoutingDocumentError((f"the file {str(source)!r} cannot be read: {error}",)) from error
    return _from_text(text, prefix=prefix)


def _from_text(text: str, *, prefix: str = DEFAULT_PREFIX) -> RoutingDocument:
    """Read a routing document from its text, as `load` does."""
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 a safe loader, which also minds keys that stand twice
    except yaml.YAMLError as error:
        raise RoutingDocumentError((f"the document is not YAML: {' '.join(str(error).split())}",)) from error
    return parse(data, prefix=prefix)


def parse(data: object, *, prefix: str = DEFAULT_PREFIX) -> RoutingDocument:
    """Make a routing document from plain data, as YAML or JSON has it; `load` says what is raised."""
    from penstock.routing.checks import faults_of  # it looks into the models that stand here

    faults = faults_of(data, prefix)
    if faults:
        raise RoutingDocumentError(tuple(map(str, faults)))
    return RoutingDocument.model_validate(data)


class _Loader(yaml.SafeLoader):
    """YAML, but a key that stands twice in a mapping is a fault: of two routes' names the first would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        mapping = super().construct_mapping(node, deep)
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for number, key in enumerate(keys) if key in keys[:number]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"key {twice!r} stands twice", node.start_mark)
        return mapping
