"""The input adapter as the diagram shows it: source topics -> routed -> request topics, dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from input_adapter.operators import RouteEvents
from penstock.deployables import INPUT_ADAPTER
from penstock.flink.pipeline import OWN_HEADERS, SIZE_COLUMN, Flow
from penstock.flink.tables import Source

if TYPE_CHECKING:
    from pyflink.table import StatementSet

    from penstock.settings import Settings

__all__ = ["DEPLOYABLE", "build"]

DEPLOYABLE = INPUT_ADAPTER


def build(flow: Flow, settings: Settings) -> StatementSet:
    """Build the pipeline over the sources that the routing document has now; the rest of it is followed."""
    events = flow.read(
        Source(
            name="events",
            cluster=settings.kafka.external,
            group=flow.group,
            topics=flow.sources,
        )
    )
    columns = ["`value`", SIZE_COLUMN, "`topic`", OWN_HEADERS, "`key`", "`partition`", "`offset`"]
    routed = flow.apply(events, "route", RouteEvents.of(settings), columns)
    return flow.deliver(routed, settings.flink.compression)
