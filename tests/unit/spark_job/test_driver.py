"""The driver's queries: which there are, and what becomes of one that cannot begin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from jobs.spark_job import driver
from jobs.spark_job.reading import Standing
from penstock.errors import BridgeError, KafkaUnavailableError
from penstock.settings import Settings


class Part:
    """A query's models, its bridge or the query itself: keeps what was done to it."""

    made: list[Part]

    def __init__(self, *_: Any, **__: Any) -> None:
        self.did: list[str] = []
        self.scorer = self.worker = self
        self.topics: dict[str, Standing] = {}
        self.made.append(self)

    def open(self, *_: Any) -> None:
        """Note it."""
        self.did.append("open")

    def follow(self, *_: Any) -> None:
        """Note it."""
        self.did.append("follow")

    def models_changed(self) -> None:
        """Nobody is told."""

    def close(self, *_: Any) -> None:
        """Note it."""
        self.did.append("close")


class Models(Part):
    """Those of a query."""

    made: list[Part] = []  # noqa: RUF012 (each test begins with a new one)


class Query(Part):
    """What is read and scored."""

    made: list[Part] = []  # noqa: RUF012 (as above)

    def __init__(self, _session: Any, _bridge: Any, reading: Any, *_: Any) -> None:
        super().__init__()
        self.reading = reading


class Reading:
    """A source whose broker answers, or does not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.away = 0

    def topics(self) -> dict[str, Standing]:
        """One, unless the broker is away."""
        if self.away:
            self.away -= 1
            raise KafkaUnavailableError("broker:9092", "no answer")
        return {f"p.{self.name}": Standing("1", 1)}


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for what a query consists of."""
    for name, stand_in in {"SparkServing": Models, "Bridge": lambda *_, **__: None, "Stream": Query}.items():
        monkeypatch.setattr(driver, name, stand_in)
    Models.made, Query.made = [], []


def test_end_has_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one query does not need is the other's, users' requests come first, and both end in time."""
    now = [100.0]
    monkeypatch.setattr(driver, "time", SimpleNamespace(monotonic=lambda: now[0]))
    patience: dict[bool, float] = {}

    def closing(takes_s: float, *, copies: bool) -> Any:
        def close(patience_s: float) -> None:
            patience[copies] = patience_s
            now[0] += takes_s

        return SimpleNamespace(close=close)

    found = driver.Driver(Settings(local={"stop_deadline_s": 30}))
    models = SimpleNamespace(close=lambda: None)
    found._streams = {True: (models, closing(1, copies=True)), False: (models, closing(22, copies=False))}  # type: ignore[dict-item]

    found._close()

    assert list(patience.items()) == [(False, 30), (True, 8)]


@pytest.mark.usefixtures("parts")
def test_copies_that_could_not_be_read_are_read_later() -> None:
    """A broker that is away at that moment must not leave a query behind whose rows nobody scores."""
    found = driver.Driver(Settings())
    requests, copies = Reading("requests"), Reading("copies")
    found._readings = {False: requests, True: copies}  # type: ignore[dict-item]
    found._session = SimpleNamespace(_jvm=None)
    found._open(copies=False)
    found._document_changed(shadows=True)
    copies.away = 1

    found._follow()
    assert [each.did for each in Query.made] == [["open"], ["close"]]
    assert [each.did for each in Models.made] == [["open"], ["open", "close"]]

    found._follow()
    assert [each.did for each in Query.made] == [["open", "follow"], ["close"], ["open", "follow"]]


@pytest.mark.usefixtures("parts")
def test_copies_are_read_while_somebody_wants_them() -> None:
    """However often the driver looks; their query ends with the last shadow."""
    found = driver.Driver(Settings())
    found._readings = {False: Reading("requests"), True: Reading("copies")}  # type: ignore[dict-item]
    found._session = SimpleNamespace(_jvm=None)
    found._open(copies=False)
    found._document_changed(shadows=True)
    found._follow()
    found._follow()
    assert [each.did for each in Query.made] == [["open", "follow", "follow"]] * 2

    found._document_changed(shadows=False)
    found._follow()
    assert [each.did for each in Query.made] == [
        ["open", "follow", "follow", "follow"],
        ["open", "follow", "follow", "close"],
    ]
    assert [each.did for each in Models.made] == [["open"], ["open", "close"]]


@pytest.mark.usefixtures("parts")
def test_models_of_a_query_that_cannot_begin_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it fails on: a worker that nobody reads for would be counted as one at work."""

    def fail(*_: Any, **__: Any) -> None:
        raise BridgeError("requests", "no broker")

    monkeypatch.setattr(driver, "Bridge", fail)
    found = driver.Driver(Settings())
    found._readings = {False: Reading("requests")}  # type: ignore[dict-item]
    found._session = SimpleNamespace(_jvm=None)
    with pytest.raises(BridgeError, match="no broker"):
        found._open(copies=False)

    assert [each.did for each in Models.made] == [["open", "close"]]
    assert not found._streams
