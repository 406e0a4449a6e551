"""Builders with defaults for everything that a test does not care about: documents, and batches of records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.event import (
    CE_ID,
    CE_SOURCE,
    CE_SPECVERSION,
    CE_TIME,
    CE_TYPE,
    CONFIG_VERSION,
    CONTENT_TYPE,
    MODEL,
    REQUEST,
    RESULT,
    ROUTE,
    SOURCE,
    SPECVERSION,
    VARIANT,
    ce_time,
    coordinates,
)
from penstock.routing.document import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.routing.document import RoutingDocument

__all__ = ["TIMESTAMP_MS", "Batch", "document", "events", "request", "requests", "result", "results", "route"]

TIMESTAMP_MS = 1_767_323_045_678  # 2026-01-02T03:04:05.678Z, whose every part differs from the others
_TYPE = "iris"


class Batch(NamedTuple):
    """Columns in the order in which routers and renderers take them: ``router.route(*batch)``."""

    values: list[bytes | None]
    keys: list[bytes | None]
    topics: list[str]
    partitions: list[int]
    offsets: list[int]
    timestamps_ms: list[int]
    headers: list[str | None]


def route(name: str = "iris", **changes: Any) -> dict[str, Any]:
    """Return a route in plain data that takes events of its name's type and scores them with ``iris-tree:1``."""
    return {
        "name": name,
        "match": {"type": name},
        "model": "iris-tree:1",
        "output": {"topic": f"{name}-results"},
    } | changes


def document(**changes: Any) -> RoutingDocument:
    """Return a document with one JSON source ``events`` and one route ``iris``; keys given replace the document's."""
    plain = {
        "version": 7,
        "sources": [{"topic": "events", "format": "json", "type": {"field": "type"}}],
        "routes": [route()],
        "models": {"iris-tree": {"job": "pmml"}},
    }
    return parse(plain | changes)


def events(*values: bytes | None, topic: str = "events", headers: Mapping[str, str | None] | None = None) -> Batch:
    """Return a batch of events, one for each value, from offset 0 of partition 0 on, all with the same headers."""
    return _batch(values, topic, headers)


def request(data: object, sent: object = None) -> bytes:
    """Return the value of a request whose route transforms."""
    return _dump({"input": data if sent is None else sent, "data": data})


def requests(*values: bytes | None, model: str = "iris-tree:1", content_type: str = REQUEST, **headers: str) -> Batch:
    """Return a batch of requests to a PMML model, with the headers that the input adapter gives them."""
    topic = f"penstock.pmml.{model.partition(':')[0]}"
    return _batch(values, topic, _envelope(content_type) | {MODEL: model} | _named(headers))


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


def results(*values: bytes | None, **headers: str) -> Batch:
    """Return a batch of results; ``headers`` replace Penstock's own, without their prefix: ``shadow="true"``."""
    return _batch(values, "penstock.results", _envelope(RESULT) | _named(headers))


def _batch(values: tuple[bytes | None, ...], topic: str, headers: Mapping[str, str | None] | None) -> Batch:
    count = len(values)
    return Batch(
        values=[*values],
        keys=[b"k"] * count,
        topics=[topic] * count,
        partitions=[0] * count,
        offsets=[*range(count)],
        timestamps_ms=[TIMESTAMP_MS] * count,
        headers=[None if headers is None else json.dumps(headers)] * count,
    )


def _envelope(content_type: str) -> dict[str, str]:
    where = coordinates("events", 0, 0)
    return {
        CE_SPECVERSION: SPECVERSION,
        CE_ID: where,
        CE_SOURCE: "events",
        CE_TYPE: _TYPE,
        CE_TIME: ce_time(TIMESTAMP_MS),
        CONTENT_TYPE: content_type,
        ROUTE: "iris",
        VARIANT: "default",
        MODEL: "iris-tree:1",
        CONFIG_VERSION: "7",
        SOURCE: where,
    }


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    """Turn keyword arguments into headers of Penstock's: ``config_version`` is ``penstock-config-version``."""
    return {f"penstock-{name.replace('_', '-')}": text for name, text in headers.items()}


def _dump(plain: object) -> bytes:
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()
