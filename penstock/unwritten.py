"""Records that are written nowhere: counted and logged, so that none disappears without a trace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from penstock.deadletter import ERROR_CODE, ERROR_REASON
from penstock.event import unpack_headers
from penstock.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.event import Deliveries

__all__ = ["DROPPED", "GROUP", "LOST", "Counter", "Metrics", "Unwritten"]

GROUP = "penstock"
"""What Flink shows before the counters' names."""
DROPPED = "dropped"
"""Counts events that no route takes, where the routing document says to drop them."""
LOST = "lost"
"""Counts records that are too large even for a dead letter."""

_log = get_logger(__name__)
#: A flood of such records makes a line a minute, with their number, and not a line each.
_PAUSE_S = 60.0


class Counter(Protocol):
    """A counter of the engine's."""

    def inc(self, n: int = 1) -> None:
        """Count ``n`` more."""


class Metrics(Protocol):
    """The engine's metrics, as far as they are needed here."""

    def add_group(self, name: str) -> Metrics:
        """Return a group with this name below this one."""

    def counter(self, name: str) -> Counter:
        """Return a new counter."""


class Unwritten:
    """Looks for them among deliveries; one for each worker. Close it after use: it may have something left to say."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        group = metrics.add_group(GROUP)
        self._dropped = _Tally(
            group.counter(DROPPED), clock, lambda facts: _log.info("events were dropped that no route takes", **facts)
        )
        self._lost = _Tally(
            group.counter(LOST), clock, lambda facts: _log.error("records are too large even as dead letters", **facts)
        )

    def note(self, deliveries: Deliveries) -> None:
        """Count those of a batch. Of deliveries without a topic, those that carry a cause are lost, others dropped."""
        found = deliveries.topics.count(None)  # as quick as it can be: nearly always there are none
        causes = _causes(deliveries) if found else []
        self._dropped.add(found - len(causes))
        self._lost.add(len(causes), *causes[-1:])

    def close(self) -> None:
        """Log what was counted since the last line."""
        self._dropped.tell()
        self._lost.tell()


def _causes(deliveries: Deliveries) -> list[str]:
    rows = zip(deliveries.topics, deliveries.headers, strict=True)
    return [headers for topic, headers in rows if topic is None and headers]


class _Tally:
    """One of the counters, and its lines in the log: one at once, then one a minute while there is something to say."""

    def __init__(
        self, counter: Counter, clock: Callable[[], float], log: Callable[[Mapping[str, object]], None]
    ) -> None:
        self._counter = counter
        self._clock = clock
        self._log = log
        self._untold = 0
        self._cause = ""
        self._next = clock()

    def add(self, number: int, cause: str = "") -> None:
        """Count ``number`` more; ``cause`` is the packed headers of the last of them, if it has any."""
        if number:
            self._counter.inc(number)
            self._untold += number
            self._cause = cause
        if self._untold and self._clock() >= self._next:
            self.tell()

    def tell(self) -> None:
        """Log what was counted since the last line."""
        if self._untold:
            headers = unpack_headers(self._cause)
            known = {"code": headers.get(ERROR_CODE), "reason": headers.get(ERROR_REASON)}
            self._log({"count": self._untold, **{name: text for name, text in known.items() if text}})
            self._untold = 0
            self._next = self._clock() + _PAUSE_S
