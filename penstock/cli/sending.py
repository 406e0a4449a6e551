"""Writing records to one topic and counting what the broker acknowledged."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

import click
from kafka.errors import KafkaError, MessageSizeTooLargeError

from penstock import kafka
from penstock.cli.whereabouts import cluster_of, present_topics, require
from penstock.errors import KafkaUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.settings import Settings

    Headers = Iterable[tuple[str, bytes]]

__all__ = ["Sender", "closing_line"]

_MOST_UNDER_WAY = 10_000  # the client buffers without end: this keeps a slow broker from filling the memory
_LINGER_MS = 5  # a batch instead of a request for each record, still not felt by somebody who types
_PATIENCE_S = 10  # a broker that acknowledges nothing for so long is worth a word
_END_S = 30  # for what is under way at the end: a machine that stands still for a while is no reason to lose it
_GIVE_UP_S = 120  # a broker that is restarted is back in far less
_NEVER_MS = 2**31 - 1


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
        self._bootstrap = cluster.bootstrap_servers
        self._hear()
        self.sent = self.acknowledged = self.failed = 0
        self.first_failure = ""
        largest = settings.limits.max_event_bytes + settings.limits.batch_overhead_bytes
        self._producer = kafka.producer(
            cluster,
            linger_ms=_LINGER_MS,
            max_request_size=largest,
            max_block_ms=cluster.request_timeout_ms,
            # Records wait for the broker until we give up: once this client lets one expire, it never sends again.
            delivery_timeout_ms=_NEVER_MS,
        )
        with kafka.reaching(cluster):  # asked for now, so that the first record need not wait for it
            self._producer.partitions_for(topic)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def room(self, wait_s: float) -> bool:
        """Whether there is room for one more record, at the latest after so long: the next ``send`` will not wait.

        Raises:
            KafkaUnavailableError: the broker has been silent for too long.
        """
        with self._changed:
            found = self._changed.wait_for(lambda: self._under_way < _MOST_UNDER_WAY, wait_s)
            silence = time.monotonic() - self._heard if self._under_way else 0.0
        if silence > _GIVE_UP_S:
            raise KafkaUnavailableError(self._bootstrap, f"nothing was acknowledged for {_GIVE_UP_S} s")
        if silence > _PATIENCE_S * (self._words + 1):
            self._words += 1
            click.echo(f"the broker has acknowledged nothing for {silence:.0f} s; trying on, Ctrl-C ends", err=True)
        return found

    def send(self, what: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """Hand one record to the client, when there is room; ``what`` names it if it fails."""
        while not self.room(_PATIENCE_S):
            pass
        with self._changed:
            if self._under_way == 0:
                self._hear()  # silence counts from when there is something to hear of
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
            self._producer.flush(timeout=_END_S)
        except KafkaError:
            silence = f"the broker did not acknowledge it within {_END_S} s of the end"
            self.first_failure = self.first_failure or silence
        kafka.close(self._producer, 0)  # it flushes again, and what was to be said of that has been said
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
            self._hear()
            self._under_way -= 1
            self._changed.notify()

    def _hear(self) -> None:
        self._heard, self._words = time.monotonic(), 0


def closing_line(sender: Sender, topic: str) -> str:
    """What is said at the end."""
    noun = "event" if sender.sent == 1 else "events"
    return f"{sender.acknowledged:,} of {sender.sent:,} {noun} acknowledged by {topic!r}"


def _said(error: Exception) -> str:
    if isinstance(error, MessageSizeTooLargeError):
        return "larger than the topic (max.message.bytes) or the setting limits.max_event_bytes allows"
    return " ".join(str(error).removesuffix(": None").split()) or type(error).__name__
