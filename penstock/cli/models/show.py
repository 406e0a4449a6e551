"""``penstock models show``: all that is known of one version of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli.models import detail
from penstock.cli.models.arguments import RefParam, found
from penstock.cli.models.looking import look
from penstock.cli.options import format_option, with_settings
from penstock.cli.records import json_line

if TYPE_CHECKING:
    from penstock.models.ref import ModelRef
    from penstock.settings import Settings

__all__ = ["show"]


@click.command(
    epilog="""\b
Examples:
  penstock models show iris-tree        # the live version
  penstock models show iris-tree:1
  penstock models show iris-tree:1 --format json | jq .descriptor.inputs

Exit status: 0 shown, 1 it is not registered, 2 wrong usage or settings, 3 Kafka cannot be used."""
)
@click.argument("ref", type=RefParam())
@format_option
@with_settings
def show(settings: Settings, *, ref: ModelRef, layout: str) -> None:
    """Show REF, NAME:VERSION or a bare NAME for the live version: what goes in and comes out, users, workers."""
    looked = look(settings)
    descriptor = found(looked.registry, ref)
    users = looked.users.get(descriptor.ref, ())
    if layout == "json":
        click.echo(json_line(detail.as_object(descriptor, users, looked.signs)))
    else:
        click.echo(detail.as_text(descriptor, users, looked.signs))
