"""Writing records to one topic and counting what the broker acknowledged."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import click
from kafka.errors import KafkaError, MessageSizeTooLargeError

from penstock import kafka
from penstock.cli.whereabouts import cluster_of, present_topics, require

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.settings import Settings

    Headers = Iterable[tuple[str, bytes]]

__all__ = ["Sender", "closing_line"]

_MOST_UNDER_WAY = 10_000  # the client buffers without end: this keeps a slow broker from filling the memory
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
        self._changed = threading.Condition()
        self._under_way = 0
        self.sent = self.acknowledged = self.failed = 0
        self.first_failure = ""
        largest = settings.limits.max_event_bytes + settings.limits.batch_overhead_bytes
        self._producer = kafka.producer(
            cluster,
            linger_ms=_LINGER_MS,
            max_request_size=largest,
            max_block_ms=cluster.request_timeout_ms,
        )
        with kafka.reaching(cluster):  # asked for now, so that the first record need not wait for it
            self._producer.partitions_for(topic)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def room(self, wait_s: float) -> bool:
        """Whether there is room for one more record, at the latest after so long: the next ``send`` will not wait."""
        with self._changed:
            return self._changed.wait_for(lambda: self._under_way < _MOST_UNDER_WAY, wait_s)

    def send(self, what: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """Hand one record to the client, when there is room; ``what`` names it if it fails."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < _MOST_UNDER_WAY)
            self._under_way += 1
            self.sent += 1
        try:
            future = self._producer.send(self._topic, key=key, value=value, headers=list(headers))
        except (KafkaError, ValueError) as error:  # too large, or with neither key nor value
            self._done(what, error)
            return
        future.add_callback(lambda _: self._done(what, None))
        future.add_errback(lambda error: self._done(what, error))

    def close(self) -> None:
        """Wait for what is under way; what is not acknowledged by then counts as failed."""
        try:
            self._producer.flush(timeout=_CLOSING_S)
        except KafkaError as error:
            self.first_failure = self.first_failure or _said(error)
        with suppress(KafkaError):  # it flushes again, and what was to be said of that has been said
            self._producer.close(timeout=0)
        with self._changed:
            self.failed = self.sent - self.acknowledged

    def complain(self) -> None:
        """Raise what makes the command end with status 1 where something was not acknowledged."""
        if self.failed:
            raise click.ClickException(
                f"{self.failed:,} of {self.sent:,} were not acknowledged; the first was {self.first_failure}"
            )

    def _done(self, what: str, error: Exception | None) -> None:
        with self._changed:
            if error is None:
                self.acknowledged += 1
            else:
                self.failed += 1
                self.first_failure = self.first_failure or f"{what}: {_said(error)}"
            self._under_way -= 1
            self._changed.notify()


def closing_line(sender: Sender, topic: str) -> str:
    """What is said at the end."""
    noun = "event" if sender.sent == 1 else "events"
    return f"{sender.acknowledged:,} of {sender.sent:,} {noun} acknowledged by {topic!r}"


def _said(error: Exception) -> str:
    if isinstance(error, MessageSizeTooLargeError):
        return "larger than the topic (max.message.bytes) or the setting limits.max_event_bytes allows"
    return " ".join(str(error).removesuffix(": None").split()) or type(error).__name__
