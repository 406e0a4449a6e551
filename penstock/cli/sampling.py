"""Events to try a document on: lines, records as ``penstock tail`` writes them, or the newest of a topic."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from penstock.cli.reading import Reader
from penstock.cli.send import Framing, messages
from penstock.cli.whereabouts import cluster_of, present_topics, require
from penstock.routing.simulation import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from penstock.cli.records import Record
    from penstock.settings import Settings

__all__ = ["from_lines", "from_record", "from_records", "newest"]


def from_lines(source: Iterable[bytes], topic: str, framing: Framing, headers: Mapping[str, str]) -> Iterator[Event]:
    """Cut an input into events of one topic, as ``penstock send`` does.

    Raises:
        ValueError: a line has no key separator.
    """
    for number, message in enumerate(messages(source, framing)):
        if message.fault is not None:
            raise ValueError(f"{message.what}: {message.fault}")
        yield Event(value=message.value, topic=topic, key=message.key, headers=headers, offset=number)


def from_records(source: Iterable[bytes]) -> Iterator[Event]:
    """Read records, a line each, as ``penstock tail --format json`` writes them.

    Raises:
        ValueError: a line is no such record; the text says which and why.
    """
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            yield from_record(found, offset=number - 1)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            said = f"there is no {error}" if isinstance(error, KeyError) else error
            expected = "expected a JSON object with topic and value, as 'penstock tail --format json' writes it"
            raise ValueError(f"line {number}: {expected}: {said}") from error


def from_record(found: Mapping[str, Any], offset: int = 0) -> Event:
    """Make an event of a record in JSON; what it does not say is as if there were none."""
    headers = {name: _bytes(value) for name, value in (found.get("headers") or {}).items()}
    return Event(
        value=_bytes(found["value"]),
        topic=str(found["topic"]),
        key=_bytes(found.get("key")),
        headers={name: value.decode(errors="replace") for name, value in headers.items() if value is not None},
        partition=int(found.get("partition") or 0),
        offset=int(found.get("offset", offset) or 0),
    )


def newest(settings: Settings, topic: str, count: int) -> list[Event]:
    """Return the newest events of a topic, oldest first.

    Raises:
        KafkaUnavailableError: no broker answered.
        UnknownTopicError: there is no such topic.
    """
    cluster = cluster_of(settings, topic)
    require(topic, cluster, present_topics(cluster))
    with Reader(cluster) as reader:
        partitions = reader.partitions([topic])
        begins, ends = reader.begins(partitions), reader.ends(partitions)
        reader.start({at: max(begins[at], ends[at] - count) for at in partitions}, ends)
        records = sorted(reader.rest(), key=lambda record: (record.timestamp, record.partition, record.offset))
    return [_event(record) for record in records[-count:]]


def _event(record: Record) -> Event:
    return Event(
        value=record.value,
        topic=record.topic,
        key=record.key,
        headers={name: value.decode("utf-8", "replace") for name, value in record.headers if value is not None},
        partition=record.partition,
        offset=record.offset,
    )


def _bytes(found: object) -> bytes | None:
    """Turn round what `penstock.cli.records.json_bytes` makes."""
    match found:
        case None:
            return None
        case str():
            return found.encode()
        case {"base64": str(text)}:
            return base64.b64decode(text)
        case _:
            raise ValueError("expected text, {'base64': ...} or null")
