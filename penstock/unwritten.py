"""Records that are written nowhere: counted and logged, so that none disappears without a trace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from penstock.deadletter import ERROR_CODE, ERROR_REASON
from penstock.event import unpack_headers
from penstock.logs import get_logger
from penstock.tallies import GROUP, Metrics, Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.event import Deliveries

__all__ = ["DROPPED", "LOST", "Unwritten"]

DROPPED = "dropped"
"""Counts events that no route takes, where the routing document says to drop them."""
LOST = "lost"
"""Counts records that are too large even for a dead letter."""

_log = get_logger(__name__)


class Unwritten:
    """Looks for them among deliveries; one for each worker. Close it after use: it may have something left to say."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        group = metrics.add_group(GROUP)
        self._dropped = Tally(
            group.counter(DROPPED), lambda facts: _log.info("events were dropped that no route takes", **facts), clock
        )
        self._lost = Tally(
            group.counter(LOST), lambda facts: _log.error("records are too large even as dead letters", **facts), clock
        )

    def note(self, deliveries: Deliveries) -> None:
        """Count those of a batch. Of deliveries without a topic, those that carry a cause are lost, others dropped."""
        found = deliveries.topics.count(None)  # as quick as it can be: nearly always there are none
        causes = _causes(deliveries) if found else []
        self._dropped.add(found - len(causes))
        self._lost.add(len(causes), _facts(causes[-1]) if causes else {})

    def close(self) -> None:
        """Log what was counted since the last line."""
        self._dropped.tell()
        self._lost.tell()


def _causes(deliveries: Deliveries) -> list[str]:
    rows = zip(deliveries.topics, deliveries.headers, strict=True)
    return [headers for topic, headers in rows if topic is None and headers]


def _facts(cause: str) -> dict[str, str]:
    headers = unpack_headers(cause)
    known = {"code": headers.get(ERROR_CODE), "reason": headers.get(ERROR_REASON)}
    return {name: text for name, text in known.items() if text}
