"""Pipelines in Spark: loaded from folders, compiled to a function of a row or, where that cannot be, run as jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from py4j.protocol import Py4JJavaError
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import DataFrame, functions

from jobs.spark_job import java_errors, words
from jobs.spark_job.compiled import Compiled, base, refusal
from jobs.spark_job.prompt import let_go
from penstock.errors import EngineLostError, ModelLoadError, ScoringError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

__all__ = ["Answer", "Call", "Engine", "Pipeline", "said", "word"]

Answer = tuple[Any, ...]
"""The outputs of one row, in the order of the pipeline's outputs."""
_ROW = "penstock_row"
_DETAIL_CHARACTERS = 300
_ENCODER = msgspec.json.Encoder()


class Call(Protocol):
    """A way to have rows scored."""

    def many(self, columns: Sequence[Sequence[Any]], size: int) -> Sequence[Answer | ScoringError]:
        """Score so many rows, given column by column; an answer or an error for each."""
        ...

    def close(self) -> None:
        """Let go of Java's side."""
        ...


class Pipeline:
    """A pipeline that is ready to score."""

    def __init__(self, call: Call, outputs: Mapping[str, str], not_row_wise: str | None) -> None:
        self.call = call
        self.outputs = outputs
        """Names and types, in a descriptor's words."""
        self.not_row_wise = not_row_wise
        """What in its plan needs more than one row; None: nothing, it is compiled."""


class Engine:
    """Loads pipelines in a session, from several threads at once."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session

    def load(
        self, folder: Path, ref: str, inputs: Mapping[str, str], outputs: Sequence[str], vectors: frozenset[str]
    ) -> Pipeline:
        """Load a pipeline from the folder that Spark ML wrote.

        Args:
            folder: where it is.
            ref: what it is called.
            inputs: columns and their types, in a descriptor's words.
            outputs: columns that a result has.
            vectors: inputs that are Spark ML's vectors.

        Raises `ModelLoadError`.
        """
        try:
            model = self._session._jvm.org.apache.spark.ml.PipelineModel.load(str(folder))  # noqa: SLF001 (pyspark's own door)
            frame = _transformed(self._session, model, _vectored(base(self._session, dict(inputs)), vectors))
            _refuse_missing(ref, outputs, frame)
            chosen = frame.select(*map(_column, outputs))
            why = refusal(chosen)
            if why is None:
                compiled = Compiled(ref, chosen)
                return Pipeline(compiled, dict(compiled.outputs), None)
            framed = _Framed(self._session, ref, model, dict(inputs), tuple(outputs), vectors)
            framed.refuse_unnumbered()
            return Pipeline(framed, {field.name: word(field.dataType) for field in chosen.schema.fields}, why)
        except ModelLoadError:
            raise
        except Exception as error:  # Java's, and pyspark's own for plans that cannot be
            raise ModelLoadError(ref, said(error)) from error


class _Framed:
    """A pipeline that needs more than one row at a time: each call is a job of Spark, some tenths of a second."""

    def __init__(
        self,
        session: SparkSession,
        ref: str,
        model: Any,
        inputs: Mapping[str, str],
        outputs: Sequence[str],
        vectors: frozenset[str],
    ) -> None:
        self._session = session
        self._ref = ref
        self._model = model
        self._outputs = outputs
        self._vectors = vectors
        self._names = tuple(inputs)
        self._schema = words.schema(inputs)

    def refuse_unnumbered(self) -> None:
        """Raise `ModelLoadError` where nobody could tell which row an answer belongs to."""
        if _ROW not in self._frame([]).columns:
            detail = "its plan mixes rows, and none of its answers says whose it is; score it without grouping rows"
            raise ModelLoadError(self._ref, detail)

    def many(self, columns: Sequence[Sequence[Any]], size: int) -> list[Answer | ScoringError]:
        """Score rows in one job. What fails for one of them fails the job, which is then repeated with halves.

        Raises `EngineLostError` where halves would fail like the whole: no row is to blame.
        """
        return self._halved(list(zip(*columns, strict=True)) if columns else [()] * size)

    def _halved(self, rows: list[tuple[Any, ...]]) -> list[Answer | ScoringError]:
        try:
            return self._score(rows)
        except Exception as error:  # Spark raises whatever a stage does
            why = java_errors.lost(self._session, error)
            if why is not None:
                raise EngineLostError(self._ref, why) from error
            if len(rows) == 1:
                return [ScoringError(self._ref, said(error))]
        middle = len(rows) // 2
        return self._halved(rows[:middle]) + self._halved(rows[middle:])

    def _score(self, rows: list[tuple[Any, ...]]) -> list[Answer | ScoringError]:
        frame = self._frame(rows)
        answers = frame.select(_ROW, *_plain(frame, self._outputs)).collect()
        found = {row[0]: tuple(row[1:]) for row in answers}
        dropped = ScoringError(self._ref, "a stage left the row out: its handleInvalid is 'skip', or it filters rows")
        return [found.get(number, dropped) for number in range(len(rows))]

    def _frame(self, rows: list[tuple[Any, ...]]) -> DataFrame:
        """Make a frame of one partition; of text, because for rows of Python Spark would start processes of Python."""
        lines = _ENCODER.encode_lines([dict(zip(self._names, row, strict=True)) for row in rows]).decode()
        whole = functions.split(functions.lit(lines.removesuffix("\n")), "\n")
        frame = self._session.range(0, 1, 1, 1).select(functions.posexplode(whole).alias(_ROW, "line"))
        frame = frame.select(_ROW, functions.from_json("line", self._schema).alias("row")).select(_ROW, "row.*")
        return _transformed(self._session, self._model, _vectored(frame, self._vectors))

    def close(self) -> None:
        """Let go of Java's side."""
        let_go(self._model)
        self._model = None


def word(type_: Any) -> str:
    """Return a column's type in a descriptor's words; a vector is an array of numbers."""
    text = str(type_.simpleString())
    return "double[]" if text == "vector" else words.word(text)


def said(error: Exception) -> str:
    """Return what is wrong in one line: with errors of Java the cause at the root of them."""
    if not isinstance(error, Py4JJavaError):
        return " ".join(java_errors.said(error).split())[:_DETAIL_CHARACTERS]
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return " ".join(f"{cause.getClass().getSimpleName()}: {cause.getMessage()}".split())[:_DETAIL_CHARACTERS]


def _vectored(frame: DataFrame, vectors: frozenset[str]) -> DataFrame:
    for name in sorted(vectors):
        frame = frame.withColumn(name, array_to_vector(_column(name)))
    return frame


def _transformed(session: SparkSession, model: Any, frame: DataFrame) -> DataFrame:
    return DataFrame(model.transform(frame._jdf), session)  # noqa: SLF001 (the door that pyspark.ml uses)


def _plain(frame: DataFrame, names: Sequence[str]) -> list[Any]:
    """Return columns in a form that Python has."""
    vectors = {field.name for field in frame.schema.fields if field.dataType.simpleString() == "vector"}
    return [vector_to_array(_column(name)).alias(name) if name in vectors else _column(name) for name in names]


def _column(name: str) -> Any:
    return functions.col(words.quoted(name))


def _refuse_missing(ref: str, outputs: Sequence[str], frame: DataFrame) -> None:
    missing = [name for name in outputs if name not in frame.columns]
    if missing:
        known = ", ".join(frame.columns)
        raise ModelLoadError(ref, f"its outputs are to be {', '.join(missing)}, which it has not; it has {known}")
