"""What runs beside the Flink cluster while a program is measured: the model server, and Spark's driver."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jobs.spark_job.reading import Reading
from penstock import kafka
from penstock.local import engines, processes
from penstock.local.waiting import failed, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.own_stack import OwnStack
    from benchmarks.programs import Program

__all__ = ["running"]

#: The model server answers when TensorFlow is there, and its models.
_ANSWER_S = 120.0


@contextmanager
def running(own: OwnStack, program: Program, name: str) -> Iterator[Callable[[], None]]:
    """Run the model server, or Spark's driver from the beginning of its backlog, as the stack does."""
    if name == engines.SPARK_DRIVER:
        _forget(own, program)
    settings, log = own.settings_of(program), own.layout.log(f"{name}-{program.name}")
    told = engines.program(name, own.layout, own.wheel, 1)
    command = [
        str(own.settings_file(program)) if each == str(own.layout.settings_file) else each for each in told.command
    ]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command,
            cwd=told.directory,
            env={
                **processes.clean_environment(os.environ),
                **processes.mark(own.layout.stack_id, name),
                **told.environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def check() -> None:
        if process.poll() is not None:
            raise failed(f"run {name}", log, f"it ended with status {process.returncode}")

    def answers() -> bool:
        check()
        return engines.answers(settings)

    try:
        if name == engines.MODEL_SERVER and not wait_until(answers, _ANSWER_S, own.settings.local.poll_interval_s):
            raise failed(f"run {name}", log, f"it did not answer in {_ANSWER_S:g} s")
        yield check
    finally:
        process.terminate()
        try:
            process.wait(own.settings.local.stop_deadline_s)
        finally:
            processes.end(processes.marked(own.layout.stack_id, name), own.settings.local.stop_deadline_s)


def _forget(own: OwnStack, program: Program) -> None:
    """Delete what the last turn of Spark's driver left: it keeps its progress in a folder and in a consumer group."""
    settings = own.settings_of(program)
    reading = Reading.of(settings, "spark", copies=False)
    shutil.rmtree(reading.checkpoint, ignore_errors=True)
    admin = kafka.admin(settings.kafka.internal_cluster)
    try:
        admin.delete_groups([reading.group])
    finally:
        admin.close()
