"""Events in, scores out, on the stack that a user starts: counted exactly, and through kills."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections import Counter, defaultdict
from threading import Event as Signal
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from penstock.local.rest import FlinkRest
from penstock.local.waiting import wait_until
from tests.e2e.events import NAMES, events
from tests.e2e.streams import DEAD_LETTERS, Collected, send

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

    from tests.e2e.conftest import Stack
    from tests.e2e.events import Event

pytestmark = pytest.mark.timeout(900)

PER_FORM = 10_000
FORMS = ("json", "csv", "tagged")
OUT_S = 240
BACK_S = 120
DURING_KILLS = 15_000
RATE = 250


def headers_of(record: ConsumerRecord) -> dict[str, str]:
    """A record's headers as text."""
    return {name: value.decode() for name, value in record.headers}


def check_result(event: Event, record: ConsumerRecord) -> None:
    """A result is scikit-learn's answer to its event, whose key, headers and content it keeps."""
    headers, value = headers_of(record), json.loads(record.value)
    assert (record.topic, record.key) == (event.output, event.key), event.id
    assert headers["user"] == "Zoë"
    assert headers["ce_source"] == event.topic
    assert headers["ce_id"].startswith(f"{event.topic}/")
    assert headers["penstock-route"] == event.output.removesuffix("-results")
    assert value["input"] == event.sent, event.id
    expected = event.outputs
    assert value["outputs"] == pytest.approx(expected, abs=1e-9), event.id
    label = expected.get("predicted_label")
    assert value["prediction"] == (expected["cluster"] if label is None else NAMES[label]), event.id


def check_dead_letter(event: Event, record: ConsumerRecord) -> None:
    """A dead letter is the original record, with the right cause beside it."""
    headers = headers_of(record)
    assert record.topic == DEAD_LETTERS, f"{event.id} was scored: {record.value!r:.200}"
    assert headers["penstock-error-code"] == event.code, (event.id, headers["penstock-error-reason"])
    assert headers["penstock-error-reason"]
    assert record.key == event.key
    assert headers["user"] == "Zoë"
    if headers["penstock-error-stage"] == "input_adapter" or event.topic == "events":
        assert record.value == event.value, event.id


def check_order(by_id: dict[str, list[ConsumerRecord]], sent: dict[str, Event]) -> None:
    """Results of one key on one topic stand in the order in which their events were sent to one topic."""
    found: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    for identity, records in by_id.items():
        number = int(identity.rpartition("-")[2])
        for record in records:
            if record.topic != DEAD_LETTERS:
                place = (record.topic, record.partition, record.key, sent[identity].topic)
                found[place].append((record.offset, number))
    for place, pairs in found.items():
        numbers = [number for _, number in sorted(pairs)]
        assert numbers == sorted(numbers), place


def test_every_event_becomes_one_score_or_one_dead_letter(stack: Stack) -> None:
    """10,000 events of every format, 1 % poison: in = results + dead letters, scores are scikit-learn's, in order."""
    run = uuid.uuid4().hex[:8]
    cluster = stack.settings.kafka.external
    sent = {event.id: event for form in FORMS for event in events(form, PER_FORM, run)}
    assert send(cluster, sent.values()) == PER_FORM * len(FORMS)

    collected = Collected(cluster, run)
    try:
        collected.until(len(sent), OUT_S)
        collected.rest()
    finally:
        collected.close()

    assert collected.by_id.keys() == sent.keys()
    assert {identity for identity, records in collected.by_id.items() if len(records) != 1} == set()
    records = {identity: found[0] for identity, found in collected.by_id.items()}
    where = Counter((sent[identity].topic, record.topic == DEAD_LETTERS) for identity, record in records.items())
    poison = PER_FORM // 100
    assert where == {
        (topic, dead): poison if dead else PER_FORM - poison
        for topic in ("events", "csv-events", "legacy-events")
        for dead in (False, True)
    }
    ids = [headers_of(record)["ce_id"] for record in records.values() if record.topic != DEAD_LETTERS]
    assert len(ids) == len(set(ids))
    for identity, record in records.items():
        event = sent[identity]
        (check_dead_letter if event.code else check_result)(event, record)
    check_order(collected.by_id, sent)


def test_nothing_is_lost_when_processes_are_killed(stack: Stack) -> None:
    """A Python worker, the task manager and the broker, each killed while events flow: all come back by themselves."""
    run = uuid.uuid4().hex[:8]
    cluster = stack.settings.kafka.external
    sent = {event.id: event for event in events("json", DURING_KILLS, run)}
    progress, stopped = [0], Signal()

    def paced(number: int) -> None:
        progress[0] = number
        began.setdefault("at", time.monotonic())
        stopped.wait(max(0.0, began["at"] + number / RATE - time.monotonic()))

    began: dict[str, float] = {}
    sender = Thread(target=send, args=(cluster, sent.values(), paced))
    sender.start()
    try:
        for number, part in enumerate(("beam_boot", "TaskManagerRunner", "kafka.Kafka")):
            due = (number + 1) * DURING_KILLS // 5
            assert wait_until(lambda due=due: progress[0] >= due, BACK_S, 0.05), f"sent {progress[0]} of {due}"
            victims = stack.marked(part)
            assert victims, f"no process with {part!r}"
            os.kill(victims[0], signal.SIGKILL)
            assert wait_until(
                lambda part=part, victims=victims: set(stack.marked(part)) - set(victims) and healthy(stack),
                BACK_S,
                0.5,
            ), f"not healthy {BACK_S} s after the kill of {part}"
    finally:
        stopped.set()
        sender.join(BACK_S)
    assert not sender.is_alive()

    collected = Collected(cluster, run)
    try:
        collected.until(len(sent), OUT_S)
        collected.rest()
    finally:
        collected.close()

    assert collected.by_id.keys() == sent.keys()
    for identity, records in collected.by_id.items():
        event = sent[identity]
        for record in records:
            (check_dead_letter if event.code else check_result)(event, record)


def healthy(stack: Stack) -> bool:
    """Whether all parts of the stack run and all tasks of its three jobs do."""
    if not all(stack.marked(part) for part in ("kafka.Kafka", "TaskManagerRunner", "beam_boot")):
        return False
    jobs = FlinkRest(stack.settings.flink.rest_url).jobs()
    return len([job for job in jobs if job.healthy]) == 3
