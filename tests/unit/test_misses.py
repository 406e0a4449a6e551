"""What a router counts, taken over into the engine's metrics and the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from input_adapter.misses import Misses
from input_adapter.router import Router
from penstock.testing.builders import document, events, route
from penstock.testing.metrics import CountedMetrics

if TYPE_CHECKING:
    import pytest

EVENT = b'{"type":"iris"}'


def router(limit: int = 10_000) -> Router:
    """A router with an expression that fails on an event without ``n``, and with a shadow that gets all events."""
    return Router(
        document(
            routes=[
                route(name="asks", match={"type": "iris"}, when="event.n > 1"),
                route(shadow=[{"model": "iris-tree:2", "name": "s" * 100}]),
            ]
        ),
        prefix="penstock",
        max_request_bytes=limit,
        max_dead_letter_bytes=20_000,
    )


def largest_without_copy() -> int:
    """The least limit that lets the event pass, which its copy is above of."""
    return next(
        limit for limit in range(1_000) if not router(limit).route(*events(EVENT)).topics[0].endswith("letters")
    )


def test_what_a_router_counted_is_taken_over_once(caplog: pytest.LogCaptureFixture) -> None:
    """Also from one router after the other: a new document brings a new one."""
    caplog.set_level(logging.WARNING)
    metrics = CountedMetrics()
    misses = Misses(metrics)
    first, second = router(), router(largest_without_copy())
    first.route(*events(EVENT, EVENT))
    misses.take(first)
    misses.take(first)
    second.route(*events(EVENT))
    misses.take(second)

    assert metrics.counts == {"penstock.failed_expressions": 3, "penstock.skipped_shadows": 1}
    assert [line.facts for line in caplog.records] == [{"count": 2, "route": "asks"}, {"count": 1, "route": "iris"}]
    misses.close()
    assert caplog.records[-1].facts == {"count": 1, "route": "asks"}
