"""The sample models answer as scikit-learn did when it made them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.models.descriptor import ModelDescriptor
from penstock.scoring import Requests, Scorer

MODELS = Path(__file__).parents[2] / "models"


@pytest.mark.parametrize("name", ["iris-tree", "iris-forest", "iris-logistic", "iris-kmeans"])
def test_answers_are_scikit_learns(name: str, scorer: Callable[..., Scorer], batch: Callable[..., Requests]) -> None:
    """Labels and clusters are equal, probabilities and distances to the twelfth digit, each of its type."""
    descriptor = ModelDescriptor.load(MODELS / name / "1" / "descriptor.yaml")
    lines = (MODELS / name / "1" / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    golden = [json.loads(line) for line in lines]
    deliveries = scorer(descriptor.plain()).score(batch(*(row["input"] for row in golden), model=name))
    assert set(deliveries.topics) == {"penstock.results"}
    for row, value in zip(golden, deliveries.values, strict=True):
        assert value is not None
        result = json.loads(value)
        assert result["input"] == row["input"]
        assert result["outputs"] == pytest.approx(row["outputs"], rel=1e-12, abs=1e-12)
        assert result["prediction"] == row["outputs"][descriptor.prediction]
        assert type(result["prediction"]) is int
        assert {name: type(output) for name, output in result["outputs"].items()} == {
            name: type(output) for name, output in row["outputs"].items()
        }
    assert len(golden) >= 300
