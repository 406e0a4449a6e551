"""The sample pipeline answers as its golden file says, and comes out of its script again."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.spark_job.compiled import Compiled, base, refusal
from penstock.models.pack import unpacked

if TYPE_CHECKING:
    from types import ModuleType

    from pyspark.ml import PipelineModel
    from pyspark.sql import SparkSession

MODELS = Path(__file__).parents[2] / "models"
GOLDEN = [
    json.loads(line) for line in (MODELS / "sentiment" / "1" / "golden.jsonl").read_text(encoding="utf-8").splitlines()
]
TEXTS = [row["input"]["text"] for row in GOLDEN]
_MIB = 1 << 20


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that trains the pipeline."""
    spec = importlib.util.spec_from_file_location("sentiment_script", MODELS / "sentiment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pipeline(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> PipelineModel:
    """The committed pipeline."""
    from pyspark.ml import PipelineModel

    folder = unpacked(MODELS / "sentiment" / "1" / "model.zip", tmp_path_factory.mktemp("model") / "pipeline", _MIB)
    return PipelineModel.load(str(folder))


def assert_golden(found: list[dict[str, Any]]) -> None:
    """Labels are equal, probabilities up to the last digits, which other processors may change."""
    assert [row["sentiment"] for row in found] == [row["outputs"]["sentiment"] for row in GOLDEN]
    for row, golden in zip(found, GOLDEN, strict=True):
        assert row["probability"] == pytest.approx(golden["outputs"]["probability"], rel=1e-9, abs=1e-12)


def test_committed_pipeline_answers_as_golden(spark: SparkSession, script: ModuleType, pipeline: PipelineModel) -> None:
    """What is in the archive is what was trained."""
    assert_golden(script.answers(spark, pipeline, TEXTS))


def test_compiled_pipeline_answers_as_golden(spark: SparkSession, pipeline: PipelineModel) -> None:
    """The way that the job goes, for the demo's events and strange texts alike."""
    frame = pipeline.transform(base(spark, {"text": "string"})).select("sentiment", "probability")
    assert refusal(frame) is None
    answers = Compiled("sentiment:1", frame).many([TEXTS], len(TEXTS))

    assert_golden([{"sentiment": label, "probability": probability} for label, probability in answers])


def test_training_again_gives_the_same_answers(spark: SparkSession, script: ModuleType) -> None:
    """From the committed sentences."""
    assert_golden(script.answers(spark, script.trained(spark), TEXTS))
