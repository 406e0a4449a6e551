"""Saved pipelines: what their metadata says, without Spark."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.spark_job.saved import SavedPipelineError, read, root
from tests import saved_pipelines as pipelines
from tests.saved_pipelines import ML, PIPELINE, TEXTS


def test_stages_are_told_in_their_order(tmp_path: Path) -> None:
    """With classes, uids and parameters; what is set wins over defaults."""
    found = read(pipelines.saved(tmp_path / "model.zip"))

    assert found.spark == "4.2.0"
    assert [stage.kind for stage in found.stages] == ["Tokenizer", "HashingTF", "IDFModel", "LogisticRegressionModel"]
    assert [stage.part for stage in found.stages] == ["feature", "feature", "feature", "classification"]
    assert found.stages[0].uid == "Tokenizer_0"
    assert found.stages[0].params == {"inputCol": "text", "outputCol": "words"}
    assert found.stages[3].params["outputCol"] == "unused"


def test_pipeline_may_lie_in_a_folder_of_the_zip(tmp_path: Path) -> None:
    """People zip folders both ways."""
    assert len(read(pipelines.saved(tmp_path / "model.zip", at="sentiment/")).stages) == len(TEXTS)


def test_more_than_ten_stages_are_found(tmp_path: Path) -> None:
    """Spark writes their numbers with as many digits as the highest has."""
    stages = [pipelines.TOKENIZER] * 11
    assert len(read(pipelines.saved(tmp_path / "model.zip", stages)).stages) == 11


def test_pipelines_in_pipelines_are_flat(tmp_path: Path) -> None:
    """Their stages stand where the inner pipeline does."""
    inner = (PIPELINE, {"stageUids": ["Tokenizer_0"]})
    texts = pipelines.files([inner, pipelines.LABELS])
    within = pipelines.files([pipelines.TOKENIZER], "stages/0_PipelineModel_0/")
    within.pop("stages/0_PipelineModel_0/metadata/part-00000-ab.txt")
    found = read(pipelines.zipped(tmp_path / "model.zip", texts | within))

    assert [stage.kind for stage in found.stages] == ["Tokenizer", "IndexToString"]


def _not_a_zip(path: Path) -> Path:
    path.write_bytes(b"PMML")
    return path


def _broken(path: Path) -> Path:
    return pipelines.zipped(path, {**pipelines.files(TEXTS), "metadata/part-00000-ab.txt": "{"})


def _cut(path: Path) -> Path:
    texts = pipelines.files(TEXTS)
    return pipelines.zipped(path, {name: text for name, text in texts.items() if "IDF" not in name})


def _damaged(path: Path) -> Path:
    """A zip whose list of entries is whole and whose content is not."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata/part-00000", "{" * 1_000)
    data = path.read_bytes()
    at = data.index(b"part-00000") + len(b"part-00000")
    path.write_bytes(data[:at] + b"\xff" + data[at + 1 :])
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_not_a_zip, "expected a zip of a folder that PipelineModel.save wrote"),
        (_broken, "is not what Spark ML writes"),
        (_damaged, "expected a zip of a folder that PipelineModel.save wrote.*invalid block type"),
        (_cut, "'stages/2_IDFModel_2/metadata' is missing in the zip"),
        (lambda path: pipelines.zipped(path, {"a": "b"}), "expected 'metadata/part-00000' at the top of the zip"),
        (
            lambda path: pipelines.saved(path, **{"class": f"{ML}.feature.IDFModel"}),
            "expected a saved org.apache.spark.ml.PipelineModel, got org.apache.spark.ml.feature.IDFModel",
        ),
        (lambda path: path, "the file cannot be read"),
    ],
)
def test_what_is_no_saved_pipeline_is_told(tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    """Each fault with what was expected."""
    with pytest.raises(SavedPipelineError, match=said):
        read(make(tmp_path / "model.zip"))


def test_two_pipelines_in_a_zip_are_none() -> None:
    """Nobody could tell which one is meant."""
    with pytest.raises(SavedPipelineError, match="found 2 of them"):
        root(["a/metadata/part-00000", "b/metadata/part-00000"])
