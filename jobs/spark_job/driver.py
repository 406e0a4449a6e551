"""The Spark job's program: a session, two queries, the models; it runs until it is asked to end, or one of them fails.

A query for requests, and one for shadows' copies, which is there only while a route has a shadow of a Spark model. What
is scored, and how, is the same as in the other jobs (`penstock.serving`): Spark brings the records and keeps count.
"""

from __future__ import annotations

import shutil
import threading
import time
from typing import TYPE_CHECKING

from jobs.spark_job import session as spark
from jobs.spark_job.bridge import Bridge
from jobs.spark_job.engine import Engine
from jobs.spark_job.loader import SparkLoader
from jobs.spark_job.reading import Reading, partitions
from jobs.spark_job.serving import JOB, SparkServing
from jobs.spark_job.slots import Need
from jobs.spark_job.streams import Stream, StreamError
from jobs.spark_job.triggers import REAL_TIME, Choice
from penstock.control import portable
from penstock.errors import BridgeError, KafkaUnavailableError, SettingsError
from penstock.garbage import settle
from penstock.logs import get_logger
from penstock.sections import DeliveryGuarantee

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.spark_job.reading import Topics
    from penstock.settings import Settings

__all__ = ["Driver"]

_log = get_logger(__name__)
_TICK_S = 0.25
_COUNTS_EVERY_S = 60.0
_MIB = 1 << 20


class Driver:
    """The job in this process. Used from one thread; `stop` from any."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._choice = Choice(settings.spark)
        self._stopping = threading.Event()
        self._look = threading.Event()
        self._copies_wanted = False
        self._streams: dict[bool, tuple[SparkServing, Stream]] = {}
        """By whether they are of copies."""
        self._readings = {copies: Reading.of(settings, JOB, copies=copies) for copies in (False, True)}

    def stop(self) -> None:
        """Ask it to end."""
        self._stopping.set()

    def run(self) -> int:
        """Score until `stop`, and return the exit status.

        Raises:
            SettingsError: slots are too few for the topics that there are.
            PenstockError: there is no broker, no document, no Spark.
        """
        settings = self._settings
        if settings.flink.delivery_guarantee is DeliveryGuarantee.EXACTLY_ONCE:
            _log.warning("job spark writes at least once, whatever flink.delivery_guarantee says (docs/spark.md)")
        self._refuse_too_few_slots()
        folder = settings.local.state_dir / "tmp" / self._readings[False].checkpoint.name
        shutil.rmtree(folder, ignore_errors=True)
        self._session = spark.start(
            spark.Java(
                heap_mb=settings.spark.driver_memory_mb,
                slots=settings.spark.slots,
                jars=settings.local.jars_dir / "spark",
                folder=folder,
                host=settings.local.host,
            )
        )
        self._loader = SparkLoader(
            Engine(self._session),
            folder / "models",
            settings.models.most_unpacked_mb * _MIB,
            settings.spark.frame_rows,
            lambda: self.remark,
        )
        try:
            return self._run(self._session)
        finally:
            self._session.stop()
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def remark(self) -> str:
        """What users should know of how the job reads; "" where all is as they asked."""
        reason = self._choice.reason
        return "" if reason is None else f"scored in micro-batches: {reason}"

    def _run(self, session: SparkSession) -> int:
        try:
            self._open(copies=False)
            settle()
            self._watch()
        except StreamError:
            _log.exception("the job ends")
            return 1
        finally:
            self._close()
        return 0

    def _watch(self) -> None:
        spark_settings, interval_s = self._settings.spark, self._settings.flink.topic_discovery_interval_ms / 1000
        now = time.monotonic()
        commit_at, look_at, count_at = now + spark_settings.commit_interval_ms / 1000, now + interval_s, now
        while not self._stopping.wait(_TICK_S):
            now = time.monotonic()
            for _, stream in self._streams.values():
                stream.check()
            if self._look.is_set() or now >= look_at:
                self._look.clear()
                self._follow()
                look_at = now + interval_s
            if now >= commit_at:
                for _, stream in self._streams.values():
                    self._commit(stream)
                commit_at = now + spark_settings.commit_interval_ms / 1000
            if now >= count_at:
                for _, stream in self._streams.values():
                    _log.info("so far", **stream.counts())
                count_at = now + _COUNTS_EVERY_S

    def _commit(self, stream: Stream) -> None:
        """Tell the consumer group how far a query is; that it cannot be told costs repetitions after a crash only."""
        try:
            stream.commit()
        except BridgeError as error:
            _log.warning("progress was not told", query=stream.reading.name, cause=str(error))

    def _open(self, *, copies: bool) -> None:
        """Learn which models there are, load those that routes name, then read."""
        serving = SparkServing(
            portable.pack(self._settings), lambda _: self._loader, self._document_changed, of_copies=copies
        )
        try:
            serving.open()
            reading = self._readings[copies]
            java = self._session._jvm  # noqa: SLF001 (the bridge's other end)
            bridge = Bridge(java, reading.name, self._settings, queue_rows=self._settings.spark.queue_rows)
            stream = Stream(self._session, bridge, reading, serving.scorer, self._choice, self._batch_rows)
        except BaseException:
            serving.close()
            raise
        self._streams[copies] = serving, stream
        try:
            topics = self._topics()
            self._weigh(topics)
            stream.open(topics[copies])
        except BaseException:
            # Left among the others it would be taken for one that reads, and nobody would score what it is given.
            self._close_one(self._soon(), copies=copies)
            raise
        _log.info("reading", query=reading.name, topics=sorted(stream.topics), trigger=self._choice.trigger.kind)

    def _batch_rows(self) -> int:
        return self._loader.batch_rows

    def _document_changed(self, *, shadows: bool) -> None:
        """Be told of a document in force, from the thread that follows; its topics are there."""
        self._copies_wanted = shadows
        self._look.set()

    def _follow(self) -> None:
        """Read the topics that there are now, and copies while somebody wants them."""
        try:
            if self._copies_wanted and True not in self._streams:
                self._open(copies=True)
            elif not self._copies_wanted and True in self._streams:
                self._close_one(self._soon(), copies=True)
            topics = self._topics()
        except KafkaUnavailableError as error:
            _log.warning("topics were not looked at", cause=str(error))
            return
        self._weigh(topics)
        for copies, (_, stream) in self._streams.items():
            stream.follow(topics[copies])

    def _topics(self) -> dict[bool, Topics]:
        return {copies: self._readings[copies].topics() for copies in self._streams}

    def _weigh(self, topics: dict[bool, Topics]) -> None:
        """Choose the trigger by the slots that these topics take, and tell of a change."""
        before = self.remark
        self._choice.short(Need.of(*map(partitions, topics.values())).shortage(self._settings.spark.slots))
        if self.remark != before:
            _log.warning("the trigger changes", trigger=self._choice.trigger.kind, because=self._choice.reason)
            for serving, _ in self._streams.values():
                serving.worker.models_changed()

    def _refuse_too_few_slots(self) -> None:
        if self._settings.spark.trigger != REAL_TIME:
            return
        need = Need.of(partitions(self._readings[False].topics()))
        shortage = need.shortage(self._settings.spark.slots)
        if shortage is not None:
            raise SettingsError((shortage,))

    def _soon(self) -> float:
        """Return by when a query ends while the others go on: the driver may be asked to end meanwhile."""
        return time.monotonic() + self._settings.local.stop_deadline_s / 2

    def _close(self) -> None:
        """End the queries, users' requests first, all by one deadline.

        Whoever ends the driver waits for twice as long (`penstock.local.supervision`): the rest is for Java's own end.
        """
        deadline = time.monotonic() + self._settings.local.stop_deadline_s
        for copies in sorted(self._streams):
            self._close_one(deadline, copies=copies)

    def _close_one(self, deadline: float, *, copies: bool) -> None:
        """End one query by a deadline, as `time.monotonic` counts."""
        serving, stream = self._streams.pop(copies)
        try:
            stream.close(max(0.0, deadline - time.monotonic()))
        except Exception:  # noqa: BLE001 (what ends ends: the other query is to end well)
            _log.exception("query did not end well, what it had taken comes again", query=stream.reading.name)
        finally:
            serving.close()
