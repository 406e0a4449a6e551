"""One of the driver's queries: Spark reads and keeps count, the bridge carries rows, a thread of Python scores them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from jobs.spark_job.checkpoints import Checkpoint
from jobs.spark_job.reading import beginning
from jobs.spark_job.triggers import REAL_TIME, refusal
from penstock.logs import get_logger
from penstock.tallies import Unshown
from penstock.unwritten import Unwritten

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

    from jobs.spark_job.bridge import Bridge
    from jobs.spark_job.reading import Reading, Topics
    from jobs.spark_job.triggers import Choice, Trigger
    from penstock.scoring import Scorer

__all__ = ["Stream", "StreamError"]

_log = get_logger(__name__)
_TAKE_MS = 200
_JOIN_S = 5.0
#: What a broker that is away may cost whoever tells it of progress; it is told again later, or rows come again.
_COMMIT_S = 5.0


class StreamError(RuntimeError):
    """The query or what scores its rows has ended by itself: the driver ends, and whoever watches it starts it anew."""


class Stream:
    """A query over topics whose rows are scored by a thread of its own. Used from one thread."""

    def __init__(
        self,
        session: SparkSession,
        bridge: Bridge,
        reading: Reading,
        scorer: Scorer,
        choice: Choice,
        batch_rows: Callable[[], int],
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            session: the driver's.
            bridge: for this query alone.
            reading: what it reads.
            scorer: scores batches.
            choice: which trigger to use.
            batch_rows: most rows of a batch, which takes whatever is there.
        """
        self.reading = reading
        self.topics: Topics = {}
        """The topics that the query was started with."""
        self._session = session
        self._bridge = bridge
        self._scorer = scorer
        self._choice = choice
        self._batch_rows = batch_rows
        self._checkpoint = Checkpoint(reading.checkpoint)
        self._query: StreamingQuery | None = None
        self._trigger: Trigger | None = None
        self._unwritten = Unwritten(Unshown())
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"score {reading.name}", daemon=True)

    def open(self, topics: Topics) -> None:
        """Begin where its consumer group says that it was. Raises `StreamError`."""
        for warning in self._bridge.resume(self.reading.group):
            _log.warning("progress is not used", query=self.reading.name, because=warning)
        self._thread.start()
        self._start(topics)

    def follow(self, topics: Topics) -> None:
        """Read these topics, and by the trigger that is to be used now; nothing happens where both are so already."""
        stale = self._checkpoint.made_anew(topics)
        grown = [name for name, now in topics.items() if name not in self.topics or now != self.topics[name]]
        if not stale and not grown and self._choice.trigger == self._trigger:
            return
        if self._query is not None:
            self._query.stop()
        if stale:
            self._bridge.forget(stale)
        _log.info("query starts again", query=self.reading.name, topics=grown, trigger=self._choice.trigger.kind)
        self._start(topics)

    def check(self) -> None:
        """Make sure that it runs; where real time was refused, go on in batches. Raises `StreamError`."""
        if self._ending.is_set():
            raise StreamError(f"the thread that scores {self.reading.name} has ended")
        query = self._query
        if query is None or query.isActive:
            return
        self._fall_back(str(query.exception() or "it has ended, and nobody says why"))
        self._start(self.topics)

    def commit(self, patience_s: float = _COMMIT_S) -> None:
        """Tell the consumer group how far it is: as far as all is written, and no further."""
        self._bridge.commit(self.reading.group, patience_s)

    def counts(self) -> dict[str, object]:
        """Return how it is, for the log."""
        return {"query": self.reading.name, **self._bridge.counts()._asdict()}

    def close(self, patience_s: float) -> None:
        """End what has begun: what was taken is scored, written and told to the consumer group; nothing comes again.

        Args:
            patience_s: for all of that; what is not done by then comes again.
        """
        deadline = time.monotonic() + patience_s
        try:
            if self._query is not None and not self._ending.is_set():
                if not self._bridge.drain(patience_s):
                    _log.warning("not all that was taken is written: it comes again", **self.counts())
                self.commit(max(_COMMIT_S, deadline - time.monotonic()))  # nobody tells it again
        finally:
            self._ending.set()
            if self._query is not None:
                self._query.stop()
            if self._thread.ident is not None:
                self._thread.join(max(0.0, min(_JOIN_S, deadline - time.monotonic())))
            self._unwritten.close()
            self._bridge.close()

    def _start(self, topics: Topics) -> None:
        self.topics = topics
        if anew := self._checkpoint.begin(topics):
            _log.warning(
                "topics were made anew, they are read from their beginning", query=self.reading.name, topics=anew
            )
        options = self.reading.options(beginning(topics, self._bridge.progress()))
        while True:
            self._trigger = trigger = self._choice.trigger
            source = self._session.readStream.format("kafka").options(**options).load()
            name = f"{self.reading.name}"
            try:
                self._query = self._bridge.start(source, self._checkpoint.folder, trigger.options(), name)
            except Exception as error:  # noqa: BLE001 (pyspark raises whatever Spark does)
                self._fall_back(str(error))
            else:
                return

    def _fall_back(self, error: str) -> None:
        why = refusal(error) if self._trigger is not None and self._trigger.kind == REAL_TIME else None
        if why is None:
            raise StreamError(f"query {self.reading.name!r} has failed: {error}")
        _log.warning("Spark refuses real time, batches are taken instead", query=self.reading.name, because=why)
        self._choice.refused(why)

    def _work(self) -> None:
        take, give, score, note = self._bridge.take, self._bridge.give, self._scorer.score, self._unwritten.note
        try:
            while not self._ending.is_set():
                batch = take(self._batch_rows(), _TAKE_MS)
                if batch is not None:
                    number, requests = batch
                    deliveries = score(requests)
                    give(number, deliveries)
                    note(deliveries)
        except Exception as error:  # noqa: BLE001 (the thread's boundary: the driver ends)
            if not self._ending.is_set():
                _log.exception("scoring has ended", query=self.reading.name)
                self._tell(str(error))
        finally:
            self._ending.set()

    def _tell(self, why: str) -> None:
        try:
            self._bridge.fail(why)
        except Exception:  # noqa: BLE001 (Java may be what has ended)
            _log.exception("the bridge was not told", query=self.reading.name)
