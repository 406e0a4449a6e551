"""Sending at an exact rate: each event has its own due moment, counted from the start, so that delays never add up."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["Stop", "paced"]

T = TypeVar("T")

_SHORTEST_NAP_S = 0.001  # shorter waits cost more than they bring: events due within it go out together


class Stop:
    """A wish to end, set by a signal; waiting on it ends at once when it is set."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask for the end."""
        self._event.set()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep, or less when the end is asked for."""
        self._event.wait(seconds)


def paced(
    items: Iterable[T],
    rate: float,
    stop: Stop,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[T]:
    """Yield items at ``rate`` a second (0 = as they come) until they or ``stop`` end.

    The n-th item is due at start + n / rate. After a stall the late items follow at once: the count over time is kept,
    which is what a load test needs.
    """
    start = clock()
    for number, item in enumerate(items):
        if rate > 0:
            early = start + number / rate - clock()
            if early > _SHORTEST_NAP_S:
                stop.wait(early)
        if stop:
            return
        yield item
