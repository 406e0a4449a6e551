"""``penstock models import-legacy``: carry out the add and delete messages of the predecessor's registry."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock import topics
from penstock.cli.documents import STDIN, document_path
from penstock.cli.exits import Exit
from penstock.cli.models.findings import finding_lines
from penstock.cli.models.looking import used
from penstock.cli.models.offers import DEFAULT_JOB, job_option
from penstock.cli.options import format_option, with_settings
from penstock.cli.records import json_line
from penstock.cli.tables import counted, table
from penstock.control import adding
from penstock.control.models import ModelsTopic
from penstock.errors import ControlTopicError, ModelError
from penstock.models.inspection import Checks
from penstock.models.intake import Offer, take
from penstock.models.legacy import Kind, operations
from penstock.models.store import shown_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from penstock.models.legacy import LegacyOperation
    from penstock.settings import Settings

__all__ = ["Step", "import_legacy", "steps", "superseded", "told"]


@click.command(
    epilog="""\b
Examples:
  penstock models import-legacy control-messages.jsonl --dry-run
  penstock models import-legacy control-messages.jsonl
  kafka-console-consumer.sh ... | penstock models import-legacy -

A message is {"name": "<uuid>", "version": 3, "path": "hdfs://...", "occurredOn": 1700000000000}: it adds a model; one
without a path deletes it. JSON lines or one JSON array. Events ask for these models by <uuid>_<version>. What is
registered already, and what a later message of the same file deletes, is left alone.

Exit status: 0 all done or left alone; 1 some failed, the others are done; 2 wrong usage, settings or file (nothing was
done); 3 Kafka cannot be used."""
)
@click.argument("file", type=document_path)
@job_option
@click.option("--no-copy", is_flag=True, help="Leave the files where they are; workers fetch them from there.")
@click.option("--lax", is_flag=True, help="Take files that stray from their format's schema.")
@click.option("--force", is_flag=True, help="Delete also what a route or a shadow names.")
@click.option("--dry-run", is_flag=True, help="Check the messages and the files, and change nothing.")
@format_option
@with_settings
def import_legacy(settings: Settings, *, file: Path, job: str | None, layout: str, **flags: Any) -> None:
    """Carry out the messages of FILE (- for standard input), in their order."""
    wanted = operations(_text(file))
    if not flags["dry_run"]:
        topics.ensure(settings.kafka.internal_cluster, topics.internal_topics(settings))
    with ModelsTopic(settings) as topic:
        done = told(steps(wanted, _Import(settings, topic, job or DEFAULT_JOB, **flags)), layout)
    failed = sum(step.failed for step in done)
    if failed:
        click.echo(f"{counted(failed, 'message')} failed of {len(done):,}", err=True)
        raise click.exceptions.Exit(Exit.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of one message."""

    ref: str
    kind: str
    failed: bool = False
    said: str


def told(steps: Iterable[Step], layout: str) -> list[Step]:
    """Carry messages out, and tell what came of each: of those that were done, too, where a fault ends the command."""
    done: list[Step] = []
    try:
        for step in steps:
            done.append(step)
            if layout == "json":
                click.echo(json_line(asdict(step)))
    finally:
        if done and layout == "text":
            rows = [(step.ref, step.kind, "FAILED" if step.failed else "ok", step.said) for step in done]
            click.echo(table(("model", "message", "outcome", "detail"), rows))
    if not done and layout == "text":
        click.echo("no messages")
    return done


@dataclass(frozen=True, slots=True)
class _Import:
    """One run."""

    settings: Settings
    topic: ModelsTopic
    job: str
    no_copy: bool
    lax: bool
    force: bool
    dry_run: bool

    def __call__(self, each: LegacyOperation) -> str:
        """Carry a message out; returns what came of it."""
        return self._add(each) if each.kind is Kind.ADD else self._delete(each)

    def _add(self, each: LegacyOperation) -> str:
        if self.topic.registry.get(each.ref) is not None:
            return "left alone: it is registered already"
        with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
            offer = Offer(ref=each.ref, job=self.job, source=each.path or "")
            checks = Checks.of(self.settings, self.job, lax=self.lax)
            intake = take(offer, adding.store_of(self.settings), Path(folder), checks)
            for line in finding_lines(each.path or "", intake.findings):
                click.echo(line, err=True)
            intake.require()
            if self.dry_run:
                adding.as_registered(self.settings, intake, copy=not self.no_copy)
                return "would be registered"
            added = adding.add(self.settings, self.topic, intake, copy=not self.no_copy)
            return f"registered; its file is at {shown_uri(added.descriptor.file.uri)}"

    def _delete(self, each: LegacyOperation) -> str:
        registry = self.topic.registry
        if registry.get(each.ref) is None:
            return "left alone: it is not registered"
        # The predecessor had no bare names: that one means this version keeps nobody from deleting it.
        adding.refuse_in_use(each.ref, used(self.settings, registry, live=False), force=self.force)
        if self.dry_run:
            return "would be deleted"
        adding.remove(self.topic, each.ref)
        return "deleted"


def steps(wanted: Sequence[LegacyOperation], carry_out: Callable[[LegacyOperation], str]) -> Iterator[Step]:
    """Carry messages out, one after the other; one that fails stops none of the others."""
    left_out = superseded(wanted)
    for number, each in enumerate(wanted):
        ref, kind = str(each.ref), each.kind.value
        try:
            said = left_out.get(number) or carry_out(each)
        except (ModelError, ControlTopicError) as error:  # the latter of a descriptor that is too long
            yield Step(ref=ref, kind=kind, failed=True, said=str(error))
        else:
            yield Step(ref=ref, kind=kind, said=said)


def superseded(wanted: Sequence[LegacyOperation]) -> dict[int, str]:
    """Tell which messages are not worth carrying out, by their places: their files may be long gone."""
    found: dict[int, str] = {}
    added: dict[Any, int] = {}
    for number, each in enumerate(wanted):
        if each.kind is Kind.ADD:
            added.setdefault(each.ref, number)
        elif each.ref in added:
            found[added.pop(each.ref)] = f"left out: message {number + 1} deletes it"
    return found


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if file == STDIN else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise click.ClickException(f"the file {str(file)!r} cannot be read: {error}") from error
