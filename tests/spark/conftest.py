"""What the tests of compiled pipelines share: a session of Spark, and pipelines made on the spot."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests import sparks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.ml import PipelineModel
    from pyspark.sql import SparkSession

POSITIVE = ("great", "good", "wonderful", "lovely", "superb", "friendly")
NEGATIVE = ("bad", "awful", "terrible", "boring", "rude", "broken")
THINGS = ("phone", "film", "book", "hotel", "meal", "train", "concert", "game")
TEMPLATES = ("the {t} was {a}", "what a {a} {t}", "My {t} is {a} and {b}", "never had such a {a} {t}")


def sentences(count: int, seed: int) -> list[tuple[str, float]]:
    """Make sentences, every other one of them positive, with their labels."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        words = POSITIVE if number % 2 else NEGATIVE
        facts = {"t": chance.choice(THINGS), "a": chance.choice(words), "b": chance.choice(words)}
        found.append((chance.choice(TEMPLATES).format(**facts), float(number % 2)))
    return found


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One session for all tests."""
    with sparks.session(tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.fixture(scope="session")
def sentiment(spark: SparkSession) -> PipelineModel:
    """A pipeline that takes ``text`` and says whether it is positive: words, hashed, weighed, logistic regression."""
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import IDF, HashingTF, Tokenizer

    stages = [
        Tokenizer(inputCol="text", outputCol="words"),
        HashingTF(inputCol="words", outputCol="counts", numFeatures=1 << 12),
        IDF(inputCol="counts", outputCol="features"),
        LogisticRegression(maxIter=5),
    ]
    return Pipeline(stages=stages).fit(spark.createDataFrame(sentences(200, 1), ["text", "label"]))
