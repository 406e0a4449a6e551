"""The topic of models on a real broker: what is written to it, and what stays in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock import kafka, topics
from penstock.control import models
from penstock.control.models import ModelsTopic
from penstock.control.reading import ControlLog
from penstock.errors import ControlTopicError, ImmutableModelError, PenstockError
from penstock.local.waiting import wait_until
from penstock.models.records import descriptor_record, pointer_record
from penstock.models.ref import ModelRef
from penstock.models.registry import Registry
from tests.patience import SOON_S
from tests.registered import ONE, OTHER, descriptor, installed, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Installation

    from penstock.control.messages import Message
    from penstock.settings import Settings

POLL_S = 0.02


def on_topic(found: Settings) -> list[Message]:
    """All that stands on the topic of models."""
    with ControlLog(found.kafka.internal_cluster, topics.control_models(found.topics.prefix)) as log:
        return log.to_end(SOON_S)


def compacted(found: Settings) -> Registry:
    """What a worker would take to be registered that starts when the topic is compacted: the last of each key."""
    last = {message.key: message for message in on_topic(found)}
    registry = Registry()
    registry.recover(sorted(last.values(), key=lambda message: message.offset))
    return registry


@pytest.fixture
def found(make_installation: Callable[..., Installation]) -> Settings:
    """An installation whose topics are there, with a document in force."""
    return installed(make_installation)


def test_versions_come_are_pointed_at_and_go(found: Settings) -> None:
    """What is written is what a later reader finds; the first version of a name is live without a pointer."""
    models.register(found, descriptor(version=1))
    models.register(found, descriptor(version=2, uri="s3://models/iris"))
    models.point(found, "iris", 1, 2)
    registry = models.registry(found)

    assert [str(each.ref) for each in registry] == ["iris:1", "iris:2"]
    assert registry.serving("iris") == (ModelRef("iris", 1), ModelRef("iris", 2))
    models.remove(found, ModelRef("iris"))
    assert models.registry(found).live("iris") == ModelRef("iris", 2)
    models.remove(found, ModelRef("iris", 2))
    assert [str(each.ref) for each in compacted(found)] == ["iris:1"]


def test_same_bytes_are_registered_once(found: Settings) -> None:
    """Nothing is written the second time; other bytes are refused and leave no trace either."""
    assert models.register(found, descriptor()) is not None
    assert models.register(found, descriptor(uri="/elsewhere")) is None
    with pytest.raises(ImmutableModelError, match=r"'iris:1' is registered with sha256 1111.*raise the version"):
        models.register(found, descriptor(sha256=OTHER))

    assert len(on_topic(found)) == 1


def test_deleted_version_may_come_again_with_other_bytes(found: Settings) -> None:
    """Nobody scores by the old ones any more."""
    with ModelsTopic(found) as topic:
        topic.register(descriptor())
        topic.remove(ModelRef("iris", 1))
        topic.register(descriptor(sha256=OTHER))

        assert topic.registry.resolve(ModelRef("iris", 1)).sha256 == OTHER


def test_of_two_at_the_same_moment_the_first_wins(found: Settings) -> None:
    """The second is told, and its message is not left as the newest one: compaction would make it win after all."""
    with ModelsTopic(found) as late:
        models.register(found, descriptor())
        with pytest.raises(ImmutableModelError, match=f"with sha256 {ONE}, got sha256 {OTHER}"):
            late._write_version(descriptor(sha256=OTHER))

    assert compacted(found).resolve(ModelRef("iris", 1)).sha256 == ONE


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(descriptor_record(descriptor(sha256=OTHER))[1], id="other bytes"),
        pytest.param(descriptor_record(descriptor(uri="/elsewhere"))[1], id="other place"),
        pytest.param(b"rubbish", id="rubbish"),
    ],
)
def test_what_others_wrote_over_is_healed(found: Settings, value: bytes) -> None:
    """The first stays in force now, and after the topic was compacted; a pointer under rubbish, too."""
    models.register(found, descriptor())
    models.point(found, "iris", 1, None)
    write(found, (b"iris:1", value), (b"iris", b"rubbish"))

    assert set(models.heal(found)) == {ModelRef("iris", 1), ModelRef("iris")}
    assert models.heal(found) == []
    healed = compacted(found)
    assert healed.resolve(ModelRef("iris", 1)) == descriptor()
    assert healed.pointers["iris"].live == 1


@pytest.mark.parametrize(
    ("key", "value"), [(b"iris:1", None), (b"iris", pointer_record("iris", 2, 1, "")[1])], ids=["deleted", "pointed"]
)
def test_healing_takes_back_nothing(found: Settings, key: bytes, value: bytes | None) -> None:
    """What somebody else did while it was healed is done again: it is his word that counts."""
    models.register(found, descriptor())
    models.point(found, "iris", 1, None)
    write(found, (key, b"rubbish"))
    with ModelsTopic(found) as healing:
        write(found, (key, value))
        healing._heal(ModelRef.parse(key.decode()))
        registry = healing.registry

    assert (registry.get(ModelRef("iris", 1)) is None) is (value is None)
    assert registry.pointers["iris"].live == (1 if value is None else 2)
    assert on_topic(found)[-1].value == value


def test_descriptor_that_is_too_long_is_refused(found: Settings) -> None:
    """Before it is sent; the message names the setting."""
    told = r"'iris:1' has 10\d{5} bytes, at most 1000000 are taken; raise limits\.max_request_bytes"
    with pytest.raises(ControlTopicError, match=told):
        models.register(found, descriptor(description="x" * 1_000_000))


def test_without_the_topic_it_is_told_who_makes_it(make_installation: Callable[..., Installation]) -> None:
    """A reader does not make it: it might be the wrong broker."""
    with pytest.raises(ControlTopicError, match=r"control\.models' cannot be used: it does not exist; 'penstock up'"):
        models.registry(make_installation().settings)


def test_open_transaction_of_others_is_told(make_installation: Callable[..., Installation]) -> None:
    """It keeps everybody from reading what comes after it, until it ends."""
    installed = make_installation().settings
    topics.ensure(installed.kafka.internal_cluster, topics.internal_topics(installed))
    with ModelsTopic(installed) as topic:
        producer = kafka.producer(
            installed.kafka.internal_cluster,
            transactional_id=f"t-{installed.topics.prefix}",
            transaction_timeout_ms=1000 * SOON_S,  # the broker would end it
        )
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(topics.control_models(installed.topics.prefix), b"x", key=b"y").get(timeout=SOON_S)

        def refused(patience_s: int) -> str:
            topic._patience_s = patience_s
            with pytest.raises(PenstockError, match=r"read|reached") as caught:
                topic.register(descriptor())
            return str(caught.value)

        # A broker that stands still for all of the patience is told instead: more of it is tried.
        told = (f"cannot be read after {each} s; has somebody a transaction open" in refused(each) for each in (3, 60))
        assert any(told)
        producer.abort_transaction()
        producer.close()
        topic._patience_s = SOON_S  # from here on nothing is to take too long

        def registered() -> list[str]:
            topic.refresh()
            return [str(each.ref) for each in topic.registry]

        assert wait_until(lambda: registered() == ["iris:1"], SOON_S, POLL_S), registered()


def test_rubbish_changes_nothing_and_stops_nobody(found: Settings) -> None:
    """Whatever stands under whatever key; only a good key without a value deletes."""
    keys = [b"", b"\xff\xfe", b"iris:1", b"iris:01", b"iris", b"no such name!", b"k" * 9_000]
    values = [b"", b"\x00\xff", b"{}", b"[" * 100_000, b'{"name": "iris"}', b"9" * 900_000]
    models.register(found, descriptor())
    models.point(found, "iris", 1, None)
    write(found, *((key, value) for key in keys for value in values))
    models.register(found, descriptor(version=2))
    registry = models.registry(found)

    assert [str(each.ref) for each in registry] == ["iris:1", "iris:2"]
    assert registry.pointers["iris"].live == 1
    assert set(registry.overwritten) == {ModelRef("iris", 1), ModelRef("iris")}
