"""A model as the job serves it: read requests, score rows, write results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

import msgspec

from jobs.pmml_job.heap import ADVICE, HeapError, is_of_the_heap
from jobs.pmml_job.inspection import compare
from jobs.pmml_job.requests import RequestReader
from penstock.errors import EngineLostError, ModelLoadError, RecordError, ScoringError
from penstock.event import JSON
from penstock.serving.results import ResultWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from jobs.pmml_job.engine import Engine, PmmlModel
    from jobs.pmml_job.mining_schema import Scalar
    from jobs.pmml_job.requests import Request, Row
    from penstock.models.descriptor import ModelDescriptor

__all__ = ["Answer", "ServedModel", "serve"]

Answer = tuple["Scalar | None", ...]
"""The outputs of one row, in the order of the model's output fields."""

# Of Java's heap, in sizes of its file: 2.4 for a forest of 200 KB, 2.8 for a tree of 6 KB; and what the smallest
# takes. An estimate from above, for nothing tells what one model takes while others are in the same heap.
_HEAP_PER_BYTE = 3
_LEAST_BYTES = 1 << 14
# Rows of the first call: enough for Java to compile the loop over them, so that no real batch is the slow one.
_WARM_UP_ROWS = 512


class ServedModel:
    """One version of one model, ready for requests. Made by `serve`; used by one thread at a time."""

    def __init__(self, ref: str, model: PmmlModel, primary: int, size: int) -> None:
        self.ref = ref
        self.bytes = max(_HEAP_PER_BYTE * size, _LEAST_BYTES)
        self.read = RequestReader(model.inputs).read
        results = ResultWriter(ref, [output.name for output in model.outputs], primary)
        self.headers, self.headers_size, self.result = results.headers, results.headers_size, results.write
        self._primary, self._sure = primary, model.sure
        self._call: Callable[[Sequence[Row]], Sequence[Answer]] = model.score
        self._known_good: Row | None = None

    def score(self, requests: Sequence[Request]) -> list[Answer | ScoringError]:
        """Answers in the order of the requests. One on which the model fails has the error in its place.

        Raises `EngineLostError` where Java's heap is full, whatever is scored.
        """
        answers = self._score([request.row for request in requests])
        return [self._checked(answer) for answer in answers] if self._sure else answers

    def warm_up(self, request: Request) -> Answer | ScoringError:
        """Answer a request, in so many rows that Java compiles the loop over them.

        Raises `HeapError` where Java's heap has no room for it.
        """
        failures = []
        for rows in ([request.row] * _WARM_UP_ROWS, [request.row]):  # one alone where many have no room, and to be told
            try:
                answer = self._call(rows)[0]
            except Exception as error:  # noqa: BLE001 (as in `_score`)
                failures.append(error)
            else:
                self._known_good = request.row
                return self._checked(answer)
        said = " ".join(str(failures[-1]).split())
        if is_of_the_heap(failures[-1]):
            raise HeapError(self.ref, f"Java's heap has no room to score its sample ({said}): {ADVICE}")
        return ScoringError(self.ref, said)

    def _checked(self, answer: Answer | ScoringError) -> Answer | ScoringError:
        if isinstance(answer, ScoringError) or None not in answer or answer[self._primary] is None:
            return answer
        if all(answer[at] is not None for at in self._sure):
            return answer
        return ScoringError(
            self.ref,
            "its classes have no probabilities, so that its label may be wrong: the scores of these values are too "
            "large for the engine's exponentials; train the model on scaled values",
        )

    def _score(self, rows: Sequence[Row]) -> list[Answer | ScoringError]:
        """One failing row makes the engine's whole call fail, so the call is repeated with halves until it is alone."""
        try:
            answers: list[Answer | ScoringError] = list(self._call(rows))
        except Exception as error:  # noqa: BLE001 (Java throws whatever the model's own expressions throw)
            if len(rows) == 1:
                return [self._fault(error)]
        else:
            self._known_good = rows[-1]
            return answers
        middle = len(rows) // 2
        return self._score(rows[:middle]) + self._score(rows[middle:])

    def _fault(self, error: Exception) -> ScoringError:
        """Tell a row for which Java's heap is too small from a heap that has no room for any.

        The first is refused: a restart would meet it again. Of the second no row is guilty, and a new Java machine may
        have room. Java lives on after this error; what shows it is a row that was scored before, as long as there is
        none the row at hand is blamed, so that nothing restarts for ever that never scored anything.
        """
        said = " ".join(str(error).split())
        if not is_of_the_heap(error):
            return ScoringError(self.ref, said)
        if self._known_good is not None:
            try:
                self._call([self._known_good])
            except Exception as further:
                if is_of_the_heap(further):
                    detail = f"Java's heap is full, a row that was scored before fails, too ({said}): {ADVICE}"
                    raise EngineLostError(self.ref, detail) from further
        return ScoringError(self.ref, f"Java's heap has no room to score this input ({said}): {ADVICE}")

    def close(self) -> None:
        """Let go of Java's side, which Java then clears away when it likes."""
        self._call = _closed


def _closed(_: Sequence[Row]) -> Never:
    msg = "the model was given up; nobody should hold it any more"
    raise AssertionError(msg)


def serve(descriptor: ModelDescriptor, path: Path, engine: Engine) -> ServedModel:
    """Load, check and warm up the model whose file is at ``path``.

    Raises `ModelError` with the reason why it cannot be served.
    """
    ref = str(descriptor.ref)
    model = engine(path, ref)
    compare(ref, "inputs", descriptor.inputs, {field.name: field.data_type for field in model.inputs})
    outputs = {output.name: output.data_type for output in model.outputs}
    compare(ref, "outputs", descriptor.outputs, outputs)
    if descriptor.prediction is not None and descriptor.prediction not in outputs:
        known = ", ".join(outputs)
        raise ModelLoadError(ref, f"its prediction is to be output {descriptor.prediction!r}; its outputs: {known}")
    primary = model.primary() if descriptor.prediction is None else list(outputs).index(descriptor.prediction)
    if primary is None:
        known = ", ".join(outputs)
        raise ModelLoadError(ref, f"none of its outputs is its prediction: set 'prediction' to one of {known}")
    served = ServedModel(ref, model, primary, path.stat().st_size)
    if descriptor.sample is not None:
        _warm_up(served, descriptor.sample)
    return served


def _warm_up(served: ServedModel, sample: object) -> None:
    try:
        request = served.read(msgspec.json.encode(sample), JSON)
        served.result(request, served.warm_up(request), "", 0)
    except RecordError as error:
        raise ModelLoadError(served.ref, f"its descriptor's sample cannot be scored: {error}") from error
