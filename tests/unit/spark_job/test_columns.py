"""Columns: inputs and outputs of a pipeline by what its stages say."""

import pytest

from jobs.spark_job.columns import columns, drops_rows, wanted_outputs
from jobs.spark_job.saved import Stage as SavedStage
from tests.saved_pipelines import ASSEMBLER, IDF, LABELS, LOGISTIC, ML, TEXTS, TOKENIZER, Stage


def stages(*given: Stage) -> list[SavedStage]:
    """Stages as they are read from a file."""
    return [SavedStage(name=name, uid=str(number), params=params) for number, (name, params) in enumerate(given)]


def test_text_pipeline_takes_a_text() -> None:
    """What the first stages take and none makes; columns between stages are nobody's business."""
    found = columns(stages(*TEXTS))

    assert [(each.name, each.type) for each in found.inputs] == [("text", "string")]
    assert [(each.name, each.type) for each in found.outputs] == [("prediction", "double"), ("probability", "double[]")]
    assert found.prediction == "prediction"


def test_label_is_the_prediction() -> None:
    """Before its number, where a stage turns that into a text."""
    found = columns(stages(*TEXTS, LABELS))

    assert [each.name for each in found.outputs] == ["prediction", "probability", "sentiment"]
    assert found.prediction == "sentiment"


def test_numbers_are_assembled() -> None:
    """Each of an assembler's columns is a number."""
    found = columns(stages(ASSEMBLER, LOGISTIC))
    assert [(each.name, each.type, each.vector) for each in found.inputs] == [
        ("a", "double", False),
        ("b", "double", False),
    ]


def test_vectors_are_lists_of_numbers() -> None:
    """A model alone takes a vector, which a request has as a list."""
    (found,) = columns(stages(LOGISTIC)).inputs
    assert (found.name, found.type, found.vector) == ("features", "double[]", True)


def test_features_alone_give_what_the_last_stage_makes() -> None:
    """A pipeline need not predict."""
    found = columns(
        stages(TOKENIZER, ("org.apache.spark.ml.feature.HashingTF", {"inputCol": "words", "outputCol": "tf"}), IDF)
    )
    assert ([each.name for each in found.outputs], found.prediction) == (["features"], "features")


@pytest.mark.parametrize(
    ("kind", "type_"),
    [("clustering.KMeansModel", "integer"), ("regression.LinearRegressionModel", "double")],
)
def test_predictions_have_their_class_s_type(kind: str, type_: str) -> None:
    """Clusters are counted, regressions measured."""
    model = (f"{ML}.{kind}", {"featuresCol": "f", "predictionCol": "p"})
    (found,) = columns(stages(model)).outputs
    assert (found.name, found.type) == ("p", type_)


def test_stages_that_say_nothing_leave_types_open() -> None:
    """SQL may do anything with a column."""
    unknown = (f"{ML}.feature.FeatureHasher", {"inputCols": ["a"], "outputCol": "features"})
    (found,) = columns(stages(unknown, LOGISTIC)).inputs
    assert (found.name, found.type) == ("a", None)


def test_no_stages_have_no_columns() -> None:
    """Nothing is made up."""
    found = columns([])
    assert (found.inputs, found.outputs, found.prediction) == ((), (), None)


def test_descriptor_chooses_outputs() -> None:
    """In its order; else they are the stages'."""
    found = columns(stages(*TEXTS, LABELS))
    assert wanted_outputs(found, ["sentiment", "probability"]) == ["sentiment", "probability"]
    assert wanted_outputs(found, []) == ["prediction", "probability", "sentiment"]


def test_stages_that_skip_rows_are_known() -> None:
    """Such a row would have no result."""
    skips = (f"{ML}.feature.StringIndexerModel", {"inputCol": "a", "handleInvalid": "skip"})
    keeps = (f"{ML}.feature.StringIndexerModel", {"inputCol": "a", "handleInvalid": "keep"})
    assert [drops_rows(each) for each in stages(skips, keeps)] == [True, False]
