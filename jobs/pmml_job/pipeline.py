"""The PMML job as the diagram shows it: request topics of its models -> scored -> results, dead letters.

And beside it, without anything in common but the job: topics of copies for shadows -> scored -> shadows' results.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from jobs.pmml_job.operators import ScoreRequests, ScoreShadows
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
    of_shadows = replace(
        config,
        request_topic_prefix=topics.shadow_request_topic(prefix, JOB, ""),
        results=config.shadow_results,
    )
    descriptors = [descriptor.plain() for descriptor in read_catalog(settings.models_dir).of_job(JOB)]
    packed = portable.pack(settings)
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
    scored = flow.apply(requests, "score", ScoreRequests(packed, descriptors, asdict(config)), columns)
    shadows = flow.apply(copies, "score_shadows", ScoreShadows(packed, descriptors, asdict(of_shadows)), columns)
    return flow.deliver(scored, settings.flink.compression, shadows=shadows)
