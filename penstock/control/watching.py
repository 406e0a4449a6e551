"""Who is at work, and what workers answer to a document: the status topic, read by whoever wants to know."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from penstock import topics
from penstock.control.reading import ControlLog
from penstock.control.status import BEATS, Workers, WorkerState
from penstock.routing import ramp

if TYPE_CHECKING:
    from penstock.settings import Settings

__all__ = ["Watch", "workers"]

_POLL_MS = 100


def workers(settings: Settings, now_ms: int | None = None) -> list[WorkerState]:
    """Return the workers that were heard of of late, those that ended included, by name.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: there is no status topic.
    """
    with Watch(settings, now_ms) as watch:
        return [state for _, state in sorted(watch.workers.states.items())]


class Watch:
    """Hears workers' signs of life, those of the last heartbeats at once. Close it after use.

    To wait for answers to a document: begin the watch, publish, then `answered`.
    """

    def __init__(self, settings: Settings, now_ms: int | None = None) -> None:
        """Hear who is there; raises as `workers` does."""
        self.workers = Workers()
        self._log = ControlLog(settings.kafka.internal_cluster, topics.control_status(settings.topics.prefix))
        since_ms = (ramp.now_ms() if now_ms is None else now_ms) - BEATS * settings.control.heartbeat_ms
        try:
            begin = self._log.since(since_ms)
            self.workers.hear(self._log.to_end(settings.control.startup_deadline_ms / 1000, begin))
        except BaseException:
            self._log.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    def listen(self, wait_ms: int = _POLL_MS) -> None:
        """Hear what comes, for so long at most."""
        self.workers.hear(self._log.poll(wait_ms))

    def answered(self, offset: int, patience_s: float) -> bool:
        """Wait until all live workers have answered the routing topic's message at this offset.

        A worker that begins meanwhile is waited for too; one that ends or falls silent is not.
        Returns whether they did; `workers` has the answers, and who owes one.
        """
        until = time.monotonic() + patience_s
        while self.workers.silent(offset, ramp.now_ms()):
            if time.monotonic() > until:
                return False
            self.listen()
        return True
