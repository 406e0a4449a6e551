"""The way of records through Spark against a real broker: what comes out, what comes again, and what does not."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from jobs.spark_job.bridge import Bridge
from jobs.spark_job.reading import Reading
from jobs.spark_job.streams import Stream
from jobs.spark_job.triggers import Choice
from penstock import kafka, topics
from penstock.engine_sections import SparkSettings
from penstock.errors import BridgeError
from penstock.event import CE_ID, CE_TIME, MODEL, Blank, Deliveries, ce_time, pack_headers
from penstock.local.waiting import wait_until
from tests import sparks
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

    from penstock.scoring import Requests
    from tests.brokers import Broker
    from tests.integration.conftest import Installation

ADDED = pack_headers({CE_ID: Blank.PLACE, CE_TIME: Blank.TIME, MODEL: "m:1"})
#: Longer than any test: what a query does that is stopped in the middle of a batch must not depend on its length.
REAL_TIME = {"realTime": "30 minutes"}
MICRO_BATCH = {"processingTime": "0 seconds"}
#: A minute ago: of much older records the broker makes room when it has run for half a minute.
SENT_MS = time.time_ns() // 1_000_000 - 60_000


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One session for all tests of this module."""
    with sparks.session(tmp_path_factory.mktemp("spark")) as session:
        yield session


@dataclass(frozen=True)
class Echo:
    """What becomes of requests: each one's own value, with headers added."""

    results: str

    def score(self, requests: Requests) -> Deliveries:
        """Give them back."""
        size = len(requests.values)
        return Deliveries(topics=[self.results] * size, values=[None] * size, headers=[ADDED] * size)


@dataclass
class Frame:
    """A bridge, and the thread that takes from it and gives back."""

    bridge: Bridge
    results: str
    seen: list[Requests] = field(default_factory=list)
    error: BridgeError | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Take and give until told to end."""
        try:
            while not self.ended.is_set():
                self.pass_on(1)
        except BridgeError as error:
            self.error = error

    def pass_on(self, rows: int) -> None:
        """Take and give until so many rows came, or for a moment nothing."""
        while rows > 0 and (taken := self.bridge.take(1000, 100)) is not None:
            number, requests = taken
            self.seen.append(requests)
            self.bridge.give(number, Echo(self.results).score(requests))
            rows -= len(requests.values)


@dataclass(frozen=True)
class Way:
    """An installation with request topics, and Spark."""

    spark: SparkSession
    installation: Installation
    checkpoint: Path
    requests: str
    results: str

    @property
    def group(self) -> str:
        """The consumer group of the job."""
        return f"{self.installation.settings.topics.prefix}.spark-job"

    def stream(self) -> DataFrame:
        """The source."""
        options = {
            "kafka.bootstrap.servers": self.installation.cluster.bootstrap_servers,
            "subscribePattern": self.requests,
            "startingOffsets": "earliest",
            "includeHeaders": "true",
            "failOnDataLoss": "false",
        }
        return self.spark.readStream.format("kafka").options(**options).load()

    def send(self, count: int, *, first: int = 0) -> None:
        """Send numbered requests to both partitions."""
        with kafka.producer(self.installation.cluster) as producer:
            for number in range(first, first + count):
                producer.send(self.requests, b"%d" % number, key=b"k", partition=number % 2, timestamp_ms=SENT_MS)

    def start(self, frame: Frame, trigger: dict[str, str]) -> StreamingQuery:
        """Start the query."""
        return frame.bridge.start(self.stream(), self.checkpoint, trigger, "requests")

    @contextmanager
    def frame(self, results: str | None = None, *, resume: bool = True, **most: int) -> Iterator[Frame]:
        """A bridge with its thread; queries end before it does."""
        bridge = Bridge(self.spark._jvm, "requests", self.installation.settings, **most)
        frame = Frame(bridge, results or self.results)
        if resume:
            assert bridge.resume(self.group) == []
        thread = threading.Thread(target=frame.run)
        thread.start()
        try:
            yield frame
        except AssertionError as error:
            queries = [(query.status, query.exception()) for query in self.spark.streams.active]
            error.add_note(f"the bridge: {bridge.counts()}, {frame.error}; the query: {queries}")
            raise
        finally:
            for query in self.spark.streams.active:
                query.stop()
            frame.ended.set()
            thread.join()
            bridge.close()

    @contextmanager
    def query(self, reading: Reading) -> Iterator[Stream]:
        """The job's own query, in micro-batches, which note offsets at once."""
        choice = Choice(SparkSettings(trigger="micro-batch", trigger_interval_ms=0))
        bridge = Bridge(self.spark._jvm, reading.name, self.installation.settings)
        stream = Stream(self.spark, bridge, reading, Echo(self.results), choice, lambda: 1000)  # type: ignore[arg-type]
        try:
            stream.open(reading.topics())
            yield stream
            stream.check()
        finally:
            stream.close(SOON_S)

    def renew(self) -> None:
        """Delete the topic of requests, and make it anew."""
        with kafka.admin(self.installation.cluster) as client:
            client.delete_topics([self.requests])
        eventually(lambda: self.requests in topics_of(self), wanted=False)
        made = topics.Topic(name=self.requests, partitions=2, replication_factor=1)
        topics.ensure(self.installation.cluster, [made])

    def records(self, count: int) -> list[Any]:
        """Read results, at least so many; say how many there are."""
        return read(self.installation, self.results, count)


def read(installation: Installation, topic: str, count: int) -> list[Any]:
    """Read a topic's records until there are so many, and then those that are there besides."""
    found: list[Any] = []
    until = time.monotonic() + SOON_S
    with kafka.consumer(installation.cluster, auto_offset_reset="earliest", group_id=None) as consumer:
        consumer.assign([TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)])
        while len(found) < count:
            assert time.monotonic() < until, f"{len(found)} of {count} records came"
            for records in consumer.poll(500).values():
                found += records
        for records in consumer.poll(300).values():
            found += records
    return found


def eventually(what: Callable[[], object], wanted: object) -> None:
    """Wait until something is as wanted."""
    found: list[object] = []

    def done() -> bool:
        found.append(what())
        return found[-1] == wanted

    assert wait_until(done, SOON_S, 0.05), f"it is {found[-1]!r}, not {wanted!r}"


@pytest.fixture
def way(spark: SparkSession, installation: Installation, tmp_path: Path) -> Way:
    """A way of a test's own."""
    prefix = installation.settings.topics.prefix
    names = [f"{prefix}.spark.m", f"{prefix}.results"]
    made = [topics.Topic(name=name, partitions=2, replication_factor=1) for name in names]
    topics.ensure(installation.cluster, made)
    return Way(spark, installation, tmp_path / "checkpoint", *names)


@pytest.mark.parametrize("trigger", [REAL_TIME, MICRO_BATCH], ids=["real-time", "micro-batch"])
def test_records_pass_with_all_that_is_theirs(way: Way, trigger: dict[str, str]) -> None:
    """Key, own headers and timestamp stay; what Python adds wins over what is there; the last of one name counts."""
    own = [("a", b"1"), ("empty", b""), ("a", b"2"), (MODEL, b"other:1"), ("penstock-shadow", "ä".encode())]
    with kafka.producer(way.installation.cluster) as producer:
        producer.send(way.requests, b"whole", key=b"k", partition=1, headers=own, timestamp_ms=SENT_MS).get(SOON_S)
        producer.send(way.requests, None, key=b"k", partition=0, timestamp_ms=SENT_MS + 1).get(SOON_S)
    with way.frame() as frame:
        way.start(frame, trigger)
        bare, whole = sorted(way.records(2), key=lambda record: record.timestamp, reverse=True)
        seen = {texts: size for each in frame.seen for texts, size in zip(each.texts, each.unseen_bytes, strict=True)}
        eventually(frame.bridge.progress, {(way.requests, 0): 1, (way.requests, 1): 1})

    assert (whole.key, whole.value, whole.timestamp) == (b"k", b"whole", SENT_MS)
    assert (bare.key, bare.value, bare.timestamp) == (b"k", None, SENT_MS + 1)
    added = [(CE_ID, f"{way.requests}/1/0".encode()), (CE_TIME, ce_time(SENT_MS).encode()), (MODEL, b"m:1")]
    assert whole.headers == [("empty", b""), ("a", b"2"), ("penstock-shadow", "ä".encode()), *added]
    assert bare.headers[0] == (CE_ID, f"{way.requests}/0/0".encode())
    assert seen == {
        (way.requests, "other:1", None, "ä", None): 97 + 1 + sum(10 + len(n) + len(v) for n, v in own),
        (way.requests, None, None, None, None): 97 + 1,
    }


def test_query_that_starts_again_repeats_nothing(way: Way) -> None:
    """Neither with the other trigger in the same process, nor with a new bridge after a drain, although Spark does."""
    way.send(500)
    with way.frame() as frame:
        query = way.start(frame, REAL_TIME)
        way.records(500)
        query.stop()  # in the middle of its batch: Spark has taken note of nothing
        way.send(100, first=500)
        way.start(frame, MICRO_BATCH)
        way.records(600)
        eventually(lambda: frame.bridge.counts().skipped, 500)
        assert frame.bridge.drain(SOON_S)
        frame.bridge.commit(way.group, SOON_S)
        assert frame.bridge.progress() == {(way.requests, 0): 300, (way.requests, 1): 300}
    again = Way(way.spark, way.installation, way.checkpoint.with_name("lost"), way.requests, way.results)
    again.send(2, first=600)
    with again.frame() as frame:
        again.start(frame, REAL_TIME)
        found = again.records(602)
        eventually(lambda: frame.bridge.counts().skipped, 600)

    assert sorted(int(record.value) for record in found) == list(range(602))
    for partition in (0, 1):
        in_order = [
            int(one.value)
            for one in found
            if dict(one.headers)[CE_ID].startswith(f"{way.requests}/{partition}/".encode())
        ]
        assert in_order == sorted(in_order)
    with kafka.admin(way.installation.cluster) as client:
        offsets = client.list_group_offsets(way.group)
    assert "300" in str(offsets)


def test_record_that_cannot_be_written_ends_it_all(way: Way) -> None:
    """Nothing is taken note of: neither by Spark nor in the group; once it can be written, all of it comes."""
    way.send(10)
    with way.frame("no.such.topic!") as frame:
        query = way.start(frame, MICRO_BATCH)
        eventually(lambda: frame.error is not None, wanted=True)
        eventually(lambda: query.isActive, wanted=False)
        with pytest.raises(BridgeError, match=r"the way of requests through Spark is broken: .*no\.such\.topic!"):
            frame.bridge.take(1, 1)

        assert "has failed" in str(query.exception())
        assert frame.bridge.progress() == {}
    with way.frame() as frame:
        way.start(frame, MICRO_BATCH)

        assert sorted(int(record.value) for record in way.records(10)) == list(range(10))


def test_topic_that_was_made_anew_is_read_from_its_beginning(way: Way) -> None:
    """Its rows have offsets that those of the old one had, which is no reason to take them for the same."""
    way.send(50)
    with way.frame() as frame:
        query = way.start(frame, MICRO_BATCH)
        way.records(50)
        query.stop()
        way.renew()
        way.send(4, first=50)
        frame.bridge.start(way.stream(), way.checkpoint.with_name("new"), MICRO_BATCH, "requests")
        found = way.records(54)

        assert sorted(int(record.value) for record in found) == list(range(54))
        eventually(frame.bridge.progress, {(way.requests, 0): 2, (way.requests, 1): 2})


def test_query_reads_a_topic_that_was_made_anew_from_its_beginning(way: Way) -> None:
    """Also where it has grown longer than before, when Spark would go on at the old one's offset; others go on."""
    other = f"{way.requests}.other"
    topics.ensure(way.installation.cluster, [topics.Topic(name=other, partitions=1, replication_factor=1)])
    reading = replace(Reading.of(way.installation.settings, "spark", copies=False), checkpoint=way.checkpoint)
    way.send(50)
    with way.query(reading):
        way.records(50)
        eventually(lambda: any((way.checkpoint / "commits").glob("[0-9]*")), wanted=True)
    with kafka.producer(way.installation.cluster) as producer:
        producer.send(other, b"0", timestamp_ms=SENT_MS)
    with way.query(reading):
        way.records(51)
    way.renew()
    way.send(80, first=50)
    with way.query(reading) as query:
        assert len(way.records(131)) == 131
        assert query.counts()["skipped"] == 0
        # And while it runs; what it reads before it is told comes twice.
        way.renew()
        way.send(120, first=130)
        query.follow(reading.topics())
        eventually(lambda: {int(record.value) for record in way.records(251)}, set(range(250)))


def test_end_does_not_wait_for_what_cannot_be_written(way: Way, session_broker: Broker) -> None:
    """Not beyond its patience, however long the producer tries; nothing counts as done that is not written."""
    frame = Frame(bridge := Bridge(way.spark._jvm, "requests", way.installation.settings), way.results)
    query = way.start(frame, REAL_TIME)
    try:
        way.send(2)
        eventually(lambda: bridge.counts().waiting, 2)
        frame.pass_on(2)
        eventually(lambda: bridge.counts().delivered, 2)
        way.send(4, first=2)
        eventually(lambda: bridge.counts().waiting, 4)
        with session_broker.paused():
            frame.pass_on(4)
            began = time.monotonic()
            assert not bridge.drain(0.5)
            assert time.monotonic() - began < SOON_S / 2
            assert bridge.counts().outstanding == 4
            assert bridge.progress() == {(way.requests, 0): 1, (way.requests, 1): 1}
            with pytest.raises(BridgeError, match=r"[Tt]ime"):
                bridge.commit(way.group, 0.5)
        assert bridge.drain(SOON_S)
    finally:
        query.stop()
        bridge.close()


def test_headers_take_room_in_the_queue(way: Way) -> None:
    """They may be most of a record; who brings more waits."""
    with kafka.producer(way.installation.cluster) as producer:
        for number in range(20):
            producer.send(way.requests, b"", headers=[("n", b"%d" % number)], partition=0, timestamp_ms=SENT_MS)
    with way.frame(queue_bytes=1) as frame:
        way.start(frame, MICRO_BATCH)
        way.records(20)

    assert [len(each.values) for each in frame.seen] == [1] * 20


def test_offset_of_unknown_origin_is_not_relied_on(way: Way) -> None:
    """Rows would be skipped that nobody has scored; so they are scored, and it is told."""
    way.send(4)
    with kafka.consumer(way.installation.cluster, group_id=way.group, enable_auto_commit=False) as consumer:
        consumer.assign([TopicPartition(way.requests, 0)])
        consumer.commit({TopicPartition(way.requests, 0): OffsetAndMetadata(2, "", -1)})
    with way.frame(resume=False) as frame:
        remarks = frame.bridge.resume(way.group)
        way.start(frame, MICRO_BATCH)
        way.records(4)

    (remark,) = remarks
    assert remark.startswith(f"offset 2 of {way.requests}-0 in the group '{way.group}' is not used: ")
    assert remark.endswith("the topic was made anew, or something else has written the offset")


def test_what_is_forgotten_is_let_in_again(way: Way) -> None:
    """By whoever knows that a topic was made anew."""
    way.send(4)
    with way.frame() as frame:
        query = way.start(frame, MICRO_BATCH)
        way.records(4)
        query.stop()
        frame.bridge.forget([way.requests, "other"])
        frame.bridge.start(way.stream(), way.checkpoint.with_name("new"), MICRO_BATCH, "requests")

        assert len(way.records(8)) == 8


def topics_of(way: Way) -> set[str]:
    """The names of all topics."""
    with kafka.admin(way.installation.cluster) as client:
        return set(client.list_topics())
