"""A storm: one change of the routing document after the other while events flow, and all that can be seen of it."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import yaml

from penstock import topics
from penstock.control import history
from penstock.control.publisher import publish
from penstock.control.reading import ControlLog
from penstock.local.waiting import wait_until
from tests.e2e.events import events, known
from tests.e2e.flow import Flow
from tests.e2e.offers import NEW_TOPICS, Sort, offers, shadowed
from tests.e2e.reference import by_documents
from tests.e2e.signs import put, signs
from tests.e2e.stack import JOBS, OUT_S, POLL_S, SOON_S
from tests.e2e.streams import PREFIX, SHADOW_RESULTS, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from penstock.control.status import Sign
    from penstock.settings import Settings
    from tests.e2e.events import Event
    from tests.e2e.offers import Offer
    from tests.e2e.reference import Explain
    from tests.e2e.stack import Stack
    from tests.e2e.streams import Stream

__all__ = ["BAD", "GOOD", "RATE", "Answer", "Storm", "through"]

GOOD, BAD = 200, 50
RATE = 2_000
#: Of a message, and how often two come at once, and how often a document is put in force by the command.
_PERIOD_S = 0.2
_PAIR_EVERY = 10
_COMMAND_EVERY = 40
_KEYS = (*(f"k{number}".encode() for number in range(2_000)), b"\xff\x00", b"", None)
_POISON_EVERY = 250
_MOST_EVENTS = 1_000_000
_AFTER = 1_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker said to a message of the routing topic."""

    sign: Sign
    after_ms: int
    """Since the message was published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What was published, what the workers said to it, and what became of the events."""

    offers: list[Offer]
    answers: list[dict[str, Answer]]
    """To each offer, by worker; the first that each gave."""
    workers: tuple[set[str], set[str]]
    """Those at work before and after."""
    restarts: tuple[dict[str, tuple[str, int]], dict[str, tuple[str, int]]]
    """Of each job its id and how often it was restarted, before and after."""
    stream: Stream
    explain: Explain
    rate: float
    """At which events were sent, by the second."""
    patience_ms: int
    """How long whoever publishes a document waits for the workers' answers."""

    @property
    def applied_ms(self) -> list[int]:
        """How long each good document took until all workers had it in force, in order of length."""
        return sorted(
            max(answer.after_ms for answer in answers.values())
            for offer, answers in zip(self.offers, self.answers, strict=True)
            if offer.sort is Sort.GOOD
        )


def through(stack: Stack, folder: Path, seed: int) -> Storm:
    """Publish one message after the other while events flow, then wait until all of them were worked on."""
    settings = stack.settings
    live = yaml.safe_load(history.needed(settings).text)
    first = shadowed(live, live["version"] + 1)
    made = list(offers(Random(seed), first, GOOD, BAD))
    explain = by_documents({each["version"]: each for each in (live, first, *(offer.document for offer in made))})
    watch = Watch(settings, [SHADOW_RESULTS, *NEW_TOPICS])
    begin_ms = time.time_ns() // 1_000_000
    with Flow(settings, _events(), RATE) as flow:
        publish(settings, json.dumps(first))
        workers = _all_at_work(stack)
        restarts = stack.restarts()
        begun, already = time.monotonic(), flow.count
        _publish(stack, made, folder)
        rate = (flow.count - already) / (time.monotonic() - begun)
        flow.some_more(_AFTER)
    stream = watch.all_of(flow.sent, OUT_S)
    return Storm(
        offers=made,
        answers=_all_answers(settings, len(made), begin_ms, workers),
        workers=(workers, stack.names_after(workers)),
        restarts=(restarts, stack.restarts()),
        stream=stream,
        explain=explain,
        rate=rate,
        patience_ms=settings.control.apply_timeout_ms,
    )


def _all_at_work(stack: Stack) -> set[str]:
    """Wait until all workers are at work, and return their names."""
    everybody = stack.settings.flink.parallelism * (len(JOBS) + 1)  # the PMML job has others for shadows
    all_there = wait_until(lambda: len(stack.worker_names()) == everybody, SOON_S, POLL_S)
    assert all_there, f"{everybody} workers were to begin, these did: {stack.workers()}"
    return stack.worker_names()


def _events() -> Iterator[Event]:
    """Events whose answers are known of every model, and poison."""
    return known(events("json", _MOST_EVENTS, uuid.uuid4().hex[:8], _POISON_EVERY, _KEYS))


def _publish(stack: Stack, made: list[Offer], folder: Path) -> None:
    """Write messages as any program may, and some good documents by the command."""
    put(stack.settings, _in_time(_by_command(stack, made, folder)))


def _by_command(stack: Stack, made: list[Offer], folder: Path) -> Iterator[tuple[int, Offer]]:
    """Pass on, with its number, what is not put in force by the command."""
    for number, offer in enumerate(made):
        if offer.sort is Sort.GOOD and number % _COMMAND_EVERY == 0:
            file = folder / f"routing-{offer.version}.yaml"
            file.write_bytes(offer.value or b"")
            stack.command("apply", str(file))
        else:
            yield number, offer


def _in_time(numbered: Iterator[tuple[int, Offer]]) -> Iterator[bytes | None]:
    """Values, one after the other at a steady pace, but now and then two at once."""
    for number, offer in numbered:
        yield offer.value
        time.sleep(0 if number % _PAIR_EVERY == 0 else _PERIOD_S)


def _all_answers(settings: Settings, count: int, begin_ms: int, workers: set[str]) -> list[dict[str, Answer]]:
    """The answers of these workers and all others, once these have given all of theirs, or when that takes too long."""
    found: list[dict[str, Answer]] = []

    def complete() -> bool:
        found[:] = _answers(settings, count, begin_ms)
        return all(answers.keys() >= workers for answers in found)

    wait_until(complete, SOON_S, POLL_S)
    return found


def _answers(settings: Settings, count: int, begin_ms: int) -> list[dict[str, Answer]]:
    """The first answer of each worker to each of the last messages."""
    cluster = settings.kafka.internal_cluster
    with ControlLog(cluster, topics.control_routing(PREFIX)) as log:
        messages = log.to_end(SOON_S)[-count:]
    found: dict[int, dict[str, Answer]] = {message.offset: {} for message in messages}
    published = {message.offset: message.published_ms for message in messages}
    for said, sign in signs(settings, begin_ms):
        if sign.offset in found:
            answer = Answer(sign, said.published_ms - published[sign.offset])
            found[sign.offset].setdefault(sign.worker, answer)
    return list(found.values())
