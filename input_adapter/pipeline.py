"""The input adapter as the diagram shows it: source topics -> routed -> request topics, dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflink.table.udf import udf

from input_adapter.operators import RouteEvents
from penstock.flink.columns import DELIVERY
from penstock.flink.pipeline import OWN_HEADERS, SIZE_COLUMN, Flow
from penstock.flink.tables import Source
from penstock.routing.document import load

if TYPE_CHECKING:
    from pyflink.table import StatementSet

    from penstock.settings import Settings

__all__ = ["JOB_NAME", "build"]

JOB_NAME = "penstock-input-adapter"


def build(flow: Flow, settings: Settings) -> StatementSet:
    """Build the pipeline with the routing document as it is now."""
    document = load(settings.routing_file, prefix=settings.topics.prefix)
    function = RouteEvents(
        document.model_dump_json(exclude_none=True, by_alias=True),
        settings.topics.prefix,
        settings.limits.max_request_bytes,
        settings.limits.max_dead_letter_bytes,
    )
    flow.environment.create_temporary_function("route", udf(function, result_type=DELIVERY, func_type="pandas"))
    events = flow.read(
        Source(
            name="events",
            cluster=settings.kafka.external,
            group=JOB_NAME,
            topics=[source.topic for source in document.sources],
        )
    )
    routed = flow.apply(events, "route", ["`value`", SIZE_COLUMN, "`topic`", OWN_HEADERS])
    return flow.deliver(routed, settings.flink.compression)
