"""What every deployable's entry point does: read the settings, build the pipeline, submit it, say its job id.

Run as a program (``python -m penstock.flink.submit MODULE ...``) it does so for several deployables: one Java client
that has compiled its planner serves them all, which takes half the time.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from penstock import logs, settings
from penstock.control.history import source_topics
from penstock.deployables import SUBMITTED
from penstock.errors import PenstockError
from penstock.flink import environment
from penstock.flink.pipeline import Flow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflink.table import StatementSet

    from penstock.deployables import Deployable
    from penstock.settings import Settings

__all__ = ["Build", "main", "submit"]

_SETTINGS = click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path), help="Settings file [config/penstock.yaml]."
)
_WHEEL = click.option(
    "--wheel",
    type=click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True),
    required=True,
    help="Penstock's wheel, which the workers run.",
)


class Build(Protocol):
    """A deployable's pipeline."""

    def __call__(self, flow: Flow, settings: Settings) -> StatementSet:
        """Build it; what it returns is one job."""


def main(deployable: Deployable, build: Build) -> None:
    """Run a deployable's command line: submit its job to the cluster that the settings name, and leave it there."""

    @click.command(
        help=f"Submit the job {deployable.job_name!r} to the Flink cluster that the settings name, and print its id."
        "\n\n"
        "The cluster needs the jars that pom.xml makes on its class path; workers run the code of the wheel.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    @_SETTINGS
    @_WHEEL
    def command(settings_file: Path | None, wheel: Path) -> None:
        try:
            loaded = settings.load(settings_file)
            click.echo(submit(deployable, build, loaded, wheel, source_topics(loaded)))
        except PenstockError as error:
            raise click.ClickException(str(error)) from error

    command(prog_name=f"{Path(sys.argv[0]).parent.name}")


def submit(deployable: Deployable, build: Build, loaded: Settings, wheel: Path, sources: Sequence[str]) -> str:
    """Submit a job in detached mode; ``sources`` are the topics that the input adapter reads.

    Returns:
        Its id on the cluster.
    """
    logs.configure(loaded.logs.level, loaded.logs.layout)
    options = {**environment.configuration(loaded, deployable.job_name), **environment.on_cluster(loaded, wheel)}
    flow = Flow(environment=environment.create(options), settings=loaded, deployable=deployable, sources=tuple(sources))
    client = build(flow, loaded).execute().get_job_client()
    if client is None:
        msg = f"the cluster gave no client for the job {deployable.job_name!r}"
        raise RuntimeError(msg)
    return str(client.get_job_id())


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("modules", nargs=-1, required=True)
@_SETTINGS
@_WHEEL
def several(modules: tuple[str, ...], settings_file: Path | None, wheel: Path) -> None:
    """Submit the jobs of several deployables, given as modules: input_adapter jobs.pmml_job.

    Exit status 1: at least one was not accepted; the others were submitted all the same.
    """
    try:
        loaded = settings.load(settings_file)
        sources = source_topics(loaded)
    except PenstockError as error:
        raise click.ClickException(str(error)) from error
    refused = []
    for module in modules:
        try:
            pipeline = importlib.import_module(f"{module}.pipeline")
            job_id = submit(pipeline.DEPLOYABLE, pipeline.build, loaded, wheel, sources)
        except Exception:  # noqa: BLE001 the command line's boundary: one job that is refused must not keep out the rest
            traceback.print_exc()
            refused.append(module)
        else:
            click.echo(f"{SUBMITTED} {module} {job_id}")
    if refused:
        raise click.ClickException(f"not accepted: {', '.join(refused)}")


if __name__ == "__main__":
    several()
