"""Records that are written nowhere: what is counted, and how often the log tells of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from penstock.event import Deliveries, pack_headers
from penstock.testing.metrics import CountedMetrics
from penstock.unwritten import Unwritten

if TYPE_CHECKING:
    import pytest

CAUSE = pack_headers({"penstock-error-code": "DECODE", "penstock-error-reason": "no JSON"})


def batch(*, written: int = 1, dropped: int = 0, lost: int = 0) -> Deliveries:
    """A batch of so many of each."""
    rows = [("scores", "a")] * written + [(None, "")] * dropped + [(None, CAUSE)] * lost
    return Deliveries(
        topics=[topic for topic, _ in rows], values=[None] * len(rows), headers=[text for _, text in rows]
    )


class Clock:
    """A clock that stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        """Say the time."""
        return self.now


def test_dropped_and_lost_are_counted_apart() -> None:
    """One was asked for, the other should not happen; what is written is neither."""
    metrics = CountedMetrics()
    unwritten = Unwritten(metrics)
    unwritten.note(batch(written=3, dropped=2))
    unwritten.note(batch(lost=1, dropped=1))
    unwritten.note(batch())

    assert metrics.counts == {"penstock.dropped": 3, "penstock.lost": 1}


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    """The levels and facts of the lines so far."""
    return [(line.levelname, line.facts) for line in caplog.records]


def test_first_one_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """With the cause, where there is one."""
    caplog.set_level(logging.INFO)
    unwritten = Unwritten(CountedMetrics(), Clock())
    unwritten.note(batch(dropped=2, lost=1))

    assert told(caplog) == [
        ("INFO", {"count": 2}),
        ("ERROR", {"count": 1, "code": "DECODE", "reason": "no JSON"}),
    ]


def test_a_flood_is_a_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """With the number since the last line; a batch without any brings out what is left, and so does the end."""
    caplog.set_level(logging.INFO)
    clock = Clock()
    unwritten = Unwritten(CountedMetrics(), clock)
    for _ in range(5):
        unwritten.note(batch(dropped=10))
    assert [facts["count"] for _, facts in told(caplog)] == [10]
    clock.now += 61
    unwritten.note(batch())
    assert [facts["count"] for _, facts in told(caplog)] == [10, 40]
    unwritten.note(batch(dropped=1))
    unwritten.close()
    unwritten.close()

    assert [facts["count"] for _, facts in told(caplog)] == [10, 40, 1]
