"""Live documents on a real broker: workers that follow, answer, and outlive what goes wrong."""

from __future__ import annotations

import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from penstock import kafka, settings, topics
from penstock.control import announcer, history, portable, watching
from penstock.control.messages import VerdictKind
from penstock.control.publisher import KEY, publish
from penstock.control.reading import ControlLog
from penstock.control.status import SignKind, parse
from penstock.control.worker import Worker
from penstock.errors import ControlTopicError, ModelRefError, NoRoutingDocumentError
from penstock.local import versions
from penstock.local.waiting import wait_until
from penstock.testing import builders
from tests import brokers
from tests.patience import SOON_S
from tests.registered import at_work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Installation

    from penstock.control.documents import LiveDocument
    from penstock.settings import Settings

POLL_S = 0.02


def text(version: int, **changes: Any) -> str:
    """Return a good document."""
    return builders.document(version=version, **changes).model_dump_json(exclude_none=True)


def write(found: Settings, value: bytes | None, key: bytes = b"somebody") -> None:
    """Write to the routing topic as any other program would."""
    producer = kafka.producer(found.kafka.internal_cluster)
    producer.send(topics.control_routing(found.topics.prefix), value, key=key).get(timeout=SOON_S)
    producer.close()


class Follows:
    """A worker that only notes which documents it used."""

    def __init__(self, found: Settings, name: str = "input_adapter") -> None:
        self.used: list[int] = []
        self.refused: set[int] = set()
        self.worker = Worker(portable.pack(found), name, self.use, lambda: {"iris": {"new": 12.5}})

    def use(self, live: LiveDocument) -> None:
        """Take a document, unless it is one of those that this worker does not like."""
        if live.version in self.refused:
            raise ModelRefError("x", "no")
        self.used.append(live.version)

    def uses(self, version: int) -> bool:
        """Wait until the worker has this version in force."""
        return wait_until(lambda: self.worker.current_version == version, SOON_S, POLL_S)


@pytest.fixture
def found(make_installation: Callable[..., Installation]) -> Settings:
    """An installation whose topics are there."""
    installed = make_installation(**{"control.version_wait_ms": 1000 * SOON_S}).settings
    topics.ensure(installed.kafka.internal_cluster, topics.internal_topics(installed))
    return installed


@pytest.fixture
def follow(found: Settings) -> Iterator[Callable[..., Follows]]:
    """Start workers; they are stopped when the test ends."""
    started: list[Follows] = []

    def start(name: str = "input_adapter", of: Settings = found) -> Follows:
        one = Follows(of, name)
        one.worker.start()
        started.append(one)
        return one

    yield start
    for one in started:
        one.worker.close()


def test_start_uses_the_newest_good_document_before_it_returns(found: Settings, follow: Callable[..., Follows]) -> None:
    """Even when the newest messages are broken, half-written, stale, or a tombstone; and no older one on the way."""
    publish(found, text(1))
    publish(found, text(3))
    for value in (b"broken", b"version: 9\nroutes: [", text(2).encode(), None):
        write(found, value)

    one = follow()

    assert one.used == [3]
    earlier = one.worker.document_of(1)
    assert earlier
    assert earlier.version == 1


def test_start_without_a_good_document_fails(found: Settings) -> None:
    """It says what is there and what to do; the job is restarted until there is one."""
    with pytest.raises(NoRoutingDocumentError, match="holds no good routing document; 'penstock up' publishes"):
        Follows(found).worker.start()
    write(found, b"broken")
    with pytest.raises(NoRoutingDocumentError, match="its newest message is none: the document: expected keys"):
        Follows(found).worker.start()


def test_start_without_the_topic_fails(make_installation: Callable[..., Installation]) -> None:
    """A missing topic, and one whose messages have no order, are told as such."""
    installed = make_installation()
    with pytest.raises(ControlTopicError, match=r"'p.*\.control\.routing' cannot be used: it does not exist"):
        Follows(installed.settings).worker.start()
    name = topics.control_routing(installed.settings.topics.prefix)
    topics.ensure(installed.cluster, [topics.Topic(name=name, partitions=2, replication_factor=1)])
    with pytest.raises(ControlTopicError, match="it has 2 partitions, expected 1"):
        Follows(installed.settings).worker.start()


def test_live_change_is_seen_by_all(found: Settings, follow: Callable[..., Follows]) -> None:
    """By every worker; what is no good document changes nothing in any of them."""
    publish(found, text(1))
    workers = [follow("input_adapter"), follow("output_adapter")]
    write(found, b"broken")
    publish(found, text(2))

    assert all(one.uses(2) for one in workers)
    assert [one.used for one in workers] == [[1, 2], [1, 2]]


@pytest.mark.parametrize("key", [b"somebody", b"\xff", KEY])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(text(2), id="json"),
        pytest.param(
            "# by hand\n"
            "version: 2\n"
            "sources: [{topic: events, format: json, type: {field: type}}]\n"
            "routes:\n"
            "- {name: iris, match: {type: iris}, model: iris-tree, output: {topic: iris-results}}\n"
            "models: {iris-tree: {job: pmml}}\n",
            id="yaml",
        ),
    ],
)
def test_message_of_any_client_is_taken(
    found: Settings, follow: Callable[..., Follows], key: bytes, value: str
) -> None:
    """Whole documents in YAML or JSON under any key, as kafka-console-producer writes them."""
    publish(found, text(1))
    one = follow()
    write(found, value.encode(), key)

    assert one.uses(2)


def test_console_producer_of_kafka_is_enough(found: Settings, follow: Callable[..., Follows]) -> None:
    """Kafka's own tool publishes a document: one line of JSON, with any key, as docs/live-changes.md shows it."""
    publish(found, text(1))
    one = follow()
    cluster = found.kafka.internal_cluster
    command = [versions.java(), "-Xmx128m", "-cp", str(found.local.jars_dir / "kafka" / "*")]
    command += ["org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", cluster.bootstrap_servers]
    command += ["--topic", topics.control_routing(found.topics.prefix)]
    command += ["--property", "parse.key=true", "--property", "key.separator=|"]
    command += ["--request-timeout-ms", str(1000 * SOON_S)]  # its own is 1.5 s, after three of which it gives up
    subprocess.run(command, input=f"me|{text(2)}\n".encode(), check=True, capture_output=True, timeout=SOON_S)

    assert one.uses(2)


def test_topics_are_there_before_a_document_is_used(found: Settings, follow: Callable[..., Follows]) -> None:
    """A record for a topic that is missing would stop a sink."""
    publish(found, text(1))
    one = follow()
    output = f"new-{found.topics.prefix}"
    publish(found, text(2, routes=[builders.route(output={"topic": output})]))

    assert one.uses(2)
    assert topics.ensure(found.kafka.external, [topics.Topic(name=output, partitions=1, replication_factor=1)]) == ()


def test_topic_that_cannot_be_made_rejects_the_document(found: Settings, follow: Callable[..., Follows]) -> None:
    """The last document stays in force, and the reason is told."""
    publish(found, text(1))
    follow()
    impossible = found.model_copy(update={"topics": found.topics.model_copy(update={"replication_factor": 3})})
    one = follow(of=impossible)
    assert at_work(found, 2)
    output = f"new-{found.topics.prefix}"
    with watching.Watch(found) as watch:
        published = publish(found, text(2, routes=[builders.route(output={"topic": output})]))
        assert watch.answered(published.offset, SOON_S)
        states = watch.workers.live(time.time_ns() // 1_000_000)

    assert one.worker.current_version in {1, 2}  # the other one may have made the topic meanwhile
    assert {state.sign.state for state in states} <= {SignKind.APPLIED, SignKind.REJECTED, SignKind.ALIVE}
    assert one.uses(2), "what failed because of Kafka is tried again"


def test_start_does_without_a_document_whose_topic_kafka_refuses(
    found: Settings, follow: Callable[..., Follows]
) -> None:
    """That is no broker that is away: the document before is used, as it is by workers that were there."""
    first, second = (f"{name}-{found.topics.prefix}" for name in ("some.scores", "some_scores"))
    publish(found, text(1, routes=[builders.route(output={"topic": first})]))
    there = follow()
    assert at_work(found, 1)
    with watching.Watch(found) as watch:
        published = publish(found, text(2, routes=[builders.route(output={"topic": second})]))
        assert watch.answered(published.offset, SOON_S)
        (state,) = watch.workers.live(time.time_ns() // 1_000_000)

    one = follow("output_adapter")

    assert (there.used, one.used) == ([1], [1])
    assert state.sign.verdict == "rejected"
    assert state.sign.reasons[0].startswith(f"the topic {second!r} was not made: ")


def test_workers_answer(found: Settings, follow: Callable[..., Follows]) -> None:
    """Applied, rejected with reasons, duplicate: each answer names the message, and what is in force now."""
    publish(found, text(1))
    likes, dislikes = follow("input_adapter"), follow("output_adapter")
    assert at_work(found, 2)
    dislikes.refused = {2}

    def answers(value: str) -> dict[str, tuple[object, ...]]:
        with watching.Watch(found) as watch:
            offset = publish(found, value).offset
            assert watch.answered(offset, SOON_S)
            signs = [state.sign for state in watch.workers.live(time.time_ns() // 1_000_000)]
        assert {sign.offset for sign in signs} == {offset}
        return {sign.deployable: (sign.verdict, sign.version, sign.offered, sign.reasons) for sign in signs}

    no = ("'x' is no model ref: no",)
    assert answers(text(2)) == {
        "input_adapter": ("applied", 2, 2, ()),
        "output_adapter": ("rejected", 1, 2, no),
    }
    assert answers("version: 3")["input_adapter"][:3] == ("rejected", 2, 3)
    assert answers(text(3)) == dict.fromkeys(("input_adapter", "output_adapter"), ("applied", 3, 3, ()))
    assert answers(text(3)) == dict.fromkeys(("input_adapter", "output_adapter"), ("duplicate", 3, 3, ()))
    assert (likes.used, dislikes.used) == ([1, 2, 3], [1, 3])


def test_each_of_many_messages_is_answered(found: Settings, follow: Callable[..., Follows]) -> None:
    """Also where they come quicker than answers can be written: what became of one is told of that one."""
    publish(found, text(1))
    follow()
    offered = [text(2), "broken", text(3), text(3), text(2), *(text(number) for number in range(4, 24))]
    producer = kafka.producer(found.kafka.internal_cluster)
    for value in offered:
        producer.send(topics.control_routing(found.topics.prefix), value.encode(), key=KEY)
    producer.close()

    def answers() -> list[tuple[int | None, str | None]]:
        with ControlLog(found.kafka.internal_cluster, topics.control_status(found.topics.prefix)) as log:
            said = [parse(message.value) for message in log.to_end(SOON_S)]
        kinds = {SignKind.APPLIED, SignKind.REJECTED}
        return [(sign.offset, sign.verdict) for sign in said if sign is not None and sign.state in kinds]

    verdicts = ["applied", "rejected", "applied", "duplicate", "rejected", *["applied"] * 20]
    expected = list(enumerate(verdicts, start=1))
    assert wait_until(lambda: answers() == expected, SOON_S, POLL_S), answers()


def test_signs_of_life(found: Settings, follow: Callable[..., Follows], monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker is heard of while it lives, says good-bye, and tells its weights; each has a name of its own."""
    monkeypatch.setattr(announcer, "_CLOSE_S", SOON_S)  # a broker that is slow is not to lose the good-bye
    lively = found.model_copy(update={"control": found.control.model_copy(update={"heartbeat_ms": 2_000})})
    publish(found, text(7))
    one, two = follow(of=lively), follow(of=lively)

    def states() -> dict[str, list[SignKind]]:
        kinds: dict[str, list[SignKind]] = {}
        for state in watching.workers(found):
            kinds.setdefault("live" if state.live(time.time_ns() // 1_000_000) else "gone", []).append(state.sign.state)
        return kinds

    assert wait_until(lambda: states() == {"live": [SignKind.ALIVE] * 2}, SOON_S, POLL_S), states()
    state = watching.workers(found)[0]
    assert (state.sign.version, state.sign.weights) == (7, {"iris": {"new": 12.5}})
    one.worker.close()
    assert wait_until(lambda: states() == {"gone": [SignKind.STOPPED], "live": [SignKind.ALIVE]}, SOON_S, POLL_S)
    two.worker.close()
    assert wait_until(lambda: "live" not in states(), SOON_S, POLL_S)


def test_version_that_is_yet_to_come_is_waited_for(found: Settings, follow: Callable[..., Follows]) -> None:
    """For a while: it comes, or it does not."""
    publish(found, text(5))
    one = follow()
    hasty = follow(of=found.model_copy(update={"control": found.control.model_copy(update={"version_wait_ms": 500})}))
    later = threading.Timer(0.2, publish, (found, text(6)))
    later.start()

    assert one.worker.document_of(6) is not None
    later.join()
    assert one.worker.document_of(4) is None
    begun = time.monotonic()
    assert hasty.worker.document_of(7) is None
    assert time.monotonic() - begun > 0.4


def test_broker_that_dies_and_comes_back(tmp_path: Path) -> None:
    """The last good document stays meanwhile, and the next one is taken as if nothing had been."""
    with brokers.running(tmp_path) as broker:
        found = settings.load(overrides={**broker.reached, "local.state_dir": str(tmp_path / "state")})
        topics.ensure(found.kafka.internal_cluster, topics.internal_topics(found))
        publish(found, text(1))
        one = Follows(found)
        one.worker.start()
        try:
            assert at_work(found, 1)
            broker.kill()
            assert one.worker.current_version == 1
            assert one.worker.document_of(1)
            broker.start()
            publish(found, text(2))

            assert one.uses(2)
            assert wait_until(lambda: [state.sign.version for state in watching.workers(found)] == [2], SOON_S, POLL_S)
        finally:
            one.worker.close()


def test_history_tells_all_that_was_published(found: Settings) -> None:
    """Good and bad, in order, with what became of each; the topic keeps them for a while though it is compacted."""
    first = publish(found, text(1))
    for value in (b"broken", text(1).encode(), text(4).encode()):
        write(found, value, KEY)
    entries = history.history(found)

    assert (entries[0].message.offset, entries[0].message.published_ms) == (first.offset, first.timestamp_ms)
    assert [entry.verdict.kind for entry in entries] == [
        VerdictKind.APPLIED,
        VerdictKind.REJECTED,
        VerdictKind.DUPLICATE,
        VerdictKind.APPLIED,
    ]
    assert [entry.live.version if entry.live else None for entry in entries] == [1, None, None, 4]
    current = history.current(found)
    assert current
    assert current.version == 4
    assert history.source_topics(found) == ("events",)


def test_history_of_an_empty_topic(found: Settings) -> None:
    """Nothing was published: that is no error, until somebody needs a document."""
    assert history.history(found) == []
    assert history.current(found) is None
    with pytest.raises(NoRoutingDocumentError, match="holds no good routing document"):
        history.needed(found)


def test_document_that_is_too_large_is_refused(make_installation: Callable[..., Installation]) -> None:
    """The topic's limit is told, not a stack trace."""
    installed = make_installation(**{"control.max_document_bytes": 10_000}).settings
    topics.ensure(installed.kafka.internal_cluster, topics.internal_topics(installed))

    with pytest.raises(ControlTopicError, match=r"has 20.* bytes, at most 10000 are taken"):
        publish(installed, text(1) + " " * 20_000)


def test_document_larger_than_a_message_goes_out_compressed(found: Settings) -> None:
    """Ten thousand routes are more than the megabyte that a topic takes."""
    large = text(1).rstrip() + "\n" + "# a comment of forty characters, no less\n" * 40_000
    assert len(large) > found.limits.max_request_bytes

    publish(found, large)

    current = history.current(found)
    assert current
    assert current.text == large
