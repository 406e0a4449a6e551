"""The PMML job's function: a batch of requests as columns, scored."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from jobs.pmml_job.scorer import Requests, Scorer, ScorerConfig
from penstock.deployables import PMML_JOB
from penstock.event import Deliveries
from penstock.flink.by_document import ByDocument
from penstock.flink.columns import frame, milliseconds, texts
from penstock.flink.worker import settle
from penstock.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

__all__ = ["ScoreRequests", "ScoreShadows"]

_log = get_logger(__name__)


class ScoreRequests(ByDocument):
    """Scores requests with the models that the job was started with.

    It follows the routing document as every worker does, and has no objection to any: it scores what it is sent.
    """

    DEPLOYABLE = PMML_JOB

    def __init__(
        self,
        packed: Mapping[str, Any],
        descriptors: Sequence[Mapping[str, Any]],
        config: Mapping[str, Any],
    ) -> None:
        super().__init__(packed)
        self._descriptors = list(descriptors)
        self._config = dict(config)

    def prepare(self) -> None:
        """Start Java inside this worker and load the models, before the first request."""
        _ = self._scorer

    @cached_property
    def _scorer(self) -> Scorer:
        from jobs.pmml_job import engine

        heap_mb = self.worker.settings.pmml.heap_mb
        scorer = Scorer(self._descriptors, ScorerConfig(**self._config), engine.start(heap_mb))
        for ref, reason in scorer.broken.items():
            _log.error("model not loaded, its requests become dead letters", model=ref, reason=reason)
        settle()
        return scorer

    def eval(
        self,
        values: pd.Series[bytes],
        unseen_bytes: pd.Series[int],
        timestamps: pd.Series[pd.Timestamp],
        headers: pd.Series[str],
    ) -> pd.DataFrame:
        """Score a batch; the columns are those that the pipeline names."""
        requests = Requests(
            values=values.tolist(),
            unseen_bytes=unseen_bytes.tolist(),
            timestamps_ms=milliseconds(timestamps),
            texts=texts(headers),
        )
        return self.framed(self._scorer.score(requests))


class ScoreShadows(ScoreRequests):
    """Scores copies for shadows, in a process of its own: nobody waits for these results.

    The models are loaded when the first copy comes. Where no route has a shadow, none takes memory.
    """

    def prepare(self) -> None:
        """Do without Java and models for now."""

    def eval(
        self,
        values: pd.Series[bytes],
        unseen_bytes: pd.Series[int],
        timestamps: pd.Series[pd.Timestamp],
        headers: pd.Series[str],
    ) -> pd.DataFrame:
        """Score a batch. The row that wakes this worker is of no topic: it is no reason to load the models."""
        if any(topic for topic, *_ in texts(headers)):
            return super().eval(values, unseen_bytes, timestamps, headers)
        size = len(values)
        return frame(Deliveries(topics=[None] * size, values=[None] * size, headers=[""] * size))
