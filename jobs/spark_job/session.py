"""The one Spark session of a process: Java started as we want it, whatever the user's environment says of Spark."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.errors import PrerequisiteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pyspark.sql import SparkSession

__all__ = ["INSTALL", "Java", "clean", "configuration", "start"]

INSTALL = "run 'scripts/setup.sh --jobs pmml,spark'"
"""What to do where something is missing."""
#: Whatever begins so changes what Spark does.
_STRANGERS = ("SPARK_", "PYSPARK_", "_PYSPARK_")
#: To the process's output only: the supervisor keeps it in a file and puts old ones aside.
_QUIET = {
    "org.apache.hadoop.util.NativeCodeLoader": "ERROR",
    "org.apache.kafka.clients": "ERROR",
    "org.apache.spark.SparkConf": "ERROR",
    "org.apache.spark.executor.Executor": "OFF",
    "org.apache.spark.ml.util.Instrumentation": "OFF",
    "org.apache.spark.scheduler.DAGScheduler": "ERROR",
    "org.apache.spark.scheduler.TaskSetManager": "OFF",
    "org.apache.spark.rpc.netty": "ERROR",
    "org.apache.spark.sql.execution.datasources.v2": "OFF",
    "org.apache.spark.sql.execution.streaming.runtime.MicroBatchExecution": "OFF",
    "org.apache.spark.sql.execution.streaming.sinks.FileStreamSink": "ERROR",
    "org.apache.spark.sql.execution.window.WindowExec": "ERROR",
    "org.apache.spark.sql.execution.streaming.runtime.ResolveWriteToStream": "ERROR",
    "org.apache.spark.sql.kafka010": "ERROR",
    "org.apache.spark.util.Utils": "OFF",
}
_LOG4J = """\
rootLogger.level = WARN
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS} %-5p %c{1.} - %m%n
logger.penstock.name = io.penstock
logger.penstock.level = INFO
# What these tell comes to Python as well, where it is wanted, and stack traces fill the log.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """What the Java machine of a session is given."""

    heap_mb: int
    slots: int
    """Tasks at a time: threads, not cores."""
    jars: Path
    """Folder of Spark's Kafka connector and of our own jar."""
    folder: Path
    """For what Spark writes beside its checkpoints; made where it is missing."""
    host: str = "127.0.0.1"
    """Address that it listens on for Python, and for itself."""


def configuration(java: Java) -> dict[str, str]:
    """Return Spark's configuration: one machine, no web page, little kept of what was done."""
    return {
        "spark.master": f"local[{java.slots}]",
        "spark.app.name": "penstock-spark-job",
        "spark.driver.memory": f"{java.heap_mb}m",
        "spark.driver.host": java.host,
        "spark.driver.bindAddress": java.host,
        "spark.driver.extraClassPath": str(java.jars / "*"),
        # A machine without room is started again by whoever watches it; one that goes on loses threads.
        "spark.driver.extraJavaOptions": " ".join(
            (
                f"-Dlog4j2.configurationFile={(java.folder / 'log4j2.properties').as_uri()}",
                f"-Djava.io.tmpdir={java.folder}",
                "-XX:+ExitOnOutOfMemoryError",
                "-XX:-UsePerfData",
            )
        ),
        "spark.local.dir": str(java.folder),
        "spark.sql.warehouse.dir": str(java.folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.retainedJobs": "10",
        "spark.ui.retainedStages": "10",
        "spark.ui.retainedTasks": "100",
        "spark.sql.ui.retainedExecutions": "10",
        "spark.sql.adaptive.enabled": "false",
        # A model's files are read once; what Spark remembers of them stays, up to half of the heap.
        "spark.sql.hive.filesourcePartitionFileCacheSize": "0",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.streaming.metricsEnabled": "false",
        "spark.sql.streaming.numRecentProgressUpdates": "2",
        "spark.sql.streaming.minBatchesToRetain": "10",
        "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    }


def start(java: Java) -> SparkSession:
    """Start Java and the session; a process can have only one.

    Raises `PrerequisiteError` where pyspark, its jars or Java are missing.
    """
    try:
        import pyspark
        from pyspark.java_gateway import launch_gateway
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise PrerequisiteError((f"job spark needs pyspark ({error}): {INSTALL}",)) from error
    if not any(java.jars.glob("*.jar")):
        raise PrerequisiteError((f"job spark needs its jars, {str(java.jars)!r} has none: {INSTALL}",))
    java.folder.mkdir(parents=True, exist_ok=True)
    (java.folder / "log4j2.properties").write_text(_log4j(), encoding="utf-8")
    conf = pyspark.SparkConf(loadDefaults=False).setAll(list(configuration(java).items()))
    with _environment(clean(os.environ, java)):
        try:
            # In a group of its own: who ends the driver by its group must not end Java under its feet.
            gateway = launch_gateway(conf, popen_kwargs={"process_group": 0})
        except Exception as error:  # pyspark raises whatever it meets
            fault = f"no Java that can be started ({error}); install a JDK 17 and set JAVA_HOME"
            raise PrerequisiteError((fault,)) from error
        context = pyspark.SparkContext(conf=conf, gateway=gateway)
    return SparkSession(context)


def _log4j() -> str:
    quiet = (
        f"logger.q{number}.name = {name}\nlogger.q{number}.level = {level}\n"
        for number, (name, level) in enumerate(_QUIET.items())
    )
    return _LOG4J + "".join(quiet)


def clean(environment: Mapping[str, str], java: Java) -> dict[str, str]:
    """Return an environment in which Spark finds what we give it and nothing else."""
    kept = {name: value for name, value in environment.items() if not name.startswith(_STRANGERS)}
    return kept | {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": java.host,
        "SPARK_CONF_DIR": str(java.folder),
    }


@contextmanager
def _environment(wanted: Mapping[str, Any]) -> Iterator[None]:
    """Have this environment for a while; Spark reads it when it starts Java."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
