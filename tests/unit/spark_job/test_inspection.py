"""What is said of a saved pipeline before it is taken in, without Spark."""

from pathlib import Path

import pytest

from jobs.spark_job.inspection import inspect as look
from penstock.models.findings import Inspection
from penstock.models.inspection import Checks
from tests import saved_pipelines as pipelines
from tests.saved_pipelines import LABELS, LOGISTIC, ML, TEXTS


def inspect(path: Path, *, lax: bool = False, **said: object) -> Inspection:
    """Look into a file, without Spark."""
    return look(path, said, Checks(lax=lax))


def test_good_pipeline_tells_what_it_is(tmp_path: Path) -> None:
    """Enough for a descriptor."""
    found = inspect(pipelines.saved(tmp_path / "model.zip", [*TEXTS, LABELS]))

    assert found.findings == []
    assert found.fields == {
        "format": "spark-ml",
        "algorithm": "PipelineModel/LogisticRegressionModel",
        "function": "classification",
        "producer": "Spark 4.2.0",
        "inputs": ({"name": "text", "type": "string"},),
        "outputs": (
            {"name": "prediction", "type": "double", "feature": "prediction"},
            {"name": "probability", "type": "double[]", "feature": "probability"},
            {"name": "sentiment", "type": "string", "feature": "label"},
        ),
        "prediction": "sentiment",
    }


@pytest.mark.parametrize(("lax", "severity"), [(False, "error"), (True, "warning")])
def test_stages_of_others_are_refused(tmp_path: Path, *, lax: bool, severity: str) -> None:
    """The job has no jar of theirs; who gives it one says so."""
    (found,) = inspect(pipelines.saved(tmp_path / "m.zip", [*TEXTS, ("com.example.Odd", {})]), lax=lax).findings
    assert (found.element, found.severity, found.found[:25]) == ("Odd_4", severity, "it is a com.example.Odd, ")


def test_what_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    """With nothing said of it."""
    path = tmp_path / "m.zip"
    path.write_bytes(b"no zip")
    found = inspect(path)
    assert ([each.severity for each in found.findings], found.fields) == (["error"], {})


def test_rows_that_would_be_dropped_are_told(tmp_path: Path) -> None:
    """It can be served, but hardly as it was meant."""
    skips = (f"{ML}.feature.StringIndexerModel", {"inputCol": "a", "outputCol": "features", "handleInvalid": "skip"})
    (found,) = inspect(pipelines.saved(tmp_path / "m.zip", [skips, LOGISTIC])).findings
    assert (found.severity, found.element) == ("warning", "StringIndexerModel_0")


def test_later_version_of_spark_is_told(tmp_path: Path) -> None:
    """Files are read by earlier ones at their own risk."""
    (found,) = inspect(pipelines.saved(tmp_path / "m.zip", sparkVersion="4.3.1")).findings
    assert (found.severity, found.found) == ("warning", "Spark 4.3.1 has")


def test_types_that_nobody_knows_are_asked_for(tmp_path: Path) -> None:
    """Unless the author says them."""
    hashes = (f"{ML}.feature.FeatureHasher", {"inputCols": ["a"], "outputCol": "features"})
    path = pipelines.saved(tmp_path / "m.zip", [hashes, LOGISTIC])

    (found,) = inspect(path).findings

    assert found.advice == "list the inputs with their types in the descriptor (docs/spark.md)"
    assert inspect(path, inputs=[{"name": "a", "type": "double"}]).findings == []


def test_prediction_is_an_output(tmp_path: Path) -> None:
    """Of those that the author wants; without a word from him the first of them, where the usual one is left out."""
    path = pipelines.saved(tmp_path / "m.zip")
    outputs = [{"name": "probability", "type": "double[]"}]

    (found,) = inspect(path, prediction="price").findings

    assert found.found == "it is to be 'price', the outputs are prediction, probability"
    assert inspect(path, outputs=outputs).fields["prediction"] == "probability"


def test_pipeline_without_stages_is_refused(tmp_path: Path) -> None:
    """There is nothing to serve."""
    (found,) = inspect(pipelines.saved(tmp_path / "m.zip", [])).findings
    assert (found.severity, found.found) == ("error", "it has none")
