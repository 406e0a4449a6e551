"""The Java virtual machine inside the worker's own process, in which pypmml's engine (PMML4S) runs.

pypmml's default way to Java, a socket to a second process, stalls for 40 ms in each call; inside the process a call
costs microseconds. Its Python layer is left out: it takes options from JAVA_OPTS, which on a Flink machine are Flink's.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import jpype
import pypmml

from penstock.errors import PrerequisiteError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["java_options", "start"]

_STARTING = threading.Lock()


def java_options(heap_mb: int) -> tuple[str, ...]:
    """Options of a machine that shares its process and its cores with Python, with at most ``heap_mb`` MiB of heap."""
    return (
        f"-Xmx{heap_mb}m",
        "-Xrs",  # leaves signals to Python, which a worker is ended by
        "-XX:+UseSerialGC",  # no threads of its own; pauses are short on a heap of this size
        "-XX:-UsePerfData",  # no files under /tmp
    )


def start(options: Sequence[str]) -> None:
    """Start the machine if it does not run yet; a process can have only one, whose options stay.

    Raises `PrerequisiteError` where there is no Java. Options that Java does not know end the process.
    """
    with _STARTING:
        if jpype.isJVMStarted():
            return
        jars = Path(pypmml.__file__).parent / "jars" / "*"
        try:
            jpype.startJVM(*options, classpath=str(jars), convertStrings=True)
        except Exception as error:  # JPype raises whatever the platform's loader raises
            fault = f"no Java that can be started ({error}); install a JDK 17 and set JAVA_HOME"
            raise PrerequisiteError((fault,)) from error
        # At exit Java waits for its threads that are no daemons. The thread that started the machine is one, and in a
        # worker it never ends: without this the process hangs at exit (and aborts there if told not to wait).
        threads = jpype.JClass("java.lang.Thread")
        threads.detach()
        threads.attachAsDaemon()
