"""The pipeline of scoring jobs: request topics of a job's models -> scored -> results, dead letters.

And beside it, without anything in common but the job: topics of copies for shadows -> scored -> shadows' results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import topics
from penstock.flink.pipeline import SIZE_COLUMN, Flow, texts
from penstock.flink.tables import Source
from penstock.scoring import HEADERS

if TYPE_CHECKING:
    from pyflink.table import StatementSet

    from penstock.flink.serving import ServingFunction
    from penstock.settings import Settings

__all__ = ["serve"]


def serve(
    flow: Flow, settings: Settings, requests: type[ServingFunction], copies: type[ServingFunction]
) -> StatementSet:
    """Build the pipeline; models come to its workers by the registry's topic.

    Args:
        flow: what is built.
        settings: of the installation.
        requests: scores users' requests.
        copies: scores copies for shadows, in processes of its own.
    """
    prefix, job = settings.topics.prefix, requests.JOB
    asked = flow.read(
        Source(
            name="requests",
            cluster=settings.kafka.internal_cluster,
            group=flow.group,
            pattern=topics.request_pattern(prefix, job),
        )
    )
    copied = flow.read(
        Source(
            name="copies",
            cluster=settings.kafka.internal_cluster,
            group=flow.shadow_group,
            pattern=topics.shadow_request_pattern(prefix, job),
        )
    )
    columns = ["`value`", SIZE_COLUMN, "`timestamp`", texts(*HEADERS)]
    scored = flow.apply(asked, "score", requests.of(settings), columns)
    shadows = flow.apply(copied, "score_shadows", copies.of(settings), columns)
    return flow.deliver(scored, settings.flink.compression, shadows=shadows)
