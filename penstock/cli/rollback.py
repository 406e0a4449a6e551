"""``penstock rollback``: put what an earlier routing document says in force again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli import differing
from penstock.cli.options import format_option, with_settings
from penstock.cli.publishing import Change, leave, put_in_force, renumbered, timeout_option, warn_of_models
from penstock.control import history

if TYPE_CHECKING:
    from penstock.control.documents import LiveDocument
    from penstock.settings import Settings

__all__ = ["rollback"]


@click.command(
    epilog="""\b
Examples:
  penstock rollback
  penstock rollback 6 --dry-run

Versions only grow: what version 6 says is published as the version after the one in force. A rollback without VERSION
goes to the document that was in force before, so that a second one takes the first back. Ramps without a start begin
anew, when the document is published.

Exit status: 0 every live worker has it in force, 1 a worker rejected it, or there is no such version, 2 wrong usage or
settings, 3 Kafka cannot be used, 4 a worker did not answer in time."""
)
@click.argument("version", required=False, type=click.IntRange(min=1))
@click.option("--dry-run", is_flag=True, help="Show what it changes, and publish nothing.")
@timeout_option
@format_option
@with_settings
def rollback(settings: Settings, *, version: int | None, dry_run: bool, timeout_s: float | None, layout: str) -> None:
    """Put an earlier document in force again: that of VERSION, or the one before the one in force."""
    live, earlier = _both(settings, version)
    text, document = renumbered(earlier.text, live.version + 1, settings.topics.prefix)
    change = Change.of(text, document, live, layout)
    if change.for_people:
        click.echo(f"from version {live.version}, which is in force, to what version {earlier.version} says\n")
        if change.difference is not None:
            click.echo(f"{differing.as_text(change.difference)}\n")
    warn_of_models(settings, document)
    if dry_run:
        leave(change, "nothing was published")
    elif change.difference is not None and change.difference.same:
        leave(change, f"nothing was published: version {live.version} says what version {earlier.version} says")
    else:
        put_in_force(settings, change, timeout_s)


def _both(settings: Settings, version: int | None) -> tuple[LiveDocument, LiveDocument]:
    """Return the document in force, and the one to go back to."""
    live = history.needed(settings)
    if version is not None:
        return live, history.version(settings, version)
    taken = [entry.live for entry in history.history(settings) if entry.live is not None]
    earlier = [each for each in taken if each.version < live.version]
    if not earlier:
        raise click.ClickException(
            f"there is no document to go back to: version {live.version}, which is in force, is the oldest kept"
        )
    return live, earlier[-1]
