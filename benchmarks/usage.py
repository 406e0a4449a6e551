"""What processes cost: CPU time by part of the program, the broker's, everyone's; and resident memory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.execution import PEER
from penstock.local import broker, processes
from penstock.local.engines import PROGRAMS
from penstock.local.flink_cluster import JOBMANAGER, TASKMANAGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.local.layout import Layout

__all__ = ["Cost", "Snapshot", "between", "resident_mib", "snapshot"]

_MIB = 1024 * 1024
_JVM, _PYTHON, _BROKER = "jvm", "python", "broker"
_COMPILERS = ("C1 CompilerThre", "C2 CompilerThre")  # as far as the system keeps a thread's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """CPU seconds that processes have used until a moment."""

    at: float
    """Seconds of the monotonic clock."""
    by_process: dict[tuple[str, int], float]
    """By part and process id."""
    by_compiler: dict[int, float]
    """By thread id, of those in Flink's processes that compile."""
    machine: float
    """Of all processes of this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU seconds between two snapshots."""

    seconds: float
    jvm: float
    """Flink's own processes, and Spark's."""
    compilers: float
    """Of that, what Java's compilers used: each job has code of its own, which they are busy with for a while."""
    python: float
    """Python: workers, with the Java that runs inside them for PMML, Spark's driver, the model server; or the peer."""
    broker: float
    others: float
    """Everything else on this machine, this benchmark's own watching included: it should be little."""


def snapshot(layout: Layout, *, of_penstock: bool) -> Snapshot:
    """Read the counters of the broker's and the program's processes: those of our jobs, or else the peer's."""
    by_process: dict[tuple[str, int], float] = {}
    by_compiler: dict[int, float] = {}
    for part, process in _processes(layout, (JOBMANAGER, TASKMANAGER, *PROGRAMS) if of_penstock else (PEER,)):
        try:
            times = process.cpu_times()
            if part == _JVM:
                by_compiler.update(_compilers(process))
        except psutil.NoSuchProcess:
            continue
        by_process[part, process.pid] = times.user + times.system
    return Snapshot(at=time.monotonic(), by_process=by_process, by_compiler=by_compiler, machine=_busy())


def between(first: Snapshot, last: Snapshot) -> Cost:
    """Return what was used between two snapshots; a process that was not there at the first began at zero."""
    used = dict.fromkeys((_JVM, _PYTHON, _BROKER), 0.0)
    for (part, pid), seconds in last.by_process.items():
        used[part] += seconds - first.by_process.get((part, pid), 0.0)
    others = max(0.0, last.machine - first.machine - sum(used.values()))
    compilers = sum(seconds - first.by_compiler.get(thread, 0.0) for thread, seconds in last.by_compiler.items())
    return Cost(seconds=last.at - first.at, compilers=compilers, others=others, **used)


def resident_mib(layout: Layout) -> dict[str, int]:
    """Return the resident memory of the whole stack by part; pages that processes share count in each."""
    found: dict[str, int] = {}
    for process in processes.marked(layout.stack_id):
        try:
            program = process.environ()[processes.MARK].partition("/")[2]
            part = "Python workers" if program == TASKMANAGER and process.name() != "java" else program
            found[part] = found.get(part, 0) + process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return {part: size // _MIB for part, size in sorted(found.items())}


def _processes(layout: Layout, programs: tuple[str, ...]) -> Iterator[tuple[str, psutil.Process]]:
    for process in processes.marked(layout.stack_id, broker.PROGRAM):
        yield _BROKER, process
    for program in programs:
        for process in processes.marked(layout.stack_id, program):
            yield (_JVM if process.name() == "java" else _PYTHON), process


def _compilers(process: psutil.Process) -> Iterator[tuple[int, float]]:
    """Yield thread id and CPU seconds of each of Java's compilers; nothing on systems that do not name threads."""
    for thread in process.threads():
        try:
            name = Path(f"/proc/{process.pid}/task/{thread.id}/comm").read_text(encoding="utf-8")
        except OSError:
            continue
        if name.startswith(_COMPILERS):
            yield thread.id, thread.user_time + thread.system_time


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)
