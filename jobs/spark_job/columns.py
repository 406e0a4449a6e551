"""Columns of a pipeline: what goes in and what comes out, by what its stages say of themselves. Pure: no Spark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobs.spark_job.saved import Stage

__all__ = ["Column", "Columns", "columns", "drops_rows", "wanted_outputs"]

_VECTOR = "vector"
#: What stages take, by their class; those that are not here say nothing of it.
_TAKES = {
    **dict.fromkeys(("Tokenizer", "RegexTokenizer", "StringIndexerModel"), "string"),
    **dict.fromkeys(("HashingTF", "CountVectorizerModel", "StopWordsRemover", "NGram", "Word2VecModel"), "string[]"),
    **dict.fromkeys(("Binarizer", "Bucketizer", "OneHotEncoderModel", "ImputerModel", "VectorAssembler"), "double"),
    **dict.fromkeys(
        (
            *("IDFModel", "Normalizer", "StandardScalerModel", "MinMaxScalerModel", "MaxAbsScalerModel"),
            *("RobustScalerModel", "PCAModel", "PolynomialExpansion", "DCT", "ElementwiseProduct"),
            *("ChiSqSelectorModel", "UnivariateFeatureSelectorModel", "VarianceThresholdSelectorModel"),
            *("VectorIndexerModel", "VectorSlicer", "MinHashLSHModel", "BucketedRandomProjectionLSHModel"),
        ),
        _VECTOR,
    ),
    "ALSModel": "integer",
}
#: What stages of features give.
_GIVES = {
    **dict.fromkeys(("Tokenizer", "RegexTokenizer", "StopWordsRemover", "NGram"), "string[]"),
    **dict.fromkeys(("Binarizer", "Bucketizer", "StringIndexerModel", "ImputerModel"), "double"),
    "IndexToString": "string",
}
#: Parts of Spark ML whose models predict, and what their prediction is where their class does not say otherwise.
_PREDICTS = {"classification": "double", "regression": "double", "clustering": "integer", "recommendation": "float"}
_PREDICTIONS = {
    "IsotonicRegressionModel": "double",
    "LDAModel": None,
    "DistributedLDAModel": None,
    "LocalLDAModel": None,
}
_FEATURES = "featuresCol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    name: str
    type: str | None
    """In a descriptor's words, an array for a vector; None: the stages do not say."""
    vector: bool = False
    """Whether Spark ML has it as a vector of its own."""
    feature: str | None = None
    """Output: what it tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What a pipeline takes and gives."""

    inputs: tuple[Column, ...]
    """What the first stages take and none makes."""
    outputs: tuple[Column, ...]
    """What the model predicts and what is made of that; of a pipeline without one, what its last stage makes."""
    prediction: str | None
    """The output that is the prediction; None: there is no output."""


def columns(stages: Sequence[Stage]) -> Columns:
    """Return the columns of a pipeline."""
    inputs: dict[str, Column] = {}
    made: set[str] = set()
    for stage in stages:
        for column in _taken(stage):
            if column.name not in made:
                known = inputs.setdefault(column.name, column)
                if known.type is None:
                    inputs[column.name] = column
        made |= {column.name for column in _given(stage)}
    outputs = _outputs(stages)
    return Columns(inputs=tuple(inputs.values()), outputs=tuple(outputs.values()), prediction=_prediction(outputs))


def drops_rows(stage: Stage) -> bool:
    """Tell whether a stage leaves out rows that it cannot take."""
    return stage.params.get("handleInvalid") == "skip" and stage.part == "feature"


def wanted_outputs(found: Columns, described: Sequence[str]) -> list[str]:
    """Return the names of the columns that a result has: those of the descriptor, else those of the stages."""
    return list(described) or [column.name for column in found.outputs]


def _taken(stage: Stage) -> Iterator[Column]:
    params = stage.params
    type_ = _TAKES.get(stage.kind)
    names = [params.get("inputCol"), *(params.get("inputCols") or ())]
    if stage.part in _PREDICTS:
        names.append(params.get(_FEATURES))
        type_ = type_ or _VECTOR
    if stage.kind == "ALSModel":
        names += [params.get("userCol"), params.get("itemCol")]
    for name in filter(None, names):
        vector = type_ == _VECTOR
        yield Column(name=name, type="double[]" if vector else type_, vector=vector)


def _given(stage: Stage) -> Iterator[Column]:
    """All that a stage makes; of predictions with what they tell."""
    params = stage.params
    if stage.part in _PREDICTS:
        yield from _predicted(stage)
        for key in ("rawPredictionCol", "leafCol", "quantilesCol", "topicDistributionCol"):
            if params.get(key):
                yield Column(name=params[key], type="double[]")
        return
    vector = stage.kind not in _GIVES
    type_ = _GIVES.get(stage.kind) or (
        "double[]" if stage.part == "feature" and stage.kind != "SQLTransformer" else None
    )
    for name in filter(None, [params.get("outputCol"), *(params.get("outputCols") or ())]):
        yield Column(name=name, type=type_, vector=vector)


def _predicted(stage: Stage) -> Iterator[Column]:
    params = stage.params
    type_ = _PREDICTIONS.get(stage.kind, _PREDICTS[stage.part])
    if params.get("predictionCol") and type_ is not None:
        yield Column(name=params["predictionCol"], type=type_, feature="prediction")
    if params.get("probabilityCol"):
        yield Column(name=params["probabilityCol"], type="double[]", vector=True, feature="probability")
    if stage.kind.endswith("LDAModel") and params.get("topicDistributionCol"):
        yield Column(name=params["topicDistributionCol"], type="double[]", vector=True, feature="probability")


def _outputs(stages: Sequence[Stage]) -> dict[str, Column]:
    places = [place for place, stage in enumerate(stages) if stage.part in _PREDICTS]
    if not places:
        return {column.name: column for column in _given(stages[-1])} if stages else {}
    found = {column.name: column for column in _predicted(stages[places[-1]])}
    for stage in stages[places[-1] + 1 :]:
        for column in _given(stage):
            label = stage.kind == "IndexToString" and stage.params.get("inputCol") in found
            found[column.name] = _labelled(column) if label else column
    return found


def _labelled(column: Column) -> Column:
    return Column(name=column.name, type=column.type, feature="label")


def _prediction(outputs: dict[str, Column]) -> str | None:
    """A prediction's label before its number; else whatever comes first."""
    by_feature: dict[Any, str] = {}
    for column in outputs.values():
        by_feature.setdefault(column.feature, column.name)
    return by_feature.get("label") or by_feature.get("prediction") or next(iter(outputs), None)
