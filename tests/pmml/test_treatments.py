"""Mining schemas on the real engine: what a model sees of a value that is missing, invalid or an outlier.

The model answers with the value that it was given, so its prediction is what the treatment made of the event's value.
"""

from collections.abc import Callable
from typing import Any

import jpype
import pytest

from jobs.pmml_job.engine import PmmlModel
from jobs.pmml_job.pmml4s import MatrixCall, RecordsCall
from jobs.pmml_job.singles import Singles
from penstock.event import Deliveries
from penstock.scoring import Requests, Scorer

Load = Callable[[bytes, str], PmmlModel]
Predict = Callable[..., list[Any]]

UNIT = '<Interval closure="closedClosed" leftMargin="0" rightMargin="1"/>'
REFUSED = ("INPUT",)
UNPREDICTED = ("SCORING",)


@pytest.fixture
def predict(
    identity: Callable[..., bytes],
    describe: Callable[..., dict[str, Any]],
    scorer: Callable[..., Scorer],
    batch: Callable[..., Requests],
    outcomes: Callable[[Deliveries], list[Any]],
) -> Predict:
    """Score events with a model that has these treatments: predictions, and causes where there is none."""

    def score(model: tuple[str, ...], events: list[object]) -> list[Any]:
        ready = scorer(describe(identity(*model)))
        return [
            each["prediction"] if isinstance(each, dict) else each for each in outcomes(ready.score(batch(*events)))
        ]

    return score


@pytest.mark.parametrize(
    ("treatment", "values", "expected"),
    [
        # What comes: 0.5, then 5 (outside of the interval), then null, then nothing, then a text.
        ("", UNIT, [0.5, REFUSED, REFUSED, REFUSED, REFUSED]),
        ('missingValueReplacement="0.25"', UNIT, [0.5, REFUSED, 0.25, 0.25, REFUSED]),
        ('missingValueReplacement="7"', UNIT, [0.5, REFUSED, 7.0, 7.0, REFUSED]),
        ('missingValueReplacement="7" missingValueTreatment="asMean"', UNIT, [0.5, REFUSED, 7.0, 7.0, REFUSED]),
        ('missingValueReplacement="7" missingValueTreatment="returnInvalid"', UNIT, [0.5, *[REFUSED] * 4]),
        ('missingValueTreatment="asIs"', UNIT, [0.5, REFUSED, UNPREDICTED, UNPREDICTED, REFUSED]),
        ('invalidValueTreatment="asIs"', UNIT, [0.5, 5.0, REFUSED, REFUSED, REFUSED]),
        ('invalidValueTreatment="asMissing"', UNIT, [0.5, UNPREDICTED, REFUSED, REFUSED, UNPREDICTED]),
        (
            'invalidValueTreatment="asMissing" missingValueReplacement="0.25"',
            UNIT,
            [0.5, 0.25, 0.25, 0.25, 0.25],
        ),
        (
            'invalidValueTreatment="asMissing" missingValueTreatment="returnInvalid"',
            UNIT,
            [0.5, *[REFUSED] * 4],
        ),
        ('invalidValueTreatment="asValue" invalidValueReplacement="0.75"', UNIT, [0.5, 0.75, REFUSED, REFUSED, 0.75]),
        ('invalidValueTreatment="asValue" invalidValueReplacement="9"', UNIT, [0.5, 9.0, REFUSED, REFUSED, 9.0]),
        ('outliers="asExtremeValues" lowValue="0" highValue="1"', "", [0.5, 1.0, REFUSED, REFUSED, REFUSED]),
        (
            'outliers="asMissingValues" lowValue="0" highValue="1" missingValueReplacement="0.25"',
            "",
            [0.5, 0.25, 0.25, 0.25, REFUSED],
        ),
        ('outliers="asMissingValues" lowValue="0" highValue="1"', "", [0.5, UNPREDICTED, REFUSED, REFUSED, REFUSED]),
        (
            'missingValueReplacement="0.25"',
            '<Value value="5" property="missing"/><Value value="0.5" property="valid"/>',
            [0.5, 0.25, 0.25, 0.25, REFUSED],
        ),
        ("", '<Value value="0.5"/>', [0.5, *[REFUSED] * 4]),
    ],
)
def test_treatment_is_followed(treatment: str, values: str, expected: list[Any], predict: Predict) -> None:
    """Each treatment alone and together with others, on the same five events in one batch."""
    found = predict((treatment, values), [{"x": 0.5}, {"x": 5}, {"x": None}, {}, {"x": "0.5"}])
    assert [each if isinstance(each, float) else each[:1] for each in found] == expected


def test_integer_that_is_missing_is_not_zero(predict: Predict) -> None:
    """The engine reads null and NaN as 0 where the field is an integer; a replacement must count all the same."""
    model = ('missingValueReplacement="7"', "", "integer")
    assert predict(model, [{"x": 3}, {"x": None}, {}, [None]]) == [3.0, 7.0, 7.0, 7.0]


def test_float_is_single_precision(predict: Predict) -> None:
    """PMML's float has single precision, which the engine alone would not round to."""
    assert predict(("", "", "float"), [[0.1]]) == [0.10000000149011612]


@pytest.mark.parametrize("data_type", ["double", "float", "integer"])
@pytest.mark.parametrize(
    "treatment", ["", 'outliers="asExtremeValues" lowValue="-2" highValue="2"', 'invalidValueTreatment="asIs"']
)
def test_both_calls_agree(load: Load, identity: Callable[..., bytes], data_type: str, treatment: str) -> None:
    """The matrix and the JSON form are two ways to the same answers."""
    data = identity(treatment, data_type=data_type)
    model = load(data, "model:1")
    assert isinstance(model.score, MatrixCall)
    java_model = jpype.JClass("org.pmml4s.model.Model").fromString(data.decode())
    rows = [(float(value) if data_type != "integer" else value,) for value in range(-9, 10)]
    assert RecordsCall(java_model, model.inputs, model.outputs, Singles([]))(rows) == model.score(rows)
