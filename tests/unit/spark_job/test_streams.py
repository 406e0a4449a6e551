"""A query of the driver: when it is started again, and what its end means."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from jobs.spark_job.reading import Reading, Standing
from jobs.spark_job.streams import Stream, StreamError
from jobs.spark_job.triggers import MICRO_BATCH, REAL_TIME, Choice
from penstock.event import Deliveries, pack_headers
from penstock.local.waiting import wait_until
from penstock.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REFUSED = "[STREAMING_REAL_TIME_MODE.SINK_NOT_SUPPORTED] no"
ONE = {"p.spark.a": Standing("1", 2)}
SOON_S = 60
LOST = pack_headers({"penstock-error-code": "INPUT", "penstock-error-reason": "too wide"})


class Query:
    """What Spark gives for a query that was started."""

    def __init__(self) -> None:
        self.isActive = True
        self.error: str | None = None

    def stop(self) -> None:
        """End it as it was asked to."""
        self.isActive = False

    def fail(self, error: str) -> None:
        """End it by itself."""
        self.isActive, self.error = False, error

    def exception(self) -> str | None:
        """Why it has ended."""
        return self.error


class Bridge:
    """A bridge over which batches come as this test says."""

    def __init__(self) -> None:
        self.queries: list[Query] = []
        self.triggers: list[dict[str, str]] = []
        self.refuse: list[str] = []
        self.batches: list[tuple[int, str]] = []
        self.given: list[tuple[int, str | None]] = []
        self.did: list[str] = []
        self.done: dict[tuple[str, int], int] = {}
        self.drains = True
        self.patience_s: list[float] = []

    def start(self, _stream: object, _checkpoint: Path, trigger: dict[str, str], _name: str) -> Query:
        """Start a query, unless this is refused."""
        self.triggers.append(trigger)
        if self.refuse:
            raise RuntimeError(self.refuse.pop())
        self.queries.append(Query())
        return self.queries[-1]

    def take(self, _most: int, _wait_ms: int) -> tuple[int, str] | None:
        """The next batch."""
        if self.batches:
            return self.batches.pop(0)
        threading.Event().wait(0.001)
        return None

    def give(self, number: int, deliveries: Deliveries) -> None:
        """Take what became of it."""
        if deliveries.topics == ["boom"]:
            raise RuntimeError("no broker")
        self.given.append((number, deliveries.topics[0]))

    def resume(self, group: str) -> list[str]:
        """Nothing to say."""
        self.did.append(f"resume {group}")
        return []

    def forget(self, topics: list[str]) -> None:
        """Note it."""
        self.did.append(f"forget {topics}")

    def progress(self) -> dict[tuple[str, int], int]:
        """As this test says."""
        return self.done

    def commit(self, _group: str, patience_s: float) -> None:
        """Note it."""
        self.did.append("commit")
        self.patience_s.append(patience_s)

    def drain(self, _patience_s: float) -> bool:
        """As this test says."""
        self.did.append("drain")
        return self.drains

    def fail(self, reason: str) -> None:
        """Note it."""
        self.did.append(f"fail {reason}")

    def counts(self) -> Any:
        """None worth telling."""
        return type("Counts", (), {"_asdict": lambda _: {}})()

    def close(self) -> None:
        """Note it."""
        self.did.append("close")


class Session:
    """Spark, as far as sources go."""

    def __init__(self) -> None:
        self.starts: list[str] = []
        """Where queries begin that have no checkpoint."""

    @property
    def readStream(self) -> Session:  # noqa: N802 as Spark has it
        """Itself."""
        return self

    def format(self, _name: str) -> Session:
        """Itself."""
        return self

    def options(self, **options: str) -> Session:
        """Itself."""
        self.starts.append(options["startingOffsets"])
        return self

    def load(self) -> Session:
        """Itself."""
        return self


class Scorer:
    """Sends each batch to the topic of its name; one that is called nothing goes nowhere."""

    def score(self, requests: str) -> Deliveries:
        """A single record."""
        return Deliveries(topics=[requests or None], values=[None], headers=[LOST])


@pytest.fixture
def bridge() -> Bridge:
    """A bridge."""
    return Bridge()


@pytest.fixture
def choice() -> Choice:
    """Real time, unless something is against it."""
    return Choice(Settings().spark)


@pytest.fixture
def session() -> Session:
    """Spark."""
    return Session()


@pytest.fixture
def make(session: Session, bridge: Bridge, choice: Choice, tmp_path: Path) -> Iterator[Callable[[], Stream]]:
    """A factory of queries that have not begun, one after the other with the same checkpoint."""
    reading = Reading.of(Settings(local={"state_dir": tmp_path}), "spark", copies=False)
    made: list[Stream] = []

    def stream() -> Stream:
        made.append(Stream(session, bridge, reading, Scorer(), choice, lambda: 1))  # type: ignore[arg-type]
        return made[-1]

    yield stream
    for each in made:
        each.close(0)


@pytest.fixture
def stream(make: Callable[[], Stream]) -> Stream:
    """A query that has not begun."""
    return make()


def kinds(bridge: Bridge) -> list[str]:
    """Triggers in the order of starts."""
    return [REAL_TIME if "realTime" in each else MICRO_BATCH for each in bridge.triggers]


def test_batches_are_scored_and_given_back(stream: Stream, bridge: Bridge) -> None:
    """From where the consumer group is."""
    bridge.batches = [(1, "a"), (2, "b")]
    stream.open(ONE)
    assert wait_until(lambda: bridge.given == [(1, "a"), (2, "b")], SOON_S, 0.001)
    assert bridge.did == ["resume penstock.spark-job"]


def test_records_that_go_nowhere_are_told(stream: Stream, bridge: Bridge, caplog: pytest.LogCaptureFixture) -> None:
    """As in the other jobs: nothing is lost without a word, though no engine shows a number here."""
    bridge.batches = [(1, "a"), (2, "")]
    stream.open(ONE)
    assert wait_until(lambda: any(line.levelno == logging.ERROR for line in caplog.records), SOON_S, 0.001)
    (told,) = (line for line in caplog.records if line.levelno == logging.ERROR)
    assert told.facts == {"count": 1, "code": "INPUT", "reason": "too wide"}


def test_same_topics_change_nothing(stream: Stream, bridge: Bridge) -> None:
    """They are looked at often."""
    stream.open(ONE)
    stream.follow(dict(ONE))
    stream.follow({})  # a topic that is gone holds up nobody
    assert len(bridge.queries) == 1


@pytest.mark.parametrize("now", [{**ONE, "p.spark.b": Standing("2", 2)}, {"p.spark.a": Standing("1", 3)}])
def test_new_topics_and_partitions_start_it_again(stream: Stream, bridge: Bridge, now: dict[str, Standing]) -> None:
    """In real time they would be seen minutes later."""
    stream.open(ONE)
    stream.follow(now)
    assert [each.isActive for each in bridge.queries] == [False, True]
    assert stream.topics == now


def test_topic_that_is_made_anew_begins_anew(stream: Stream, bridge: Bridge) -> None:
    """What is known of its offsets is the old one's."""
    stream.open(ONE)
    stream.follow({"p.spark.a": Standing("9", 2)})
    assert bridge.did[-1] == "forget ['p.spark.a']"
    assert len(bridge.queries) == 2


def test_topic_that_was_away_and_made_anew_begins_anew(stream: Stream, bridge: Bridge) -> None:
    """Although the query was started without it meanwhile: Spark may still have the old one's offsets."""
    stream.open({**ONE, "p.spark.b": Standing("2", 1)})
    stream.follow({"p.spark.a": Standing("1", 3)})
    stream.follow({"p.spark.a": Standing("1", 3), "p.spark.b": Standing("3", 1)})
    assert bridge.did[-1] == "forget ['p.spark.b']"


def test_topic_that_was_made_anew_while_nobody_looked(
    make: Callable[[], Stream], bridge: Bridge, session: Session
) -> None:
    """The checkpoint is given up for it; the other topics go on where the consumer group says that they were."""
    before = {**ONE, "p.spark.b": Standing("2", 1)}
    first = make()
    first.open(before)
    folder = first.reading.checkpoint
    folder.mkdir(parents=True)
    first.close(0)
    make().open(before)
    assert folder.exists()

    bridge.done = {("p.spark.a", 0): 7}
    make().open({**before, "p.spark.b": Standing("3", 1)})

    assert not folder.exists()
    assert session.starts == ["earliest", "earliest", '{"p.spark.a":{"0":7,"1":-2},"p.spark.b":{"0":-2}}']


def test_other_trigger_starts_it_again(stream: Stream, bridge: Bridge, choice: Choice) -> None:
    """Both ways."""
    stream.open(ONE)
    choice.short("too few")
    stream.follow(ONE)
    choice.short(None)
    stream.follow(ONE)
    assert kinds(bridge) == [REAL_TIME, MICRO_BATCH, REAL_TIME]


def test_refusal_at_start_falls_back(stream: Stream, bridge: Bridge, choice: Choice) -> None:
    """And is known."""
    bridge.refuse = [REFUSED]
    stream.open(ONE)
    assert kinds(bridge) == [REAL_TIME, MICRO_BATCH]
    assert choice.reason == REFUSED


def test_refusal_while_running_falls_back(stream: Stream, bridge: Bridge) -> None:
    """Some rules are looked at only when the first batch is planned."""
    stream.open(ONE)
    bridge.queries[0].fail(REFUSED)
    stream.check()
    assert kinds(bridge) == [REAL_TIME, MICRO_BATCH]


def test_other_failures_end_the_driver(stream: Stream, bridge: Bridge) -> None:
    """With what Spark said."""
    stream.open(ONE)
    stream.check()
    bridge.queries[0].fail("no broker")
    with pytest.raises(StreamError, match="query 'requests' has failed: no broker"):
        stream.check()


def test_failure_at_start_ends_the_driver(stream: Stream, bridge: Bridge) -> None:
    """It is no refusal."""
    bridge.refuse = ["no such class"]
    with pytest.raises(StreamError, match="no such class"):
        stream.open(ONE)


def test_scoring_that_ends_is_told_to_both_sides(stream: Stream, bridge: Bridge) -> None:
    """Java, so that nothing is waited for; the driver, so that it ends."""
    bridge.batches = [(1, "boom")]
    stream.open(ONE)
    assert wait_until(lambda: bridge.did[-1:] == ["fail no broker"], SOON_S, 0.001)
    with pytest.raises(StreamError, match="the thread that scores requests has ended"):
        wait_until(lambda: stream.check(), SOON_S, 0.001)  # noqa: PLW0108 raises in the end


def test_end_leaves_nothing_behind(stream: Stream, bridge: Bridge) -> None:
    """What was taken is written, and the group knows of it, before the query ends."""
    stream.open(ONE)
    stream.close(1)
    assert bridge.did == ["resume penstock.spark-job", "drain", "commit", "close"]
    assert not bridge.queries[0].isActive


def test_last_word_on_progress_has_all_the_time_that_is_left(stream: Stream, bridge: Bridge) -> None:
    """Nobody says it again: what the group does not know comes again. While it runs, somebody does."""
    stream.open(ONE)
    stream.commit()
    stream.close(1000)

    assert bridge.patience_s == [5, pytest.approx(1000, abs=500)]


def test_end_waits_for_nothing_beyond_its_patience(stream: Stream, bridge: Bridge) -> None:
    """A model that hangs: what it was given comes again."""
    stream.open(ONE)
    joined: list[float] = []
    thread, bridge.drains = stream._thread, False
    stream._thread = SimpleNamespace(ident=1, join=joined.append)  # type: ignore[assignment]

    stream.close(0)

    assert joined == [0]
    thread.join(SOON_S)
