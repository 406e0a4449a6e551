"""The table environment that a deployable builds its pipeline in: one job, on a cluster, from a wheel."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penstock.settings import Settings

__all__ = ["FUNCTIONS", "configuration", "create", "on_cluster"]

#: The SQL functions of java/, which the cluster has on its class path.
FUNCTIONS: Mapping[str, str] = {
    "penstock_headers": "io.penstock.flink.AddHeaders",
    "penstock_packed": "io.penstock.flink.PackHeaders",
    "penstock_records": "io.penstock.flink.EachRecord",
    "penstock_texts": "io.penstock.flink.RecordTexts",
    "penstock_unseen_bytes": "io.penstock.flink.UnseenBytes",
    "penstock_written": "io.penstock.flink.IsWritten",
}

#: PyFlink runs Python functions inside the client's own process unless it is told otherwise before it starts.
_WORKER_MODE = "_python_worker_execution_mode"


def configuration(settings: Settings, job_name: str) -> dict[str, str]:
    """Return how a job runs, wherever it runs."""
    flink = settings.flink
    return {
        "pipeline.name": job_name,
        "parallelism.default": str(flink.parallelism),
        # Operators of one chain hand each other the same row: none of ours keeps a row or changes one.
        "pipeline.object-reuse": "true",
        # Workers count what they write nowhere; without metrics they cannot open.
        "python.metric.enabled": "true",
        # Functions that share a slot would share a process for the sake of its memory: a shadow that fails, or keeps
        # its process busy, would do so to those that users wait for.
        "python.fn-execution.memory.managed": "false",
        "python.fn-execution.bundle.time": str(flink.bundle_time_ms),
        "python.fn-execution.bundle.size": str(flink.bundle_size),
        "python.fn-execution.arrow.batch.size": str(flink.arrow_batch_size),
        "penstock.wake-up-interval": f"{flink.wake_up_interval_ms}ms",
        "execution.checkpointing.interval": f"{flink.checkpoint_interval_ms}ms",
        "execution.checkpointing.timeout": f"{flink.checkpoint_timeout_ms}ms",
        "execution.checkpointing.tolerable-failed-checkpoints": str(flink.tolerable_failed_checkpoints),
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": f"{flink.restart_initial_delay_ms}ms",
        "restart-strategy.exponential-delay.max-backoff": f"{flink.restart_max_delay_ms}ms",
        "table.local-time-zone": "UTC",
    }


def on_cluster(settings: Settings, wheel: Path) -> dict[str, str]:
    """Return what makes a job run on the cluster, its Python from the wheel, and the client not wait for its end."""
    return {
        "execution.target": "remote",
        "execution.attached": "false",
        "rest.address": settings.flink.rest_address,
        "rest.port": str(settings.flink.rest_port),
        "python.executable": settings.flink.python,
        "python.files": str(wheel),
    }


def create(options: Mapping[str, str]) -> TableEnvironment:
    """Create a streaming table environment that knows Penstock's SQL functions."""
    os.environ.setdefault(_WORKER_MODE, "process")
    config = Configuration()
    for key, value in options.items():
        config.set_string(key, value)
    environment = TableEnvironment.create(
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(config).build()
    )
    for name, java_class in FUNCTIONS.items():
        environment.create_java_temporary_system_function(name, java_class)
    return environment
