"""Builders with defaults for everything that a test does not care about: documents, and batches of records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.event import REQUEST, RESULT, Blank, ce_time, coordinates, unpack_headers
from penstock.routing.document import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.routing.document import RoutingDocument

__all__ = [
    "PLACE",
    "TIMESTAMP_MS",
    "UNSEEN_BYTES",
    "Events",
    "Requests",
    "Results",
    "document",
    "events",
    "filled",
    "request",
    "requests",
    "result",
    "results",
    "route",
]

TIMESTAMP_MS = 1_767_323_045_678  # 2026-01-02T03:04:05.678Z, whose every part differs from the others
UNSEEN_BYTES = 80  # a short key, no headers, and what Kafka writes around them
PLACE = coordinates("events", 0, 12)


class Events(NamedTuple):
    """Columns in the order in which the router takes them: ``router.route(*batch)``."""

    values: list[bytes | None]
    unseen_bytes: list[int]
    topics: list[str]
    headers: list[str | None]
    keys: list[bytes | None]
    partitions: list[int]
    offsets: list[int]


class Requests(NamedTuple):
    """Columns with the names that jobs give them: ``Requests(**batch._asdict())``."""

    values: list[bytes | None]
    unseen_bytes: list[int]
    topics: list[str]
    timestamps_ms: list[int]
    models: list[str | None]
    content_types: list[str | None]
    shadows: list[str | None]


class Results(NamedTuple):
    """Columns in the order in which the renderer takes them: ``renderer.render(*batch)``."""

    values: list[bytes | None]
    unseen_bytes: list[int]
    texts: list[tuple[str | None, ...]]


def route(name: str = "iris", **changes: Any) -> dict[str, Any]:
    """Return a route in plain data that takes events of its name's type and scores them with ``iris-tree:1``."""
    plain = {"name": name, "match": {"type": name}, "model": "iris-tree:1", "output": {"topic": f"{name}-results"}}
    return plain | changes


def document(**changes: Any) -> RoutingDocument:
    """Return a document with one JSON source ``events`` and one route ``iris``; keys given replace the document's."""
    plain = {
        "version": 7,
        "sources": [{"topic": "events", "format": "json", "type": {"field": "type"}}],
        "routes": [route()],
        "models": {"iris-tree": {"job": "pmml"}},
    }
    return parse(plain | changes)


def events(
    *values: bytes | None,
    topic: str = "events",
    headers: Mapping[str, str | None] | None = None,
    key: bytes | None = None,
) -> Events:
    """Return a batch of events, one for each value, all with the same headers and key, from offset 12 on."""
    count = len(values)
    return Events(
        values=[*values],
        unseen_bytes=[UNSEEN_BYTES] * count,
        topics=[topic] * count,
        headers=[None if headers is None else json.dumps(headers)] * count,
        keys=[key] * count,
        partitions=[0] * count,
        offsets=list(range(12, 12 + count)),
    )


def filled(packed: str, place: str = PLACE) -> dict[str, str]:
    """Return added headers as the engine writes them: blanks filled in."""
    fillings: dict[str, str] = {Blank.PLACE: place, Blank.TIME: ce_time(TIMESTAMP_MS)}
    return {name: fillings.get(text, text) for name, text in unpack_headers(packed).items()}


def request(data: object, sent: object = None) -> bytes:
    """Return the value of a request whose route transforms."""
    return _dump({"input": data if sent is None else sent, "data": data})


def requests(*values: bytes | None, model: str = "iris-tree:1", content_type: str | None = REQUEST) -> Requests:
    """Return a batch of requests to a PMML model."""
    count = len(values)
    return Requests(
        values=[*values],
        unseen_bytes=[UNSEEN_BYTES] * count,
        topics=[f"penstock.pmml.{model.partition(':')[0]}"] * count,
        timestamps_ms=[TIMESTAMP_MS] * count,
        models=[model] * count,
        content_types=[content_type] * count,
        shadows=[None] * count,
    )


def result(prediction: object = 0, **changes: Any) -> bytes:
    """Return the value of a result; fields given replace those of the result."""
    plain = {
        "input": "5.1,3.5,1.4,0.2",
        "prediction": prediction,
        "outputs": {"predicted_label": prediction},
        "scored_at": ce_time(TIMESTAMP_MS + 42),
        "latency_ms": 42,
    }
    return _dump(plain | changes)


def results(
    *values: bytes | None,
    route: str | None = "iris",
    content_type: str | None = RESULT,
    shadow: str | None = None,
    version: str | None = "7",
) -> Results:
    """Return a batch of results of one route and version."""
    count = len(values)
    return Results(
        values=[*values],
        unseen_bytes=[UNSEEN_BYTES] * count,
        texts=[("penstock.results", route, content_type, shadow, version)] * count,
    )


def _dump(plain: object) -> bytes:
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()
