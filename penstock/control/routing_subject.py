"""The routing document as what a follower follows: one document is in force, and earlier ones can be asked for."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from penstock.control.messages import Message, Verdict, VerdictKind
from penstock.errors import KafkaUnavailableError, NoRoutingDocumentError, PenstockError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.control.documents import Apply, Documents, LiveDocument

__all__ = ["RoutingSubject"]

#: Between two attempts at what failed because Kafka was away.
_PAUSE_S = 1.0
#: After each attempt so many times the processor time that it took: ten thousand routes are a second's work.
_REST = 9


class RoutingSubject:
    """Holds the newest good routing document. One thread offers; any thread may ask for a version."""

    def __init__(self, topic: str, documents: Documents, apply: Apply) -> None:
        """Begin with no document.

        Args:
            topic: the routing topic, for errors that name it.
            documents: holds what was read.
            apply: puts a document in force; one for which it raises is rejected, and the last one stays.
        """
        self._topic = topic
        self._documents = documents
        self._apply = apply
        self._came = threading.Condition()
        self._fault: PenstockError | None = NoRoutingDocumentError(topic, ())
        self._again: Message | None = None
        self._again_at = 0.0

    def recover(self, messages: Sequence[Message]) -> list[Verdict]:
        """Put the newest good document in force."""
        away: list[KafkaUnavailableError] = []

        def put_in_force(live: LiveDocument) -> None:
            try:
                self._apply(live)
            except KafkaUnavailableError as error:
                away.append(error)
                raise

        verdicts = self._documents.recover(messages, put_in_force)
        self._fault = None
        if away:  # not a reason to begin with an older document: others may be at work with the newer one
            self._fault = away[0]
        elif self._documents.current is None:
            self._fault = NoRoutingDocumentError(self._topic, verdicts[-1].reasons if verdicts else ())
        by_offset = {message.offset: message for message in messages}
        for verdict in verdicts:
            self._note(by_offset[verdict.offset], verdict)
        return verdicts

    def ready(self) -> PenstockError | None:
        """Without a document there is nothing to begin with, nor while a cluster that the newest one needs is away."""
        return self._fault

    def offer(self, message: Message) -> Verdict:
        """Put a document in force if it is one, and newer."""
        verdict = self._offer(message)
        self._note(message, verdict)
        return verdict

    def again(self) -> Verdict | None:
        """Offer once more what was rejected only because Kafka was away."""
        message = self._again
        if message is None or time.monotonic() < self._again_at:
            return None
        begun = time.thread_time()
        verdict = self._offer(message)
        if verdict.passing:  # as was told already
            self._again_at = time.monotonic() + max(_PAUSE_S, _REST * (time.thread_time() - begun))
            return None
        self._again = None
        self._note(message, verdict)
        return verdict

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

    def _offer(self, message: Message) -> Verdict:
        return self._documents.offer(message.value, message.published_ms, message.offset, self._apply)

    def _note(self, message: Message, verdict: Verdict) -> None:
        if verdict.passing:
            self._again, self._again_at = message, time.monotonic() + _PAUSE_S
        if verdict.kind is VerdictKind.APPLIED:
            self._again = None
            with self._came:
                self._came.notify_all()
