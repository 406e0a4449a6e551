"""``penstock apply``: put a routing document in force, and wait until every worker has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli import differing
from penstock.cli.documents import document_path, written
from penstock.cli.options import format_option, with_settings
from penstock.cli.publishing import Change, leave, put_in_force, renumbered, timeout_option, warn_of_models
from penstock.cli.tables import counted
from penstock.control import history

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.control.documents import LiveDocument
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["apply"]


@click.command(
    epilog="""\b
Examples:
  penstock apply
  penstock apply my-routing.yaml --dry-run
  penstock apply my-routing.yaml --bump --timeout 10
  penstock apply my-routing.yaml --format json | jq -r '.workers[] | select(.answer != "applied") | .worker'

Exit status: 0 every live worker has it in force, 1 a worker rejected it, or its version is not above the one in force,
2 wrong usage, settings or routing document, 3 Kafka cannot be used, 4 a worker did not answer in time."""
)
@click.argument("file", required=False, type=document_path)
@click.option("--dry-run", is_flag=True, help="Check it and show what it changes, and publish nothing.")
@click.option("--bump", is_flag=True, help="Publish it as the version after the one in force; the file stays as it is.")
@timeout_option
@format_option
@with_settings
def apply(
    settings: Settings, *, file: Path | None, dry_run: bool, bump: bool, timeout_s: float | None, layout: str
) -> None:
    """Put a routing document in force: the one of FILE, or of the settings' routing_file.

    It is checked, and what it changes is shown; the topics that it needs are made, and it is published; then each
    worker answers.
    """
    name, document, text = written(settings.routing_file if file is None else file, settings.topics.prefix)
    live = history.current(settings)
    if bump and live is not None:
        text, document = renumbered(text, live.version + 1, settings.topics.prefix)
    _refuse_stale(live, document)
    change = Change.of(text, document, live, layout)
    if change.for_people:
        click.echo(f"{_opening(change, name)}\n")
    warn_of_models(settings, document)
    if dry_run:
        leave(change, "nothing was published")
    elif bump and change.difference is not None and change.difference.same:
        leave(change, "nothing was published: it says what the one in force says")
    else:
        put_in_force(settings, change, timeout_s)


def _opening(change: Change, name: str) -> str:
    document, live = change.document, change.live
    if live is None or change.difference is None:
        return f"{name} is the first document: version {document.version}, {counted(len(document.routes), 'route')}"
    versions = f"from version {live.version}, which is in force, to {name}, version {document.version}"
    return f"{versions}\n\n{differing.as_text(change.difference)}"


def _refuse_stale(live: LiveDocument | None, document: RoutingDocument) -> None:
    """Refuse what no worker would take, before it is published."""
    if live is not None and document.version <= live.version and document != live.document:
        found = f"its version is {document.version}, expected more than {live.version}, which is in force"
        advice = f"raise it to {live.version + 1}, or let --bump do so"
        raise click.ClickException(f"the routing document was not published: {found}; {advice}")
