"""Pipelines as the job has them: loaded from files, compiled or in frames, compared with what their makers say."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from py4j.java_gateway import JavaObject
from py4j.protocol import GATEWAY_SERVER_OBJECT_ID

from jobs.spark_job.engine import Engine
from jobs.spark_job.loader import SparkLoader
from penstock.errors import ModelLoadError, ScoringError
from penstock.event import JSON
from penstock.local.waiting import wait_until
from penstock.models import pack
from penstock.models.descriptor import ModelDescriptor
from penstock.models.repository import read_folder
from tests.patience import SOON_S
from tests.sparks import JARS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

SENTIMENT = Path(__file__).parents[2] / "models" / "sentiment"
MOST_BYTES = 1 << 24


@pytest.fixture
def save(spark: SparkSession, tmp_path: Path) -> Callable[..., Path]:
    """Fit these stages to three rows, and save them as a model's file."""

    def saved(*stages: Any) -> Path:
        from pyspark.ml import Pipeline
        from pyspark.ml.functions import array_to_vector
        from pyspark.sql import functions

        rows = [("a", 1.0, 0.0), ("b", 2.0, 1.0), ("a", 3.0, 0.0)]
        frame = spark.createDataFrame(rows, "c string, x double, label double")
        frame = frame.withColumn("v", array_to_vector(functions.array("x")))
        folder, path = tmp_path / "saved", tmp_path / "model.zip"
        Pipeline(stages=[*stages]).fit(frame).write().overwrite().save(str(folder))
        path.write_bytes(pack.packed(folder))
        return path

    return saved


@pytest.fixture
def loader(spark: SparkSession, tmp_path: Path) -> SparkLoader:
    """What the driver loads with."""
    return SparkLoader(Engine(spark), tmp_path / "work", MOST_BYTES, 100)


def load(loader: SparkLoader, path: Path, **said: Any) -> Any:
    """Load a model's file as its descriptor says."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    plain = {"name": "m", "version": 1, "job": "spark", "format": "spark-ml", "uri": str(path), "sha256": digest}
    return loader.load(ModelDescriptor.parse(plain | said, "a test"), path)


def answers(served: Any, *rows: Any) -> list[Any]:
    """Score requests; of a failure its text."""
    requests = [served.read(json.dumps(row).encode(), JSON) for row in rows]
    return [str(each) if isinstance(each, ScoringError) else each for each in served.score(requests)]


def assembled(label: str | None = None, invalid: str = "error") -> list[Any]:
    """Stages that index a category, assemble it with a number, and predict."""
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import IndexToString, StringIndexer, VectorAssembler

    found = [
        StringIndexer(inputCol="c", outputCol="i", handleInvalid=invalid),
        VectorAssembler(inputCols=["i", "x"], outputCol="features"),
        LogisticRegression(),
    ]
    return [*found, IndexToString(inputCol="prediction", outputCol=label, labels=["no", "yes"])] if label else found


def test_sample_model_answers_as_it_was_made(loader: SparkLoader) -> None:
    """All of its golden answers, strange texts among them, and through the zip that is shipped."""
    (descriptor,) = read_folder(SENTIMENT)
    folder = SENTIMENT / str(descriptor.version)
    served = loader.load(descriptor, folder / "model.zip")
    expected = [json.loads(line) for line in (folder / "golden.jsonl").read_text(encoding="utf-8").splitlines()]

    found = answers(served, *(each["input"] for each in expected))

    assert served.row_wise
    assert [label for label, _ in found] == [each["outputs"]["sentiment"] for each in expected]
    for (_, probability), each in zip(found, expected, strict=True):
        assert probability == pytest.approx(each["outputs"]["probability"], abs=1e-9)
    assert_let_go(loader, served, served._call._java)


def assert_let_go(loader: SparkLoader, served: Any, java: JavaObject) -> None:
    """Close a model: Java keeps nothing of it, although Python has not collected garbage."""
    session = cast("Engine", loader._engine)._session
    gateway = JavaObject(GATEWAY_SERVER_OBJECT_ID, session.sparkContext._gateway._gateway_client).getGateway()  # type: ignore[union-attr]
    assert gateway.getObject(java._target_id) is not None
    served.close()
    assert wait_until(lambda: gateway.getObject(java._target_id) is None, SOON_S, 0.01)


def test_categories_and_numbers(loader: SparkLoader, save: Callable[..., Path]) -> None:
    """A label that nobody knows costs its own row, and says which it is."""
    served = load(loader, save(*assembled("answer")))

    found = answers(served, {"c": "a", "x": 1.0}, {"c": "zz", "x": 1.0}, {"c": "b", "x": 2})

    assert served.outputs == {"prediction": "double", "probability": "double[]", "answer": "string"}
    assert (found[0][2], found[2][2]) == ("no", "yes")
    assert "Unseen label: zz" in found[1]


def test_vectors_are_lists(loader: SparkLoader, save: Callable[..., Path]) -> None:
    """A model alone takes what a stage before it would have assembled."""
    from pyspark.ml.regression import LinearRegression

    served = load(loader, save(LinearRegression(featuresCol="v")))
    ((prediction,),) = answers(served, {"v": [2.0]})
    assert prediction == pytest.approx(1 / 3)


def test_rows_that_are_dropped_are_told(loader: SparkLoader, save: Callable[..., Path]) -> None:
    """A pipeline that filters is no function of a row; each request has an answer all the same, in its place."""
    served = load(loader, save(*assembled(invalid="skip")))

    found = answers(served, {"c": "a", "x": 1.0}, {"c": "zz", "x": 1.0}, {"c": "b", "x": 2.0})

    assert served.remark() == "not row-wise (Filter): scored in frames"
    assert (found[0][0], found[2][0]) == (0.0, 1.0)
    assert "a stage left the row out" in found[1]
    assert_let_go(loader, served, served._call._model)


def test_frames_are_as_good_as_rows(loader: SparkLoader, save: Callable[..., Path]) -> None:
    """What needs several rows gets them, and whoever fails in a frame fails alone."""
    from pyspark.ml.feature import SQLTransformer

    ranks = SQLTransformer(statement="SELECT *, rank() OVER (ORDER BY CAST(c AS DOUBLE)) AS r FROM __THIS__")
    inputs = [{"name": "c", "type": "string"}]
    served = load(loader, save(ranks), inputs=inputs, outputs=[{"name": "r", "type": "integer"}])

    assert answers(served, {"c": "2"}, {"c": "1"}) == [(2,), (1,)]
    good, bad = answers(served, {"c": "2"}, {"c": "two"})
    assert good == (1,)
    assert "CAST_INVALID_INPUT" in bad


def test_pipelines_that_lose_rows_are_refused(loader: SparkLoader, save: Callable[..., Path]) -> None:
    """Nobody could tell whose answers they are."""
    from pyspark.ml.feature import SQLTransformer

    groups = SQLTransformer(statement="SELECT c, sum(x) AS s FROM __THIS__ GROUP BY c")
    inputs = [{"name": "c", "type": "string"}, {"name": "x", "type": "double"}]
    with pytest.raises(ModelLoadError, match="its plan mixes rows"):
        load(loader, save(groups), inputs=inputs, outputs=[{"name": "s", "type": "double"}])


def test_faults_are_told(loader: SparkLoader, save: Callable[..., Path], tmp_path: Path) -> None:
    """In a line, with what there is instead; nothing is left behind."""
    path = save(*assembled())
    with pytest.raises(ModelLoadError, match="its outputs are to be price, which it has not; it has c, x, i, features"):
        load(loader, path, outputs=[{"name": "price", "type": "double"}])
    with pytest.raises(ModelLoadError, match="field 'x' is missing"):
        load(loader, path, sample={"c": "a"})
    assert not list((tmp_path / "work").iterdir())


TRY = """
import json, sys
from pathlib import Path
from jobs.spark_job.inspection import inspect
from penstock.models.inspection import Checks
found = inspect(Path(sys.argv[1]), {}, Checks(heap_mb=512, jars=Path(sys.argv[2])))
print(json.dumps([[each.severity + ': ' + each.found for each in found.findings], found.fields]))
"""


def test_checks_load_and_score(save: Callable[..., Path]) -> None:
    """With an engine of their own, as `penstock models add` has it: a sample is made, outputs have their types."""
    path = save(*assembled("answer"))
    command = [sys.executable, "-c", TRY, str(path), str(JARS.parent)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=2 * SOON_S, check=True)
    findings, fields = json.loads(answer.stdout.splitlines()[-1])
    assert fields["inputs"] == [{"name": "c", "type": "string"}, {"name": "x", "type": "double"}]
    assert [each["type"] for each in fields["outputs"]] == ["double", "double[]", "string"]
    # The made sample's text is no label that the stage knows: that is told, with what to do.
    assert ["Unseen label" in each for each in findings] == [True]
