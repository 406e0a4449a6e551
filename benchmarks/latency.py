"""Latency: how long events take through a program at a steady rate, from the moment they were due to their receipt."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from benchmarks import execution
from benchmarks.workload import STAMP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.own_stack import OwnStack
    from benchmarks.programs import Program

__all__ = ["Delays", "Pace", "Summary", "measure", "percentile"]

_US = 1_000_000
#: From the start of the writer's process to its first record.
_LEAD_S = 2.0
#: How long to wait for late events after the last was due; one that comes later, or never, counts with this delay.
_GRACE_S = 5.0
_BATCH = 1000


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
        delays = sorted(self.found_us) + [int(_GRACE_S * _US)] * missing
        p50, p95, p99, worst = (percentile(delays, share) / 1000 for share in (0.5, 0.95, 0.99, 1.0))
        return Summary(
            p50=p50, p95=p95, p99=p99, worst=worst, events=expected, missing=missing, writer_delay=writer_delay
        )


def percentile(ordered: Sequence[int], share: float) -> int:
    """Return the smallest value that at least ``share`` of all values do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def measure(own: OwnStack, program: Program, pool: Path, pace: Pace) -> Summary:
    """Write events at a rate while the program runs, receive what becomes of them, and sum up the delays."""
    consumer = _at_the_end(own, program)
    try:
        start = time.time() + _LEAD_S
        counted = start + pace.settle_s
        end = counted + pace.seconds
        told = {"bootstrap": own.bootstrap, "topic": program.source, "pool": pool, "rate": pace.rate}
        span = {"start": start, "seconds": end - start}
        flags = [text for name, value in {**told, **span}.items() for text in (f"--{name}", str(value))]
        writer = execution.helper(own, "benchmarks.writing", *flags)
        delays, expected = Delays(counted, end), int(pace.rate * pace.seconds)
        while time.time() < end or (len(delays.found_us) < expected and time.time() < end + _GRACE_S):
            first = consumer.poll(0.1)
            if first is None:
                continue
            batch = [first, *consumer.consume(_BATCH, 0)]
            received_us = time.time_ns() // 1000
            for message in batch:
                delays.add(message.value() or b"", received_us)
        answer, _ = writer.communicate(timeout=_GRACE_S)
    finally:
        consumer.close()
    return delays.summary(expected, json.loads(answer)["worst_delay_ms"])


def _at_the_end(own: OwnStack, program: Program) -> Consumer:
    """Return a consumer that stands at the end of the program's last topics."""
    consumer = Consumer({"bootstrap.servers": own.bootstrap, "group.id": "bench-receiver", "enable.auto.commit": False})
    partitions = range(own.settings.topics.partitions)
    consumer.assign([TopicPartition(topic, number, OFFSET_END) for topic in program.received for number in partitions])
    deadline = time.monotonic() + _LEAD_S / 2
    while time.monotonic() < deadline:  # until it has found the ends, before the first event
        consumer.poll(0.1)
    return consumer
