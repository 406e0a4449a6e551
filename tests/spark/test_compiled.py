"""Compiled pipelines: what they answer is what Spark answers, and one bad row costs itself only."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

import pytest

from jobs.spark_job.compiled import Compiled, base, refusal
from penstock.errors import ModelLoadError, ScoringError
from penstock.local.waiting import wait_until
from tests.patience import SOON_S
from tests.spark.conftest import sentences

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, SparkSession

OUTPUTS = ("prediction", "probability", "rawPrediction")
#: A column of each type, with what is odd about it.
VALUES: dict[str, list[Any]] = {
    "string": ["", "ä\n\t\x1f€😀", None],
    "double": [1.5, math.inf, None],
    "float": [0.5, -math.inf, None],
    "integer": [-(2**31), 2**31 - 1, None],
    "long": [-(2**63), 2**63 - 1, None],
    "boolean": [True, False, None],
    "double[]": [[], [1.0, 2.5], None],
    "string[]": [["a", None, "ä"], [], None],
    "long[]": [[1, None], [2**40], None],
    "boolean[]": [[True], [False, None], None],
    "integer[][]": [[[1], [], None], [], None],
}


@pytest.fixture
def sentiment_frame(spark: SparkSession, sentiment: PipelineModel) -> DataFrame:
    """The pipeline's plan."""
    return sentiment.transform(base(spark, {"text": "string"})).select(*OUTPUTS)


@pytest.fixture
def indexer(spark: SparkSession) -> Callable[[str], DataFrame]:
    """Plan a pipeline that numbers the labels a and b, and does something with those that it does not know."""
    from pyspark.ml.feature import StringIndexer

    def make(handling: str) -> DataFrame:
        indexer = StringIndexer(inputCol="label", outputCol="number", handleInvalid=handling)
        model = indexer.fit(spark.createDataFrame([("a",), ("a",), ("b",)], ["label"]))
        return model.transform(base(spark, {"label": "string"})).select("number")

    return make


def test_answers_are_those_of_the_pipeline(
    spark: SparkSession, sentiment: PipelineModel, sentiment_frame: DataFrame
) -> None:
    """Bit for bit, for sentences that it was not trained on."""
    texts = [text for text, _ in sentences(298, 2)] + ["", "hello world"]
    frame = sentiment.transform(spark.createDataFrame([(text,) for text in texts], ["text"])).select(*OUTPUTS)
    expected = [(row[0], list(row[1]), list(row[2])) for row in frame.collect()]

    compiled = Compiled("sentiment:1", sentiment_frame)

    assert compiled.inputs == {"text": "string"}
    assert compiled.outputs == {"prediction": "double", "probability": "double[]", "rawPrediction": "double[]"}
    assert compiled.many([texts], len(texts)) == expected


def test_row_that_fails_costs_itself_only(indexer: Callable[[str], DataFrame]) -> None:
    """The reason is the pipeline's own, without the names of Spark's generated classes."""
    answers = Compiled("labels:1", indexer("error")).many([["a", "zz", "b"]], 3)

    assert answers[0] == (0.0,)
    assert answers[2] == (1.0,)
    assert isinstance(answers[1], ScoringError)
    assert "Unseen label: zz" in str(answers[1])
    assert "Lambda" not in str(answers[1])


def test_null_that_the_pipeline_cannot_take_costs_its_row_only(sentiment_frame: DataFrame) -> None:
    """Whatever the pipeline's own code throws."""
    answers = Compiled("sentiment:1", sentiment_frame).many([["good", None, "good"]], 3)

    assert isinstance(answers[1], ScoringError)
    assert answers[0] == answers[2]
    assert not isinstance(answers[0], ScoringError)


@pytest.mark.parametrize("type_", VALUES)
def test_values_of_every_type_pass_both_ways(spark: SparkSession, type_: str) -> None:
    """They come back as they were given, nulls in arrays too."""
    values = VALUES[type_]
    compiled = Compiled("same:1", base(spark, {"a b": type_, "more": "double"}).selectExpr("`a b`", "more + 1 AS more"))

    assert compiled.outputs == {"a b": type_, "more": "double"}
    assert compiled.many([values, [1.0, None, 2.0]], 3) == list(zip(values, [2.0, None, 3.0], strict=True))


def test_numbers_that_are_none_pass(spark: SparkSession) -> None:
    """Spark has them, and what a result makes of them is for others to say."""
    ((number,),) = Compiled("same:1", base(spark, {"x": "double"})).many([[math.nan]], 1)  # type: ignore[misc]  # no error

    assert math.isnan(number)


def test_narrow_numbers_and_vectors_become_what_results_have(spark: SparkSession) -> None:
    """Vectors of both forms are arrays, all of them."""
    from pyspark.ml.feature import VectorAssembler

    frame = base(spark, {"a": "double", "b": "double"}).selectExpr("*", "CAST(a AS short) AS s", "CAST(b AS byte) AS t")
    frame = VectorAssembler(inputCols=["a", "b"], outputCol="v").transform(frame).select("v", "s", "t")
    compiled = Compiled("vectors:1", frame)

    assert compiled.outputs == {"v": "double[]", "s": "integer", "t": "integer"}
    assert compiled.many([[0.0, 3.0], [0.0, 4.0]], 2) == [([0.0, 0.0], 0, 0), ([3.0, 4.0], 3, 4)]


def test_no_rows_are_no_answers(sentiment_frame: DataFrame) -> None:
    """An empty batch is one."""
    assert Compiled("sentiment:1", sentiment_frame).many([[]], 0) == []


def test_chance_is_ready_before_the_first_row(spark: SparkSession) -> None:
    """Spark asks for that where it runs plans itself."""
    ((number,),) = Compiled("dice:1", base(spark, {"x": "double"}).selectExpr("rand(1) + x")).many([[1.0]], 1)  # type: ignore[misc]  # no error

    assert 1 <= number < 2


@pytest.mark.parametrize(
    ("make", "node"),
    [
        (lambda frame: frame.where("x > 1"), "Filter"),
        (lambda frame: frame.groupBy("x").count(), "Aggregate"),
        (lambda frame: frame.selectExpr("explode(array(x, x)) AS x"), "Generate"),
        (lambda frame: frame.orderBy("x"), "Sort"),
        (lambda frame: frame.limit(1), "GlobalLimit"),
        (lambda frame: frame.selectExpr("sum(x) OVER (PARTITION BY x) AS y"), "Window"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_plan_that_is_not_row_wise_is_refused_by_its_node(
    spark: SparkSession, make: Callable[[DataFrame], DataFrame], node: str
) -> None:
    """It would lose rows, or needs several of them."""
    frame = make(base(spark, {"x": "double"}))

    assert refusal(frame) == node
    with pytest.raises(ModelLoadError, match=f"not row-wise: {node}"):
        Compiled("m:1", frame)


def test_pipeline_that_drops_rows_is_refused(indexer: Callable[[str], DataFrame]) -> None:
    """An event without an answer would be lost."""
    assert refusal(indexer("skip")) == "Filter"
    assert refusal(indexer("keep")) is None


def test_output_that_no_result_can_hold_is_refused_by_name(spark: SparkSession) -> None:
    """The message says what to do."""
    frame = base(spark, {"x": "double"}).selectExpr("struct(x) AS pair")

    with pytest.raises(ModelLoadError, match=r"column 'pair' is of type struct<x:double>.* cast it in the pipeline"):
        Compiled("m:1", frame)


def test_two_outputs_of_one_name_are_refused(spark: SparkSession) -> None:
    """A result has each name once."""
    with pytest.raises(ModelLoadError, match="two columns 'x': give one of them another name"):
        Compiled("m:1", base(spark, {"x": "double"}).selectExpr("x", "x + 1 AS x"))


def test_several_of_one_plan_do_not_disturb_each_other(sentiment_frame: DataFrame) -> None:
    """Each has its own state, and a lock for those who come at once."""
    texts = [text for text, _ in sentences(200, 3)]
    models = [Compiled("sentiment:1", sentiment_frame) for _ in range(2)]
    expected = models[0].many([texts], len(texts))
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda m=m: found.extend(m.many([texts], 200) for _ in range(5))) for m in models * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [expected] * 20


def test_models_that_are_given_up_take_no_memory(spark: SparkSession, sentiment: PipelineModel) -> None:
    """A hundred of them, one after the other. A thread of py4j's tells Java what is given up, when it gets to that."""
    _use(spark, sentiment, 20)
    before = _heap(spark)
    _use(spark, sentiment, 80)

    assert wait_until(lambda: _heap(spark) - before < 8 << 20, SOON_S, 0.5), _heap(spark) - before


def _use(spark: SparkSession, sentiment: PipelineModel, count: int) -> None:
    """Compile, use and give up so many."""
    for _ in range(count):
        compiled = Compiled("s:1", sentiment.transform(base(spark, {"text": "string"})).select(*OUTPUTS))
        compiled.many([["good"]], 1)
        compiled.close()


def _heap(spark: SparkSession) -> int:
    """Return what Java's heap holds, in bytes."""
    import gc

    gc.collect()  # Java keeps what Python's side still has
    jvm = spark._jvm
    assert jvm is not None
    runtime = jvm.java.lang.Runtime.getRuntime()
    used = []
    for _ in range(4):
        jvm.java.lang.System.gc()
        used.append(runtime.totalMemory() - runtime.freeMemory())
    least: int = min(used)
    return least
