"""Putting messages on a control topic, from where every worker takes them: a routing document, or what is of models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kafka.errors import KafkaError

from penstock import kafka, topics
from penstock.errors import ControlTopicError

if TYPE_CHECKING:
    from penstock.settings import Settings

__all__ = ["KEY", "Published", "Publisher", "publish"]

KEY = b"routing"
"""Of the messages that Penstock writes. Others may use any other: compaction keeps the last message of each key, so
that a broken one under a key of its own never takes the place of a good one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where a message stands on its topic."""

    offset: int
    timestamp_ms: int


class Publisher:
    """Writes to one control topic. Close it after use; one thread at a time."""

    def __init__(self, settings: Settings, topic: str, limit: int) -> None:
        """Connect.

        Args:
            settings: of the installation.
            topic: the topic's name.
            limit: bytes of the largest message.

        Raises:
            KafkaUnavailableError: no broker answered.
        """
        self._topic = topic
        self._timeout_s = 2 * settings.kafka.internal_cluster.request_timeout_ms / 1000
        self._producer = kafka.producer(
            settings.kafka.internal_cluster,
            # The topic's own limit is on what is sent: ten thousand routes are megabytes, compressed hardly anything.
            compression_type="gzip",
            max_request_size=limit + settings.limits.batch_overhead_bytes,
            max_block_ms=settings.kafka.internal_cluster.request_timeout_ms,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._producer.close()

    def put(self, key: bytes, value: bytes | None) -> Published:
        """Write a message and wait until the topic has it.

        Raises:
            ControlTopicError: the topic does not take the message.
        """
        try:
            record = self._producer.send(self._topic, value, key=key).get(timeout=self._timeout_s)
        except KafkaError as error:
            finding = f"it does not take the message: {type(error).__name__}: {error}"
            raise ControlTopicError(self._topic, finding) from error
        return Published(offset=record.offset, timestamp_ms=record.timestamp)


def publish(settings: Settings, text: str) -> Published:
    """Publish a routing document's text as it is; whoever calls has validated it.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: the topic does not take the message.
    """
    topic = topics.control_routing(settings.topics.prefix)
    limit, value = settings.control.max_document_bytes, text.encode()
    if len(value) > limit:
        finding = f"the document has {len(value)} bytes, at most {limit} are taken"
        raise ControlTopicError(topic, f"{finding} (control.max_document_bytes)")
    with Publisher(settings, topic, limit) as publisher:
        return publisher.put(KEY, value)
