"""Writing records to a topic: a backlog as fast as possible, or a steady rate, each in a process of its own.

Run as a program: ``python -m benchmarks.writing --help``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from confluent_kafka import Producer

from benchmarks import records as pools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.records import Record

Headers = list[tuple[str, str | bytes | None]]

__all__ = ["backlog", "main", "paced"]

_QUEUE = 500_000
_FULL_QUEUE_PAUSE_S = 0.05
_US = 1_000_000
#: Between two looks at what is due: well below a millisecond, which is what delays are told in.
_NAP_S = 0.0004


def backlog(producer: Producer, topic: str, records: Sequence[Record], count: int) -> None:
    """Write ``count`` records, over and over those of the pool, as fast as possible."""
    due_us = time.time_ns() // 1000
    ready: list[tuple[bytes, bytes, Headers]] = [
        (record.value(due_us), record.key, [*record.headers]) for record in records
    ]
    for value, key, headers in itertools.islice(itertools.cycle(ready), count):
        while True:
            try:
                producer.produce(topic, value, key, headers=headers)
            except BufferError:
                producer.poll(_FULL_QUEUE_PAUSE_S)
            else:
                break


def paced(producer: Producer, topic: str, records: Sequence[Record], rate: int, span: tuple[float, float]) -> float:
    """Write ``rate`` records a second from ``span``'s start to its end, each stamped with the moment it was due.

    A record that goes out late, because this process had to wait for a core, keeps its moment: the delay counts.

    Returns:
        The worst delay of ours, in milliseconds.
    """
    start, end = span
    numbered = zip(itertools.count(), itertools.cycle(records), strict=False)
    total, worst = int(rate * (end - start)), 0.0
    for number, record in itertools.islice(numbered, total):
        due = start + number / rate
        while (late := time.time() - due) < 0:
            producer.poll(0)
            time.sleep(_NAP_S)
        worst = max(worst, late)
        producer.produce(topic, record.value(int(due * _US)), record.key, headers=[*record.headers])
    return worst * 1000


def main() -> None:
    """Write, and say how it went in a line of JSON."""
    parser = argparse.ArgumentParser(description="Write records to a topic.")
    parser.add_argument("--bootstrap", required=True, help="brokers, host:port")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--pool", type=Path, required=True, help="file that benchmarks.workload made")
    parser.add_argument("--count", type=int, default=0, help="a backlog of so many records")
    parser.add_argument("--rate", type=int, default=0, help="instead: so many records a second")
    parser.add_argument("--start", type=float, default=0.0, help="of the rate, in seconds since 1970")
    parser.add_argument("--seconds", type=float, default=0.0, help="for how long")
    told = parser.parse_args()
    records = pools.read(told.pool)
    # A backlog of Penstock's own records is compressed as its sinks do it; users' events are not.
    packed = bool(told.count and records[0].headers)
    producer = Producer(
        {
            "bootstrap.servers": told.bootstrap,
            "queue.buffering.max.messages": _QUEUE,
            "linger.ms": 20 if told.count else 0,
            "compression.type": "lz4" if packed else "none",
        }
    )
    worst_ms = 0.0
    if told.count:
        backlog(producer, told.topic, records, told.count)
    else:
        worst_ms = paced(producer, told.topic, records, told.rate, (told.start, told.start + told.seconds))
    left = producer.flush(60)
    click.echo(json.dumps({"unsent": left, "worst_delay_ms": worst_ms}))


if __name__ == "__main__":
    main()
