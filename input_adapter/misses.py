"""What a router leaves out without a record of it: routes whose expression failed, and copies that are too large."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from penstock.logs import get_logger
from penstock.tallies import GROUP, Metrics, Tally

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from input_adapter.router import Router

__all__ = ["FAILED_EXPRESSIONS", "SKIPPED_SHADOWS", "Misses"]

FAILED_EXPRESSIONS = "failed_expressions"
"""Counts how often a route's expression could not be computed."""
SKIPPED_SHADOWS = "skipped_shadows"
"""Counts copies for shadows that would have been too large."""

_log = get_logger(__name__)


class Misses:
    """Takes over what routers have counted; one for each worker. Close it after use: it may have something to say."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        group = metrics.add_group(GROUP)
        self._failed = Tally(
            group.counter(FAILED_EXPRESSIONS),
            lambda facts: _log.warning("a route's expression could not be computed", **facts),
            clock,
        )
        self._skipped = Tally(
            group.counter(SKIPPED_SHADOWS),
            lambda facts: _log.warning("copies for a shadow would be too large", **facts),
            clock,
        )

    def take(self, router: Router) -> None:
        """Take over what a router has counted since the last time, and let it begin anew."""
        _move(router.failed_expressions, self._failed)
        _move(router.skipped_shadows, self._skipped)

    def close(self) -> None:
        """Log what was counted since the last line."""
        self._failed.tell()
        self._skipped.tell()


def _move(counts: Counter[str], tally: Tally) -> None:
    if counts:
        ((route, _),) = counts.most_common(1)
        tally.add(counts.total(), {"route": route})
        counts.clear()
    else:  # as nearly always; something may be left to say
        tally.add(0)
