"""The service job as the diagram shows it: request topics of its models -> scored -> results, dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.service_job.fetching import allowed_by
from jobs.service_job.operators import ScoreRequests, ScoreShadows
from penstock.deployables import SERVICE_JOB
from penstock.flink.serving_pipeline import serve

if TYPE_CHECKING:
    from pyflink.table import StatementSet

    from penstock.flink.pipeline import Flow
    from penstock.settings import Settings

__all__ = ["DEPLOYABLE", "build"]

DEPLOYABLE = SERVICE_JOB


def build(flow: Flow, settings: Settings) -> StatementSet:
    """Build the pipeline.

    Raises `SettingsError` where it is wrong what payloads may be fetched: workers would find out one by one.
    """
    allowed_by(settings)
    return serve(flow, settings, ScoreRequests, ScoreShadows)
