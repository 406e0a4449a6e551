"""Reading topics without a group: from one set of offsets to another that was recorded, or on and on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from kafka import TopicPartition

from penstock.cli.records import Record
from penstock.errors import KafkaUnavailableError
from penstock.kafka import consumer, reaching

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
        with reaching(self._cluster):
            return set(self._consumer.topics())

    def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        """The partitions of topics that are there, in order; a topic that is not there has none."""
        with reaching(self._cluster):
            return [
                TopicPartition(topic, number)
                for topic in topics
                for number in sorted(self._consumer.partitions_for_topic(topic) or ())
            ]

    def begins(self, partitions: list[TopicPartition], since_ms: int | None = None) -> dict[TopicPartition, int]:
        """Where to begin: at the oldest record, or at the oldest of ``since_ms`` or later."""
        with reaching(self._cluster):
            begins: dict[TopicPartition, int] = self._consumer.beginning_offsets(partitions)
            if since_ms is None:
                return begins
            found = self._consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
            ends = self._consumer.end_offsets(partitions)
        return {at: found[at].offset if found.get(at) else ends[at] for at in partitions}

    def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets that the next records will have."""
        with reaching(self._cluster):
            return dict(self._consumer.end_offsets(partitions))

    def between(self, begins: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> Iterator[Record]:
        """Every record from ``begins`` to before ``ends``; each partition in order, the partitions mixed.

        Raises:
            KafkaUnavailableError: nothing came for as long as a request may take.
        """
        open_ = {at for at, begin in begins.items() if begin < ends[at]}
        self.start({at: begins[at] for at in open_})
        heard = time.monotonic()
        while open_:
            for record in self.poll():
                heard = time.monotonic()
                if record.offset < ends[TopicPartition(record.topic, record.partition)]:
                    yield record
            # By position, not by the last record: markers of transactions take offsets and are never seen.
            done = {at for at in open_ if self._consumer.position(at) >= ends[at]}
            self._consumer.pause(*done)
            open_ -= done
            if open_ and time.monotonic() - heard > self._patience_s:
                at = min(open_)
                raise KafkaUnavailableError(
                    self._cluster.bootstrap_servers,
                    f"partition {at.topic}/{at.partition} was silent for {self._patience_s:g} s before its end",
                )

    def start(self, begins: Mapping[TopicPartition, int]) -> None:
        """Read from these offsets on."""
        self._consumer.assign(list(begins))
        for at, offset in begins.items():
            self._consumer.seek(at, offset)

    def poll(self, wait_ms: int = _POLL_MS) -> list[Record]:
        """The records that came, at most after ``wait_ms``."""
        with reaching(self._cluster):
            batches = self._consumer.poll(timeout_ms=wait_ms)
        return [_record(came) for batch in batches.values() for came in batch]


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
