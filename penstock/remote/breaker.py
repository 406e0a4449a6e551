"""When a server is asked, and when it is left alone: a circuit breaker. Pure: it is told the time, and never waits.

Closed: calls go through. Open: none does, until a back-off is over. Half-open: one probe goes through, and decides.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Breaker", "BreakerConfig", "BreakerState", "Permit"]


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerConfig:
    """When a breaker opens, and for how long."""

    failures: int = 5
    """So many in a row open it."""
    last: int = 20
    """It looks at so many calls back for ``share``."""
    share: float = 0.5
    """More of them failed than this: it opens, whatever came in between."""
    least_s: float = 0.2
    """First back-off; each probe that fails doubles it."""
    most_s: float = 5.0
    """Longest back-off."""


class Permit(NamedTuple):
    """Leave to make one call. What became of it is told with it, so that late news of an earlier time counts for none.

    A permit that is never given back blocks only where it is a probe's: see `Breaker.abandoned`.
    """

    era: int
    probe: bool


class Breaker:
    """One server's breaker; its caller locks it. ``now`` is any clock that only goes forward, in seconds."""

    def __init__(self, config: BreakerConfig, chance: Callable[[], float] = random.random) -> None:
        """Begin closed.

        Args:
            config: when it opens.
            chance: at least 0 and less than 1; workers that lost a server at one time shall not all probe at one time.
        """
        self.state = BreakerState.CLOSED
        self.since: float | None = None
        """When it opened; None while it is closed."""
        self.due: float = 0.0
        """When the next probe is allowed, if it is open."""
        self.why = ""
        """What the failure said that opened it, or the last one since."""
        self._config = config
        self._chance = chance
        self._era = 0
        self._in_a_row = 0
        self._last: deque[bool] = deque(maxlen=config.last)
        self._delay_s = config.least_s

    def allows(self, now: float) -> Permit | None:
        """Give leave for a call; None: not now. An open one whose back-off is over gives leave to a single probe."""
        if self.state is BreakerState.CLOSED:
            return Permit(self._era, probe=False)
        if self.state is BreakerState.OPEN and now >= self.due:
            self.state = BreakerState.HALF_OPEN
            return Permit(self._era, probe=True)
        return None

    def succeeded(self, permit: Permit) -> None:
        """Take in that the server answered, be it to refuse what it was asked."""
        if permit.era != self._era:
            return
        if permit.probe:
            self._close()
            return
        self._in_a_row = 0
        self._last.append(True)
        # Not sooner: one that answers probes but no calls would be tried at the first back-off for ever.
        self._delay_s = self._config.least_s

    def failed(self, permit: Permit, now: float, why: str) -> None:
        """Take in that it did not answer, was too late, or had too much to do."""
        if permit.era != self._era:
            return
        if permit.probe:
            self._open(now, why)
            return
        self._in_a_row += 1
        self._last.append(False)
        config = self._config
        full = len(self._last) == config.last
        if self._in_a_row >= config.failures or (full and self._last.count(False) > config.share * config.last):
            self._open(now, why)

    def abandoned(self, permit: Permit, now: float) -> None:
        """Take in that a call ended in a way that says nothing of the server: a probe may be made at once."""
        if permit.probe and permit.era == self._era:
            self.state = BreakerState.OPEN
            self.due = now

    def trip(self, now: float, why: str) -> None:
        """Open it at once if it is closed: a health check has failed, which is no question of load."""
        if self.state is BreakerState.CLOSED:
            self._open(now, why)

    def _open(self, now: float, why: str) -> None:
        if self.since is None:
            self.since = now
        self._era += 1
        self.state = BreakerState.OPEN
        self.why = why
        self.due = now + self._delay_s * (1 + self._chance()) / 2
        self._delay_s = min(self._delay_s * 2, self._config.most_s)

    def _close(self) -> None:
        self._era += 1
        self.state = BreakerState.CLOSED
        self.since = None
        self.why = ""
        self._in_a_row = 0
        self._last.clear()
