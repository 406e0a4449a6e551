"""Answers: from the tensors of a model server to the values of a result, row by row."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from penstock.remote.calls import CallError, CallKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobs.service_job.client import Prediction

__all__ = ["BEST_CLASS", "MODEL_VERSION", "Answer", "AnswerReader", "Output"]

Answer = tuple[Any, ...]
"""The outputs of one row, in the order of `AnswerReader.names`."""

BEST_CLASS = "class"
"""The output that Classify's classes and scores have besides: the class with the highest score."""
MODEL_VERSION = "model_version"
"""The output that tells which version answered, where the descriptor names a label."""


class Output(NamedTuple):
    """One output of a model."""

    name: str
    batched: bool
    """Whether its first size is that of the batch; else all rows get the whole of it."""


class AnswerReader:
    """Reads what a server answers. Pure, and safe to use from several threads."""

    def __init__(self, outputs: Sequence[Output], *, classified: bool = False, versioned: bool = False) -> None:
        """Prepare.

        Args:
            outputs: those that a result carries.
            classified: whether they are Classify's: then there is `BEST_CLASS`, too.
            versioned: whether `MODEL_VERSION` is one more.
        """
        self._outputs = tuple(outputs)
        self._classified = classified
        self._versioned = versioned
        self.names = (
            *((BEST_CLASS,) if classified else ()),
            *(output.name for output in outputs),
            *((MODEL_VERSION,) if versioned else ()),
        )

    def read(self, prediction: Prediction, rows: int) -> list[Answer]:
        """Return an answer for each of so many rows. Raises `CallError` where there is none for each."""
        found = prediction.outputs
        columns: list[Sequence[Any]] = [_best(found, rows)] if self._classified else []
        columns += [self._column(output, found, rows) for output in self._outputs]
        if self._versioned:
            columns.append([prediction.version] * rows)
        return list(zip(*columns, strict=True))

    def _column(self, output: Output, found: Mapping[str, Any], rows: int) -> Sequence[Any]:
        array = found.get(output.name)
        if array is None:
            raise _broken(f"it gave no output {output.name!r}; it gave {', '.join(sorted(found))}")
        if not output.batched:
            return [_value(array)] * rows
        if array.ndim == 0 or array.shape[0] != rows:
            raise _broken(f"its output {output.name!r} has the shape {array.shape}, expected {rows} rows")
        listed: list[Any] = _value(array)
        return listed


def _best(found: Mapping[str, Any], rows: int) -> list[Any]:
    """The class with the highest score; its place, where classes have no names. None: not all have a score."""
    scores, classes = found["scores"], found["classes"]
    if len(scores) != rows or not scores.size:
        raise _broken(f"it classified {len(scores)} examples, expected {rows}")
    places: list[int] = np.argmax(scores, axis=1).tolist()
    lacking: list[bool] = np.isnan(scores).any(axis=1).tolist()  # the first of these would be taken for the highest
    return [None if lacking[row] else _text(classes[row][at]) or at for row, at in enumerate(places)]


def _value(array: Any) -> Any:
    """An array as JSON has it."""
    listed = array.tolist()
    return _texts(listed) if array.dtype == object else listed


def _texts(listed: Any) -> Any:
    return [_texts(each) for each in listed] if isinstance(listed, list) else _text(listed)


def _text(found: bytes | str) -> Any:
    """Bytes as text, and as base 64 where they are none."""
    if isinstance(found, str):
        return found
    try:
        return found.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(found).decode()}


def _broken(detail: str) -> CallError:
    """No rows would do: the server says other than it said it would."""
    return CallError("INTERNAL", detail, CallKind.FATAL)
