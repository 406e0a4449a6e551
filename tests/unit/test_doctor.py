"""How the doctor sends its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from penstock import kafka
from penstock.cli import doctor
from penstock.cli.probes import Probe
from penstock.settings import Settings

if TYPE_CHECKING:
    import pytest


class Parts:
    """Of an installation whose jobs nobody asks about."""

    def stages(self, _job: str) -> dict[str, object]:
        """Tell of none."""
        return {}


class Producer:
    """One that the broker answers as told, event after event."""

    def __init__(self, *answers: Exception | None) -> None:
        self._coming = [*answers]
        self.patience_s: list[float] = []
        self.closed_s: list[float] = []

    def partitions_for(self, _topic: str) -> set[int]:
        """Know the topic."""
        return {0}

    def send(self, _topic: str, **_: Any) -> Producer:
        """Be the future of it, too."""
        return self

    def get(self, timeout: float) -> None:
        """Wait for the acknowledgement."""
        self.patience_s.append(timeout)
        if error := self._coming.pop(0):
            raise error

    def close(self, timeout: float) -> None:
        """Hang up."""
        self.closed_s.append(timeout)


def refusals(producer: Producer, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Why each of three events was not sent."""
    monkeypatch.setattr(kafka, "producer", lambda _: producer)
    topics = ("events", "pen.pmml.m", "pen.results", "out")
    probes = [Probe(route=f"r{at}", job="pmml", id=f"{at}", topics=topics, value=b"", headers=()) for at in range(3)]
    journeys = doctor._sent(Settings(), Parts(), probes, "pen.dead-letters")  # type: ignore[arg-type]
    return [journey.refusal for journey in journeys]


def test_broker_that_falls_silent_is_not_waited_for_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It had the time of a request for one event: for each of many routes that would be minutes."""
    producer = Producer(None, KafkaTimeoutError("silence"), KafkaTimeoutError("silence"))

    assert refusals(producer, monkeypatch) == [None, "KafkaTimeoutError: silence", "KafkaTimeoutError: silence"]
    assert producer.patience_s == [30, 30, 1]
    assert producer.closed_s == [0]


def test_refusal_of_one_event_takes_no_time_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has the time of a request."""
    producer = Producer(TopicAuthorizationFailedError("no"), None, None)

    assert [told is None for told in refusals(producer, monkeypatch)] == [False, True, True]
    assert producer.patience_s == [30, 30, 30]
