"""The scorer over models that have no answers for the moment: their server is away, and comes back, or does not."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest

from penstock.deadletter import Stage
from penstock.errors import ModelLoadingError, PassingError, RecordError, ServerUnavailableError
from penstock.scoring import Scorer, ScorerConfig
from penstock.settings import Settings
from penstock.testing.serving import FakeModels
from tests.unit.batches import NOW, Echo, batch, reasons, scorer, told

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AWAY = ServerUnavailableError("a:1", "default", "UNAVAILABLE: refused", 100_000)


class Remote(Echo):
    """A model on a server that is away for as many calls as a test says, or for those rows that it names."""

    def __init__(self, ref: str, away: int = 0, patience: int = 100) -> None:
        super().__init__(ref)
        self.away = away
        self.patience = patience
        self.waits: list[float] = []
        self.refused: set[bytes] = set()
        self.before: Callable[[], None] = lambda: None

    def score(self, requests: Sequence[bytes]) -> Sequence[bytes | RecordError]:
        """Answer, or have no answers."""
        answers = super().score(requests)
        if self.away:
            self.away -= 1
            return [AWAY for _ in requests]
        refused, self.refused = self.refused, set()
        return [AWAY if request in refused else answer for request, answer in zip(requests, answers, strict=True)]

    def wait(self, deadline: float) -> bool:
        """Count, and be patient for as often as a test says."""
        self.before()
        self.waits.append(deadline)
        return len(self.waits) <= self.patience


def test_rows_are_scored_again_when_the_server_is_back() -> None:
    """After as many waits as it takes; nothing is lost, and all stand in their places."""
    one = Remote("a:1", away=3)
    found = scorer(FakeModels({"a": one})).score(batch((b"0", "a"), (b"1", "a")))

    assert told(found) == [b"a:1=0", b"a:1=1"]
    assert (len(one.calls), len(one.waits)) == (4, 3)


def test_only_unanswered_rows_are_scored_again() -> None:
    """Whatever names them and whichever headers they have; the others have their answers, good and bad ones."""
    one = Remote("a:1")
    one.refused = {b"1", b"2"}
    rows = [(b"0", "a"), (b"1", "a"), (b"2", "a:1"), (b"fail", "a"), (b"4", None)]
    found = scorer(FakeModels({"a": one, "a:1": one})).score(batch(*rows))

    assert told(found) == [b"a:1=0", b"a:1=1", b"a:1=2", "SCORING", b"a:1=4"]
    assert one.calls == [[b"0", b"1", b"2", b"fail", b"4"], [b"1", b"2"]]


def test_others_are_scored_before_anybody_waits_for_a_server() -> None:
    """And no model is kept from being given up meanwhile."""
    away, other = Remote("a:1", away=1), Echo("b:1")
    models = FakeModels({"a": away, "b": other})
    scored_by_then: list[tuple[int, bool]] = []
    away.before = lambda: scored_by_then.append((len(other.calls), bool(+models.held)))
    found = scorer(models).score(batch((b"0", "a"), (b"1", "b"), (b"2", "a")))

    assert told(found) == [b"a:1=0", b"b:1=1", b"a:1=2"]
    assert scored_by_then == [(1, False)]


def test_patience_has_an_end() -> None:
    """Then the rows are dead letters that say why and name the model; those of other models are not."""
    away = Remote("a:1", away=9, patience=2)
    found = scorer(FakeModels({"a": away, "b": Echo("b:1")})).score(batch((b"0", "a"), (b"1", "b"), (None, "a")))

    assert told(found) == ["SERVER_UNAVAILABLE", b"b:1=1", "INPUT"]
    assert len(away.calls) == 3
    assert reasons(found)[0] == str(AWAY)
    assert "penstock-model" in found.headers[0]


def test_model_without_patience_is_given_up_at_once() -> None:
    """It does not know how long to wait."""
    hasty = Echo("a:1")
    hasty.score = lambda requests: [AWAY for _ in requests]  # type: ignore[method-assign]

    assert told(scorer(FakeModels({"a": hasty})).score(batch((b"0", "a")))) == ["SERVER_UNAVAILABLE"]


def test_model_that_fails_for_the_moment_as_a_whole() -> None:
    """It raises, instead of an error for each row."""
    away = Remote("a:1")
    score, raised = away.score, [AWAY]

    def once(requests: Sequence[bytes]) -> Sequence[bytes | RecordError]:
        if raised:
            raise raised.pop()
        return score(requests)

    away.score = once  # type: ignore[method-assign]

    assert told(scorer(FakeModels({"a": away})).score(batch((b"0", "a"), (b"1", "a")))) == [b"a:1=0", b"a:1=1"]


def test_each_server_has_its_own_patience() -> None:
    """One that stays away costs the rows of another nothing but time."""
    gone, back = Remote("a:1", away=9, patience=1), Remote("b:1", away=2)
    found = scorer(FakeModels({"a": gone, "b": back})).score(batch((b"0", "a"), (b"1", "b")))

    assert told(found) == ["SERVER_UNAVAILABLE", b"b:1=1"]


def test_loading_and_a_server_that_is_away() -> None:
    """Both are waited for; the model that is loaded meanwhile finds its server away, too."""
    away, late = Remote("a:1", away=1), Remote("b:1", away=1)
    models = FakeModels({"a": away, "b": ModelLoadingError("b", 1, 1)})
    models.to_come = [{"b": late}]
    found = scorer(models).score(batch((b"0", "a"), (b"1", "b")))

    assert told(found) == [b"a:1=0", b"b:1=1"]
    assert (len(models.waits), len(away.waits), len(late.waits)) == (1, 1, 1)


@pytest.mark.parametrize(("meanwhile", "outcome"), [(Echo("a:2"), b"a:2=0"), (None, "UNKNOWN_MODEL")])
def test_model_that_is_replaced_or_deleted_in_the_outage(meanwhile: Echo | None, outcome: object) -> None:
    """Rows are scored by what their name means then."""
    away = Remote("a:1", away=1)
    models = FakeModels({"a": away})

    def change() -> None:
        models.known = {} if meanwhile is None else {"a": meanwhile}

    away.before = change

    assert told(scorer(models).score(batch((b"0", "a")))) == [outcome]


def test_outage_is_not_waited_out_beyond_the_last_deadline() -> None:
    """Rows whose own deadline has passed when the server is back are told as such."""
    away = Remote("a:1", away=1)
    config = ScorerConfig.of(Settings(), Stage.SERVICE_JOB, "pmml")
    before = time.monotonic()
    found = Scorer(config, FakeModels({"a": away}), lambda: NOW + 0.1 * len(away.waits)).score(
        batch((b"0", "a"), (b"1", "a"), deadlines=["100", "200"])
    )

    assert told(found) == ["DEADLINE", b"a:1=1"]
    assert before + 0.17 <= away.waits[0] <= time.monotonic() + 0.18


def test_rows_without_deadline_wait_as_long_as_their_server_is_waited_for() -> None:
    """The frame sets no bound of its own."""
    away = Remote("a:1", away=1)
    scorer(FakeModels({"a": away})).score(batch((b"0", "a"), (b"1", "a"), deadlines=["1000", None]))

    assert away.waits == [math.inf]


def test_passing_errors_are_told_apart_by_their_class_only() -> None:
    """A job may have one of its own."""

    class BusyError(PassingError):
        pass

    one = Remote("a:1")
    one.refused = {b"0"}
    answers = iter([[BusyError("no room")], [b"0"]])
    one.score = lambda _: next(answers)  # type: ignore[method-assign]

    assert told(scorer(FakeModels({"a": one})).score(batch((b"0", "a")))) == [b"a:1=0"]
