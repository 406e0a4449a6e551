"""The copy as the diagram shows it: a topic -> another, through Penstock's own tables and sinks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.names import COPY_OUTPUT, ROUTING_EVENTS
from penstock.deployables import Deployable
from penstock.flink.tables import Source, identifier, literal

if TYPE_CHECKING:
    from pyflink.table import StatementSet

    from penstock.flink.pipeline import Flow
    from penstock.settings import Settings

__all__ = ["DEPLOYABLE", "build"]

DEPLOYABLE = Deployable(name="flink_copy", module="benchmarks.peers.flink_copy")


def build(flow: Flow, settings: Settings) -> StatementSet:
    """Build the pipeline."""
    cluster = settings.kafka.external
    events = flow.read(Source(name="events", cluster=cluster, group=flow.group, topics=[ROUTING_EVENTS]))
    flow.environment.execute_sql(
        f"CREATE TEMPORARY VIEW copied AS"  # noqa: S608  our own names
        f" SELECT `key`, `value`, {literal(COPY_OUTPUT)} AS `topic`, `headers`, `timestamp` FROM {identifier(events)}"
    )
    return flow.deliver("copied", settings.flink.compression)
