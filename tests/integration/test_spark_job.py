"""The Spark job against a real broker: what comes out, live changes, and what becomes of it when its driver dies."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from penstock import kafka, topics
from penstock.control import models
from penstock.control.publisher import publish
from penstock.control.watching import ModelWatch
from penstock.local.waiting import wait_until
from penstock.models.ref import ModelRef
from penstock.models.repository import read_folder
from penstock.testing import builders
from tests import spark_drivers
from tests.patience import SOON_S
from tests.spark_drivers import NOW_MS, Driver, Record, document, golden, prepared, read, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Installation

    from penstock.settings import Settings

TEXT = json.dumps({"text": "what a great and friendly film"}).encode()


@pytest.fixture
def make(make_installation: Callable[..., Installation], tmp_path: Path) -> Callable[..., Installation]:
    """A factory of installations with the sample model, whose state is in a folder of its own."""

    def made(**overrides: object) -> Installation:
        ours = {
            "control.heartbeat_ms": 2_000,
            "local.state_dir": str(tmp_path / "state"),
            "models.startup_wait_ms": 1000 * SOON_S,
            "spark.slots": 16,
        }
        return make_installation(**{**ours, **overrides})

    return made


@contextmanager
def running(installation: Installation, tmp_path: Path) -> Iterator[Driver]:
    """A driver that reads."""
    driver = Driver(installation.file, installation.settings, tmp_path / "driver.log")
    try:
        driver.start()
        yield driver
    finally:
        driver.kill()


def results(found: Settings, count: int) -> list[Record]:
    """Results, at least so many."""
    return read(found, topics.results(found.topics.prefix), count)


def dead_letters(found: Settings, count: int) -> list[Record]:
    """Dead letters, at least so many."""
    return read(found, topics.dead_letters(found.topics.prefix), count)


def ids(records: list[Record]) -> Counter[bytes]:
    """How often each event is there."""
    return Counter(each.headers["ce_id"] for each in records)


def plain(record: Record) -> dict[str, Any]:
    """A result without its times."""
    tree: dict[str, Any] = json.loads(record.value or b"")
    assert tree.pop("scored_at")
    assert tree.pop("latency_ms") >= 0
    return tree


def test_requests_become_results_with_either_trigger(make: Callable[..., Installation], tmp_path: Path) -> None:
    """The same ones: answers as the model's maker has them, keys, headers and timestamps of the events."""
    expected = golden()[:200]
    by_trigger = {}
    for trigger, interval_ms in (("real-time", 5_000), ("micro-batch", 0)):
        installation = make(**{"spark.trigger": trigger, "spark.trigger_interval_ms": interval_ms})
        found = prepared(installation.settings)
        bad = [b"no json", b'{"text": 5}', b"{}", None, b'{"text": "\\ud800"}']
        send(found, [*(json.dumps(each["input"]).encode() for each in expected), *bad])
        with running(installation, tmp_path):
            scored = results(found, len(expected))
            refused = dead_letters(found, len(bad))
        assert ids(scored) == {str(number).encode(): 1 for number in range(200)}
        assert ids(refused) == {str(number).encode(): 1 for number in range(200, 205)}
        by_trigger[trigger] = {each.headers["ce_id"]: (plain(each), each.headers, each.key) for each in scored}
        codes = [each.headers["penstock-error-code"] for each in sorted(refused, key=lambda one: one.headers["ce_id"])]
        assert codes == [b"DECODE", b"INPUT", b"INPUT", b"INPUT", b"INPUT"]
        assert {each.headers["penstock-error-stage"] for each in refused} == {b"spark_job"}
        assert {each.timestamp_ms for each in scored + refused} == {NOW_MS}

    for number, each in enumerate(expected):
        tree, headers, key = by_trigger["real-time"][str(number).encode()]
        assert tree["input"] == each["input"]
        assert tree["prediction"] == each["outputs"]["sentiment"]
        assert tree["outputs"]["sentiment"] == each["outputs"]["sentiment"]
        assert tree["outputs"]["probability"] == pytest.approx(each["outputs"]["probability"], abs=1e-9)
        assert (headers["traceparent"], key) == (b"00-1", b"%d" % (number % 2))
        assert headers["content-type"] == b"application/vnd.penstock.result+json"
        assert headers["penstock-model"] == b"sentiment:1"
    assert by_trigger["real-time"] == by_trigger["micro-batch"]


def test_driver_that_dies_loses_nothing(make: Callable[..., Installation], tmp_path: Path) -> None:
    """And one that is asked to end repeats nothing."""
    installation = make(**{"spark.commit_interval_ms": 500})
    found = prepared(installation.settings)
    with running(installation, tmp_path) as driver:
        send(found, [TEXT] * 3_000)
        results(found, 500)
        driver.kill()
        send(found, [TEXT] * 10, ce_type="later")
        driver.start()
        wanted = {str(number).encode() for number in range(3_000)}

        def all_came() -> bool:
            scored = results(found, 3_010)
            return set(ids(scored)) == wanted and sum(each.headers.get("ce_type") == b"later" for each in scored) >= 10

        assert wait_until(all_came, SOON_S, 0.1)  # those that came twice may come before the last ones

        assert driver.ended() == 0
        before = len(results(found, 3_010))
        send(found, [TEXT] * 20, ce_type="last")
        driver.start()
        scored = results(found, before + 20)
        assert len(scored) == before + 20
        assert sum(each.headers.get("ce_type") == b"last" for each in scored) == 20


def test_models_and_topics_come_and_go(make: Callable[..., Installation], tmp_path: Path) -> None:
    """A model is added, replaced and deleted while the driver runs, and a topic of a new one is read at once."""
    installation = make()
    found = prepared(installation.settings)
    with running(installation, tmp_path) as driver:
        (sample,) = read_folder(spark_drivers.SENTIMENT)
        models.register(found, sample.model_copy(update={"version": 2}))
        driver.awaited('model="sentiment:2" state="ready"')
        send(found, [TEXT] * 10)
        assert {each.headers["penstock-model"] for each in results(found, 10)} == {b"sentiment:2"}
        models.register(found, sample.model_copy(update={"name": "mood"}))
        live = document(2, "sentiment", "mood")
        publish(found, live.model_dump_json(exclude_none=True))
        driver.awaited("query starts again")
        driver.awaited('model="mood:1" state="ready"')
        send(found, [TEXT] * 10, "mood")
        scored = results(found, 20)
        assert Counter(each.headers["penstock-model"] for each in scored) == {b"sentiment:2": 10, b"mood:1": 10}
        models.remove(found, ModelRef("mood", 1))
        driver.awaited("model deleted")
        send(found, [TEXT], "mood")
        (refused,) = dead_letters(found, 1)
        assert refused.headers["penstock-error-code"] == b"UNKNOWN_MODEL"


def test_too_few_slots(make: Callable[..., Installation], tmp_path: Path) -> None:
    """At the start it is an error that says what to do; while running, batches are taken, and models say so."""
    installation = make(**{"spark.slots": 3})
    prepared(installation.settings)
    status, said = spark_drivers.refused(installation.file)
    assert status == 1
    assert "which needs 4 slots (2 for loading models), and spark.slots is 3: raise it to at least 4" in said

    installation = make(**{"spark.slots": 4})
    found = prepared(installation.settings)
    with running(installation, tmp_path) as driver:
        topics.ensure(found.kafka.internal_cluster, topics.topics_for(document(2, "sentiment", "b"), found).internal)
        driver.awaited('trigger="micro-batch"')
        send(found, [TEXT] * 10)
        assert len(results(found, 10)) == 10
        with ModelWatch(found) as watch:

            def told() -> str:
                watch.listen()
                return "".join(each.models["sentiment:1"].reason for each in watch.states.values())

            assert wait_until(lambda: "scored in micro-batches: job spark reads 4 partitions" in told(), SOON_S, 0.1), (
                told()
            )


def test_copies_for_shadows_are_scored_apart(make: Callable[..., Installation], tmp_path: Path) -> None:
    """By a query of their own, which is there while a route has a shadow."""
    installation = make()
    found = prepared(installation.settings)
    with running(installation, tmp_path) as driver:
        route = builders.route(
            "sentiment", model="sentiment", output={"topic": "out"}, shadow=[{"model": "sentiment:1"}]
        )
        shadowed = builders.document(version=2, routes=[route], models={"sentiment": {"job": "spark"}})
        publish(found, shadowed.model_dump_json(exclude_none=True))
        driver.awaited('query="copies"')
        send_copies(found, 10)
        scored = read(found, topics.shadow_results(found.topics.prefix), 10)
        assert {each.headers["penstock-model"] for each in scored} == {b"sentiment:1"}
        assert driver.ended() == 0


def send_copies(found: Settings, count: int) -> None:
    """Write copies of events for the shadow."""
    topic = topics.shadow_request_topic(found.topics.prefix, "spark", "sentiment")
    with kafka.producer(found.kafka.internal_cluster) as producer:
        for _ in range(count):
            headers = [("penstock-shadow", b"sentiment:1"), ("penstock-model", b"sentiment:1")]
            producer.send(topic, TEXT, headers=headers)
