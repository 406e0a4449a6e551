"""``penstock apply``: put a routing document in force, and wait until every worker has answered."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock import topics
from penstock.cli.exits import Exit
from penstock.cli.options import with_settings
from penstock.cli.tables import table
from penstock.control import history, watching
from penstock.control.publisher import publish
from penstock.routing.document import load

if TYPE_CHECKING:
    from penstock.control.status import WorkerState
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["apply"]


@click.command(
    epilog="""\b
Examples:
  penstock apply
  penstock apply my-routing.yaml --timeout 10

Exit status: 0 every live worker has it in force, 1 a worker rejected it, or its version is not above the one in force,
2 wrong usage, settings or routing document, 3 Kafka cannot be used, 4 a worker did not answer in time."""
)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--timeout", "timeout_s", type=float, help="Seconds to wait for answers.  [control.apply_timeout_ms]")
@with_settings
def apply(settings: Settings, *, file: Path | None, timeout_s: float | None) -> None:
    """Put a routing document in force: the one of FILE, or of the settings' routing_file.

    It is checked, the topics that it needs are made, and it is published; then each worker answers.
    """
    path = settings.routing_file if file is None else file
    document = load(path, prefix=settings.topics.prefix)
    before = _above_current(settings, document)
    plan = topics.topics_for(document, settings)
    topics.ensure(settings.kafka.external, plan.external)
    topics.ensure(settings.kafka.internal_cluster, plan.internal)
    patience_s = settings.control.apply_timeout_ms / 1000 if timeout_s is None else timeout_s
    with watching.Watch(settings) as watch:
        published = publish(settings, path.read_text(encoding="utf-8"))
        answered = watch.answered(published.offset, patience_s)
        states = watch.workers.live(time.time_ns() // 1_000_000)
    click.echo(_table(states, published.offset) if states else "no worker is at work; the next one begins with it")
    if before is not None and _sources(before) != _sources(document):
        click.echo("its sources are others: 'penstock up' submits the input adapter again, which then reads them")
    if not answered:
        raise click.exceptions.Exit(Exit.TIMED_OUT)
    if any(state.sign.version != document.version for state in states):
        raise click.exceptions.Exit(Exit.FAILED)


def _above_current(settings: Settings, document: RoutingDocument) -> RoutingDocument | None:
    """Return the document in force; one that no worker would take is not published at all."""
    live = history.current(settings)
    if live is None:
        return None
    if document.version <= live.version and document != live.document:
        found = f"its version is {document.version}, expected more than {live.version}, which is in force"
        raise click.ClickException(f"the routing document was not published: {found}; raise it to {live.version + 1}")
    return live.document


def _sources(document: RoutingDocument) -> list[str]:
    return [source.topic for source in document.sources]


def _table(states: list[WorkerState], offset: int) -> str:
    rows = [
        (
            state.sign.worker,
            state.sign.version,
            state.sign.verdict if state.answers(offset) else "no answer",
            "; ".join(state.sign.reasons) or None,
        )
        for state in states
    ]
    return table(("worker", "version", "answer", "reasons"), rows)
