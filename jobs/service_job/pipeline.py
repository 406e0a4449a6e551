"""The service job as the diagram shows it: request topics of its models -> scored -> results, dead letters.

And beside it, without anything in common but the job: topics of copies for shadows -> scored -> shadows' results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.service_job.fetching import allowed_by
from jobs.service_job.operators import ScoreRequests, ScoreShadows
from penstock import topics
from penstock.deployables import SERVICE_JOB
from penstock.flink.pipeline import SIZE_COLUMN, Flow, texts
from penstock.flink.tables import Source
from penstock.scoring import HEADERS

if TYPE_CHECKING:
    from pyflink.table import StatementSet

    from penstock.settings import Settings

__all__ = ["DEPLOYABLE", "JOB", "build"]

JOB = ScoreRequests.JOB
DEPLOYABLE = SERVICE_JOB


def build(flow: Flow, settings: Settings) -> StatementSet:
    """Build the pipeline; models come to its workers by the registry's topic.

    Raises `SettingsError` where it is wrong what payloads may be fetched: workers would find out one by one.
    """
    allowed_by(settings)
    prefix = settings.topics.prefix
    requests = flow.read(
        Source(
            name="requests",
            cluster=settings.kafka.internal_cluster,
            group=flow.group,
            pattern=topics.request_pattern(prefix, JOB),
        )
    )
    copies = flow.read(
        Source(
            name="copies",
            cluster=settings.kafka.internal_cluster,
            group=flow.shadow_group,
            pattern=topics.shadow_request_pattern(prefix, JOB),
        )
    )
    columns = ["`value`", SIZE_COLUMN, "`timestamp`", texts(*HEADERS)]
    scored = flow.apply(requests, "score", ScoreRequests.of(settings), columns)
    shadows = flow.apply(copies, "score_shadows", ScoreShadows.of(settings), columns)
    return flow.deliver(scored, settings.flink.compression, shadows=shadows)
