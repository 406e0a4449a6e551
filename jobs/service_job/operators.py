"""The service job's functions: a batch of requests as columns, scored by model servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.service_job.loader import ServiceLoader
from penstock.deadletter import Stage
from penstock.deployables import SERVICE_JOB
from penstock.flink.serving import ServingFunction

if TYPE_CHECKING:
    from penstock.settings import Settings

__all__ = ["ScoreRequests", "ScoreShadows"]


class ScoreRequests(ServingFunction):
    """Scores requests with the models of model servers."""

    DEPLOYABLE = SERVICE_JOB
    STAGE = Stage.SERVICE_JOB
    JOB = "service"

    def loader(self, settings: Settings) -> ServiceLoader:
        """Find models on the servers that the settings name; connections are made in this worker."""
        return ServiceLoader(settings)


class ScoreShadows(ScoreRequests):
    """Scores copies for shadows, in a process of its own: nobody waits for these results."""

    OF_COPIES = True
