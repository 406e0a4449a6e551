"""Whether jobs are ready to work: each of their tasks has a worker that says so, not only a process that runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol, Self

import psutil

from penstock.control.watching import Watch
from penstock.local import flink_cluster
from penstock.local.waiting import failed, wait_until
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from penstock.local.layout import Layout
    from penstock.settings import Settings

__all__ = ["Heard", "Ready", "await_ready", "missing", "present"]


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


class Ready:
    """Hears which workers have loaded what they need. Raises as `Watch` does; close it after use."""

    def __init__(self, settings: Settings) -> None:
        self._watch = Watch(settings)
        self.lacking: dict[str, str] = {}
        """Of each deployable that has too few, how many there are, as of the last look."""

    def __enter__(self) -> Self:
        self._watch.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._watch.__exit__(*raised)

    def all_of(self, tasks: Mapping[str, int]) -> bool:
        """Listen for a moment; say whether each task has its worker."""
        self._watch.listen()
        live = self._watch.workers.live(now_ms())
        self.lacking = missing(tasks, present(state.sign for state in live))
        return not self.lacking


def await_ready(settings: Settings, layout: Layout, tasks: Mapping[str, int]) -> int:
    """Wait until each task has a worker that has loaded what it needs; returns how many there are.

    Raises:
        StackError: they are not there in time.
        KafkaUnavailableError: no broker answered.
    """
    deadline_s = settings.local.jobs_deadline_s
    with Ready(settings) as ready:
        if not wait_until(lambda: ready.all_of(tasks), deadline_s, settings.local.poll_interval_s):
            told = ", ".join(f"{count} of {name}" for name, count in ready.lacking.items())
            raise failed(
                "get the workers ready",
                layout.log(flink_cluster.TASKMANAGER),
                f"after {deadline_s:g} s only {told} said that they are ready; see {settings.flink.rest_url}",
            )
    return sum(tasks.values())
