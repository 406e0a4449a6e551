"""The scorer on the real engine: results, dead letters, and what a batch keeps apart."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.event import CSV, JSON, REQUEST, Blank, Deliveries, unpack_headers
from penstock.scoring import Requests, Scorer

Batch = Callable[..., Requests]
Describe = Callable[..., dict[str, Any]]
Identity = Callable[..., bytes]
MakeScorer = Callable[..., Scorer]
Outcomes = Callable[[Deliveries], list[Any]]
WithOther = Callable[[dict[str, Any]], list[Any]]

DATA = Path(__file__).parents[1] / "data" / "pmml"


@pytest.fixture
def ready(scorer: MakeScorer, describe: Describe, identity: Identity) -> Scorer:
    """A scorer of ``model`` in versions 1 and 2, of which the second answers 2 where x is missing."""
    return scorer(
        describe(identity()),
        describe(identity('missingValueReplacement="2"'), version=2),
        describe(identity(), name="other"),
    )


@pytest.fixture
def with_other(
    scorer: MakeScorer, describe: Describe, identity: Identity, batch: Batch, outcomes: Outcomes
) -> WithOther:
    """Score three events with a changed model, a good one and the changed one by topic: their outcomes."""

    def score(changes: dict[str, Any]) -> list[Any]:
        ready = scorer(describe(identity(), **changes), describe(identity(), name="other"))
        return outcomes(ready.score(batch({"x": 1}, {"x": 2}, {"x": 3}, models=["model", "other", None])))

    return score


def test_result_is_whole(ready: Scorer, batch: Batch) -> None:
    """A result carries the event as the user wrote it, the outputs by name, when it was made and how long it took."""
    deliveries = ready.score(batch(b'{"x": 1.50, "user": "u1", "n": 12345678901234567890123}'))
    assert deliveries.topics == ["penstock.results"]
    assert deliveries.values[0] == (
        b'{"input":{"x": 1.50, "user": "u1", "n": 12345678901234567890123},"prediction":1.5,"outputs":{"y":1.5},'
        b'"scored_at":"2026-01-02T03:04:05.678Z","latency_ms":25}'
    )
    assert unpack_headers(deliveries.headers[0]) == {
        "penstock-model": "model:2",
        "content-type": "application/vnd.penstock.result+json",
    }


def test_transformed_event_is_scored_by_its_data(ready: Scorer, batch: Batch, outcomes: Outcomes) -> None:
    """The model gets what the transform made; the result carries what the user sent."""
    request = batch({"input": "iris###4", "data": [4]}, content_types=[REQUEST])
    (result,) = outcomes(ready.score(request))
    assert (result["input"], result["prediction"]) == ("iris###4", 4.0)


@pytest.mark.parametrize(
    ("ref", "expected"), [("model", "model:2"), (None, "model:2"), ("model:2", "model:2"), ("model:1", "model:1")]
)
def test_ref_is_resolved(ready: Scorer, batch: Batch, ref: str | None, expected: str) -> None:
    """A bare name, or no header at all, means the highest version; the result says which one it was."""
    deliveries = ready.score(batch({"x": 1}, model=ref))
    assert unpack_headers(deliveries.headers[0])["penstock-model"] == expected


def test_unknown_model_by_topic(ready: Scorer, batch: Batch, outcomes: Outcomes) -> None:
    """Without a header the topic names the model."""
    (found,) = outcomes(ready.score(batch({"x": 1}, models=[None], topics=["penstock.pmml.modle"])))
    assert found[0] == "UNKNOWN_MODEL"
    assert found[1].startswith("model 'modle' is not registered")


def test_foreign_topic(ready: Scorer, batch: Batch, outcomes: Outcomes) -> None:
    """A record from a topic that is no request topic, without a header either, names no model at all."""
    (found,) = outcomes(ready.score(batch({"x": 1}, models=[None], topics=["events"])))
    assert found == ("ENVELOPE", "topic 'events' is no request topic of this job")


def test_rows_stay_in_order_and_apart(ready: Scorer, batch: Batch, outcomes: Outcomes) -> None:
    """Models take turns and bad rows stand between good ones: each answer is in its own request's place."""
    events: list[object] = [{"x": i} if i % 5 else {"x": None} for i in range(100)]
    refs = [("model:1", "model:2", "other")[i % 3] for i in range(100)]
    found = outcomes(ready.score(batch(*events, models=refs)))
    for i, (outcome, ref) in enumerate(zip(found, refs, strict=True)):
        if i % 5:
            assert (outcome["input"], outcome["prediction"]) == ({"x": i}, float(i))
        elif ref == "model:2":
            assert outcome["prediction"] == 2.0
        else:
            reason = "field 'x' is null, which means missing, expected a number (double)"
            assert outcome == ("INPUT", reason)


def test_empty_batch(ready: Scorer, batch: Batch) -> None:
    """A batch of nothing becomes nothing; the engine itself would fail on it."""
    assert ready.score(batch()) == Deliveries()


def test_batch_without_a_good_row(ready: Scorer, batch: Batch, outcomes: Outcomes) -> None:
    """The engine is not called where no row is left for it."""
    assert [code for code, _ in outcomes(ready.score(batch(b"poison", None, [1, 2])))] == ["DECODE", "INPUT", "INPUT"]


def test_dead_letter_is_the_request(ready: Scorer, batch: Batch) -> None:
    """A dead letter keeps the request's own bytes and says where and why it failed."""
    deliveries = ready.score(batch({"x": 1}, b"5.1,3.5", content_types=[None, CSV]))
    assert deliveries.topics[1] == "penstock.dead-letters"
    assert deliveries.values[1] is None
    headers = unpack_headers(deliveries.headers[1])
    assert headers["penstock-error-code"] == "INPUT"
    assert headers["penstock-error-reason"].startswith(
        "the request is 'text/csv', expected a JSON object or list of x;"
    )
    assert headers["penstock-error-stage"] == "pmml_job"
    assert headers["penstock-error-component"] == "scorer"
    assert headers["penstock-error-record"] == Blank.PLACE
    assert headers["penstock-model"] == "model:2"


def test_shadow_results_stay_away_from_users(ready: Scorer, batch: Batch) -> None:
    """A shadow's result goes to the topic of shadows, be it good or not."""
    deliveries = ready.score(batch({"x": 1}, {"x": 2}, {}, models=["model:1"] * 3, shadows=["true", None, "true"]))
    assert deliveries.topics == ["penstock.shadow-results", "penstock.results", "penstock.dead-letters"]


def test_failing_row_does_not_fail_its_batch(
    scorer: MakeScorer, describe: Describe, batch: Batch, outcomes: Outcomes
) -> None:
    """Where the model's own expression fails on some rows, only these become dead letters, with Java's words."""
    model = scorer(describe((DATA / "failing.pmml").read_bytes()))
    patterns = ["(" if i in {0, 17, 18, 63} else "b+" for i in range(64)]
    found = outcomes(model.score(batch(*([pattern] for pattern in patterns))))
    for pattern, outcome in zip(patterns, found, strict=True):
        if pattern == "b+":
            assert outcome["prediction"] is True
        else:
            assert outcome[0] == "SCORING"
            assert outcome[1].startswith(
                "model 'model:1' failed: java.util.regex.PatternSyntaxException: Unclosed group"
            )


def test_row_without_a_prediction(scorer: MakeScorer, describe: Describe, batch: Batch, outcomes: Outcomes) -> None:
    """A model that has no answer for a row gives no result with a made-up one."""
    model = scorer(describe((DATA / "loan.pmml").read_bytes()))
    good, bad = outcomes(model.score(batch([True, "house", 5, 1500], [True, "house", 30, 1500])))
    assert good["outputs"] == {"chance of yes": 0.75, "granted": "yes", "long": False, "level": 1}
    assert good["prediction"] == "yes"
    assert bad == ("SCORING", "model 'model:1' failed: it gave no prediction for these values")


def test_prediction_is_the_described_output(
    scorer: MakeScorer, describe: Describe, batch: Batch, outcomes: Outcomes
) -> None:
    """The descriptor may name another output as the prediction."""
    model = scorer(describe((DATA / "loan.pmml").read_bytes(), prediction="chance of yes"))
    assert outcomes(model.score(batch([True, "house", 5, 1500])))[0]["prediction"] == 0.75


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prediction": "z"}, "its prediction is to be output 'z'; its outputs: y"),
        (
            {"inputs": [{"name": "z", "type": "double"}]},
            "its descriptor has inputs {'z': 'double'}, its file {'x': ",
        ),
        ({"outputs": [{"name": "y", "type": "string"}]}, "its descriptor has outputs {'y': 'string'}, its file {'y': "),
        ({"sample": {"x": "1"}}, "its descriptor's sample cannot be scored: field 'x' is the string '1', expected"),
    ],
)
def test_broken_model_fails_its_own_requests_only(changes: dict[str, Any], reason: str, with_other: WithOther) -> None:
    """A model that cannot be loaded makes dead letters that say why; the others go on."""
    first, second, third = with_other(changes)
    assert second["prediction"] == 2.0
    assert first == third
    assert first[0] == "MODEL_FAILED"
    assert first[1].startswith(f"model 'model:1' cannot be used here: {reason}")


def test_model_whose_prediction_nobody_names(
    scorer: MakeScorer, describe: Describe, batch: Batch, outcomes: Outcomes, identity: Identity
) -> None:
    """Without a target, and with outputs of other kinds only, no output is taken for the prediction by chance."""
    data = (
        identity().replace(b'<MiningField name="y" usageType="target"/>', b"").replace(b"predictedValue", b"residual")
    )
    found = outcomes(scorer(describe(data)).score(batch({"x": 1}, model="model:1")))
    reason = "none of its outputs is its prediction: set 'prediction' to one of y"
    assert found == [("MODEL_FAILED", f"model 'model:1' cannot be used here: {reason}")]


def test_broken_file(scorer: MakeScorer, describe: Describe, batch: Batch, outcomes: Outcomes) -> None:
    """A file that is no PMML is told by the version that was asked for."""
    found = outcomes(scorer(describe(b"garbage")).score(batch({"x": 1}, model="model:1")))
    reason = "model 'model:1' cannot be used here: line 1, column 1: the file is no XML: syntax error"
    assert found == [("MODEL_FAILED", reason)]


def test_sample_warms_the_model_up(
    scorer: MakeScorer, describe: Describe, identity: Identity, batch: Batch, outcomes: Outcomes
) -> None:
    """A good sample is scored before the first request, as an object or as a list."""
    ready = scorer(describe(identity(), sample={"x": 1}), describe(identity(), version=2, sample=[1]))
    assert [found["prediction"] for found in outcomes(ready.score(batch([1], [2], models=["model:1", "model"])))] == [
        1,
        2,
    ]


def test_result_that_is_too_large(
    scorer: MakeScorer, describe: Describe, identity: Identity, batch: Batch, outcomes: Outcomes
) -> None:
    """A result beyond Kafka's limit is a dead letter; key and headers count, though the scorer does not see them."""
    model = scorer(describe(identity()), max_request_bytes=10_000)
    events = [{"x": 1, "text": "a" * size} for size in (6_000, 6_000, 12_000)]
    fits, tight, large = outcomes(model.score(batch(*events, unseen_bytes=[3_000, 4_000, 100])))
    assert fits["prediction"] == 1.0
    assert tight[0] == large[0] == "OVERSIZE"
    assert large[1].startswith("the record would have 12")
    assert large[1].endswith(" bytes, at most 10000 are allowed (limits.max_request_bytes)")


def test_clocks_that_disagree(ready: Scorer, batch: Batch, outcomes: Outcomes) -> None:
    """Latency is told as it is, even where clocks disagree."""
    (result,) = outcomes(ready.score(batch({"x": 1}, timestamps_ms=[1_767_323_045_700])))
    assert result["latency_ms"] == -22


# A scorer keeps nothing from batch to batch.
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.binary(max_size=40),
            st.recursive(
                st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "input", "data"]), inner)
                ),
                max_leaves=5,
            ).map(lambda tree: json.dumps(tree).encode()),
        ),
        max_size=8,
    ),
    st.sampled_from([None, JSON, REQUEST, CSV, "?"]),
)
def test_anything_becomes_one_delivery(
    ready: Scorer, batch: Batch, values: list[bytes | None], kind: str | None
) -> None:
    """Whatever comes, each request becomes a result that is JSON, or a dead letter with its cause."""
    deliveries = ready.score(batch(*values, content_types=[kind] * len(values)))
    assert len(deliveries.topics) == len(deliveries.values) == len(deliveries.headers) == len(values)
    for topic, value, headers in zip(deliveries.topics, deliveries.values, deliveries.headers, strict=True):
        if topic == "penstock.results":
            assert value is not None
            assert isinstance(json.loads(value, parse_constant=pytest.fail)["prediction"], float)
        else:
            assert (topic, value) == ("penstock.dead-letters", None)
            assert unpack_headers(headers)["penstock-error-code"] in {"DECODE", "INPUT"}


def test_event_past_its_deadline_is_not_scored(ready: Scorer, batch: Batch) -> None:
    """Each request by its own: these are 25 ms old; one whose header somebody else wrote is no request."""
    requests = batch({"x": 1}, {"x": 2}, {"x": 3}, {"x": 4}, deadlines=["25", None, "24", "soon"])

    deliveries = ready.score(requests)
    causes = [unpack_headers(headers) for headers in deliveries.headers]

    assert deliveries.topics == ["penstock.results"] * 2 + ["penstock.dead-letters"] * 2
    assert [cause.get("penstock-error-code") for cause in causes] == [None, None, "DEADLINE", "ENVELOPE"]
    assert causes[2]["penstock-error-reason"] == "the event is 25 ms old, its route allows 24 ms (deadline_ms)"
