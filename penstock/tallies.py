"""Counting what leaves no record: in the engine's metrics, and now and then by a line in the log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["GROUP", "Counter", "Metrics", "Tally", "Unshown"]

GROUP = "penstock"
"""What Flink shows before the counters' names."""

#: A flood makes a line a minute, with the number, and not a line each.
_PAUSE_S = 60.0
_NOTHING: Mapping[str, object] = {}


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


class Unshown:
    """Metrics where there is no engine that shows them: what is counted stands in the log alone."""

    def add_group(self, name: str) -> Unshown:
        """Return a group like this one."""
        return self

    def counter(self, name: str) -> Unshown:
        """Return a counter, which nobody asks."""
        return self

    def inc(self, n: int = 1) -> None:
        """Count ``n`` more, for nobody."""


class Tally:
    """A counter, and its lines in the log: one at once, then one a minute while there is something to say."""

    def __init__(
        self,
        counter: Counter,
        log: Callable[[Mapping[str, object]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counter = counter
        self._log = log
        self._clock = clock
        self._untold = 0
        self._facts = _NOTHING
        self._next = clock()

    def add(self, number: int, facts: Mapping[str, object] = _NOTHING) -> None:
        """Count ``number`` more; ``facts`` are those of the last of them, for the log."""
        if number:
            self._counter.inc(number)
            self._untold += number
            self._facts = facts
        if self._untold and self._clock() >= self._next:
            self.tell()

    def tell(self) -> None:
        """Log what was counted since the last line."""
        if self._untold:
            self._log({"count": self._untold, **self._facts})
            self._untold = 0
            self._next = self._clock() + _PAUSE_S
