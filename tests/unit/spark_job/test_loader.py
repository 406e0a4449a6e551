"""Loading and serving pipelines, with Spark's part played by this test."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from jobs.spark_job.loader import SparkLoader
from penstock.errors import InputError, ModelLoadError, ScoringError
from penstock.event import JSON, REQUEST, TEXT, unpack_headers
from penstock.models.descriptor import ModelDescriptor
from tests import saved_pipelines as pipelines
from tests.saved_pipelines import LABELS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OUTPUTS = {"prediction": "double", "probability": "double[]", "sentiment": "string"}


class Call:
    """Answers each row by its length; a text "bad" fails."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.sizes: list[int] = []
        self.closed = False

    def many(self, columns: Sequence[Sequence[Any]], size: int) -> list[tuple[Any, ...] | ScoringError]:
        """Score rows."""
        self.sizes.append(size)
        (texts,) = columns
        known = {"prediction": float("nan"), "probability": [0.25, 0.75], "sentiment": "positive"}
        answer = tuple(known[name] for name in self.names)
        none = (None,) * len(self.names)
        return [ScoringError("m", "boom") if text == "bad" else none if text == "none" else answer for text in texts]

    def close(self) -> None:
        """Note it."""
        self.closed = True


class Engine:
    """Loads whatever there is."""

    def __init__(self, not_row_wise: str | None = None) -> None:
        self.not_row_wise = not_row_wise
        self.calls: list[Call] = []
        self.asked: list[tuple[Any, ...]] = []

    def load(self, folder: Path, ref: str, inputs: Any, outputs: Sequence[str], vectors: frozenset[str]) -> Any:
        """Load a pipeline, whose files are there."""
        assert (folder / "metadata").is_dir()
        self.asked.append((ref, dict(inputs), list(outputs), vectors))
        call = Call(outputs)
        self.calls.append(call)
        found = {name: OUTPUTS[name] for name in outputs}
        return type("Pipeline", (), {"call": call, "outputs": found, "not_row_wise": self.not_row_wise})()


def descriptor(path: Path, **changes: Any) -> ModelDescriptor:
    """A descriptor of the file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    plain = {"name": "m", "version": 1, "job": "spark", "format": "spark-ml", "uri": str(path), "sha256": digest}
    return ModelDescriptor.parse(plain | changes, "a test")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A saved pipeline."""
    return pipelines.saved(tmp_path / "model.zip", [*TEXTS, LABELS])


@pytest.fixture
def engine() -> Engine:
    """Spark."""
    return Engine()


@pytest.fixture
def loader(engine: Engine, tmp_path: Path) -> SparkLoader:
    """A loader."""
    return SparkLoader(engine, tmp_path / "work", 1 << 20, 2)


def test_results_are_as_those_of_other_jobs(loader: SparkLoader, engine: Engine, path: Path) -> None:
    """The event as it was sent, the prediction, all outputs; what is no number is null."""
    served = loader.load(descriptor(path), path)
    request = served.read(b'{"text": "a", "more": 1.0}', JSON)
    (answer,) = served.score([request])

    found = json.loads(served.result(request, answer, "2026-01-02T03:04:05.678Z", 42))

    assert list(found) == ["input", "prediction", "outputs", "scored_at", "latency_ms"]
    assert found["input"] == {"text": "a", "more": 1.0}
    assert found["prediction"] == "positive"
    assert found["outputs"] == {"prediction": None, "probability": [0.25, 0.75], "sentiment": "positive"}
    assert unpack_headers(served.headers) == {
        "penstock-model": "m:1",
        "content-type": "application/vnd.penstock.result+json",
    }
    assert engine.asked == [("m:1", {"text": "string"}, ["prediction", "probability", "sentiment"], frozenset())]


@pytest.mark.parametrize(
    ("value", "content_type", "sent"),
    [
        (b"What a day", TEXT, "What a day"),
        (b'{"input": [1], "data": {"text": "a"}}', REQUEST, [1]),
    ],
)
def test_requests_come_in_all_forms(
    loader: SparkLoader, path: Path, value: bytes, content_type: str, sent: object
) -> None:
    """A model of one text takes it plain."""
    served = loader.load(descriptor(path), path)
    request = served.read(value, content_type)
    assert json.loads(served.result(request, served.score([request])[0], "", 0))["input"] == sent


def test_wrong_types_are_refused_before_spark(loader: SparkLoader, path: Path) -> None:
    """It would make something of them."""
    served = loader.load(descriptor(path), path)
    with pytest.raises(InputError, match="field 'text' is the number 5, expected a string"):
        served.read(b'{"text": 5}', JSON)


def test_bad_row_fails_alone(loader: SparkLoader, path: Path) -> None:
    """Whoever fails, and whoever gets no prediction."""
    served = loader.load(descriptor(path), path)
    requests = [served.read(json.dumps({"text": text}).encode(), JSON) for text in ("good", "bad", "none")]
    answers = served.score(requests)

    assert served.result(requests[0], answers[0], "", 0)
    with pytest.raises(ScoringError, match="boom"):
        served.result(requests[1], answers[1], "", 0)
    with pytest.raises(ScoringError, match="it gave no prediction"):
        served.result(requests[2], answers[2], "", 0)


def test_descriptor_chooses_outputs_and_prediction(loader: SparkLoader, engine: Engine, path: Path) -> None:
    """Others are not computed."""
    outputs = [{"name": "probability", "type": "double[]"}]
    served = loader.load(descriptor(path, outputs=outputs, prediction="probability"), path)
    request = served.read(b'{"text": "a"}', JSON)
    found = json.loads(served.result(request, served.score([request])[0], "", 0))
    assert (found["prediction"], found["outputs"]) == ([0.25, 0.75], {"probability": [0.25, 0.75]})
    assert engine.asked[0][2] == ["probability"]


def test_what_is_not_row_wise_is_scored_in_frames(path: Path, tmp_path: Path) -> None:
    """Of bounded size; and that is told."""
    engine = Engine("Aggregate")
    loader = SparkLoader(engine, tmp_path / "work", 1 << 20, 2, lambda: "slow today")
    usual = loader.batch_rows
    served = loader.load(descriptor(path), path)
    request = served.read(b'{"text": "a"}', JSON)

    assert len(served.score([request] * 5)) == 5

    assert engine.calls[0].sizes == [2, 2, 1]
    assert served.remark() == "not row-wise (Aggregate): scored in frames; slow today"
    assert loader.batch_rows == 2
    served.close()
    assert loader.batch_rows == usual


def test_sample_warms_it_up(loader: SparkLoader, engine: Engine, path: Path) -> None:
    """With more than a row at a time, as real batches have, and several times."""
    loader.load(descriptor(path, sample={"text": "a"}), path)
    sizes = engine.calls[0].sizes
    assert len(sizes) > 1
    assert min(sizes) > 100


def test_files_stay_while_it_is_served(loader: SparkLoader, engine: Engine, path: Path, tmp_path: Path) -> None:
    """Some stages read theirs whenever they are asked."""
    served = loader.load(descriptor(path), path)
    assert any((tmp_path / "work").iterdir())
    served.close()
    assert not any((tmp_path / "work").iterdir())
    assert engine.calls[0].closed


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"sample": {"text": 1}}, "its descriptor's sample cannot be scored: field 'text' is the number 1"),
    ({"sample": {"text": "bad"}}, "its descriptor's sample cannot be scored: model 'm' failed: boom"),
    ({"prediction": "price"}, "its prediction is to be output 'price'; its outputs: prediction, probability"),
    ({"inputs": [{"name": "words", "type": "string"}]}, "its descriptor has inputs words, its stages take text too"),
    ({"outputs": [{"name": "sentiment", "type": "double"}]}, "its descriptor has outputs"),
    ({"inputs": [{"name": "text", "type": "date"}]}, "an input has type 'date'|input 'text' has type 'date'"),
]


@pytest.mark.parametrize(("changes", "said"), FAULTS)
def test_what_does_not_fit_is_refused(
    loader: SparkLoader, engine: Engine, path: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    """With nothing left behind, on disk or in Java."""
    with pytest.raises(ModelLoadError, match=said):
        loader.load(descriptor(path, **changes), path)
    assert not any((tmp_path / "work").iterdir())
    assert [call.closed for call in engine.calls] == [True] * len(engine.calls)


def test_other_formats_are_refused(loader: SparkLoader, path: Path) -> None:
    """They are other jobs'."""
    with pytest.raises(ModelLoadError, match="its format is 'pmml', job spark scores 'spark-ml'"):
        loader.load(descriptor(path, format="pmml"), path)


def test_file_that_is_none_is_refused(loader: SparkLoader, tmp_path: Path) -> None:
    """As it would have been when it was added."""
    path = tmp_path / "model.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(ModelLoadError, match="expected a zip of a folder"):
        loader.load(descriptor(path), path)


def test_unknown_inputs_have_to_be_said(loader: SparkLoader, tmp_path: Path) -> None:
    """Nobody could read a request."""
    stage = ("org.apache.spark.ml.feature.FeatureHasher", {"inputCols": ["a"], "outputCol": "features"})
    path = pipelines.saved(tmp_path / "odd.zip", [stage, pipelines.LOGISTIC])
    with pytest.raises(ModelLoadError, match=r"do not say the types of its inputs \(a\): list them in its descriptor"):
        loader.load(descriptor(path), path)
