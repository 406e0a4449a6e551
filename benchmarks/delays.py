"""Delays of events, collected and summed up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.records import STAMP

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LONGEST_WAIT_S", "Delays", "Pace", "Summary", "percentile"]

LONGEST_WAIT_S = 10.0
"""How long late events are waited for after the last was due; one that comes later, or never, counts with it."""

_US = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a rate is measured: events of the first ``settle_s`` seconds do not count, those of ``seconds`` after do."""

    rate: int
    settle_s: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Delays at one rate, in milliseconds."""

    p50: float
    p95: float
    p99: float
    worst: float
    events: int
    missing: int
    """Events that did not come in time; in the percentiles they stand with the longest wait there was."""
    writer_delay: float
    """The worst delay before an event was even written, when the machine was busy elsewhere."""


class Delays:
    """Collects delays of the events that were due within a window."""

    def __init__(self, start: float, end: float) -> None:
        self._window = int(start * _US), int(end * _US)
        self.found_us: list[int] = []

    def add(self, value: bytes, received_us: int) -> None:
        """Take in a received value."""
        stamp = STAMP.search(value)
        if stamp is None:
            return
        due = int(stamp[1])
        if self._window[0] <= due < self._window[1]:
            self.found_us.append(received_us - due)

    def summary(self, expected: int, writer_delay: float) -> Summary:
        """Sum up; events that never came count as the longest wait."""
        missing = max(0, expected - len(self.found_us))
        delays = sorted(self.found_us) + [int(LONGEST_WAIT_S * _US)] * missing
        p50, p95, p99, worst = (percentile(delays, share) / 1000 for share in (0.5, 0.95, 0.99, 1.0))
        return Summary(
            p50=p50, p95=p95, p99=p99, worst=worst, events=expected, missing=missing, writer_delay=writer_delay
        )


def percentile(ordered: Sequence[int], share: float) -> int:
    """Return the smallest value that at least ``share`` of all values do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
