"""Lanes: how the events of one source that have one type become the requests of one model."""

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
    CONTENT_TYPE,
    REQUEST,
    SPECVERSION,
    Blank,
    added_size,
    pack_headers,
)
from penstock.routing.document import DEFAULT_SEPARATORS, Source
from penstock.routing.registry import Bound, Side, pipeline, read

__all__ = ["Lane", "Make", "as_they_are", "bound", "codec_of", "encoded", "lane", "making"]

Make = Callable[[Any], bytes | None]
"""Makes a request's value from what a codec read; None means the event's own bytes."""


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


def lane(  # noqa: PLR0913 what a lane is made of
    topic: str,
    source: str,
    event_type: str,
    content_type: str,
    own: Mapping[str, str],
    make: Make,
    *,
    route: str | None = None,
    model: str | None = None,
) -> Lane:
    """Make a lane; ``own`` are the headers that other lanes of this source and type do not have."""
    headers = pack_headers(
        {
            CE_SPECVERSION: SPECVERSION,
            CE_ID: Blank.PLACE,
            CE_SOURCE: source,
            CE_TYPE: event_type,
            CE_TIME: Blank.TIME,
            CONTENT_TYPE: content_type,
            **own,
        }
    )
    return Lane(topic=topic, headers=headers, added_bytes=added_size(headers), make=make, route=route, model=model)


def as_they_are(_: object) -> None:
    """Leave the event's own bytes."""


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


def bound(items: list[Any], side: Side) -> list[Bound]:
    """Return a list of transforms, compiled; a document that was loaded has no faults in them."""
    return read(items, side)[0]


def making(source: Source, codec: Codec[Any], steps: Iterable[Bound]) -> tuple[Make, str]:
    """Return how a source's requests are made by a route's transforms, and of what content type they are."""
    objects = source.format == "csv" or (source.type is not None and source.type.field is not None)
    steps = [step for step in steps if not (objects and step.objects_pass)]
    if codec.self_contained and all(step.name == "as_is" for step in steps):
        return codec.payload, codec.content_type
    run = pipeline(steps)

    def make(body: Any) -> bytes:
        data = encoded(run(codec.data(body)))
        sent = codec.input(body)
        return b'{"data":%b}' % data if sent is None else b'{"input":%b,"data":%b}' % (sent, data)

    return make, REQUEST
