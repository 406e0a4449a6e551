"""The embedded Flink cluster: a job manager and a task manager from PyFlink's own package."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from penstock.errors import StackError
from penstock.local import java

if TYPE_CHECKING:
    from penstock.local.layout import Layout
    from penstock.settings import Settings

__all__ = ["JOBMANAGER", "TASKMANAGER", "command", "configuration", "environment", "link_jars", "write_configuration"]

JOBMANAGER = "jobmanager"
TASKMANAGER = "taskmanager"

#: To the process's output only: the supervisor keeps it in a file and puts old ones aside.
_LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS} %-5p %c{1.} - %m%n
# Kafka's clients tell their whole configuration whenever one is made.
logger.kafka.name = org.apache.flink.kafka.shaded.org.apache.kafka
logger.kafka.level = WARN
logger.python.name = PythonWorker
logger.python.level = INFO
"""
_LOG4J_FILES = ("log4j-console.properties", "log4j-cli.properties", "log4j.properties")


def configuration(settings: Settings, layout: Layout) -> dict[str, Any]:
    """Return Flink's configuration as flat keys; what a job sets for itself is not here."""
    local, flink = settings.local, settings.flink
    return {
        "jobmanager.rpc.address": local.host,
        "jobmanager.rpc.port": local.flink_rpc_port,
        "jobmanager.bind-host": local.host,
        "jobmanager.memory.process.size": f"{local.jobmanager_memory_mb}m",
        "taskmanager.host": local.host,
        "taskmanager.bind-host": local.host,
        "taskmanager.numberOfTaskSlots": local.task_slots,
        "taskmanager.memory.process.size": f"{local.taskmanager_memory_mb}m",
        "taskmanager.memory.managed.fraction": _MANAGED_FRACTION,
        "heartbeat.interval": f"{local.flink_heartbeat_ms}ms",
        # Flink's 10 s are short for one machine that does everything: where it stands still for so long, a job that is
        # to end has no last checkpoint, and one that is told of new partitions restarts. Who is dead, heartbeats tell.
        "pekko.ask.timeout": "60s",
        "rest.address": flink.rest_address,
        "rest.port": flink.rest_port,
        "rest.bind-address": local.host,
        "parallelism.default": flink.parallelism,
        "python.executable": flink.python,
        "python.client.executable": flink.python,
        "execution.checkpointing.interval": f"{flink.checkpoint_interval_ms}ms",
        "execution.checkpointing.timeout": f"{flink.checkpoint_timeout_ms}ms",
        "execution.checkpointing.dir": (layout.data / "flink" / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (layout.data / "flink" / "savepoints").as_uri(),
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": f"{flink.restart_initial_delay_ms}ms",
        "restart-strategy.exponential-delay.max-backoff": f"{flink.restart_max_delay_ms}ms",
        "io.tmp.dirs": str(layout.tmp),
        "env.java.opts.all": f"{_java_modules()} -Djava.io.tmpdir={layout.tmp} -XX:+ExitOnOutOfMemoryError",
        "env.log.dir": str(layout.logs),
        "env.pid.dir": str(layout.tmp),
        # For the web page's log views: the files that the supervisor writes.
        "web.log.path": str(layout.log(JOBMANAGER)),
        "taskmanager.log.path": str(layout.log(TASKMANAGER)),
        # Python jobs' class loaders live as long as their gateway; the check would only fill the log.
        "classloader.check-leaked-classloader": False,
    }


#: Managed memory serves state back ends and batch sorting, which no job here has; Python's operators ask for some.
_MANAGED_FRACTION = 0.1


def write_configuration(settings: Settings, layout: Layout) -> None:
    """Write Flink's configuration folder."""
    layout.flink_conf.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(configuration(settings, layout), sort_keys=False)
    (layout.flink_conf / "config.yaml").write_text(text, encoding="utf-8")
    for name in _LOG4J_FILES:
        (layout.flink_conf / name).write_text(_LOG4J, encoding="utf-8")


def link_jars(settings: Settings, layout: Layout) -> None:
    """Gather what the cluster and its clients have on their class path: Flink itself, PyFlink, the jars of pom.xml.

    On the cluster's own class path and not sent along with each job: code is loaded and compiled once for all jobs, and
    a job that restarts leaves no class loader behind.
    """
    shutil.rmtree(layout.flink_lib, ignore_errors=True)
    layout.flink_lib.mkdir(parents=True)
    home = _home()
    jars = [*(home / "lib").glob("*.jar"), *(home / "opt").glob("flink-python-*.jar")]
    own = sorted((settings.local.jars_dir / "flink").glob("*.jar"))
    if not own:
        raise StackError("Flink", "", f"{str(settings.local.jars_dir)!r} has no jars for it: run 'scripts/start.sh'")
    for jar in (*jars, *own):
        (layout.flink_lib / jar.name).symlink_to(jar)


def command(program: str) -> list[str]:
    """Return the command that runs a part of the cluster until it is ended."""
    return [str(_home() / "bin" / f"{program}.sh"), "start-foreground"]


def environment(layout: Layout) -> dict[str, str]:
    """Return what Flink's scripts read from the environment, those that submit jobs included.

    Java's folder is among it, so that the PMML job's workers load the very Java that was looked at before the start.
    """
    java_home = java.home()
    return {
        **({"JAVA_HOME": java_home} if java_home else {}),
        "FLINK_HOME": str(_home()),
        "FLINK_CONF_DIR": str(layout.flink_conf),
        "FLINK_LIB_DIR": str(layout.flink_lib),
        "FLINK_LOG_DIR": str(layout.logs),
        "FLINK_PID_DIR": str(layout.tmp),
        "FLINK_IDENT_STRING": layout.stack_id,
    }


def _home() -> Path:
    """Find PyFlink's package without importing it, which takes seconds."""
    spec = importlib.util.find_spec("pyflink")
    if spec is None or spec.origin is None:
        raise StackError("Flink", "", "apache-flink is not installed in this environment: run 'scripts/start.sh'")
    return Path(spec.origin).parent


def _java_modules() -> str:
    """Return the options with which Flink's own configuration opens Java's modules: they depend on its version."""
    shipped = yaml.safe_load((_home() / "conf" / "config.yaml").read_text(encoding="utf-8"))
    return str(shipped["env"]["java"]["opts"]["all"])
