"""``penstock models add``: check a model's file, keep it, register it, and wait until the workers have it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock import topics
from penstock.cli.exits import Exit
from penstock.cli.models.answers import answers, answers_as_objects, outcome
from penstock.cli.models.findings import finding_lines, findings_as_objects, summary
from penstock.cli.models.healing import heal
from penstock.cli.models.offers import offering
from penstock.cli.options import format_option, with_settings
from penstock.cli.progress import telling
from penstock.cli.publishing import timeout_option
from penstock.cli.records import json_line
from penstock.cli.tables import counted
from penstock.control import adding
from penstock.control.models import ModelsTopic
from penstock.control.watching import ModelWatch
from penstock.models.inspection import Checks
from penstock.models.intake import take
from penstock.models.store import shown_uri

if TYPE_CHECKING:
    from penstock.control.adding import Added
    from penstock.models.intake import Intake, Offer
    from penstock.settings import Settings

__all__ = ["add"]

#: What takes its time, by job.
_CHECKING = {
    "pmml": "getting the file and trying the model in Java",
    "spark": "getting the file and trying the pipeline with Spark, which takes half a minute to start",
    "service": "getting the file, or asking its server for the model",
}


@click.command(
    epilog="""\b
Examples:
  penstock models add model.pmml --name iris-tree --version 2
  penstock models add s3://bucket/model.pmml --name iris-tree --version 2 --live
  penstock models add --descriptor models/iris-tree/1/descriptor.yaml
  penstock models add saved/ --job spark --name sentiment --version 1
  penstock models add --server default --remote-model digits --label stable --name digits --version 1
  penstock models add model.pmml --name iris-tree --version 2 --dry-run    # without Kafka

The first version of a name is live at once. A version is immutable: the same bytes once more change nothing, others are
refused. A fault is FILE:LINE:COLUMN: element: rule; what was found; what to do.

Exit status: 0 every live worker has it, or there is none; 1 the version is registered with other bytes, or a worker
cannot load it; 2 a refused file, wrong usage or settings; 3 Kafka or the store cannot be used; 4 a worker did not
answer in time."""
)
@offering
@click.option("--live", is_flag=True, help="Let the bare name mean this version.")
@click.option("--no-copy", is_flag=True, help="Leave the file where it is; workers fetch it from there.")
@click.option("--lax", is_flag=True, help="Take a file that strays from its format's schema, with warnings.")
@click.option("--dry-run", is_flag=True, help="Check the file and register nothing; Kafka is not asked.")
@timeout_option
@format_option
@with_settings
def add(settings: Settings, *, offer: Offer, timeout_s: float | None, layout: str, **flags: Any) -> None:
    """Register the model of FILE, a path or a URI (file://, s3://, gs://, hdfs://, http://), or of a folder.

    A folder, as Spark and TensorFlow save their models, is packed into one file first. A model that its server has
    already has no FILE: --server says which, and what the server calls it.

    It is checked first, against all rules at once: can it be read, is each of its parts one that the engine scores
    rightly, does the engine load it, does a sample give every output? Then its file is copied to the store of the
    settings (models.store), it is registered, and each live worker of its job loads it while events flow.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        checks = Checks.of(settings, offer.job, lax=flags["lax"])
        with telling(f"{offer.ref}: {_CHECKING[offer.job]}"):
            intake = take(offer, adding.store_of(settings), Path(folder), checks)
        _tell(intake, offer.source or str(offer.ref), layout)
        if flags["no_copy"] and intake.packed:
            raise click.UsageError("--no-copy is for files: a folder is packed, and the packed one has to be kept")
        if flags["dry_run"]:
            adding.as_registered(settings, intake, copy=not flags["no_copy"])
            _end(layout, {"registered": False, **_checked(intake)}, "nothing was registered")
            return
        topics.ensure(settings.kafka.internal_cluster, topics.internal_topics(settings))
        with ModelsTopic(settings) as topic, ModelWatch(settings) as watch:
            heal(topic)
            added = adding.add(settings, topic, intake, live=flags["live"], copy=not flags["no_copy"])
            if layout == "text":
                click.echo(_said(added))  # it is so, whatever the wait comes to
            live = topic.registry.live(offer.ref.name) == offer.ref
            offset = -1 if added.offset is None else added.offset
            patience_s = settings.control.apply_timeout_ms / 1000 if timeout_s is None else timeout_s
            with telling(f"{offer.ref}: waiting for the workers of job {offer.job}"):
                states = watch.loaded(offer.ref, offset, offer.job, patience_s)
    found = {"registered": added.registered is not None, "uri": added.descriptor.uri, **_checked(intake)}
    _end(layout, {**found, "live": live, "workers": answers_as_objects(states)}, answers(states, offer.job))
    status = outcome(states)
    if status is Exit.TIMED_OUT:
        click.echo("it is registered, but not all workers had it ready in time: see 'penstock models status'", err=True)
    if status is not Exit.OK:
        raise click.exceptions.Exit(status)


def _tell(intake: Intake, source: str, layout: str) -> None:
    """Show what the check found; ends the command where the file is refused."""
    faults = len(intake.faults)
    if layout == "text":
        for line in finding_lines(source, intake.findings):
            click.echo(line, err=True)
        if not faults:
            click.echo(summary(intake.descriptor))
    elif faults:
        click.echo(json_line({"registered": False, **_checked(intake)}))
    if faults:
        click.echo(f"{intake.descriptor.ref} was not registered: {counted(faults, 'fault')}", err=True)
        raise click.exceptions.Exit(Exit.USAGE)


def _checked(intake: Intake) -> dict[str, object]:
    return {
        "model": str(intake.descriptor.ref),
        "sha256": intake.descriptor.sha256,
        "findings": findings_as_objects(intake.findings),
    }


def _said(added: Added) -> str:
    ref, name = added.descriptor.ref, added.descriptor.name
    place = shown_uri(added.descriptor.uri) if added.descriptor.uri else "its server"
    if added.registered is None:
        said = f"{ref} is registered already, with these bytes, at {place}"
    else:
        said = f"registered; its file is at {place}" if added.descriptor.has_file else "registered; it is at its server"
    if added.kept:
        said += f"\n{', '.join(added.kept)}: what is registered stays; a version does not change"
    if added.pointed is not None:
        return f"{said}\n{name!r} means version {ref.version} now"
    return said


def _end(layout: str, found: dict[str, object], said: str) -> None:
    click.echo(json_line(found) if layout == "json" else said)
