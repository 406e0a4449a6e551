"""The PMML job as the diagram shows it: request topics of its models -> scored -> results, dead letters."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from jobs.pmml_job.operators import ScoreRequests
from jobs.pmml_job.scorer import HEADERS, ScorerConfig
from penstock import topics
from penstock.control import portable
from penstock.deployables import PMML_JOB
from penstock.flink.pipeline import SIZE_COLUMN, Flow, texts
from penstock.flink.tables import Source
from penstock.models.repository import read_catalog

if TYPE_CHECKING:
    from pyflink.table import StatementSet

    from penstock.settings import Settings

__all__ = ["DEPLOYABLE", "JOB", "build"]

JOB = "pmml"
DEPLOYABLE = PMML_JOB


def build(flow: Flow, settings: Settings) -> StatementSet:
    """Build the pipeline with the models that the repository has now."""
    prefix, limits = settings.topics.prefix, settings.limits
    config = ScorerConfig(
        request_topic_prefix=topics.request_topic(prefix, JOB, ""),
        results=topics.results(prefix),
        shadow_results=topics.shadow_results(prefix),
        dead_letters=topics.dead_letters(prefix),
        max_request_bytes=limits.max_request_bytes,
        max_dead_letter_bytes=limits.max_dead_letter_bytes,
    )
    descriptors = [descriptor.plain() for descriptor in read_catalog(settings.models_dir).of_job(JOB)]
    function = ScoreRequests(portable.pack(settings), descriptors, asdict(config))
    requests = flow.read(
        Source(
            name="requests",
            cluster=settings.kafka.internal_cluster,
            group=flow.group,
            pattern=topics.request_pattern(prefix, JOB),
        )
    )
    columns = ["`value`", SIZE_COLUMN, "`timestamp`", texts(*HEADERS)]
    scored = flow.apply(requests, "score", function, columns)
    return flow.deliver(scored, settings.flink.compression)
