"""A follower: reads a control topic to its end before the first record, then as it grows, for the subject it is about.

What a message means is the subject's affair: the routing document that is in force, or the models that there are.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from penstock.control.reading import ControlLog
from penstock.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.clusters import ClusterSettings
    from penstock.control.messages import Message, Verdict
    from penstock.errors import PenstockError

__all__ = ["Follower", "Subject"]

_log = get_logger(__name__)
#: How long one look at the topic waits: also how late an end that was asked for is noticed.
_POLL_MS = 200
#: Between two attempts at what failed because Kafka was away.
_PAUSE_S = 1.0
_JOIN_S = 5.0


class Subject(Protocol):
    """What a control topic is about. One thread calls all of this; no message makes any of it raise."""

    def recover(self, messages: Sequence[Message]) -> list[Verdict]:
        """Take all that the topic holds, in its order; return what became of what matters of it, in order too."""
        ...

    def ready(self) -> PenstockError | None:
        """Return why nothing can begin with what was recovered; None: it can."""
        ...

    def offer(self, message: Message) -> Verdict:
        """Take the topic's next message."""
        ...

    def again(self) -> Verdict | None:
        """Try once more what failed only because something was away, where it is time to; called time and again.

        Return what became of it if that is news.
        """
        ...


class Follower:
    """Follows a control topic. Nothing that stands on the topic, and no broker that is away, ends it."""

    def __init__(
        self, cluster: ClusterSettings, topic: str, subject: Subject, *, on_verdict: Callable[[Verdict], None]
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            cluster: where the topic is.
            topic: its name.
            subject: takes what was read.
            on_verdict: is told what became of each message, after that.
        """
        self._cluster = cluster
        self._topic = topic
        self._subject = subject
        self._on_verdict = on_verdict
        self._closing = threading.Event()
        self._next = 0
        self._thread: threading.Thread | None = None

    def start(self, patience_s: float) -> None:
        """Read the topic to its end, and follow from there.

        Raises:
            KafkaUnavailableError: the topic was not read to its end in time.
            ControlTopicError: the topic is missing or not as it has to be.
            PenstockError: what the subject says: it cannot begin with what the topic holds.
        """
        log = ControlLog(self._cluster, self._topic)
        try:
            self._begin(log, patience_s)
        except BaseException:
            log.close()
            raise
        self._thread = threading.Thread(target=self._follow, args=(log,), name=f"follow {self._topic}", daemon=True)
        self._thread.start()

    def _begin(self, log: ControlLog, patience_s: float) -> None:
        messages = log.to_end(patience_s)
        verdicts = self._subject.recover(messages)
        fault = self._subject.ready()
        if fault is not None:
            raise fault
        for verdict in verdicts:
            self._on_verdict(verdict)
        if messages:
            self._next = messages[-1].offset + 1

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
                    self._next = message.offset + 1
                    self._on_verdict(self._subject.offer(message))
                verdict = self._subject.again()
                if verdict is not None:
                    self._on_verdict(verdict)
            except Exception as error:  # noqa: BLE001 (the thread's boundary: whatever it is, the last good state stays)
                _log.warning("control topic not read, what was read stays", topic=self._topic, cause=str(error))
                if log is not None:
                    log.close()
                    log = None
                self._closing.wait(_PAUSE_S)
        if log is not None:
            log.close()
