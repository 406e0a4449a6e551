"""Results as jobs write them: the event as it came, the model's prediction and all of its outputs."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UnsetType

from penstock.errors import RecordError, ScoringError
from penstock.event import CONTENT_TYPE, MODEL, RESULT, added_size, pack_headers
from penstock.serving.values import are_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from penstock.serving.requests import Request

__all__ = ["ResultWriter"]


class _Result(msgspec.Struct, gc=False):
    input: msgspec.Raw | UnsetType
    prediction: Any
    outputs: Any
    scored_at: str
    latency_ms: int


class ResultWriter:
    """Writes results of one version of one model. Pure, and safe to use from several threads."""

    headers: str
    """Headers of its results, packed."""
    headers_size: int
    """Bytes that they add to a record."""

    def __init__(self, ref: str, outputs: Iterable[str], primary: int) -> None:
        """Prepare, with the model's name and version, its outputs in their order, and which is the prediction."""
        self.headers = pack_headers({MODEL: ref, CONTENT_TYPE: RESULT})
        self.headers_size = added_size(self.headers)
        self._ref = ref
        self._primary = primary
        names = {f"o{at}": name for at, name in enumerate(outputs)}
        self._outputs: Callable[..., Any]
        if are_plain(names.values()):
            self._outputs = msgspec.defstruct("Outputs", [(key, Any) for key in names], rename=names, gc=False)
        else:
            self._outputs = lambda *values: dict(zip(names.values(), values, strict=True))
        self._encode = msgspec.json.Encoder().encode

    def write(self, request: Request, answer: Sequence[Any] | RecordError, scored_at: str, latency_ms: int) -> bytes:
        """Return the result's JSON.

        Args:
            request: what was asked.
            answer: a value for each output, or what went wrong.
            scored_at: RFC 3339.
            latency_ms: since the event.

        Raises `RecordError`: the one that is the answer, or `ScoringError` where there is no prediction.
        """
        if isinstance(answer, RecordError):
            raise answer
        prediction = answer[self._primary]
        written = self._encode(_Result(request.input, prediction, self._outputs(*answer), scored_at, latency_ms))
        if b"null" in written and (prediction is None or not _is_told(prediction)):  # most have none, which is quick
            raise ScoringError(self._ref, "it gave no prediction for these values")
        return written


def _is_told(prediction: Any) -> bool:
    """Tell whether JSON has it: a number that is none (NaN) or infinite would be written as null, in lists too."""
    if type(prediction) is list:
        return all(map(_is_told, prediction))
    return type(prediction) is not float or isfinite(prediction)
