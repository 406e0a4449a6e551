"""What all scoring jobs do with a batch of requests: one result or dead letter for each. Pure: no engine, no Kafka.

A job brings its models (`Servable`); who holds them, and says which are ready, is `Models`.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Never, Protocol, runtime_checkable

from penstock import topics
from penstock.deadletter import DeadLetters, Origin, Stage
from penstock.errors import EngineLostError, EnvelopeError, PassingError, ScoringError
from penstock.event import (
    CONTENT_TYPE,
    DEADLINE,
    MODEL,
    SHADOW,
    Deliveries,
    ce_time,
    deadline_of,
    refuse_late,
    refuse_oversize,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from penstock.errors import RecordError
    from penstock.settings import Settings

__all__ = ["HEADERS", "Models", "Patient", "Requests", "Scorer", "ScorerConfig", "Servable"]

HEADERS = (MODEL, CONTENT_TYPE, SHADOW, DEADLINE)
"""What a request's headers tell the scorer: the model ref (None: the live version of the model that the topic names),
what the value is (None: JSON), whether it is a copy whose result no user may see, and how old the event may be in
milliseconds (None: as old as it likes)."""


class Servable(Protocol):
    """One version of one model, ready for requests. What a request and an answer are is the job's own affair."""

    headers: str
    """Headers of its results, packed."""
    headers_size: int
    """Bytes that they add to a record."""
    ref: str

    def read(self, value: bytes | None, content_type: str | None, /) -> Any:
        """Read a request. Raises `RecordError`."""

    def score(self, requests: Sequence[Any], /) -> Sequence[Any]:
        """Answers in the order of the requests, at least one. What fails for one of them has its error in its place.

        Where that is a `PassingError`, or all of it fails with one, those requests are scored again: see `Patient`.
        Raises `EngineLostError` where no request could be answered, whatever is in it: it ends the worker.
        """

    def result(self, request: Any, answer: Any, scored_at: str, latency_ms: int, /) -> bytes:
        """The result's JSON. Raises `RecordError`, the one that is the answer too."""


@runtime_checkable
class Patient(Protocol):
    """A servable that knows how long its requests may wait where they meet a `PassingError`; those of others do not."""

    def wait(self, deadline: float, /) -> bool:
        """Wait until it is worth to ask again; false: this outage has been waited for as long as is allowed.

        Called by the thread that scores, when all else in its batch has been scored. The model may have been given up
        meanwhile. Whoever says true each time without waiting keeps that thread busy for ever.

        Args:
            deadline: by `time.monotonic`, may be infinite: later nobody needs the answers. Then false, too.
        """


class Models(Protocol):
    """The models of a worker, as they come and go. A text is ``name:version``, its old form, or a bare ``name``."""

    def leased(self, texts: Iterable[str], /) -> AbstractContextManager[Mapping[str, Servable]]:
        """Give those that are ready, and keep them so until the exit; ask for the others."""

    def wait(self, texts: Iterable[str], deadline: float, /) -> None:
        """Wait until one of them is no longer being loaded, or there is nothing left to wait.

        Args:
            texts: models that are being loaded.
            deadline: by `time.monotonic`; what one episode of loading may be waited for is known there.
        """

    def absence(self, text: str, /) -> RecordError:
        """Say why there is none: `ModelLoadingError`, if it may come yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerConfig:
    """What the installation tells the scorer."""

    stage: Stage
    """The job, in its dead letters."""
    request_topic_prefix: str
    """What a model's name follows in the name of its request topic, as in ``penstock.pmml.``."""
    results: str
    """Topic of results."""
    shadow_results: str
    """Topic of shadows' results."""
    dead_letters: str
    """Topic of dead letters."""
    max_request_bytes: int
    """Largest result that Kafka takes, key and headers included."""
    max_dead_letter_bytes: int
    """Largest dead letter that Kafka takes."""

    @classmethod
    def of(cls, settings: Settings, stage: Stage, job: str, *, shadows: bool = False) -> ScorerConfig:
        """Return it for a job; with ``shadows`` for its copies, of which no result is a user's, whatever they say."""
        prefix, limits = settings.topics.prefix, settings.limits
        request_topic = topics.shadow_request_topic if shadows else topics.request_topic
        shadow_results = topics.shadow_results(prefix)
        return cls(
            stage=stage,
            request_topic_prefix=request_topic(prefix, job, ""),
            results=shadow_results if shadows else topics.results(prefix),
            shadow_results=shadow_results,
            dead_letters=topics.dead_letters(prefix),
            max_request_bytes=limits.max_request_bytes,
            max_dead_letter_bytes=limits.max_dead_letter_bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """A batch of records from request topics, column by column, all of one length."""

    values: Sequence[bytes | None]
    unseen_bytes: Sequence[int]
    """What key, headers and Kafka's own bookkeeping add to each value; they stay in the engine."""
    timestamps_ms: Sequence[int]
    """The events' own Kafka timestamps, which every hop keeps."""
    texts: Sequence[tuple[str | None, ...]]
    """Request topic, and the texts of `HEADERS`."""


class _Kind(NamedTuple):
    """The rows of a batch whose topic and headers are the same: what is said of one of them holds for all."""

    rows: list[int]
    model: str
    content_type: str | None
    topic: str
    """Of their results."""
    deadline_ms: int | None


class _Late(NamedTuple):
    """Rows that may be scored a moment later, and how it is told if they are not."""

    kind: _Kind
    error: PassingError
    model: Servable | None = None
    """Which gave no answers to them; None: there is none yet, it is being loaded."""


class _Batch(NamedTuple):
    requests: Requests
    deliveries: Deliveries


class Scorer:
    """Scores batches with whichever models are ready. A model that is not fails its own requests only."""

    def __init__(self, config: ScorerConfig, models: Models, clock: Callable[[], float] = time.time) -> None:
        """Begin.

        Args:
            config: topics and limits.
            models: those of this worker.
            clock: seconds since 1970.
        """
        self._config = config
        self._models = models
        self._clock = clock
        self._dead_letters = DeadLetters(
            topic=config.dead_letters,
            stage=config.stage,
            component="scorer",
            max_bytes=config.max_dead_letter_bytes,
            clock=clock,
        )

    def score(self, requests: Requests) -> Deliveries:
        """Score a batch: one delivery for each request, in their order.

        Requests whose model is being loaded, or has no answers for the moment, wait for it when all others have been
        scored. Raises `EngineLostError`, and then nothing has become of the batch.
        """
        size = len(requests.values)
        batch = _Batch(requests, Deliveries(topics=[None] * size, values=[None] * size, headers=[""] * size))
        rows: defaultdict[tuple[str | None, ...], list[int]] = defaultdict(list)
        for index, texts in enumerate(requests.texts):
            rows[texts].append(index)
        kinds = []
        for texts, indices in rows.items():
            try:
                kinds.append(self._kind(texts, indices))
            except Exception as error:  # noqa: BLE001 (the record boundary: what is wrong with a record stays with it)
                self._refuse(batch, indices, error)
        late = self._score(batch, kinds)
        while late:
            late = self._wait(batch, late)
        return batch.deliveries

    def _kind(self, texts: tuple[str | None, ...], rows: list[int]) -> _Kind:
        topic, ref, content_type, shadow, deadline = texts
        config = self._config
        if ref is None:
            if not (topic or "").startswith(config.request_topic_prefix):
                raise EnvelopeError(f"topic {topic or ''!r} is no request topic of this job")
            ref = (topic or "").removeprefix(config.request_topic_prefix)
        deadline_ms = None if deadline is None else deadline_of(deadline)
        return _Kind(rows, ref, content_type, config.shadow_results if shadow else config.results, deadline_ms)

    def _score(self, batch: _Batch, kinds: Iterable[_Kind]) -> list[_Late]:
        """Score what has its model; return what may have it soon. The rest is refused."""
        without: list[_Kind] = []
        with self._models.leased({kind.model for kind in kinds}) as models:
            groups: dict[Servable, list[tuple[int, Any, str]]] = {}
            kinds_of: defaultdict[Servable, list[_Kind]] = defaultdict(list)
            for kind in kinds:
                model = models.get(kind.model)
                if model is None:
                    without.append(kind)
                    continue
                kinds_of[model].append(kind)
                group = self._read(batch, kind, model)
                if model in groups:  # by its name and by its version, or with other headers: in their order again
                    group = sorted(groups[model] + group, key=itemgetter(0))
                groups[model] = group
            late: list[_Late] = []
            for model, group in groups.items():
                unanswered = self._score_group(batch, model, group) if group else None
                if unanswered:
                    late += _late(model, kinds_of[model], unanswered)
        for kind in without:
            error = self._models.absence(kind.model)
            if isinstance(error, PassingError):
                late.append(_Late(kind, error))
            else:
                self._refuse(batch, kind.rows, error)
        return late

    def _wait(self, batch: _Batch, late: list[_Late]) -> list[_Late]:
        """Wait for what is the first to wait for, and score what waits for it; return what there is left to wait for.

        Models that are being loaded come first: it is known of all of them together when one of them is there.
        """
        first = late[0].model if all(each.model is not None for each in late) else None
        awaited = [each for each in late if each.model is first]
        others = [each for each in late if each.model is not first]
        kinds = [each.kind for each in awaited]
        deadline = self._deadline(batch, kinds)
        if first is not None:
            if isinstance(first, Patient) and first.wait(deadline):
                return others + self._score(batch, kinds)
            return others + self._give_up(batch, awaited)
        self._models.wait({kind.model for kind in kinds}, deadline)
        found = self._score(batch, kinds)
        loading = [each for each in found if each.model is None]
        if len(loading) == len(awaited):  # nothing came: the time is over
            self._give_up(batch, loading)
            found = []
        return others + found

    def _give_up(self, batch: _Batch, late: list[_Late]) -> list[_Late]:
        for each in late:
            self._refuse(batch, each.kind.rows, each.error, None if each.model is None else each.model.ref)
        return []

    def _deadline(self, batch: _Batch, kinds: list[_Kind]) -> float:
        """Return when nobody can use the scores any more, by `time.monotonic`."""
        timestamps_ms = batch.requests.timestamps_ms
        latest_ms = max(
            math.inf if kind.deadline_ms is None else max(timestamps_ms[row] for row in kind.rows) + kind.deadline_ms
            for kind in kinds
        )
        return time.monotonic() + latest_ms / 1000 - self._clock()

    def _read(self, batch: _Batch, kind: _Kind, model: Servable) -> list[tuple[int, Any, str]]:
        """Read the requests of a kind: of each its row, what it says, and the topic of its result."""
        rows, _, content_type, topic, deadline_ms = kind
        values, timestamps_ms = batch.requests.values, batch.requests.timestamps_ms
        now_ms = 0 if deadline_ms is None else int(self._clock() * 1000)
        read = model.read
        found = []
        for index in rows:
            try:
                if deadline_ms is not None:
                    refuse_late(timestamps_ms[index], deadline_ms, now_ms)
                found.append((index, read(values[index], content_type), topic))
            except Exception as error:  # noqa: BLE001 (the record boundary, as above)
                self._refuse(batch, [index], error, model.ref)
        return found

    def _score_group(
        self, batch: _Batch, model: Servable, group: list[tuple[int, Any, str]]
    ) -> dict[int, PassingError]:
        """Score the rows of one model in one call, and put each result or dead letter in its request's place.

        Returns the rows that may be scored a moment later; they have neither yet.
        """
        try:
            answers = model.score([request for _, request, _ in group])
            if len(answers) != len(group):
                _refuse_answers(model.ref, len(answers), len(group))
        except PassingError as error:
            return {index: error for index, _, _ in group}
        except EngineLostError:
            raise
        except Exception as error:  # noqa: BLE001 (a job's own fault: it costs the model's rows, not the batch)
            self._refuse(batch, (index for index, _, _ in group), error, model.ref)
            return {}
        return self._deliver(batch, model, group, answers)

    def _deliver(
        self, batch: _Batch, model: Servable, group: list[tuple[int, Any, str]], answers: Sequence[Any]
    ) -> dict[int, PassingError]:
        unanswered: dict[int, PassingError] = {}
        now_ms = int(self._clock() * 1000)
        scored_at = ce_time(now_ms)
        # What is looked up once is not looked up for each row.
        limit, result, headers, headers_size = (
            self._config.max_request_bytes,
            model.result,
            model.headers,
            model.headers_size,
        )
        timestamps_ms, unseen_bytes = batch.requests.timestamps_ms, batch.requests.unseen_bytes
        topics_, values, all_headers = batch.deliveries.topics, batch.deliveries.values, batch.deliveries.headers
        for (index, request, topic), answer in zip(group, answers, strict=True):
            try:
                value = result(request, answer, scored_at, now_ms - timestamps_ms[index])
                size = unseen_bytes[index] + len(value) + headers_size
                if size > limit:
                    refuse_oversize(size, limit)
            except PassingError as error:
                unanswered[index] = error
                continue
            except Exception as error:  # noqa: BLE001 (the record boundary, as above)
                self._refuse(batch, [index], error, model.ref)
                continue
            topics_[index] = topic
            values[index] = value
            all_headers[index] = headers
        return unanswered

    def _refuse(self, batch: _Batch, rows: Iterable[int], error: Exception, model: str | None = None) -> None:
        origin = Origin() if model is None else Origin(model=model)
        values, unseen_bytes = batch.requests.values, batch.requests.unseen_bytes
        for index in rows:
            topic, value, headers = self._dead_letters.deliver(error, values[index], unseen_bytes[index], origin)
            batch.deliveries.topics[index] = topic
            batch.deliveries.values[index] = value
            batch.deliveries.headers[index] = headers


def _late(model: Servable, kinds: Iterable[_Kind], unanswered: Mapping[int, PassingError]) -> Iterator[_Late]:
    """Sort the rows that a model gave no answers to by their kinds."""
    for kind in kinds:
        rows = [row for row in kind.rows if row in unanswered]
        if rows:
            yield _Late(kind._replace(rows=rows), unanswered[rows[0]], model)


def _refuse_answers(ref: str, found: int, wanted: int) -> Never:
    """Nobody can tell whose they are."""
    raise ScoringError(ref, f"it gave {found} answers for {wanted} requests")
