"""``penstock models list``: what is registered, which version is live, how workers stand, and who uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli.models import overview
from penstock.cli.models.arguments import RefParam
from penstock.cli.models.healing import heal
from penstock.cli.models.looking import look
from penstock.cli.options import format_option, with_settings
from penstock.cli.records import json_line
from penstock.control.models import ModelsTopic
from penstock.deployables import SCORING

if TYPE_CHECKING:
    from penstock.models.ref import ModelRef
    from penstock.settings import Settings

__all__ = ["list_"]


@click.command(
    name="list",
    epilog="""\b
Examples:
  penstock models list
  penstock models list iris-tree
  penstock models list --format json | jq -r 'select(.live) | .model'

LIVE says which version a bare name means; 'previous' is the one that answers until a worker has the live one ready.
WORKERS counts the workers of the job by the model's state in them: failed, loading, evicted (not in memory: loaded when
it is asked for) or ready. USED BY names routes, shadows and live versions that would miss it.

Exit status: 0 done, also where there are none; 1 there is no registry; 2 wrong usage or settings; 3 Kafka cannot be
used.""",
)
@click.argument("ref", required=False, type=RefParam(), metavar="[NAME]")
@click.option("--job", type=click.Choice(list(SCORING)), help="Only models of this job.")
@format_option
@with_settings
def list_(settings: Settings, *, ref: ModelRef | None, job: str | None, layout: str) -> None:
    """List the models: all versions of all, or those of NAME."""
    with ModelsTopic(settings) as topic:
        heal(topic)
    looked = look(settings)
    found = [
        line
        for line in overview.lines(looked.registry, looked.signs, looked.users, ref)
        if job in {None, line.descriptor.job}
    ]
    if layout == "json":
        for each in overview.as_objects(found):
            click.echo(json_line(each))
    elif found:
        click.echo(overview.as_text(found))
    else:
        of = "" if ref is None else f" of {str(ref)!r}"
        elsewhere = f"none{of} is registered, of {len(looked.registry)} in all; 'penstock models list' lists them"
        nowhere = "none is registered; 'penstock models add' adds one"
        click.echo(elsewhere if looked.registry else nowhere, err=True)
