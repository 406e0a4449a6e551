"""Results: what the model said, beside the event as it came."""

from __future__ import annotations

import math

import msgspec
import pytest
from msgspec import UNSET

from penstock.errors import DecodeError, ScoringError
from penstock.event import CONTENT_TYPE, MODEL, RESULT, pack_headers
from penstock.serving.requests import Request
from penstock.serving.results import ResultWriter

WRITER = ResultWriter("iris:2", ["label", "p 1"], 0)
REQUEST = Request(msgspec.Raw(b'{"x":  1.50}'), (1.5,))


def test_result_has_the_event_in_its_own_words() -> None:
    """Outputs have their names, of which one is the prediction."""
    assert WRITER.write(REQUEST, ("setosa", 0.5), "then", 42) == (
        b'{"input":{"x":  1.50},"prediction":"setosa","outputs":{"label":"setosa","p 1":0.5},"scored_at":"then",'
        b'"latency_ms":42}'
    )
    assert WRITER.headers == pack_headers({MODEL: "iris:2", CONTENT_TYPE: RESULT})


def test_result_for_bytes_has_no_event() -> None:
    """JSON cannot have it."""
    assert WRITER.write(Request(UNSET, (1.5,)), (1, None), "then", 0).startswith(b'{"prediction":1,"outputs":{')


@pytest.mark.parametrize("prediction", [None, math.nan, math.inf, -math.inf, [0.5, math.nan], [[1, math.inf]]])
def test_no_prediction_is_a_fault(prediction: object) -> None:
    """Whatever the other outputs are: JSON would have null for it, or in it."""
    with pytest.raises(ScoringError, match="it gave no prediction for these values"):
        WRITER.write(REQUEST, (prediction, 0.5), "then", 42)


def test_other_outputs_may_be_null() -> None:
    """What JSON has no number for."""
    written = WRITER.write(REQUEST, ([0.5, "a", True], math.inf), "then", 42)

    assert b'"prediction":[0.5,"a",true],"outputs":{"label":[0.5,"a",true],"p 1":null}' in written


def test_outputs_may_have_any_name() -> None:
    """A class that a probability is of may have quotes in it."""
    writer = ResultWriter("disks:1", ['p(5" disk)', "a\\b"], 1)
    written = writer.write(REQUEST, (0.5, "a"), "then", 42)

    assert msgspec.json.decode(written)["outputs"] == {'p(5" disk)': 0.5, "a\\b": "a"}
    assert msgspec.json.decode(written)["prediction"] == "a"


def test_error_in_an_answers_place_is_raised() -> None:
    """It is the record's."""
    error = DecodeError("of this row")
    with pytest.raises(DecodeError) as caught:
        WRITER.write(REQUEST, error, "then", 42)

    assert caught.value is error
