"""How the Spark job comes by a model: its zip unpacked, loaded by Spark, compared with its descriptor, tried."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from jobs.spark_job import saved
from jobs.spark_job.columns import columns, wanted_outputs
from jobs.spark_job.served import ServedPipeline, Terms
from penstock.errors import ModelLoadError, RecordError
from penstock.event import JSON
from penstock.logs import get_logger
from penstock.models.descriptor import FieldDescriptor
from penstock.models.pack import unpacked
from penstock.serving.fields import reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jobs.spark_job.columns import Columns
    from penstock.models.descriptor import ModelDescriptor

__all__ = ["Pipelines", "SparkLoader"]

_log = get_logger(__name__)
FORMAT = "spark-ml"
# Few enough for the first of them to be written soon, and so many that no call is wasted.
_BATCH_ROWS = 2_000
# Rows of the first calls: enough for Java to compile its loops over them, so that no real batch is the slow one.
_WARM_UP_ROWS = 256
_WARM_UP_CALLS = 4
# Of Java's heap, in sizes of what is unpacked: an estimate from above, as nothing tells what one model takes.
_HEAP_PER_BYTE = 4
_LEAST_BYTES = 1 << 20


class Pipelines(Protocol):
    """What loading needs of Spark: `jobs.spark_job.engine.Engine`, or what stands in for it."""

    def load(
        self, folder: Path, ref: str, inputs: Mapping[str, str], outputs: Sequence[str], vectors: frozenset[str]
    ) -> Any:
        """Load a pipeline. Raises `ModelLoadError`."""
        ...


class SparkLoader:
    """Loads models for a worker's host, which calls it from threads of its own."""

    def __init__(
        self, engine: Pipelines, folder: Path, most_bytes: int, frame_rows: int, remark: Callable[[], str] = str
    ) -> None:
        """Load with an engine.

        Args:
            engine: Spark.
            folder: for what is unpacked.
            most_bytes: that a model's files may have together.
            frame_rows: most rows of a call to a pipeline that is not compiled.
            remark: says what else is to be told of the job's models.
        """
        self._engine = engine
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._most_bytes = most_bytes
        self._frame_rows = frame_rows
        self._remark = remark
        self._framed: weakref.WeakSet[ServedPipeline] = weakref.WeakSet()

    @property
    def batch_rows(self) -> int:
        """How many rows are worth being scored together: as many as a frame has, where a model needs those."""
        return self._frame_rows if any(not each.closed for each in self._framed.copy()) else _BATCH_ROWS

    def load(self, descriptor: ModelDescriptor, path: Path | None) -> ServedPipeline:
        """Load, check and warm up a model. Raises `ModelError`."""
        ref = str(descriptor.ref)
        if descriptor.format != FORMAT or path is None:
            raise ModelLoadError(ref, f"its format is {descriptor.format!r}, job spark scores {FORMAT!r}")
        try:
            pipeline = saved.read(path)
        except saved.SavedPipelineError as error:
            raise ModelLoadError(ref, str(error)) from error
        found = columns(pipeline.stages)
        inputs = _inputs(ref, descriptor, found)
        outputs = wanted_outputs(found, [field.name for field in descriptor.outputs])
        if not outputs:
            raise ModelLoadError(ref, "it has no output: list one in its descriptor ('outputs')")
        primary = _primary(ref, descriptor, found, outputs)
        vectors = frozenset(column.name for column in found.inputs if column.vector)
        place = Path(tempfile.mkdtemp(dir=self._folder))  # stays while it is served: some stages read it when they like
        given_up = partial(shutil.rmtree, place, ignore_errors=True)
        with ExitStack() as made:
            made.callback(given_up)
            folder = _root(unpacked(path, place / "pipeline", self._most_bytes))
            loaded = self._engine.load(folder, ref, {field.name: field.type for field in inputs}, outputs, vectors)
            made.callback(loaded.call.close)
            terms = Terms(
                primary=primary,
                size=max(_HEAP_PER_BYTE * _size(folder), _LEAST_BYTES),
                frame_rows=self._frame_rows,
                remark=self._remark,
                on_close=given_up,
            )
            served = ServedPipeline(ref, loaded, reader(ref, inputs).read, terms)
            _compare_outputs(ref, descriptor, loaded.outputs)
            _try(served, descriptor.sample)
            made.pop_all()  # nothing went wrong: from now on it is the model's to give up
        if loaded.not_row_wise is not None:
            self._framed.add(served)
            _log.warning("pipeline is not row-wise, it is scored in frames", model=ref, because=loaded.not_row_wise)
        return served


def _inputs(ref: str, descriptor: ModelDescriptor, found: Columns) -> tuple[FieldDescriptor, ...]:
    """Return the fields of a request: the descriptor's, which must be those of the stages as far as they say."""
    known = {column.name: column.type for column in found.inputs}
    if not descriptor.inputs:
        unknown = [name for name, type_ in known.items() if type_ is None]
        if unknown or not known:
            detail = f"its stages do not say the types of its inputs ({', '.join(unknown) or 'nor their names'})"
            raise ModelLoadError(ref, f"{detail}: list them in its descriptor ('inputs')")
        return tuple(FieldDescriptor(name=name, type=str(type_)) for name, type_ in known.items())
    missing = known.keys() - {field.name for field in descriptor.inputs}
    if missing:
        described = ", ".join(field.name for field in descriptor.inputs)
        raise ModelLoadError(
            ref, f"its descriptor has inputs {described}, its stages take {', '.join(sorted(missing))} too"
        )
    return descriptor.inputs


def _compare_outputs(ref: str, descriptor: ModelDescriptor, outputs: Mapping[str, str]) -> None:
    described = {field.name: field.type for field in descriptor.outputs}
    wrong = {name: type_ for name, type_ in described.items() if outputs.get(name) != type_}
    if wrong:
        found = {name: outputs.get(name) for name in wrong}
        raise ModelLoadError(ref, f"its descriptor has outputs {wrong}, its pipeline {found}")


def _primary(ref: str, descriptor: ModelDescriptor, found: Columns, outputs: Sequence[str]) -> int:
    usual = found.prediction if found.prediction in outputs else None
    wanted = descriptor.prediction or usual or outputs[0]
    if wanted not in outputs:
        raise ModelLoadError(ref, f"its prediction is to be output {wanted!r}; its outputs: {', '.join(outputs)}")
    return list(outputs).index(wanted)


def _root(folder: Path) -> Path:
    """Return where in what was unpacked the pipeline is."""
    return folder / saved.root(each.relative_to(folder).as_posix() for each in folder.glob("**/metadata/part-*"))


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _try(served: ServedPipeline, sample: object) -> None:
    if sample is None:
        return
    try:
        request = served.read(msgspec.json.encode(sample), JSON)
        for _ in range(_WARM_UP_CALLS if served.row_wise else 1):
            answers = served.score([request] * (_WARM_UP_ROWS if served.row_wise else 1))
        served.result(request, answers[0], "", 0)
    except RecordError as error:
        raise ModelLoadError(served.ref, f"its descriptor's sample cannot be scored: {error}") from error
