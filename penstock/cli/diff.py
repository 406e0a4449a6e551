"""``penstock diff``: what a routing document changes, and which share of keys moves from which variant to which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli import differing
from penstock.cli.documents import document_path, written
from penstock.cli.options import format_option, with_settings
from penstock.cli.publishing import warn_of_models
from penstock.cli.records import json_line
from penstock.control import history
from penstock.routing.difference import Side, difference
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.settings import Settings

__all__ = ["diff"]


@click.command(
    epilog="""\b
Examples:
  penstock diff
  penstock diff my-routing.yaml --from-version 6
  penstock diff my-routing.yaml --against their-routing.yaml    # without Kafka

Parts are compared by their names; defaults that are written out are no difference. The share of keys that move is that
of all keys there could be: computed exactly, or, where that cannot be done (the split goes by something else than
before), found by hashing made-up keys. It says which. Weights of ramps are those of now.

Exit status: 0 done, different or not; 1 there is no document in force, or no such version; 2 wrong usage, settings or
routing document; 3 Kafka cannot be used."""
)
@click.argument("file", required=False, type=document_path)
@click.option(
    "--from-version", type=click.IntRange(min=1), help="Compare with this version instead of the one in force."
)
@click.option("--against", type=document_path, metavar="FILE", help="Compare with a file instead.")
@format_option
@with_settings
def diff(settings: Settings, *, file: Path | None, from_version: int | None, against: Path | None, layout: str) -> None:
    """Show what the routing document of FILE, or of the settings' routing_file, changes of the one in force."""
    if from_version is not None and against is not None:
        raise click.UsageError("--from-version and --against both say what to compare with: give one of them")
    prefix = settings.topics.prefix
    new = written(settings.routing_file if file is None else file, prefix)
    now = now_ms()
    if against is not None:
        other = written(against, prefix)
        name, old = other.name, Side(other.document, now)
    else:
        live = history.needed(settings) if from_version is None else history.version(settings, from_version)
        name, old = f"version {live.version}", Side(live.document, live.published_ms)
    found = difference(old, Side(new.document, now), now)
    if against is None:
        warn_of_models(settings, new.document)
    if layout == "json":
        click.echo(json_line({"from": name, "to": new.name, **differing.as_object(found)}))
        return
    click.echo(f"from {name} to {new.name}, version {new.document.version}\n")
    click.echo(differing.as_text(found))
