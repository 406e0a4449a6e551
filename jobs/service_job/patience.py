"""How long requests may still be held back for a server that is away. Pure: time is handed in."""

from __future__ import annotations

import threading

__all__ = ["Patience"]


class Patience:
    """What is left to wait in one outage: in all batches together, until the server answers again.

    Counted is the time for which requests were held back, not the age of the outage: after an hour without requests the
    first one has all of it.
    """

    def __init__(self, patience_s: float, between_s: float) -> None:
        """Begin with all of it.

        Args:
            patience_s: how long, in one outage.
            between_s: two waits that are no further apart are one: in between the same requests were tried in vain,
                which is waiting, too.
        """
        self.patience_ms = round(patience_s * 1000)
        """All of it, for messages."""
        self._patience_s = patience_s
        self._between_s = between_s
        self._spent_s = 0.0
        self._ended: float | None = None
        self._lock = threading.Lock()

    def until(self, now: float) -> float:
        """When it is over, for a wait that begins now; no later than now: it is over already."""
        with self._lock:
            return now + self._patience_s - self._spent_s - self._since(now)

    def waited(self, begin: float, end: float) -> None:
        """Take in that there was a wait, in vain or not."""
        with self._lock:
            self._spent_s += self._since(begin) + end - begin
            self._ended = end

    def restore(self) -> None:
        """Take in that the server answered."""
        if self._spent_s:  # without the lock: this is asked after each call, and most follow no outage
            with self._lock:
                self._spent_s, self._ended = 0.0, None

    def _since(self, now: float) -> float:
        """The time since the last wait, where that was not long ago."""
        if self._ended is None or now - self._ended > self._between_s:
            return 0.0
        return now - self._ended
