"""The service job's functions: a batch of requests as columns, scored by model servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.service_job.gauges import show
from jobs.service_job.loader import ServiceLoader
from penstock.deadletter import Stage
from penstock.deployables import SERVICE_JOB
from penstock.flink.serving import ServingFunction

if TYPE_CHECKING:
    from pyflink.table import FunctionContext

    from penstock.settings import Settings

__all__ = ["ScoreRequests", "ScoreShadows"]


class ScoreRequests(ServingFunction):
    """Scores requests with the models of model servers."""

    DEPLOYABLE = SERVICE_JOB
    STAGE = Stage.SERVICE_JOB
    JOB = "service"

    def loader(self, settings: Settings) -> ServiceLoader:
        """Find models on the servers that the settings name; connections are made in this worker."""
        self._loader = ServiceLoader(settings)
        return self._loader

    def open(self, function_context: FunctionContext) -> None:
        """Begin, and let the engine's metrics tell how the servers are."""
        super().open(function_context)
        show(function_context.get_metric_group(), self.serving.worker.settings.service.servers, self._loader.away)


class ScoreShadows(ScoreRequests):
    """Scores copies for shadows, in a process of its own: nobody waits for these results."""

    OF_COPIES = True
