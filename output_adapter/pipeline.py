"""The output adapter as the diagram shows it: results -> rendered -> users' topics, dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from output_adapter.operators import RenderResults
from output_adapter.renderer import HEADERS
from penstock import topics
from penstock.deployables import OUTPUT_ADAPTER
from penstock.flink.pipeline import SIZE_COLUMN, Flow, texts
from penstock.flink.tables import Source

if TYPE_CHECKING:
    from pyflink.table import StatementSet

    from penstock.settings import Settings

__all__ = ["DEPLOYABLE", "build"]

DEPLOYABLE = OUTPUT_ADAPTER


def build(flow: Flow, settings: Settings) -> StatementSet:
    """Build the pipeline."""
    results = flow.read(
        Source(
            name="results",
            cluster=settings.kafka.internal_cluster,
            group=flow.group,
            topics=[topics.results(settings.topics.prefix)],
        )
    )
    columns = ["`value`", SIZE_COLUMN, texts(*HEADERS)]
    rendered = flow.apply(results, "render", RenderResults.of(settings), columns)
    return flow.deliver(rendered, settings.flink.output_compression)
