"""``penstock history``: the routing documents that were published, good and bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli.options import format_option, with_settings
from penstock.cli.records import json_bytes, json_line, rfc3339
from penstock.cli.tables import counted, few, table
from penstock.control import history as documents
from penstock.control.messages import VerdictKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.control.history import Entry
    from penstock.settings import Settings

__all__ = ["history"]

_IN_FORCE = "in force"


@click.command(
    epilog="""\b
Examples:
  penstock history
  penstock history --count 5 --format json
  penstock history --show 7 > version-7.yaml

The topic keeps all documents for topics.retention_ms (7 days) at least, and the newest good one for ever.

Exit status: 0 done, 1 there is no such version or no control topic, 2 wrong usage, 3 Kafka cannot be used."""
)
@click.option("--count", type=click.IntRange(min=1), default=20, show_default=True, help="The newest so many.")
@click.option("--show", "shown", type=click.IntRange(min=1), metavar="VERSION", help="The text of this version.")
@format_option
@with_settings
def history(settings: Settings, *, count: int, shown: int | None, layout: str) -> None:
    """List the routing documents that were published, the newest last, and what became of each by what it says.

    Whether each worker could use the one in force is told by 'penstock status'.
    """
    if shown is not None:
        click.echo(documents.version(settings, shown).text, nl=False)
        return
    entries = documents.history(settings)
    newest = max((entry.message.offset for entry in entries if entry.live is not None), default=None)
    kept = entries[-count:]
    if layout == "json":
        for entry in kept:
            click.echo(json_line(_object(entry, in_force=entry.message.offset == newest)))
    else:
        click.echo(_table(kept, newest) if kept else "no document was published; 'penstock apply' publishes one")


def _table(entries: Sequence[Entry], newest: int | None) -> str:
    rows = [
        (
            entry.message.offset,
            rfc3339(entry.message.published_ms),
            None if entry.verdict.version is None else str(entry.verdict.version),
            _IN_FORCE if entry.message.offset == newest else _word(entry),
            counted(len(entry.live.document.routes), "route") if entry.live else few(entry.verdict.reasons),
        )
        for entry in entries
    ]
    return table(("offset", "published", "version", "what became of it", "holds, or why not"), rows)


def _word(entry: Entry) -> str:
    return "replaced" if entry.verdict.kind is VerdictKind.APPLIED else entry.verdict.kind.value


def _object(entry: Entry, *, in_force: bool) -> dict[str, object]:
    return {
        "offset": entry.message.offset,
        "published": rfc3339(entry.message.published_ms),
        "key": json_bytes(entry.message.key),
        "version": entry.verdict.version,
        "verdict": entry.verdict.kind.value,
        "in_force": in_force,
        "reasons": list(entry.verdict.reasons),
        "routes": len(entry.live.document.routes) if entry.live else None,
    }
