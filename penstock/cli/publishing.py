"""Putting a document in force from the command line: topics, message, answers, table, exit status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import click

from penstock import topics
from penstock.cli import differing
from penstock.cli.exits import Exit
from penstock.cli.readiness import lacking
from penstock.cli.records import json_line
from penstock.cli.tables import few, table
from penstock.control import watching
from penstock.control.publisher import publish
from penstock.errors import ControlTopicError
from penstock.routing.difference import Difference, Side, difference
from penstock.routing.positions import examine, with_version
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.control.documents import LiveDocument
    from penstock.control.status import WorkerState
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = [
    "Change",
    "answers",
    "answers_as_objects",
    "leave",
    "put_in_force",
    "renumbered",
    "timeout_option",
    "warn_of_models",
]

timeout_option: Callable[..., click.Command] = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long to wait for answers.  [default: control.apply_timeout_ms of the settings]",
)


def renumbered(text: str, version: int, prefix: str) -> tuple[str, RoutingDocument]:
    """Return a sound document with another version; raises `RoutingDocumentError` where that cannot be done."""
    changed = with_version(text, version)
    document, faults = examine(changed, prefix)
    if document is None:
        raise click.ClickException(f"the document with version {version} has faults: {'; '.join(map(str, faults))}")
    return changed, document


@dataclass(frozen=True, slots=True)
class Change:
    """A document that is to be put in force, beside the one that is, and how the command shows that."""

    text: str
    document: RoutingDocument
    live: LiveDocument | None
    difference: Difference | None
    """None: it is the first document."""
    layout: str

    @classmethod
    def of(cls, text: str, document: RoutingDocument, live: LiveDocument | None, layout: str) -> Self:
        """Compare a document with the one in force, where there is one."""
        if live is None:
            return cls(text, document, live, None, layout)
        now = now_ms()
        found = difference(Side(live.document, live.published_ms), Side(document, now), now)
        return cls(text, document, live, found, layout)

    @property
    def for_people(self) -> bool:
        """Whether it is shown as text."""
        return self.layout == "text"

    def as_object(self) -> dict[str, object]:
        """Return it for JSON; for the first document, what it changes is null."""
        found: dict[str, object] = {"changes": None, "moves": None}
        if self.difference is not None:
            found = differing.as_object(self.difference)
        return {"version": self.document.version, "from": self.live and self.live.version, **found}


def warn_of_models(settings: Settings, document: RoutingDocument) -> None:
    """Tell of models that are not registered, or that workers do not have ready. No reason to refuse: they may come."""
    try:
        found = lacking(settings, document)
    except ControlTopicError as error:
        found = [f"the document's models were not looked for: {error}"]
    for text in found:
        click.echo(f"warning: {text}", err=True)


def leave(change: Change, why: str) -> None:
    """Say that nothing was published, and why."""
    if change.for_people:
        click.echo(why)
    else:
        click.echo(json_line({"published": False, **change.as_object(), "offset": None, "workers": []}))


def put_in_force(settings: Settings, change: Change, timeout_s: float | None) -> None:
    """Make the document's topics, publish it, wait for every worker's answer and show them.

    Ends the command where a worker rejected it (status 1) or did not answer in time (status 4).
    """
    document, live = change.document, change.live
    plan = topics.topics_for(document, settings)
    topics.ensure(settings.kafka.external, plan.external)
    topics.ensure(settings.kafka.internal_cluster, plan.internal)
    patience_s = settings.control.apply_timeout_ms / 1000 if timeout_s is None else timeout_s
    with watching.Watch(settings) as watch:
        published = publish(settings, change.text)
        answered = watch.answered(published.offset, patience_s)
        states = watch.workers.live(now_ms())
    if change.for_people:
        none = "no worker is at work; the next one begins with it"
        click.echo(answers(states, published.offset) if states else none)
    else:
        workers = answers_as_objects(states, published.offset)
        found = {"published": True, **change.as_object(), "offset": published.offset, "workers": workers}
        click.echo(json_line(found))
    if live is not None and _sources(live.document) != _sources(document):
        said = "its sources are others: 'penstock up' submits the input adapter again, which then reads them"
        click.echo(said, err=not change.for_people)
    if not answered:
        click.echo(f"published as version {document.version}, but not all workers answered in time", err=True)
        raise click.exceptions.Exit(Exit.TIMED_OUT)
    if any(state.sign.version != document.version for state in states):
        raise click.exceptions.Exit(Exit.FAILED)


def answers(states: Sequence[WorkerState], offset: int) -> str:
    """Lay out what workers answered to the routing topic's message at an offset."""
    rows = [
        (state.sign.worker, state.sign.version, state.sign.verdict, few(state.sign.reasons))
        if state.answers(offset)
        else (state.sign.worker, state.sign.version, "no answer", None)  # its reasons are those of an earlier message
        for state in states
    ]
    return table(("worker", "version", "answer", "reasons"), rows)


def answers_as_objects(states: Sequence[WorkerState], offset: int) -> list[dict[str, object]]:
    """Return the same for JSON; the answer of a worker that gave none is null."""
    return [
        {
            "worker": state.sign.worker,
            "version": state.sign.version,
            "answer": str(state.sign.verdict) if state.answers(offset) else None,
            "reasons": list(state.sign.reasons) if state.answers(offset) else [],
        }
        for state in states
    ]


def _sources(document: RoutingDocument) -> set[str]:
    return {source.topic for source in document.sources}
