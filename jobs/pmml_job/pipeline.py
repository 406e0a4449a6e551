"""The PMML job as the diagram shows it: request topics of its models -> scored -> results, dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.pmml_job.operators import ScoreRequests, ScoreShadows
from penstock.deployables import PMML_JOB
from penstock.flink.serving_pipeline import serve

if TYPE_CHECKING:
    from pyflink.table import StatementSet

    from penstock.flink.pipeline import Flow
    from penstock.settings import Settings

__all__ = ["DEPLOYABLE", "build"]

DEPLOYABLE = PMML_JOB


def build(flow: Flow, settings: Settings) -> StatementSet:
    """Build the pipeline."""
    return serve(flow, settings, ScoreRequests, ScoreShadows)
