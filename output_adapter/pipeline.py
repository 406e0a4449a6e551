"""The output adapter as the diagram shows it: results -> rendered -> users' topics, dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflink.table.udf import udf

from output_adapter.operators import RenderResults
from penstock import topics
from penstock.event import CONTENT_TYPE, ROUTE, SHADOW
from penstock.flink.columns import DELIVERY
from penstock.flink.pipeline import SIZE_COLUMN, Flow, header
from penstock.flink.tables import Source
from penstock.routing.document import load

if TYPE_CHECKING:
    from pyflink.table import StatementSet

    from penstock.settings import Settings

__all__ = ["JOB_NAME", "build"]

JOB_NAME = "penstock-output-adapter"


def build(flow: Flow, settings: Settings) -> StatementSet:
    """Build the pipeline with the routing document as it is now."""
    function = RenderResults(
        load(settings.routing_file, prefix=settings.topics.prefix).model_dump_json(exclude_none=True, by_alias=True),
        settings.topics.prefix,
        settings.limits.max_request_bytes,
        settings.limits.max_dead_letter_bytes,
    )
    flow.environment.create_temporary_function("render", udf(function, result_type=DELIVERY, func_type="pandas"))
    results = flow.read(
        Source(
            name="results",
            cluster=settings.kafka.internal_cluster,
            group=JOB_NAME,
            topics=[topics.results(settings.topics.prefix)],
        )
    )
    columns = ["`value`", SIZE_COLUMN, header(ROUTE), header(CONTENT_TYPE), header(SHADOW)]
    return flow.deliver(flow.apply(results, "render", columns), settings.flink.output_compression)
