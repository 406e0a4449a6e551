"""A pipeline as the job serves it: read requests, score rows, write results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Never

from penstock.serving.results import ResultWriter

if TYPE_CHECKING:
    from jobs.spark_job.engine import Answer, Pipeline
    from penstock.errors import ScoringError
    from penstock.serving.requests import Request

__all__ = ["ServedPipeline", "Terms"]


_Read = Callable[[bytes | None, str | None], "Request"]


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a pipeline is served."""

    primary: int
    """Which of its outputs is the prediction."""
    size: int
    """Bytes of memory that it takes, as estimated."""
    frame_rows: int
    """Most rows of a call, where it is not compiled."""
    remark: Callable[[], str] = str
    """Says what else is to be told of the job."""
    on_close: Callable[[], None] = _nothing
    """Gives up what was made for loading it."""


class ServedPipeline:
    """One version of one model, ready for requests; used by one thread at a time."""

    def __init__(self, ref: str, pipeline: Pipeline, read: _Read, terms: Terms) -> None:
        """Serve what `read` has read of requests."""
        self.ref = ref
        self.bytes = terms.size
        self.read = read
        self.row_wise = pipeline.not_row_wise is None
        self._not_row_wise = pipeline.not_row_wise
        self._call = pipeline.call
        self._many: Callable[[Sequence[Sequence[Any]], int], Sequence[Answer | ScoringError]] = pipeline.call.many
        self._terms = terms
        self.outputs = dict(pipeline.outputs)
        """Names and types, in a descriptor's words."""
        results = ResultWriter(ref, self.outputs, terms.primary)
        self.headers, self.headers_size, self.result = results.headers, results.headers_size, results.write

    def score(self, requests: Sequence[Request]) -> list[Answer | ScoringError]:
        """Answers in the order of the requests. One on which the pipeline fails has the error in its place."""
        rows = [request.row for request in requests]
        most = len(rows) if self.row_wise else self._terms.frame_rows
        found: list[Answer | ScoringError] = []
        for at in range(0, len(rows), most):
            part = rows[at : at + most]
            found += self._many(list(zip(*part, strict=True)), len(part))
        return found

    def close(self) -> None:
        """Let go of Java's side, which Java then clears away when it likes."""
        self._many = _closed
        self._call.close()
        self._terms.on_close()

    @property
    def closed(self) -> bool:
        """Whether it was given up."""
        return self._many is _closed

    def remark(self) -> str:
        """Say what people should know of a model that is in order."""
        slow = "" if self.row_wise else f"not row-wise ({self._not_row_wise}): scored in frames"
        return "; ".join(filter(None, (slow, self._terms.remark())))


def _closed(_columns: Sequence[Sequence[Any]], _size: int) -> Never:
    msg = "the model was given up; nobody should hold it any more"
    raise AssertionError(msg)
