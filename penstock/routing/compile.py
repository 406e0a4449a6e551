"""A routing document compiled to look-ups: what can be computed once per document is not computed per event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.codec import BytesCodec, Codec, CsvCodec, JsonCodec, TaggedCodec, TextCodec
from penstock.errors import TransformError
from penstock.event import (
    CE_ID,
    CE_SOURCE,
    CE_SPECVERSION,
    CE_TIME,
    CE_TYPE,
    CONFIG_VERSION,
    CONTENT_TYPE,
    JSON,
    MODEL,
    REQUEST,
    ROUTE,
    SPECVERSION,
    TEXT,
    Blank,
    added_size,
    pack_headers,
)
from penstock.models.ref import ModelRef
from penstock.routing.document import DEFAULT_SEPARATORS, Output, OutputFormat, Route, RoutingDocument, Source
from penstock.routing.match import by_type
from penstock.routing.registry import Bound, Side, Step, pipeline, read
from penstock.topics import request_topic
from penstock.writers import Writer, tagged_writer, write_json, write_text, write_value

__all__ = ["Lane", "OutputPlan", "SourcePlan", "encoded", "outputs", "sources", "unmatched_lane"]

Make = Callable[[Any], bytes | None]
"""Makes a request's value from what a codec read; None means the event's own bytes."""

_OUTPUT_TYPES: Mapping[OutputFormat, str] = {"json": JSON, "text": TEXT, "tagged": TEXT, "value": JSON}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What becomes of the events of one source that have one type."""

    topic: str | None
    """Where they go; None: nowhere."""
    headers: str
    """Those that are added, packed; the same for all of them, with blanks for what differs."""
    added_bytes: int
    """What these headers add to a record's size, at most."""
    make: Make
    route: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """How the events of one source are read, and their lanes by type."""

    topic: str
    content_type: str
    """Of its events, as they are."""
    read: Callable[[bytes | None], tuple[str, Any]]
    """`Codec.read`."""
    header: str | None
    """The record's header that says the type, if one does."""
    constant: str | None
    lanes: Mapping[str, Lane]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlan:
    """What becomes of the results of one route."""

    topic: str
    headers: str
    """Those that are added, packed; the result's own stay beside them."""
    added_bytes: int
    """What these headers add to a record's size, at most."""
    step: Step | None
    """The output's transforms; None where there are none."""
    write: Writer | None
    """None where the result's own bytes go out."""


def sources(document: RoutingDocument, prefix: str) -> dict[str, SourcePlan]:
    """Compile the way from the sources to the models, by source topic."""
    routes = by_type(document.routes)
    bound = {route.name: _bound(route.transform, Side.EVENT) for route in document.routes}
    plans = {}
    for source in document.sources:
        codec = codec_of(source)
        rule = source.type
        lanes = {}
        for event_type, route in routes.items():
            make, content_type = _making(source, codec, bound[route.name])
            job = document.models[ModelRef.parse(route.model).name].job
            headers = _headers(source.topic, event_type, content_type, _route_headers(route, document.version))
            lanes[event_type] = Lane(
                topic=request_topic(prefix, job, ModelRef.parse(route.model).name),
                headers=headers,
                added_bytes=added_size(headers),
                make=make,
                route=route.name,
                model=route.model,
            )
        plans[source.topic] = SourcePlan(
            topic=source.topic,
            content_type=codec.content_type,
            read=codec.read,
            header=rule.header if rule else None,
            constant=rule.constant if rule else None,
            lanes=lanes,
        )
    return plans


def unmatched_lane(topic: str, plan: SourcePlan, event_type: str, version: int) -> Lane:
    """Compile the lane of an event that no route takes, where the document gives a topic for those."""
    headers = _headers(plan.topic, event_type, plan.content_type, {CONFIG_VERSION: str(version)})
    return Lane(topic=topic, headers=headers, added_bytes=added_size(headers), make=lambda _: None)


def outputs(document: RoutingDocument) -> dict[str, OutputPlan]:
    """Compile the way from the results to the users, by route."""
    return {route.name: _output(route.output) for route in document.routes}


def codec_of(source: Source) -> Codec[Any]:
    """Return the codec that reads a source."""
    separator = source.separator or DEFAULT_SEPARATORS.get(source.format, "")
    field = source.type.field if source.type else None
    match source.format:
        case "json":
            return JsonCodec(field)
        case "csv":
            return CsvCodec(source.columns or [], separator, source.cast, type_column=field)
        case "tagged":
            return TaggedCodec(separator)
        case "text":
            return TextCodec()
        case "bytes":
            return BytesCodec()


def encoded(data: object) -> bytes:
    """Write what transforms made as JSON; only a transform of somebody else's makes what JSON does not have."""
    try:
        return msgspec.json.encode(data)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise TransformError("as JSON", f"what the transforms made cannot be written: {error}") from error


def _bound(items: list[Any], side: Side) -> list[Bound]:
    bound, _ = read(items, side)  # a document that was loaded has no faults
    return bound


def _making(source: Source, codec: Codec[Any], bound: Iterable[Bound]) -> tuple[Make, str]:
    """Return how a source's requests are made, and of what content type they are."""
    objects = source.format == "csv" or (source.type is not None and source.type.field is not None)
    steps = [step for step in bound if not (objects and step.objects_pass)]
    if codec.self_contained and all(step.name == "as_is" for step in steps):
        return codec.payload, codec.content_type
    run = pipeline(steps)

    def make(body: Any) -> bytes:
        data = encoded(run(codec.data(body)))
        sent = codec.input(body)
        return b'{"data":%b}' % data if sent is None else b'{"input":%b,"data":%b}' % (sent, data)

    return make, REQUEST


def _route_headers(route: Route, version: int) -> dict[str, str]:
    return {ROUTE: route.name, MODEL: route.model, CONFIG_VERSION: str(version)}


def _headers(source: str, event_type: str, content_type: str, of_route: Mapping[str, str]) -> str:
    return pack_headers(
        {
            CE_SPECVERSION: SPECVERSION,
            CE_ID: Blank.PLACE,
            CE_SOURCE: source,
            CE_TYPE: event_type,
            CE_TIME: Blank.TIME,
            CONTENT_TYPE: content_type,
            **of_route,
        }
    )


def _output(output: Output) -> OutputPlan:
    steps = [step for step in _bound(output.transform, Side.RESULT) if step.name != "as_is"]
    writers: Mapping[OutputFormat, Writer] = {
        "json": write_json,
        "text": write_text,
        "value": write_value,
        "tagged": tagged_writer(output.separator or DEFAULT_SEPARATORS["tagged"]),
    }
    headers = pack_headers({CONTENT_TYPE: _OUTPUT_TYPES[output.format]})
    return OutputPlan(
        topic=output.topic,
        headers=headers,
        added_bytes=added_size(headers),
        step=pipeline(steps) if steps else None,
        write=None if output.format == "json" and not steps else writers[output.format],
    )
