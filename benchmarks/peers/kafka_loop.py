"""The frame of a hand-written consume-produce loop: at least once, fetched batch by fetched batch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, Producer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka import Message

    from benchmarks.peers.arguments import Arguments

__all__ = ["Headers", "KafkaLoop"]

Headers = list[tuple[str, str | bytes | None]]

_BATCH = 1000
_COMMIT_S = 5.0
#: With librdkafka's default of 100,000 it pauses its fetches for a second whenever they are reached, which halves the
#: rate: a loop that somebody tuned is the fairer reference.
_FETCHED_AHEAD = 1_000_000
_FULL_QUEUE_PAUSE_S = 0.05


class KafkaLoop:
    """A consumer and a producer; offsets are committed after all that came of them is written."""

    def __init__(self, arguments: Arguments) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": arguments.bootstrap,
                "group.id": arguments.group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "queued.min.messages": _FETCHED_AHEAD,
            }
        )
        self._producer = Producer(
            {"bootstrap.servers": arguments.bootstrap, "queue.buffering.max.messages": _FETCHED_AHEAD}
        )
        self._consumer.subscribe([arguments.source])

    def batches(self) -> Iterator[list[Message]]:
        """Yield what has arrived, up to 1000 records, without waiting for more once there is one; for ever."""
        committed = time.monotonic()
        while True:
            first = self._consumer.poll(0.1)
            if first is not None:
                batch = [first, *self._consumer.consume(_BATCH - 1, 0)]
                yield [message for message in batch if message.error() is None]
                self._producer.poll(0)
            if time.monotonic() - committed > _COMMIT_S:
                self._producer.flush()
                if first is not None:
                    self._consumer.commit(asynchronous=False)
                committed = time.monotonic()

    def send(self, topic: str, value: bytes, key: bytes | None, headers: Headers) -> None:
        """Write a record; waits while the producer's queue is full."""
        while True:
            try:
                self._producer.produce(topic, value, key, headers=headers)
            except BufferError:
                self._producer.poll(_FULL_QUEUE_PAUSE_S)
            else:
                return
