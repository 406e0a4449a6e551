"""Putting a routing document on its control topic, from where every worker takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka.errors import KafkaError

from penstock import kafka, topics
from penstock.errors import ControlTopicError

if TYPE_CHECKING:
    from penstock.settings import Settings

__all__ = ["KEY", "Published", "publish"]

KEY = b"routing"
"""Of the messages that Penstock writes. Others may use any other: compaction keeps the last message of each key, so
that a broken one under a key of its own never takes the place of a good one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where a document stands on the topic."""

    offset: int
    timestamp_ms: int


def publish(settings: Settings, text: str) -> Published:
    """Publish a document's text as it is; whoever calls has validated it.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: the topic does not take the message.
    """
    cluster, topic = settings.kafka.internal_cluster, topics.control_routing(settings.topics.prefix)
    limit, value = settings.control.max_document_bytes, text.encode()
    if len(value) > limit:
        finding = f"the document has {len(value)} bytes, at most {limit} are taken"
        raise ControlTopicError(topic, f"{finding} (control.max_document_bytes)")
    producer = kafka.producer(
        cluster,
        # The topic's own limit is on what is sent: ten thousand routes are megabytes, and hardly anything compressed.
        compression_type="gzip",
        max_request_size=limit + settings.limits.batch_overhead_bytes,
        max_block_ms=cluster.request_timeout_ms,
    )
    try:
        record = producer.send(topic, value, key=KEY).get(timeout=2 * cluster.request_timeout_ms / 1000)
    except KafkaError as error:
        raise ControlTopicError(topic, f"it does not take the document: {type(error).__name__}: {error}") from error
    finally:
        producer.close()
    return Published(offset=record.offset, timestamp_ms=record.timestamp)
