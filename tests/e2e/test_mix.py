"""Three engines side by side on one stream, by one routing document; and one of them loses its server for a minute."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from penstock.local import engines, processes
from penstock.local.waiting import wait_until
from tests.e2e import mix
from tests.e2e.flow import Flow
from tests.e2e.stack import BACK_S, LIMIT_S, OUT_S, POLL_S, SOON_S, Stack, held
from tests.e2e.streams import DEAD_LETTERS, Watch, send
from tests.e2e.verdicts import faults, out_of_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.events import Event
    from tests.e2e.streams import Stream

pytestmark = pytest.mark.timeout(LIMIT_S)
EACH = 2_000
POISON_EVERY = 50
RATE = 60
AWAY_S = 60
CALM_S = 5
#: How long a call and requests wait for a server: on a busy machine it takes a minute to start.
PATIENT = {
    "PENSTOCK_SERVICE__DEADLINE_MS": "20000",
    "PENSTOCK_SERVICE__PATIENCE_MS": "540000",
    "PENSTOCK_FLINK__CHECKPOINT_TIMEOUT_MS": "600000",
}
IMAGES = "image-classifier:1"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of this module's own, with all jobs."""
    made = Stack.on_free_ports(tmp_path_factory.mktemp("stack"), **PATIENT)
    try:
        made.start(jobs=("pmml", "spark", "service"))
        yield made
        made.stop("--purge")
        assert (made.left_over(), made.open_ports()) == ([], {})
    finally:
        processes.end(processes.marked(made.layout.stack_id), 1)


@pytest.fixture(scope="module")
def mixed(stack: Stack) -> Stream:
    """Events of the three kinds in turn, as fast as they can be sent."""
    watch = Watch(stack.settings, mix.MORE_OUTPUTS, mix.HOPS)
    sent = send(stack.settings, mix.events(uuid.uuid4().hex[:8], EACH * len(mix.SOURCES), POISON_EVERY))
    return watch.all_of(sent, OUT_S)


@dataclass(frozen=True, slots=True)
class Outage:
    """What became of events while the model server was away, and what the job said of it."""

    stream: Stream
    made_s: dict[str, float]
    """When each event was due, in seconds since 1970."""
    away_s: tuple[float, float]
    restarts: tuple[dict[str, tuple[str, int]], dict[str, tuple[str, int]]]
    workers: tuple[set[str], set[str]]
    said: str
    """Of the model, by `penstock models status`, while its server was away."""
    afterwards: str


@pytest.fixture(scope="module")
def outage(stack: Stack, mixed: Stream) -> Outage:
    """The server is killed in mid-stream; what would start it again stands still for a minute."""
    settings = stack.settings
    watch = Watch(settings, mix.MORE_OUTPUTS, mix.HOPS)
    made_s: dict[str, float] = {}

    def noted() -> Iterator[Event]:
        for event in mix.events(uuid.uuid4().hex[:8], 1_000_000, POISON_EVERY):
            made_s[event.id] = time.time()
            yield event

    def remark() -> str:
        lines = stack.command("models", "status", "--format", "json").splitlines()
        of_images = (each for each in map(json.loads, lines) if (each["model"], each["state"]) == (IMAGES, "ready"))
        return next((each["reason"] for each in of_images if each["reason"]), "")

    before = stack.restarts(), stack.worker_names()
    with Flow(settings, noted(), RATE) as flow:
        flow.some_more(RATE * CALM_S)
        with held(stack.pids("supervisor.supervisord")):  # else it is back at once
            (pid,) = stack.pids("penstock.local.model_server")
            os.kill(pid, signal.SIGKILL)
            begin = time.time()
            said: list[str] = []
            assert wait_until(lambda: bool(said.append(remark()) or said[-1]), BACK_S, 1), "the status says nothing"
            flow.some_more(max(0, round(RATE * (begin + AWAY_S - time.time()))))
            end = time.time()
        assert wait_until(lambda: engines.answers(settings), BACK_S, POLL_S), "the server did not come back"
        assert wait_until(lambda: not remark(), BACK_S, 1), remark()
        flow.some_more(RATE * CALM_S)
    stream = watch.all_of(flow.sent, OUT_S)
    after = stack.restarts(), stack.names_after(before[1])
    restarts, workers = zip(before, after, strict=True)
    return Outage(stream, made_s, (begin, end), restarts, workers, said[-1], remark())


def fates(stream: Stream) -> Counter[tuple[str, str]]:
    """Count what became of events, by their source: results, and dead letters by code."""
    return Counter(
        (stream.sent[identity].event.source, record.header("penstock-error-code") or "scored")
        for identity, records in stream.found.items()
        for record in records
    )


def expected(stream: Stream) -> Counter[tuple[str, str]]:
    """Count what must become of them."""
    return Counter((sent.event.source, sent.event.code or "scored") for sent in stream.sent.values())


def test_each_event_becomes_one_record(mixed: Stream) -> None:
    """A result, or the dead letter that its fault deserves; of every engine's events as many as were sent."""
    assert {source: sum(n for (each, _), n in fates(mixed).items() if each == source) for source in mix.SOURCES} == (
        dict.fromkeys(mix.SOURCES, EACH)
    )
    assert fates(mixed) == expected(mixed)
    assert {len(records) for records in mixed.found.values()} == {1}


def test_every_score_is_the_librarys(mixed: Stream) -> None:
    """Whichever engine scored it; input, key, time and headers are the event's."""
    found = faults(mixed)

    assert found == [], f"{len(found)} faults, the first: {found[:10]}"


def test_events_of_a_key_stay_in_order(mixed: Stream) -> None:
    """On every output topic."""
    assert out_of_order(mixed) == []


def test_dead_letters_name_the_job(mixed: Stream) -> None:
    """That is all that tells which engine it was."""
    stages = {
        (mixed.sent[identity].event.source, record.header("penstock-error-stage"))
        for identity, records in mixed.found.items()
        for record in records
        if record.topic == DEAD_LETTERS
    }

    assert stages >= set(mix.STAGES.items())
    assert stages <= {*mix.STAGES.items(), *((source, "input_adapter") for source in mix.SOURCES)}


def test_doctor_covers_every_route(stack: Stack, mixed: Stream) -> None:
    """One event for each route goes all the way, whichever engine scores it."""
    said = stack.command("doctor", "--timeout", str(SOON_S / 2))

    for route in ("iris", "tweets", "images"):
        assert route in said
    assert "FAIL" not in said


def test_nothing_is_lost_while_the_server_is_away(outage: Outage) -> None:
    """Nor refused, nor scored twice: what came meanwhile waits for it."""
    assert outage.stream.found.keys() == outage.stream.sent.keys()
    assert fates(outage.stream) == expected(outage.stream)
    assert faults(outage.stream) == []


def test_no_job_starts_again_for_it(outage: Outage) -> None:
    """Every process of Python's is the same afterwards, and no task was tried anew."""
    assert outage.restarts[0] == outage.restarts[1]
    assert outage.workers[0] == outage.workers[1]


def test_breaker_is_told(outage: Outage) -> None:
    """Open, or just being tried, with server and cause, while the server is away; nothing once it is back."""
    assert re.search(r"127\.0\.0\.1:\d+: breaker (half-)?open", outage.said)
    assert "UNAVAILABLE" in outage.said
    assert outage.afterwards == ""


def test_other_engines_do_not_notice(outage: Outage, figures: Callable[[str], None]) -> None:
    """Their events are scored while images wait; how quickly is told in the end."""
    begin, end = outage.away_s
    took: dict[tuple[str, bool], list[float]] = {}
    early: Counter[tuple[str, bool]] = Counter()
    for identity, records in outage.stream.found.items():
        made = outage.made_s[identity]
        for record in records:
            if record.topic != DEAD_LETTERS:
                scored = datetime.fromisoformat(json.loads(record.value or b"")["scored_at"]).timestamp()
                at = outage.stream.sent[identity].event.source, begin <= made < end
                took.setdefault(at, []).append(scored - made)
                early[at[0], scored < end] += begin <= made < begin + AWAY_S / 2
    shares = {at: sorted(seconds)[int(len(seconds) * 0.99)] for at, seconds in took.items()}
    figures(
        f"model server away for {end - begin:.0f} s at {RATE} events/s: p99 until scored of "
        + ", ".join(
            f"{mix.STAGES[source]} {shares[source, False]:.2f} s with it and {shares[source, True]:.2f} s without"
            for source in mix.SOURCES
        )
    )

    waited = {source: early[source, False] / (early[source, False] + early[source, True]) for source in mix.SOURCES}
    assert waited.pop("images") == 1
    assert max(waited.values()) < 0.5, f"they came while it was away, and were scored after: {waited}"
