"""The PMML job's core: a batch of requests in, one result or dead letter for each out. Pure: no Flink, no Kafka."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.pmml_job.served import serve
from penstock.deadletter import DeadLetters, Origin, Stage
from penstock.errors import (
    EnvelopeError,
    ModelError,
    ModelLoadError,
    RecordError,
    ScoringError,
    UnknownModelError,
)
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
from penstock.models.descriptor import ModelDescriptor
from penstock.models.ref import ModelRef
from penstock.models.repository import Catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jobs.pmml_job.engine import Engine
    from jobs.pmml_job.requests import Request
    from jobs.pmml_job.served import ServedModel

__all__ = ["HEADERS", "Requests", "Scorer", "ScorerConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerConfig:
    """What the client tells the scorer. Plain data, so that it travels to the workers."""

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


HEADERS = (MODEL, CONTENT_TYPE, SHADOW, DEADLINE)
"""What a request's headers tell the scorer: the model ref (None: the live version of the model that the topic names),
what the value is (None: JSON), whether it is a copy whose result no user may see, and how old the event may be in
milliseconds (None: as old as it likes)."""
_SHADOW = 1 + HEADERS.index(SHADOW)


class Scorer:
    """Scores batches with the models it was given. Models that cannot be loaded fail their own requests only."""

    def __init__(
        self,
        descriptors: Iterable[Mapping[str, Any]],
        config: ScorerConfig,
        engine: Engine,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Load and warm up every model.

        Args:
            descriptors: models of this job, as `ModelDescriptor.plain` gives them.
            config: topics and limits.
            engine: loads a model's bytes.
            clock: seconds since 1970.
        """
        self._config = config
        self._clock = clock
        self._dead_letters = DeadLetters(
            topic=config.dead_letters,
            stage=Stage.PMML_JOB,
            component="scorer",
            max_bytes=config.max_dead_letter_bytes,
            clock=clock,
        )
        catalog = Catalog(ModelDescriptor.parse(dict(tree), "from the client") for tree in descriptors)
        self._by_ref = _load(catalog, engine)
        self._by_topic = {f"{config.request_topic_prefix}{ref}": model for ref, model in self._by_ref.items()}
        self._known = tuple(str(descriptor.ref) for descriptor in catalog)

    @property
    def broken(self) -> Mapping[str, str]:
        """Models that cannot be served, by ref, with the reason."""
        return {ref: str(self._by_ref[ref]) for ref in self._known if isinstance(self._by_ref[ref], ModelError)}

    def score(self, batch: Requests) -> Deliveries:
        """Score a batch: one delivery for each request, in their order."""
        size = len(batch.values)
        deliveries = Deliveries(topics=[None] * size, values=[None] * size, headers=[""] * size)
        groups: dict[ServedModel, list[tuple[int, Request]]] = {}
        columns = zip(batch.values, batch.texts, strict=True)
        for index, (value, (topic, ref, content_type, _, deadline)) in enumerate(columns):
            model: ServedModel | None = None
            try:
                if deadline is not None:
                    refuse_late(batch.timestamps_ms[index], deadline_of(deadline), int(self._clock() * 1000))
                model = self._model(ref, topic)
                request = model.read(value, content_type)
            except Exception as error:  # noqa: BLE001 (the record boundary: what is wrong with a record stays with it)
                self._refuse(deliveries, batch, index, error, model)
                continue
            if model in groups:
                groups[model].append((index, request))
            else:
                groups[model] = [(index, request)]
        for model, group in groups.items():
            self._score_group(deliveries, batch, model, group)
        return deliveries

    def _model(self, ref: str | None, topic: str | None) -> ServedModel:
        found = self._by_topic.get(topic or "") if ref is None else self._by_ref.get(ref)
        if found is None or isinstance(found, ModelError):
            raise self._absence(ref, topic or "", found)
        return found

    def _absence(self, ref: str | None, topic: str, found: ModelError | None) -> RecordError:
        """Why there is no model for a request."""
        prefix = self._config.request_topic_prefix
        if ref is None and not topic.startswith(prefix):
            return EnvelopeError(f"topic {topic!r} is no request topic of this job")
        name = topic.removeprefix(prefix) if ref is None else ref
        if found is None:
            return UnknownModelError(name, self._known)
        return ScoringError(name, f"it is not loaded: {found.detail if isinstance(found, ModelLoadError) else found}")

    def _score_group(
        self, deliveries: Deliveries, batch: Requests, model: ServedModel, group: list[tuple[int, Request]]
    ) -> None:
        """Score the rows of one model in one call, and put each result or dead letter in its request's place."""
        answers = model.score([request.row for _, request in group])
        now_ms = int(self._clock() * 1000)
        scored_at = ce_time(now_ms)
        # What is looked up once is not looked up for each row.
        config, result, headers = self._config, model.result, model.headers
        limit, headers_size = config.max_request_bytes, model.headers_size
        timestamps_ms, unseen_bytes, texts = batch.timestamps_ms, batch.unseen_bytes, batch.texts
        for (index, request), answer in zip(group, answers, strict=True):
            try:
                value = result(request, answer, scored_at, now_ms - timestamps_ms[index])
                size = unseen_bytes[index] + len(value) + headers_size
                if size > limit:
                    refuse_oversize(size, limit)
            except Exception as error:  # noqa: BLE001 (the record boundary, as above)
                self._refuse(deliveries, batch, index, error, model)
                continue
            deliveries.topics[index] = config.shadow_results if texts[index][_SHADOW] else config.results
            deliveries.values[index] = value
            deliveries.headers[index] = headers

    def _refuse(
        self, deliveries: Deliveries, batch: Requests, index: int, error: Exception, model: ServedModel | None
    ) -> None:
        origin = Origin() if model is None else Origin(model=model.ref)
        topic, value, headers = self._dead_letters.deliver(
            error, batch.values[index], batch.unseen_bytes[index], origin
        )
        deliveries.topics[index] = topic
        deliveries.values[index] = value
        deliveries.headers[index] = headers


def _load(catalog: Catalog, engine: Engine) -> dict[str, ServedModel | ModelError]:
    """Every model by every text that means it: its ref, and its bare name where it is live."""
    found: dict[str, ServedModel | ModelError] = {}
    for descriptor in catalog:
        ref = str(descriptor.ref)
        try:
            found[ref] = serve(descriptor, engine)
        except ModelError as error:
            found[ref] = error
        except Exception as error:  # noqa: BLE001 (one model that is odd in a new way must not stop all others)
            found[ref] = ModelLoadError(ref, f"unexpected {type(error).__name__}: {error}")
    for name in {descriptor.name for descriptor in catalog}:
        found[name] = found[str(catalog.resolve(ModelRef(name)).ref)]
    return found
