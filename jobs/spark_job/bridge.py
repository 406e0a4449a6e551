"""The way of records between Spark's query and Python: all calls of Java that the record path makes are here.

Spark's tasks put rows into a queue inside Java and wait there while it is full; Python takes what waits, and gives back
what becomes of it, which Java sends to Kafka. A task ends when all of its rows have been acknowledged (docs/adr/0016).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from py4j.protocol import Py4JError

from jobs.spark_job import packing
from jobs.spark_job.java_errors import JAVA_ERRORS, said
from jobs.spark_job.prompt import answer_promptly, ask_promptly
from penstock.errors import BridgeError
from penstock.scoring import HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pyspark.sql import DataFrame
    from pyspark.sql.streaming.query import StreamingQuery

    from penstock.event import Deliveries
    from penstock.scoring import Requests
    from penstock.settings import Settings

__all__ = ["COLUMNS", "Bridge", "BridgeCounts"]

COLUMNS = ("key", "value", "topic", "partition", "offset", "unix_millis(timestamp) AS timestamp", "headers")
"""What the Java writer reads of Spark's Kafka source, in this order."""

QUEUE_BYTES = 64 << 20


class BridgeCounts(NamedTuple):
    """Rows since the bridge was opened."""

    waiting: int
    """Now in the queue."""
    outstanding: int
    """Let in and not yet delivered, those in the queue included."""
    accepted: int
    """Let in."""
    skipped: int
    """Not let in, because they had been before."""
    delivered: int
    """What became of them has been acknowledged."""


class Bridge:
    """One query's way to Python and back. `take` and `give` are one thread's; the rest may be called by others."""

    def __init__(
        self, jvm: Any, name: str, settings: Settings, *, queue_rows: int = 20_000, queue_bytes: int = QUEUE_BYTES
    ) -> None:
        """Open it; clients of the internal cluster begin to look for brokers.

        Args:
            jvm: Java, as pyspark hands it out.
            name: unlike that of any other bridge of the program.
            settings: where and how to write.
            queue_rows: most rows that wait for Python.
            queue_bytes: most bytes of keys, values and headers that do, about.
        """
        client = settings.kafka.internal_cluster.java_properties()
        opened = jvm.io.penstock.spark.Bridge.open
        self._name = name
        self._jvm = jvm
        self._taker = 0
        self._asked(answer_promptly, jvm)
        self._java = self._asked(
            opened, name, client, _producing(settings), "\x1f".join(HEADERS), queue_rows, queue_bytes
        )

    def start(self, stream: DataFrame, checkpoint: Path, trigger: Mapping[str, Any], query_name: str) -> StreamingQuery:
        """Start a query that writes a stream of Spark's Kafka source, headers included, into the bridge.

        May be called again when the query was stopped: what had been let in is not let in again.

        Args:
            stream: the source.
            checkpoint: where Spark keeps its offsets.
            trigger: as `DataStreamWriter.trigger` takes it.
            query_name: what Spark calls it in its log.
        """
        from pyspark.sql.streaming.query import StreamingQuery

        writer = stream.selectExpr(*COLUMNS).writeStream.queryName(query_name).outputMode("update")
        writer = writer.option("checkpointLocation", str(checkpoint)).trigger(**trigger)
        foreach = writer._jwrite.foreach(self._java.writer())  # noqa: SLF001 pyspark takes writers in Python only
        return StreamingQuery(foreach.start())

    def take(self, most: int, wait_ms: int) -> tuple[int, Requests] | None:
        """Return what waits, at most so many rows, and the number under which to give it back; None if nothing came."""
        packed = self._asked(self._java.take, most, wait_ms)
        if (thread := threading.get_ident()) != self._taker:
            self._taker = thread
            ask_promptly(self._jvm)
        return packing.read_requests(packed) if packed else None

    def give(self, number: int, deliveries: Deliveries) -> None:
        """Send what becomes of a batch: one delivery for each of its rows."""
        self._asked(self._java.give, number, packing.deliveries(deliveries))

    def fail(self, reason: str) -> None:
        """Let the query fail, and all else that uses the bridge: nobody takes rows any more."""
        self._asked(self._java.fail, reason)

    def resume(self, group: str) -> list[str]:
        """Begin where a consumer group stands: rows before that are not let in. To be called before the first query.

        Returns sentences about offsets that were left out, because they cannot be of the topic that is there now.
        """
        remarks: str = self._asked(self._java.resume, group)
        return remarks.splitlines()

    def forget(self, topics: Iterable[str]) -> None:
        """Drop what is known of topics that were made anew; to be called while no query runs."""
        self._asked(self._java.forget, "\x1f".join(set(topics)))

    def commit(self, group: str, patience_s: float) -> None:
        """Write how far all is delivered as a consumer group's offsets.

        Raises `BridgeError`, also where it takes longer.
        """
        self._asked(self._java.commit, group, int(patience_s * 1000))

    def progress(self) -> dict[tuple[str, int], int]:
        """Return by topic and partition the next offset: all rows before it are delivered."""
        lines: str = self._asked(self._java.progress)
        rows = (line.split("\t") for line in lines.splitlines())
        return {(topic, int(partition)): int(offset) for topic, partition, offset in rows}

    def counts(self) -> BridgeCounts:
        """Return numbers of rows."""
        numbers: str = self._asked(self._java.counts)
        return BridgeCounts(*map(int, numbers.split()))

    def drain(self, patience_s: float) -> bool:
        """Let nothing more in, and wait until all that is in has been delivered; meanwhile somebody must take and give.

        Returns whether it was in time: what is not written by then does not count as done.
        """
        drained: bool = self._asked(self._java.drain, int(patience_s * 1000))
        return drained

    def close(self) -> None:
        """Give its clients up; a query that still runs fails."""
        self._asked(self._java.close)

    def _asked(self, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except JAVA_ERRORS as error:
            raise BridgeError(self._name, said(error)) from error
        except (Py4JError, OSError) as error:
            raise BridgeError(self._name, f"Java does not answer: {error}") from error


def _producing(settings: Settings) -> dict[str, str]:
    """Properties of the producer, which are those of the Flink jobs' sinks."""
    flink, limits = settings.flink, settings.limits
    return {
        "acks": "all",
        "enable.idempotence": "true",
        "compression.type": flink.compression,
        "linger.ms": str(flink.linger_ms),
        "batch.size": str(flink.producer_batch_bytes),
        "max.request.size": str(limits.max_dead_letter_bytes + limits.batch_overhead_bytes),
        "delivery.timeout.ms": str(flink.delivery_timeout_ms),
    }
