"""Latency: how long events take through a program at a steady rate, from the moment they were due to their receipt."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from benchmarks import execution
from benchmarks.delays import LONGEST_WAIT_S, Delays

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.delays import Pace, Summary
    from benchmarks.own_stack import OwnStack
    from benchmarks.programs import Program

__all__ = ["measure"]

#: From the start of the writer's process to its first record.
_LEAD_S = 2.0
_BATCH = 1000


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
        while time.time() < end or (len(delays.found_us) < expected and time.time() < end + LONGEST_WAIT_S):
            first = consumer.poll(0.1)
            if first is None:
                continue
            batch = [first, *consumer.consume(_BATCH, 0)]
            received_us = time.time_ns() // 1000
            for message in batch:
                delays.add(message.value() or b"", received_us)
        said = json.loads(execution.finished(writer, LONGEST_WAIT_S))
    finally:
        consumer.close()
    return delays.summary(expected, said["worst_delay_ms"])


def _at_the_end(own: OwnStack, program: Program) -> Consumer:
    """Return a consumer that stands at the end of the program's last topics."""
    consumer = Consumer({"bootstrap.servers": own.bootstrap, "group.id": "bench-receiver", "enable.auto.commit": False})
    partitions = range(own.settings.topics.partitions)
    consumer.assign([TopicPartition(topic, number, OFFSET_END) for topic in program.received for number in partitions])
    deadline = time.monotonic() + _LEAD_S / 2
    while time.monotonic() < deadline:  # until it has found the ends, before the first event
        consumer.poll(0.1)
    return consumer
