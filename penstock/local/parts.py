"""The processes that the embedded stack consists of, and the commands that run them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from penstock.local import broker, engines, flink_cluster
from penstock.local.supervision import Program

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.local.layout import Layout
    from penstock.settings import Settings

__all__ = ["DEMO", "KEEPER", "OPTIONAL", "programs", "servers"]

#: The demo generator's process.
DEMO = "demo"
#: The process that brings lost jobs back.
KEEPER = "keeper"
#: What need not run: no demo, no jobs, or others.
OPTIONAL = (*engines.PROGRAMS, KEEPER, DEMO)
#: Programs of ours, by the module that is run.
_OWN = {KEEPER: "penstock.local.keeper", DEMO: "penstock.local.demo"}


def servers(settings: Settings) -> list[str]:
    """Return the names of what must run before any job can: the broker, unless the user has one, and the cluster."""
    cluster = [flink_cluster.JOBMANAGER, flink_cluster.TASKMANAGER]
    return [broker.PROGRAM, *cluster] if settings.kafka.embedded else cluster


def programs(settings: Settings, layout: Layout, wheel: Path) -> list[Program]:
    """Return the processes in the order in which they start; they end in the opposite one.

    They run in a folder of their own, so that nothing imports from the checkout by chance.
    """
    flink = flink_cluster.environment(layout)
    known = {
        broker.PROGRAM: (broker.command(settings, layout), {}),
        flink_cluster.JOBMANAGER: (flink_cluster.command(flink_cluster.JOBMANAGER), flink),
        flink_cluster.TASKMANAGER: (flink_cluster.command(flink_cluster.TASKMANAGER), flink),
        **{name: (_own(module, layout), {"PYTHONPATH": str(wheel)}) for name, module in _OWN.items()},
    }
    found = []
    for priority, name in enumerate([*servers(settings), *OPTIONAL], start=1):
        if name in engines.PROGRAMS:
            found.append(engines.program(name, layout, wheel, priority))
            continue
        command, environment = known[name]
        found.append(
            Program(name=name, command=command, directory=layout.tmp, priority=priority, environment=environment)
        )
    return found


def _own(module: str, layout: Layout) -> list[str]:
    return [sys.executable, "-P", "-m", module, str(layout.settings_file)]
