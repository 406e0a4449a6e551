"""What is wrong with a record that came of an event; nothing, hopefully."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from penstock.event import JSON, RESULT, ce_time
from tests.e2e.reference import Way, by_the_demo
from tests.e2e.streams import DEAD_LETTERS, SHADOW_RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.cli.records import Record
    from tests.e2e.reference import Explain
    from tests.e2e.streams import Sent, Stream

__all__ = ["faults", "incomplete", "miscounted", "out_of_order", "way"]


def faults(stream: Stream, explain: Explain = by_the_demo) -> list[str]:
    """List what is wrong, a few lines for each record; empty where all is as it should be."""
    return [
        f"{identity} at {record.coordinates}: {fault}"
        for identity, records in stream.found.items()
        for record in records
        for fault in _faults(stream.sent.get(identity), record, explain)
    ]


def miscounted(stream: Stream, explain: Explain = by_the_demo) -> list[str]:
    """List the events of which other records came than the one document says that routed them: more, fewer, others."""
    found = []
    for identity, sent in stream.sent.items():
        came = Counter(way(record) for record in stream.found.get(identity, ()))
        versions = {each.version for each in came}
        expected = Counter(each for version in versions for each in explain(sent, version))
        if came != expected or len(versions) != 1:
            found.append(f"{identity}: {came - expected} instead of {expected - came}")
    return found


def incomplete(stream: Stream, explain: Explain = by_the_demo) -> list[str]:
    """List the events of which, by no document that routed them, all came that should: where failures repeat events."""
    found = []
    for identity, sent in stream.sent.items():
        came = {way(record) for record in stream.found.get(identity, ())}
        if not any(came.issuperset(explain(sent, version)) for version in {each.version for each in came}):
            found.append(f"{identity}: only {came}")
    return found


def way(record: Record) -> Way:
    """Tell what became of an event, as the record says; a dead letter's model and variant are not looked at."""
    code = record.header("penstock-error-code")
    return Way(
        version=int(record.header("penstock-config-version") or 0),
        topic=record.topic,
        route=record.header("penstock-route"),
        model=None if code else record.header("penstock-model"),
        variant=None if code else record.header("penstock-variant"),
        shadow=record.header("penstock-shadow"),
        code=code,
    )


def _faults(sent: Sent | None, record: Record, explain: Explain) -> Iterator[str]:
    if sent is None:
        yield f"nobody sent this: {record.value!r:.200}"
        return
    event, headers = sent.event, dict(record.headers)
    if (record.key, record.timestamp) != (event.key, sent.timestamp_ms):
        yield f"key and time {record.key!r}, {record.timestamp} instead of {event.key!r}, {sent.timestamp_ms}"
    lost = {name: value for name, value in event.headers if headers.get(name) != value}
    if lost:
        yield f"of its own headers it lost {lost}"
    found = way(record)
    expected = explain(sent, found.version)
    if found not in expected:
        yield f"it is {found} instead of one of {expected}; {record.header('penstock-error-reason')}"
    elif found.code is None:
        yield from _faults_of_result(sent, record, headers)
    else:
        yield from _faults_of_letter(sent, record)


def _faults_of_result(sent: Sent, record: Record, headers: dict[str, bytes | None]) -> Iterator[str]:
    event, for_users = sent.event, record.topic != SHADOW_RESULTS
    expected = {
        "ce_specversion": "1.0",
        "ce_id": sent.place,
        "ce_source": event.source,
        "ce_type": event.kind,
        "ce_time": ce_time(sent.timestamp_ms),
        "content-type": JSON if for_users else RESULT,
    }
    wrong = {name: headers.get(name) for name, text in expected.items() if headers.get(name) != text.encode()}
    if wrong:
        yield f"headers {wrong}"
    value: dict[str, Any] = json.loads(record.value or b"null")
    if value.get("input") != event.sent or not _spliced(event.value or b"", event.source, record.value or b""):
        yield f"input {value.get('input')} instead of {event.sent}"
    model = (record.header("penstock-model") or "").partition(":")[0]
    answer, prediction = event.answers[model], event.prediction(model, named=for_users)
    if not _close(value["outputs"], answer, event.tolerance) or value["prediction"] != prediction:
        yield f"answer {value['prediction']}, {value['outputs']} instead of {prediction}, {answer}"
    scored_ms = round(datetime.fromisoformat(value["scored_at"]).timestamp() * 1000)
    if value["latency_ms"] != scored_ms - sent.timestamp_ms:
        yield f"latency {value['latency_ms']} from {sent.timestamp_ms} to {value['scored_at']}"


def _close(found: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(_close(found[key], expected[key], tolerance) for key in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(
            _close(*both, tolerance) for both in zip(found, expected, strict=True)
        )
    if not (_number(found) and _number(expected)):
        return bool(type(found) is type(expected) and found == expected)
    # As pytest.approx has it, which took more than half of the time in which tens of thousands of records are judged.
    return bool(abs(found - expected) <= max(tolerance * abs(expected), tolerance / 1000))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spliced(value: bytes, source: str, result: bytes) -> bool:
    """Tell whether a JSON event stands in its result byte for byte: big numbers and the order of keys survive."""
    return source != "events" or result.startswith(b'{"input":' + value + b",")


def _faults_of_letter(sent: Sent, record: Record) -> Iterator[str]:
    event = sent.event
    if not record.header("penstock-error-reason"):
        yield "no reason is given"
    if record.value != event.value:
        yield f"value {record.value!r:.200} instead of {event.value!r:.200}"
    stage = record.header("penstock-error-stage")
    found = record.header("ce_id") or record.header("penstock-error-record")
    if found != sent.place or stage not in {"input_adapter", "pmml_job", "spark_job", "service_job"}:
        yield f"it says that it failed in {stage} and came from {found}, which is {sent.place}"


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
