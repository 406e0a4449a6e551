"""The PMML job's functions: a batch of requests as columns, scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.pmml_job.loader import PmmlLoader
from penstock.deadletter import Stage
from penstock.deployables import PMML_JOB
from penstock.flink.serving import ServingFunction

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.pmml_job.engine import PmmlModel
    from penstock.settings import Settings

__all__ = ["ScoreRequests", "ScoreShadows"]


class ScoreRequests(ServingFunction):
    """Scores requests with PMML models."""

    DEPLOYABLE = PMML_JOB
    STAGE = Stage.PMML_JOB
    JOB = "pmml"

    def loader(self, settings: Settings) -> PmmlLoader:
        """Load models into the Java machine inside this worker, which the first of them starts."""
        heap_mb = settings.pmml.heap_mb

        def load(path: Path, ref: str) -> PmmlModel:
            from jobs.pmml_job import engine

            return engine.start(heap_mb)(path, ref)

        return PmmlLoader(load)

    def prepare(self) -> None:
        """Start Java: where there is none, the job does not begin."""
        if not self.OF_COPIES:  # where no route has a shadow, it takes no memory
            from jobs.pmml_job import engine

            engine.start(self.worker.settings.pmml.heap_mb)


class ScoreShadows(ScoreRequests):
    """Scores copies for shadows, in a process of its own: nobody waits for these results."""

    OF_COPIES = True
