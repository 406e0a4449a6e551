"""What each scoring job needs beside Flink: the packages of its engine, Spark's jars, and processes of its own."""

from __future__ import annotations

import importlib.util
import socket
import sys
from typing import TYPE_CHECKING

from penstock.deployables import SCORING, SERVICE_JOB, SPARK_JOB
from penstock.local import java
from penstock.local.supervision import Program

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from penstock.deployables import Deployable
    from penstock.local.layout import Layout
    from penstock.settings import Settings

__all__ = [
    "DEPLOYABLES",
    "MODEL_SERVER",
    "PROGRAMS",
    "SPARK_DRIVER",
    "answers",
    "callers",
    "installed",
    "lacks",
    "needed",
    "program",
]

#: The process in which the Spark job runs.
SPARK_DRIVER = "spark-driver"
#: The process that serves what the service job asks for.
MODEL_SERVER = "model-server"
#: In the order in which they start.
PROGRAMS = (MODEL_SERVER, SPARK_DRIVER)
#: What runs in a process of its own, by that.
DEPLOYABLES = {SPARK_DRIVER: SPARK_JOB}

#: What a job imports that not every installation has, by the job's word, and the packages that bring it.
_MODULES = {
    "pmml": {"jpype": "jpype1", "pypmml": "pypmml"},
    "spark": {"pyspark": "pyspark"},
    "service": {"PIL": "pillow"},
}
_SERVER_MODULES = {"tensorflow": "tensorflow-cpu"}
_LOOK_S = 1.0


def installed() -> tuple[str, ...]:
    """Return the words of the jobs whose packages are all there."""
    return tuple(word for word, modules in _MODULES.items() if not _absent(modules))


def lacks(settings: Settings, wanted: Iterable[Deployable]) -> list[str]:
    """Say what this environment lacks for the jobs that are wanted, and what to do. Nothing is imported."""
    chosen = [word for word, each in SCORING.items() if each in set(wanted)]
    advice = f"run 'scripts/setup.sh --jobs {','.join(chosen)}'"
    found = [
        f"no package {package!r} in {sys.prefix!r}, which job {word} needs: {advice}"
        for word in chosen
        for package in _absent(_MODULES[word])
    ]
    if "service" in chosen and settings.service.embedded:
        found += [
            f"no package {package!r} in {sys.prefix!r}, which the embedded model server needs: {advice}, or name "
            "servers of yours ('service.servers')"
            for package in _absent(_SERVER_MODULES)
        ]
    jars = settings.local.jars_dir / "spark"
    if "spark" in chosen and not any(jars.glob("*.jar")):
        found.append(f"no jars in {str(jars)!r}, which job spark needs: {advice}")
    return found


def _absent(modules: dict[str, str]) -> list[str]:
    return [package for module, package in modules.items() if importlib.util.find_spec(module) is None]


def needed(settings: Settings, wanted: Iterable[Deployable]) -> list[str]:
    """Return the names of the processes that jobs need, in the order in which they start."""
    asked = set(wanted)
    wants = {MODEL_SERVER: SERVICE_JOB in asked and settings.service.embedded, SPARK_DRIVER: SPARK_JOB in asked}
    return [name for name in PROGRAMS if wants[name]]


def callers(settings: Settings, wanted: Iterable[Deployable]) -> tuple[Deployable, ...]:
    """Return those of the cluster's jobs that call one of the processes, and wait for it as long as it is away."""
    return (SERVICE_JOB,) if MODEL_SERVER in needed(settings, wanted) else ()


def program(name: str, layout: Layout, wheel: Path, priority: int) -> Program:
    """Return one of the processes. It runs from the wheel, in a folder where nothing is imported by chance."""
    module = {SPARK_DRIVER: SPARK_JOB.module, MODEL_SERVER: "penstock.local.model_server"}[name]
    home = java.home() if name == SPARK_DRIVER else None
    return Program(
        name=name,
        command=[sys.executable, "-P", "-m", module, "--settings", str(layout.settings_file)],
        directory=layout.tmp,
        priority=priority,
        environment={"PYTHONPATH": str(wheel), **({"JAVA_HOME": home} if home else {})},
        # Java is a child of Spark's driver, which ends it when the last records are written.
        as_group=name != SPARK_DRIVER,
    )


def answers(settings: Settings) -> bool:
    """Say whether the embedded model server takes calls: it listens when its models are loaded, not before."""
    try:
        with socket.create_connection((settings.local.host, settings.local.model_server_port), _LOOK_S):
            return True
    except OSError:
        return False
