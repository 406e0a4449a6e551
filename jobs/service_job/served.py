"""A model as the job serves it: read requests, have its server score them in batches, write results."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.errors import (
    InternalError,
    ModelFailedError,
    PassingError,
    RecordError,
    ScoringError,
    ServerUnavailableError,
)
from penstock.remote.bisect import bisected
from penstock.remote.breaker import BreakerState
from penstock.remote.calls import CallError, CallKind
from penstock.serving.results import ResultWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from jobs.service_job.answers import Answer, AnswerReader
    from jobs.service_job.client import ModelClient, ModelSpec
    from jobs.service_job.inputs import Request, RequestReader, Row
    from jobs.service_job.patience import Patience

__all__ = ["Door", "Served", "ServedModel"]

#: What a model takes here: its readers. Its server has the model itself.
_BYTES = 1 << 16
#: Most bytes of a call: servers that nobody told otherwise refuse messages of more than 4 MiB.
_MOST_CALL_BYTES = 3 << 20


class Door(NamedTuple):
    """The way to one server that its models share in a worker."""

    name: str
    """As the settings have it."""
    client: ModelClient
    pool: Executor
    """Makes so many calls at a time."""
    fetching: Executor
    """Fetches so many payloads at a time."""
    fetch: Callable[[str], bytes]
    """Gives the bytes of a payload by reference; raises `FetchError`."""
    outage: Patience
    """For its being away."""
    batch_rows: int
    """Most rows of a call."""
    begun_until: float
    """By `time.monotonic`: the worker has only begun, and loads wait for a server that does not answer yet."""


class Served(NamedTuple):
    """What of a model is its own."""

    ref: str
    spec: ModelSpec
    reader: RequestReader
    answers: AnswerReader
    primary: int
    """Which of the answers' outputs is the prediction."""
    absence: Patience
    """For a server that is up and does not have the model."""


class ServedModel:
    """One version of one model, ready for requests. Made by `loader.serve`; used by one thread at a time."""

    def __init__(self, model: Served, door: Door) -> None:
        self.ref = model.ref
        self.bytes = _BYTES
        self.read = model.reader.read
        results = ResultWriter(model.ref, model.answers.names, model.primary)
        self.headers, self.headers_size, self.result = results.headers, results.headers_size, results.write
        self._model = model
        self._door = door
        self._waiting_for = door.outage
        self._said_to_be_there = False
        self._good: Row | None = None

    def score(self, requests: Sequence[Request]) -> list[Answer | RecordError]:
        """Answers in the order of the requests. One that has none has the error in its place.

        `PassingError`: its server is away; `wait`, and ask again.
        """
        rows: list[Any] = [request.row for request in requests]
        reader, pool = self._model.reader, self._door.pool
        if reader.takes_references:
            self._resolve(rows)
        found: list[Answer | RecordError] = [row if isinstance(row, RecordError) else _UNASKED for row in rows]
        chunks = list(self._chunks(rows))
        if len(chunks) == 1:
            asked: Iterable[list[Answer | RecordError]] = [self._ask([rows[at] for at in chunks[0]])]
        else:
            asked = pool.map(self._ask, [[rows[at] for at in chunk] for chunk in chunks])
        for chunk, answers in zip(chunks, asked, strict=True):
            for at, answer in zip(chunk, answers, strict=True):
                found[at] = answer
        return found

    def wait(self, deadline: float) -> bool:
        """Wait until the server has the model again; False: patience or time is over.

        Args:
            deadline: by `time.monotonic`; nobody can use the answers later.
        """
        begin = time.monotonic()
        until = min(deadline, self._waiting_for.until(begin))
        if until <= begin:
            return False
        answers = self._door.client.wait(self._model.spec, until)
        self._waiting_for.waited(begin, time.monotonic())
        self._said_to_be_there = answers and self._waiting_for is self._model.absence
        return answers

    def remark(self) -> str:
        """What is to be said of it although it is ready: its servers that are away. Nothing, mostly."""
        states = self._door.client.states()
        return "; ".join(str(each) for each in states if each.state is not BreakerState.CLOSED)

    def close(self) -> None:
        """Nothing: the server keeps the model, and other models use the way to it."""

    def _resolve(self, rows: list[Any]) -> None:
        """Fetch what rows refer to, several at a time; what cannot be fetched is an error in the row's place."""
        reader = self._model.reader
        pending = [at for at, row in enumerate(rows) if reader.references(row)]
        for at, row in zip(pending, self._door.fetching.map(self._fetched, [rows[at] for at in pending]), strict=True):
            rows[at] = row

    def _fetched(self, row: Row) -> Row | RecordError:
        try:
            return self._model.reader.resolved(row, self._door.fetch)
        except RecordError as error:
            return error
        except Exception as error:  # noqa: BLE001 (the record boundary: one fetch costs no other row its answer)
            return InternalError(type(error).__name__, str(error))

    def _chunks(self, rows: Sequence[Any]) -> Iterator[list[int]]:
        """The places of rows that go into one call: so many, of one shape, and no more bytes than servers take."""
        reader, most_rows = self._model.reader, self._door.batch_rows
        groups: dict[Any, list[int]] = {}
        if reader.ragged:
            for at, row in enumerate(rows):
                if not isinstance(row, RecordError):
                    groups.setdefault(reader.shapes(row), []).append(at)
        else:
            groups[()] = [at for at, row in enumerate(rows) if not isinstance(row, RecordError)]
        for group in groups.values():
            chunk: list[int] = []
            size = 0
            for at in group:
                more = reader.size(rows[at])
                if chunk and (len(chunk) == most_rows or size + more > _MOST_CALL_BYTES):
                    yield chunk
                    chunk, size = [], 0
                chunk.append(at)
                size += more
            if chunk:
                yield chunk

    def _ask(self, rows: Sequence[Row]) -> list[Answer | RecordError]:
        """One call; where it is refused, as many as it takes to find the rows that are to blame."""
        try:
            return [
                self._error(each) if isinstance(each, CallError) else each
                for each in bisected(rows, self._call, self._good)
            ]
        except Exception as error:  # noqa: BLE001 (the record boundary: one call costs no other call's rows theirs)
            return [InternalError(type(error).__name__, str(error))] * len(rows)

    def _call(self, rows: Sequence[Row]) -> list[Answer]:
        model, door = self._model, self._door
        found = door.client.predict(model.spec, model.reader.tensors(rows))
        answers = model.answers.read(found, len(rows))
        door.outage.restore()
        model.absence.restore()
        self._said_to_be_there = False
        self._good = rows[0]
        return answers

    def _error(self, error: CallError) -> RecordError:
        match error.kind:
            case CallKind.RETRY:
                self._waiting_for = self._door.outage
                return self._away(error, self._door.outage, ServerUnavailableError.OUTAGE)
            case CallKind.ABSENT if self._said_to_be_there:  # of the model so, but not of the label or the signature
                return ModelFailedError(self.ref, str(error))
            case CallKind.ABSENT:
                self._waiting_for = self._model.absence
                return self._away(error, self._model.absence, ServerUnavailableError.ABSENCE)
            case CallKind.REFUSED:
                return ScoringError(self.ref, str(error))
            case CallKind.FATAL:
                return ModelFailedError(self.ref, str(error))

    def _away(self, error: CallError, patience: Patience, setting: str) -> PassingError:
        return ServerUnavailableError(self.ref, self._door.name, str(error), patience.patience_ms, setting)


_UNASKED = InternalError("AssertionError", "a row was not asked for")
