"""Zips as of saved pipelines, made by hand: what Spark writes of the stages, without what they have learned."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ML = "org.apache.spark.ml"
PIPELINE = f"{ML}.PipelineModel"
Stage = tuple[str, dict[str, Any]]

TOKENIZER: Stage = (f"{ML}.feature.Tokenizer", {"inputCol": "text", "outputCol": "words"})
HASHING: Stage = (f"{ML}.feature.HashingTF", {"inputCol": "words", "outputCol": "tf"})
IDF: Stage = (f"{ML}.feature.IDFModel", {"inputCol": "tf", "outputCol": "features"})
LOGISTIC: Stage = (
    f"{ML}.classification.LogisticRegressionModel",
    {
        "featuresCol": "features",
        "labelCol": "label",
        "predictionCol": "prediction",
        "probabilityCol": "probability",
        "rawPredictionCol": "rawPrediction",
    },
)
LABELS: Stage = (f"{ML}.feature.IndexToString", {"inputCol": "prediction", "outputCol": "sentiment", "labels": ["a"]})
ASSEMBLER: Stage = (f"{ML}.feature.VectorAssembler", {"inputCols": ["a", "b"], "outputCol": "features"})
TEXTS = (TOKENIZER, HASHING, IDF, LOGISTIC)


def metadata(name: str, uid: str, defaults: dict[str, Any] | None = None, **params: Any) -> str:
    """What stands in a stage's ``metadata/part-00000``."""
    tree = {"class": name, "timestamp": 1, "sparkVersion": "4.2.0", "uid": uid, "paramMap": params}
    return json.dumps({**tree, "defaultParamMap": defaults or {}})


def uid_of(number: int, stage: Stage) -> str:
    """The uid that `saved` gives to a stage."""
    return f"{stage[0].rpartition('.')[2]}_{number}"


def files(stages: Sequence[Stage], at: str = "", **changes: str) -> dict[str, str]:
    """The files of a saved pipeline's folder, by their names; ``changes`` replace what stands in its own metadata."""
    uids = [uid_of(number, stage) for number, stage in enumerate(stages)]
    own = json.loads(metadata(PIPELINE, "PipelineModel_1", stageUids=uids)) | changes
    found = {f"{at}metadata/_SUCCESS": "", f"{at}metadata/part-00000-ab.txt": json.dumps(own)}
    width = len(str(len(stages)))
    for number, (name, params) in enumerate(stages):
        place = f"{at}stages/{number:0{width}d}_{uids[number]}/metadata/part-00000"
        found[place] = metadata(name, uids[number], {"outputCol": "unused"}, **params)
    return found


def saved(path: Path, stages: Sequence[Stage] = TEXTS, at: str = "", **changes: str) -> Path:
    """Write the zip of a pipeline with these stages."""
    return zipped(path, files(stages, at, **changes))


def zipped(path: Path, texts: dict[str, str]) -> Path:
    """Write a zip with these files."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return path
