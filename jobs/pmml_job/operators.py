"""The PMML job's function: a batch of requests as columns, scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyflink.table.udf import ScalarFunction

from jobs.pmml_job.scorer import Requests, Scorer, ScorerConfig
from penstock.flink import worker
from penstock.flink.columns import frame, milliseconds, texts
from penstock.logs import get_logger
from penstock.unwritten import Unwritten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from pyflink.table import FunctionContext

__all__ = ["ScoreRequests"]

_log = get_logger(__name__)


class ScoreRequests(ScalarFunction):  # type: ignore[misc]  # pyflink's bases are untyped
    """Scores requests with the models that the job was started with."""

    def __init__(self, descriptors: Sequence[Mapping[str, Any]], config: Mapping[str, Any], heap_mb: int) -> None:
        self._descriptors = list(descriptors)
        self._config = dict(config)
        self._heap_mb = heap_mb

    def open(self, function_context: FunctionContext) -> None:
        """Start Java inside this worker and load the models, before the first request."""
        from jobs.pmml_job import engine

        self._unwritten = Unwritten(function_context.get_metric_group())
        self._scorer = Scorer(self._descriptors, ScorerConfig(**self._config), engine.start(self._heap_mb))
        for ref, reason in self._scorer.broken.items():
            _log.error("model not loaded, its requests become dead letters", model=ref, reason=reason)
        worker.settle()

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
        deliveries = self._scorer.score(requests)
        self._unwritten.note(deliveries)
        return frame(deliveries)

    def close(self) -> None:
        """Tell what is left to tell."""
        self._unwritten.close()
