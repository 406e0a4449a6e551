"""Train the sample sentiment model with Spark, from `sentiment/sentences.csv`, and write it as a saved PipelineModel.

    python models/sentiment.py [--out FOLDER]

Words are hashed to 4,096 counts, weighted by how rare they are (TF-IDF), and a logistic regression decides. Golden
answers are Spark's own, for the demo's events and for texts that are a little strange. What Spark puts by chance into a
saved pipeline (identifiers, times, names of files) is made the same each time. What stays is the order of encodings in
the footers of its Parquet files, so that another run gives the same model and the same answers with another digest:
commit all of them together.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import IDF, HashingTF, IndexToString, Tokenizer
from pyspark.sql import SparkSession

from penstock.models.pack import packed

MODELS = Path(__file__).parent
FOLDER = MODELS / "sentiment"
TWEETS = MODELS.parent / "penstock" / "demo_events" / "tweets.jsonl"
LABELS = ("negative", "positive")
FEATURES = 4_096
#: What people may send as well: nothing, one word, other alphabets, much.
STRANGE = (
    "",
    " ",
    "hello",
    "GREAT",
    "great great great bad",
    "i love penstock it is great",
    "terrible day, the bus was slow",
    "a good film with a boring end",
    "\u00fcberrascht: kein schlechter film",
    "\u4f60\u597d \U0001f600",
    "tabs\tand\nlines",
    "good " * 500,
)
_SPARKS_NAME = re.compile(r"part-(\d{5})-[0-9a-f-]{36}-c\d{3}")
_UID = re.compile(r"(?<![A-Za-z])([A-Z][A-Za-z]+)_[0-9a-f]{12}(?![0-9a-f])")
_TIME = re.compile(r'("timestamp":)\d+')
_MADE = 1_700_000_000_000


def session() -> SparkSession:
    """Start Spark in this process, with threads of this machine as its workers."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[1]").appName("sentiment")
    options = {"spark.ui.enabled": "false", "spark.driver.memory": "512m", "spark.sql.shuffle.partitions": "1"}
    for name, value in options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def trained(spark: SparkSession, folder: Path = FOLDER) -> PipelineModel:
    """Return the pipeline that learnt from the sentences."""
    with (folder / "sentences.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], float(LABELS.index(row["sentiment"]))) for row in csv.DictReader(file)]
    stages = [
        Tokenizer(inputCol="text", outputCol="words"),
        HashingTF(inputCol="words", outputCol="counts", numFeatures=FEATURES),
        IDF(inputCol="counts", outputCol="features"),
        LogisticRegression(regParam=0.01, maxIter=100, predictionCol="index"),
        IndexToString(inputCol="index", outputCol="sentiment", labels=list(LABELS)),
    ]
    return Pipeline(stages=stages).fit(spark.createDataFrame(rows, "text string, label double").coalesce(1))


def answers(spark: SparkSession, pipeline: PipelineModel, texts: list[str]) -> list[dict[str, Any]]:
    """Return the pipeline's outputs for each text."""
    scored = pipeline.transform(spark.createDataFrame([(text,) for text in texts], "text string"))
    return [
        {"sentiment": row["sentiment"], "probability": [float(each) for each in row["probability"]]}
        for row in scored.select("sentiment", "probability").collect()
    ]


def archive(pipeline: PipelineModel) -> bytes:
    """Return the saved pipeline, packed, without what differs from run to run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pipeline")
        pipeline.write().save(str(path))
        steady(path)
        return packed(path)


def steady(folder: Path) -> None:
    """Give identifiers, times and files of a saved pipeline the same names and values each time."""
    for path in sorted(folder.rglob("*"), key=lambda each: len(each.parts), reverse=True):
        if path.name.startswith((".", "_")):  # check sums and marks of success, which Spark does not need
            path.unlink()
            continue
        if path.is_file() and path.parent.name == "metadata":
            text = _TIME.sub(rf"\g<1>{_MADE}", path.read_text(encoding="utf-8"))
            path.write_text(_UID.sub(_of_its_kind, text), encoding="utf-8")
        path.rename(path.with_name(_UID.sub(_of_its_kind, _SPARKS_NAME.sub(r"part-\1", path.name))))


def _of_its_kind(found: re.Match[str]) -> str:
    """An identifier that goes by the class alone: no class is in the pipeline twice."""
    return f"{found[1]}_{hashlib.sha256(found[1].encode()).hexdigest()[:12]}"


def descriptor(model: bytes) -> str:
    """The descriptor as YAML, in the order that a reader wants."""
    return yaml.safe_dump(
        {
            "name": "sentiment",
            "version": 1,
            "description": "Whether a short text is positive or negative: hashed words, TF-IDF, logistic regression",
            "job": "spark",
            "format": "spark-ml",
            "uri": "model.zip",
            "sha256": hashlib.sha256(model).hexdigest(),
            "inputs": [{"name": "text", "type": "string"}],
            "outputs": [
                {"name": "sentiment", "type": "string", "values": list(LABELS)},
                {"name": "probability", "type": "double[]"},
            ],
            "prediction": "sentiment",
            "sample": {"text": "What a great film!"},
        },
        sort_keys=False,
        width=120,
    )


def main() -> None:
    """Write the model, its descriptor and golden answers."""
    parser = argparse.ArgumentParser(description="Train the sample sentiment model with Spark.")
    parser.add_argument("--out", type=Path, default=FOLDER / "1", help="folder to write to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    tweets = [json.loads(line) for line in TWEETS.read_text(encoding="utf-8").splitlines()]
    texts = [tweet["text"] for tweet in tweets] + list(STRANGE)
    spark = session()
    pipeline = trained(spark)
    found = answers(spark, pipeline, texts)
    model = archive(pipeline)
    spark.stop()
    (out / "model.zip").write_bytes(model)
    (out / "descriptor.yaml").write_text(descriptor(model), encoding="utf-8")
    golden = ({"input": {"text": text}, "outputs": answer} for text, answer in zip(texts, found, strict=True))
    (out / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in golden), encoding="utf-8")
    right = sum(tweet["sentiment"] == answer["sentiment"] for tweet, answer in zip(tweets, found, strict=False))
    print(f"accuracy on the demo's {len(tweets)} events: {right / len(tweets):.3f}")


if __name__ == "__main__":
    main()
