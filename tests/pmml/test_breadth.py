"""Every kind of model that the engine knows, from a real file: as its maker answers, and as a second engine does.

The files and how they are made: docs/pmml.md.
"""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jpype
import pytest

from jobs.pmml_job.engine import Engine
from tests.pmml.jpmml import Judge, add_jars

FOLDER = Path(__file__).parents[1] / "data" / "pmml" / "breadth"
NAMES = sorted(path.stem for path in FOLDER.glob("*.pmml"))

# Sums in another order differ in the last of 16 digits, and deep networks multiply that: a wrong coefficient, branch or
# formula would show long before the ninth digit.
EXACT = 1e-9
TOLERANCES = {
    "nyoka-boosting-number": (1e-6, "nyoka writes the constant that the trees add to with eight digits"),
    "sklearn2pmml-voting": (1e-6, "JPMML compares and adds in single precision where sklearn2pmml asks for it"),
    "sklearn2pmml-xgboost-label": (1e-6, "XGBoost adds its trees in single precision"),
    "sklearn2pmml-xgboost-number": (1e-6, "XGBoost adds its trees in single precision"),
}
"""Models that are made or judged in less than double precision: how far answers may be apart, and why."""
UNJUDGED = {
    "anomaly-isolation": "Element AnomalyDetectionModel is not supported",
    "functions-median": 'Function "median" is not defined',
    "network-target-scaled": "Not implemented",
    "nyoka-boosting-three": "it takes nyoka's chain for labels and gives 0 for every probability",
    "nyoka-boosting-two": "it takes nyoka's chain for labels and gives 0 for every probability",
    "nyoka-one-class": "Element AnomalyDetectionModel is not supported",
    "rule-set-weighted-max": "it takes another rule than the one of the highest weight",
}
"""Models that JPMML cannot judge: what it says, or what it does instead. The maker's answers stand alone there."""

Plain = dict[str, Any]
Answers = Callable[[str], list[Any]]


@pytest.fixture
def answers(
    describe: Callable[..., Plain],
    scorer: Callable[..., Any],
    batch: Callable[..., Any],
    outcomes: Callable[[Any], list[Any]],
) -> Answers:
    """Score the golden inputs of a model: what becomes of each, a result or the cause of a dead letter."""

    def score(name: str) -> list[Any]:
        ready = scorer(describe((FOLDER / f"{name}.pmml").read_bytes(), name=name))
        return outcomes(ready.score(batch(*(row["input"] for row in golden(name)), model=name)))

    return score


@pytest.fixture(scope="session")
def judge(pmml_engine: Engine) -> Callable[[bytes], Judge]:
    """Make a model of the second engine, in the Java machine that runs already."""
    add_jars()
    return Judge


@functools.cache
def golden(name: str) -> list[Plain]:
    """The committed rows of a model."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_the_makers(name: str, answers: Answers) -> None:
    """Each row has the answer of the library that made the model, or of the standard's own formula.

    A row to which the maker has no answer becomes a dead letter that says so.
    """
    tolerance, _ = TOLERANCES.get(name, (EXACT, ""))
    for row, found in zip(golden(name), answers(name), strict=True):
        if row.get("prediction", found) is None:
            assert found[0] == "SCORING", row
            assert "it gave no prediction" in found[1]
            continue
        assert isinstance(found, dict), (row, found)
        if "prediction" in row:
            assert found["prediction"] == near(row["prediction"], tolerance), row
        expected = {key: near(value, tolerance) for key, value in row["outputs"].items()}
        assert {key: found["outputs"][key] for key in expected} == expected, row


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNJUDGED])
def test_second_engine_agrees(name: str, answers: Answers, judge: Callable[[bytes], Judge]) -> None:
    """JPMML, which shares no code with ours, gives the same for every output that it has a name for."""
    ask = judge((FOLDER / f"{name}.pmml").read_bytes())
    tolerance, _ = TOLERANCES.get(name, (EXACT, ""))
    for row, found in zip(golden(name), answers(name), strict=True):
        judged = ask(row["input"])
        if not isinstance(found, dict):
            assert [judged.get(key) for key in row["outputs"]] == [None] * len(row["outputs"]), (row, judged)
            continue
        shared = judged.keys() & found["outputs"].keys()
        expected = {key: near(judged[key], tolerance) for key in shared}
        assert {key: found["outputs"][key] for key in shared} == expected, row
        if not shared:  # the file names no outputs: the engines call the target's value differently
            assert any(found["prediction"] == near(value, tolerance) for value in judged.values()), (row, judged)


@pytest.mark.parametrize("name", sorted(UNJUDGED))
def test_what_is_not_judged_cannot_be(name: str, answers: Answers, judge: Callable[[bytes], Judge]) -> None:
    """A model is left out only as long as JPMML fails on it, or differs: with a newer one it may come back in."""
    try:
        ask = judge((FOLDER / f"{name}.pmml").read_bytes())
        judged = [ask(row["input"]) for row in golden(name)]
    except jpype.JException as error:
        assert UNJUDGED[name] in str(error)  # noqa: PT017 (either it fails, or it differs)
        return
    found = [each["outputs"] for each in answers(name)]
    assert found != [{key: near(row.get(key), EXACT) for key in each} for each, row in zip(found, judged, strict=True)]


def near(value: Any, tolerance: float) -> Any:
    """A number is compared within the tolerance, everything else exactly."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return pytest.approx(value, rel=tolerance, abs=tolerance) if is_number else value
