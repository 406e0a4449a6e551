"""Whether jobs are ready to work: each of their tasks has a worker that says so, not only a process that runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

import psutil

from penstock.control.watching import Watch
from penstock.local import flink_cluster
from penstock.local.waiting import failed, wait_until
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from penstock.local.layout import Layout
    from penstock.settings import Settings

__all__ = ["Heard", "await_ready", "missing", "present"]


class Heard(Protocol):
    """A worker that was heard of."""

    @property
    def deployable(self) -> str:
        """What it runs."""
        ...

    @property
    def pid(self) -> int:
        """Its process."""
        ...


def present(heard: Iterable[Heard]) -> Iterator[str]:
    """Return the deployable of each worker whose process is there.

    Of one that was killed a moment ago nothing is heard yet; but the embedded cluster is on this machine.
    """
    return (worker.deployable for worker in heard if psutil.pid_exists(worker.pid))


def missing(tasks: Mapping[str, int], at_work: Iterable[str]) -> dict[str, str]:
    """Tell which deployables have fewer workers than tasks.

    Args:
        tasks: how many tasks each deployable has, by its name.
        at_work: the deployable of each worker that is at work.

    Returns:
        What is there of each, as in ``"1 of 2"``.
    """
    found = Counter(at_work)
    return {name: f"{found[name]} of {total}" for name, total in tasks.items() if found[name] < total}


def await_ready(settings: Settings, layout: Layout, tasks: Mapping[str, int]) -> int:
    """Wait until each task has a worker that has loaded what it needs; returns how many there are.

    Raises:
        StackError: they are not there in time.
        KafkaUnavailableError: no broker answered.
    """
    lacking = dict.fromkeys(tasks, "0")
    with Watch(settings) as watch:

        def ready() -> bool:
            watch.listen()
            live = watch.workers.live(now_ms())
            lacking.clear()
            lacking.update(missing(tasks, present(state.sign for state in live)))
            return not lacking

        deadline_s = settings.local.jobs_deadline_s
        if not wait_until(ready, deadline_s, settings.local.poll_interval_s):
            told = ", ".join(f"{count} of {name}" for name, count in lacking.items())
            raise failed(
                "get the workers ready",
                layout.log(flink_cluster.TASKMANAGER),
                f"after {deadline_s:g} s only {told} said that they are ready; see {settings.flink.rest_url}",
            )
    return sum(tasks.values())
