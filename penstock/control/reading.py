"""Reading a control topic: to the end that it has now, then on and on. No group: every reader reads all of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from kafka import TopicPartition

from penstock import kafka
from penstock.control.messages import Message
from penstock.errors import ControlTopicError, KafkaUnavailableError

if TYPE_CHECKING:
    from kafka import KafkaConsumer

    from penstock.clusters import ClusterSettings

__all__ = ["ControlLog"]

_POLL_MS = 200
#: Closing must not keep a worker that ends: there is nothing to commit.
_CLOSE_MS = 1_000


class ControlLog:
    """The messages of one control topic, in their order. Close it after use; one thread at a time."""

    def __init__(self, cluster: ClusterSettings, topic: str) -> None:
        """Connect.

        Raises:
            KafkaUnavailableError: no broker answered.
            ControlTopicError: the topic is missing, or its messages have no one order.
        """
        self._cluster = cluster
        self._topic = topic
        self._at = TopicPartition(topic, 0)
        self._consumer: KafkaConsumer = kafka.consumer(
            cluster,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        try:
            self._assign()
        except BaseException:
            self.close()
            raise

    def _assign(self) -> None:
        partitions = kafka.ask(self._cluster, lambda: self._consumer.partitions_for_topic(self._topic))
        if not partitions:
            raise ControlTopicError(self._topic, "it does not exist; 'penstock up' makes it")
        if partitions != {0}:
            found = f"it has {len(partitions)} partitions, expected 1: messages of several have no one order"
            raise ControlTopicError(self._topic, f"{found}; delete it, and 'penstock up' makes it anew")
        self._consumer.assign([self._at])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._consumer.close(timeout_ms=_CLOSE_MS)

    def end(self) -> int:
        """Return the offset that the next message will have."""
        with kafka.reaching(self._cluster):
            return int(self._consumer.end_offsets([self._at])[self._at])

    def seek(self, offset: int) -> None:
        """Go on from an offset; from the oldest message if it is not there any more."""
        self._consumer.seek(self._at, offset)

    def since(self, published_ms: int) -> int:
        """Return the offset of the first message of that time or later; the end if there is none."""
        with kafka.reaching(self._cluster):
            found = self._consumer.offsets_for_times({self._at: published_ms})[self._at]
        return self.end() if found is None else int(found.offset)

    def to_end(self, patience_s: float, begin: int | None = None) -> list[Message]:
        """Read from ``begin``, or from the oldest message, to the end that the topic has now.

        Raises:
            KafkaUnavailableError: the end was not reached in time.
        """
        with kafka.reaching(self._cluster):
            end = self.end()
            if begin is None:
                self._consumer.seek_to_beginning(self._at)
            else:
                self.seek(begin)
            messages: list[Message] = []
            until = time.monotonic() + patience_s
            # By position, not by the last message: markers of transactions take offsets and are never seen.
            while not kafka.ask(self._cluster, lambda: kafka.is_at(self._consumer, self._at, end)):
                messages.extend(self.poll(_POLL_MS))
                if time.monotonic() > until:
                    raise KafkaUnavailableError(
                        self._cluster.bootstrap_servers,
                        f"the end of the topic {self._topic!r} was not reached within {patience_s:g} s",
                    )
        return [message for message in messages if message.offset < end]

    def poll(self, wait_ms: int = _POLL_MS) -> list[Message]:
        """Return what came, at the latest after ``wait_ms``. A broker that is away is waited for without a word."""
        batches = self._consumer.poll(timeout_ms=wait_ms)
        return [
            Message(key=one.key, value=one.value, published_ms=one.timestamp, offset=one.offset)
            for batch in batches.values()
            for one in batch
        ]
