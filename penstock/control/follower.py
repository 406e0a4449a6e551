"""A follower: holds the newest good routing document of the control topic, from before the first record on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from penstock.control.messages import Message, Verdict, VerdictKind
from penstock.control.reading import ControlLog
from penstock.errors import KafkaUnavailableError, NoRoutingDocumentError
from penstock.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.clusters import ClusterSettings
    from penstock.control.documents import Apply, Documents, LiveDocument

__all__ = ["Follower"]

_log = get_logger(__name__)
#: How long one look at the topic waits: also how late an end that was asked for is noticed.
_POLL_MS = 200
#: Between two attempts at what failed because Kafka was away.
_PAUSE_S = 1.0
#: After each attempt so many times the processor time that it took: ten thousand routes are a second's work.
_REST = 9
_JOIN_S = 5.0


class Follower:
    """Follows the routing document. Nothing that stands on the topic, and no broker that is away, ends it."""

    def __init__(
        self,
        cluster: ClusterSettings,
        topic: str,
        documents: Documents,
        *,
        on_document: Apply,
        on_verdict: Callable[[Verdict], None],
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            cluster: where the topic is.
            topic: its name.
            documents: holds what was read.
            on_document: puts a document in force; one for which it raises is rejected, and the last one stays.
            on_verdict: is told what became of each message, after that.
        """
        self._cluster = cluster
        self._topic = topic
        self._documents = documents
        self._on_document = on_document
        self._on_verdict = on_verdict
        self._closing = threading.Event()
        self._came = threading.Condition()
        self._next = 0
        self._again: Message | None = None
        self._again_at = 0.0
        self._thread: threading.Thread | None = None

    def start(self, patience_s: float) -> LiveDocument:
        """Read the topic to its end, put the newest good document in force, and follow from there.

        Raises:
            KafkaUnavailableError: the topic was not read to its end in time, or a cluster that the newest good
                document needs is away.
            ControlTopicError: the topic is missing or not as it has to be.
            NoRoutingDocumentError: the topic holds no good document.
        """
        log = ControlLog(self._cluster, self._topic)
        try:
            current = self._begin(log, patience_s)
        except BaseException:
            log.close()
            raise
        self._thread = threading.Thread(target=self._follow, args=(log,), name=f"follow {self._topic}", daemon=True)
        self._thread.start()
        return current

    def _begin(self, log: ControlLog, patience_s: float) -> LiveDocument:
        away: list[KafkaUnavailableError] = []

        def put_in_force(live: LiveDocument) -> None:
            try:
                self._on_document(live)
            except KafkaUnavailableError as error:
                away.append(error)
                raise

        messages = log.to_end(patience_s)
        verdicts = self._documents.recover(messages, put_in_force)
        if away:  # not a reason to begin with an older document: others may be at work with the newer one
            raise away[0]
        current = self._documents.current
        if current is None:
            raise NoRoutingDocumentError(self._topic, verdicts[-1].reasons if verdicts else ())
        by_offset = {message.offset: message for message in messages}
        for verdict in verdicts:
            self._tell(by_offset[verdict.offset], verdict)
        self._next = messages[-1].offset + 1
        return current

    def wait_for(self, version: int, patience_s: float) -> LiveDocument | None:
        """Return the document of a version, and wait for it if it is yet to come; None if it does not."""
        found = self._documents.version(version)
        until = time.monotonic() + patience_s
        with self._came:
            while found is None and self._to_come(version) and (left := until - time.monotonic()) > 0:
                self._came.wait(left)
                found = self._documents.version(version)
        # It may have come between the look for it and the question whether it is yet to come.
        return self._documents.version(version) if found is None else found

    def _to_come(self, version: int) -> bool:
        current = self._documents.current
        return current is None or version > current.version

    def close(self) -> None:
        """Stop following."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def _follow(self, log: ControlLog | None) -> None:
        while not self._closing.is_set():
            try:
                if log is None:
                    log = ControlLog(self._cluster, self._topic)
                    log.seek(self._next)
                for message in log.poll(_POLL_MS):
                    self._take(message)
                self._try_again()
            except Exception as error:  # noqa: BLE001 (the thread's boundary: whatever it is, the last good one stays)
                _log.warning(
                    "control topic not read, the last good document stays", topic=self._topic, cause=str(error)
                )
                if log is not None:
                    log.close()
                    log = None
                self._closing.wait(_PAUSE_S)
        if log is not None:
            log.close()

    def _take(self, message: Message) -> None:
        self._next = message.offset + 1
        verdict = self._documents.offer(message.value, message.published_ms, message.offset, self._on_document)
        self._tell(message, verdict)

    def _try_again(self) -> None:
        """Offer once more what was rejected only because Kafka was away."""
        if self._again is None or time.monotonic() < self._again_at:
            return
        message = self._again
        begun = time.thread_time()
        verdict = self._documents.offer(message.value, message.published_ms, message.offset, self._on_document)
        if verdict.passing:  # as was told already
            self._again_at = time.monotonic() + max(_PAUSE_S, _REST * (time.thread_time() - begun))
        else:
            self._again = None
            self._tell(message, verdict)

    def _tell(self, message: Message, verdict: Verdict) -> None:
        current = self._documents.current
        if verdict.passing:
            self._again, self._again_at = message, time.monotonic() + _PAUSE_S
        if verdict.kind is VerdictKind.APPLIED:
            self._again = None
            _log.info("routing document applied", version=verdict.version, offset=verdict.offset)
            with self._came:
                self._came.notify_all()
        elif verdict.kind is VerdictKind.REJECTED:
            _log.warning(
                "routing document rejected, the last good one stays",
                version=current.version if current else None,
                offset=verdict.offset,
                reasons=verdict.reasons,
            )
        self._on_verdict(verdict)
