"""PMML models in the Java virtual machine: loaded from files, called once for a whole batch of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import jpype

from jobs.pmml_job import jvm
from jobs.pmml_job.heap import ADVICE, HeapError
from jobs.pmml_job.mending import mend
from jobs.pmml_job.metadata import IDENTIFIERS, PRIMARY
from jobs.pmml_job.mining_schema import parse_inputs
from jobs.pmml_job.pmml4s import MatrixCall, RecordsCall
from jobs.pmml_job.singles import Singles, numbers
from penstock.errors import ModelLoadError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jobs.pmml_job.mining_schema import InputField, Scalar
    from jobs.pmml_job.requests import Row

__all__ = ["Engine", "OutputField", "PmmlModel", "start"]

_DETAIL_CHARACTERS = 300
#: Kinds that compute probabilities for every label; they are missing only where an exponential was too large for Java.
_SURE = frozenset({"NeuralNetwork", "RegressionModel"})


@dataclass(frozen=True, slots=True)
class OutputField:
    """One output of a model, with its PMML data type and what PMML calls its feature."""

    name: str
    data_type: str
    feature: str


class _Call(Protocol):
    """A way to have the engine score rows: one tuple of outputs for each row, None for an output that is missing."""

    def __call__(self, rows: Sequence[Row]) -> list[tuple[Scalar | None, ...]]:
        """Score the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PmmlModel:
    """A model that is ready to score."""

    inputs: tuple[InputField, ...]
    outputs: tuple[OutputField, ...]
    score: _Call
    """Takes checked rows, at least one. Raises whatever Java raises: then no row of the call was scored."""
    sure: tuple[int, ...] = ()
    """Outputs without which a prediction is wrong: the engine takes the label of a probability that is no number."""

    def primary(self) -> int | None:
        """The index of the output that is the prediction; None where none can be told to be."""
        features = [output.feature for output in self.outputs]
        return next((features.index(feature) for feature in PRIMARY if feature in features), None)


class Engine(Protocol):
    """What serving needs of an engine: a function that loads a model's file, for a model called ``ref``."""

    def __call__(self, path: Path, ref: str) -> PmmlModel:
        """Raise `ModelLoadError` where the file is no model."""


def start(heap_mb: int) -> Engine:
    """Start the Java machine of this process, if it does not run yet, with at most ``heap_mb`` MiB of heap.

    Raises `PrerequisiteError` where there is no Java.
    """
    jvm.start(jvm.java_options(heap_mb))
    return _load


def _load(path: Path, ref: str) -> PmmlModel:
    """Load a model from its PMML file; other threads of this process go on meanwhile.

    Raises `ModelLoadError` where the engine or our own reading of the file refuses it, or Java's heap is too small.
    """
    data = path.read_bytes()
    inputs = parse_inputs(data, ref, whole=False)
    try:
        # Java reads the file by itself: to hand it the bytes would hold up all of Python for as long as that takes.
        java_model = jpype.JClass("org.pmml4s.model.Model").fromFile(str(path))
        mend(java_model)
        outputs = _outputs(java_model)
        names = tuple(str(name) for name in java_model.inputNames())
    except jpype.JClass("java.lang.OutOfMemoryError") as error:
        raise HeapError(ref, f"Java's heap has no room for it: {ADVICE}") from error
    except jpype.JException as error:
        parse_inputs(data, ref)  # knows more than the engine of what is no XML
        raise ModelLoadError(ref, _detail(error)) from error
    if names != tuple(field.name for field in inputs):
        raise ModelLoadError(ref, f"its mining schema has {[field.name for field in inputs]}, the engine {list(names)}")
    if not outputs:
        raise ModelLoadError(ref, "it has no output field, so there is nothing to predict")
    call = MatrixCall if MatrixCall.fits(inputs, outputs) else RecordsCall
    singles = Singles(numbers(data) if any(field.data_type == "float" for field in inputs) else ())
    sure = [at for at, output in enumerate(outputs) if output.feature == "probability"]
    return PmmlModel(
        inputs=inputs,
        outputs=_called(outputs),
        score=call(java_model, inputs, outputs, singles),
        sure=tuple(sure) if str(java_model.modelElement()) in _SURE else (),
    )


def _outputs(java_model: Any) -> tuple[OutputField, ...]:
    """Return the outputs that the file names, and the engine's own where none of these is the prediction."""
    named = _named(java_model)
    found = {output.feature for output in named}
    if found.intersection(PRIMARY) - IDENTIFIERS or not len(java_model.targetNames()):
        return named
    java_model.setSupplementOutput(True)
    return _named(java_model)


def _called(outputs: tuple[OutputField, ...]) -> tuple[OutputField, ...]:
    """Call the prediction of a target that has no name just that: sklearn2pmml writes the name None, as Python does."""
    if any(output.name == "prediction" for output in outputs):
        return outputs
    return tuple(
        replace(output, name="prediction") if output.name == "predicted_None" else output for output in outputs
    )


def _named(java_model: Any) -> tuple[OutputField, ...]:
    fields = java_model.outputFields()
    return tuple(OutputField(str(field.name()), str(field.dataType()), str(field.feature())) for field in fields)


def _detail(error: jpype.JException) -> str:
    text = " ".join(f"{type(error).__name__}: {error.getMessage()}".split())
    return text[:_DETAIL_CHARACTERS]
