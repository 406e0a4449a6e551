"""``penstock topics``: which topics there are, how much is in them and what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock import kafka
from penstock.cli.documents import known as known_document
from penstock.cli.inventory import OTHER, Facts, Item, inventory_table, purposes
from penstock.cli.options import format_option, with_settings
from penstock.cli.reading import Reader
from penstock.cli.records import json_line
from penstock.cli.whereabouts import cluster_of, is_internal
from penstock.errors import RoutingDocumentError

if TYPE_CHECKING:
    from collections.abc import Collection

    from penstock.clusters import ClusterSettings
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["topics"]

_FOR_EVER = -1


@click.command(
    epilog="""\b
Examples:
  penstock topics
  penstock topics --all
  penstock topics --format json | jq -r 'select(.exists | not) | .topic'

MESSAGES counts offsets from the oldest record to the end; a compacted topic may hold fewer records. JSON is one
object a line: topic, cluster, exists, partitions, messages, retention_ms (-1: for ever), cleanup, purpose.

Exit status: 0 done, also where topics are missing; 2 wrong usage or settings; 3 Kafka cannot be used."""
)
@click.option("--all", "everything", is_flag=True, help="Also topics that are not in the routing document.")
@format_option
@with_settings
def topics(settings: Settings, *, everything: bool, layout: str) -> None:
    """List Penstock's topics and those of the routing document in force; where none is, of the settings' routing_file.

    Which one it is is said on standard error.
    """
    known = purposes(_document(settings), settings.topics.prefix)
    facts: dict[str, Facts] = {}
    for cluster in dict.fromkeys((settings.kafka.external, settings.kafka.internal_cluster)):
        facts |= _facts(settings, cluster)
    names = [*known, *(sorted(facts.keys() - known.keys()) if everything else ())]
    items = [
        Item(
            name=name,
            cluster="internal" if is_internal(settings, name) else "external",
            purpose=known.get(name, OTHER),
            facts=facts.get(name),
        )
        for name in names
    ]
    if layout == "text":
        click.echo(inventory_table(items))
    else:
        for item in items:
            click.echo(json_line(item.as_object()))


def _document(settings: Settings) -> RoutingDocument | None:
    try:
        document, found, _ = known_document(settings)
    except RoutingDocumentError as error:
        click.echo(f"the users' topics are left out: {error}", err=True)
        return None
    click.echo(f"routing document: version {document.version}, {found}", err=True)
    return document


def _facts(settings: Settings, cluster: ClusterSettings) -> dict[str, Facts]:
    """What a cluster says of the topics that belong to it."""
    with Reader(cluster) as reader:
        names = sorted(name for name in reader.topics() if cluster_of(settings, name) == cluster)
        partitions = reader.partitions(names)
        begins, ends = reader.begins(partitions), reader.ends(partitions)
    configs = _configs(cluster, names)
    return {
        name: Facts(
            partitions=sum(at.topic == name for at in partitions),
            messages=sum(ends[at] - begins[at] for at in partitions if at.topic == name),
            retention_ms=int(configs[name].get("retention.ms", _FOR_EVER)),
            cleanup=configs[name].get("cleanup.policy", ""),
        )
        for name in names
    }


def _configs(cluster: ClusterSettings, names: Collection[str]) -> dict[str, dict[str, str]]:
    """Clean-up and retention of topics."""
    client = kafka.admin(cluster)
    try:
        with kafka.reaching(cluster):
            return kafka.topic_configs(client, names, ["cleanup.policy", "retention.ms"])
    finally:
        client.close()
