"""Writing records to one topic and counting what the broker acknowledged."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from kafka.errors import KafkaError

from penstock import kafka
from penstock.cli.whereabouts import cluster_of, present_topics, require

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.settings import Settings

__all__ = ["Sender"]

_MOST_IN_FLIGHT = 10_000  # the client buffers without end: this keeps a slow broker from filling the memory
_LINGER_MS = 5  # a batch instead of a request for each record, still not felt by somebody who types
_CLOSING_S = 10  # how long the last records may take at the end before they count as failed


class Sender:
    """Writes to one topic. ``acknowledged`` and ``failed`` count; ``first_failure`` says why the first one failed.

    Raises:
        KafkaUnavailableError: no broker answered.
        UnknownTopicError: the topic is not there.
    """

    def __init__(self, settings: Settings, topic: str) -> None:
        cluster = cluster_of(settings, topic)
        require(topic, cluster, present_topics(cluster))
        self._topic = topic
        self._room = threading.BoundedSemaphore(_MOST_IN_FLIGHT)
        self._lock = threading.Lock()
        self.sent = self.acknowledged = self.failed = 0
        self.first_failure = ""
        largest = settings.limits.max_event_bytes + settings.limits.batch_overhead_bytes
        self._producer = kafka.producer(
            cluster,
            linger_ms=_LINGER_MS,
            max_request_size=largest,
            max_block_ms=cluster.request_timeout_ms,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def room(self, wait_s: float) -> bool:
        """Wait for room for one more record, at most so long; whoever got it has to send."""
        return self._room.acquire(timeout=wait_s)

    def send(self, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]] = ()) -> None:
        """Hand one record to the client, after ``room`` said that there is some."""
        self.sent += 1
        try:
            future = self._producer.send(self._topic, key=key, value=value, headers=list(headers))
        except (KafkaError, ValueError) as error:  # too large, or with neither key nor value
            self._done(error)
            return
        future.add_callback(lambda _: self._done(None))
        future.add_errback(self._done)

    def close(self) -> None:
        """Wait for what is under way; what is not acknowledged by then counts as failed."""
        try:
            self._producer.flush(timeout=_CLOSING_S)
        except KafkaError as error:
            self.first_failure = self.first_failure or _said(error)
        with suppress(KafkaError):  # it flushes again, and what was to be said of that has been said
            self._producer.close(timeout=0)
        with self._lock:
            self.failed = self.sent - self.acknowledged

    def _done(self, error: Exception | None) -> None:
        with self._lock:
            if error is None:
                self.acknowledged += 1
            else:
                self.failed += 1
                self.first_failure = self.first_failure or _said(error)
        self._room.release()


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
