"""The scorer over models that come and go: grouping, order, waiting, and what becomes of the rest."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.deadletter import Stage
from penstock.errors import EngineLostError, ModelFailedError, ModelLoadingError, UnknownModelError
from penstock.event import unpack_headers
from penstock.scoring import Requests, Scorer, ScorerConfig
from penstock.settings import Settings
from penstock.testing.serving import FakeModels
from tests.unit.batches import NOW, Echo, batch, reasons, scorer, told

LOADING = ModelLoadingError("late", 3_200, 500)


def test_rows_are_grouped_by_model() -> None:
    """One call for each model, whatever the texts that mean it, its rows in the batch's order; answers in place."""
    one, two = Echo("a:1"), Echo("b:1")
    models = FakeModels({"a": one, "a:1": one, "b": two})
    rows = [(b"0", "a"), (b"1", "b"), (b"2", "a:1"), (b"3", None), (b"4", "a")]

    found = scorer(models).score(batch(*rows))

    assert told(found) == [b"a:1=0", b"b:1=1", b"a:1=2", b"a:1=3", b"a:1=4"]
    assert (one.calls, two.calls) == ([[b"0", b"2", b"3", b"4"]], [[b"1"]])
    assert [unpack_headers(headers)["penstock-model"] for headers in found.headers][:2] == ["a:1", "b:1"]


def test_old_refs_are_texts_like_others() -> None:
    """The predecessor's form is the host's to understand; the result tells the version in the form of today."""
    models = FakeModels({"5f3a_7": Echo("5f3a:7")})
    found = scorer(models).score(batch((b"0", "5f3a_7")))

    assert unpack_headers(found.headers[0])["penstock-model"] == "5f3a:7"


def test_leases_are_given_back() -> None:
    """Even where rows fail."""
    models = FakeModels({"a": Echo("a:1")})
    scorer(models).score(batch((b"0", "a"), (None, "a"), (b"crash", "a")))

    assert not +models.held


def test_what_is_wrong_with_a_row_stays_with_it() -> None:
    """Neither a request that cannot be read nor one that its model fails on costs another its answer."""
    models = FakeModels({"a": Echo("a:1")})
    found = scorer(models).score(batch((b"0", "a"), (None, "a"), (b"fail", "a"), (b"3", "a")))

    assert told(found) == [b"a:1=0", "INPUT", "SCORING", b"a:1=3"]


def test_model_that_breaks_its_word_costs_its_own_rows_only() -> None:
    """A model raises where it should have answered row by row."""
    models = FakeModels({"a": Echo("a:1"), "b": Echo("b:1")})
    found = scorer(models).score(batch((b"crash", "a"), (b"1", "b"), (b"2", "a")))

    assert told(found) == ["INTERNAL", b"b:1=1", "INTERNAL"]


def test_model_that_answers_too_little_costs_its_own_rows_only() -> None:
    """Nobody can tell whose the answers are that there are: none of them is given."""
    short = Echo("a:1")
    short.score = lambda requests: [*requests][1:]  # type: ignore[method-assign]
    models = FakeModels({"a": short, "b": Echo("b:1")})
    found = scorer(models).score(batch((b"0", "a"), (b"1", "b"), (b"2", "a")))

    assert told(found) == ["SCORING", b"b:1=1", "SCORING"]
    assert "1 answers for 2 requests" in str(reasons(found)[0])


def test_engine_that_is_gone_costs_no_row() -> None:
    """Nothing is refused that another worker can score: the batch comes again, and nothing is held meanwhile."""

    def lost(_: object) -> Any:
        raise EngineLostError("a:1", "Spark has stopped")

    broken = Echo("a:1")
    broken.score = lost  # type: ignore[method-assign]
    models = FakeModels({"a": broken, "b": Echo("b:1")})
    with pytest.raises(EngineLostError, match="Spark has stopped"):
        scorer(models).score(batch((b"0", "a"), (b"1", "b")))
    assert not +models.held


def test_absent_models_are_told_at_once() -> None:
    """Unknown and failed ones: with the catalogue's reason, and nobody waits."""
    models = FakeModels({"a": Echo("a:1"), "bad": ModelFailedError("bad:1", "the file is no XML")})
    found = scorer(models).score(batch((b"0", "a"), (b"1", "gone"), (b"2", "bad")))

    assert told(found) == [b"a:1=0", "UNKNOWN_MODEL", "MODEL_FAILED"]
    assert "the file is no XML" in str(reasons(found)[2])
    assert models.waits == []


def test_others_are_scored_before_anybody_waits() -> None:
    """What is ready is scored with what came before the wait, and the lease on it is over by then."""
    one = Echo("a:1")
    models = FakeModels({"a": one, "late": LOADING})
    scored_by_then: list[tuple[int, bool]] = []

    def wait(texts: object, deadline: float) -> None:
        scored_by_then.append((len(one.calls), bool(+models.held)))
        models.known["late"] = Echo("late:1")

    models.wait = wait  # type: ignore[method-assign]
    found = scorer(models).score(batch((b"0", "late"), (b"1", "a"), (b"2", "late")))

    assert told(found) == [b"late:1=0", b"a:1=1", b"late:1=2"]
    assert scored_by_then == [(1, False)]


def test_each_model_is_scored_as_it_comes() -> None:
    """One after the other, those that fail meanwhile with their reason; what does not come is told as loading."""
    models = FakeModels(dict.fromkeys(("a", "b", "c"), LOADING))
    models.to_come = [{"b": Echo("b:1")}, {"a": ModelFailedError("a:1", "its file is gone")}]
    found = scorer(models).score(batch((b"0", "a"), (b"1", "b"), (b"2", "c")))

    assert told(found) == ["MODEL_FAILED", b"b:1=1", "MODEL_LOADING"]
    assert [sorted(texts) for texts, _ in models.waits] == [["a", "b", "c"], ["a", "c"], ["c"]]
    assert "loading since 3.2 s" in str(reasons(found)[2])


def test_model_deleted_while_it_is_waited_for() -> None:
    """It becomes unknown."""
    models = FakeModels({"a": LOADING})
    models.to_come = [{"a": UnknownModelError("a", (), "was deleted")}]

    assert told(scorer(models).score(batch((b"0", "a")))) == ["UNKNOWN_MODEL"]


def test_nobody_waits_beyond_the_last_deadline() -> None:
    """Nor for ever where one row has none: what loading may be waited for is the host's to know."""
    models = FakeModels({"a": LOADING, "b": LOADING})
    before = time.monotonic()
    scorer(models).score(batch((b"0", "a"), (b"1", "a"), deadlines=["125", "60"]))
    scorer(models).score(batch((b"0", "a"), (b"1", "b"), deadlines=["125", None]))
    after = time.monotonic()
    (_, deadline), (_, open_end) = models.waits

    assert before + 0.09 <= deadline <= after + 0.11  # a clock of seconds since 1970 has no more digits
    assert open_end == math.inf


def test_row_whose_deadline_passed_in_the_wait() -> None:
    """Its model came, too late for it."""
    models = FakeModels({"a": LOADING})
    models.to_come = [{"a": Echo("a:1")}]
    config = ScorerConfig.of(Settings(), Stage.PMML_JOB, "pmml")
    found = Scorer(config, models, lambda: NOW + 0.1 * len(models.waits)).score(
        batch((b"0", "a"), (b"1", "a"), deadlines=["100", "200"])
    )

    assert told(found) == ["DEADLINE", b"a:1=1"]


def test_faulty_headers_are_no_request() -> None:
    """A deadline that is no number, and a topic that names no model."""
    models = FakeModels({"a": Echo("a:1")})
    faulty = batch((b"0", "a"), (b"1", "a"), (b"2", None), deadlines=["soon", None, None])
    texts = [*faulty.texts[:2], ("events", *faulty.texts[2][1:])]
    found = scorer(models).score(
        Requests(
            values=faulty.values, unseen_bytes=faulty.unseen_bytes, timestamps_ms=faulty.timestamps_ms, texts=texts
        )
    )

    assert told(found) == ["ENVELOPE", b"a:1=1", "ENVELOPE"]


def test_row_that_wakes_a_worker_asks_for_no_model() -> None:
    """It is of no topic, so a worker for copies starts no engine before somebody has a shadow."""
    models = FakeModels({})
    asked: list[object] = []
    leased = models.leased
    models.leased = lambda texts: asked.extend(texts) or leased(())  # type: ignore[method-assign,func-returns-value]
    waking = Requests(values=[None], unseen_bytes=[0], timestamps_ms=[0], texts=[(None,) * 5])

    assert told(scorer(models).score(waking)) == ["ENVELOPE"]
    assert asked == []


def test_results_of_copies_are_no_users() -> None:
    """By their header, or because the topic is one of copies."""
    models = FakeModels({"a": Echo("a:1")})
    assert scorer(models).score(batch((b"0", "a"), (b"1", "a"), shadows=[None, "dark"])).topics == [
        "penstock.results",
        "penstock.shadow-results",
    ]
    config = ScorerConfig.of(Settings(), Stage.PMML_JOB, "pmml", shadows=True)
    assert (config.request_topic_prefix, config.results) == ("penstock.shadow-pmml.", "penstock.shadow-results")


@pytest.mark.parametrize("size", [0, 1])
def test_small_batches(size: int) -> None:
    """A batch of nothing becomes nothing."""
    models = FakeModels({"a": Echo("a:1")})

    assert told(scorer(models).score(batch(*[(b"0", "a")] * size))) == [b"a:1=0"] * size


TEXTS = ("a", "a:1", "b", "c", "d")


@given(
    rows=st.lists(st.tuples(st.sampled_from([b"x", b"fail", None]), st.sampled_from([*TEXTS, None])), max_size=30),
    first=st.dictionaries(st.sampled_from(TEXTS), st.sampled_from(["ready", "loading", "failed"])),
    later=st.lists(
        st.dictionaries(st.sampled_from(TEXTS), st.sampled_from(["ready", "loading", "failed"])), max_size=5
    ),
)
def test_every_row_has_one_answer(
    rows: list[tuple[bytes | None, str | None]], first: dict[str, str], later: list[dict[str, str]]
) -> None:
    """Whatever comes when: a result of the model that was asked for, or a dead letter; nothing is left out."""

    def make(states: dict[str, str]) -> dict[str, Any]:
        made = {"ready": lambda text: Echo(f"{text}!"), "loading": lambda text: ModelLoadingError(text, 1, 1)}
        return {text: made.get(state, lambda text: ModelFailedError(text, "x"))(text) for text, state in states.items()}

    models = FakeModels(make(first))
    models.to_come = [make(states) for states in later]
    found = scorer(models).score(batch(*rows))

    assert len(found.topics) == len(found.values) == len(found.headers) == len(rows)
    assert not +models.held
    for (value, ref), outcome in zip(rows, told(found), strict=True):
        if isinstance(outcome, bytes):
            assert value is not None
            assert outcome == b"%s!=%s" % ((ref or "a").encode(), value)
        else:
            assert outcome in {"INPUT", "SCORING", "UNKNOWN_MODEL", "MODEL_FAILED", "MODEL_LOADING"}
