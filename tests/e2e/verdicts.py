"""What is wrong with a record that came of an event; nothing, hopefully."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from penstock.event import JSON, ce_time
from tests.e2e.events import TYPES
from tests.e2e.streams import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.cli.records import Record
    from tests.e2e.streams import Sent, Stream

__all__ = ["faults", "out_of_order"]


def faults(stream: Stream) -> list[str]:
    """List what is wrong, a few lines for each record; empty where all is as it should be."""
    return [
        f"{identity} at {record.coordinates}: {fault}"
        for identity, records in stream.found.items()
        for record in records
        for fault in _faults(stream.sent.get(identity), record)
    ]


def _faults(sent: Sent | None, record: Record) -> Iterator[str]:
    if sent is None:
        yield f"nobody sent this: {record.value!r:.200}"
        return
    event, headers = sent.event, dict(record.headers)
    if (record.key, record.timestamp) != (event.key, sent.timestamp_ms):
        yield f"key and time {record.key!r}, {record.timestamp} instead of {event.key!r}, {sent.timestamp_ms}"
    lost = {name: value for name, value in event.headers if headers.get(name) != value}
    if lost:
        yield f"of its own headers it lost {lost}"
    yield from (
        _faults_of_result(sent, record, headers) if event.code is None else _faults_of_letter(sent, record, headers)
    )


def _faults_of_result(sent: Sent, record: Record, headers: dict[str, bytes | None]) -> Iterator[str]:
    event = sent.event
    if record.topic != f"{event.kind}-results":
        yield f"it should be on the topic {event.kind}-results; {record.header('penstock-error-reason')}"
        return
    expected = {
        "ce_specversion": "1.0",
        "ce_id": sent.place,
        "ce_source": event.source,
        "ce_type": event.kind,
        "ce_time": ce_time(sent.timestamp_ms),
        "content-type": JSON,
        "penstock-route": event.kind,
        "penstock-model": f"{TYPES[event.kind]}:1",
        "penstock-config-version": "1",
    }
    wrong = {name: headers.get(name) for name, text in expected.items() if headers.get(name) != text.encode()}
    if wrong:
        yield f"headers {wrong}"
    value: dict[str, Any] = json.loads(record.value or b"null")
    if value["input"] != event.sent or not _spliced(event.value or b"", event.source, record.value or b""):
        yield f"input {value['input']} instead of {event.sent}"
    if value["outputs"] != pytest.approx(event.answer, rel=1e-9, abs=1e-12) or value["prediction"] != event.prediction:
        yield f"answer {value['prediction']}, {value['outputs']} instead of {event.prediction}, {event.answer}"
    scored_ms = round(datetime.fromisoformat(value["scored_at"]).timestamp() * 1000)
    if value["latency_ms"] != scored_ms - sent.timestamp_ms:
        yield f"latency {value['latency_ms']} from {sent.timestamp_ms} to {value['scored_at']}"


def _spliced(value: bytes, source: str, result: bytes) -> bool:
    """Tell whether a JSON event stands in its result byte for byte: big numbers and the order of keys survive."""
    return source != "events" or result.startswith(b'{"input":' + value + b",")


def _faults_of_letter(sent: Sent, record: Record, headers: dict[str, bytes | None]) -> Iterator[str]:
    event = sent.event
    if record.topic != DEAD_LETTERS:
        yield f"it was scored: {record.value!r:.200}"
        return
    code, reason = record.header("penstock-error-code"), record.header("penstock-error-reason")
    if code != event.code or not reason:
        yield f"code {code} instead of {event.code}: {reason}"
    if record.value != event.value:
        yield f"value {record.value!r:.200} instead of {event.value!r:.200}"
    stage = record.header("penstock-error-stage")
    found = record.header("ce_id") or record.header("penstock-error-record")
    if found != sent.place or stage not in {"input_adapter", "pmml_job"}:
        yield f"it says that it failed in {stage} and came from {found}, which is {sent.place}"
    if headers.get("penstock-config-version") != b"1":
        yield "it does not say by which version it was routed"


def out_of_order(stream: Stream) -> list[object]:
    """List the places where results of one key from one source do not stand in the order of their events.

    A place is a topic, a key and a source: Kafka knows no order beyond that. All of a key is on one partition.
    """
    places: dict[object, list[tuple[int, int]]] = defaultdict(list)
    for identity, records in stream.found.items():
        event = stream.sent[identity].event
        for record in records:
            if event.key is not None and record.topic != DEAD_LETTERS:
                place = (record.topic, event.key, event.source)
                places[place].append((record.partition, record.offset, event.number))
    return [
        place for place, rows in places.items() if [row[-1] for row in sorted(rows)] != sorted(row[-1] for row in rows)
    ]
