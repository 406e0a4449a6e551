"""Reading topics without a group: from one set of offsets to another that was recorded, or on and on."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Self

from kafka import TopicPartition

from penstock.cli.records import Record
from penstock.errors import KafkaUnavailableError
from penstock.kafka import ask, consumer, is_at, reaching

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kafka import KafkaConsumer
    from kafka.consumer.fetcher import ConsumerRecord

    from penstock.clusters import ClusterSettings

__all__ = ["Reader"]

_POLL_MS = 200  # how long one poll may wait: also how late an end that was asked for is noticed


class Reader:
    """The records of some topics of one cluster, read without a group: nobody's offsets move. Close it after use.

    Records of transactions that were given up are not shown.
    """

    def __init__(self, cluster: ClusterSettings) -> None:
        self._cluster = cluster
        self._patience_s = cluster.request_timeout_ms / 1000
        self._ends: dict[TopicPartition, int] | None = None
        self._consumer: KafkaConsumer = consumer(
            cluster,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def topics(self) -> set[str]:
        """The names of the topics that the cluster has."""
        return set(ask(self._cluster, self._consumer.topics))

    def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        """The partitions of topics that are there, in order; a topic that is not there has none."""
        found = {topic: ask(self._cluster, partial(self._consumer.partitions_for_topic, topic)) for topic in topics}
        return [TopicPartition(topic, number) for topic, numbers in found.items() for number in sorted(numbers or ())]

    def begins(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets of the oldest records."""
        with reaching(self._cluster):
            return dict(self._consumer.beginning_offsets(partitions))

    def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets that the next records will have."""
        with reaching(self._cluster):
            return dict(self._consumer.end_offsets(partitions))

    def since(self, partitions: list[TopicPartition], timestamp_ms: int) -> dict[TopicPartition, int]:
        """The offsets of the first records of that time or later; the ends where there are none."""
        with reaching(self._cluster):
            found = self._consumer.offsets_for_times(dict.fromkeys(partitions, timestamp_ms))
        ends = self.ends(partitions)
        return {at: ends[at] if one is None else one.offset for at, one in found.items()}

    def start(self, begins: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int] | None = None) -> None:
        """Read from these offsets on, to before ``ends`` or for ever."""
        self._ends = None if ends is None else {at: end for at, end in ends.items() if begins[at] < end}
        wanted = list(begins if self._ends is None else self._ends)
        self._consumer.assign(wanted)
        for at in wanted:
            self._consumer.seek(at, begins[at])

    @property
    def finished(self) -> bool:
        """Whether all was read that was to be read."""
        return self._ends is not None and not self._ends

    def poll(self, wait_ms: int = _POLL_MS) -> list[Record]:
        """The records that came, at the latest after ``wait_ms``; each partition in order, the partitions mixed."""
        if self.finished:
            return []
        with reaching(self._cluster):
            batches = self._consumer.poll(timeout_ms=wait_ms)
        came = [_record(one) for batch in batches.values() for one in batch]
        return came if self._ends is None else self._before(self._ends, came)

    def rest(self) -> Iterator[Record]:
        """Every record up to the ends that ``start`` was given.

        Raises:
            KafkaUnavailableError: nothing came for as long as a request may take.
        """
        heard = time.monotonic()
        while not self.finished:
            records = self.poll()
            yield from records
            now = time.monotonic()
            heard = now if records else heard
            if now - heard > self._patience_s:
                silence = f"nothing came for {self._patience_s:g} s, before the end of the topic"
                raise KafkaUnavailableError(self._cluster.bootstrap_servers, silence)

    def _before(self, ends: dict[TopicPartition, int], came: list[Record]) -> list[Record]:
        """What lies before the ends; partitions that have come to theirs are left alone from now on."""
        kept = [one for one in came if one.offset < ends.get(TopicPartition(one.topic, one.partition), 0)]
        # By position, not by the last record: markers of transactions take offsets and are never seen.
        done = ask(self._cluster, lambda: [at for at, end in ends.items() if is_at(self._consumer, at, end)])
        for at in done:
            del ends[at]
        self._consumer.pause(*done)
        return kept


def _record(came: ConsumerRecord) -> Record:
    return Record(
        topic=came.topic,
        partition=came.partition,
        offset=came.offset,
        timestamp=came.timestamp,
        key=came.key,
        value=came.value,
        headers=tuple((name, value) for name, value in came.headers or ()),
    )
