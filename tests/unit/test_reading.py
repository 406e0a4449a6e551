"""Topics that are read without a group: where reading them ends. The client is a stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kafka import TopicPartition
from kafka.errors import RequestTimedOutError

from penstock.cli import reading
from penstock.clusters import ClusterSettings
from penstock.errors import KafkaUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = TopicPartition("events", 0)


class Client:
    """A client of an empty topic, which says where it is as the test wants it."""

    def __init__(self, positions: list[int | Exception | None]) -> None:
        self._positions: Iterator[int | Exception | None] = iter(positions)

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        """Nothing came."""
        return {}

    def position(self, at: TopicPartition) -> int | None:
        """The next that the test gave."""
        found = next(self._positions)
        if isinstance(found, Exception):
            raise found
        return found

    def assign(self, partitions: list[TopicPartition]) -> None:
        """It reads whatever it is to."""

    def seek(self, at: TopicPartition, offset: int) -> None:
        """Wherever it is to."""

    def pause(self, *partitions: TopicPartition) -> None:
        """And no more of it."""


def reader(monkeypatch: pytest.MonkeyPatch, *positions: int | Exception | None) -> reading.Reader:
    """A reader of three offsets, whose client is at these positions, look by look."""
    monkeypatch.setattr(reading, "consumer", lambda *_, **__: Client(list(positions)))
    made = reading.Reader(ClusterSettings(bootstrap_servers="nowhere:1"))
    made.start({AT: 0}, {AT: 3})
    return made


def test_position_that_is_not_known_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first offset has gone, and the broker does not say in time where the topic begins now."""
    one = reader(monkeypatch, None, 2, 3)

    found = [(one.poll(), one.finished) for _ in range(3)]

    assert found == [([], False), ([], False), ([], True)]


def test_position_that_cannot_be_asked_for_is_the_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """That Kafka cannot be used, as with all that is asked of it."""
    with pytest.raises(KafkaUnavailableError, match="nowhere:1"):
        reader(monkeypatch, RequestTimedOutError()).poll()
