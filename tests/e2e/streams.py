"""Sending events to a running stack, and reading what became of them."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

from kafka import TopicPartition

from penstock import kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kafka.consumer.fetcher import ConsumerRecord

    from penstock.clusters import ClusterSettings
    from tests.e2e.events import Event

ID = "test-id"
OUTPUTS = ("iris-results", "iris-forest-results", "iris-logistic-results", "iris-kmeans-results")
DEAD_LETTERS = "penstock.dead-letters"
_LARGEST = 4_000_000


def send(cluster: ClusterSettings, events: Iterable[Event], pause: Callable[[int], None] = lambda _: None) -> int:
    """Send events in their order and wait until each is acknowledged; returns how many."""
    client = kafka.producer(cluster, linger_ms=5, batch_size=262_144, max_request_size=_LARGEST)
    promises = []
    try:
        for number, event in enumerate(events):
            headers = [(ID, event.id.encode()), ("user", "Zoë".encode())]
            promises.append(client.send(event.topic, key=event.key, value=event.value, headers=headers))
            pause(number)
        client.flush()
    finally:
        client.close()
    for promise in promises:
        promise.get(timeout=0)
    return len(promises)


class Collected:
    """What became of a run's events: records of output topics and dead letters, by test id, in order of arrival."""

    def __init__(self, cluster: ClusterSettings, run: str) -> None:
        self._client = kafka.consumer(cluster, enable_auto_commit=False, fetch_max_wait_ms=100)
        self._run = f"{run}-"
        topics = (*OUTPUTS, DEAD_LETTERS)
        places = [TopicPartition(topic, part) for topic in topics for part in self._client.partitions_for_topic(topic)]
        self._client.assign(places)
        self._client.seek_to_beginning(*places)
        self.by_id: dict[str, list[ConsumerRecord]] = defaultdict(list)

    def until(self, count: int, deadline_s: float) -> None:
        """Read until ``count`` different events were seen; fail with what was last seen if that takes too long."""
        end = time.monotonic() + deadline_s
        while len(self.by_id) < count:
            assert time.monotonic() < end, f"{len(self.by_id)} of {count} events came out within {deadline_s} s"
            self._read(500)

    def rest(self) -> None:
        """Read on until nothing has come for two seconds, so that a duplicate would be seen."""
        while self._read(2_000):
            pass

    def close(self) -> None:
        """Leave the broker."""
        self._client.close()

    def _read(self, wait_ms: int) -> int:
        count = 0
        for records in self._client.poll(timeout_ms=wait_ms, max_records=5_000).values():
            count += len(records)
            for record in records:
                identity = dict(record.headers).get(ID, b"").decode()
                if identity.startswith(self._run):
                    self.by_id[identity].append(record)
        return count
