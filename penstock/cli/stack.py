"""``penstock up``, ``down`` and ``status``: the embedded stack from the command line."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from penstock.cli import standing
from penstock.cli.exits import Exit
from penstock.cli.options import format_option, state_dir_option, with_settings, with_settings_or_kept
from penstock.deployables import SCORING, chosen
from penstock.local import engines, report, stack, workers
from penstock.local.layout import Layout
from penstock.local.waiting import Reporter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.control.standing import Standing
    from penstock.deployables import Deployable
    from penstock.settings import Settings

__all__ = ["down", "status", "up"]


def _jobs(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[Deployable, ...]:
    """Return what runs for a choice of scoring jobs, or for those that can run here."""
    words = [word for text in given for word in text.split(",")] or engines.installed()
    for word in words:
        if word not in SCORING:
            raise click.BadParameter(f"there is no job {word!r}; there are {', '.join(SCORING)}")
    return chosen(dict.fromkeys(words))


@click.command(
    epilog="""\b
Examples:
  penstock up
  penstock up --no-demo --jobs pmml
  penstock up --jobs pmml,service
  penstock up --bootstrap-servers broker-1:9092,broker-2:9092

Exit status: 0 everything runs, 1 a model is registered with other bytes, 2 wrong settings, routing document or model
(what runs is left alone after both), 3 your Kafka cannot be used, 5 this machine lacks something (nothing was started),
6 a step failed (what was started keeps running; 'penstock down' ends it)."""
)
@click.option(
    "--demo/--no-demo",
    default=None,
    help="Also write events of the demo, of each kind that a chosen job scores, at the rate that the settings say; "
    "--no-demo ends a demo that runs.  "
    "[default: --demo, but not on a Kafka of yours]",
)
@click.option(
    "--jobs",
    "chosen_jobs",
    multiple=True,
    callback=_jobs,
    metavar="JOB,...",
    help=f"Scoring jobs to run between the adapters, of {', '.join(SCORING)}; repeatable.  "
    "[default: those whose packages are installed]",
)
@click.option("--no-jobs", is_flag=True, help="Kafka, its topics and Flink only: no adapters, no jobs, no demo.")
@state_dir_option
@with_settings
def up(settings: Settings, *, demo: bool | None, chosen_jobs: tuple[Deployable, ...], no_jobs: bool) -> None:
    """Start Kafka, Flink, the jobs and the demo on this machine.

    What runs already is left alone, so that this can be run again at any time. Kafka is not started where the settings
    or --bootstrap-servers name one of yours.
    """
    if no_jobs and click.get_current_context().get_parameter_source("chosen_jobs") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--jobs and --no-jobs contradict each other: leave one of them out")
    choice = stack.Choice(jobs=() if no_jobs else chosen_jobs, demo=demo)
    stack.up(settings, choice, Reporter())
    click.echo(_closing(settings, scores=bool(choice.jobs)))


@click.command(
    epilog="""\b
Examples:
  penstock down
  penstock down --purge

Exit status: 0 nothing of the stack runs any more, 1 there is no stack at this place."""
)
@click.option("--purge", is_flag=True, help="Also delete its data: topics, checkpoints, logs.")
@state_dir_option
@with_settings_or_kept
def down(settings: Settings, *, purge: bool) -> None:
    """Stop what 'up' started; its data stays.

    Settings that are wrong by now do not keep a stack from being stopped: it goes by those that it was started with.
    """
    if not stack.present(settings):
        place = str(settings.local.state_dir)
        raise click.ClickException(f"no stack at {place!r}: run this in its checkout, or name its folder: --state-dir")
    count = stack.down(settings, Reporter(), purge=purge)
    click.echo(f"ended {count} processes" if count else "nothing ran")


@click.command(
    epilog="""\b
Examples:
  penstock status
  penstock status --format json

Exit status: 0 healthy, 1 not."""
)
@format_option
@state_dir_option
@with_settings
def status(settings: Settings, *, layout: str) -> None:
    """Show what of the stack runs and where: processes, ports, jobs, versions, addresses.

    And how the routing document stands: which version each live worker has in force, how old its last sign of life is
    (AGE), how many messages of the routing topic it has not answered (LAG), and the weights of this moment.
    """
    running = stack.running_settings(settings)
    found = report.look(running)
    routing = standing.look(running) if found.processes else None
    if routing is not None:
        faults = [*found.faults, *routing.faults, *_idle(found, routing)]
        found = replace(found, healthy=not faults, faults=faults)
    if layout == "json":
        routed = None if routing is None else standing.as_object(routing)
        click.echo(json.dumps({**found.as_dict(), "routing": routed}, indent=2))
    else:
        click.echo(report.text(found, None if routing is None else standing.as_text(routing)))
    if not found.healthy:
        raise click.exceptions.Exit(Exit.FAILED)


def _idle(found: report.Report, routing: Standing) -> Iterator[str]:
    """Say which jobs have tasks that run but workers that are not ready."""
    jobs = {item.name: item.job_name for item in chosen(SCORING)}
    totals = {job.name: job.total for job in found.jobs if job.healthy}
    tasks = {name: totals[job_name] for name, job_name in jobs.items() if job_name in totals}
    alive = {process.name for process in found.processes if process.pid}
    tasks |= {each.name: 1 for name, each in engines.DEPLOYABLES.items() if name in alive}
    for name, count in workers.missing(tasks, workers.present(routing.workers)).items():
        yield f"the job {jobs[name]!r} has {count} workers ready: the others may be on their way, or see its log"


def _closing(settings: Settings, *, scores: bool) -> str:
    context = click.get_current_context()
    flags_given = any(
        context.get_parameter_source(name) is not ParameterSource.DEFAULT
        for name in ("settings_file", "bootstrap_servers", "state_dir")
    )
    flags = f" --settings {shlex.quote(str(Layout.of(settings).settings_file))}" if flags_given else ""
    see_results = f"See results:  .venv/bin/penstock tail{flags}\n" if scores else ""
    return f"""
Flink   {settings.flink.rest_url}
Kafka   {settings.kafka.external.bootstrap_servers}

{see_results}See health:   .venv/bin/penstock status{flags}
Stop:         scripts/stop.sh
On your path: export PATH="{settings.project_dir}/.venv/bin:$PATH\""""
