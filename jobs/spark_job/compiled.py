"""A pipeline as a function of rows: planned by Spark once, called without a job for each batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.spark_job import packing, words
from jobs.spark_job.java_errors import JAVA_ERRORS, said
from jobs.spark_job.prompt import let_go
from penstock.errors import ModelLoadError, ScoringError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

__all__ = ["Compiled", "base", "refusal"]


def base(session: SparkSession, types: Mapping[str, str]) -> DataFrame:
    """Return a frame of such columns, which a pipeline's transform is planned over.

    It is made of an RDD, because over rows that the planner knows it would compute the pipeline instead of planning it.
    """
    return session.createDataFrame(session.sparkContext.emptyRDD(), words.schema(types))


def refusal(frame: DataFrame) -> str | None:
    """Return which node of a frame's plan keeps it from being row-wise, as in ``Filter``; None where it is row-wise."""
    found: str = _java(frame).refusal(frame._jdf)  # noqa: SLF001 pyspark has no public name for it
    return found or None


def _java(frame: DataFrame) -> Any:
    jvm: Any = frame.sparkSession._jvm  # noqa: SLF001 pyspark has no public name for it
    return jvm.io.penstock.spark.Compiled


class Compiled:
    """A frame's plan as a function of rows; used by one thread at a time."""

    def __init__(self, ref: str, frame: DataFrame) -> None:
        """Compile it; Spark generates code for it and Java compiles that, which takes about a second.

        Args:
            ref: the model's, for what is said about it.
            frame: a pipeline's transform of `base`, with nothing but the outputs selected.

        Raises `ModelLoadError` where the plan is not row-wise, or a column has a type that no result can hold.
        """
        self._ref = ref
        try:
            self._java = _java(frame).of(frame._jdf)  # noqa: SLF001 as above
        except JAVA_ERRORS as error:
            raise ModelLoadError(ref, f"Spark cannot compile it: {said(error)}") from error
        self.inputs = _columns(self._java.inputs())
        """Columns that it takes, in their order: names, and words of their types."""
        self.outputs = _columns(self._java.outputs())
        """Columns that it answers, in the same form; a vector is ``double[]``."""
        self._input_types = list(self.inputs.values())
        self._output_types = list(self.outputs.values())

    def many(self, columns: Sequence[Sequence[Any]], size: int) -> list[tuple[Any, ...] | ScoringError]:
        """Score rows, given as columns in the order of `inputs`, in one call: the answers in the order of `outputs`.

        A row on which the pipeline fails has the error in its place.
        """
        packed = self._java.many(packing.rows(self._input_types, columns, size))
        answers, faults = packing.read_answers(packed, self._output_types, size)
        found: list[tuple[Any, ...] | ScoringError] = list(answers)
        for row, reason in faults.items():
            found[row] = ScoringError(self._ref, reason)
        return found

    def close(self) -> None:
        """Let go of Java's side, which Java then clears away when it likes."""
        let_go(self._java)
        self._java = None


def _columns(lines: str) -> dict[str, str]:
    return {name: word for name, _, word in (line.rpartition("\t") for line in lines.splitlines())}
