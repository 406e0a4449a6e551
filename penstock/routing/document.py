"""The routing document: everything that decides where an event goes, as models that validate it.

`load` and `parse` are the ways to get one: they check the whole document and tell every fault at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from penstock.errors import RoutingDocumentError
from penstock.routing.parameters import CastRule, Duration, Fields, JsonScalar, Moment, Number
from penstock.routing.reading import plain_data

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DEFAULT_PREFIX",
    "DEFAULT_SEPARATORS",
    "Condition",
    "Match",
    "ModelEntry",
    "Output",
    "OutputFormat",
    "Ramp",
    "Range",
    "Route",
    "RoutingDocument",
    "Shadow",
    "Source",
    "SourceFormat",
    "Split",
    "SplitBy",
    "Strict",
    "Text",
    "TypeRule",
    "UnmatchedTopic",
    "Variant",
    "load",
    "parse",
]

DEFAULT_PREFIX = "penstock"
"""Of internal topics, which no source or output may use; installations that set another hand it to `load`."""

DEFAULT_SEPARATORS = {"tagged": "###", "csv": ","}

#: Of 18 digits, as many as are read of a version in a header: enough for a time in milliseconds.
_HIGHEST = 10**18 - 1
#: A year; more digits are a slip of the finger.
_LONGEST_MS = 366 * 24 * 60 * 60 * 1000

SourceFormat = Literal["json", "text", "csv", "bytes", "tagged"]
OutputFormat = Literal["json", "text", "tagged", "value"]
Job = Literal["pmml", "spark", "service"]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
"""Of a route, variant or shadow: it travels in headers and stands in metrics, so it has no blanks and no controls."""
Text = Annotated[str, Field(min_length=1)]
Weight = Annotated[float, Field(ge=0, le=1_000_000_000)]
Topic = Annotated[str, Field(min_length=1, max_length=249)]


class Strict(BaseModel):
    """What all parts of the document share: unknown keys are faults, text is not taken for numbers, nothing changes."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True, serialize_by_alias=True
    )


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


Texts = Annotated[
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
"""A text, or a list of them of which one is enough."""


class Range(Strict):
    """Bounds of a number, at least one of them; what is no number lies in no range."""

    gt: Number | None = None
    """Greater than this."""
    gte: Number | None = None
    """Greater than this, or equal."""
    lt: Number | None = None
    """Less than this."""
    lte: Number | None = None
    """Less than this, or equal."""


def _arm(found: object) -> str:
    return "range" if isinstance(found, dict | Range) else "list" if isinstance(found, list) else "scalar"


Condition = Annotated[
    Annotated[JsonScalar, Tag("scalar")]
    | Annotated[list[JsonScalar], Field(min_length=1), Tag("list")]
    | Annotated[Range, Tag("range")],
    Discriminator(_arm),  # named arms give one fault where pydantic would give one for each arm
]
"""On one field: a value, a list of which one is enough, or a range. Equal means equal in JSON: 1 is 1.0, not "1"."""


def _empty(found: object) -> bool:
    """Left out of dumps: an empty condition is a fault where somebody writes one."""
    return not found


class Match(Strict):
    """Which events a route takes: those for which all of these hold. None at all: every event."""

    type: Texts = Field(default=[], exclude_if=_empty)
    """The event's type, or a list of types."""
    topic: Texts = Field(default=[], exclude_if=_empty)
    """The source topic, or a list of them."""
    header: dict[Text, Texts] = Field(default={}, min_length=1, exclude_if=_empty)
    """The record's own headers of these names have these texts; a header that is absent has none."""
    field: dict[Text, Condition] = Field(default={}, min_length=1, exclude_if=_empty)
    """Fields of the event, which is an object (json, csv): a value, a list of values, or a range of numbers."""


class Ramp(Strict):
    """A weight that grows (or falls) by wall clock, in equal steps, with no further message."""

    from_: Weight = Field(alias="from")
    """The weight before the first step."""
    to: Weight
    """The weight after the last step."""
    over: Duration
    """From the start to the last step: a whole number and its unit, as in 90s, 30m, 2h, 7d."""
    steps: Annotated[int, Field(ge=1, le=10_000)]
    """In how many equal steps."""
    start: Moment | None = None
    """When it starts, RFC 3339 with offset; left out, when the document was published."""


class Variant(Strict):
    """One arm of a split."""

    name: Name
    """Stands in headers: letters, digits, '.', '_' and '-'. Renaming it moves its keys."""
    weight: Weight | None = None
    """Its share, relative to the other weights, which need not sum to 100; 0 gets nothing. Or else a ramp."""
    ramp: Ramp | None = None
    """A weight that changes by wall clock."""
    model: Text
    """The model that scores: `name:version`, or the bare name for whichever version is live."""


class SplitBy(Strict):
    """What of an event decides its variant, where that is neither key nor event; exactly one of the two."""

    field: Text | None = None
    """A field of the event (json, csv): text, number, true or false."""
    header: Text | None = None
    """The record's own header of this name."""


class Split(Strict):
    """Shares events between variants, by a stable hash: equal keys have equal variants, in every worker."""

    by: Annotated[
        Annotated[Literal["key", "event"], Tag("word")] | Annotated[SplitBy, Tag("part")],
        Discriminator(lambda found: "part" if isinstance(found, dict | SplitBy) else "word"),
    ] = "key"
    """What is hashed: the record's key, a field, a header, or the event's coordinates (no two events have the same).
    An event that has no such key, field or header is shared by its coordinates."""
    salt: Text = Field(default="", exclude_if=_empty)
    """What else is hashed, so that two routes share their events differently; left out, the route's name."""
    variants: Annotated[list[Variant], Field(min_length=1)]
    """Who gets a share."""
    overrides: dict[str, Name] = {}
    """Keys, as text, that get the variant named whatever their hash says."""


class Shadow(Strict):
    """A copy of an event that another model scores; its result never reaches a user's topic."""

    model: Text
    """The model that scores the copy."""
    percent: Annotated[float, Field(ge=0, le=100)] = 100
    """How many of the route's events are copied, by the same hash as the route's split."""
    name: Name | None = None
    """Stands in headers; left out, the model as it is written here."""

    @property
    def label(self) -> str:
        """What headers call it."""
        return self.name or self.model


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
    match: Match = Field(default_factory=Match)
    """Which events it takes; left out, every event that `when` takes."""
    when: Text = Field(default="", exclude_if=_empty)
    """An expression over event, key, headers, type and topic that must be true, too; see routing.md."""
    on_error: Literal["no-match", "dead-letter"] = "no-match"
    """Where `when` cannot be computed for an event: no-match (which is counted), or dead-letter."""
    continues: bool = Field(default=False, alias="continue")
    """Whether events that it takes go on to later routes as well."""
    transform: Transforms = []
    """What happens to the event before the model gets it; none, or `as_is`: nothing."""
    model: Text | None = None
    """The model that scores: `name:version`, or the bare name for whichever version is live. Or else a split."""
    split: Split | None = None
    """Several models that share the events."""
    shadow: list[Shadow] = []
    """Models that score copies."""
    output: Output
    """Where its results go."""
    deadline_ms: Annotated[int, Field(ge=1, le=_LONGEST_MS)] | None = None
    """How old an event may be, by its own timestamp, when it is scored and when its score is written. What is older
    becomes a dead letter with code DEADLINE. Left out, a score is never too late."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models that score its events, as they are written; shadows are not among them."""
        if self.split is not None:
            return tuple(variant.model for variant in self.split.variants)
        return () if self.model is None else (self.model,)


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

    version: Annotated[int, Field(ge=1, le=_HIGHEST)]
    """Raised with every change; every record is stamped with the version that routed it."""
    sources: Annotated[list[Source], Field(min_length=1)]
    """Where events are read."""
    routes: Annotated[list[Route], Field(min_length=1)]
    """What happens to them, by their type."""
    unmatched: Unmatched = "dead-letter"
    """What becomes of events that no route takes: dead-letter, drop, or a topic."""
    models: dict[str, ModelEntry]
    """The models that routes name, by name without a version."""


def load(source: str | bytes | Path, *, prefix: str = DEFAULT_PREFIX) -> RoutingDocument:
    """Read a routing document from a file (a `Path`) or from its text (a `str`, or UTF-8), in YAML or JSON.

    Args:
        source: where the document is, or the document.
        prefix: of internal topics (``topics.prefix`` of the settings).

    Raises:
        RoutingDocumentError: with every fault of the document, each with its place.
    """
    if isinstance(source, str | bytes):
        return parse(plain_data(source), prefix=prefix)
    try:
        text = source.read_bytes()
    except OSError as error:
        raise RoutingDocumentError((f"the file {str(source)!r} cannot be read: {error}",)) from error
    return parse(plain_data(text), prefix=prefix)


def parse(data: object, *, prefix: str = DEFAULT_PREFIX) -> RoutingDocument:
    """Make a routing document from plain data, as YAML or JSON has it; `load` says what is raised."""
    from penstock.routing.checks import checked  # it looks into the models that stand here

    document, faults = checked(data, prefix)
    if document is None or faults:
        raise RoutingDocumentError(tuple(map(str, faults)))
    return document
