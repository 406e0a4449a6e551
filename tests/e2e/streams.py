"""Sending events to a running stack, waiting until all of it was worked on, and reading what became of it."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock import kafka, topics
from penstock.cli.reading import Reader
from penstock.cli.whereabouts import cluster_of
from penstock.deployables import INPUT_ADAPTER, OUTPUT_ADAPTER, PMML_JOB
from penstock.errors import KafkaUnavailableError
from penstock.local.waiting import wait_until
from tests.e2e.events import ID, SOURCES, TYPES, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kafka import TopicPartition

    from penstock.cli.records import Record
    from penstock.clusters import ClusterSettings
    from penstock.settings import Settings

PREFIX = "penstock"
DEAD_LETTERS = topics.dead_letters(PREFIX)
SHADOW_RESULTS = topics.shadow_results(PREFIX)
OUTPUTS = tuple(f"{kind}-results" for kind in TYPES)
#: Each hop's consumer group and the topics that it reads, in the order of an event's way.
HOPS = {
    INPUT_ADAPTER.group(PREFIX): tuple(SOURCES.values()),
    PMML_JOB.group(PREFIX): tuple(topics.request_topic(PREFIX, "pmml", model) for model in TYPES.values()),
    PMML_JOB.shadow_group(PREFIX): tuple(
        topics.shadow_request_topic(PREFIX, "pmml", model) for model in TYPES.values()
    ),
    OUTPUT_ADAPTER.group(PREFIX): (topics.results(PREFIX),),
}
POLL_S = 0.5
#: A broker that was killed comes back sooner, however busy the machine is.
_FLUSH_S = 600


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that the broker has acknowledged, and where and when it stands on its topic."""

    event: Event
    partition: int
    offset: int
    timestamp_ms: int

    @property
    def place(self) -> str:
        """Its coordinates."""
        return f"{self.event.source}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Stream:
    """Events that were sent, and all records that became of them, by the events' ids."""

    sent: dict[str, Sent]
    found: dict[str, list[Record]]


def send(settings: Settings, events: Iterable[Event], note: Callable[[int], None] = lambda _: None) -> dict[str, Sent]:
    """Send events in their order, and wait until all are acknowledged.

    Args:
        settings: of the running stack.
        events: what to send, as fast as they come.
        note: is told how many have been sent.
    """
    largest = settings.limits.max_event_bytes
    patient = {"delivery_timeout_ms": 1000 * _FLUSH_S, "max_block_ms": 1000 * _FLUSH_S}
    client = kafka.producer(
        settings.kafka.external, linger_ms=5, batch_size=262_144, max_request_size=largest, **patient
    )
    begin_ms = time.time_ns() // 1_000_000
    promises = []
    try:
        for number, event in enumerate(events):
            promise = client.send(
                event.source, key=event.key, value=event.value, headers=event.headers, timestamp_ms=begin_ms + number
            )
            promises.append((event, promise))
            note(number + 1)
        client.flush(timeout=_FLUSH_S)
    finally:
        client.close(timeout=0)
    answers = [(event, promise.get(timeout=0)) for event, promise in promises]
    return {event.id: Sent(event, a.partition, a.offset, a.timestamp) for event, a in answers}


class Watch:
    """Sees what is written to the outcome topics from the moment on in which it is made."""

    def __init__(
        self, settings: Settings, more_topics: Iterable[str] = (), hops: Mapping[str, tuple[str, ...]] = HOPS
    ) -> None:
        """Look where the topics end.

        Args:
            settings: of the running stack.
            more_topics: what is looked at beside the demo's outputs and the dead letters; they need not be there yet.
            hops: each hop's consumer group and the topics that it reads; others than the demo's where those flow.
        """
        self._settings = settings
        self._hops = hops
        self._topics: dict[ClusterSettings, list[str]] = defaultdict(list)
        for name in (*OUTPUTS, DEAD_LETTERS, *more_topics):
            self._topics[cluster_of(settings, name)].append(name)
        self._begins: dict[ClusterSettings, dict[TopicPartition, int]] = {}
        self.kept: dict[str, int] = defaultdict(int)
        """How many older records each of the topics holds."""
        for cluster, names in self._topics.items():
            with Reader(cluster) as reader:
                begins = self._begins[cluster] = reader.ends(reader.partitions(names))
                for at, oldest in reader.begins(list(begins)).items():
                    self.kept[at.topic] += begins[at] - oldest

    def all_of(self, sent: Mapping[str, Sent], deadline_s: float) -> Stream:
        """Wait until every hop has done with all that it was given, then read what came of it."""
        seen: dict[str, int] = {}

        def done() -> bool:
            try:
                seen.update(lags(self._settings, self._hops))
            except KafkaUnavailableError:
                return False
            return not any(seen.values())

        done_in_time = wait_until(done, deadline_s, POLL_S)
        assert done_in_time, f"after {deadline_s} s these hops still had records to work on: {seen}"
        found: dict[str, list[Record]] = defaultdict(list)
        self._read_on(found)
        return Stream(dict(sent), found)

    def each_of(self, sent: Mapping[str, Sent], deadline_s: float) -> Stream:
        """Wait until something came of each event; with transactions, an offset may be committed before the records.

        A duplicate of an event is written before what came after it on its partition, so that it has come by then, too.
        """
        found: dict[str, list[Record]] = defaultdict(list)

        def done() -> bool:
            self._read_on(found)
            return sent.keys() <= found.keys()

        assert wait_until(done, deadline_s, POLL_S), (
            f"after {deadline_s} s nothing came of {sent.keys() - found.keys()}"
        )
        return Stream(dict(sent), found)

    def _read_on(self, found: dict[str, list[Record]]) -> None:
        """Add what came since the last time."""
        for cluster, names in self._topics.items():
            with Reader(cluster) as reader:
                ends = reader.ends(reader.partitions(names))
                reader.start({at: self._begins[cluster].get(at, 0) for at in ends}, ends)
                for record in reader.rest():
                    found[record.header(ID) or record.coordinates].append(record)
            self._begins[cluster] = ends


def lags(settings: Settings, hops: Mapping[str, tuple[str, ...]] = HOPS) -> dict[str, int]:
    """Tell how many records each hop has yet to read, hop by hop: once one has none, the next one gets no more.

    What a hop has committed, its sink has written: both belong to one checkpoint.
    """
    return {group: _lag(cluster_of(settings, names[0]), group, names) for group, names in hops.items()}


def _lag(cluster: ClusterSettings, group: str, names: Iterable[str]) -> int:
    client = kafka.admin(cluster)
    try:
        with Reader(cluster) as reader, kafka.reaching(cluster):
            committed = client.list_group_offsets(group)[group]
            ends = reader.ends(reader.partitions(names))
            return sum(end - _offset(committed, at) for at, end in ends.items())
    finally:
        client.close()


def _offset(committed: Mapping[TopicPartition, object], at: TopicPartition) -> int:
    place = committed.get(at)
    return max(0, getattr(place, "offset", 0))
