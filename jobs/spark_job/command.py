"""The Spark job's command line: a program that stays, unlike jobs that are submitted to a cluster."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.spark_job.session import INSTALL
from penstock import logs, settings
from penstock.errors import PenstockError, PrerequisiteError

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["main"]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path), help="Settings file [config/penstock.yaml]."
)
def main(settings_file: Path | None) -> None:
    """Run the Spark job until SIGTERM: then what it has taken is scored, and it ends.

    Exit status 1: it cannot run, or its query failed; whoever watches it starts it anew.
    """
    try:
        loaded = settings.load(settings_file)
        logs.configure(loaded.logs.level, loaded.logs.layout)
        logging.getLogger("py4j").setLevel(logging.WARNING)  # tells of each connection
        try:
            from jobs.spark_job.driver import Driver  # wants Spark
        except ImportError as error:
            raise PrerequisiteError((f"job spark needs pyspark ({error}): {INSTALL}",)) from error
        driver = Driver(loaded)

        def stop(_number: int, _frame: FrameType | None) -> None:
            driver.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        sys.exit(driver.run())
    except PenstockError as error:
        raise click.ClickException(str(error)) from error
