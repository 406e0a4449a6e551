"""Workers that follow the topic of models on a real broker, and what they say of their models."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from penstock import settings, topics
from penstock.control import models, portable
from penstock.control.model_signs import ModelSign, ModelsSign
from penstock.control.model_subject import ModelSubject
from penstock.control.models import ModelsTopic
from penstock.control.reading import ControlLog
from penstock.control.watching import ModelWatch, workers
from penstock.control.worker import Worker
from penstock.local.waiting import wait_until
from penstock.models.catalog_events import State
from penstock.models.records import descriptor_record
from penstock.models.ref import ModelRef
from penstock.models.registry import Registry
from penstock.testing import builders
from tests import brokers
from tests.patience import SOON_S
from tests.registered import at_work, descriptor, installed, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from conftest import Installation

    from penstock.control.documents import LiveDocument
    from penstock.control.messages import Message, Verdict
    from penstock.settings import Settings

POLL_S = 0.02


class Holds:
    """A worker whose models are as this test says: ready at once, unless it says otherwise."""

    def __init__(self, found: Settings) -> None:
        self.registry = Registry()
        # A registry notes a message before it does what that says; what is told in between would miss it.
        self.taking = threading.Lock()
        self.said: dict[str, ModelSign] = {}
        self.seen_first: list[list[str]] = []
        self.verdicts: list[Verdict] = []
        self.worker = Worker(portable.pack(found), "pmml_job", self.use, models=lambda _: ModelSubject(self, "pmml"))

    def use(self, _: LiveDocument) -> None:
        """Note which models are known when a document is put in force."""
        self.seen_first.append(self.refs)

    @property
    def refs(self) -> list[str]:
        """Which versions it knows."""
        return [str(each.ref) for each in self.registry]

    @property
    def offset(self) -> int | None:
        """The last message that it has seen."""
        return self.registry.offset

    def begin(self, messages: Sequence[Message]) -> list[Verdict]:
        """Take what the topic holds."""
        with self.taking:
            self.verdicts += self.registry.recover(messages)
        return self.verdicts

    def offer(self, message: Message) -> Verdict:
        """Take the next message."""
        with self.taking:
            self.verdicts.append(self.registry.offer(message))
        return self.verdicts[-1]

    def states(self) -> dict[str, ModelSign]:
        """How each version is."""
        with self.taking:
            return {ref: self.said.get(ref, ModelSign(State.READY, 0, 1, "")) for ref in self.refs}

    def serving(self) -> dict[str, int]:
        """What is live is served."""
        names = {each.name for each in self.registry}
        return {name: ref.version or 0 for name in names if (ref := self.registry.live(name))}

    def say(self, ref: str, state: State, reason: str = "") -> None:
        """A version is in another state now."""
        self.said[ref] = ModelSign(state, 1, 0, reason)
        self.worker.models_changed()


@pytest.fixture
def found(make_installation: Callable[..., Installation]) -> Settings:
    """An installation whose topics are there, with a document in force."""
    return installed(make_installation)


@pytest.fixture
def hold(found: Settings) -> Iterator[Callable[[], Holds]]:
    """Start workers and hear of them; they are stopped when the test ends."""
    started: list[Holds] = []

    def start() -> Holds:
        one = Holds(found)
        one.worker.start()
        started.append(one)
        assert at_work(found, len(started))
        return one

    yield start
    for one in started:
        one.worker.close()


def test_models_are_known_before_the_first_document(found: Settings, hold: Callable[[], Holds]) -> None:
    """All that the topic holds, whatever else stands there: the first record is scored by the same as before."""
    with ModelsTopic(found) as topic:
        for version in range(1, 31):
            topic.register(descriptor(version=version))
        topic.remove(ModelRef("iris", 7))
    write(found, (b"\xff", b"\x00"), (b"", None), (b"iris:8", b"x" * 900_000), (b"iris:9", b"[" * 5_000))

    one = hold()

    assert one.seen_first == [[f"iris:{version}" for version in range(1, 31) if version != 7]]
    assert one.offset == 34


def test_worker_that_starts_with_an_empty_topic_follows_it(found: Settings, hold: Callable[[], Holds]) -> None:
    """Models may come later; it says that it holds none yet."""
    one = hold()
    assert one.seen_first == [[]]
    assert wait_until(lambda: [each.sign.models_offset for each in workers(found)] == [-1], SOON_S, POLL_S)
    models.register(found, descriptor())

    assert wait_until(lambda: one.refs == ["iris:1"], SOON_S, POLL_S)


def test_worker_answers_for_its_models(found: Settings, hold: Callable[[], Holds]) -> None:
    """Each state with its reason, soon after it changes, and what became of the last message."""
    one = hold()
    with ModelWatch(found) as watch:
        first = models.register(found, descriptor())
        assert first
        assert list(watch.loaded(ModelRef("iris", 1), first.offset, "pmml", SOON_S).values()) == [
            ModelSign(State.READY, 0, 1, "")
        ]
        one.said["iris:2"] = ModelSign(State.LOADING, 1, 0, "")
        second = models.register(found, descriptor(version=2))
        assert second
        later = threading.Timer(0.5, one.say, ("iris:2", State.FAILED, "no such file"))
        later.start()
        (state,) = watch.loaded(ModelRef("iris", 2), second.offset, "pmml", SOON_S).values()
        later.join()
        assert state == ModelSign(State.FAILED, 1, 0, "no such file")
        write(found, (b"iris:1", b"rubbish"))

        def told() -> tuple[object, ...]:
            watch.listen()
            (sign,) = (each.sign for each in watch.workers.states.values())
            return sign.models_verdict, sign.models_subject, sign.models, sign.models_offset

        expected = ("rejected", "iris:1", {"failed": 1, "ready": 1}, second.offset + 1)
        assert wait_until(lambda: told() == expected, SOON_S, POLL_S), told()
        ((worker, sign),) = watch.states.items()
        assert (sign.job, sign.offset, sign.serving) == ("pmml", second.offset + 1, {"iris": 2})
        assert worker in watch.workers.states


def test_who_does_not_answer_in_time_is_told(found: Settings, hold: Callable[[], Holds]) -> None:
    """Not seen the message, still loading, does not have it: three answers; workers of other jobs are not asked."""
    one = hold()
    published = models.register(found, descriptor())
    assert published
    with ModelWatch(found) as watch:
        later = published.offset + 1
        _heard(watch)
        assert list(watch.loaded(ModelRef("iris", 1), later, "pmml", 0.3).values()) == [None]
        one.say("iris:1", State.LOADING)

        def loads() -> bool:
            sign = _heard(watch)
            return sign.offset == published.offset and sign.models["iris:1"].state is State.LOADING

        assert wait_until(loads, SOON_S, POLL_S), _heard(watch)
        (loading,) = watch.loaded(ModelRef("iris", 1), published.offset, "pmml", 0.3).values()
        (missing,) = watch.loaded(ModelRef("iris", 5), published.offset, "pmml", 0.3).values()

        assert loading
        assert loading.state is State.LOADING
        assert missing
        assert (missing.state, missing.reason) == (
            State.FAILED,
            "the worker does not know 'iris:5'; was it deleted meanwhile?",
        )
        assert watch.loaded(ModelRef("iris", 1), later, "spark", 0.3) == {}


def _heard(watch: ModelWatch) -> ModelsSign:
    found: list[ModelsSign] = []

    def heard() -> bool:
        watch.listen()
        found[:] = watch.states.values()  # at once: whoever was at work may count as gone a moment later
        return bool(found)

    assert wait_until(heard, SOON_S, POLL_S)
    (sign,) = found
    return sign


def test_live_version_is_waited_for(found: Settings, hold: Callable[[], Holds]) -> None:
    """Until it scores in each worker; names of other jobs' models hold nobody up."""
    hold()
    slow = hold()
    with ModelsTopic(found) as topic, ModelWatch(found) as watch:
        topic.register(descriptor())
        slow.said["iris:2"] = ModelSign(State.LOADING, 1, 0, "")
        topic.register(descriptor(version=2))
        offset = topic.point("iris", 2, 1).offset

        assert not watch.served("iris", 2, offset, 0.5)
        slow.say("iris:2", State.READY)
        assert watch.served("iris", 2, offset, SOON_S)
        assert not watch.served("iris", 1, offset, 0.3)
        assert watch.served("of-another-job", 1, offset, SOON_S)


def test_many_changes_are_told_together(found: Settings, hold: Callable[[], Holds]) -> None:
    """A worker that loads a hundred models writes a handful of messages, and the last one has all of it."""
    one = hold()
    name = topics.control_status(found.topics.prefix)
    with ControlLog(found.kafka.internal_cluster, name) as log:
        begin = log.end()
        begun = time.monotonic()
        for number in range(500):
            one.say("iris:1", State.FAILED, str(number))
        write(found, *(descriptor_record(descriptor(version=version)) for version in range(1, 101)))
        with ModelWatch(found) as watch:
            assert wait_until(lambda: _heard(watch).offset == 99, SOON_S, POLL_S)
            assert _heard(watch).models["iris:1"].reason == "499"
        spent = time.monotonic() - begun
        assert len(log.to_end(SOON_S, begin)) < 20 + 2 * spent / 0.2


def test_broker_that_dies_and_comes_back(tmp_path: Path) -> None:
    """What was known stays meanwhile, and the next message is taken as if nothing had been."""
    with brokers.running(tmp_path) as broker:
        found = settings.load(overrides={**broker.reached, "local.state_dir": str(tmp_path / "state")})
        brokers.with_document(found, builders.document(version=1).model_dump_json(exclude_none=True))
        models.register(found, descriptor())
        one = Holds(found)
        one.worker.start()
        try:
            assert at_work(found)
            broker.kill()
            assert one.refs == ["iris:1"]
            broker.start()
            models.register(found, descriptor(version=2))

            assert wait_until(lambda: one.refs == ["iris:1", "iris:2"], SOON_S, POLL_S)
            with ModelWatch(found) as watch:
                assert wait_until(lambda: list(_heard(watch).models) == ["iris:1", "iris:2"], SOON_S, POLL_S)
        finally:
            one.worker.close()
